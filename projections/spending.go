package projections

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// SpendingRow is a row of spending: what the live runs of a workspace cost on a day (UTC). Imported history is not in it.
type SpendingRow struct {
	Workspace string       `db:"workspace,pk"`
	Day       string       `db:"day,pk"` // of a step's end; what a run cost beyond its steps, of the run's
	CostNanos events.Nanos `db:"cost_nanos"`
}

type spendingKey struct{ workspace, day string }

var spendingTable = readmodel.NewTable("spending", readmodel.TableOf[spendingKey, SpendingRow]{
	Key:   func(r *SpendingRow) spendingKey { return spendingKey{r.Workspace, r.Day} },
	Fresh: func(k spendingKey, r *SpendingRow) { r.Workspace, r.Day = strings.Clone(k.workspace), k.day },
	Row: []readmodel.ColumnOf[SpendingRow]{
		readmodel.Key(readmodel.Symbol("workspace", func(r *SpendingRow) *string { return &r.Workspace })),
		readmodel.Key(readmodel.Symbol("day", func(r *SpendingRow) *string { return &r.Day })),
		readmodel.Int("cost_nanos", func(r *SpendingRow) *events.Nanos { return &r.CostNanos }),
	},
})

// spending keeps what live runs cost, for the budgets.
var spending = readmodel.Projection{
	Name: "spending", Version: 1, Tables: []readmodel.AnyTable{spendingTable},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		rows, run := spendingTable.In(w), factOfRun.In(w)
		return func(f *readmodel.Fact) error {
			cost := run.spent(f)
			if cost == 0 {
				return nil
			}
			r, err := rows.Row(spendingKey{run.row.Workspace, run.day})
			if err == nil {
				r.CostNanos = saturate(r.CostNanos, cost)
			}
			return err
		}
	},
}

// spent is what a fact adds to the cost of a live run.
func (f *runFact) spent(fact *readmodel.Fact) events.Nanos {
	if f.row == nil || f.row.Source != "" {
		return 0
	}
	if e, ok := fact.Event.(events.RunStepFinished); ok {
		return e.CostNanos
	}
	if f.ended() {
		return f.row.CostNanos - f.row.stepCost
	}
	return 0
}

// Spending implements Reader.
func (r *reader) Spending(ctx context.Context, since string) ([]SpendingRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, spendingTable, readmodel.Query{
		Where: []readmodel.Condition{{Column: "day", Op: readmodel.AtLeast, Text: since}}, Order: readmodel.Ascending("workspace", "day"),
	}))
}

// MarshalJSON writes the documented shape.
func (r SpendingRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Workspace string `json:"workspace"`
		Day       string `json:"day"`
		CostUSD   string `json:"cost_usd"`
	}{r.Workspace, r.Day, r.CostNanos.String()})
}

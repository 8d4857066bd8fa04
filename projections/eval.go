package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// EvalRow is a row of evals: what came of asking the runs of a dataset again.
type EvalRow struct {
	Eval      string              `db:"eval,pk"`
	Workspace string              `db:"workspace,pk"`
	Agent     string              `db:"agent"`
	Version   int64               `db:"version"` // of the agent that was asked, 0 where it was changed for the eval
	Dataset   string              `db:"dataset"`
	DatasetAt uint64              `db:"dataset_at"`
	Runs      int64               `db:"runs"`
	Passed    int64               `db:"passed"`
	CostNanos events.Nanos        `db:"cost_nanos"`
	Unpriced  bool                `db:"unpriced"`
	By        string              `db:"by"`
	EndedAt   time.Time           `db:"ended_at"`
	Position  uint64              `db:"position"`
	Found     events.EvalFinished `db:"found"` // all of it
}

var evalTable = readmodel.NewTable("evals", readmodel.TableOf[named, EvalRow]{
	Key:   func(r *EvalRow) named { return named{r.Eval, r.Workspace} },
	Fresh: func(k named, r *EvalRow) { r.Eval, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *EvalRow) int { return 2048 + len(r.Found.Config.Prompt) },
	Row: []readmodel.ColumnOf[EvalRow]{
		readmodel.Key(readmodel.String("eval", func(r *EvalRow) *string { return &r.Eval })),
		workspaceKey(func(r *EvalRow) *string { return &r.Workspace }),
		readmodel.Symbol("agent", func(r *EvalRow) *string { return &r.Agent }),
		readmodel.Int("version", func(r *EvalRow) *int64 { return &r.Version }),
		readmodel.Symbol("dataset", func(r *EvalRow) *string { return &r.Dataset }),
		readmodel.Int("dataset_at", func(r *EvalRow) *uint64 { return &r.DatasetAt }),
		readmodel.Int("runs", func(r *EvalRow) *int64 { return &r.Runs }),
		readmodel.Int("passed", func(r *EvalRow) *int64 { return &r.Passed }),
		money("cost_nanos", func(r *EvalRow) *events.Nanos { return &r.CostNanos }),
		readmodel.Bool("unpriced", func(r *EvalRow) *bool { return &r.Unpriced }),
		readmodel.Symbol("by", func(r *EvalRow) *string { return &r.By }),
		readmodel.Time("ended_at", func(r *EvalRow) *time.Time { return &r.EndedAt }),
		readmodel.Int("position", func(r *EvalRow) *uint64 { return &r.Position }),
		readmodel.Document("found", func(r *EvalRow) *events.EvalFinished { return &r.Found }),
	},
})

// evalsOf keeps what evals came to.
var evalsOf = readmodel.Projection{
	Name: "evals", Version: 1, Tables: []readmodel.AnyTable{evalTable},
	Lists: []readmodel.List{evalTable.List(readmodel.List{
		Name: "evals", Help: "What came of asking the runs of datasets again, the latest first", Order: []readmodel.Order{{Column: "position", Descending: true}},
		Filters: []readmodel.Filter{{Column: "agent", Help: "Only evals of this agent."}, {Column: "dataset", Help: "Only evals on this dataset."}},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		rows := evalTable.In(w)
		return func(f *readmodel.Fact) error {
			e, ok := f.Event.(events.EvalFinished)
			if !ok {
				return nil
			}
			r, err := rows.Row(keyOf(f))
			if err != nil {
				return err
			}
			r.Agent, r.Version, r.Dataset, r.DatasetAt = strings.Clone(e.Agent), int64(e.Version), strings.Clone(e.Dataset), e.DatasetAt
			r.Runs, r.Passed, r.CostNanos, r.Unpriced, r.By = e.Runs, e.Passed, e.CostNanos, e.Unpriced, strings.Clone(e.By)
			r.Found, r.EndedAt, r.Position = e, f.When, f.Envelope.Position
			return nil
		}
	},
}

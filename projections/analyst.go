package projections

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// AnalystRow is a row of analysts: what became of an analyst's forecasts.
type AnalystRow struct {
	Analyst   string  `db:"analyst,pk"`
	Workspace string  `db:"workspace,pk"`
	Scored    int64   `db:"scored"`
	CameTrue  int64   `db:"came_true"`
	Brier     float64 `db:"brier"` // the mean of the scores
	// Bound tells that all it proposes waits for a person, Reason why, or why no longer.
	Bound    bool   `db:"bound"`
	Reason   string `db:"reason"`
	Position uint64 `db:"position"`
}

var analystTable = readmodel.NewTable("analysts", readmodel.TableOf[named, AnalystRow]{
	Key: func(r *AnalystRow) named { return named{r.Analyst, r.Workspace} },
	Fresh: func(k named, r *AnalystRow) {
		r.Analyst, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace)
	},
	Row: []readmodel.ColumnOf[AnalystRow]{
		readmodel.Key(readmodel.String("analyst", func(r *AnalystRow) *string { return &r.Analyst })),
		workspaceKey(func(r *AnalystRow) *string { return &r.Workspace }),
		readmodel.Int("scored", func(r *AnalystRow) *int64 { return &r.Scored }),
		readmodel.Int("came_true", func(r *AnalystRow) *int64 { return &r.CameTrue }),
		readmodel.Document("brier", func(r *AnalystRow) *float64 { return &r.Brier }),
		readmodel.Bool("bound", func(r *AnalystRow) *bool { return &r.Bound }),
		readmodel.String("reason", func(r *AnalystRow) *string { return &r.Reason }),
		readmodel.Int("position", func(r *AnalystRow) *uint64 { return &r.Position }),
	},
})

// analysts keeps how analysts' forecasts came out.
var analysts = readmodel.Projection{
	Name: "analysts", Version: 1, Tables: []readmodel.AnyTable{analystTable},
	Lists: []readmodel.List{analystTable.List(readmodel.List{
		Name: "analysts", Help: "How the forecasts of each analyst came out, and which of them may do nothing without a person", Order: readmodel.Ascending("analyst"),
	})},
	Bind: bindAnalysts,
}

func bindAnalysts(w *readmodel.WorkingSet) readmodel.Fold {
	rows := analystTable.In(w)
	return func(f *readmodel.Fact) error {
		e, ok := f.Event.(events.Analyst)
		if !ok {
			return nil
		}
		r, err := rows.Row(keyOf(f))
		if err != nil {
			return err
		}
		r.Position = f.Envelope.Position
		switch e := e.(type) {
		case events.AnalystScored:
			r.Brier = (float64(r.Brier*float64(r.Scored)) + e.Brier) / float64(r.Scored+1)
			r.Scored++
			if e.CameTrue {
				r.CameTrue++
			}
		case events.AnalystBound:
			r.Bound, r.Reason = true, e.Reason
		case events.AnalystFreed:
			r.Bound, r.Reason = false, e.Reason
		}
		return nil
	}
}

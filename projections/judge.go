package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// JudgeRow is a row of judges: how far a judge agrees with people, as it was measured last.
type JudgeRow struct {
	Judge      string               `db:"judge,pk"`
	Workspace  string               `db:"workspace,pk"`
	Agent      string               `db:"agent"`
	Model      string               `db:"model"`
	Criterion  string               `db:"criterion"`
	MeasuredAt time.Time            `db:"measured_at"`
	Position   uint64               `db:"position"`
	Found      events.JudgeMeasured `db:"found"` // all of it
}

var judgeTable = readmodel.NewTable("judges", readmodel.TableOf[named, JudgeRow]{
	Key:   func(r *JudgeRow) named { return named{r.Judge, r.Workspace} },
	Fresh: func(k named, r *JudgeRow) { r.Judge, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *JudgeRow) int { return 1024 + 2*len(r.Criterion) },
	Row: []readmodel.ColumnOf[JudgeRow]{
		readmodel.Key(readmodel.String("judge", func(r *JudgeRow) *string { return &r.Judge })),
		workspaceKey(func(r *JudgeRow) *string { return &r.Workspace }),
		readmodel.Symbol("agent", func(r *JudgeRow) *string { return &r.Agent }),
		readmodel.Symbol("model", func(r *JudgeRow) *string { return &r.Model }),
		readmodel.String("criterion", func(r *JudgeRow) *string { return &r.Criterion }),
		readmodel.Time("measured_at", func(r *JudgeRow) *time.Time { return &r.MeasuredAt }),
		readmodel.Int("position", func(r *JudgeRow) *uint64 { return &r.Position }),
		readmodel.Document("found", func(r *JudgeRow) *events.JudgeMeasured { return &r.Found }),
	},
})

// judges keeps how far judges agree with people.
var judges = readmodel.Projection{
	Name: "judges", Version: 1, Tables: []readmodel.AnyTable{judgeTable},
	Lists: []readmodel.List{judgeTable.List(readmodel.List{
		Name: "judges", Help: "How far judges agree with people, as each was measured last", Order: []readmodel.Order{{Column: "position", Descending: true}},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		rows := judgeTable.In(w)
		return func(f *readmodel.Fact) error {
			e, ok := f.Event.(events.JudgeMeasured)
			if !ok {
				return nil
			}
			r, err := rows.Row(keyOf(f))
			if err != nil {
				return err
			}
			r.Agent, r.Model, r.Criterion = strings.Clone(e.Agent), strings.Clone(e.Model), strings.Clone(e.Criterion)
			r.Found, r.MeasuredAt, r.Position = e, f.When, f.Envelope.Position
			return nil
		}
	},
}

package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// LoopRow is the row of a workspace's loop of improvements. The zero value is one that nobody ever paused.
type LoopRow struct {
	Workspace string `db:"workspace,pk"`
	// Paused tells that no step is taken that no person takes, since Since, for Reason. By is who paused or resumed it last.
	Paused   bool      `db:"paused"`
	By       string    `db:"by"`
	Reason   string    `db:"reason"`
	Since    time.Time `db:"since"`
	Position uint64    `db:"position"`
}

var loopTable = readmodel.NewTable("loop", readmodel.TableOf[string, LoopRow]{
	Key:   func(r *LoopRow) string { return r.Workspace },
	Fresh: func(k string, r *LoopRow) { r.Workspace = strings.Clone(k) },
	Row: []readmodel.ColumnOf[LoopRow]{
		workspaceKey(func(r *LoopRow) *string { return &r.Workspace }),
		readmodel.Bool("paused", func(r *LoopRow) *bool { return &r.Paused }),
		readmodel.Symbol("by", func(r *LoopRow) *string { return &r.By }),
		readmodel.String("reason", func(r *LoopRow) *string { return &r.Reason }),
		readmodel.Time("since", func(r *LoopRow) *time.Time { return &r.Since }),
		readmodel.Int("position", func(r *LoopRow) *uint64 { return &r.Position }),
	},
})

// loops keeps whether the loop of improvements is paused.
var loops = readmodel.Projection{
	Name: "loop", Version: 1, Tables: []readmodel.AnyTable{loopTable},
	Lists: []readmodel.List{loopTable.List(readmodel.List{
		Name: "loop", Help: "Whether the loop of improvements is paused, by whom and why", Order: readmodel.Ascending("workspace"),
	})},
	Bind: bindLoop,
}

func bindLoop(w *readmodel.WorkingSet) readmodel.Fold {
	loops := loopTable.In(w)
	return func(f *readmodel.Fact) error {
		e, ok := f.Event.(events.Loop)
		if !ok {
			return nil
		}
		r, err := loops.Row(f.Workspace)
		if err != nil {
			return err
		}
		r.Since, r.Position = f.When, f.Envelope.Position
		switch e := e.(type) {
		case events.LoopPaused:
			r.Paused, r.By, r.Reason = true, strings.Clone(e.By), e.Reason
		case events.LoopResumed:
			r.Paused, r.By, r.Reason = false, strings.Clone(e.By), e.Reason
		}
		return nil
	}
}

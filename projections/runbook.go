package projections

import (
	"time"

	"github.com/virtuous6/virtuous6/events"
)

var runbookTable = of("runbooks", spec[string, RunbookRow]{
	key:   func(r *RunbookRow) string { return r.Runbook },
	fresh: func(runbook string) RunbookRow { return RunbookRow{Runbook: runbook} },
	weigh: func(r *RunbookRow) int { return len(r.Notes) + 128*len(r.Steps) },
	columns: []column[RunbookRow]{
		key(text("runbook", func(r *RunbookRow) *string { return &r.Runbook })),
		integer("version", func(r *RunbookRow) *int64 { return &r.Version }),
		symbol("workflow", func(r *RunbookRow) *string { return &r.Workflow }),
		text("run", func(r *RunbookRow) *string { return &r.Run }),
		instant("saved_at", func(r *RunbookRow) *time.Time { return &r.SavedAt }),
		integer("position", func(r *RunbookRow) *uint64 { return &r.Position }),
		document("steps", func(r *RunbookRow) *[]events.RunbookStep { return &r.Steps }),
		text("notes", func(r *RunbookRow) *string { return &r.Notes }),
	},
})

// foldRunbook keeps the latest version of each runbook.
func foldRunbook(w *workingSet, f *fact) error {
	e, ok := f.Event.(events.RunbookSaved)
	if !ok {
		return nil
	}
	if e.Runbook != f.id {
		return damaged("it names %q, another than its stream", e.Runbook)
	}
	r, err := w.runbooks.row(e.Runbook)
	if err != nil {
		return err
	}
	r.Version++
	r.Workflow, r.Run, r.Steps, r.Notes = e.Workflow, e.Run, e.Steps, e.Notes
	r.SavedAt, r.Position = f.when, f.Envelope.Position
	return nil
}

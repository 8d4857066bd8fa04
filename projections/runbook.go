package projections

import (
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

var runbookTable = readmodel.NewTable("runbooks", readmodel.TableOf[named, RunbookRow]{
	Key:   func(r *RunbookRow) named { return named{r.Runbook, r.Workspace} },
	Fresh: func(k named, r *RunbookRow) { r.Runbook, r.Workspace = k.name, strings.Clone(k.workspace) },
	Weigh: func(r *RunbookRow) int { return len(r.Notes) + 128*len(r.Steps) },
	Row: []readmodel.ColumnOf[RunbookRow]{
		readmodel.Key(readmodel.String("runbook", func(r *RunbookRow) *string { return &r.Runbook })),
		workspaceKey(func(r *RunbookRow) *string { return &r.Workspace }),
		readmodel.Int("version", func(r *RunbookRow) *int64 { return &r.Version }),
		readmodel.Symbol("workflow", func(r *RunbookRow) *string { return &r.Workflow }),
		readmodel.String("run", func(r *RunbookRow) *string { return &r.Run }),
		readmodel.Time("saved_at", func(r *RunbookRow) *time.Time { return &r.SavedAt }),
		readmodel.Int("position", func(r *RunbookRow) *uint64 { return &r.Position }),
		readmodel.As(readmodel.Document("steps", func(r *RunbookRow) *[]events.RunbookStep { return &r.Steps }), "steps", func(r *RunbookRow) any { return jsonList(r.Steps) }),
		readmodel.String("notes", func(r *RunbookRow) *string { return &r.Notes }),
		readmodel.String("requester", func(r *RunbookRow) *string { return &r.Requester }),
	},
})

// runbooks keeps the latest version of each runbook.
var runbooks = readmodel.Projection{
	Name: "runbooks", Version: 2, Tables: []readmodel.AnyTable{runbookTable},
	Lists: []readmodel.List{runbookTable.List(readmodel.List{
		Name: "runbooks", Help: "Runbooks, each in its latest version", Order: readmodel.Ascending("runbook"),
	})},
	Bind: bindRunbooks,
}

func bindRunbooks(w *readmodel.WorkingSet) readmodel.Fold {
	runbooks := runbookTable.In(w)
	return func(f *readmodel.Fact) error { return foldRunbook(runbooks, f) }
}

func foldRunbook(runbooks *readmodel.Cache[named, RunbookRow], f *readmodel.Fact) error {
	e, ok := f.Event.(events.RunbookSaved)
	if !ok {
		return nil
	}
	if e.Runbook != f.ID {
		return readmodel.Damaged("it names %q, another than its stream", e.Runbook)
	}
	r, err := runbooks.Row(keyOf(f))
	if err != nil {
		return err
	}
	r.Version++
	r.Workflow, r.Run, r.Steps, r.Notes, r.Requester = e.Workflow, e.Run, e.Steps, e.Notes, e.Requester
	r.SavedAt, r.Position = f.When, f.Envelope.Position
	return nil
}

// Slots are the names of what the runbook leaves open, in the order of its steps.
func (r RunbookRow) Slots() (names []string) {
	for _, step := range r.Steps {
		for _, text := range []string{step.Instruction, step.Params, step.Question} {
			for _, mark := range events.SlotMark.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(names, mark[1]) {
					names = append(names, mark[1])
				}
			}
		}
	}
	return names
}

package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// RuleRow is a row of rules: what makes verdicts of the scores in a workflow.
type RuleRow struct {
	Workflow  string    `db:"workflow,pk"`
	Workspace string    `db:"workspace,pk"`
	Rule      string    `db:"rule"` // empty where it was taken away
	SetBy     string    `db:"set_by"`
	SetAt     time.Time `db:"set_at"`
	Position  uint64    `db:"position"`
}

var ruleTable = readmodel.NewTable("rules", readmodel.TableOf[named, RuleRow]{
	Key:   func(r *RuleRow) named { return named{r.Workflow, r.Workspace} },
	Fresh: func(k named, r *RuleRow) { r.Workflow, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Row: []readmodel.ColumnOf[RuleRow]{
		readmodel.Key(readmodel.Symbol("workflow", func(r *RuleRow) *string { return &r.Workflow })),
		workspaceKey(func(r *RuleRow) *string { return &r.Workspace }),
		readmodel.Symbol("rule", func(r *RuleRow) *string { return &r.Rule }),
		readmodel.Symbol("set_by", func(r *RuleRow) *string { return &r.SetBy }),
		readmodel.Time("set_at", func(r *RuleRow) *time.Time { return &r.SetAt }),
		readmodel.Int("position", func(r *RuleRow) *uint64 { return &r.Position }),
	},
})

// rules keeps which rule makes verdicts of the scores in each workflow.
var rules = readmodel.Projection{
	Name: "rules", Version: 1, Tables: []readmodel.AnyTable{ruleTable},
	Lists: []readmodel.List{ruleTable.List(readmodel.List{
		Name: "rules", Help: "The rules that make verdicts of scores and labels, by workflow", Order: readmodel.Ascending("workflow"),
	})},
	Bind: bindRules,
}

func bindRules(w *readmodel.WorkingSet) readmodel.Fold {
	rules := ruleTable.In(w)
	return func(f *readmodel.Fact) error {
		e, ok := f.Event.(events.RuleSet)
		if !ok {
			return nil
		}
		if e.Workflow != f.ID {
			return readmodel.Damaged("it names %q, another than its stream", e.Workflow)
		}
		r, err := rules.Row(keyOf(f))
		if err == nil {
			r.Rule, r.SetBy = strings.Clone(e.Rule), strings.Clone(e.By)
			r.SetAt, r.Position = f.When, f.Envelope.Position
		}
		return err
	}
}

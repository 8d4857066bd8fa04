package projections

import (
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The statuses of what a role was asked.
const (
	RoleOpen     = "asked"
	RoleTaken    = "taken"
	RoleRefused  = "refused"
	RoleSilenced = "silenced"
)

// RoleRow is a row of roles: what a model was asked in a role, and what was taken of what it said. That a role was silenced, since its
// budget is used up, is a row too.
type RoleRow struct {
	Run       string   `db:"run,pk"`
	Workspace string   `db:"workspace,pk"`
	Role      string   `db:"role"`
	Status    string   `db:"status"`
	Agent     string   `db:"agent"`
	Subject   []string `db:"subject"`
	Model     string   `db:"model"`
	// Ground is what Text, the model's words, is held to.
	Ground      string `db:"ground"`
	Text        string `db:"text"`
	Refused     string `db:"refused"` // why nothing was taken, or why not all
	Improvement string `db:"improvement"`
	// Runbook is a draft until a person saves it.
	Runbook *events.RunbookSaved `db:"runbook"`
	// Starting and LimitNanos are the period and the limit of a budget that is used up.
	Starting   string       `db:"starting"`
	LimitNanos events.Nanos `db:"limit_nanos"`
	AskedAt    time.Time    `db:"asked_at"`
	Position   uint64       `db:"position"`
}

var roleTable = readmodel.NewTable("roles", readmodel.TableOf[named, RoleRow]{
	Key:   func(r *RoleRow) named { return named{r.Run, r.Workspace} },
	Fresh: func(k named, r *RoleRow) { r.Run, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *RoleRow) int { return 512 + len(r.Ground) + len(r.Text) + len(r.Refused) + 64*len(r.Subject) },
	Row: []readmodel.ColumnOf[RoleRow]{
		readmodel.Key(readmodel.String("run", func(r *RoleRow) *string { return &r.Run })),
		workspaceKey(func(r *RoleRow) *string { return &r.Workspace }),
		readmodel.Symbol("role", func(r *RoleRow) *string { return &r.Role }),
		readmodel.Symbol("status", func(r *RoleRow) *string { return &r.Status }),
		readmodel.Symbol("agent", func(r *RoleRow) *string { return &r.Agent }),
		readmodel.Strings("subject", func(r *RoleRow) *[]string { return &r.Subject }),
		readmodel.Symbol("model", func(r *RoleRow) *string { return &r.Model }),
		readmodel.String("ground", func(r *RoleRow) *string { return &r.Ground }),
		readmodel.String("text", func(r *RoleRow) *string { return &r.Text }),
		readmodel.String("refused", func(r *RoleRow) *string { return &r.Refused }),
		readmodel.String("improvement", func(r *RoleRow) *string { return &r.Improvement }),
		readmodel.Document("runbook", func(r *RoleRow) **events.RunbookSaved { return &r.Runbook }),
		readmodel.Symbol("starting", func(r *RoleRow) *string { return &r.Starting }),
		money("limit_nanos", func(r *RoleRow) *events.Nanos { return &r.LimitNanos }),
		readmodel.Time("asked_at", func(r *RoleRow) *time.Time { return &r.AskedAt }),
		readmodel.Int("position", func(r *RoleRow) *uint64 { return &r.Position }),
	},
})

// roles keeps what models were asked in roles, and what came of it.
var roles = readmodel.Projection{
	Name: "roles", Version: 1, Tables: []readmodel.AnyTable{roleTable},
	Lists: []readmodel.List{roleTable.List(readmodel.List{
		Name: "roles", Help: "What models were asked in roles, and what was taken of what they said", Order: []readmodel.Order{{Column: "position", Descending: true}},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		rows := roleTable.In(w)
		return func(f *readmodel.Fact) error {
			e, ok := f.Event.(events.Role)
			if !ok {
				return nil
			}
			r, err := rows.Row(keyOf(f))
			if err != nil {
				return err
			}
			foldRole(r, e)
			if _, answer := e.(events.RoleAnswered); !answer {
				r.AskedAt, r.Position = f.When, f.Envelope.Position
			}
			return nil
		}
	},
}

func foldRole(r *RoleRow, e events.Role) {
	switch e := e.(type) {
	case events.RoleAsked:
		r.Role, r.Status, r.Agent, r.Subject, r.Ground = strings.Clone(e.Role), RoleOpen, strings.Clone(e.Agent), slices.Clone(e.Subject), strings.Clone(e.Ground)
	case events.RoleAnswered:
		r.Status = RoleRefused
		if e.Text != "" || e.Runbook != nil || e.Improvement != "" {
			r.Status = RoleTaken
		}
		var reasons []string
		for _, refusal := range e.Refused {
			reasons = append(reasons, refusal.Reason)
		}
		r.Model, r.Text, r.Improvement, r.Runbook, r.Refused = strings.Clone(e.Model), strings.Clone(e.Text), strings.Clone(e.Improvement), e.Runbook, strings.Join(reasons, "; ")
	case events.RoleSilenced:
		r.Role, r.Status, r.Starting, r.LimitNanos = strings.Clone(e.Role), RoleSilenced, strings.Clone(e.Starting), e.LimitNanos
	}
}

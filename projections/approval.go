package projections

import (
	"context"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// ApprovalAsked is the status of an approval that nobody has answered yet. The others are the answers.
const ApprovalAsked = "asked"

// ApprovalRow is a row of approvals: a call that an agent wants to make, and what a person said to it.
type ApprovalRow struct {
	Approval  string
	Status    string
	Workspace string
	Run       string
	Agent     string
	Tool      string
	Arguments string
	AskedAt   time.Time
	ExpiresAt time.Time
	// AnsweredAt is when it was decided, expired or was withdrawn; AnsweredBy is the person, if one decided.
	AnsweredAt time.Time
	AnsweredBy string
	Note       string
	Position   uint64
}

var approvalTable = readmodel.NewTable("approvals", readmodel.TableOf[named, ApprovalRow]{
	Key: func(r *ApprovalRow) named { return named{r.Approval, r.Workspace} },
	Fresh: func(k named, r *ApprovalRow) {
		r.Approval, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace)
	},
	Weigh: func(r *ApprovalRow) int { return len(r.Arguments) + len(r.Note) + 256 },
	Row: []readmodel.ColumnOf[ApprovalRow]{
		readmodel.Key(readmodel.String("approval", func(r *ApprovalRow) *string { return &r.Approval })),
		workspaceKey(func(r *ApprovalRow) *string { return &r.Workspace }),
		readmodel.Symbol("status", func(r *ApprovalRow) *string { return &r.Status }),
		readmodel.String("run", func(r *ApprovalRow) *string { return &r.Run }),
		readmodel.Symbol("agent", func(r *ApprovalRow) *string { return &r.Agent }),
		readmodel.Symbol("tool", func(r *ApprovalRow) *string { return &r.Tool }),
		readmodel.String("arguments", func(r *ApprovalRow) *string { return &r.Arguments }),
		readmodel.Time("asked_at", func(r *ApprovalRow) *time.Time { return &r.AskedAt }),
		readmodel.Time("expires_at", func(r *ApprovalRow) *time.Time { return &r.ExpiresAt }),
		readmodel.Time("answered_at", func(r *ApprovalRow) *time.Time { return &r.AnsweredAt }),
		readmodel.String("answered_by", func(r *ApprovalRow) *string { return &r.AnsweredBy }),
		readmodel.String("note", func(r *ApprovalRow) *string { return &r.Note }),
		readmodel.Int("position", func(r *ApprovalRow) *uint64 { return &r.Position }),
	},
})

// approvals keeps what agents want to do and a person has to let through.
var approvals = readmodel.Projection{
	Name: "approvals", Version: 1, Tables: []readmodel.AnyTable{approvalTable},
	Lists: []readmodel.List{approvalTable.List(readmodel.List{
		Name: "approvals", Help: "Calls of tools that a person has to let through, the latest first", Order: []readmodel.Order{{Column: "position", Descending: true}},
		Filters: []readmodel.Filter{
			{Column: "status", Help: "Only those that stand there.", Values: []string{
				ApprovalAsked, string(events.ApprovalGranted), string(events.ApprovalRejected), string(events.ApprovalExpired), string(events.ApprovalWithdrawn),
			}},
			{Column: "run", Help: "Only those of this run."},
		},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		approvals := approvalTable.In(w)
		return func(f *readmodel.Fact) error { return foldApproval(approvals, f) }
	},
}

func foldApproval(approvals *readmodel.Cache[named, ApprovalRow], f *readmodel.Fact) error {
	switch e := f.Event.(type) {
	case events.RunApprovalAsked:
		r, err := approvals.Row(named{e.Approval, f.Workspace})
		if err != nil {
			return err
		}
		*r = ApprovalRow{
			Approval: e.Approval, Status: ApprovalAsked, Workspace: strings.Clone(f.Workspace), Run: f.ID, Agent: e.Agent, Tool: e.Tool, Arguments: e.Arguments,
			AskedAt: f.When, ExpiresAt: e.Expires, Position: f.Envelope.Position,
		}
	case events.RunApprovalAnswered:
		r, err := approvals.Existing(named{e.Approval, f.Workspace})
		if err != nil {
			return err
		}
		if r == nil || r.Run != f.ID {
			return readmodel.Damaged("approval %q was never asked for", e.Approval)
		}
		r.Status, r.AnsweredAt, r.AnsweredBy, r.Note, r.Position = string(e.Answer), f.When, e.By, e.Note, f.Envelope.Position
	}
	return nil
}

// Approvals implements Reader.
func (r *reader) Approvals(ctx context.Context, status string) ([]ApprovalRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, approvalTable, readmodel.Query{
		Where: r.where(readmodel.Only("status", status)), Order: []readmodel.Order{{Column: "position", Descending: true}},
	}))
}

// Approval implements Reader.
func (r *reader) Approval(ctx context.Context, id string) (ApprovalRow, error) {
	rows, err := r.Approvals(ctx, "")
	if err != nil {
		return ApprovalRow{}, err
	}
	return beginningWith("approval", id, rows, func(r ApprovalRow) string { return r.Approval })
}

// MarshalJSON writes the columns.
func (r ApprovalRow) MarshalJSON() ([]byte, error) { return approvalTable.JSON(&r) }

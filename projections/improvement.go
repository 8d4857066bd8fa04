package projections

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The statuses of an improvement.
const (
	Proposed   = "proposed"
	Approved   = "approved"
	Rejected   = "rejected"
	Applied    = "applied"
	RolledBack = "rolled_back"
	// Withdrawn is one whose evidence is gone or reversed before anybody applied it.
	Withdrawn = "withdrawn"
)

var improvementTable = readmodel.NewTable("improvements", readmodel.TableOf[named, ImprovementRow]{
	Key:   func(r *ImprovementRow) named { return named{r.Improvement, r.Workspace} },
	Fresh: func(k named, r *ImprovementRow) { r.Improvement, r.Workspace = k.name, strings.Clone(k.workspace) },
	Weigh: func(r *ImprovementRow) int { return len(r.Reason) + len(r.Note) + 1024 },
	Row: []readmodel.ColumnOf[ImprovementRow]{
		readmodel.Key(readmodel.String("improvement", func(r *ImprovementRow) *string { return &r.Improvement })),
		workspaceKey(func(r *ImprovementRow) *string { return &r.Workspace }),
		readmodel.Symbol("analyst", func(r *ImprovementRow) *string { return &r.Analyst }),
		readmodel.Int("analyst_version", func(r *ImprovementRow) *int64 { return &r.AnalystVersion }),
		readmodel.Symbol("kind", func(r *ImprovementRow) *string { return &r.Kind }),
		readmodel.Symbol("workflow", func(r *ImprovementRow) *string { return &r.Workflow }),
		readmodel.Symbol("agent", func(r *ImprovementRow) *string { return &r.Agent }),
		readmodel.Symbol("status", func(r *ImprovementRow) *string { return &r.Status }),
		readmodel.Int("generation", func(r *ImprovementRow) *int64 { return &r.Generation }),
		readmodel.String("previous", func(r *ImprovementRow) *string { return &r.Previous }),
		readmodel.Document("claim", func(r *ImprovementRow) *events.Claim { return &r.Claim }),
		readmodel.Symbol("strength", func(r *ImprovementRow) *events.Strength { return &r.Strength }),
		readmodel.Int("ended_position", func(r *ImprovementRow) *uint64 { return &r.EndedPosition }),
		readmodel.Symbol("decided_by", func(r *ImprovementRow) *string { return &r.DecidedBy }),
		readmodel.Time("proposed_at", func(r *ImprovementRow) *time.Time { return &r.ProposedAt }),
		readmodel.Time("updated_at", func(r *ImprovementRow) *time.Time { return &r.UpdatedAt }),
		readmodel.Int("position", func(r *ImprovementRow) *uint64 { return &r.Position }),
		readmodel.String("reason", func(r *ImprovementRow) *string { return &r.Reason }),
		readmodel.String("note", func(r *ImprovementRow) *string { return &r.Note }),
		readmodel.Document("change", func(r *ImprovementRow) *events.Change { return &r.Change }),
		readmodel.Document("evidence", func(r *ImprovementRow) *events.Evidence { return &r.Evidence }),
		readmodel.Document("expected", func(r *ImprovementRow) *events.Expected { return &r.Expected }),
		readmodel.Document("worth", func(r *ImprovementRow) **events.Worth { return &r.Worth }),
		readmodel.Document("measured", func(r *ImprovementRow) **events.Evidence { return &r.Measured }),
	},
})

// ByWorth orders improvements: what may bring most first, by the lower end of what is expected where nobody recorded that, then what
// the evidence carries best.
func ByWorth(a, b ImprovementRow) int {
	order := events.Strengths()
	return cmp.Or(events.ByWorth(a.Worth, b.Worth), cmp.Compare(b.Expected.Low, a.Expected.Low), cmp.Compare(slices.Index(order, b.Strength), slices.Index(order, a.Strength)), cmp.Compare(a.Improvement, b.Improvement))
}

// improvements keeps what analysts proposed, and what became of it.
var improvements = readmodel.Projection{
	Name: "improvements", Version: 3, Tables: []readmodel.AnyTable{improvementTable},
	Lists: []readmodel.List{improvementTable.List(readmodel.List{
		Name: "improvements", Help: "Improvements with their evidence, the latest first", Order: []readmodel.Order{{Column: "position", Descending: true}},
		Filters: []readmodel.Filter{{
			Column: "status", Help: "Only improvements that stand there.", Values: []string{Proposed, Approved, Rejected, Applied, RolledBack, Withdrawn},
		}},
	})},
	Bind: bindImprovements,
}

func bindImprovements(w *readmodel.WorkingSet) readmodel.Fold {
	improvements := improvementTable.In(w)
	return func(f *readmodel.Fact) error { return foldImprovement(improvements, f) }
}

func foldImprovement(improvements *readmodel.Cache[named, ImprovementRow], f *readmodel.Fact) error {
	e, ok := f.Event.(events.Improvement)
	if !ok {
		return nil
	}
	if e, ok := e.(events.ImprovementProposed); ok {
		if err := f.Opens(e.Improvement); err != nil {
			return err
		}
		r := improvements.Insert(keyOf(f))
		*r = ImprovementRow{
			Improvement: e.Improvement, Workspace: r.Workspace, Analyst: e.Analyst, AnalystVersion: int64(e.AnalystVersion),
			Kind: string(e.Change.Kind), Workflow: e.Change.Workflow, Agent: e.Change.Agent, Status: Proposed,
			Reason: e.Reason, Change: e.Change, Evidence: e.Evidence, Expected: e.Expected, Worth: e.Worth,
			Generation: max(int64(e.Generation), 1), Previous: e.Previous, Strength: cmp.Or(e.Strength, events.Moderate),
			ProposedAt: f.When, UpdatedAt: f.When, Position: f.Envelope.Position,
		}
		if e.Claim != nil {
			r.Claim = *e.Claim
		}
		return nil
	}
	r, err := improvements.Existing(keyOf(f))
	if err != nil {
		return err
	}
	if r == nil {
		return readmodel.Damaged("the improvement was never proposed")
	}
	r.UpdatedAt, r.Position = f.When, f.Envelope.Position
	switch e := e.(type) {
	case events.ImprovementProposed:
	case events.ImprovementEvidenceChanged:
		r.Strength, r.Reason, r.Evidence, r.Expected, r.Worth = e.Strength, e.Reason, e.Evidence, e.Expected, e.Worth
		if e.Strength.Withdraws() {
			r.Status, r.EndedPosition = Withdrawn, f.Envelope.Position
		}
	case events.ImprovementApproved:
		r.Status, r.DecidedBy, r.Note = Approved, e.By, e.Note
	case events.ImprovementRejected:
		r.Status, r.DecidedBy, r.Note, r.EndedPosition = Rejected, e.By, e.Reason, f.Envelope.Position
	case events.ImprovementApplied:
		r.Status = Applied
	case events.ImprovementRolledBack:
		r.Status, r.Note, r.EndedPosition = RolledBack, e.Reason, f.Envelope.Position
	case events.ImprovementEffectMeasured:
		r.Measured = &e.Evidence
	}
	return nil
}

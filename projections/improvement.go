package projections

import (
	"cmp"
	"time"

	"github.com/virtuous6/virtuous6/events"
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

var improvementTable = of("improvements", spec[string, ImprovementRow]{
	key:   func(r *ImprovementRow) string { return r.Improvement },
	fresh: func(improvement string) ImprovementRow { return ImprovementRow{Improvement: improvement} },
	weigh: func(r *ImprovementRow) int { return len(r.Reason) + len(r.Note) + 1024 },
	columns: []column[ImprovementRow]{
		key(text("improvement", func(r *ImprovementRow) *string { return &r.Improvement })),
		symbol("analyst", func(r *ImprovementRow) *string { return &r.Analyst }),
		integer("analyst_version", func(r *ImprovementRow) *int64 { return &r.AnalystVersion }),
		symbol("kind", func(r *ImprovementRow) *string { return &r.Kind }),
		symbol("workflow", func(r *ImprovementRow) *string { return &r.Workflow }),
		symbol("agent", func(r *ImprovementRow) *string { return &r.Agent }),
		symbol("status", func(r *ImprovementRow) *string { return &r.Status }),
		integer("generation", func(r *ImprovementRow) *int64 { return &r.Generation }),
		text("previous", func(r *ImprovementRow) *string { return &r.Previous }),
		document("claim", func(r *ImprovementRow) *events.Claim { return &r.Claim }),
		symbol("strength", func(r *ImprovementRow) *events.Strength { return &r.Strength }),
		integer("ended_position", func(r *ImprovementRow) *uint64 { return &r.EndedPosition }),
		symbol("decided_by", func(r *ImprovementRow) *string { return &r.DecidedBy }),
		instant("proposed_at", func(r *ImprovementRow) *time.Time { return &r.ProposedAt }),
		instant("updated_at", func(r *ImprovementRow) *time.Time { return &r.UpdatedAt }),
		integer("position", func(r *ImprovementRow) *uint64 { return &r.Position }),
		text("reason", func(r *ImprovementRow) *string { return &r.Reason }),
		text("note", func(r *ImprovementRow) *string { return &r.Note }),
		document("change", func(r *ImprovementRow) *events.Change { return &r.Change }),
		document("evidence", func(r *ImprovementRow) *events.Evidence { return &r.Evidence }),
		document("expected", func(r *ImprovementRow) *events.Expected { return &r.Expected }),
		document("measured", func(r *ImprovementRow) **events.Evidence { return &r.Measured }),
	},
})

// foldImprovement keeps improvements.
func foldImprovement(w *workingSet, f *fact) error {
	e, ok := f.Event.(events.Improvement)
	if !ok {
		return nil
	}
	if e, ok := e.(events.ImprovementProposed); ok {
		if err := f.names(e.Improvement); err != nil {
			return err
		}
		row := ImprovementRow{
			Improvement: e.Improvement, Analyst: e.Analyst, AnalystVersion: int64(e.AnalystVersion),
			Kind: string(e.Change.Kind), Workflow: e.Change.Workflow, Agent: e.Change.Agent, Status: Proposed,
			Reason: e.Reason, Change: e.Change, Evidence: e.Evidence, Expected: e.Expected,
			Generation: max(int64(e.Generation), 1), Previous: e.Previous, Strength: cmp.Or(e.Strength, events.Moderate),
			ProposedAt: f.when, UpdatedAt: f.when, Position: f.Envelope.Position,
		}
		if e.Claim != nil {
			row.Claim = *e.Claim
		}
		w.improvements.insert(row)
		return nil
	}
	r, err := w.improvements.existing(f.id)
	if err != nil {
		return err
	}
	if r == nil {
		return damaged("the improvement was never proposed")
	}
	r.UpdatedAt, r.Position = f.when, f.Envelope.Position
	switch e := e.(type) {
	case events.ImprovementProposed:
	case events.ImprovementEvidenceChanged:
		r.Strength, r.Reason, r.Evidence, r.Expected = e.Strength, e.Reason, e.Evidence, e.Expected
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

package evidence

import (
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// KnownOf is what the ledger holds of improvements.
func KnownOf(rows []projections.ImprovementRow) []Known {
	known := make([]Known, len(rows))
	for i, row := range rows {
		known[i] = Known{
			Improvement: row.Improvement, Analyst: row.Analyst, Generation: int(row.Generation), Change: row.Change, Claim: row.Claim,
			Strength: row.Strength, Evidence: row.Evidence, EndedAt: row.EndedPosition,
			Erased: row.Reason == events.Erased,
			Open:   row.Status == projections.Proposed || row.Status == projections.Approved,
			Ended:  row.Status == projections.Rejected || row.Status == projections.RolledBack || row.Status == projections.Withdrawn,
		}
	}
	return known
}

// Wish is the command that records a change of standing.
func (c Change) Wish(workspace, analyst string, at time.Time) commands.ReviseEvidence {
	return commands.ReviseEvidence{
		Meta: commands.Meta{
			ID: events.NameID(at, workspace+fmt.Sprintf("%s is %s at %d", c.Improvement, c.Strength, c.Evidence.To)), At: at, Actor: "analyst:" + analyst,
			Workspace: workspace,
		},
		Improvement: c.Improvement, Strength: c.Strength, Reason: c.Reason, Of: c.Of, Evidence: c.Evidence, Expected: c.Expected, Worth: c.Worth,
	}
}

// Wish is the command that records a proposal. Its id derives from what is proposed and from the end of its evidence, so that
// the same proposal on the same history is a repeat.
func (p Proposal) Wish(workspace string, at time.Time) commands.ProposeImprovement {
	c := commands.ProposeImprovement{
		Meta: commands.Meta{
			ID: events.NameID(at, workspace+fmt.Sprintf("%s at %d", p.ID(), p.Evidence.To)), At: at, Actor: "analyst:" + p.Analyst,
			Workspace: workspace,
		},
		Improvement: p.ID(), Previous: p.Previous, Analyst: p.Analyst, AnalystVersion: p.AnalystVersion, Change: p.Change,
		Strength: p.Strength, Reason: p.Reason, Of: p.Of, Evidence: p.Evidence, Expected: p.Expected, Worth: p.Worth,
	}
	if p.Generation > 1 {
		c.Generation = p.Generation
	}
	if len(p.Claim.Subject) > 0 {
		c.Claim = &p.Claim
	}
	return c
}

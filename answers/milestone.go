package answers

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Milestone is something that happened for the first time.
type Milestone struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	// Effect is what came of it, as far as that was measured.
	Effect   string `json:"effect"`
	Position uint64 `json:"position,omitempty"`
}

// The names of the milestones.
const (
	MilestoneProposal    = "first pattern that carried a proposal"
	MilestoneImprovement = "first improvement"
	MilestoneSaving      = "30% saved by a change"
	MilestoneLiked       = "first answer that somebody liked"
	MilestoneFaster      = "improvements began to come faster"
)

// Milestones are those that were reached, the earliest first. An effect is told only where a trial measured it.
func Milestones(improvements []projections.ImprovementRow, experiments []projections.ExperimentRow, feedback []projections.FeedbackRow) []Milestone {
	var list []Milestone
	reached := func(m Milestone) {
		if !m.At.IsZero() && !slices.ContainsFunc(list, func(other Milestone) bool { return other.Name == m.Name }) {
			list = append(list, m)
		}
	}
	proposals := slices.SortedStableFunc(slices.Values(improvements), func(a, b projections.ImprovementRow) int {
		return cmp.Or(a.ProposedAt.Compare(b.ProposedAt), cmp.Compare(a.Position, b.Position))
	})
	for _, row := range proposals {
		reached(Milestone{Name: MilestoneProposal, At: row.ProposedAt, Effect: row.Reason, Position: row.Position})
	}
	applied := slices.DeleteFunc(slices.Clone(improvements), func(row projections.ImprovementRow) bool { return row.Status != projections.Applied })
	slices.SortStableFunc(applied, func(a, b projections.ImprovementRow) int {
		return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.Position, b.Position))
	})
	for _, row := range applied {
		effect := "not measured: it was not tried beside what was there"
		for _, e := range experiments {
			if e.Improvement == row.Improvement && e.Proof != nil {
				effect = fmt.Sprintf("%s points of success in its trial (interval %s to %s)", points(e.Proof.Difference), points(e.Proof.Low), points(e.Proof.High))
			}
		}
		reached(Milestone{Name: MilestoneImprovement, At: row.UpdatedAt, Effect: effect, Position: row.Position})
	}
	ended := slices.SortedStableFunc(slices.Values(experiments), func(a, b projections.ExperimentRow) int {
		return cmp.Or(a.EndedAt.Compare(b.EndedAt), cmp.Compare(a.Position, b.Position))
	})
	for _, e := range ended {
		if e.Status != projections.ExperimentPromoted {
			continue
		}
		if saved, with, without := events.Saved(e.Arms); saved >= events.MuchSaved {
			text := fmt.Sprintf("a run of %s cost $%.4f in the trial, $%.4f without", e.Agent, with, without)
			reached(Milestone{Name: MilestoneSaving, At: e.EndedAt, Effect: text, Position: e.Position})
		}
	}
	for _, row := range feedback {
		if row.Name == events.Satisfaction && row.Score != nil && *row.Score > .5 {
			reached(Milestone{Name: MilestoneLiked, At: row.GivenAt, Effect: "run " + row.Run, Position: row.Position})
			break
		}
	}
	if m, ok := faster(applied); ok {
		reached(m)
	}
	slices.SortStableFunc(list, func(a, b Milestone) int { return a.At.Compare(b.At) })
	return list
}

// faster is the first week in which more improvements came to be than in any week before it, of which there was one.
func faster(applied []projections.ImprovementRow) (Milestone, bool) {
	const week = 7 * 24 * time.Hour
	most := 0
	for i := 0; i < len(applied); {
		of := applied[i].UpdatedAt.Truncate(week)
		n := 0
		first := applied[i]
		for ; i < len(applied) && applied[i].UpdatedAt.Truncate(week).Equal(of); i++ {
			n++
		}
		if most > 0 && n > most {
			return Milestone{
				Name: MilestoneFaster, At: first.UpdatedAt, Position: first.Position,
				Effect: fmt.Sprintf("%d in a week, %d at most before", n, most),
			}, true
		}
		most = max(most, n)
	}
	return Milestone{}, false
}

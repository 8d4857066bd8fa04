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
	// Of is which one, Name says it in words.
	Of   events.Milestone `json:"-"`
	Name string           `json:"name"`
	At   time.Time        `json:"at"`
	// Effect is what came of it, as far as that was measured.
	Effect   string `json:"effect"`
	Position uint64 `json:"position,omitempty"`
}

// Milestones are those that were reached, the earliest first. An effect is told only where a trial measured it.
func Milestones(improvements []projections.ImprovementRow, experiments []projections.ExperimentRow, feedback []projections.FeedbackRow) []Milestone {
	var list []Milestone
	reached := func(of events.Milestone, at time.Time, position uint64, effect string) {
		if !at.IsZero() && !slices.ContainsFunc(list, func(other Milestone) bool { return other.Of == of }) {
			list = append(list, Milestone{Of: of, Name: of.Says(), At: at, Position: position, Effect: effect})
		}
	}
	proposals := slices.SortedStableFunc(slices.Values(improvements), func(a, b projections.ImprovementRow) int {
		return cmp.Or(a.ProposedAt.Compare(b.ProposedAt), cmp.Compare(a.Position, b.Position))
	})
	for _, row := range proposals {
		reached(events.FirstProposal, row.ProposedAt, row.Position, row.Reason)
	}
	applied := slices.DeleteFunc(slices.Clone(improvements), func(row projections.ImprovementRow) bool { return row.Status != projections.Applied })
	slices.SortStableFunc(applied, func(a, b projections.ImprovementRow) int {
		return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.Position, b.Position))
	})
	var pace events.Pace
	for _, row := range applied {
		effect := "not measured: it was not tried beside what was there"
		for _, e := range experiments {
			if e.Improvement == row.Improvement && e.Proof != nil {
				effect = fmt.Sprintf("%s points of success in its trial (interval %s to %s)", points(e.Proof.Difference), points(e.Proof.Low), points(e.Proof.High))
			}
		}
		reached(events.FirstImprovement, row.UpdatedAt, row.Position, effect)
		if pace.Take(row.UpdatedAt) {
			reached(events.FirstFaster, row.UpdatedAt, row.Position, fmt.Sprintf("%d in a week, %d at most before", pace.Made, pace.Most))
		}
	}
	ended := slices.SortedStableFunc(slices.Values(experiments), func(a, b projections.ExperimentRow) int {
		return cmp.Or(a.EndedAt.Compare(b.EndedAt), cmp.Compare(a.Position, b.Position))
	})
	for _, e := range ended {
		if e.Status != projections.ExperimentPromoted {
			continue
		}
		if saved, with, without := events.Saved(e.Arms, e.Promoted); saved >= events.MuchSaved {
			text := fmt.Sprintf("a run of %s cost $%.4f in the trial, $%.4f without", e.Subject(), with, without)
			reached(events.FirstSaving, e.EndedAt, e.Position, text)
		}
	}
	for _, row := range feedback {
		if liked, _ := events.Judged(row.Name, row.User, row.Score); liked {
			reached(events.FirstLiked, row.GivenAt, row.Position, "run "+row.Run)
			break
		}
	}
	slices.SortStableFunc(list, func(a, b Milestone) int { return a.At.Compare(b.At) })
	return list
}

package projections_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// A review's row has the latest that each reviewer said, and what that came to.
func TestReviewRows(t *testing.T) {
	t.Parallel()
	m := folded(t,
		"review-r", events.ReviewAsked{Run: "r", Experiment: "x", Arm: events.ControlArm, Reason: "why", Reviewers: 2},
		"review-r", events.ReviewJudged{Run: "r", User: "a", Judgement: events.JudgedWrong, Reason: "so"},
		"review-r", events.ReviewJudged{Run: "r", User: "a", Judgement: events.JudgedRight},
		"review-open", events.ReviewAsked{Run: "open", Reason: "why", Reviewers: 1},
		"review-r", events.ReviewJudged{Run: "r", User: "b", Judgement: events.Unsure},
		"review-r", events.ReviewClosed{Run: "r", Right: 1, Unsure: 1, Verdict: events.Succeeded, Agreement: new(0)},
	)
	rows, err := m.Reviews(t.Context(), projections.ReviewClosed)
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %+v, %v", rows, err)
	}
	r := rows[0]
	if r.Run != "r" || r.Experiment != "x" || r.Arm != events.ControlArm || r.Count(events.JudgedRight) != 1 || r.Count(events.JudgedWrong) != 0 || r.Count(events.Unsure) != 1 ||
		r.Verdict != events.Succeeded || r.Agreement != 0 || len(r.Judgements) != 2 || r.Judgements[0].Reason != "" {
		t.Errorf("got %+v", r)
	}
	if rows, err = m.Reviews(t.Context(), projections.ReviewOpen); err != nil || len(rows) != 1 || rows[0].Run != "open" || rows[0].Agreement != -1 {
		t.Errorf("got %+v, %v", rows, err)
	}
	damaged := folded(t, "review-r", events.ReviewJudged{Run: "r", User: "a", Judgement: events.Unsure})
	if parked, err := damaged.Parked(t.Context()); err != nil || len(parked) != 1 || parked[0].Projection != "reviews" {
		t.Errorf("parked %+v, %v", parked, err)
	}
}

package managers

import (
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// SlackReview is the work of putting a run before reviewers in Slack, and of showing how far they are.
type SlackReview struct{ SlackCard }

// Kind implements Work.
func (SlackReview) Kind() string { return "slack.review" }

// reviewCards begin the names of the cards of reviews.
const reviewCards = "review:"

type slackReviewState struct {
	slackCard
	// Judged counts what reviewers said.
	Judged int `json:"judged,omitempty"`
}

// slackReview has a review posted, and its message changed by each judgement and by the end.
func slackReview() Manager[slackReviewState] {
	return Manager[slackReviewState]{
		Name: "slack_review", Version: 1, Opens: []string{"review.asked"}, Follows: []string{"review.judged", "review.closed", "slack.posted"},
		Key: func(e *events.Envelope) string {
			id := events.Identity(e.Stream)
			if of, ok := strings.CutPrefix(id, reviewCards); ok && e.Kind == "slack.posted" {
				id, _, _ = strings.Cut(of, "/")
			}
			return events.StreamName("review", e.Workspace, id)
		},
		Evolve: func(s slackReviewState, e *events.Envelope, fact events.Event) slackReviewState {
			switch f := fact.(type) {
			case events.ReviewAsked:
				s = slackReviewState{slackCard: slackCard{SlackCard: SlackCard{Workspace: e.Workspace, Of: reviewCards + f.Run, Run: f.Run, Since: e.OccurredAt}}}
				s.become("asked", e)
			case events.ReviewJudged:
				s.Judged++
				s.become(fmt.Sprintf("judged %d", s.Judged), e)
			case events.ReviewClosed:
				s.become("closed", e)
			case events.SlackPosted:
				s.posted(f)
			}
			return s
		},
		Wants: func(s slackReviewState) []Want {
			if s.done() {
				return nil
			}
			return []Want{{ID: s.wantID(), Work: SlackReview{s.SlackCard}}}
		},
		Over: func(s slackReviewState) bool { return s.None || s.done() && s.As == "closed" },
	}
}

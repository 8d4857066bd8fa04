package managers

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// SlackMilestone is the work of telling in Slack that something happened for the first time.
type SlackMilestone struct{ SlackCard }

// Kind implements Work.
func (SlackMilestone) Kind() string { return "slack.milestone" }

// Milestone is the one that it is about.
func (m SlackMilestone) Milestone() string { return strings.TrimPrefix(m.Of, milestoneCards) }

// milestoneCards begin the names of the cards of milestones.
const milestoneCards = "milestone:"

// The milestones, as work names them.
const (
	FirstProposal    = "proposal"
	FirstImprovement = "improvement"
	FirstSaving      = "saving"
	FirstLiked       = "liked"
	FirstFaster      = "faster"
)

type slackMilestoneState struct {
	Workspace string `json:"workspace,omitempty"`
	// Reached are those that were, each told once.
	Reached map[string]*slackCard `json:"reached,omitempty"`
	// Applied are the improvements that were made. A share more is no other one.
	Applied map[string]bool `json:"applied,omitempty"`
	// Week is the one of the latest improvement, by its first moment; Made counts those in it, Most the most of a week before it.
	Week time.Time `json:"week,omitzero"`
	Made int       `json:"made,omitempty"`
	Most int       `json:"most,omitempty"`
}

// slackMilestone has each milestone posted when it is first reached.
func slackMilestone() Manager[slackMilestoneState] {
	return Manager[slackMilestoneState]{
		Name: "slack_milestone", Version: 1, Opens: []string{"improvement.proposed", "improvement.applied", "experiment.promoted", "feedback.given"},
		Follows: []string{"slack.posted"},
		Key:     func(e *events.Envelope) string { return e.Workspace },
		Evolve: func(s slackMilestoneState, e *events.Envelope, fact events.Event) slackMilestoneState {
			s.Workspace = e.Workspace
			switch f := fact.(type) {
			case events.ImprovementProposed:
				s.reach(FirstProposal, e)
			case events.ImprovementApplied:
				s.reach(FirstImprovement, e)
				if id := events.Identity(e.Stream); s.Applied[id] {
					break
				} else if s.Applied == nil {
					s.Applied = map[string]bool{id: true}
				} else {
					s.Applied[id] = true
				}
				if week := e.OccurredAt.Truncate(7 * 24 * time.Hour); !week.Equal(s.Week) {
					s.Week, s.Most, s.Made = week, max(s.Most, s.Made), 0
				}
				if s.Made++; s.Most > 0 && s.Made > s.Most {
					s.reach(FirstFaster, e)
				}
			case events.ExperimentPromoted:
				if saved, _, _ := events.Saved(f.Proof.Arms); saved >= events.MuchSaved {
					s.reach(FirstSaving, e)
				}
			case events.FeedbackGiven:
				if f.Liked() {
					s.reach(FirstLiked, e)
				}
			case events.SlackPosted:
				for _, c := range s.Reached {
					c.posted(f)
				}
			}
			return s
		},
		Wants: func(s slackMilestoneState) (wants []Want) {
			for _, name := range slices.Sorted(maps.Keys(s.Reached)) {
				if c := s.Reached[name]; !c.done() {
					wants = append(wants, Want{ID: c.wantID(), Work: SlackMilestone{c.SlackCard}})
				}
			}
			return wants
		},
		// What was told once is never told again.
		Over: func(slackMilestoneState) bool { return false },
	}
}

func (s *slackMilestoneState) reach(name string, e *events.Envelope) {
	if s.Reached[name] != nil {
		return
	}
	c := &slackCard{SlackCard: SlackCard{Workspace: e.Workspace, Of: milestoneCards + name, Since: e.OccurredAt}}
	c.become("reached", e)
	if s.Reached == nil {
		s.Reached = map[string]*slackCard{}
	}
	s.Reached[name] = c
}

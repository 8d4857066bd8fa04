package managers

import (
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// SlackMilestone is the work of telling in Slack that something happened for the first time.
type SlackMilestone struct{ SlackCard }

// Kind implements Work.
func (SlackMilestone) Kind() string { return "slack.milestone" }

// Milestone is the one that it is about.
func (m SlackMilestone) Milestone() events.Milestone {
	return events.Milestone(strings.TrimPrefix(m.Of, milestoneCards))
}

// milestoneCards begin the names of the cards of milestones.
const milestoneCards = "milestone:"

type slackMilestoneState struct {
	Workspace string `json:"workspace,omitempty"`
	// Reached are those that were, each told once.
	Reached map[events.Milestone]*slackCard `json:"reached,omitempty"`
	// Applied are the improvements that were made. A share more is no other one.
	Applied map[string]bool `json:"applied,omitempty"`
	events.Pace
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
				s.reach(events.FirstProposal, e)
			case events.ImprovementApplied:
				s.reach(events.FirstImprovement, e)
				if id := events.Identity(e.Stream); s.Applied[id] {
					break
				} else if s.Applied == nil {
					s.Applied = map[string]bool{id: true}
				} else {
					s.Applied[id] = true
				}
				if s.Take(e.OccurredAt) {
					s.reach(events.FirstFaster, e)
				}
			case events.ExperimentPromoted:
				if saved, _, _ := events.Saved(f.Proof.Arms, f.Arm); saved >= events.MuchSaved {
					s.reach(events.FirstSaving, e)
				}
			case events.FeedbackGiven:
				if f.Liked() {
					s.reach(events.FirstLiked, e)
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

func (s *slackMilestoneState) reach(m events.Milestone, e *events.Envelope) {
	if s.Reached[m] != nil {
		return
	}
	c := &slackCard{SlackCard: SlackCard{Workspace: e.Workspace, Of: milestoneCards + string(m), Since: e.OccurredAt}}
	c.become("reached", e)
	if s.Reached == nil {
		s.Reached = map[events.Milestone]*slackCard{}
	}
	s.Reached[m] = c
}

package managers

import (
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// SlackGoal is the work of showing in Slack how far a goal has come that was asked for there.
type SlackGoal struct{ SlackCard }

// Kind implements Work.
func (SlackGoal) Kind() string { return "slack.goal" }

// Goal is the one that the card shows.
func (g SlackGoal) Goal() string { return strings.TrimPrefix(g.Of, goalCards) }

// goalCards begin the names of the cards of goals.
const goalCards = "goal:"

type slackGoalState struct {
	slackCard
	Ended bool `json:"ended,omitempty"`
}

// slackGoal has a goal shown in the thread that it was asked for in, and its message changed with each thing that happens to it.
func slackGoal() Manager[slackGoalState] {
	return Manager[slackGoalState]{
		Name: "slack_goal", Version: 2, Opens: []string{"goal.created"},
		Follows: []string{
			"goal.plan_asked", "goal.planned", "goal.plan_refused", "goal.approved", "goal.started", "goal.task_started", "goal.task_finished", "goal.task_failed",
			"goal.task_skipped", "goal.told", "goal.task_changed", "goal.task_answered", "goal.paused", "goal.resumed", "goal.limited", "goal.cancelled",
			"goal.finished", "slack.posted",
		},
		Key: func(e *events.Envelope) string {
			id := events.Identity(e.Stream)
			if e.Kind == "slack.posted" {
				id, _, _ = strings.Cut(strings.TrimPrefix(id, goalCards), "/")
			}
			return events.StreamName("goal", e.Workspace, id)
		},
		Evolve: func(s slackGoalState, e *events.Envelope, fact events.Event) slackGoalState {
			switch f := fact.(type) {
			case events.SlackPosted:
				s.posted(f)
				return s
			case events.GoalCreated:
				_, err := events.ParseSlackThread(f.Conversation)
				s.slackCard = slackCard{SlackCard: SlackCard{Workspace: e.Workspace, Of: goalCards + f.Goal, Since: e.OccurredAt}, None: err != nil}
			case events.GoalFinished, events.GoalCancelled:
				s.Ended = true
			}
			s.become("revision "+strconv.FormatUint(e.Revision, 10), e)
			return s
		},
		Wants: func(s slackGoalState) []Want {
			if s.done() {
				return nil
			}
			return []Want{{ID: s.wantID(), Work: SlackGoal{s.SlackCard}}}
		},
		Over: func(s slackGoalState) bool { return s.None || s.Ended && s.done() },
	}
}

package managers

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// SlackExperiment is the work of showing in Slack what an experiment has found.
type SlackExperiment struct{ SlackCard }

// Kind implements Work.
func (SlackExperiment) Kind() string { return "slack.experiment" }

// Experiment is the one that the card shows.
func (x SlackExperiment) Experiment() string { return strings.TrimPrefix(x.Of, experimentCards) }

// experimentCards begin the names of the cards of experiments: an experiment is called as the proposal that it tries.
const experimentCards = "experiment:"

// slackExperiment has an experiment's verdict posted, and its message changed once a person has decided what it waits for.
func slackExperiment() Manager[slackCard] {
	verdict := map[string]string{
		"experiment.proved": "proved", "experiment.promoted": "promoted", "experiment.rolled_back": "rolled back", "experiment.expired": "expired",
		"experiment.stopped": "stopped",
	}
	return Manager[slackCard]{
		Name: "slack_experiment", Version: 1,
		Opens:   []string{"experiment.proved", "experiment.promoted", "experiment.rolled_back", "experiment.expired"},
		Follows: []string{"experiment.stopped", "slack.posted"},
		Key: func(e *events.Envelope) string {
			id := events.Identity(e.Stream)
			if e.Kind == "slack.posted" {
				id, _, _ = strings.Cut(strings.TrimPrefix(id, experimentCards), "/")
			}
			return events.StreamName("experiment", e.Workspace, id)
		},
		Evolve: func(s slackCard, e *events.Envelope, fact events.Event) slackCard {
			if f, ok := fact.(events.SlackPosted); ok {
				s.posted(f)
				return s
			}
			if s.Of == "" {
				s.SlackCard = SlackCard{Workspace: e.Workspace, Of: experimentCards + events.Identity(e.Stream), Since: e.OccurredAt}
			}
			s.become(verdict[e.Kind], e)
			return s
		},
		Wants: func(s slackCard) []Want {
			if s.done() {
				return nil
			}
			return []Want{{ID: s.wantID(), Work: SlackExperiment{s.SlackCard}}}
		},
		Over: func(s slackCard) bool { return s.None || s.done() && s.As != "proved" },
	}
}

package managers

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// SlackBudget is the work of showing in Slack that a budget is used up, and that it has a new limit.
type SlackBudget struct{ SlackCard }

// Kind implements Work.
func (SlackBudget) Kind() string { return "slack.budget" }

// Budget and Starting are the budget and the first day of the period whose limit was reached.
func (b SlackBudget) Budget() (budget, starting string) {
	of := strings.TrimPrefix(b.Of, budgetCards)
	i := strings.LastIndexByte(of, ':')
	return of[:max(i, 0)], of[i+1:]
}

// budgetCards begin the names of the cards of budgets.
const budgetCards = "budget:"

// Raised is what a budget is shown as that was given a new limit after it was used up.
const Raised = "raised"

// slackBudget has it posted that a budget is used up, once a period, and its message changed by a new limit.
func slackBudget() Manager[slackCard] {
	return Manager[slackCard]{
		Name: "slack_budget", Version: 2, Opens: []string{"budget.exhausted"}, Follows: []string{"budget.set", "slack.posted"},
		Key: func(e *events.Envelope) string {
			id := events.Identity(e.Stream)
			if e.Kind == "slack.posted" {
				id, _ = SlackBudget{SlackCard{Of: id}}.Budget()
			}
			return events.StreamName("budget", e.Workspace, id)
		},
		Evolve: func(s slackCard, e *events.Envelope, fact events.Event) slackCard {
			switch f := fact.(type) {
			case events.BudgetExhausted:
				s = slackCard{SlackCard: SlackCard{Workspace: e.Workspace, Of: budgetCards + events.Identity(e.Stream) + ":" + f.Starting, Since: e.OccurredAt}}
				s.become("exhausted", e)
			case events.BudgetSet:
				s.become(Raised, e)
				s.By, s.At = e.Actor, e.OccurredAt
			case events.SlackPosted:
				s.posted(f)
			}
			return s
		},
		Wants: func(s slackCard) []Want {
			if s.done() {
				return nil
			}
			return []Want{{ID: s.wantID(), Work: SlackBudget{s.SlackCard}}}
		},
		Over: func(s slackCard) bool { return s.done() && s.As == Raised },
	}
}

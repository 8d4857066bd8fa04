package managers

import (
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// SlackBudget is the work of showing in Slack that a budget is used up, or has too little for what waits, and that it has a new limit.
type SlackBudget struct {
	SlackCard
	// Reason is why the first run waits, while the budget is not used up.
	Reason string `json:"reason,omitempty"`
}

// Kind implements Work.
func (SlackBudget) Kind() string { return "slack.budget" }

// Budget and Starting are the budget and the first day of the period whose limit was reached.
func (b SlackBudget) Budget() (budget, starting string) {
	of := strings.TrimPrefix(b.Of, budgetCards)
	i := strings.LastIndexByte(of, ':')
	starting, _, _ = strings.Cut(of[i+1:], again)
	return of[:max(i, 0)], starting
}

// budgetCards begin the names of the cards of budgets. again stands before the how manieth card of a period it is.
const (
	budgetCards = "budget:"
	again       = "+"
)

// What a budget is shown as: used up, with too little left for the next call of a run that waits, and given a new limit after that.
const (
	asExhausted = "exhausted"
	Short       = "short"
	Raised      = "raised"
)

type slackBudgetState struct {
	slackCard
	Reason string `json:"reason,omitempty"`
	// Starting is the period of the card, and Times the how manieth of it this is.
	Starting string `json:"starting,omitempty"`
	Times    int    `json:"times,omitempty"`
	// Terms are what it allows since it was raised: who did not know yet may still have a run wait for those before.
	Terms terms `json:"terms,omitzero"`
}

// slackBudget has it posted that a budget is used up, or that a run waits since too little of it is left, once until it is raised, and its
// message changed by a new limit.
func slackBudget() Manager[slackBudgetState] {
	return Manager[slackBudgetState]{
		Name: "slack_budget", Version: 3, Opens: []string{"budget.exhausted", "run.suspended"}, Follows: []string{"budget.set", "slack.posted"},
		Key: func(e *events.Envelope) string {
			id := events.Identity(e.Stream)
			switch e.Kind {
			case "slack.posted":
				id, _ = SlackBudget{SlackCard: SlackCard{Of: id}}.Budget()
			case "run.suspended":
				id = ""
				if fact, err := events.Decode(*e); err == nil {
					id = fact.(events.RunSuspended).Budget
				}
			}
			return events.StreamName("budget", e.Workspace, id)
		},
		Evolve: func(s slackBudgetState, e *events.Envelope, fact events.Event) slackBudgetState {
			switch f := fact.(type) {
			case events.BudgetExhausted:
				return s.shows(asExhausted, events.Identity(e.Stream), f.Starting, "", e)
			case events.RunSuspended:
				known := s.Terms == terms{} || s.Terms == terms{f.Period, f.LimitNanos, f.AnyCost, f.Limits}
				if known && !strings.HasPrefix(f.Budget, commands.GoalBudget("")) { // a goal waits itself, and is shown
					return s.shows(Short, f.Budget, f.Starting, f.Reason, e)
				}
			case events.BudgetSet:
				s.become(Raised, e)
				s.By, s.At, s.Terms = e.Actor, e.OccurredAt, terms{f.Period, f.LimitNanos, f.AnyCost, f.Limits}
			case events.SlackPosted:
				s.posted(f)
			}
			return s
		},
		Wants: func(s slackBudgetState) []Want {
			if s.Of == "" || s.done() {
				return nil
			}
			return []Want{{ID: s.wantID(), Work: SlackBudget{s.SlackCard, s.Reason}}}
		},
		Over: func(s slackBudgetState) bool { return s.Of == "" },
	}
}

// shows has a card for it, unless one is there that says so.
func (s slackBudgetState) shows(as, budget, starting, reason string, e *events.Envelope) slackBudgetState {
	same := s.Of != "" && s.Starting == starting
	if same && s.As != Raised {
		if as == asExhausted && s.As != as {
			s.become(as, e)
		}
		return s
	}
	next := slackBudgetState{
		slackCard: slackCard{SlackCard: SlackCard{Workspace: e.Workspace, Of: budgetCards + budget + ":" + starting, Since: e.OccurredAt}},
		Reason:    reason, Starting: starting, Times: 1, Terms: s.Terms,
	}
	if same {
		next.Times = s.Times + 1
		next.Of += again + strconv.Itoa(next.Times)
	}
	next.become(as, e)
	return next
}

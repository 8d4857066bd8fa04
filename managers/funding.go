package managers

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// terms are what a budget allows.
type terms struct {
	Period  events.BudgetPeriod `json:"period"`
	Limit   events.Nanos        `json:"limit"`
	AnyCost bool                `json:"any_cost,omitempty"`
	Limits  events.Resources    `json:"limits,omitzero"`
}

// unfunded is a run that waits since a budget has too little for its next call.
type unfunded struct {
	Budget   string    `json:"budget"`
	Terms    terms     `json:"terms"`
	Starting string    `json:"starting"`
	Cause    uuid.UUID `json:"cause"`
	// Changed tells that the budget is another one since, and At when that was.
	Changed bool      `json:"changed,omitempty"`
	At      time.Time `json:"at"`
}

type fundingState struct {
	Workspace string `json:"workspace,omitempty"`
	// Budgets are the latest terms of each: a run may be suspended on those before, by who did not know yet.
	Budgets map[string]terms    `json:"budgets,omitempty"`
	Waiting map[string]unfunded `json:"waiting,omitempty"`
}

// funding lets a workspace's suspended runs go on: once a person has changed the budget, or when its next period begins.
func funding() Manager[fundingState] {
	return Manager[fundingState]{
		Name: "funding", Version: 2, Key: func(e *events.Envelope) string { return "workspace-" + e.Workspace },
		Opens:   []string{"budget.set", "run.suspended"},
		Follows: []string{"run.resumed", "run.finished", "run.failed", "run.cancelled"},
		Evolve:  evolveFunding,
		Wants: func(s fundingState) (wants []Want) {
			for _, run := range slices.Sorted(maps.Keys(s.Waiting)) {
				w := s.Waiting[run]
				want := Want{ID: events.DeriveID(w.Cause, 1)}
				at := w.At
				if !w.Changed {
					var again bool
					if at, again = w.next(); !again {
						continue
					}
					want.ID, want.At = events.DeriveID(w.Cause, 2), at
				}
				want.Command = commands.ResumeRun{Meta: meta("funding", w.Cause, 0, at, s.Workspace, run), Run: run}
				wants = append(wants, want)
			}
			return wants
		},
		Over: func(s fundingState) bool { return len(s.Budgets)+len(s.Waiting) == 0 },
	}
}

func evolveFunding(s fundingState, e *events.Envelope, fact events.Event) fundingState {
	s.Workspace = e.Workspace
	switch f := fact.(type) {
	case events.BudgetSet:
		if strings.HasPrefix(f.Budget, commands.GoalBudget("")) {
			return s // runs of a goal do not wait for it, the goal does
		}
		s.Budgets, s.Waiting = edited(s.Budgets), edited(s.Waiting)
		s.Budgets[f.Budget] = terms{f.Period, f.LimitNanos, f.AnyCost, f.Limits}
		for run, w := range s.Waiting {
			if w.Budget == f.Budget && w.Terms != s.Budgets[f.Budget] {
				w.Changed, w.At = true, e.OccurredAt
				s.Waiting[run] = w
			}
		}
	case events.RunSuspended:
		s.Waiting = edited(s.Waiting)
		w := unfunded{Budget: f.Budget, Terms: terms{f.Period, f.LimitNanos, f.AnyCost, f.Limits}, Starting: f.Starting, Cause: e.ID, At: e.OccurredAt}
		now, known := s.Budgets[f.Budget]
		w.Changed = known && now != w.Terms
		s.Waiting[e.Correlation] = w
	case events.RunResumed:
		s = s.goesOn(e.Correlation)
	case events.RunFinished, events.RunFailed, events.RunCancelled:
		s = s.goesOn(e.Correlation)
		if own := commands.RunBudget(e.Correlation); s.Budgets[own] != (terms{}) {
			s.Budgets = edited(s.Budgets)
			delete(s.Budgets, own)
		}
	}
	return s
}

// goesOn takes out a run that waits no more.
func (s fundingState) goesOn(run string) fundingState {
	if _, waits := s.Waiting[run]; waits {
		s.Waiting = edited(s.Waiting)
		delete(s.Waiting, run)
	}
	return s
}

// edited is a copy that may be changed.
func edited[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

// next is when the budget's next period begins, if there is one.
func (w unfunded) next() (time.Time, bool) {
	starting, err := time.Parse(time.DateOnly, w.Starting)
	switch {
	case err != nil || w.Terms.Period == events.Total:
		return time.Time{}, false
	case w.Terms.Period == events.Monthly:
		return starting.AddDate(0, 1, 0), true
	}
	return starting.AddDate(0, 0, 1), true
}

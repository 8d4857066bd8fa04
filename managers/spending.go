package managers

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// aside is what a budget set aside for a step of a run.
type aside struct {
	Budget      string `json:"budget"`
	Reservation string `json:"reservation"`
	Step        int    `json:"step"`
	Holder      string `json:"holder"`
	// Begun tells that the call may have been made.
	Begun bool `json:"begun,omitempty"`
	// Until is when all of it counts, where no run makes the call: its holder settles it before.
	Until time.Time `json:"until,omitzero"`
	// Known tells that its cost is Nanos, Over that nobody will tell it any more. Took is what it has taken beside money.
	Known bool             `json:"known,omitempty"`
	Over  bool             `json:"over,omitempty"`
	Nanos events.Nanos     `json:"nanos,omitempty"`
	Took  events.Resources `json:"took,omitzero"`
	Cause uuid.UUID        `json:"cause"`
	// Started is when the step began, and At when the latest of it was.
	Started time.Time `json:"started,omitzero"`
	At      time.Time `json:"at"`
}

type spendingState struct {
	Workspace string  `json:"workspace,omitempty"`
	Run       string  `json:"run,omitempty"`
	Aside     []aside `json:"aside,omitempty"`
}

// spending settles what budgets set aside: at what the call has cost, or all of it where it may have been made and nobody
// knows what it cost.
func spending(c Config) Manager[spendingState] {
	return Manager[spendingState]{
		Name: "spending", Version: 4, Key: ofRun, Opens: []string{"budget.reserved"},
		Follows: []string{"budget.settled", "run.step_started", "run.step_finished", "run.suspended", "run.finished", "run.failed", "run.cancelled"},
		Evolve:  evolveSpending,
		Wants: func(s spendingState) (wants []Want) {
			for _, a := range s.Aside {
				if !a.Known && !a.Over && a.Until.IsZero() && a.Holder == c.Holder {
					continue
				}
				wants = append(wants, Want{ID: events.DeriveID(a.Cause, 1), At: a.Until, Command: commands.SettleBudget{
					Meta: meta("spending", a.Cause, 0, a.At, s.Workspace, s.Run), Budget: a.Budget, Reservation: a.Reservation,
					Nanos: a.Nanos, Took: a.Took, Unknown: !a.Known && a.Begun,
				}})
			}
			return wants
		},
		Over: func(s spendingState) bool { return len(s.Aside) == 0 },
	}
}

func evolveSpending(s spendingState, e *events.Envelope, fact events.Event) spendingState {
	each := func(change func(*aside)) {
		s.Aside = slices.Clone(s.Aside)
		for i := range s.Aside {
			change(&s.Aside[i])
		}
	}
	switch f := fact.(type) {
	case events.BudgetReserved:
		s.Workspace, s.Run = e.Workspace, f.Run
		a := aside{
			Budget: events.Identity(e.Stream), Reservation: f.Reservation, Step: f.Step, Holder: f.Holder, Begun: f.Begun, Until: f.Until, Cause: e.ID, At: e.OccurredAt,
		}
		if f.Begun {
			a.Started = e.OccurredAt
		}
		s.Aside = append(slices.Clip(s.Aside), a)
	case events.BudgetSettled:
		budget := events.Identity(e.Stream)
		s.Aside = slices.DeleteFunc(slices.Clone(s.Aside), func(a aside) bool { return a.Budget == budget && a.Reservation == f.Reservation })
	case events.RunStepStarted:
		each(func(a *aside) {
			if a.Step == f.Step && !a.Over {
				a.Begun, a.Started = true, e.OccurredAt
			}
		})
	case events.RunStepFinished:
		each(func(a *aside) {
			if a.Step == f.Step && !a.Over {
				a.Known, a.Over, a.Nanos, a.Begun, a.At = !f.Unpriced, true, f.CostNanos, true, e.OccurredAt
				a.Took.Tokens = events.Add(max(f.InputTokens, 0), max(f.OutputTokens, 0))
				if !a.Started.IsZero() {
					a.Took.TimeMS = max(e.OccurredAt.Sub(a.Started).Milliseconds(), 1)
				}
			}
		})
	case events.RunSuspended: // another budget let nothing through: the call is not made, and what is set aside for it is free
		each(func(a *aside) {
			if !a.Over && !a.Begun {
				a.Over, a.At = true, e.OccurredAt
			}
		})
	case events.RunFinished, events.RunFailed, events.RunCancelled:
		each(func(a *aside) {
			if !a.Over {
				a.Over, a.At = true, e.OccurredAt
			}
		})
	}
	return s
}

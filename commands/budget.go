package commands

import (
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// BudgetStream is the stream of a budget.
func BudgetStream(workspace, budget string) string {
	return events.StreamName("budget", workspace, budget)
}

// AgentBudget names the budget of an agent.
func AgentBudget(agent string) string { return "agent:" + agent }

// WorkspaceBudget names the budget of a workspace, which stands in it.
func WorkspaceBudget(workspace string) string { return "workspace:" + workspace }

// RunBudget names the budget of a run.
func RunBudget(run string) string { return events.BudgetOfRun + run }

// SetBudget bounds what live runs may spend in a period.
type SetBudget struct {
	Meta
	Budget string
	// Period is empty where only limits are to be others, those that are given here: the rest stays as it was set.
	Period     events.BudgetPeriod
	LimitNanos events.Nanos
	// Was is the limit that is to be another one, 0 for whichever it is: of two who were shown it one decides.
	Was events.Nanos
	// AnyCost leaves money unbounded, and Limits are those beside it, 0 for what is not bounded.
	AnyCost bool
	Limits  events.Resources
	// Depth and Fanout bound who spawns whom, 0 for what is not bounded.
	Depth, Fanout int64
	// SpentNanos is what was spent in the period before there was this budget.
	SpentNanos events.Nanos
	// Marks are percentages of the limit at which it is told that so much was spent.
	Marks []int
	// Fails has runs fail that there is no money for, instead of waiting.
	Fails bool
}

// ReserveBudget sets aside what a call can cost at most. The period is that of the command's time.
type ReserveBudget struct {
	Meta
	Budget      string
	Reservation string
	Run         string
	Step        int
	Nanos       events.Nanos
	// Most is what it can take beside money.
	Most events.Resources
	// Depth is how deep the agent that it spawns would be, and Fanout the how manieth for what the runs of one ask; 0 for what spawns none.
	Depth, Fanout int64
	// Holder is the process that makes the call. Begun tells that its step stands already.
	Holder string
	Begun  bool
	// Until is when all of it counts where its holder has told nothing by then, zero for a call of a run.
	Until time.Time
}

// SettleBudget turns a reservation into what the call has taken. Where that is Unknown, all that was set aside counts of what
// is not told.
type SettleBudget struct {
	Meta
	Budget      string
	Reservation string
	Nanos       events.Nanos
	Took        events.Resources
	Unknown     bool
}

func (c SetBudget) Stream() string     { return BudgetStream(c.Workspace, c.Budget) }
func (c ReserveBudget) Stream() string { return BudgetStream(c.Workspace, c.Budget) }
func (c SettleBudget) Stream() string  { return BudgetStream(c.Workspace, c.Budget) }

func (SetBudget) budget()     {}
func (ReserveBudget) budget() {}
func (SettleBudget) budget()  {}

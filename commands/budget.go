package commands

import "github.com/virtuous6/virtuous6/events"

// BudgetStream is the stream of a budget.
func BudgetStream(budget string) string { return "budget-" + budget }

// SetBudget bounds what live runs may spend in a period.
type SetBudget struct {
	Meta
	Budget     string
	Period     events.BudgetPeriod
	LimitNanos events.Nanos
}

// ExhaustBudget records that a period's limit was reached.
type ExhaustBudget struct {
	Meta
	Budget     string
	Starting   string
	SpentNanos events.Nanos
}

func (c SetBudget) Stream() string     { return BudgetStream(c.Budget) }
func (c ExhaustBudget) Stream() string { return BudgetStream(c.Budget) }

func (SetBudget) budget()     {}
func (ExhaustBudget) budget() {}

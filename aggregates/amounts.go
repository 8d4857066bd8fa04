package aggregates

import (
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// budgetUnits are what budgets bound, in the order in which it is told.
var budgetUnits = [...]events.BudgetUnit{events.InMoney, events.InTokens, events.InTime, events.InAgents}

// amounts are those of each unit, in their order. As limits, -1 is none.
type amounts [len(budgetUnits)]int64

const unbounded = -1

func amountsOf(n events.Nanos, r events.Resources) amounts {
	return amounts{int64(n), r.Tokens, r.TimeMS, r.Agents}
}

// limitsOf are those of a budget.
func limitsOf(set events.BudgetSet) amounts {
	limits := amountsOf(set.LimitNanos, set.Limits)
	if set.AnyCost {
		limits[0] = 0
	}
	for unit := range limits {
		if limits[unit] == 0 && (unit > 0 || set.AnyCost) {
			limits[unit] = unbounded
		}
	}
	return limits
}

func (a amounts) nanos() events.Nanos { return events.Nanos(a[0]) }

func (a amounts) resources() events.Resources {
	return events.Resources{Tokens: a[1], TimeMS: a[2], Agents: a[3]}
}

func (a amounts) plus(b amounts) amounts {
	for unit := range a {
		a[unit] = events.Add(a[unit], b[unit])
	}
	return a
}

func (a amounts) negative() bool {
	for _, n := range a {
		if n < 0 {
			return true
		}
	}
	return false
}

// wants tells whether a reservation is of a unit: what spawns an agent or calls a tool takes no money.
func (a amounts) wants(unit int) bool {
	return a[unit] > 0 || unit == 0 && (a[1] > 0 || a[2] == 0 && a[3] == 0)
}

// say is an amount in words.
func say(unit events.BudgetUnit, n int64) string {
	switch unit {
	case events.InTokens:
		return fmt.Sprintf("%d tokens", n)
	case events.InTime:
		return (time.Duration(n) * time.Millisecond).String()
	case events.InAgents:
		return fmt.Sprintf("%d agents", n)
	case events.InMoney:
	}
	return events.Nanos(n).String() + " USD"
}

// flag is by what a person raises the limit of a unit.
func flag(unit events.BudgetUnit) string {
	switch unit {
	case events.InTokens:
		return "--tokens N"
	case events.InTime:
		return "--time 2h"
	case events.InAgents:
		return "--agents N"
	case events.InMoney:
	}
	return "--limit USD"
}

// spending is what was used since a day.
type spending struct {
	since string
	amounts
}

// with adds what was used in a period. What belongs to one that is over counts no more.
func (s spending) with(since string, a amounts) spending {
	switch {
	case since > s.since:
		return spending{since, a}
	case since == s.since:
		s.amounts = s.plus(a)
	}
	return s
}

func day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// month is the first day of a day's month. A damaged log may hold a day that is none.
func month(day string) string { return day[:max(len(day)-2, 0)] + "01" }

// beginning is the first day of a budget that has no periods.
const beginning = "0001-01-01"

// percent is a part of a limit, rounded up, so that less than the mark never reaches it.
func percent(limit int64, mark int) int64 {
	whole, rest := limit/100, limit%100
	return events.Add(whole*int64(mark), events.Add(rest*int64(mark), 99)/100)
}

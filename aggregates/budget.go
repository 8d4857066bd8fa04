package aggregates

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// The refusals of a reservation.
var (
	// ErrBudget refuses what a budget's period has no money left for, whatever the calls under way will cost.
	ErrBudget = errors.New("budget exhausted")
	// ErrRoom refuses what there is no room for until a call under way is settled.
	ErrRoom = errors.New("all that is left of the budget is set aside for calls under way")
)

// NoMoney is a call that a budget's period has no money left for, whatever the calls under way will cost. It is an ErrBudget.
type NoMoney struct {
	Set events.BudgetSet
	// Starting is the first day of the period, SpentNanos what was spent in it, and Nanos what the call can cost.
	Starting          string
	SpentNanos, Nanos events.Nanos
}

func (e *NoMoney) Error() string {
	if e.Set.Period == events.Total {
		return fmt.Sprintf("%s: %s of %s USD of %s spent, and this call can cost %s", ErrBudget, e.SpentNanos, e.Set.LimitNanos, e.Set.Budget, e.Nanos)
	}
	return fmt.Sprintf("%s: %s of %s USD a %s of %s spent since %s, and this call can cost %s; wait, or raise it with `virtuous6 budget %s --limit USD`",
		ErrBudget, e.SpentNanos, e.Set.LimitNanos, e.Set.Period, e.Set.Budget, e.Starting, e.Nanos, e.Set.Budget)
}

// Unwrap makes errors.Is match.
func (e *NoMoney) Unwrap() error { return ErrBudget }

// reservation is money set aside for a call under way.
type reservation struct {
	id, run, holder, day string
	step                 int
	nanos                events.Nanos
}

// spending is what was spent since a day.
type spending struct {
	since string
	nanos events.Nanos
}

// budgetState is a value: what it holds is copied before it changes.
type budgetState struct {
	set        events.BudgetSet
	day, month spending
	total      events.Nanos
	open       []reservation
	// exhausted is the first day of the period that was told to be exhausted.
	exhausted string
	// reached is the mark that was told of the period that begins on marked.
	reached int
	marked  string
}

func budget() Decider[budgetState, commands.Budget, events.Budget] {
	return Decider[budgetState, commands.Budget, events.Budget]{
		Initial: func() budgetState { return budgetState{} },
		Decide:  decideBudget,
		Evolve:  evolveBudget,
	}
}

func decideBudget(c commands.Budget, s budgetState) ([]events.Budget, error) {
	if _, first := c.(commands.SetBudget); !first && s.set.Budget == "" {
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
	}
	switch c := c.(type) {
	case commands.SetBudget:
		return setBudget(c, s)
	case commands.ReserveBudget:
		return reserve(c, s)
	case commands.SettleBudget:
		at := slices.IndexFunc(s.open, func(r reservation) bool { return r.id == c.Reservation })
		if at < 0 {
			return nil, fmt.Errorf("reservation %s of budget %s: %w", c.Reservation, c.Budget, ErrEnded)
		}
		if c.Nanos < 0 {
			return nil, fmt.Errorf("%w: a call costs %s", ErrInvalid, c.Nanos)
		}
		r := s.open[at]
		settled := events.BudgetSettled{Reservation: r.id, Nanos: c.Nanos, Unknown: c.Unknown}
		if c.Unknown {
			settled.Nanos = r.nanos
		}
		settled.Over = max(0, settled.Nanos-r.nanos)
		settled.Starting, settled.SpentNanos = evolveBudget(s, settled).period(day(c.At))
		return s.told(day(c.At), settled), nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

func setBudget(c commands.SetBudget, s budgetState) ([]events.Budget, error) {
	if err := checkName("budget", c.Budget); err != nil {
		return nil, err
	}
	if c.Period == "" {
		if s.set.Budget == "" {
			return nil, fmt.Errorf("budget %s: %w", c.Budget, ErrMissing)
		}
		c.Period, c.Marks, c.Fails = s.set.Period, s.set.Marks, s.set.Fails
	}
	if c.Period != events.Daily && c.Period != events.Monthly && c.Period != events.Total {
		return nil, fmt.Errorf("%w: a budget's period is %q, %q or %q, not %q", ErrInvalid, events.Daily, events.Monthly, events.Total, c.Period)
	}
	if c.LimitNanos < 0 || c.SpentNanos < 0 {
		return nil, fmt.Errorf("%w: the limit %s or what was spent, %s, is negative", ErrInvalid, c.LimitNanos, c.SpentNanos)
	}
	for i, mark := range c.Marks {
		if mark < 1 || mark > 99 || i > 0 && mark <= c.Marks[i-1] {
			return nil, fmt.Errorf("%w: marks are percentages from 1 to 99, each above the one before; at 100 it is always told", ErrInvalid)
		}
	}
	set := events.BudgetSet{Budget: c.Budget, Period: c.Period, LimitNanos: c.LimitNanos, SpentNanos: c.SpentNanos, Marks: c.Marks, Fails: c.Fails}
	if set.SpentNanos > 0 {
		set.Since = day(c.At)
	}
	if s.set.Budget != "" {
		set.SpentNanos, set.Since = 0, "" // it has counted by itself since
		was := s.set
		was.SpentNanos, was.Since = 0, ""
		if reflect.DeepEqual(was, set) {
			return nil, nil
		}
	}
	return s.told(day(c.At), set), nil
}

// reserve lets a call through where what was spent, what is set aside and this call at its dearest stay within the limit.
func reserve(c commands.ReserveBudget, s budgetState) ([]events.Budget, error) {
	if c.Nanos < 0 || c.Reservation == "" || c.Holder == "" {
		return nil, fmt.Errorf("%w: a reservation has an id, a holder and an amount", ErrInvalid)
	}
	for _, r := range s.open {
		if r.id == c.Reservation {
			return nil, fmt.Errorf("reservation %s of budget %s: %w", r.id, c.Budget, ErrExists)
		}
		if r.run == c.Run && r.step == c.Step && r.holder != c.Holder {
			return nil, fmt.Errorf("%w: this one's own, by a process that is gone, is not settled yet", ErrRoom)
		}
	}
	today := day(c.At)
	starting, spent := s.period(today)
	left := s.set.LimitNanos - spent
	aside := s.aside(starting)
	switch {
	case left <= 0 || c.Nanos > left:
		return nil, &NoMoney{Set: s.set, Starting: starting, SpentNanos: spent, Nanos: c.Nanos}
	case aside >= left || c.Nanos > left-aside:
		return nil, fmt.Errorf("%w: budget %s has %s USD left", ErrRoom, c.Budget, left)
	}
	return []events.Budget{events.BudgetReserved{
		Reservation: c.Reservation, Run: c.Run, Step: c.Step, Nanos: c.Nanos, Holder: c.Holder, Begun: c.Begun, Day: today,
	}}, nil
}

// told is a fact, and behind it the news that the period has reached marks or is exhausted, where it is since that fact.
func (s budgetState) told(today string, fact events.Budget) []events.Budget {
	after := evolveBudget(s, fact)
	starting, spent := after.period(today)
	facts := []events.Budget{fact}
	for _, mark := range after.set.Marks {
		if spent >= percent(after.set.LimitNanos, mark) && (after.marked != starting || after.reached < mark) {
			facts = append(facts, events.BudgetReached{Starting: starting, Percent: mark, SpentNanos: spent})
		}
	}
	if spent >= after.set.LimitNanos && after.exhausted != starting {
		facts = append(facts, events.BudgetExhausted{Starting: starting, SpentNanos: spent})
	}
	return facts
}

// percent is a part of a limit, rounded up, so that less than the mark never reaches it.
func percent(limit events.Nanos, mark int) events.Nanos {
	whole, rest := limit/100, limit%100
	return events.Add(whole*events.Nanos(mark), events.Add(rest*events.Nanos(mark), 99)/100)
}

// period is the first day of the period that a day lies in, and what was spent in it so far. A clock that was set back
// does not open an earlier period again.
func (s budgetState) period(today string) (starting string, spent events.Nanos) {
	if s.set.Period == events.Total {
		return beginning, s.total
	}
	since, starting := s.day, max(today, s.day.since)
	if s.set.Period == events.Monthly {
		since, starting = s.month, max(month(today), s.month.since)
	}
	if since.since != starting {
		return starting, 0
	}
	return starting, since.nanos
}

// beginning is the first day of a budget that has no periods.
const beginning = "0001-01-01"

// aside is what is set aside for calls of the period.
func (s budgetState) aside(starting string) (sum events.Nanos) {
	for _, r := range s.open {
		if r.day >= starting {
			sum = events.Add(sum, r.nanos)
		}
	}
	return sum
}

func evolveBudget(s budgetState, e events.Budget) budgetState {
	switch e := e.(type) {
	case events.BudgetSet:
		s.set = e
		// A new limit opens the period again; it is exhausted anew where the limit is reached.
		s.exhausted, s.reached, s.marked = "", 0, ""
		if e.SpentNanos > 0 {
			s.day, s.month, s.total = spending{e.Since, e.SpentNanos}, spending{month(e.Since), e.SpentNanos}, e.SpentNanos
		}
	case events.BudgetReserved:
		s.open = append(slices.Clip(s.open), reservation{e.Reservation, e.Run, e.Holder, e.Day, e.Step, e.Nanos})
	case events.BudgetSettled:
		at := slices.IndexFunc(s.open, func(r reservation) bool { return r.id == e.Reservation })
		if at < 0 {
			return s
		}
		on := s.open[at].day
		s.open = slices.Delete(slices.Clone(s.open), at, at+1)
		s.day, s.month, s.total = s.day.with(on, e.Nanos), s.month.with(month(on), e.Nanos), events.Add(s.total, e.Nanos)
	case events.BudgetReached:
		s.reached, s.marked = e.Percent, e.Starting
	case events.BudgetExhausted:
		s.exhausted = e.Starting
	}
	return s
}

// with adds what was spent in a period. What belongs to one that is over counts no more.
func (s spending) with(since string, n events.Nanos) spending {
	switch {
	case since > s.since:
		return spending{since, n}
	case since == s.since:
		s.nanos = events.Add(s.nanos, n)
	}
	return s
}

func day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// month is the first day of a day's month. A damaged log may hold a day that is none.
func month(day string) string { return day[:max(len(day)-2, 0)] + "01" }

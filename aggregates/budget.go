package aggregates

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

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

// Exceeded is a call that could take more than a budget's period has left, whatever the calls under way will take. It is an
// ErrBudget.
type Exceeded struct {
	Set events.BudgetSet
	// Unit is what there is too little of. Of that Used was used in the period that began on Starting, Limit may be, and the call
	// can take Need.
	Unit              events.BudgetUnit
	Starting          string
	Used, Limit, Need int64
}

func (e *Exceeded) Error() string {
	period, since, wait := "", "", ""
	if e.Set.Period != events.Total {
		period, since, wait = " a "+string(e.Set.Period), " since "+e.Starting, "wait, or "
	}
	text := fmt.Sprintf("%s: %s of %s%s of %s used%s, and this can take %s", ErrBudget, say(e.Unit, e.Used), say(e.Unit, e.Limit), period, e.Set.Budget, since, say(e.Unit, e.Need))
	if strings.HasPrefix(e.Set.Budget, commands.GoalBudget("")) {
		return text
	}
	text += fmt.Sprintf("; %sraise it with `virtuous6 budget %s %s`", wait, e.Set.Budget, flag(e.Unit))
	if e.Need > e.Limit && (e.Unit == events.InMoney || e.Unit == events.InTokens) {
		text += ", or bound the agent's answers by a smaller --max-tokens"
	}
	return text
}

// Unwrap makes errors.Is match.
func (e *Exceeded) Unwrap() error { return ErrBudget }

// reservation is what was set aside for a call under way.
type reservation struct {
	id, run, holder, day string
	step                 int
	amounts
}

// mark is what was told of a unit: the percentage, and the first day of the period. At 100 it is exhausted.
type mark struct {
	percent  int
	starting string
}

// budgetState is a value: what it holds is copied before it changes.
type budgetState struct {
	set        events.BudgetSet
	day, month spending
	total      amounts
	open       []reservation
	told       [len(budgetUnits)]mark
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
		took := amountsOf(c.Nanos, c.Took)
		if took.negative() {
			return nil, fmt.Errorf("%w: a call takes %s, %+v", ErrInvalid, c.Nanos, c.Took)
		}
		r := s.open[at]
		for unit := range took {
			if c.Unknown && (took[unit] == 0 || unit == 0) {
				took[unit] = r.amounts[unit]
			}
		}
		settled := events.BudgetSettled{Reservation: r.id, Nanos: took.nanos(), Took: took.resources(), Unknown: c.Unknown}
		settled.Over = max(0, settled.Nanos-r.nanos())
		starting, used := evolveBudget(s, settled).period(day(c.At))
		settled.Starting, settled.SpentNanos, settled.Used = starting, used.nanos(), used.resources()
		return s.tell(day(c.At), settled), nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

func setBudget(c commands.SetBudget, s budgetState) ([]events.Budget, error) {
	if err := checkName("budget", c.Budget); err != nil {
		return nil, err
	}
	if c.Was != 0 && c.Was != s.set.LimitNanos {
		return nil, fmt.Errorf("budget %s: %w: its limit is %s by now", c.Budget, ErrState, say(events.InMoney, int64(s.set.LimitNanos)))
	}
	if c.Period == "" {
		if s.set.Budget == "" {
			return nil, fmt.Errorf("budget %s: %w", c.Budget, ErrMissing)
		}
		c.Period, c.Marks, c.Fails = s.set.Period, s.set.Marks, s.set.Fails
		if c.AnyCost {
			c.AnyCost, c.LimitNanos = s.set.AnyCost, s.set.LimitNanos
		}
		c.Limits.Tokens = cmp.Or(c.Limits.Tokens, s.set.Limits.Tokens)
		c.Limits.TimeMS = cmp.Or(c.Limits.TimeMS, s.set.Limits.TimeMS)
		c.Limits.Agents = cmp.Or(c.Limits.Agents, s.set.Limits.Agents)
		c.Depth, c.Fanout = cmp.Or(c.Depth, s.set.Depth), cmp.Or(c.Fanout, s.set.Fanout)
	}
	if c.Period != events.Daily && c.Period != events.Monthly && c.Period != events.Total {
		return nil, fmt.Errorf("%w: a budget's period is %q, %q or %q, not %q", ErrInvalid, events.Daily, events.Monthly, events.Total, c.Period)
	}
	if amountsOf(c.LimitNanos, c.Limits).negative() || c.SpentNanos < 0 || c.Depth < 0 || c.Fanout < 0 {
		return nil, fmt.Errorf("%w: the limit %s, %+v or what was spent, %s, is negative", ErrInvalid, c.LimitNanos, c.Limits, c.SpentNanos)
	}
	if c.AnyCost && (c.LimitNanos != 0 || c.Limits == events.Resources{} && c.Depth == 0 && c.Fanout == 0) {
		return nil, fmt.Errorf("%w: a budget bounds money, tokens, time or agents, their depth or their fan-out", ErrInvalid)
	}
	for i, mark := range c.Marks {
		if mark < 1 || mark > 99 || i > 0 && mark <= c.Marks[i-1] {
			return nil, fmt.Errorf("%w: marks are percentages from 1 to 99, each above the one before; at 100 it is always told", ErrInvalid)
		}
	}
	set := events.BudgetSet{Budget: c.Budget, Period: c.Period, LimitNanos: c.LimitNanos, AnyCost: c.AnyCost, Limits: c.Limits, Depth: c.Depth, Fanout: c.Fanout, SpentNanos: c.SpentNanos, Marks: c.Marks, Fails: c.Fails}
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
	return s.tell(day(c.At), set), nil
}

// reserve lets a call through where what was used, what is set aside and this call at its most stay within the limits.
func reserve(c commands.ReserveBudget, s budgetState) ([]events.Budget, error) {
	need := amountsOf(c.Nanos, c.Most)
	if need.negative() || c.Reservation == "" || c.Holder == "" {
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
	if most := s.set.Depth; most > 0 && c.Depth > most {
		return nil, fmt.Errorf("%w: an agent would be spawned %d deep, and budget %s allows %d; raise it with `virtuous6 budget %[3]s --depth N`", ErrBudget, c.Depth, c.Budget, most)
	}
	if most := s.set.Fanout; most > 0 && c.Fanout > most {
		return nil, fmt.Errorf("%w: an agent would be number %d of those spawned for what one agent asks, and budget %s allows %d; raise it with `virtuous6 budget %[3]s --fanout N`",
			ErrBudget, c.Fanout, c.Budget, most)
	}
	today := day(c.At)
	starting, used := s.period(today)
	aside := s.aside(starting)
	var full error
	for unit, limit := range limitsOf(s.set) {
		if limit == unbounded || !need.wants(unit) {
			continue
		}
		left := limit - used[unit]
		switch {
		case left <= 0 || need[unit] > left:
			return nil, &Exceeded{Set: s.set, Unit: budgetUnits[unit], Starting: starting, Used: used[unit], Limit: limit, Need: need[unit]}
		case aside[unit] >= left || need[unit] > left-aside[unit]:
			full = fmt.Errorf("%w: budget %s has %s left", ErrRoom, c.Budget, say(budgetUnits[unit], left))
		}
	}
	if full != nil {
		return nil, full
	}
	return []events.Budget{events.BudgetReserved{
		Reservation: c.Reservation, Run: c.Run, Step: c.Step, Nanos: c.Nanos, Most: c.Most, Holder: c.Holder, Begun: c.Begun, Until: c.Until, Day: today,
	}}, nil
}

// tell is a fact, and behind it the news that the period has reached marks or is exhausted, where it is since that fact.
func (s budgetState) tell(today string, fact events.Budget) []events.Budget {
	after := evolveBudget(s, fact)
	starting, used := after.period(today)
	facts := []events.Budget{fact}
	for at, limit := range limitsOf(after.set) {
		if limit == unbounded {
			continue
		}
		told, unit := after.told[at], budgetUnits[at]
		if told.starting != starting {
			told.percent = 0
		}
		if unit == events.InMoney {
			unit = ""
		}
		for _, mark := range after.set.Marks {
			if used[at] >= percent(limit, mark) && told.percent < mark {
				facts = append(facts, events.BudgetReached{Starting: starting, Percent: mark, SpentNanos: used.nanos(), Used: used.resources(), Unit: unit})
			}
		}
		if used[at] >= limit && told.percent < 100 {
			facts = append(facts, events.BudgetExhausted{Starting: starting, SpentNanos: used.nanos(), Used: used.resources(), Unit: unit})
		}
	}
	return facts
}

// period is the first day of the period that a day lies in, and what was used in it so far. A clock that was set back
// does not open an earlier period again.
func (s budgetState) period(today string) (starting string, used amounts) {
	if s.set.Period == events.Total {
		return beginning, s.total
	}
	since, starting := s.day, max(today, s.day.since)
	if s.set.Period == events.Monthly {
		since, starting = s.month, max(month(today), s.month.since)
	}
	if since.since != starting {
		return starting, amounts{}
	}
	return starting, since.amounts
}

// aside is what is set aside for calls of the period.
func (s budgetState) aside(starting string) (sum amounts) {
	for _, r := range s.open {
		if r.day >= starting {
			sum = sum.plus(r.amounts)
		}
	}
	return sum
}

func evolveBudget(s budgetState, e events.Budget) budgetState {
	switch e := e.(type) {
	case events.BudgetSet:
		s.set = e
		// A new limit opens the period again; it is exhausted anew where the limit is reached.
		s.told = [len(budgetUnits)]mark{}
		if e.SpentNanos > 0 {
			spent := amountsOf(e.SpentNanos, events.Resources{})
			s.day, s.month, s.total = spending{e.Since, spent}, spending{month(e.Since), spent}, spent
		}
	case events.BudgetReserved:
		s.open = append(slices.Clip(s.open), reservation{e.Reservation, e.Run, e.Holder, e.Day, e.Step, amountsOf(e.Nanos, e.Most)})
	case events.BudgetSettled:
		at := slices.IndexFunc(s.open, func(r reservation) bool { return r.id == e.Reservation })
		if at < 0 {
			return s
		}
		on, took := s.open[at].day, amountsOf(e.Nanos, e.Took)
		s.open = slices.Delete(slices.Clone(s.open), at, at+1)
		s.day, s.month, s.total = s.day.with(on, took), s.month.with(month(on), took), s.total.plus(took)
	case events.BudgetReached:
		s.told = s.marked(e.Unit, mark{e.Percent, e.Starting})
	case events.BudgetExhausted:
		s.told = s.marked(e.Unit, mark{100, e.Starting})
	}
	return s
}

// marked is what was told with one mark more. An early log tells of money alone, and names no unit.
func (s budgetState) marked(of events.BudgetUnit, m mark) [len(budgetUnits)]mark {
	told := s.told
	if at := slices.Index(budgetUnits[:], cmp.Or(of, events.InMoney)); at >= 0 {
		told[at] = m
	}
	return told
}

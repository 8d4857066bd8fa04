package aggregates_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	on := func(day int) commands.Meta { return commands.Meta{At: time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC)} }
	set := events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 100}
	monthly := events.BudgetSet{Budget: "all", Period: events.Monthly, LimitNanos: 100}
	setTo := func(p events.BudgetPeriod, limit events.Nanos) commands.Command {
		return commands.SetBudget{Meta: on(1), Budget: "all", Period: p, LimitNanos: limit}
	}
	reserved := func(id string, day int, nanos events.Nanos) events.BudgetReserved {
		return events.BudgetReserved{Reservation: id, Run: "r" + id, Nanos: nanos, Holder: "me", Day: fmt.Sprintf("2026-11-%02d", day)}
	}
	reserve := func(id string, day int, nanos events.Nanos) commands.Command {
		return commands.ReserveBudget{Meta: on(day), Budget: "all", Reservation: id, Run: "r" + id, Nanos: nanos, Holder: "me"}
	}
	settled := func(id string, nanos events.Nanos) events.BudgetSettled {
		return events.BudgetSettled{Reservation: id, Nanos: nanos}
	}
	// total is a settlement with what was spent with it in a period.
	total := func(s events.BudgetSettled, starting string, spent events.Nanos) events.BudgetSettled {
		s.Starting, s.SpentNanos = starting, spent
		return s
	}
	const first = "2026-11-01"
	settle := func(id string, day int, nanos events.Nanos) commands.Command {
		return commands.SettleBudget{Meta: on(day), Budget: "all", Reservation: id, Nanos: nanos}
	}
	out := func(day int, spent events.Nanos) events.Event {
		return events.BudgetExhausted{Starting: fmt.Sprintf("2026-11-%02d", day), SpentNanos: spent}
	}
	given := func(facts ...events.Event) []events.Event { return append([]events.Event{set}, facts...) }
	marked := func(facts ...events.Event) []events.Event {
		return append([]events.Event{events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 100, Marks: []int{50, 80}}}, facts...)
	}
	reached := func(day, percent int, spent events.Nanos) events.Event {
		return events.BudgetReached{Starting: fmt.Sprintf("2026-11-%02d", day), Percent: percent, SpentNanos: spent}
	}
	spent := given(reserved("1", 1, 60), settled("1", 60))
	deep := events.BudgetSet{Budget: "all", Period: events.Total, AnyCost: true, Depth: 1, Fanout: 2}
	spawns := func(depth, fanout int64) commands.Command {
		return commands.ReserveBudget{Meta: on(1), Budget: "all", Reservation: "1", Run: "r", Step: -1, Most: events.Resources{Agents: 1}, Depth: depth, Fanout: fanout, Holder: "p"}
	}
	strict := events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 100, Marks: []int{50}, Fails: true}
	higher := strict
	higher.LimitNanos = 200
	only := commands.SetBudget{Meta: on(1), Budget: "all", LimitNanos: 200}
	scenarios{
		"the limit only":             {given: []events.Event{strict}, when: only, then: []events.Event{higher}},
		"the limit that was shown":   {given: []events.Event{strict}, when: commands.SetBudget{Meta: on(1), Budget: "all", LimitNanos: 200, Was: 100}, then: []events.Event{higher}},
		"the second of two at once":  {given: []events.Event{strict, higher}, when: commands.SetBudget{Meta: on(1), Budget: "all", LimitNanos: 150, Was: 100}, err: aggregates.ErrState},
		"the limit only, as it is":   {given: []events.Event{higher}, when: only},
		"the limit only, of nothing": {when: only, err: aggregates.ErrMissing},
		"set":                        {when: setTo(events.Daily, 100), then: []events.Event{set}},
		"set to nothing at all":      {when: setTo(events.Monthly, 0), then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Monthly}, out(1, 0)}},
		"set again":                  {given: given(), when: setTo(events.Daily, 100)},
		"set for another time":       {given: given(), when: setTo(events.Monthly, 100), then: []events.Event{monthly}},
		"set below what was spent": {
			given: spent, when: setTo(events.Daily, 50), then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 50}, out(1, 60)},
		},
		"set with what was spent before": {
			when: commands.SetBudget{Meta: on(9), Budget: "all", Period: events.Monthly, LimitNanos: 100, SpentNanos: 100},
			then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Monthly, LimitNanos: 100, SpentNanos: 100, Since: "2026-11-09"}, out(1, 100)},
		},
		"set with marks": {
			when: commands.SetBudget{Meta: on(1), Budget: "all", Period: events.Daily, LimitNanos: 100, Marks: []int{50, 80}, Fails: true},
			then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 100, Marks: []int{50, 80}, Fails: true}},
		},
		"set with a mark at the limit": {when: commands.SetBudget{Meta: on(1), Budget: "all", Period: events.Daily, LimitNanos: 100, Marks: []int{100}}, err: aggregates.ErrInvalid},
		"set with marks that fall":     {when: commands.SetBudget{Meta: on(1), Budget: "all", Period: events.Daily, LimitNanos: 100, Marks: []int{80, 50}}, err: aggregates.ErrInvalid},
		"set again with other marks": {
			given: given(), when: commands.SetBudget{Meta: on(1), Budget: "all", Period: events.Daily, LimitNanos: 100, Marks: []int{50}},
			then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 100, Marks: []int{50}}},
		},
		"below a mark":            {given: marked(reserved("1", 1, 49)), when: settle("1", 1, 49), then: []events.Event{total(settled("1", 49), first, 49)}},
		"a mark":                  {given: marked(reserved("1", 1, 50)), when: settle("1", 1, 50), then: []events.Event{total(settled("1", 50), first, 50), reached(1, 50, 50)}},
		"all marks at once":       {given: marked(reserved("1", 1, 99)), when: settle("1", 1, 100), then: []events.Event{total(events.BudgetSettled{Reservation: "1", Nanos: 100, Over: 1}, first, 100), reached(1, 50, 100), reached(1, 80, 100), out(1, 100)}},
		"a mark that was told":    {given: marked(reserved("1", 1, 60), settled("1", 60), reached(1, 50, 60), reserved("2", 1, 5)), when: settle("2", 1, 5), then: []events.Event{total(settled("2", 5), first, 65)}},
		"the mark of another day": {given: marked(reserved("1", 1, 60), settled("1", 60), reached(1, 50, 60), reserved("2", 2, 55)), when: settle("2", 2, 55), then: []events.Event{total(settled("2", 55), "2026-11-02", 55), reached(2, 50, 55)}},
		"a new limit tells anew":  {given: marked(reserved("1", 1, 60), settled("1", 60), reached(1, 50, 60)), when: commands.SetBudget{Meta: on(1), Budget: "all", Period: events.Daily, LimitNanos: 110, Marks: []int{50, 80}}, then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 110, Marks: []int{50, 80}}, reached(1, 50, 60)}},
		"set how deep": {
			when: commands.SetBudget{Meta: on(1), Budget: "all", Period: events.Total, AnyCost: true, Depth: 1, Fanout: 2},
			then: []events.Event{deep},
		},
		"set to nothing deep": {when: commands.SetBudget{Meta: on(1), Budget: "all", Period: events.Total, AnyCost: true}, err: aggregates.ErrInvalid},
		"set below 0 deep":    {when: commands.SetBudget{Meta: on(1), Budget: "all", Period: events.Total, AnyCost: true, Depth: -1}, err: aggregates.ErrInvalid},
		"only wider":          {given: []events.Event{deep}, when: commands.SetBudget{Meta: on(1), Budget: "all", AnyCost: true, Fanout: 3}, then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Total, AnyCost: true, Depth: 1, Fanout: 3}}},
		"spawned so deep": {
			given: []events.Event{deep}, when: spawns(1, 2), then: []events.Event{events.BudgetReserved{Reservation: "1", Run: "r", Step: -1, Most: events.Resources{Agents: 1}, Holder: "p", Day: "2026-11-01"}},
		},
		"spawned deeper":      {given: []events.Event{deep}, when: spawns(2, 1), err: aggregates.ErrBudget},
		"one too many for it": {given: []events.Event{deep}, when: spawns(1, 3), err: aggregates.ErrBudget},
		"set for a week":      {when: setTo("week", 100), err: aggregates.ErrInvalid},
		"set by the week":     {when: setTo("week", 100), err: aggregates.ErrInvalid},
		"set below 0":         {when: setTo(events.Daily, -1), err: aggregates.ErrInvalid},

		"reserve of what has no periods": {
			given: []events.Event{events.BudgetSet{Budget: "all", Period: events.Total, LimitNanos: 100}, reserved("1", 1, 60), settled("1", 60)},
			when:  reserve("2", 28, 41), err: aggregates.ErrBudget,
		},
		"what has no periods is spent once": {
			given: []events.Event{events.BudgetSet{Budget: "all", Period: events.Total, LimitNanos: 100}, reserved("1", 1, 60), settled("1", 60), reserved("2", 28, 40)},
			when:  settle("2", 28, 40), then: []events.Event{total(settled("2", 40), "0001-01-01", 100), events.BudgetExhausted{Starting: "0001-01-01", SpentNanos: 100}},
		},

		"reserve":                                 {given: given(), when: reserve("1", 1, 100), then: []events.Event{reserved("1", 1, 100)}},
		"reserve for free":                        {given: given(), when: reserve("1", 1, 0), then: []events.Event{reserved("1", 1, 0)}},
		"reserve what is not set":                 {when: reserve("1", 1, 1), err: aggregates.ErrMissing},
		"reserve more than the limit":             {given: given(), when: reserve("1", 1, 101), err: aggregates.ErrBudget},
		"reserve more than is left":               {given: spent, when: reserve("2", 1, 41), err: aggregates.ErrBudget},
		"reserve what is left":                    {given: spent, when: reserve("2", 1, 40), then: []events.Event{reserved("2", 1, 40)}},
		"reserve the next day":                    {given: spent, when: reserve("2", 2, 100), then: []events.Event{reserved("2", 2, 100)}},
		"reserve the day before":                  {given: spent, when: commands.ReserveBudget{Meta: commands.Meta{At: on(1).At.AddDate(0, -1, 0)}, Budget: "all", Reservation: "2", Nanos: 41, Holder: "me"}, err: aggregates.ErrBudget},
		"reserve what may become free":            {given: given(reserved("1", 1, 60)), when: reserve("2", 1, 41), err: aggregates.ErrRoom},
		"reserve beside what is set aside":        {given: given(reserved("1", 1, 60)), when: reserve("2", 1, 40), then: []events.Event{reserved("2", 1, 40)}},
		"reserve for free where all is set aside": {given: given(reserved("1", 1, 100)), when: reserve("2", 1, 0), err: aggregates.ErrRoom},
		"reserve for free where nothing is left":  {given: given(reserved("1", 1, 100), settled("1", 100)), when: reserve("2", 1, 0), err: aggregates.ErrBudget},
		"reserve what one that is gone holds": {
			given: given(events.BudgetReserved{Reservation: "0", Run: "r1", Nanos: 1, Holder: "gone", Day: "2026-11-01"}), when: reserve("1", 1, 1), err: aggregates.ErrRoom,
		},
		"reserve twice":             {given: given(reserved("1", 1, 60)), when: reserve("1", 1, 60), err: aggregates.ErrExists},
		"reserve below 0":           {given: given(), when: reserve("1", 1, -1), err: aggregates.ErrInvalid},
		"reserve beyond all limits": {given: given(reserved("1", 1, math.MaxInt64)), when: reserve("2", 1, 1), err: aggregates.ErrRoom},

		"settle":                     {given: given(reserved("1", 1, 60)), when: settle("1", 1, 20), then: []events.Event{total(settled("1", 20), first, 20)}},
		"settle what is not there":   {given: given(), when: settle("1", 1, 20), err: aggregates.ErrEnded},
		"settle twice":               {given: spent, when: settle("1", 1, 20), err: aggregates.ErrEnded},
		"settle below 0":             {given: given(reserved("1", 1, 60)), when: settle("1", 1, -1), err: aggregates.ErrInvalid},
		"settle what reaches it":     {given: given(reserved("1", 1, 100)), when: settle("1", 1, 100), then: []events.Event{total(settled("1", 100), first, 100), out(1, 100)}},
		"settle more than set aside": {given: given(reserved("1", 1, 60)), when: settle("1", 1, 61), then: []events.Event{total(events.BudgetSettled{Reservation: "1", Nanos: 61, Over: 1}, first, 61)}},
		"settle what nobody knows": {
			given: given(reserved("1", 1, 60)), when: commands.SettleBudget{Meta: on(1), Budget: "all", Reservation: "1", Nanos: 5, Unknown: true},
			then: []events.Event{total(events.BudgetSettled{Reservation: "1", Nanos: 60, Unknown: true}, first, 60)},
		},
		"told once": {
			given: given(reserved("1", 1, 60), reserved("2", 1, 60), settled("1", 100), out(1, 100)), when: settle("2", 1, 60), then: []events.Event{total(settled("2", 60), first, 160)},
		},
		"what was spent a day ago is over": {given: given(reserved("1", 1, 100), settled("1", 100), out(1, 100)), when: reserve("2", 2, 1), then: []events.Event{reserved("2", 2, 1)}},
		"what was spent in the month counts": {
			given: []events.Event{monthly, reserved("1", 1, 100), settled("1", 100)}, when: reserve("2", 30, 1), err: aggregates.ErrBudget,
		},
		"what is set aside in the month counts": {given: []events.Event{monthly, reserved("1", 1, 100)}, when: reserve("2", 30, 1), err: aggregates.ErrRoom},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return commands.SetBudget{Meta: on(1), Budget: name, Period: events.Daily, LimitNanos: 1}
	})
}

// A budget bounds tokens, time and agents as it bounds money, and each for itself.
func TestABudgetBoundsMoreThanMoney(t *testing.T) {
	t.Parallel()
	at := commands.Meta{At: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	limits := events.Resources{Tokens: 100, TimeMS: 1000, Agents: 2}
	set := events.BudgetSet{Budget: "b", Period: events.Total, AnyCost: true, Limits: limits, Marks: []int{50}}
	reserve := func(id string, most events.Resources) commands.ReserveBudget {
		return commands.ReserveBudget{Meta: at, Budget: "b", Reservation: id, Run: "r" + id, Most: most, Nanos: 7, Holder: "me"}
	}
	reserved := func(id string, most events.Resources) events.BudgetReserved {
		return events.BudgetReserved{Reservation: id, Run: "r" + id, Most: most, Nanos: 7, Holder: "me", Day: "2026-11-01"}
	}
	settle := func(took events.Resources) commands.SettleBudget {
		return commands.SettleBudget{Meta: at, Budget: "b", Reservation: "1", Took: took, Unknown: true}
	}
	settled := func(took events.Resources) events.BudgetSettled {
		return events.BudgetSettled{Reservation: "1", Nanos: 7, Took: took, Unknown: true, Starting: "0001-01-01", SpentNanos: 7, Used: took}
	}
	tokens := events.Resources{Tokens: 60}
	used := []events.Event{set, reserved("1", tokens), settled(tokens)}
	raise := func(c commands.SetBudget) commands.SetBudget {
		c.Meta, c.Budget = at, "b"
		return c
	}
	with := func(change func(*events.BudgetSet)) events.BudgetSet {
		other := set
		change(&other)
		return other
	}
	scenarios{
		"of nothing":           {when: commands.SetBudget{Meta: at, Budget: "b", Period: events.Daily, AnyCost: true}, err: aggregates.ErrInvalid},
		"any cost and a limit": {when: commands.SetBudget{Meta: at, Budget: "b", Period: events.Daily, AnyCost: true, LimitNanos: 1, Limits: limits}, err: aggregates.ErrInvalid},
		"negative":             {when: commands.SetBudget{Meta: at, Budget: "b", Period: events.Daily, Limits: events.Resources{TimeMS: -1}}, err: aggregates.ErrInvalid},
		"money is free":        {given: []events.Event{set}, when: reserve("1", tokens), then: []events.Event{reserved("1", tokens)}},
		"too many tokens":      {given: used, when: reserve("2", tokens), err: aggregates.ErrBudget},
		"no room for tokens":   {given: used[:2], when: reserve("2", tokens), err: aggregates.ErrRoom},
		"too much time":        {given: []events.Event{set}, when: reserve("2", events.Resources{TimeMS: 1001}), err: aggregates.ErrBudget},
		"too many agents":      {given: []events.Event{set}, when: reserve("2", events.Resources{Agents: 3}), err: aggregates.ErrBudget},
		"time while no tokens are left": {
			given: []events.Event{set, reserved("1", limits), settled(events.Resources{Tokens: 100})},
			when:  reserve("2", events.Resources{TimeMS: 5}), then: []events.Event{reserved("2", events.Resources{TimeMS: 5})},
		},
		"a tool while no money is left": {
			given: []events.Event{events.BudgetSet{Budget: "b", Period: events.Total}},
			when:  commands.ReserveBudget{Meta: at, Budget: "b", Reservation: "1", Holder: "me", Most: events.Resources{TimeMS: 5}},
			then:  []events.Event{events.BudgetReserved{Reservation: "1", Holder: "me", Most: events.Resources{TimeMS: 5}, Day: "2026-11-01"}},
		},
		"a call while no money is left": {
			given: []events.Event{events.BudgetSet{Budget: "b", Period: events.Total}},
			when:  commands.ReserveBudget{Meta: at, Budget: "b", Reservation: "1", Holder: "me", Most: events.Resources{TimeMS: 5, Tokens: 1}},
			err:   aggregates.ErrBudget,
		},
		"what nobody knows counts whole, what is known as it is": {
			given: []events.Event{set, reserved("1", events.Resources{Tokens: 60, TimeMS: 400})}, when: settle(events.Resources{TimeMS: 300}),
			then: []events.Event{
				settled(events.Resources{Tokens: 60, TimeMS: 300}),
				events.BudgetReached{Starting: "0001-01-01", Percent: 50, SpentNanos: 7, Used: events.Resources{Tokens: 60, TimeMS: 300}, Unit: events.InTokens},
			},
		},
		"each unit is told for itself": {
			given: append(used, events.BudgetReached{Starting: "0001-01-01", Percent: 50, Unit: events.InTokens}, reserved("1", limits)),
			when:  settle(events.Resources{Tokens: 1, TimeMS: 1000, Agents: 1}),
			then: []events.Event{
				func() events.Event {
					s := settled(events.Resources{Tokens: 1, TimeMS: 1000, Agents: 1})
					s.SpentNanos, s.Used.Tokens = 14, 61
					return s
				}(),
				events.BudgetReached{Starting: "0001-01-01", Percent: 50, SpentNanos: 14, Used: events.Resources{Tokens: 61, TimeMS: 1000, Agents: 1}, Unit: events.InTime},
				events.BudgetExhausted{Starting: "0001-01-01", SpentNanos: 14, Used: events.Resources{Tokens: 61, TimeMS: 1000, Agents: 1}, Unit: events.InTime},
				events.BudgetReached{Starting: "0001-01-01", Percent: 50, SpentNanos: 14, Used: events.Resources{Tokens: 61, TimeMS: 1000, Agents: 1}, Unit: events.InAgents},
			},
		},
		"more tokens, the rest stays": {
			given: []events.Event{set}, when: raise(commands.SetBudget{AnyCost: true, Limits: events.Resources{Tokens: 200}}),
			then: []events.Event{with(func(s *events.BudgetSet) { s.Limits.Tokens = 200 })},
		},
		"a limit of money beside": {
			given: []events.Event{set}, when: raise(commands.SetBudget{LimitNanos: 9}),
			then: []events.Event{with(func(s *events.BudgetSet) { s.LimitNanos, s.AnyCost = 9, false })},
		},
	}.run(t)
}

// Whatever calls begin and end in whatever order, and whatever they cost up to what was set aside for them: what is spent
// and what is set aside never pass the limit together. One that costs more counts at once, and nothing is let through
// until there is room.
func TestNoAdmissionPassesTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.IntRange(0, 3).Draw(t, "unit")
		// of is so much of the unit, and set a budget that bounds it.
		of := func(n events.Nanos) (events.Nanos, events.Resources) {
			switch unit {
			case 1:
				return 0, events.Resources{Tokens: int64(n)}
			case 2:
				return 0, events.Resources{TimeMS: int64(n)}
			case 3:
				return 0, events.Resources{Agents: int64(n)}
			}
			return n, events.Resources{}
		}
		least := min(int64(unit), 1) // no limit of 0 beside money: that is none
		limit := events.Nanos(rapid.Int64Range(least, 1000).Draw(t, "limit"))
		instance := newInstance(t, aggregates.Policy{}, commands.SetBudget{Budget: "b"})
		at := commands.Meta{At: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
		carryOut := func(c commands.Command) error {
			facts, err := instance.Decide(c)
			fold(t, instance, facts)
			return err
		}
		set := func() {
			c := commands.SetBudget{Meta: at, Budget: "b", Period: events.Daily, AnyCost: unit > 0}
			c.LimitNanos, c.Limits = of(limit)
			if err := carryOut(c); err != nil {
				t.Fatal(err)
			}
		}
		set()
		aside := map[int]events.Nanos{}
		var spent events.Nanos
		sum := func() events.Nanos {
			all := spent
			for _, n := range aside {
				all += n
			}
			return all
		}
		for n := range rapid.IntRange(1, 60).Draw(t, "moves") {
			switch open := len(aside); {
			case open > 0 && rapid.IntRange(0, 2).Draw(t, "move") == 0:
				ids := rapid.SampledFrom(keys(aside)).Draw(t, "which")
				cost := events.Nanos(rapid.Int64Range(0, int64(aside[ids])).Draw(t, "cost"))
				if rapid.IntRange(0, 9).Draw(t, "dearer") == 0 {
					cost = aside[ids] + 7
				}
				nanos, took := of(cost)
				if err := carryOut(commands.SettleBudget{Meta: at, Budget: "b", Reservation: fmt.Sprint(ids), Nanos: nanos, Took: took}); err != nil {
					t.Fatal(err)
				}
				spent += cost
				delete(aside, ids)
			case rapid.IntRange(0, 19).Draw(t, "lower") == 0:
				limit = events.Nanos(rapid.Int64Range(least, 1000).Draw(t, "limit"))
				set()
			default:
				most := events.Nanos(rapid.Int64Range(least, 300).Draw(t, "most"))
				nanos, resources := of(most)
				err := carryOut(commands.ReserveBudget{Meta: at, Budget: "b", Reservation: fmt.Sprint(n), Run: fmt.Sprint(n), Nanos: nanos, Most: resources, Holder: "me"})
				fits := sum()+most <= limit && sum() < limit
				switch {
				case err == nil && !fits:
					t.Fatalf("%d is let through with %d of %d spent or set aside", most, sum(), limit)
				case err == nil:
					aside[n] = most
				case fits:
					t.Fatalf("%d is refused with %d of %d spent or set aside: %v", most, sum(), limit, err)
				case errors.Is(err, aggregates.ErrRoom) && spent+most > limit, errors.Is(err, aggregates.ErrBudget) && spent+most <= limit && spent < limit:
					t.Fatalf("%d with %d of %d spent: %v", most, spent, limit, err)
				}
			}
		}
	})
}

func keys(m map[int]events.Nanos) (list []int) {
	for n := range 60 {
		if _, there := m[n]; there {
			list = append(list, n)
		}
	}
	return list
}

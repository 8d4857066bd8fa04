package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	set := events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 100}
	out := events.BudgetExhausted{Starting: "2026-11-01", SpentNanos: 100}
	setTo := func(p events.BudgetPeriod, limit events.Nanos) commands.Command {
		return commands.SetBudget{Budget: "all", Period: p, LimitNanos: limit}
	}
	exhaust := func(starting string, spent events.Nanos) commands.Command {
		return commands.ExhaustBudget{Budget: "all", Starting: starting, SpentNanos: spent}
	}
	scenarios{
		"set":                   {when: setTo(events.Daily, 100), then: []events.Event{set}},
		"set to nothing at all": {when: setTo(events.Monthly, 0), then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Monthly}}},
		"set again":             {given: []events.Event{set, out}, when: setTo(events.Daily, 100)},
		"set higher":            {given: []events.Event{set}, when: setTo(events.Daily, 101), then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 101}}},
		"set for another time":  {given: []events.Event{set}, when: setTo(events.Monthly, 100), then: []events.Event{events.BudgetSet{Budget: "all", Period: events.Monthly, LimitNanos: 100}}},
		"set without a period":  {when: setTo("", 100), err: aggregates.ErrInvalid},
		"set by the week":       {when: setTo("week", 100), err: aggregates.ErrInvalid},
		"set below 0":           {when: setTo(events.Daily, -1), err: aggregates.ErrInvalid},

		"exhaust":                 {given: []events.Event{set}, when: exhaust("2026-11-01", 100), then: []events.Event{out}},
		"exhaust again":           {given: []events.Event{set, out}, when: exhaust("2026-11-01", 120)},
		"exhaust the next day":    {given: []events.Event{set, out}, when: exhaust("2026-11-02", 100), then: []events.Event{events.BudgetExhausted{Starting: "2026-11-02", SpentNanos: 100}}},
		"exhaust a higher limit":  {given: []events.Event{set, out, events.BudgetSet{Budget: "all", Period: events.Daily, LimitNanos: 200}}, when: exhaust("2026-11-01", 200), then: []events.Event{events.BudgetExhausted{Starting: "2026-11-01", SpentNanos: 200}}},
		"exhaust with some left":  {given: []events.Event{set}, when: exhaust("2026-11-01", 99), err: aggregates.ErrState},
		"exhaust what is not set": {when: exhaust("2026-11-01", 100), err: aggregates.ErrMissing},
		"exhaust on no day":       {given: []events.Event{set}, when: exhaust("", 100), err: aggregates.ErrInvalid},
		"exhaust on day 31":       {given: []events.Event{set}, when: exhaust("2026-11-31", 100), err: aggregates.ErrInvalid},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.SetBudget{Budget: name, Period: events.Daily} })
}

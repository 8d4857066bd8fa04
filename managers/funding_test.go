package managers_test

import (
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

func TestASuspendedRunGoesOnWithItsBudget(t *testing.T) {
	t.Parallel()
	set := func(budget string, limit events.Nanos) events.Event {
		return events.BudgetSet{Budget: budget, Period: events.Daily, LimitNanos: limit}
	}
	suspended := events.RunSuspended{Budget: "all", Period: events.Daily, LimitNanos: 100, Starting: "2026-11-28"}
	monthly, total := suspended, suspended
	tokens := events.RunSuspended{Budget: "run:r1", Period: events.Total, AnyCost: true, Limits: events.Resources{Tokens: 9}, Unit: events.InTokens}
	ofTokens := func(n int64) events.Event {
		return events.BudgetSet{Budget: "run:r1", Period: events.Total, AnyCost: true, Limits: events.Resources{Tokens: n}}
	}
	monthly.Period, monthly.Starting = events.Monthly, "2026-11-01"
	total.Period = events.Total
	tomorrow, december := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		facts []events.Event
		// wants is whether the run is to go on, and at is when, zero for at once.
		wants bool
		at    time.Time
		over  bool
	}{
		"the next day":                      {[]events.Event{set("all", 100), suspended}, true, tomorrow, false},
		"the next month":                    {[]events.Event{monthly}, true, december, false},
		"never by itself":                   {[]events.Event{total}, false, time.Time{}, false},
		"at once with a new limit":          {[]events.Event{set("all", 100), suspended, set("all", 200)}, true, time.Time{}, false},
		"a budget that was not seen":        {[]events.Event{total, set("all", 200)}, true, time.Time{}, false},
		"a new limit that came before":      {[]events.Event{set("all", 100), set("all", 200), suspended}, true, time.Time{}, false},
		"marks alone do not help":           {[]events.Event{set("all", 100), suspended, set("all", 100)}, true, tomorrow, false},
		"another budget does not help":      {[]events.Event{suspended, set("agent:clerk", 200)}, true, tomorrow, false},
		"it went on":                        {[]events.Event{suspended, events.RunResumed{Budget: "all"}}, false, time.Time{}, true},
		"it was cancelled":                  {[]events.Event{suspended, events.RunCancelled{}}, false, time.Time{}, true},
		"more tokens":                       {[]events.Event{ofTokens(9), tokens, ofTokens(10)}, true, time.Time{}, false},
		"as many tokens":                    {[]events.Event{ofTokens(9), tokens, ofTokens(9)}, false, time.Time{}, false},
		"a run's budget ends with it":       {[]events.Event{ofTokens(9), events.RunFinished{}}, false, time.Time{}, true},
		"budgets of goals are their own":    {[]events.Event{set("goal:g", 100)}, false, time.Time{}, true},
		"limits are known before they bind": {[]events.Event{set("all", 100)}, false, time.Time{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := after(t, "funding", managers.Config{}, c.facts...)
			if h.over != c.over {
				t.Errorf("over: %v", h.over)
			}
			if !c.wants {
				h.wantsNothing()
				return
			}
			w := h.want()
			if resume, is := w.Command.(commands.ResumeRun); !is || resume.Run != "r1" || !w.At.Equal(c.at) || resume.At.IsZero() {
				t.Errorf("it wants %+v", w)
			}
		})
	}
	early := after(t, "funding", managers.Config{}, suspended).want()
	now := after(t, "funding", managers.Config{}, suspended, set("all", 200)).want()
	if early.ID == now.ID || early.Command.About().ID != now.Command.About().ID {
		t.Errorf("a run that goes on early must not go on again: %+v, %+v", early, now)
	}
}

func TestASuspendedRunWantsNoTurn(t *testing.T) {
	t.Parallel()
	facts := []events.Event{events.RunStarted{Run: "r1"}, events.RunSuspended{Budget: "all"}, events.RunResumed{Budget: "all"}}
	first := after(t, "run", managers.Config{}, facts[:1]...).want()
	after(t, "run", managers.Config{}, facts[:2]...).wantsNothing()
	if again := after(t, "run", managers.Config{}, facts...).want(); again.ID == first.ID || again.Work != first.Work {
		t.Errorf("it wants %+v, and wanted %+v before", again, first)
	}
	hangs := []events.Event{events.RunStarted{Run: "r1"}, chat(0), events.RunSuspended{Budget: "all"}, events.RunResumed{Budget: "all"}}
	after(t, "stall", managers.Config{}, hangs[:3]...).wantsNothing()
	after(t, "stall", managers.Config{}, hangs...).want()
}

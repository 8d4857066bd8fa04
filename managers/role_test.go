package managers_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// What a model says in a role is taken when its run has ended, once, and so is that it could not be asked.
func TestWhatARoleSaysIsTakenOnce(t *testing.T) {
	t.Parallel()
	asked := events.RoleAsked{Run: "r1", Role: events.RoleAnalysis, Ground: "3 of 4"}
	for name, c := range map[string]struct {
		facts   []events.Event
		failed  string
		noMoney bool
		none    bool
	}{
		"under way": {facts: []events.Event{asked, events.RunStarted{Run: "r1"}}, none: true},
		"it spoke":  {facts: []events.Event{asked, events.RunFinished{Answer: "x"}}},
		"it failed": {facts: []events.Event{asked, events.RunFailed{Error: "no"}}, failed: "the run failed"},
		"no money":  {facts: []events.Event{asked, events.RunFailed{Failure: events.NoMoney}}, failed: "the run failed", noMoney: true},
		"stopped":   {facts: []events.Event{asked, events.RunCancelled{}}, failed: "the run was cancelled"},
		"taken":     {facts: []events.Event{asked, events.RunFinished{}, events.RoleAnswered{Role: events.RoleAnalysis}}, none: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := after(t, "role", managers.Config{}, c.facts...)
			if c.none {
				if wants := h.process.Wants(); len(wants) != 0 || h.over != (name == "taken") {
					t.Errorf("it wants %+v, over %v", wants, h.over)
				}
				return
			}
			w, is := h.want().Work.(managers.Answer)
			if !is || w.Asked.Ground != "3 of 4" || w.Failed != c.failed || w.NoMoney != c.noMoney || h.over {
				t.Errorf("it wants %+v", w)
			}
		})
	}
}

func TestWhatARoleSaysIsTakenOnceItsRunHasEnded(t *testing.T) {
	t.Parallel()
	asked := events.RoleAsked{Run: "r1", Role: events.Writer, Agent: "clerk"}
	for name, tt := range map[string]struct {
		facts  []events.Event
		wants  bool
		failed string
		over   bool
	}{
		"asked":            {facts: []events.Event{asked}},
		"its run ended":    {facts: []events.Event{asked, events.RunFinished{Answer: "{}"}}, wants: true},
		"the run failed":   {facts: []events.Event{asked, events.RunFailed{Error: "no"}}, wants: true, failed: "the run failed"},
		"it was cancelled": {facts: []events.Event{asked, events.RunCancelled{}}, wants: true, failed: "the run was cancelled"},
		"it was taken":     {facts: []events.Event{asked, events.RunFinished{}, events.RoleAnswered{Role: events.Writer}}, over: true},
	} {
		h := after(t, "role", managers.Config{}, tt.facts...)
		wants := h.process.Wants()
		if len(wants) != map[bool]int{true: 1}[tt.wants] || h.over != tt.over {
			t.Errorf("%s: wants %+v, over: %t", name, wants, h.over)
			continue
		}
		if !tt.wants {
			continue
		}
		work, is := wants[0].Work.(managers.Answer)
		if !is || work.Failed != tt.failed || work.Asked.Agent != "clerk" || work.ID != wants[0].ID {
			t.Errorf("%s: wants %+v", name, wants[0])
		}
	}
}

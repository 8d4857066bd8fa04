package managers_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

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
		"its run failed":   {facts: []events.Event{asked, events.RunFailed{Error: "no"}}, wants: true, failed: "the run failed"},
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

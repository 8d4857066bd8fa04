package managers_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// TestARunsWaitForMoneyIsTold: each change of whether it waits is work of its own, until it has ended.
func TestARunsWaitForMoneyIsTold(t *testing.T) {
	t.Parallel()
	tells := managers.SlackWait{Run: "r1"}
	waits := after(t, "slack_wait", inSlack, events.RunSuspended{Budget: "all"}).want()
	goesOn := after(t, "slack_wait", inSlack, events.RunSuspended{Budget: "all"}, events.RunResumed{}).want()
	if waits.Work != tells || goesOn.Work != tells || waits.ID == goesOn.ID {
		t.Errorf("wanted are %+v and %+v", waits, goesOn)
	}
	if h := after(t, "slack_wait", inSlack, events.RunSuspended{Budget: "all"}, events.RunCancelled{}); !h.over {
		t.Error("it is not over with the run")
	}
}

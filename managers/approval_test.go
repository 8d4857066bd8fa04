package managers_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

func TestApprovalsExpireOneByOne(t *testing.T) {
	t.Parallel()
	ask := func(id string, hours int) events.Event {
		return events.RunApprovalAsked{Approval: id, Tool: "pay", Expires: began.Add(time.Duration(hours) * time.Hour)}
	}
	answer := func(id string) events.Event {
		return events.RunApprovalAnswered{Approval: id, Answer: events.ApprovalGranted, By: "user:anna"}
	}
	h := after(t, "approval", managers.Config{}, ask("1", 1), ask("2", 2), answer("1"))
	w := h.want()
	c, is := w.Command.(commands.AnswerApproval)
	if !is || h.over || c.Approval != "2" || c.Run != "r1" || c.Answer != events.ApprovalExpired || !w.At.Equal(began.Add(2*time.Hour)) || !c.At.Equal(w.At) {
		t.Errorf("it wants %+v", w)
	}
	if wants := after(t, "approval", managers.Config{}, ask("1", 1), ask("2", 2)).process.Wants(); len(wants) != 2 || wants[0].ID == wants[1].ID {
		t.Errorf("of two it wants %+v", wants)
	}
	if !after(t, "approval", managers.Config{}, ask("1", 1), answer("1")).over {
		t.Error("nothing waits, and the process goes on")
	}
}

// The turn is wanted again once all is answered, by another want: the one before may be on its way out still.
func TestATurnWaitsForAllItsApprovals(t *testing.T) {
	t.Parallel()
	calls := events.RunLLMCalled{Answered: []events.Message{{Role: "assistant", ToolCalls: []events.ToolCall{{Name: "pay"}, {Name: "pay"}}}}}
	facts := []events.Event{
		events.RunStarted{Run: "r1"}, calls, events.RunApprovalAsked{Approval: "1"}, events.RunApprovalAsked{Approval: "2"},
		events.RunApprovalAnswered{Approval: "1", Answer: events.ApprovalGranted}, events.RunApprovalAnswered{Approval: "2", Answer: events.ApprovalExpired},
	}
	first := after(t, "run", managers.Config{}, facts[:2]...).want()
	for n := 3; n <= 5; n++ {
		if wants := after(t, "run", managers.Config{}, facts[:n]...).process.Wants(); len(wants) != 0 {
			t.Errorf("behind %d facts it wants %+v", n, wants)
		}
	}
	again := after(t, "run", managers.Config{}, facts...).want()
	if again.ID == first.ID || !reflect.DeepEqual(again.Work, first.Work) {
		t.Errorf("it wants %+v, and wanted %+v before", again, first)
	}
	withdrawn := append(facts[:4:4], events.RunApprovalAnswered{Approval: "1", Answer: events.ApprovalWithdrawn}, events.RunApprovalAnswered{Approval: "2", Answer: events.ApprovalWithdrawn})
	if wants := after(t, "run", managers.Config{}, withdrawn...).process.Wants(); len(wants) != 0 {
		t.Errorf("of a run that ends it wants %+v", wants)
	}
}

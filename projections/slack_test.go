package projections_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

func TestAThreadInSlackIsAConversation(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const byCommand, inThread = "slack:T:C:ask:r1", "slack:T:C:9.9"
	facts := []any{
		"run-r1", events.RunStarted{Run: "r1", Workflow: "slack", Conversation: byCommand},
		"slack-r1", events.SlackThreadOpened{Post: "r1", Run: "r1", Conversation: byCommand, Channel: "C", Thread: "1.1"},
		"run-r2", events.RunStarted{Run: "r2", Workflow: "slack", Conversation: byCommand},
		"run-r3", events.RunStarted{Run: "r3", Workflow: "slack", Conversation: inThread},
		"run-r4", events.RunStarted{Run: "r4", Workflow: "slack", Conversation: "a session of elsewhere"},
		"run-r5", events.RunStarted{Run: "r5", Workflow: "slack", Conversation: "slack:T:C:5.5", Source: &events.Source{Format: "runs", Record: "1", Digest: "d"}},
	}
	m := folded(t, facts...)
	for key, want := range map[string]projections.SlackThreadRow{
		byCommand: {Key: byCommand, Conversation: byCommand, Team: "T", Channel: "C", Thread: "1.1", Position: 2},
		"C/1.1":   {Key: "C/1.1", Conversation: byCommand, Team: "T", Channel: "C", Thread: "1.1", Position: 2},
		inThread:  {Key: inThread, Conversation: inThread, Team: "T", Channel: "C", Thread: "9.9", Position: 4},
		"C/9.9":   {Key: "C/9.9", Conversation: inThread, Team: "T", Channel: "C", Thread: "9.9", Position: 4},
	} {
		got, err := m.SlackThread(ctx, "", key)
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s: got %+v, %v, want %+v", key, got, err, want)
		}
	}
	for _, key := range []string{"C/5.5", "slack:T:C:5.5", "a session of elsewhere"} {
		if got, err := m.SlackThread(ctx, "", key); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("%s: got %+v, %v", key, got, err)
		}
	}
}

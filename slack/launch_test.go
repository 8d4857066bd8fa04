package slack_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// What a saved workflow leaves open is asked for in a modal; then it is gone for as a goal in the thread.
func TestASavedWorkflowIsRunWithItsSlots(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	h.runbooks = []projections.RunbookRow{
		{Runbook: "Refund", Steps: []events.RunbookStep{{Name: "look", Instruction: "Look {{order}} up."}, {Name: "pay", Params: `{"order":"{{ order }}","why":"{{reason}}"}`}}},
		{Runbook: "tidy up", Steps: []events.RunbookStep{{Name: "tidy"}}},
	}
	take := func(d slack.Delivery) {
		t.Helper()
		if _, err := door.Take(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	take(spoken("app_mention", "1.1", "1.1", "<@UB> run refund"))
	asks := server.Message(t, "C1", "what it leaves open", func(m apitest.Message) bool { return strings.Contains(m.Text, "order, reason") })
	if len(all[commands.CreateGoal](h)) != 0 || asks.User != "U1" {
		t.Fatalf("got %+v, %+v", asks, h.commands)
	}
	var value string
	if err := json.Unmarshal([]byte(`"`+strings.ReplaceAll(between(strings.ReplaceAll(asks.Blocks, `\"`, `'`), `"value":"`, `"`), `'`, `\"`)+`"`), &value); err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(map[string]any{
		"type": "block_actions", "trigger_id": "t1", "team": map[string]any{"id": "T1"}, "user": map[string]any{"id": "U1"},
		"container": map[string]any{"channel_id": "C1", "message_ts": "9.9"}, "actions": []map[string]any{{"action_id": "v6_slots", "value": value}},
	})
	if err != nil {
		t.Fatal(err)
	}
	take(slack.Delivery{Kind: slack.InteractionDelivery, Payload: payload})
	server.Await(t, "the modal", func() bool { return strings.Contains(server.Last("views.open").Get("view"), "slot:reason") })
	take(slack.Delivery{Kind: slack.InteractionDelivery, Payload: json.RawMessage(`{"type":"view_submission","trigger_id":"t2","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1",` +
		`"callback_id":"v6_slots_modal","private_metadata":` + quoted(value) + `,"state":{"values":{"slot:order":{"text":{"value":" A-17 "}},"slot:reason":{"text":{"value":"broken"}}}}}}`)})
	created, plans, started := all[commands.CreateGoal](h), all[commands.AskPlan](h), all[commands.StartGoal](h)
	if len(created) != 1 || len(plans) != 1 || len(started) != 1 || created[0].Conversation != "slack:T1:C1:1.1" || plans[0].Runbook != "Refund" ||
		!reflect.DeepEqual(plans[0].Slots, map[string]string{"order": "A-17", "reason": "broken"}) || created[0].Prompt != "Run the workflow Refund, with order: A-17, reason: broken" {
		t.Fatalf("got %+v, %+v", created, plans)
	}
	// One that leaves nothing open is gone for at once; what is called as none is asked of the agent.
	take(spoken("app_mention", "2.1", "2.1", "<@UB> run tidy up"))
	take(spoken("app_mention", "3.1", "3.1", "<@UB> run the tests, please"))
	if plans := all[commands.AskPlan](h); len(plans) != 2 || plans[1].Runbook != "tidy up" || len(all[commands.StartRun](h)) != 1 {
		t.Errorf("got %+v", h.commands)
	}
}

func quoted(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(data)
}

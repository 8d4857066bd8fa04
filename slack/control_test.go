package slack_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// interaction is a tap, a shortcut or a modal of a person.
func interaction(t *testing.T, user, trigger string, fields map[string]any) slack.Delivery {
	t.Helper()
	payload := map[string]any{"trigger_id": trigger, "team": map[string]any{"id": "T1"}, "user": map[string]any{"id": user}}
	for key, value := range fields {
		payload[key] = value
	}
	data, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return slack.Delivery{Kind: slack.InteractionDelivery, Payload: data}
}

func tapBy(t *testing.T, user, trigger, action, value string) slack.Delivery {
	t.Helper()
	return interaction(t, user, trigger, map[string]any{
		"type": "block_actions", "channel": map[string]any{"id": "C1"}, "message": map[string]any{"ts": "1.1"}, "actions": []any{map[string]any{"action_id": action, "value": value}},
	})
}

// filled is a modal that was sent with a value in it.
func filled(t *testing.T, user, trigger, callback, metadata string, values map[string]any) slack.Delivery {
	t.Helper()
	return interaction(t, user, trigger, map[string]any{"type": "view_submission", "view": map[string]any{
		"id": "V" + trigger, "callback_id": callback, "private_metadata": metadata, "state": map[string]any{"values": values},
	}})
}

func taking(t *testing.T, door *slack.Door) func(slack.Delivery) {
	return func(d slack.Delivery) {
		t.Helper()
		if _, err := door.Take(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

func text(value string) map[string]any {
	return map[string]any{"text": map[string]any{"text": map[string]any{"value": value}}}
}

// Who may decide pauses the improvements and lets them go on, in words, by the Home and by its modal; nobody else does.
func TestImprovementsArePausedByThoseWhoMayDecide(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t, func(c *slack.Config) {
		c.Approvers, c.Reader = []string{"U1"}, folded(t, aDay(time.Now())...)
	})
	take := taking(t, door)
	take(spoken("app_mention", "1.1", "", "<@UB> pause improvements: the prices change"))
	take(spoken("app_mention", "1.2", "", "<@UB> pause improvements"))
	take(spoken("app_mention", "1.3", "", "<@UB> Resume improvements"))
	take(spoken("app_mention", "1.4", "", "<@UB> resume the deployment of yesterday"))
	take(interaction(t, "U2", "t1", map[string]any{"type": "block_actions", "view": map[string]any{"type": "home"}, "actions": []any{map[string]any{"action_id": "v6_resume", "value": "resume"}}}))
	server.Message(t, "U2", "a refusal", func(m apitest.Message) bool { return strings.Contains(m.Text, "not among those") })
	server.Message(t, "C1", "what is missing", func(m apitest.Message) bool { return strings.Contains(m.Text, "Say why") })
	take(interaction(t, "U1", "t2", map[string]any{"type": "block_actions", "view": map[string]any{"type": "home"}, "actions": []any{map[string]any{"action_id": "v6_pause", "value": "pause"}}}))
	server.Await(t, "the modal", func() bool { return strings.Contains(server.Last("views.open").Get("view"), "v6_pause_modal") })
	take(filled(t, "U1", "t3", "v6_pause_modal", `{"home":true}`, text(" a release ")))
	paused, resumed := all[commands.PauseLoop](h), all[commands.ResumeLoop](h)
	if len(paused) != 2 || paused[0].Reason != "the prices change" || paused[0].By != "user:slack:T1:U1" || paused[1].Reason != "a release" || len(resumed) != 1 {
		t.Errorf("got %+v, %+v", paused, resumed)
	}
	if asked := all[commands.StartRun](h); len(asked) != 1 || !strings.HasPrefix(asked[0].Prompt, "resume the deployment") {
		t.Errorf("asked %+v", asked)
	}
}

// A run that waits since a budget has too little for its next call is told of in its thread, and shown once to who may raise that.
func TestARunThatWaitsForMoneyIsTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	door, h, server := newDoor(t, func(c *slack.Config) {
		c.Proposals, c.Approvers, c.Now = "C7", []string{"U1"}, func() time.Time { return now }
	})
	take := taking(t, door)
	run := answered("r1", "")
	run.Outcome, run.Conversation, run.Suspended = projections.Running, "slack:T1:C1:1.1", "all"
	h.runs = []projections.RunRow{run}
	h.budgets = []projections.BudgetRow{{Budget: "all", Period: events.Daily, LimitNanos: 5_000_000_000, SpentNanos: 4_000_000_000, Starting: "2026-11-28"}}
	w := managers.SlackBudget{
		SlackCard: managers.SlackCard{Of: "budget:all:2026-11-28+2", Since: now, As: managers.Short}, Reason: "budget exhausted: 4 of 5 USD spent or set aside, and this call can cost 1.2 <!here>",
	}
	for range 2 { // it is done again where the record was lost
		if err := door.Exhausted(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if err := door.Wait(t.Context(), managers.SlackWait{Run: "r1"}); err != nil || server.Status("C1", "1.1") != "suspended" {
		t.Errorf("%v, status %q", err, server.Status("C1", "1.1"))
	}
	m := server.Messages("C7")
	if len(m) != 1 || !strings.Contains(m[0].Blocks, "too little left for the next call of a run, which waits until the next day: 4 of 5 USD") || strings.Contains(m[0].Blocks, "<!here>") || !strings.Contains(m[0].Blocks, "v6_raise_half") {
		t.Fatalf("posted %+v", m)
	}
	half := strings.ReplaceAll(between(strings.ReplaceAll(m[0].Blocks, `\"`, "'"), `"action_id":"v6_raise_half","value":"`, `"`), "'", `"`)
	take(tapBy(t, "U2", "t1", "v6_raise_half", half))
	take(tapBy(t, "U1", "t2", "v6_raise_half", half))
	if set := all[commands.SetBudget](h); len(set) != 1 || set[0].Budget != "all" || set[0].LimitNanos != 7_500_000_000 || set[0].Actor != "user:slack:T1:U1" {
		t.Errorf("got %+v", set)
	}
	for outcome, want := range map[events.Outcome]string{projections.Running: "processing", events.Succeeded: "active"} {
		h.runs[0].Suspended, h.runs[0].Outcome = "", outcome
		if err := door.Wait(t.Context(), managers.SlackWait{Run: "r1"}); err != nil || server.Status("C1", "1.1") != want {
			t.Errorf("%v, status %q, want %q", err, server.Status("C1", "1.1"), want)
		}
	}
	// One that nobody asked for in Slack has no session.
	h.runs[0].Conversation = "r1"
	if err := door.Wait(t.Context(), managers.SlackWait{Run: "r1"}); err != nil {
		t.Error(err)
	}
}

// A used-up budget gets a higher limit by a tap of who may decide, which counts for the limit that was shown.
func TestAUsedUpBudgetIsRaised(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	door, h, server := newDoor(t, func(c *slack.Config) {
		c.Proposals, c.Approvers, c.Now = "C7", []string{"U1"}, func() time.Time { return now }
	})
	take := taking(t, door)
	h.budgets = []projections.BudgetRow{{Budget: "all", Period: events.Daily, LimitNanos: 5_000_000_000, Starting: "2026-11-28"}, {Budget: "goal:g1", Period: events.Total, LimitNanos: 1_000_000_000}}
	h.costs = []projections.CostRow{
		{Day: "2026-11-27", Agent: "old", Model: "m", Cost: events.Cost{CostNanos: 9_000_000_000}}, {Day: "2026-11-28", Agent: "clerk", Model: "m", Cost: events.Cost{CostNanos: 4_000_000_000}},
		{Day: "2026-11-28", Agent: "free", Model: "n", Cost: events.Cost{UnpricedCalls: 2}},
	}
	for _, of := range []string{"all:2026-11-28", "goal:g1:2026-11-01"} {
		if err := door.Exhausted(t.Context(), managers.SlackBudget{SlackCard: managers.SlackCard{Of: "budget:" + of, Since: now, As: "exhausted"}}); err != nil {
			t.Fatal(err)
		}
	}
	m := server.Messages("C7")
	half := func(of int) string {
		value := between(strings.ReplaceAll(m[of].Blocks, `\"`, "'"), `"action_id":"v6_raise_half","value":"`, `"`)
		return strings.ReplaceAll(value, "'", `"`)
	}
	take(tapBy(t, "U2", "t1", "v6_raise_half", half(0)))
	server.Message(t, "C1", "a refusal", func(m apitest.Message) bool { return m.User == "U2" && strings.Contains(m.Text, "not among those") })
	take(tapBy(t, "U1", "t2", "v6_raise_half", half(0)))
	take(tapBy(t, "U1", "t2", "v6_raise_half", half(0))) // it comes again
	take(tapBy(t, "U1", "t3", "v6_raise_half", half(1)))
	if set := all[commands.SetBudget](h); len(set) != 1 || set[0].Budget != "all" || set[0].LimitNanos != 7_500_000_000 || set[0].Actor != "user:slack:T1:U1" {
		t.Errorf("got %+v", set)
	}
	limited, resumed := all[commands.LimitGoal](h), all[commands.ResumeGoal](h)
	if len(limited) != 1 || limited[0].Goal != "g1" || limited[0].LimitNanos != 1_500_000_000 || len(resumed) != 1 {
		t.Errorf("got %+v, %+v", limited, resumed)
	}
	h.budgets[0].LimitNanos = 7_500_000_000
	take(tapBy(t, "U1", "t4", "v6_raise_double", `{"budget":"all","was":5000000000,"to":10000000000}`))
	server.Message(t, "C1", "that it has another one", func(m apitest.Message) bool { return strings.Contains(m.Text, "another limit meanwhile: $7.50") })
	take(tapBy(t, "U1", "t5", "v6_limit", `{"budget":"all","was":7500000000}`))
	server.Await(t, "the modal", func() bool { return strings.Contains(server.Last("views.open").Get("view"), "It is $7.50 now") })
	metadata := `{"channel":"C1","budget":{"budget":"all","was":7500000000}}`
	take(filled(t, "U1", "t6", "v6_limit_modal", metadata, text("much")))
	take(filled(t, "U1", "t7", "v6_limit_modal", metadata, text("$12.50")))
	if set := all[commands.SetBudget](h); len(set) != 2 || set[1].LimitNanos != 12_500_000_000 {
		t.Errorf("got %+v", set)
	}
	take(tapBy(t, "U2", "t8", "v6_spent", "all"))
	went := server.Message(t, "C1", "what it went for", func(m apitest.Message) bool { return strings.Contains(m.Blocks, "clerk with m: $4.00") })
	if strings.Contains(went.Blocks, "old") || !strings.Contains(went.Blocks, "free with n: unknown") {
		t.Errorf("got %s", went.Blocks)
	}
}

// A saved workflow is run from the Home, among the messages of the app, and by the shortcut of a message, in its thread.
func TestASavedWorkflowIsRunFromTheHomeAndByAShortcut(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	take := taking(t, door)
	h.runbooks = []projections.RunbookRow{{Runbook: "refund", Steps: []events.RunbookStep{{Name: "look", Instruction: "Look {{order}} up."}}}, {Runbook: "tidy", Steps: []events.RunbookStep{{Name: "tidy"}}}}
	take(interaction(t, "U1", "t1", map[string]any{"type": "block_actions", "view": map[string]any{"type": "home"}, "actions": []any{map[string]any{"action_id": "v6_slots", "value": `{"runbook":"refund","channel":""}`}}}))
	server.Await(t, "the modal", func() bool { return strings.Contains(server.Last("views.open").Get("view"), "slot:order") })
	metadata := between(strings.ReplaceAll(server.Last("views.open").Get("view"), `\"`, "'"), `"private_metadata":"`, `"`)
	take(filled(t, "U1", "t2", "v6_slots_modal", strings.ReplaceAll(metadata, "'", `"`), map[string]any{"slot:order": map[string]any{"text": map[string]any{"value": "A-17"}}}))
	created := all[commands.CreateGoal](h)
	if len(created) != 1 || created[0].Conversation != "slack:T1:D-U1:ask:"+created[0].Goal {
		t.Fatalf("got %+v", created)
	}
	// Its message is the thread.
	h.goals = []projections.GoalRow{{Goal: created[0].Goal, Prompt: "Run it", Status: projections.GoalRunning, Conversation: created[0].Conversation}}
	card := managers.SlackCard{Of: "goal:" + created[0].Goal, Since: time.Now(), As: "revision 0"}
	if err := door.Pursue(t.Context(), managers.SlackGoal{SlackCard: card}); err != nil {
		t.Fatal(err)
	}
	posted := server.Messages("D-U1")
	opened := all[commands.OpenSlackThread](h)
	if len(posted) != 1 || len(opened) != 1 || opened[0].Thread != posted[0].TS || opened[0].Channel != "D-U1" || opened[0].Conversation != created[0].Conversation {
		t.Errorf("posted %+v, opened %+v", posted, opened)
	}

	shortcut := map[string]any{"type": "message_action", "callback_id": "v6_run_shortcut", "channel": map[string]any{"id": "C1"}, "message": map[string]any{"ts": "5.1"}}
	take(interaction(t, "U1", "t3", shortcut))
	server.Await(t, "the choice", func() bool { return strings.Contains(server.Last("views.open").Get("view"), "v6_run_modal") })
	take(filled(t, "U1", "t4", "v6_run_modal", `{"channel":"C1","thread":"5.1"}`, map[string]any{"workflow": map[string]any{"workflow": map[string]any{"selected_option": map[string]any{"value": "tidy"}}}}))
	if created := all[commands.CreateGoal](h); len(created) != 2 || created[1].Conversation != "slack:T1:C1:5.1" {
		t.Errorf("got %+v", created)
	}
}

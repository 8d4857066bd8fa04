package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

func spoken(kind, ts, thread, text string) slack.Delivery {
	event := fmt.Sprintf(`{"type":%q,"user":"U1","text":%q,"ts":%q,"thread_ts":%q,"channel":"C1","channel_type":"channel"}`, kind, text, ts, thread)
	return slack.Delivery{Kind: slack.EventDelivery, Payload: json.RawMessage(`{"type":"event_callback","team_id":"T1","event_id":"E` + ts + `","event":` + event + `}`)}
}

func slashed(command, text string) slack.Delivery {
	return slack.Delivery{Kind: slack.SlashDelivery, Payload: json.RawMessage(fmt.Sprintf(
		`{"command":%q,"text":%q,"team_id":"T1","user_id":"U1","channel_id":"C1","trigger_id":"t1"}`, command, text))}
}

// Nobody is told that there is nothing here because the read models are a moment behind.
func TestWhatTheReadModelsDoNotHaveYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	const conversation = "slack:T1:C1:ask:r1"
	stopped := slack.Delivery{Kind: slack.EventDelivery, Payload: json.RawMessage(
		`{"type":"event_callback","team_id":"T1","event_id":"E1","event":{"type":"agent_session_stopped","user":"U1","channel":"C1","thread_ts":"1.1"}}`)}
	for name, c := range map[string]struct {
		delivery slack.Delivery
		came     func(h *house) bool
	}{
		"said next in the thread": {spoken("message", "1.2", "1.1", "and then?"), func(h *house) bool {
			runs := all[commands.StartRun](h)
			return len(runs) == 1 && runs[0].Conversation == conversation
		}},
		"asked next in the thread": {spoken("app_mention", "1.2", "1.1", "<@UBOT> and then?"), func(h *house) bool {
			runs := all[commands.StartRun](h)
			return len(runs) == 1 && runs[0].Conversation == conversation
		}},
		"the Stop button": {stopped, func(h *house) bool { c := all[commands.CancelRun](h); return len(c) == 1 && c[0].Run == "r1" }},
		"stop, said":      {spoken("app_mention", "1.2", "1.1", "<@UBOT> stop"), func(h *house) bool { return len(all[commands.CancelRun](h)) == 1 }},
		"better, said":    {spoken("app_mention", "1.2", "1.1", "<@UBOT> better: shorter"), func(h *house) bool { f := all[commands.GiveFeedback](h); return len(f) == 1 && f[0].Run == "r1" }},
		"/better":         {slashed("/better", "shorter"), func(h *house) bool { f := all[commands.GiveFeedback](h); return len(f) == 1 && f[0].Run == "r1" }},
		"/save-workflow":  {slashed("/save-workflow", "keys"), func(h *house) bool { return len(all[commands.SaveRunbook](h)) == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door, h, _ := newDoor(t)
			h.late = func() {
				row := answered("r1", "")
				row.Outcome, row.Conversation = projections.Running, conversation
				h.runs = []projections.RunRow{row}
				h.threads[projections.SlackThreadKey("C1", "1.1")] = projections.SlackThreadRow{Conversation: conversation, Thread: "1.1"}
			}
			if _, err := door.Take(t.Context(), c.delivery); err != nil || !c.came(h) {
				t.Errorf("%v; got %+v", err, h.commands)
			}
		})
	}
}

// People talk among themselves: nobody waits for that, and nothing comes of it.
func TestWhatIsSaidElsewhereIsNotTheAgents(t *testing.T) {
	t.Parallel()
	door, h, _ := newDoor(t)
	waited := 0
	h.late = func() { waited++ }
	for i, thread := range []string{"", "7.1", "8.8"} {
		if _, err := door.Take(t.Context(), spoken("message", fmt.Sprintf("7.%d", i+1), thread, "shall we?")); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.commands) != 0 || waited != 2 {
		t.Errorf("waited %d times, got %+v", waited, h.commands)
	}
}

// Who asks for what can't be is told what can, in words of their own language: each is the first thing that somebody sees of the app.
func TestWhatIsAskedForAmissIsAnsweredWithWhatCanBe(t *testing.T) {
	t.Parallel()
	row := answered("r1", "42")
	for name, c := range map[string]struct {
		delivery slack.Delivery
		runs     []projections.RunRow
		says     []string
	}{
		"ask nothing":            {slashed("/ask", "  "), nil, []string{"Ask me something", "/ask how do I"}},
		"better of nothing":      {slashed("/better", ""), nil, []string{"Say what would have been better", "/better answer: 42"}},
		"better, and no run":     {slashed("/better", "shorter"), nil, []string{"Ask me something first, or name a run", "/better RUN"}},
		"save without a name":    {slashed("/save-workflow", ""), nil, []string{"Name it", "/save-workflow release-notes"}},
		"save, and no run":       {slashed("/save-workflow", "keys"), nil, []string{"Ask me something first, or name a run", "/save-workflow NAME RUN"}},
		"a name that is free":    {slashed("/save-workflow", "other"), []projections.RunRow{row}, []string{"Saved the 1 step of “how?” as workflow other."}},
		"a name that is taken":   {slashed("/save-workflow", "KEYS"), []projections.RunRow{row}, []string{"as workflow keys. There was one of that name: this is its version 3"}},
		"metrics of what is not": {slashed("/metrics", "yesterday"), nil, []string{"I know `/metrics`", "`/metrics week`"}},
		"another command":        {slashed("/virtuous", "now"), nil, []string{"/ask", "/better", "/save-workflow", "/metrics"}},
		"help":                   {spoken("app_mention", "1.1", "", "<@UBOT> help"), nil, []string{"/ask", "/metrics"}},
		"stop of nothing":        {spoken("app_mention", "1.1", "", "<@UBOT> stop"), nil, []string{"Nothing is under way here."}},
		"pause of nothing":       {spoken("app_mention", "1.1", "", "<@UBOT> pause"), nil, []string{"There is no goal in this thread", "begins one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door, h, server := newDoor(t)
			h.runs = c.runs
			h.runbooks = []projections.RunbookRow{{Runbook: "keys", Version: 2}}
			body, err := door.Take(t.Context(), c.delivery)
			if err != nil {
				t.Fatal(err)
			}
			said := fmt.Sprint(body)
			if body == nil { // a command is answered with its acknowledgement, all else by a message
				m := server.Message(t, "C1", name, func(apitest.Message) bool { return true })
				said = m.Text + m.Blocks
			}
			for _, part := range c.says {
				if !strings.Contains(said, part) {
					t.Errorf("it lacks %q: %s", part, said)
				}
			}
			if len(all[commands.StartRun](h)) > 0 {
				t.Errorf("a run was started: %+v", h.commands)
			}
		})
	}
}

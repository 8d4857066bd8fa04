//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// history is what went before in a store: an agent that began to do worse, an experiment with a run that nobody has judged, and a
// budget that is used up.
func (p program) history() {
	p.t.Helper()
	var out bytes.Buffer
	a := &app{out: &out, err: &out, flags: &verbs{Store: p.store, Quiet: true}, clock: time.Now, ids: orchestrator.NewID}
	a.config.Policy.Tools = []string{"notes__*"}
	if err := a.open(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	defer func() {
		if err := a.close(); err != nil {
			p.t.Error(err)
		}
	}()
	for _, c := range []commands.Command{
		commands.SpawnAgent{Meta: a.meta("a"), Agent: "assistant", Config: events.AgentConfig{Tools: []string{"notes__write"}}},
		commands.SetBudget{Meta: a.meta("b"), Budget: "all", Period: events.Daily, LimitNanos: 1_000_000_000, SpentNanos: 1_000_000_000, Marks: []int{80}},
	} {
		if _, err := a.dispatcher().Dispatch(p.t.Context(), c); err != nil {
			p.t.Fatal(err)
		}
	}
	tell := func(stream string, facts ...events.Event) {
		var all []events.Envelope
		for _, fact := range facts {
			kind, version, data, err := events.Encode(fact)
			if err != nil {
				p.t.Fatal(err)
			}
			all = append(all, events.Envelope{ID: a.ids(), Stream: stream, Kind: kind, Version: version, Data: data, OccurredAt: time.Now(), Actor: "user:anna"})
		}
		if _, err := a.store.Append(p.t.Context(), stream, eventstore.NoStream, all); err != nil {
			p.t.Fatal(err)
		}
	}
	run := func(id, agent, answer string, outcome events.Outcome, arms ...events.Arm) {
		tell("run-"+id, events.RunStarted{Run: id, Workflow: "w", Prompt: "Is the order " + id + " paid?"}, events.RunAssigned{Agent: agent, Arms: arms}, events.RunFinished{Outcome: outcome, Answer: answer})
	}
	for i := range 80 {
		outcome := events.Succeeded
		if i >= 62 {
			outcome = events.Failed
		}
		run(fmt.Sprintf("h%d", i), "clerk", "Yes.", outcome)
	}
	tell("experiment-x1", events.ExperimentPlanned{Experiment: "x1", Agent: "clerk", Change: events.ChangePrompt, Config: events.AgentConfig{Prompt: "Look it up."}, By: "user:anna", MaxShare: 1000,
		Plan: events.ExperimentPlan{Unit: events.ByConversation, Steps: []int{500}, CanaryRuns: 20, MaxRuns: 1000, MaxDays: 30, FalseAlarms: 10, CostMore: 500, TimeMore: 500, Within: 600}}, events.ExperimentStarted{Share: 500, Level: .05})
	run("x1", "clerk", "It was paid on Monday.", events.Succeeded, events.Arm{Experiment: "x1", Arm: events.CandidateArm, Permille: 500})
}

// All that people do in Slack, with two servers on a store of which the one that works is killed twice: nothing is lost, nothing is
// posted or decided twice, and in the end nothing says that it is under way.
func TestSlackGoesOnThroughTakeovers(t *testing.T) {
	t.Parallel()
	onBoth(t, slackTakenOver)
}

func slackTakenOver(t *testing.T, p program) {
	api, model := apitest.New(t), newPaced(t)
	write(t, p.dir, "description.txt", "Writes a note.")
	prices := write(t, p.dir, "prices.json", `{"paced-1":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}`)
	config := write(t, p.dir, "config.yaml", "prices: "+prices+"\nmcp:\n  notes:\n    command: [mcp-double, description.txt]\npolicy:\n  tools: [notes__*]\n  ask_tools: [notes__write]\n"+
		"slack:\n  approvers: [U1, U2]\n  proposals: CPROPOSALS\n  alerts: CALERTS\n  reviews: CREVIEWS\n  digests: CDIGESTS\n")
	if p.store == "" {
		p.store = "sqlite:" + p.dir + "/store.db"
	}
	p.env = []string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1", "SLACK_API_URL=" + api.URL, "OPENAI_BASE_URL=" + model.URL + "/v1", "OPENAI_API_KEY=x", "VIRTUOUS6_CONFIG=" + config}
	p.history()
	start := func() *exec.Cmd {
		cmd, _ := p.serve("--lease", "1s")
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		return cmd
	}
	kill := func(cmd *exec.Cmd) {
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		api.Connected(t, 1)
	}
	deliver := func(kind, envelope string, payload map[string]any) string {
		api.Send(t, kind, envelope, payload)
		return string(api.Acked(t, envelope))
	}
	has := func(channel, text string) apitest.Message {
		return api.Message(t, channel, text, func(m apitest.Message) bool { return !m.Streaming && strings.Contains(m.Text+m.Blocks, text) })
	}
	by := func(user, action, value, trigger string, m apitest.Message) map[string]any {
		payload := tap(action, value, trigger, m)
		payload["user"] = map[string]any{"id": user, "team_id": "T1"}
		return payload
	}

	// What was wrong before is told by the first that works.
	first := start()
	has("CALERTS", "succeeds less often than it did")
	has("CALERTS", "80 % of the budget")
	exhausted := has("CPROPOSALS", "is used up")
	review := has("CREVIEWS", "It was paid on Monday.")
	second := start()
	api.Connected(t, 2)

	// Two let the run have money at once, each by another server: one of them decides.
	deliver("events_api", "e1", mention("C1", "1.1", "", "how do I rotate the keys?"))
	for i, by := range []string{"half", "double"} {
		raise := strings.ReplaceAll(between(exhausted.Blocks, `"action_id":"v6_raise_`+by+`"`, `}`), `\"`, `"`) + "}"
		payload := tap("v6_raise_"+by, between(raise, `"value":"`, `}`)+"}", "raise."+by, exhausted)
		payload["user"] = map[string]any{"id": fmt.Sprintf("U%d", i+1), "team_id": "T1"}
		api.Send(t, "interactive", "raise"+by, payload)
	}
	for _, by := range []string{"half", "double"} {
		api.Acked(t, "raise"+by)
	}
	model.say("Use ", "`rotate`", " and tell <!channel>.")
	shown := api.Message(t, "C1", "the answer on its way", func(m apitest.Message) bool { return m.Streaming && strings.Contains(m.Text, "rotate") })
	if shown.Thread != "1.1" || api.Status("C1", "1.1") != "processing" {
		t.Errorf("while it streams: %+v, status %q", shown, api.Status("C1", "1.1"))
	}
	deliver("events_api", "e1 again", mention("C1", "1.1", "", "how do I rotate the keys?"))
	model.say(" Done.", ".")
	answer := has("C1", "feedback_buttons")
	if answer.TS != shown.TS || !strings.HasSuffix(answer.Text, " Done.") || strings.Contains(answer.Text, "<!channel>") {
		t.Errorf("got %+v", answer)
	}

	// It was good, could be better, is to be kept, and counts; reviewers judge another one.
	good := between(answer.Blocks, `"value":"good:`, `"`)
	for _, envelope := range []string{"i1", "i1 again"} {
		deliver("interactive", envelope, tap("v6_judge", "good:"+good, "tap.1", answer))
	}
	has("C1", "Thank you")
	if said := deliver("slash_commands", "s1", command(api, "/better", "shorter, with links", "slash.1")); !strings.Contains(said, "Thank you") {
		t.Errorf("/better: got %s", said)
	}
	if said := deliver("slash_commands", "s2", command(api, "/save-workflow", "rotation", "slash.2")); !strings.Contains(said, "rotation") {
		t.Errorf("/save-workflow: got %s", said)
	}
	deliver("slash_commands", "s3", command(api, "/metrics", "today", "slash.3"))
	metrics := has("C1", "How runs go")
	for _, want := range []string{"(64 of 82)", "liked", "▁", "Satisfaction"} {
		if !strings.Contains(metrics.Blocks, want) {
			t.Errorf("the metrics lack %q: %s", want, metrics.Blocks)
		}
	}
	for _, user := range []string{"U1", "U2"} {
		deliver("interactive", "review"+user, by(user, "v6_review_right", "x1", "review."+user, review))
	}
	has("CREVIEWS", "2 say right")
	has("CDIGESTS", "first answer that somebody liked")

	// A call waits for a person while the server that asked is killed; the other one goes on once it may.
	deliver("events_api", "e2", mention("C1", "2.1", "", "note to buy milk"))
	model.say("notes__write buy milk")
	asks := has("C1", "v6_call_approve")
	api.Await(t, "the session's rest", func() bool { return api.Status("C1", "2.1") == "suspended" })
	kill(first)
	id := between(asks.Blocks, `"action_id":"v6_call_approve","value":"`, `"`)
	for _, user := range []string{"U3", "U1", "U2"} { // U3 may not
		deliver("interactive", "approve"+user, by(user, "v6_call_approve", id, "approve."+user, asks))
	}
	has("C1", "not among those")
	has("C1", "Approved by")
	model.say("It is noted.", ".")
	has("C1", "It is noted.")
	third := start()
	api.Connected(t, 2)

	// What is said next in a thread is another run; who answers dies in the midst of it, and the next one puts its words right.
	deliver("events_api", "e3", map[string]any{"type": "event_callback", "team_id": "T1", "event_id": "Ev3", "event": map[string]any{
		"type": "message", "channel_type": "channel", "user": "U1", "text": "and the certificates?", "ts": "1.2", "thread_ts": "1.1", "channel": "C1",
	}})
	model.say("Half of ")
	api.Message(t, "C1", "the third answer on its way", func(m apitest.Message) bool { return m.Streaming && strings.Contains(m.Text, "Half of") })
	kill(second)
	model.lost()
	model.say("All of it.", ".")
	if whole := has("C1", "All of it."); strings.Contains(whole.Text, "Half") {
		t.Errorf("what the dead server said is still there: %q", whole.Text)
	}

	// Stop stops.
	deliver("slash_commands", "s4", command(api, "/ask", "count to a million", "slash.4"))
	model.say("One, ", "two, ")
	shown = api.Message(t, "C1", "the answer on its way", func(m apitest.Message) bool { return m.Streaming && strings.Contains(m.Text, "One") })
	tapped := time.Now()
	deliver("events_api", "stop", map[string]any{"type": "event_callback", "team_id": "T1", "event_id": "EvStop", "event": map[string]any{
		"type": "agent_session_stopped", "user": "U1", "channel": "C1", "thread_ts": shown.Thread, "streaming_message_ts": []string{shown.TS},
	}})
	if stopped := has("C1", "Stopped"); stopped.TS != shown.TS || strings.Contains(stopped.Blocks, "feedback_buttons") {
		t.Errorf("got %+v", stopped)
	}
	t.Logf("Stop: %s from the tap to what is shown", time.Since(tapped).Round(time.Millisecond))
	api.Await(t, "the end of all that is under way", func() bool { return api.Working() == 0 })
	// What is recorded behind an answer is recorded before a server ends.
	if err := third.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := third.Wait(); err != nil {
		t.Errorf("the server ended: %v", err)
	}

	posts := map[string]int{}
	for _, channel := range []string{"C1", "CALERTS", "CPROPOSALS", "CREVIEWS", "CDIGESTS"} {
		for _, m := range api.Messages(channel) {
			if m.User == "" {
				posts[channel+" "+strings.Replace(m.Thread, shown.Thread, "/ask", 1)]++
			}
		}
	}
	want := map[string]int{"C1 ": 1, "C1 1.1": 2, "C1 2.1": 2, "C1 /ask": 1, "CALERTS ": 2, "CDIGESTS ": 1, "CPROPOSALS ": 1, "CREVIEWS ": 1}
	if fmt.Sprint(posts) != fmt.Sprint(want) {
		t.Errorf("posts by thread: %v, want %v; in C1 are %+v", posts, want, api.Messages("C1"))
	}
	got := p.kinds()
	for kind, want := range map[string]int{
		"run.started": 85, "run.cancelled": 1, "feedback.given": 2, "runbook.saved": 1, "budget.set": 2, "run.approval_answered": 1, "run.tool_called": 1, "review.asked": 1, "review.judged": 2, "review.closed": 1,
		"verdict.given": 1,
	} {
		if got[kind] != want {
			t.Errorf("%s: %d, want %d; all are %v", kind, got[kind], want, got)
		}
	}
	p.run("verify")
}

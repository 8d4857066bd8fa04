package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/slack/apitest"
)

// paced is a model server that streams an answer word by word, each when it is let.
type paced struct {
	*httptest.Server
	words chan string
}

// newPaced starts one. A word of "." ends an answer.
func newPaced(t *testing.T) *paced {
	p := &paced{words: make(chan string, 64)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/models") {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"paced-1","object":"model"}]}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		say := func(delta, finish string) {
			fmt.Fprintf(w, `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"paced-1","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}`+"\n\n", delta, finish)
			w.(http.Flusher).Flush()
		}
		say(`{"role":"assistant","content":""}`, "null")
		for {
			select {
			case <-r.Context().Done():
				return
			case word := <-p.words:
				if word == "." {
					say(`{}`, `"stop"`)
					fmt.Fprint(w, `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"paced-1","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10}}`+"\n\ndata: [DONE]\n\n")
					return
				}
				text, _ := json.Marshal(word)
				say(`{"content":`+string(text)+`}`, "null")
			}
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *paced) say(words ...string) {
	for _, word := range words {
		p.words <- word
	}
}

// slackProgram is the program with a Slack and a model of its own.
func slackProgram(t *testing.T) (program, *apitest.Server, *paced) {
	api, model := apitest.New(t), newPaced(t)
	p := newProgram(t)
	p.env = []string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1", "SLACK_API_URL=" + api.URL, "OPENAI_BASE_URL=" + model.URL + "/v1"}
	return p, api, model
}

func mention(channel, ts, thread, text string) map[string]any {
	event := map[string]any{"type": "app_mention", "user": "U1", "text": "<@UBOT> " + text, "ts": ts, "channel": channel, "event_ts": ts}
	if thread != "" {
		event["thread_ts"] = thread
	}
	return map[string]any{"type": "event_callback", "team_id": "T1", "event_id": "Ev" + ts, "event": event}
}

func command(api *apitest.Server, command, text, trigger string) map[string]any {
	return map[string]any{
		"team_id": "T1", "channel_id": "C1", "user_id": "U1", "command": command, "text": text, "trigger_id": trigger, "response_url": api.ResponseURL("C1", "U1"),
	}
}

func tap(action, value, trigger string, m apitest.Message) map[string]any {
	return map[string]any{
		"type": "block_actions", "team": map[string]any{"id": "T1"}, "user": map[string]any{"id": "U1", "team_id": "T1"}, "trigger_id": trigger,
		"channel": map[string]any{"id": m.Channel}, "message": map[string]any{"ts": m.TS, "thread_ts": m.Thread},
		"actions": []map[string]any{{"action_id": action, "value": value}},
	}
}

// kinds counts the facts of the log by their kinds.
func (p program) kinds() map[string]int {
	p.t.Helper()
	counts := map[string]int{}
	var all []struct{ Kind string }
	if err := json.Unmarshal(p.run("events", "--limit", "0", "--json"), &all); err != nil {
		p.t.Fatal(err)
	}
	for _, e := range all {
		counts[e.Kind]++
	}
	return counts
}

// The path that a user walks first: asked, watched, judged, made better, looked at; with a kill in the middle.
func TestSlackFromAQuestionToTheFigures(t *testing.T) {
	t.Parallel()
	p, api, model := slackProgram(t)
	server, _ := p.serve("--lease", "1s")
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()

	api.Send(t, "events_api", "e1", mention("C1", "1.1", "", "how do I rotate the keys?"))
	api.Acked(t, "e1")
	model.say("Use ", "`rotate`", " and tell <!channel>.")
	shown := api.Message(t, "C1", "the answer on its way", func(m apitest.Message) bool { return m.Streaming && strings.Contains(m.Text, "rotate") })
	if shown.Thread != "1.1" || api.Status("C1", "1.1") != "processing" {
		t.Errorf("while it streams: %+v, status %q", shown, api.Status("C1", "1.1"))
	}
	api.Send(t, "events_api", "e1 again", mention("C1", "1.1", "", "how do I rotate the keys?"))
	api.Acked(t, "e1 again")
	model.say(" Done.", ".")
	answer := api.Message(t, "C1", "the whole answer", func(m apitest.Message) bool { return !m.Streaming && strings.Contains(m.Blocks, "feedback_buttons") })
	if answer.TS != shown.TS || !strings.HasSuffix(answer.Text, " Done.") || strings.Contains(answer.Text, "<!channel>") {
		t.Errorf("got %+v", answer)
	}
	api.Await(t, "the session's end", func() bool { return api.Status("C1", "1.1") == "active" })

	// One tap says that it was good; it is noted once however often it comes.
	good := between(answer.Blocks, `"value":"good:`, `"`)
	for _, envelope := range []string{"i1", "i1 again"} {
		api.Send(t, "interactive", envelope, tap("v6_judge", "good:"+good, "tap.1", answer))
		api.Acked(t, envelope)
	}
	api.Message(t, "C1", "thanks", func(m apitest.Message) bool { return m.User == "U1" && strings.Contains(m.Text, "Thank you") })

	api.Send(t, "slash_commands", "s1", command(api, "/better", "shorter, with links", "slash.1"))
	if said := api.Acked(t, "s1"); !strings.Contains(string(said), "Thank you") {
		t.Errorf("/better: got %s", said)
	}
	p.run("metrics") // a verb that reads folds what the server has not folded yet
	api.Send(t, "slash_commands", "s2", command(api, "/metrics", "today", "slash.2"))
	api.Acked(t, "s2")
	metrics := api.Message(t, "C1", "the metrics", func(m apitest.Message) bool { return strings.Contains(m.Blocks, "How runs go") })
	for _, want := range []string{"100.0 % (1 of 1)", "liked", "▁", "Satisfaction"} {
		if !strings.Contains(metrics.Blocks, want) {
			t.Errorf("the metrics lack %q: %s", want, metrics.Blocks)
		}
	}

	// What is said next in the thread goes on with it, across the death of the server that was asked.
	api.Send(t, "events_api", "e2", map[string]any{"type": "event_callback", "team_id": "T1", "event_id": "Ev2", "event": map[string]any{
		"type": "message", "channel_type": "channel", "user": "U1", "text": "and the certificates?", "ts": "1.2", "thread_ts": "1.1", "channel": "C1",
	}})
	api.Acked(t, "e2")
	model.say("Half of ")
	api.Message(t, "C1", "the second answer on its way", func(m apitest.Message) bool { return m.Streaming && strings.Contains(m.Text, "Half of") })
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	server, _ = p.serve("--lease", "1s")
	model.say("All of it.", ".")
	whole := api.Message(t, "C1", "the whole second answer", func(m apitest.Message) bool {
		return !m.Streaming && m.Thread == "1.1" && strings.Contains(m.Text, "All of it.") && strings.Contains(m.Blocks, "feedback_buttons")
	})
	if strings.Contains(whole.Text, "Half") {
		t.Errorf("what the dead server said is still there: %q", whole.Text)
	}
	api.Await(t, "the end of all that is under way", func() bool { return api.Working() == 0 })
	posts := 0
	for _, m := range api.Messages("C1") {
		if m.User == "" && m.Thread == "1.1" {
			posts++
		}
	}
	if posts != 2 {
		t.Errorf("%d posts in the thread, want 2: %+v", posts, api.Messages("C1"))
	}
	// What is recorded behind an answer is recorded before a server ends.
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended: %v", err)
	}
	// The killed server may not have come to record what it had started.
	got := p.kinds()
	if n := got["slack.interacted"]; n < 4 || n > 5 {
		t.Errorf("%d interactions are recorded, want 5", n)
	}
	for kind, want := range map[string]int{"run.started": 2, "run.finished": 2, "feedback.given": 2, "slack.posted": 2} {
		if got[kind] != want {
			t.Errorf("%s: %d, want %d; all are %v", kind, got[kind], want, got)
		}
	}
	p.run("verify")
}

// between is what stands between two texts.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

// Stop stops: one fact ends the run, and nothing says that it is under way after that.
func TestSlackStopsARun(t *testing.T) {
	t.Parallel()
	p, api, model := slackProgram(t)
	server, _ := p.serve("--lease", "1s")
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	api.Send(t, "slash_commands", "s1", command(api, "/ask", "count to a million", "slash.1"))
	api.Acked(t, "s1")
	model.say("One, ", "two, ")
	shown := api.Message(t, "C1", "the answer on its way", func(m apitest.Message) bool { return m.Streaming && strings.Contains(m.Text, "One") })
	api.Send(t, "events_api", "stop", map[string]any{"type": "event_callback", "team_id": "T1", "event_id": "EvStop", "event": map[string]any{
		"type": "agent_session_stopped", "user": "U1", "channel": "C1", "thread_ts": shown.Thread, "streaming_message_ts": []string{shown.TS},
	}})
	api.Acked(t, "stop")
	stopped := api.Message(t, "C1", "the end", func(m apitest.Message) bool {
		return m.TS == shown.TS && !m.Streaming && strings.Contains(m.Text, "Stopped")
	})
	if strings.Contains(stopped.Blocks, "feedback_buttons") {
		t.Errorf("what was stopped is to be judged: %+v", stopped)
	}
	api.Await(t, "the session's end", func() bool { return api.Working() == 0 })
	if got := p.kinds(); got["run.cancelled"] != 1 || got["run.finished"]+got["run.failed"] != 0 || got["slack.thread_opened"] != 1 {
		t.Errorf("got %v", got)
	}
	// What the model said is in nobody's way, and the record answers questions about it.
	api.Send(t, "events_api", "q", mention("C1", "9.1", "", "What did you learn from recent interactions?"))
	api.Acked(t, "q")
	api.Message(t, "C1", "an answer from the record", func(m apitest.Message) bool { return m.Thread == "9.1" && strings.Contains(m.Text, "What I learned") })
	if got := p.kinds(); got["run.started"] != 1 {
		t.Errorf("a question about the record started a run: %v", got)
	}
}

func TestSlackIsSetUp(t *testing.T) {
	t.Parallel()
	p, api, _ := slackProgram(t)
	var manifest struct {
		Settings struct {
			SocketModeEnabled  bool `json:"socket_mode_enabled"`
			EventSubscriptions struct {
				RequestURL string   `json:"request_url"`
				BotEvents  []string `json:"bot_events"`
			} `json:"event_subscriptions"`
		} `json:"settings"`
		OAuthConfig struct {
			Scopes struct{ Bot []string } `json:"scopes"`
		} `json:"oauth_config"`
	}
	if err := json.Unmarshal(p.run("slack", "manifest", "--url", "https://v6.example/"), &manifest); err != nil {
		t.Fatal(err)
	}
	if s := manifest.Settings; s.SocketModeEnabled || s.EventSubscriptions.RequestURL != "https://v6.example/" || len(s.EventSubscriptions.BotEvents) != 7 {
		t.Errorf("got %+v", s)
	}
	api.Grant(manifest.OAuthConfig.Scopes.Bot...)
	if got := string(p.run("slack", "check")); strings.Contains(got, "MISSING") || strings.Count(got, "ok ") != 3 {
		t.Errorf("got %s", got)
	}
	api.Grant("chat:write")
	out, err := p.command("slack", "check").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "MISSING  scopes: add app_mentions:read") {
		t.Errorf("got %v, %s", err, out)
	}
	p.env = append(p.env, "SLACK_APP_TOKEN=")
	if out, err := p.command("serve", "--listen", "127.0.0.1:0").CombinedOutput(); err == nil || !strings.Contains(string(out), "set SLACK_APP_TOKEN") {
		t.Errorf("got %v, %s", err, out)
	}
}

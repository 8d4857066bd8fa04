package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/slack/apitest"
)

// paced is a model server that streams an answer word by word, each when it is let.
type paced struct {
	*httptest.Server
	t     *testing.T
	asked chan chan string
	now   chan string
}

// newPaced starts one.
func newPaced(t *testing.T) *paced {
	p := &paced{t: t, asked: make(chan chan string)}
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
		words := make(chan string, 8)
		select {
		case <-r.Context().Done():
			return
		case p.asked <- words:
		}
		say(`{"role":"assistant","content":""}`, "null")
		for {
			select {
			case <-r.Context().Done():
				return
			case word := <-words:
				text, _ := json.Marshal(word)
				switch call, calls := strings.CutPrefix(word, "notes__write "); {
				case calls:
					arguments, _ := json.Marshal(`{"text":"` + call + `"}`)
					say(`{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"notes__write","arguments":`+string(arguments)+`}}]}`, `"tool_calls"`)
				case word == ".":
					say(`{}`, `"stop"`)
				default:
					say(`{"content":`+string(text)+`}`, "null")
					continue
				}
				fmt.Fprint(w, `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"paced-1","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10}}`+"\n\ndata: [DONE]\n\n")
				return
			}
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// say lets it say words, once it is asked. A word of "." ends an answer, one that begins with notes__write is a call of that tool.
func (p *paced) say(words ...string) {
	p.t.Helper()
	for _, word := range words {
		if p.now == nil {
			select {
			case p.now = <-p.asked:
			case <-time.After(time.Minute):
				p.t.Fatalf("the model is not asked, and was to say %q", word)
			}
		}
		p.now <- word
		if word == "." || strings.HasPrefix(word, "notes__write ") {
			p.now = nil
		}
	}
}

// lost forgets who asks: they are dead.
func (p *paced) lost() { p.now = nil }

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

// between is what stands between two texts.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
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

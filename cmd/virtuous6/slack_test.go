package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// paced is a model server that streams an answer word by word, each when it is let.
type paced struct {
	*httptest.Server
	t     *testing.T
	asked chan chan string
	now   chan string

	mu sync.Mutex
	// heard are the bodies of what it was asked.
	heard []string
}

// hears are the bodies of what it was asked so far.
func (p *paced) hears() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.heard)
}

// newPaced starts one.
func newPaced(t *testing.T) *paced {
	p := &paced{t: t, asked: make(chan chan string)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/models") {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"paced-1","object":"model"}]}`)
			return
		}
		body, _ := io.ReadAll(r.Body) // only then it is heard that nobody waits any more
		p.mu.Lock()
		p.heard = append(p.heard, string(body))
		p.mu.Unlock()
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
		Features struct {
			AgentView struct {
				SuggestedPrompts []struct{ Message string } `json:"suggested_prompts"`
			} `json:"agent_view"`
			SlashCommands []struct{ Command string } `json:"slash_commands"`
		} `json:"features"`
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
	if len(manifest.Features.SlashCommands) != 4 || len(manifest.Features.AgentView.SuggestedPrompts) != 3 {
		t.Errorf("got %+v", manifest.Features)
	}
	for _, prompt := range manifest.Features.AgentView.SuggestedPrompts {
		if _, ok := answers.Understand(prompt.Message, time.Now()); !ok {
			t.Errorf("%q is suggested, and is no question that the record answers", prompt.Message)
		}
	}
	api.Grant(manifest.OAuthConfig.Scopes.Bot...)
	if got := string(p.run("slack", "check")); strings.Contains(got, "MISSING") || strings.Count(got, "ok ") != 3 || !strings.Contains(got, "unseen   subscriptions") {
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

// What a fresh set-up can lack is told with what to do about it, each in a line.
func TestSlackCheckTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	p, api, _ := slackProgram(t)
	config := write(t, p.dir, "config.yaml", "slack:\n  approvers: [U1, S1]\n  tool_approvers: [S1, S2]\n  proposals: C7\n  digests: C8\n")
	p.env = append(p.env, "VIRTUOUS6_CONFIG="+config, "SLACK_SIGNING_SECRET=s", "SLACK_CONFIG_TOKEN=xoxe.xoxp-1")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hooks := free.Addr().String()
	_ = free.Close()
	url := "http://" + hooks + "/"
	whole := p.run("slack", "manifest", "--url", url)
	server, _ := p.serve("--hooks", hooks)
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	api.Group("S1", "U3")
	api.Grant("app_mentions:read", "assistant:write", "channels:history", "chat:write", "commands", "groups:history", "im:history", "im:write", "mpim:history", "usergroups:read", "users:read")
	for name, c := range map[string]struct {
		change  func()
		env     string
		url     string
		missing map[string]string
	}{
		"nothing":         {missing: map[string]string{}},
		"a revoked token": {change: func() { api.Refuse("*", "token_revoked") }, missing: map[string]string{"bot token": "Slack says token_revoked: take SLACK_BOT_TOKEN"}},
		"an app token":    {change: func() { api.Refuse("apps.connections.open", "not_allowed_token_type") }, missing: map[string]string{"socket": "connections:write"}},
		"a channel":       {change: func() { api.Close("C8", "not_in_channel") }, missing: map[string]string{"channel of digests": "invite the app into the channel"}},
		"a group":         {change: func() { api.Refuse("usergroups.users.list", "missing_scope needs usergroups:read") }, missing: map[string]string{"group S1": "the scope usergroups:read is missing", "group S2": "install the app again"}},
		"another secret":  {env: "SLACK_SIGNING_SECRET=another", missing: map[string]string{"URL": "SLACK_SIGNING_SECRET is another one there"}},
		"no secret":       {env: "SLACK_SIGNING_SECRET=", missing: map[string]string{"URL": "SLACK_SIGNING_SECRET is not set"}},
		"another address": {url: url + "elsewhere/", missing: map[string]string{"URL of events": "Slack was told", "URL of buttons": "Slack was told"}},
		"nobody there":    {url: "http://127.0.0.1:1/", missing: map[string]string{"URL": "Is `virtuous6 serve --hooks` running", "URL of events": "", "URL of buttons": ""}},
		"no TLS":          {url: "http://v6.example.com/", missing: map[string]string{"URL": "https only", "URL of events": "", "URL of buttons": ""}},
		"no address":      {url: "v6", missing: map[string]string{"URL": "this is no address", "URL of events": "", "URL of buttons": ""}},
		"somebody else":   {url: api.URL, missing: map[string]string{"URL": "look where the proxy leads to", "URL of events": "", "URL of buttons": ""}},
		"an event":        {change: func() { api.Configured(without(t, whole, `"message.im",`)) }, missing: map[string]string{"subscriptions": "add message.im under Event Subscriptions"}},
		"a command":       {change: func() { api.Configured(without(t, whole, "/better")) }, missing: map[string]string{"commands": "add /better under Slash Commands"}},
		"the buttons":     {change: func() { api.Configured(without(t, whole, `"is_enabled": true,`)) }, missing: map[string]string{"interactivity": "turn it on"}},
		"an old token":    {env: "SLACK_CONFIG_TOKEN=xoxp-old", missing: map[string]string{"subscriptions": "take SLACK_CONFIG_TOKEN anew"}},
	} {
		for method := range map[string]bool{"*": true, "apps.connections.open": true, "usergroups.users.list": true} {
			api.Refuse(method, "")
		}
		api.Close("C8", "")
		api.Configured(without(t, whole, "nothing"))
		if c.change != nil {
			c.change()
		}
		checks := p
		checks.env = append(slices.Clone(p.env), c.env)
		out, err := checks.command("slack", "check", "--json", "--url", cmp.Or(c.url, url)).Output()
		var found []struct {
			What, Says string
			OK, Unseen bool
		}
		if jerr := json.Unmarshal(out, &found); jerr != nil {
			t.Fatalf("%s: %v, %s", name, jerr, out)
		}
		if (err == nil) != (len(c.missing) == 0) {
			t.Errorf("%s: it ends with %v", name, err)
		}
		lacks := map[string]string{}
		for _, f := range found {
			if want, is := c.missing[f.What]; !f.OK && !f.Unseen && (!is || !strings.Contains(f.Says, want)) {
				t.Errorf("%s: it tells %s: %s", name, f.What, f.Says)
			} else if !f.OK {
				lacks[f.What] = f.Says
			}
		}
		if len(lacks) != len(c.missing) {
			t.Errorf("%s: got %v", name, lacks)
		}
	}
}

// without is a manifest, of an app that is listened to by a socket too, that lacks a text.
func without(t *testing.T, manifest []byte, what string) json.RawMessage {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(strings.Replace(string(manifest), what, "", 1)), &all); err != nil {
		t.Fatal(err)
	}
	all["settings"].(map[string]any)["socket_mode_enabled"] = true
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

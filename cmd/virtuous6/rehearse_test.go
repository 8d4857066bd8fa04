package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAReplayCallsNobody has runs answered by a server, and then replays them in every way, with the server and the key
// still there: no request comes.
func TestAReplayCallsNobody(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, chunk := range []string{
			`{"choices":[{"index":0,"delta":{"role":"assistant","content":"Forty-two."}}]`,
			`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`,
		} {
			fmt.Fprintf(w, "data: %s,\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-mini\"}\n\n", chunk)
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	}))
	defer server.Close()
	p := newProgram(t)
	run := func(args ...string) string {
		t.Helper()
		cmd := p.command(args...)
		// Whatever went elsewhere would come here, too.
		cmd.Env = append(cmd.Env, "OPENAI_BASE_URL="+server.URL+"/v1", "OPENAI_API_KEY=sk-test-0123456789abcdefghij", "SLACK_BOT_TOKEN=xoxb-1-test", "SLACK_APP_TOKEN=xapp-1-test", "HTTP_PROXY="+server.URL, "HTTPS_PROXY="+server.URL)
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, errOut.Bytes())
		}
		return out.String()
	}
	for i := range 3 {
		if said := run("ask", fmt.Sprintf("question %d", i)); !strings.Contains(said, "Forty-two.") {
			t.Fatalf("ask: %s", said)
		}
	}
	// What was posted to Slack is a step like any other, whoever posted it.
	posts := filepath.Join(p.dir, "posts.jsonl")
	post := `{"run":"thread-1","workflow":"support","requester":"slack:U024BE7LH","outcome":"succeeded","steps":[{"step":"post","tool":"slack.chat.postMessage","outcome":"succeeded"}],"feedback":[{"user":"slack:U024BE7LH","text":":+1:"}]}`
	if err := os.WriteFile(posts, []byte(post+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("import", posts)
	asked := requests.Load()
	if history := run("events", "--limit", "0", "--json"); asked < 3 || !strings.Contains(history, "run.llm_called") || !strings.Contains(history, "slack.chat.postMessage") {
		t.Fatalf("this history proves nothing: %d requests", asked)
	}
	log := run("events", "--limit", "0", "--json")
	run("replay")
	run("replay", "runs", "tasks")
	run("replay", "--to", "5", "--into", "sqlite:"+p.dir+"/then.db")
	run("runs", "--as-of", "5")
	run("verify")
	var found struct{ Looks int }
	if err := json.Unmarshal([]byte(run("replay", "--analysts", "--every", "1m", "--json")), &found); err != nil || found.Looks == 0 {
		t.Errorf("the analysts looked %d times (%v)", found.Looks, err)
	}
	if n := requests.Load(); n != asked {
		t.Errorf("a replay made %d requests", n-asked)
	}
	if after := run("events", "--limit", "0", "--json"); after != log {
		t.Errorf("a replay changed the log from\n%s\nto\n%s", log, after)
	}
}

package agents_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// drip sends a sign of life every second, and an answer never.
func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, ": still here\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	}
}

// TestFaultsOfAServer has a server do what real ones do at bad times. What comes out is an error of a known kind and no
// answer, or an answer that says how it ended; and it comes in time.
func TestFaultsOfAServer(t *testing.T) {
	t.Parallel()
	call := func(id, args string) string {
		return calls(fmt.Sprintf(`{"index":0,"id":%q,"type":"function","function":{"name":"clock","arguments":%q}}`, id, args))
	}
	clock := func(id, args string) events.ToolCall { return events.ToolCall{ID: id, Name: "clock", Arguments: args} }
	counted := func(usage string) http.HandlerFunc {
		return stream(text("Hi"), finish("stop"), `{"choices":[],"usage":`+usage+`}`, done)
	}
	const quick, long = 10 * time.Second, 6 * time.Minute
	for name, c := range map[string]struct {
		when     []http.HandlerFunc
		err      error
		says     string
		within   time.Duration
		requests int
		ending   agents.Ending
		calls    []events.ToolCall
		// in and out are 0 where the usage is not known.
		in, out int64
	}{
		"429, in seconds": {when: []http.HandlerFunc{status(429, `{}`, "Retry-After", "7"), hello}, within: 8 * time.Second, requests: 2, ending: agents.Answered, in: 20, out: 7},
		"429, by date": {when: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			status(429, `{}`, "Retry-After", time.Now().Add(9*time.Second).UTC().Format(http.TimeFormat))(w, r)
		}, hello}, within: quick, requests: 2, ending: agents.Answered, in: 20, out: 7},
		"429, a date in an hour": {when: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			status(429, `{}`, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))(w, r)
		}}, err: agents.ErrRateLimited, says: "try again in 1h0m0s", within: time.Second, requests: 1},
		"500, then well":       {when: []http.HandlerFunc{status(500, `{}`), status(503, `busy`), hello}, within: quick, requests: 3, ending: agents.Answered, in: 20, out: 7},
		"500 for good":         {when: []http.HandlerFunc{status(500, `{"error":{"message":"boom"}}`)}, err: agents.ErrUnavailable, says: "boom", within: quick, requests: 4},
		"it hangs":             {when: []http.HandlerFunc{stream("pause 24h")}, err: agents.ErrTimeout, says: "longer than 5m0s", within: long, requests: 4},
		"it drips":             {when: []http.HandlerFunc{drip}, err: agents.ErrTimeout, says: "longer than 5m0s", within: long, requests: 1},
		"cut in the text":      {when: []http.HandlerFunc{stream(text("The answer"), "cut")}, err: agents.ErrCut, says: "before the answer's end", within: quick, requests: 1},
		"cut before it":        {when: []http.HandlerFunc{stream(role, "cut"), hello}, within: quick, requests: 2, ending: agents.Answered, in: 20, out: 7},
		"invalid JSON":         {when: []http.HandlerFunc{stream(text("a"), `{"choices":[{"delta":`)}, err: agents.ErrProtocol, says: "not the JSON", within: quick, requests: 1},
		"a wrong schema":       {when: []http.HandlerFunc{stream(`{"answer":42}`, done)}, err: agents.ErrProtocol, says: `"answer":42}`, within: quick, requests: 1},
		"a wrong type":         {when: []http.HandlerFunc{stream(`{"choices":"none"}`, done)}, err: agents.ErrProtocol, says: "no answer of a chat", within: quick, requests: 1},
		"10 MB":                {when: []http.HandlerFunc{stream(text(strings.Repeat("a", 3<<20)), text(strings.Repeat("a", 7<<20)), finish("stop"), done)}, err: agents.ErrProtocol, says: "longer than 4 MiB", within: quick, requests: 1},
		"10 MB of arguments":   {when: []http.HandlerFunc{stream(call("a", strings.Repeat("a", 3<<20)), call("a", strings.Repeat("a", 3<<20)), finish("stop"), done)}, err: agents.ErrProtocol, says: "longer than 4 MiB", within: quick, requests: 1},
		"stopped by length":    {when: []http.HandlerFunc{stream(text("The answer is"), finish("length"), usage, done)}, within: quick, requests: 1, ending: agents.CutByLength, in: 20, out: 7},
		"stopped in a call":    {when: []http.HandlerFunc{stream(call("a", `{"zone":"U`), finish("length"), usage, done)}, within: quick, requests: 1, ending: agents.CutByLength, calls: []events.ToolCall{clock("a", `{"zone":"U`)}, in: 20, out: 7},
		"a call twice":         {when: []http.HandlerFunc{stream(call("a", "{\"a\":1}"), call("a", "{\"a\":1}"), finish("tool_calls"), usage, done)}, within: quick, requests: 1, ending: agents.WantsTools, calls: []events.ToolCall{clock("a", `{"a":1}`)}, in: 20, out: 7},
		"an id twice":          {when: []http.HandlerFunc{stream(call("a", `{"a":1}`), calls(`{"index":1,"id":"a","function":{"name":"clock","arguments":"{\"a\":2}"}}`), finish("tool_calls"), usage, done)}, within: quick, requests: 1, ending: agents.WantsTools, calls: []events.ToolCall{clock("a", `{"a":1}`), clock("a-2", `{"a":2}`)}, in: 20, out: 7},
		"usage below 0":        {when: []http.HandlerFunc{counted(`{"prompt_tokens":-5,"completion_tokens":9}`)}, within: quick, requests: 1, ending: agents.Answered},
		"usage in words":       {when: []http.HandlerFunc{counted(`{"prompt_tokens":"twenty","completion_tokens":{}}`)}, within: quick, requests: 1, ending: agents.Answered},
		"usage as floats":      {when: []http.HandlerFunc{counted(`{"prompt_tokens":20.0,"completion_tokens":"7"}`)}, within: quick, requests: 1, ending: agents.Answered, in: 20, out: 7},
		"usage that overflows": {when: []http.HandlerFunc{counted(`{"prompt_tokens":1e300,"completion_tokens":9}`)}, within: quick, requests: 1, ending: agents.Answered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, model := serve(t, nil, c.when...)
				began := time.Now()
				turn, err := agents.Runner{Model: model, Tools: agents.BuiltIn(noon)}.Turn(t.Context(), events.AgentConfig{Model: "m", Tools: []string{"clock"}}, user("time?"), nil)
				if took := time.Since(began); took > c.within {
					t.Errorf("it took %s", took)
				}
				if d.requests() != c.requests {
					t.Errorf("%d requests, want %d", d.requests(), c.requests)
				}
				if !errors.Is(err, c.err) || err != nil && (c.err == nil || !strings.Contains(err.Error(), c.says)) {
					t.Fatalf("error %v, want %v: %s", err, c.err, c.says)
				}
				if err != nil {
					if !reflect.DeepEqual(turn, agents.Turn{}) || len(err.Error()) > 1000 {
						t.Errorf("a failed turn is %+v", turn)
					}
					return
				}
				a := turn.Answer
				if turn.Ending != c.ending || !reflect.DeepEqual(a.Message.ToolCalls, c.calls) || turn.Ending != agents.WantsTools && turn.Calls != nil {
					t.Errorf("%s: %+v, to perform: %+v", turn.Ending, a.Message, turn.Calls)
				}
				if a.UsageKnown != (c.in+c.out > 0) || a.InputTokens != c.in || a.OutputTokens != c.out {
					t.Errorf("took %d, %d, known %v", a.InputTokens, a.OutputTokens, a.UsageKnown)
				}
			})
		})
	}
}

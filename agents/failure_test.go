package agents_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
)

func TestOpenAIFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		when     []http.HandlerFunc
		then     error
		says     string
		requests int
	}{
		"wrong key": {
			when: []http.HandlerFunc{status(401, `{"error":{"message":"Incorrect API key provided: `+secret+`","code":"invalid_api_key"}}`)},
			then: agents.ErrAuth, says: "set OPENAI_API_KEY", requests: 1,
		},
		"forbidden": {when: []http.HandlerFunc{status(403, `no`)}, then: agents.ErrAuth, says: "set OPENAI_API_KEY", requests: 1},
		"a server that echoes the key": {
			when: []http.HandlerFunc{status(400, `{"error":{"message":"bad header Bearer `+secret+`"}}`)},
			then: agents.ErrBadRequest, says: "Bearer [key]", requests: 1,
		},
		"unknown model": {
			when: []http.HandlerFunc{status(404, `{"error":{"message":"The model does not exist","code":"model_not_found"}}`)},
			then: agents.ErrModelNotFound, says: "name a model", requests: 1,
		},
		"unknown model at ollama": {
			when: []http.HandlerFunc{status(404, `{"error":"model 'x' not found, try pulling it first"}`)},
			then: agents.ErrModelNotFound, says: "try pulling it first", requests: 1,
		},
		"wrong base URL": {
			when: []http.HandlerFunc{status(404, `404 page not found`)},
			then: agents.ErrBadRequest, says: "usually ends in /v1", requests: 1,
		},
		"context length": {
			when: []http.HandlerFunc{status(400, `{"error":{"message":"This model's maximum context length is 10 tokens","code":"context_length_exceeded"}}`)},
			then: agents.ErrContextLength, says: "shorten", requests: 1,
		},
		"no quota": {
			when: []http.HandlerFunc{status(429, `{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}`)},
			then: agents.ErrQuota, says: "billing", requests: 1,
		},
		"rate limited for good": {
			when: []http.HandlerFunc{status(429, `{"error":{"message":"slow down","type":"requests"}}`)},
			then: agents.ErrRateLimited, says: "after 4 attempts", requests: 4,
		},
		"asked to wait too long": {
			when: []http.HandlerFunc{status(429, `{}`, "Retry-After", "3600")},
			then: agents.ErrRateLimited, says: "try again in 1h0m0s", requests: 1,
		},
		"asked to wait longer than allowed": {
			when: []http.HandlerFunc{status(429, `{}`, "Retry-After", "61")},
			then: agents.ErrRateLimited, says: "try again in 1m1s", requests: 1,
		},
		"server errors for good": {
			when: []http.HandlerFunc{status(500, `<html>oops</html>`)},
			then: agents.ErrUnavailable, says: "<html>oops</html>", requests: 4,
		},
		"cut before anything came": {
			when: []http.HandlerFunc{stream(role, "cut")},
			then: agents.ErrCut, says: "before the answer's end", requests: 4,
		},
		"cut in the middle": {
			when: []http.HandlerFunc{stream(role, text("The answer is"), "cut")},
			then: agents.ErrCut, says: "before the answer's end", requests: 1,
		},
		"ended in the middle": {
			when: []http.HandlerFunc{stream(role, text("The answer is"))},
			then: agents.ErrCut, says: "before the answer's end", requests: 1,
		},
		"done, but never finished": {
			when: []http.HandlerFunc{stream(role, text("The answer is"), done)},
			then: agents.ErrCut, says: "before the answer's end", requests: 1,
		},
		"cut in a tool call": {
			when: []http.HandlerFunc{stream(calls(`{"index":0,"id":"a","function":{"name":"clock","arguments":"{"}}`))},
			then: agents.ErrCut, says: "before the answer's end", requests: 1,
		},
		"silence at the start": {
			when: []http.HandlerFunc{stream("pause 10m")},
			then: agents.ErrTimeout, says: "nothing came for 1m30s", requests: 4,
		},
		"silence in the middle": {
			when: []http.HandlerFunc{stream(text("wait"), "pause 10m", text("for it"), finish("stop"))},
			then: agents.ErrTimeout, says: "nothing came for 1m30s", requests: 1,
		},
		"too slow as a whole": {
			when: []http.HandlerFunc{stream(text("a"), "pause 1m", text("b"), "pause 1m", text("c"), "pause 1m", text("d"),
				"pause 1m", text("e"), "pause 1m", text("f"), "pause 1m", text("g"), finish("stop"))},
			then: agents.ErrTimeout, says: "longer than 5m0s", requests: 1,
		},
		"bad JSON": {
			when: []http.HandlerFunc{stream(text("a"), `{"choices":[{`, finish("stop"))},
			then: agents.ErrProtocol, says: "not the JSON", requests: 1,
		},
		"an error inside the stream": {
			when: []http.HandlerFunc{stream(text("a"), `{"error":{"message":"the engine died","type":"server_error"}}`, done)},
			then: agents.ErrUnavailable, says: "the engine died", requests: 1,
		},
		"an error in a choice": {
			when: []http.HandlerFunc{stream(`{"choices":[{"delta":{},"error":{"code":400,"message":"the engine says no"},"finish_reason":"error"}]}`, done)},
			then: agents.ErrBadRequest, says: "the engine says no", requests: 1,
		},
		"an error in a list": {
			when: []http.HandlerFunc{status(400, `[{"error":{"code":400,"message":"No such thing."}}]`)},
			then: agents.ErrBadRequest, says: "(HTTP 400): No such thing.", requests: 1,
		},
		"an error in another one": {
			when: []http.HandlerFunc{status(502, `{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"upstream is down"}}}`)},
			then: agents.ErrUnavailable, says: "Provider returned error: upstream is down", requests: 4,
		},
		"rate limited inside the stream, before any text": {
			when: []http.HandlerFunc{stream(role, `{"error":{"message":"busy","code":429}}`, done)},
			then: agents.ErrRateLimited, says: "busy", requests: 4,
		},
		"an error as finish reason": {
			when: []http.HandlerFunc{stream(text("a"), finish("error"), done)},
			then: agents.ErrCut, says: "with an error", requests: 1,
		},
		"no stream": {
			when: []http.HandlerFunc{status(200, `<html>Welcome</html>`)},
			then: agents.ErrProtocol, says: "instead of a stream: <html>", requests: 1,
		},
		"a redirect": {
			when: []http.HandlerFunc{status(307, ``, "Location", "http://elsewhere.test/v1/chat/completions")},
			then: agents.ErrProtocol, says: "elsewhere.test", requests: 1,
		},
		"a line without end": {
			when: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
				block := bytes.Repeat([]byte("a"), 1<<20)
				for range 64 {
					if _, err := w.Write(block); err != nil {
						return
					}
				}
			}},
			then: agents.ErrProtocol, says: "more than any answer", requests: 1,
		},
		"too many tool calls": {
			when: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
				for i := range 200 {
					_, _ = io.WriteString(w, "data: "+calls(`{"id":"`+string(rune('a'+i))+`","function":{"name":"clock"}}`)+"\n\n")
				}
			}},
			then: agents.ErrCut, says: "more than 128 tool calls", requests: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, model := serve(t, func(c *agents.OpenAIConfig) {
					if strings.HasPrefix(name, "silence") {
						c.Timeout = time.Hour
					}
				}, c.when...)
				answer, err := model.Chat(t.Context(), ask, func(string) {})
				if !errors.Is(err, c.then) {
					t.Fatalf("error %v, want %v", err, c.then)
				}
				if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) {
					t.Errorf("error says %q, want %q in it and no key", err, c.says)
				}
				if d.requests() != c.requests {
					t.Errorf("%d requests, want %d", d.requests(), c.requests)
				}
				if !reflect.DeepEqual(answer, agents.Answer{}) {
					t.Errorf("a failed call returned %+v", answer)
				}
			})
		})
	}
}

func TestOpenAIStopsWhenItsCallerGivesUp(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"in the stream": stream(text("a"), "pause 1m", text("b"), finish("stop"), done),
		"in a wait":     status(429, `{}`, "Retry-After", "50"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, model := serve(t, nil, answer)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(10*time.Second, cancel)
				start := time.Now()
				_, err := model.Chat(ctx, ask, nil)
				if !errors.Is(err, context.Canceled) || time.Since(start) != 10*time.Second || d.requests() != 1 {
					t.Errorf("%v after %s and %d requests", err, time.Since(start), d.requests())
				}
			})
		})
	}
}

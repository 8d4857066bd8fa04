package agents_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

func TestOpenAIAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		when   []http.HandlerFunc
		then   agents.Answer
		deltas []string
	}{
		"streamed, with usage": {
			when: []http.HandlerFunc{hello},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hello"}, FinishReason: "stop",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test",
				UsageKnown: true, InputTokens: 20, OutputTokens: 7, CachedTokens: 16, Attempts: 1,
			},
			deltas: []string{"Hel", "lo"},
		},
		"a server that sends no usage and no [DONE]": {
			when: []http.HandlerFunc{stream(text("Hi"), finish("stop"))},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "stop",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
			},
			deltas: []string{"Hi"},
		},
		"a server that refuses stream_options": {
			when: []http.HandlerFunc{
				status(400, `{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error"}}`),
				stream(text("Hi"), finish("stop"), done),
			},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "stop",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 2,
			},
			deltas: []string{"Hi"},
		},
		"usage that can't be": {
			when: []http.HandlerFunc{stream(text("Hi"), finish("stop"),
				`{"choices":[],"usage":{"prompt_tokens":-5,"completion_tokens":9}}`, done)},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "stop",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
			},
			deltas: []string{"Hi"},
		},
		"more cached than read comes on top": {
			when: []http.HandlerFunc{stream(text("Hi"), finish("stop"),
				`{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":6}}}`, done)},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "stop",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
				UsageKnown: true, InputTokens: 11, OutputTokens: 9, CachedTokens: 6,
			},
			deltas: []string{"Hi"},
		},
		"tool calls in pieces, two at once": {
			when: []http.HandlerFunc{stream(role,
				calls(`{"index":0,"id":"a","type":"function","function":{"name":"calculate","arguments":""}}`),
				calls(`{"index":0,"function":{"arguments":"{\"expr"}}`),
				calls(`{"index":1,"id":"b","type":"function","function":{"name":"clock","arguments":"{}"}}`),
				calls(`{"index":0,"function":{"arguments":"ession\":\"1\"}"}}`),
				finish("tool_calls"), usage, done)},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", ToolCalls: []events.ToolCall{
					{ID: "a", Name: "calculate", Arguments: `{"expression":"1"}`}, {ID: "b", Name: "clock", Arguments: "{}"},
				}}, FinishReason: "tool_calls", Model: "gpt-4o-mini-2024-07-18", Provider: "double.test",
				UsageKnown: true, InputTokens: 20, OutputTokens: 7, CachedTokens: 16, Attempts: 1,
			},
		},
		"tool calls that share an index, or have none": {
			when: []http.HandlerFunc{stream(
				calls(`{"index":0,"id":"a","function":{"name":"clock","arguments":"{}"}}`),
				calls(`{"index":0,"id":"b","function":{"name":"clock","arguments":"{"}}`),
				calls(`{"function":{"arguments":"}"}}`),
				finish("tool_calls"), done)},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", ToolCalls: []events.ToolCall{
					{ID: "a", Name: "clock", Arguments: "{}"}, {ID: "b", Name: "clock", Arguments: "{}"},
				}}, FinishReason: "tool_calls", Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
			},
		},
		"events without a line between them": {
			when: []http.HandlerFunc{raw("text/event-stream", "data: "+text("Hi")+"\ndata: "+finish("stop")+"\ndata: "+usage+"\ndata: [DONE]\n")},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "stop",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
				UsageKnown: true, InputTokens: 20, OutputTokens: 7, CachedTokens: 16,
			},
			deltas: []string{"Hi"},
		},
		"an event of several lines, each ended by two characters": {
			when: []http.HandlerFunc{raw("text/event-stream", "data: {\r\ndata: \"choices\":[{\"delta\":{\"content\":\"Hi\"},\r\ndata: \"finish_reason\":\"stop\"}]}\r\n\r\n")},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "stop", Model: "gpt-4o-mini", Provider: "double.test", Attempts: 1,
			},
			deltas: []string{"Hi"},
		},
		"a new name is a new call, and an empty object only holds the place": {
			when: []http.HandlerFunc{stream(
				calls(`{"index":0,"function":{"name":"clock","arguments":""}}`),
				calls(`{"index":0,"function":{"name":"calculate","arguments":"{}"}}`),
				calls(`{"index":0,"function":{"arguments":"{\"expression\":"}}`),
				calls(`{"index":0,"function":{"arguments":"\"1\"}"}}`),
				finish("tool_calls"), done)},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", ToolCalls: []events.ToolCall{
					{ID: "call-1", Name: "clock"}, {ID: "call-2", Name: "calculate", Arguments: `{"expression":"1"}`},
				}}, FinishReason: "tool_calls", Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
			},
		},
		"a cost in ticks": {
			when: []http.HandlerFunc{stream(text("Hi"), finish("stop"),
				`{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9,"cost_in_usd_ticks":37756000}}`, done)},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "stop",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
				UsageKnown: true, InputTokens: 5, OutputTokens: 9, CostNanos: 3_775_600, Priced: true,
			},
			deltas: []string{"Hi"},
		},
		"a fee beside the model's own price": {
			when: []http.HandlerFunc{stream(text("Hi"), finish("stop"),
				`{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9,"cost":0.001,"is_byok":true,"cost_details":{"upstream_inference_cost":0.02}}}`, done)},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "stop",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
				UsageKnown: true, InputTokens: 5, OutputTokens: 9, CostNanos: 21_000_000, Priced: true,
			},
			deltas: []string{"Hi"},
		},
		"comments and named events between the data": {
			when: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, strings.Repeat(": still thinking\n\n", 2000)+
					"event: chunk\r\ndata:"+text("Hi")+"\r\n\r\ndata: "+finish("length")+"\n\ndata: [DONE]")
			}},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "length",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
			},
			deltas: []string{"Hi"},
		},
		"a connection lost behind the end": {
			when: []http.HandlerFunc{stream(text("Hi"), finish("stop"), "cut")},
			then: agents.Answer{
				Message: events.Message{Role: "assistant", Content: "Hi"}, FinishReason: "stop",
				Model: "gpt-4o-mini-2024-07-18", Provider: "double.test", Attempts: 1,
			},
			deltas: []string{"Hi"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, model := serve(t, nil, c.when...)
				var deltas []string
				answer, err := model.Chat(t.Context(), ask, func(s string) { deltas = append(deltas, s) })
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(answer, c.then) {
					t.Errorf("answer\n%+v, want\n%+v", answer, c.then)
				}
				if !reflect.DeepEqual(deltas, c.deltas) {
					t.Errorf("streamed %q, want %q", deltas, c.deltas)
				}
			})
		})
	}
}

func TestOpenAIRemembersThatStreamOptionsAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, model := serve(t, nil, status(422, `{"detail":"stream_options: extra fields not permitted"}`), stream(text("a"), finish("stop"), done))
		for range 2 {
			if _, err := model.Chat(t.Context(), ask, nil); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range []bool{true, false, false} {
			if got := bytes.Contains(d.bodies[i], []byte("stream_options")); got != want {
				t.Errorf("request %d asks for usage: %v, want %v", i, got, want)
			}
		}
	})
}

func TestOpenAISendsWhatWasAsked(t *testing.T) {
	t.Parallel()
	zero, seed := 0.0, int64(7)
	synctest.Test(t, func(t *testing.T) {
		d, model := serve(t, nil, hello)
		req := agents.Request{
			Model: "gpt-4o-mini", Temperature: &zero, MaxTokens: 50, Seed: &seed,
			Tools: []agents.ToolSpec{{Name: "clock", Description: "time", Schema: json.RawMessage(`{"type":"object"}`)}},
			Messages: []events.Message{
				{Role: "system", Content: "be kind"},
				{Role: "user", Name: "anna"},
				{Role: "assistant", ToolCalls: []events.ToolCall{{ID: "a", Name: "clock", Arguments: "{}"}}},
				{Role: "tool", Name: "clock", ToolCallID: "a", Content: "noon"},
			},
		}
		if _, err := model.Chat(t.Context(), req, nil); err != nil {
			t.Fatal(err)
		}
		req.Model = "o4-mini"
		if _, err := model.Chat(t.Context(), req, nil); err != nil {
			t.Fatal(err)
		}
		const want = `{"messages":[{"content":"be kind","role":"system"},{"content":"","name":"anna","role":"user"},` +
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"clock","arguments":"{}"}}]},` +
			`{"content":"noon","role":"tool","tool_call_id":"a"}],"model":"gpt-4o-mini","seed":7,"stream":true,` +
			`"stream_options":{"include_usage":true},"temperature":0,` +
			`"tools":[{"function":{"name":"clock","description":"time","parameters":{"type":"object"}},"type":"function"}],"max_tokens":50}`
		if !sameJSON(t, d.bodies[0], []byte(want)) {
			t.Errorf("sent %s\nwant %s", d.bodies[0], want)
		}
		reasoning := strings.NewReplacer(`"gpt-4o-mini"`, `"o4-mini"`, `"max_tokens"`, `"max_completion_tokens"`).Replace(want)
		if !sameJSON(t, d.bodies[1], []byte(reasoning)) {
			t.Errorf("sent %s\nwant %s", d.bodies[1], reasoning)
		}
		if d.auth[0] != "Bearer "+secret {
			t.Errorf("authorized by %q", d.auth[0])
		}
	})
}

// TestConnectionsAreKept has many calls at a time, twice: the second ones go over the connections of the first.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const calls = 16
	var opened atomic.Int32
	arrived, all := make(chan struct{}, 2*calls), []chan struct{}{make(chan struct{}), make(chan struct{})}
	// A connection is free again a moment after its call came back.
	free := make(chan error, 2*calls)
	traced := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(err error) { free <- err }})
	round := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here := all[round]
		arrived <- struct{}{}
		<-here
		hello(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	model, err := agents.NewOpenAI(agents.OpenAIConfig{BaseURL: server.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	for round = range all {
		var done sync.WaitGroup
		for range calls {
			done.Go(func() {
				if _, err := model.Chat(traced, ask, nil); err != nil {
					t.Error(err)
				}
			})
		}
		for range calls {
			<-arrived
		}
		close(all[round])
		done.Wait()
		for range calls {
			if err := <-free; err != nil {
				t.Error(err)
			}
		}
	}
	if opened.Load() != calls {
		t.Errorf("%d connections for %d calls at a time", opened.Load(), calls)
	}
}

// TestAConnectionIsReadToItsEnd has the end of the response come a while after the end of the answer.
func TestAConnectionIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	for pause, dials := range map[string]int32{"pause 50ms": 1, "pause 10m": 2} {
		synctest.Test(t, func(t *testing.T) {
			d, model := serve(t, nil, stream(text("Hi"), finish("stop"), done, pause))
			began := time.Now()
			for range 2 {
				if _, err := model.Chat(t.Context(), ask, nil); err != nil {
					t.Fatal(err)
				}
			}
			if opened := d.listener.dialed.Load(); opened != dials || time.Since(began) > time.Second {
				t.Errorf("%s: %d connections, after %s", pause, opened, time.Since(began))
			}
		})
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

func TestOpenAIRefusesBadConfigurations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given agents.OpenAIConfig
		says  string
	}{
		"no key":        {agents.OpenAIConfig{}, "set OPENAI_API_KEY"},
		"broken key":    {agents.OpenAIConfig{APIKey: "sk-a\nb"}, "OPENAI_API_KEY"},
		"no URL":        {agents.OpenAIConfig{BaseURL: "localhost:11434"}, "OPENAI_BASE_URL"},
		"a secret host": {agents.OpenAIConfig{BaseURL: "http://u:hunter2@host/v1"}, "a secret goes into OPENAI_API_KEY"},
		"negative":      {agents.OpenAIConfig{APIKey: "k", Idle: -1}, "negative"},
	} {
		_, err := agents.NewOpenAI(c.given)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if _, err := agents.NewOpenAI(agents.OpenAIConfig{BaseURL: "http://localhost:11434/v1/"}); err != nil {
		t.Errorf("a server of one's own needs no key: %v", err)
	}
}

func TestOpenAIRefusesBadRequestsBeforeSending(t *testing.T) {
	t.Parallel()
	hot := 3.0
	synctest.Test(t, func(t *testing.T) {
		d, model := serve(t, nil, hello)
		for _, req := range []agents.Request{
			{Messages: ask.Messages},
			{Model: "m"},
			{Model: "m", Messages: ask.Messages, Temperature: &hot},
			{Model: "m", Messages: ask.Messages, MaxTokens: -1},
			{Model: "m", Messages: ask.Messages, Tools: []agents.ToolSpec{{Name: "x", Schema: json.RawMessage("{")}}},
			{Model: "davinci", Messages: ask.Messages},
		} {
			if _, err := model.Chat(t.Context(), req, nil); !errors.Is(err, agents.ErrBadRequest) {
				t.Errorf("%+v: %v", req, err)
			}
		}
		if d.requests() != 0 {
			t.Errorf("%d requests were sent", d.requests())
		}
	})
}

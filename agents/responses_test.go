package agents_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

const (
	thought   = `{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Look at the clock."}],"encrypted_content":"gAAA","status":null}`
	wantsTime = `{"type":"function_call","id":"fc_1","call_id":"call_1","name":"clock","arguments":"{}","status":"completed"}`
	ended     = `{"type":"response.completed","response":{"object":"response","status":"completed","model":"gpt-6-luna-2026-09-22","service_tier":"default","output":[],` +
		`"usage":{"input_tokens":1000,"input_tokens_details":{"cached_tokens":100,"cache_write_tokens":200},"output_tokens":50,"output_tokens_details":{"reasoning_tokens":30},"total_tokens":1050}}}`
)

func itemDone(item string) string {
	return `{"type":"response.output_item.done","output_index":0,"item":` + item + `}`
}

func TestResponsesWithTools(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, model := serve(t, func(c *agents.OpenAIConfig) { c.Provider = "openai" },
			stream(`{"type":"response.created","response":{"status":"in_progress"}}`,
				`{"type":"response.reasoning_summary_text.delta","delta":"Look at the clock."}`, itemDone(thought), itemDone(wantsTime), ended),
			stream(`{"type":"response.output_text.delta","delta":"It is "}`, `{"type":"response.output_text.delta","delta":"noon."}`,
				itemDone(`{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"It is noon."}]}`), ended))
		d.responses = true
		prices, err := agents.PublicPrices("openai")
		if err != nil {
			t.Fatal(err)
		}
		warm := 0.0
		config := events.AgentConfig{Model: "gpt-6-luna", Prompt: "be kind", Temperature: &warm, MaxTokens: 99, Tools: []string{"clock"}}
		runner := agents.Runner{Model: model, Prices: prices, Tools: agents.BuiltIn(noon)}
		conversation := agents.Open(config, "time?")
		turn, err := runner.Turn(t.Context(), config, conversation, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := turn.Answer
		if turn.Ending != agents.WantsTools || len(turn.Calls) != 1 || turn.Calls[0] != (events.ToolCall{ID: "call_1", Name: "clock", Arguments: "{}"}) ||
			a.Message.Thinking != "Look at the clock." {
			t.Errorf("answered %+v, %s", a.Message, turn.Ending)
		}
		if a.InputTokens != 1000 || a.CachedTokens != 100 || a.CacheWriteTokens != 200 || a.OutputTokens != 50 || a.ReasoningTokens != 30 {
			t.Errorf("took %+v", a)
		}
		// 700 at 0.10, 100 read at 0.01, 200 written at 0.125, 50 at 0.50 dollars a million.
		if !a.Priced || a.CostNanos != 70_000+1_000+25_000+25_000 {
			t.Errorf("cost %d, priced %v", a.CostNanos, a.Priced)
		}
		var said []string
		conversation = append(conversation, a.Message, runner.Perform(t.Context(), config, turn.Calls[0], "k").Message)
		turn, err = runner.Turn(t.Context(), config, conversation, func(s string) { said = append(said, s) })
		if err != nil || turn.Answer.Message.Content != "It is noon." || turn.Ending != agents.Answered || !slices.Equal(said, []string{"It is ", "noon."}) {
			t.Errorf("answered %+v, %v, streamed %q", turn, err, said)
		}
		if !slices.Equal(d.paths, []string{"/v1/responses", "/v1/responses"}) {
			t.Errorf("asked at %s", d.paths)
		}
		const want = `{"model":"gpt-6-luna","stream":true,"store":false,"include":["reasoning.encrypted_content"],"temperature":0,"max_output_tokens":99,
			"tools":[{"type":"function","name":"clock","description":"Tells the current date and time in UTC, with the day of the week.","strict":false,
				"parameters":{"type":"object","properties":{},"additionalProperties":false}}],
			"input":[{"role":"system","content":"be kind"},{"role":"user","content":"time?"},
				{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Look at the clock."}],"encrypted_content":"gAAA"},` + wantsTime + `,
				{"type":"function_call_output","call_id":"call_1","output":"Monday, 2030-05-06T12:00:00Z"}]}`
		if !sameJSON(t, d.bodies[1], []byte(want)) {
			t.Errorf("sent %s\nwant %s", d.bodies[1], want)
		}
	})
}

func TestResponsesEndings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		when   http.HandlerFunc
		ending agents.Ending
		says   string
		err    error
	}{
		"cut": {stream(`{"type":"response.output_text.delta","delta":"It"}`,
			`{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}`), agents.CutByLength, "It", nil},
		"filtered": {stream(`{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}`), agents.Filtered, "", nil},
		"declined": {stream(`{"type":"response.refusal.delta","delta":"No."}`, ended), agents.Declined, "No.", nil},
		"failed": {stream(`{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"slow down"}}}`),
			"", "slow down", agents.ErrRateLimited},
		"an error": {stream(`{"type":"error","code":"invalid_prompt","message":"that is not allowed","param":null}`), "", "that is not allowed", agents.ErrBadRequest},
		"cut off":  {stream(`{"type":"response.output_text.delta","delta":"It"}`), "", "before the answer's end", agents.ErrCut},
		"one document": {status(200, `{"object":"response","status":"completed","output":[`+thought+`,{"type":"message","content":[{"type":"output_text","text":"Noon."}]}]}`),
			agents.Answered, "Noon.", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, model := serve(t, nil, c.when)
				d.responses = true
				turn, err := agents.Runner{Model: model}.Turn(t.Context(), events.AgentConfig{Model: "any", API: "responses"}, user("time?"), nil)
				if !errors.Is(err, c.err) || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Fatalf("error %v, want %v: %s", err, c.err, c.says)
				}
				if turn.Ending != c.ending || err == nil && turn.Answer.Message.Content != c.says {
					t.Errorf("%s: %+v", turn.Ending, turn.Answer.Message)
				}
			})
		})
	}
}

func TestTheAPIIsTheOneThatWorks(t *testing.T) {
	t.Parallel()
	const chat, responses = "/v1/chat/completions", "/v1/responses"
	only := func(path, answer, refusal string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				stream(strings.Split(answer, "\n")...)(w, r)
				return
			}
			status(400, refusal)(w, r)
		}
	}
	inChat := text("Hi") + "\n" + finish("stop")
	inResponses := `{"type":"response.output_text.delta","delta":"Hi"}` + "\n" + ended
	for name, c := range map[string]struct {
		config events.AgentConfig
		both   bool
		when   http.HandlerFunc
		then   []string
		err    error
	}{
		"a model that needs the newer one": {events.AgentConfig{Model: "gpt-6-luna", Tools: []string{"clock"}}, true, only(responses, inResponses, ""), []string{responses, responses}, nil},
		"such a model without tools":       {events.AgentConfig{Model: "gpt-6-luna"}, true, only(chat, inChat, ""), []string{chat, chat}, nil},
		"a server that has not the newer":  {events.AgentConfig{Model: "gpt-6-luna", Tools: []string{"clock"}}, false, only(chat, inChat, ""), []string{responses, chat, chat}, nil},
		"a server that tells of it": {events.AgentConfig{Model: "deployment", Tools: []string{"clock"}}, true, only(responses, inResponses,
			`{"error":{"message":"Function tools with reasoning_effort are not supported for deployment in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.","type":"invalid_request_error","param":"reasoning_effort"}}`),
			[]string{chat, responses, responses}, nil},
		"an agent that names one":     {events.AgentConfig{Model: "m", API: "responses"}, true, only(responses, inResponses, ""), []string{responses, responses}, nil},
		"an agent that names the old": {events.AgentConfig{Model: "gpt-6-luna", API: "chat", Tools: []string{"clock"}}, true, only(chat, inChat, ""), []string{chat, chat}, nil},
		"what it names is not there":  {events.AgentConfig{Model: "m", API: "responses"}, false, only(chat, inChat, ""), []string{responses, responses}, agents.ErrBadRequest},
		"what it names is no API":     {events.AgentConfig{Model: "m", API: "grpc"}, true, only(chat, inChat, ""), nil, agents.ErrBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, model := serve(t, nil, c.when)
				d.responses = c.both
				runner := agents.Runner{Model: model, Tools: agents.BuiltIn(noon)}
				for range 2 {
					turn, err := runner.Turn(t.Context(), c.config, user("time?"), nil)
					if !errors.Is(err, c.err) || err == nil && turn.Answer.Message.Content != "Hi" {
						t.Errorf("%+v, %v", turn, err)
					}
				}
				if !slices.Equal(d.paths, c.then) {
					t.Errorf("asked at %s, want %s", d.paths, c.then)
				}
				var body struct{ Model string }
				if len(d.bodies) > 0 {
					if err := json.Unmarshal(d.bodies[len(d.bodies)-1], &body); err != nil || body.Model != c.config.Model {
						t.Errorf("asked for %q, %v", body.Model, err)
					}
				}
			})
		})
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		when http.HandlerFunc
		then []agents.ListedModel
		says string
	}{
		"OpenAI's": {status(200, `{"object":"list","data":[{"id":"gpt-4o-mini","shutdown_date":"2027-01-14"},{"id":"gpt-6-luna","shutdown_date":null}]}`),
			[]agents.ListedModel{{ID: "gpt-4o-mini", Shutdown: "2027-01-14"}, {ID: "gpt-6-luna"}}, ""},
		"Gemini's":  {status(200, `{"data":[{"id":"models/gemini-3.8-flash"}]}`), []agents.ListedModel{{ID: "gemini-3.8-flash"}}, ""},
		"none":      {status(200, `{}`), nil, ""},
		"no list":   {status(200, `<html>`), nil, "not understood"},
		"not there": {status(404, `page not found`), nil, "page not found"},
		"no key":    {status(401, `{"error":{"message":"bad `+secret+`"}}`), nil, "OPENAI_API_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, model := serve(t, func(to *agents.OpenAIConfig) { to.Transport = handled(c.when) })
				models, err := model.Models(t.Context())
				if !reflect.DeepEqual(models, c.then) || (err != nil) != (c.says != "") || err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret)) {
					t.Errorf("%+v, %v", models, err)
				}
			})
		})
	}
	for want, list := range map[string][]string{"gpt-6-luna": {"a", "gpt-6-luna"}, "llama4": {"nomic-embed-text", "llama4"}, "": {"text-embedding-3"}} {
		var models []agents.ListedModel
		for _, id := range list {
			models = append(models, agents.ListedModel{ID: id})
		}
		if got := agents.Chooses(models); got != want {
			t.Errorf("of %s: %q, want %q", list, got, want)
		}
	}
}

// handled is a transport that a handler answers.
type handled http.HandlerFunc

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h(w, r)
	return w.Result(), nil
}

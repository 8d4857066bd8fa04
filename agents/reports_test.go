package agents_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// raw answers with a body as it is.
func raw(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}
}

// TestStreamsFromTheField reads bodies that have what public reports tell of real servers.
func TestStreamsFromTheField(t *testing.T) {
	t.Parallel()
	type want struct {
		says     string
		calls    []events.ToolCall
		thinking string
		ending   agents.Ending
		// in and out are 0 where the usage is not known.
		in, out, cached int64
		cost            events.Nanos
		err             error
		errSays         string
		requests        int
	}
	const answer = "The result is 42."
	six := events.ToolCall{ID: "call_a", Name: "calculate", Arguments: `{"expression": "6*7"}`}
	numbered := func(id, expression string) events.ToolCall {
		return events.ToolCall{ID: id, Name: "calculate", Arguments: `{"expression": "` + expression + `"}`}
	}
	two := want{calls: []events.ToolCall{numbered("call-1", "6*7"), numbered("call-2", "2+2")}, ending: agents.WantsTools, in: 20, out: 7}
	whole := want{says: answer, ending: agents.Answered, in: 20, out: 7}
	uncounted := want{says: answer, ending: agents.Answered}
	cases := map[string]want{
		"plain":                  whole,
		"args_object":            {calls: []events.ToolCall{six}, ending: agents.WantsTools, in: 20, out: 7},
		"args_in_text":           {calls: []events.ToolCall{{ID: "a", Name: "calculate", Arguments: six.Arguments}}, ending: agents.WantsTools, in: 20, out: 7},
		"args_whole_at_last":     {calls: []events.ToolCall{{ID: "a", Name: "calculate", Arguments: six.Arguments}}, ending: agents.WantsTools, in: 20, out: 7},
		"bom_only_chunk":         uncounted,
		"content_array":          {says: answer, thinking: "6 times 7", ending: agents.Answered, in: 20, out: 7},
		"content_filter":         {says: "I", ending: agents.Filtered, in: 20, out: 7},
		"content_strings":        whole,
		"cr":                     whole,
		"created_float":          uncounted,
		"created_string":         uncounted,
		"dup_name":               {calls: []events.ToolCall{six}, ending: agents.WantsTools, in: 20, out: 7},
		"empty_answer":           {ending: agents.Empty, in: 20, out: 7},
		"err_flag":               {err: agents.ErrUnavailable, errSays: "unavailable: words beside a flag", requests: 4},
		"err_list":               {err: agents.ErrUnavailable, errSays: "unavailable: first of the list", requests: 4},
		"err_llamacpp_field":     {err: agents.ErrContextLength, errSays: "exceeds the available context size", requests: 1},
		"err_mid_nofinish":       {err: agents.ErrRateLimited, errSays: "rate limited upstream", requests: 1},
		"err_openrouter_empty":   {err: agents.ErrUnavailable, errSays: "Worker local total request limit reached (33/32)", requests: 4},
		"err_openrouter_mid":     {err: agents.ErrUnavailable, errSays: "Provider disconnected unexpectedly", requests: 1},
		"err_spaced":             {err: agents.ErrUnavailable, errSays: "model is overloaded", requests: 4},
		"err_string":             {err: agents.ErrUnavailable, errSays: "requires more system memory (8.0 GiB)", requests: 1},
		"index0_noids":           two,
		"length":                 {says: "The result of the calculation is fo", ending: agents.CutByLength, in: 20, out: 7},
		"length_empty":           {thinking: "thinking...", ending: agents.CutByLength, in: 20, out: 7},
		"multiline_data":         uncounted,
		"name_newline":           {calls: []events.ToolCall{{ID: "call_a", Name: "calculate_", Arguments: six.Arguments}}, ending: agents.WantsTools, in: 20, out: 7},
		"no_name":                {calls: []events.ToolCall{{ID: "call-1", Name: "unnamed", Arguments: six.Arguments}}, ending: agents.WantsTools, in: 20, out: 7},
		"no_tools":               {err: agents.ErrBadRequest, errSays: "does not support tools", requests: 1},
		"noindex_noids":          two,
		"noindex_noids_onechunk": two,
		"reasoning_only":         {thinking: "Six sevens are 42.", ending: agents.OnlyThought, in: 20, out: 7},
		"usage_cost":             {says: answer, ending: agents.Answered, in: 20, out: 7, cost: 12_300_000},
		"usage_estimated_cost":   {says: answer, ending: agents.Answered, in: 20, out: 7, cost: 12_300_000},
		"usage_groq":             whole,
		"usage_moonshot":         {says: answer, ending: agents.Answered, in: 20, out: 7, cached: 16},
		"usage_none":             uncounted,
		"usage_total_cost":       {says: answer, ending: agents.Answered, in: 20, out: 7, cost: 12_300_000},
	}
	files, err := filepath.Glob("testdata/live/*.body")
	if err != nil || len(files) != len(cases) {
		t.Fatalf("%d bodies for %d cases, %v", len(files), len(cases), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".body")
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := cases[name]
		if !ok {
			t.Errorf("%s has no right value", name)
		}
		for _, contentType := range []string{"text/event-stream", "application/json"} {
			t.Run(name+" as "+contentType, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					d, model := serve(t, nil, raw(contentType, string(body)))
					runner := agents.Runner{Model: model, Tools: agents.BuiltIn(noon)}
					turn, err := runner.Turn(t.Context(), events.AgentConfig{Model: "gpt-4o-mini"}, user("6*7?"), nil)
					if want.err != nil {
						if !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.errSays) || d.requests() != want.requests {
							t.Errorf("%v after %d requests, want %q after %d", err, d.requests(), want.errSays, want.requests)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					a, m := turn.Answer, turn.Answer.Message
					if m.Content != want.says || m.Thinking != want.thinking || !reflect.DeepEqual(m.ToolCalls, want.calls) || turn.Ending != want.ending {
						t.Errorf("answered %+v, %s; want %+v", m, turn.Ending, want)
					}
					if a.UsageKnown != (want.in > 0) || a.InputTokens != want.in || a.OutputTokens != want.out || a.CachedTokens != want.cached {
						t.Errorf("%d in, %d out, %d cached, known %v; want %+v", a.InputTokens, a.OutputTokens, a.CachedTokens, a.UsageKnown, want)
					}
					if a.Priced != (want.cost > 0) || a.CostNanos != want.cost {
						t.Errorf("cost %d, priced %v; want %d", a.CostNanos, a.Priced, want.cost)
					}
					if good := turn.Ending.Good(); good != (turn.Ending.Failure() == nil) || len(turn.Calls) > 0 != (turn.Ending == agents.WantsTools) {
						t.Errorf("%s: good %v, %v, %d calls", turn.Ending, good, turn.Ending.Failure(), len(turn.Calls))
					}
					for _, call := range turn.Calls {
						done := runner.Perform(t.Context(), events.AgentConfig{Tools: []string{"calculate"}}, call, "k")
						if known := call.Name == "calculate"; known != (done.Error == "") {
							t.Errorf("%q: %+v", call.Name, done)
						}
					}
				})
			})
		}
	}
}

func TestModelsAreAskedAgainWithoutWhatTheyRefuse(t *testing.T) {
	t.Parallel()
	warm, seed := 0.0, int64(7)
	full := agents.Request{
		Model: "m", Temperature: &warm, MaxTokens: 9, Seed: &seed, Messages: ask.Messages,
		Tools: []agents.ToolSpec{{Name: "clock", Schema: json.RawMessage(`{"type":"object"}`)}},
	}
	noTools, err := os.ReadFile("testdata/live/no_tools.body")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		status int
		says   string
		gone   string
		comes  string
		left   []string
	}{
		"a limit by its newer name": {
			400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"}}`,
			"max_tokens", "max_completion_tokens", nil,
		},
		"a temperature that is fixed": {
			400, `{"error":{"message":"Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.","param":"temperature","code":"unsupported_value"}}`,
			"temperature", "", []string{"temperature"},
		},
		"no tools, by its words":         {400, string(noTools), "tools", "", []string{"tools"}},
		"no tools, inside a stream":      {200, string(noTools), "tools", "", []string{"tools"}},
		"no function calling":            {400, `{"error":"Function calling is not enabled for models/gemma"}`, "tools", "", []string{"tools"}},
		"no parser for tools":            {400, `{"object":"error","message":"\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set","code":400}`, "tools", "", []string{"tools"}},
		"nobody who takes tools":         {404, `{"error":{"message":"No endpoints found that support tool use. To learn more, see the docs","code":404}}`, "tools", "", []string{"tools"}},
		"no tools in a stream":           {400, `{"message":"This model doesn't support tool use in streaming mode."}`, "tools", "", []string{"tools"}},
		"a flag that tools need":         {500, `{"error":{"message":"tools param requires --jinja flag","code":500}}`, "tools", "", []string{"tools"}},
		"a temperature of one kind":      {400, `{"error":{"message":"invalid temperature: only 1 is allowed for this model"}}`, "temperature", "", []string{"temperature"}},
		"a temperature while it thinks":  {400, `{"error":{"message":"temperature may only be set to 1 when thinking is enabled."}}`, "temperature", "", []string{"temperature"}},
		"a temperature beside another":   {400, `{"error":{"message":"temperature and top_p cannot both be specified for this model"}}`, "temperature", "", []string{"temperature"}},
		"a seed":                         {422, `{"detail":[{"loc":["body","seed"],"msg":"Extra inputs are not permitted","type":"extra_forbidden"}]}`, "seed", "", []string{"seed"}},
		"usage, by words alone":          {400, `Unrecognized request argument supplied: stream_options`, "stream_options", "", nil},
		"usage, by an error in a list":   {400, `[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"stream_options\": Cannot find field.","status":"INVALID_ARGUMENT"}}]`, "stream_options", "", nil},
		"JSON inside of an error's text": {400, `{"error":{"message":"{\"error\":{\"message\":\"temperature is not supported\"}}"}}`, "temperature", "", []string{"temperature"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, model := serve(t, nil, status(c.status, c.says), stream(text("Hi"), finish("stop"), done))
				for range 2 {
					answer, err := model.Chat(t.Context(), full, nil)
					if err != nil || !reflect.DeepEqual(answer.LeftOut, c.left) {
						t.Fatalf("%+v, %v", answer, err)
					}
				}
				other := full
				other.Model = "other"
				if _, err := model.Chat(t.Context(), other, nil); err != nil {
					t.Fatal(err)
				}
				if d.requests() != 4 {
					t.Fatalf("%d requests", d.requests())
				}
				for i, asks := range []bool{true, false, false, true} {
					var body map[string]json.RawMessage
					if err := json.Unmarshal(d.bodies[i], &body); err != nil {
						t.Fatal(err)
					}
					_, gone := body[c.gone]
					_, comes := body[c.comes]
					if gone != asks || c.comes != "" && comes == asks {
						t.Errorf("request %d: %s", i, d.bodies[i])
					}
				}
			})
		})
	}
	for name, says := range map[string]string{
		"a limit that is too high":  `{"error":{"message":"max_tokens is too large: 9. This model supports at most 5 completion tokens.","param":"max_tokens"}}`,
		"a temperature too high":    `{"error":{"message":"temperature must be between 0 and 1","param":"temperature"}}`,
		"a schema that is wrong":    `{"error":{"message":"Invalid schema for function 'clock': tools[0].function.parameters","param":"tools[0].function.parameters","code":"invalid_function_parameters"}}`,
		"a parameter that is not":   `{"error":{"message":"Unknown parameter: 'foo'"}}`,
		"both names of the limit":   `{"error":{"message":"max_tokens and max_completion_tokens are not supported"}}`,
		"a message that is refused": `{"error":{"message":"messages: roles must alternate"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, model := serve(t, nil, status(400, says))
				if _, err := model.Chat(t.Context(), full, nil); !errors.Is(err, agents.ErrBadRequest) || d.requests() > 2 {
					t.Errorf("%v after %d requests", err, d.requests())
				}
			})
		})
	}
}

func TestWhatTheProviderWantsBackGoesBack(t *testing.T) {
	t.Parallel()
	call := `{"index":0,"id":"a","type":"function","function":{"name":"clock","arguments":"{}"}`
	for name, c := range map[string]struct{ chunks, back string }{
		"Gemini's signature": {
			calls(call + `,"extra_content":{"google":{"thought_signature":"sig"}}}`),
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"clock","arguments":"{}"},"extra_content":{"google":{"thought_signature":"sig"}}}]}`,
		},
		"DeepSeek's thinking": {
			`{"choices":[{"delta":{"reasoning_content":"what "}}]}` + "\n" + `{"choices":[{"delta":{"reasoning_content":"time?"}}]}` + "\n" + calls(call+`}`),
			`{"role":"assistant","reasoning_content":"what time?","tool_calls":[{"id":"a","type":"function","function":{"name":"clock","arguments":"{}"}}]}`,
		},
		"OpenRouter's details": {
			`{"choices":[{"delta":{"reasoning":"wh","reasoning_details":[{"type":"reasoning.text","index":0,"text":"wh"}]}}]}` + "\n" +
				`{"choices":[{"delta":{"reasoning":"at","reasoning_details":[{"type":"reasoning.text","index":0,"text":"at","signature":"s"}]}}]}` + "\n" +
				`{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","index":0,"text":"next"}]}}]}` + "\n" + calls(call+`}`),
			`{"role":"assistant","reasoning":"what","reasoning_details":[{"type":"reasoning.text","index":0,"text":"what","signature":"s"},{"type":"reasoning.text","index":0,"text":"next"}],` +
				`"tool_calls":[{"id":"a","type":"function","function":{"name":"clock","arguments":"{}"}}]}`,
		},
		"nothing": {
			`{"choices":[{"delta":{"content":"<think>what"}}]}` + "\n" + `{"choices":[{"delta":{"content":" time?</th"}}]}` + "\n" +
				`{"choices":[{"delta":{"content":"ink>\n\nI look."}}]}` + "\n" + calls(call+`}`),
			`{"role":"assistant","content":"I look.","tool_calls":[{"id":"a","type":"function","function":{"name":"clock","arguments":"{}"}}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, model := serve(t, nil, stream(append(strings.Split(c.chunks, "\n"), finish("tool_calls"), done)...), hello)
				runner := agents.Runner{Model: model, Tools: agents.BuiltIn(noon)}
				config := events.AgentConfig{Model: "m", Tools: []string{"clock"}}
				turn, err := runner.Turn(t.Context(), config, user("time?"), nil)
				if err != nil {
					t.Fatal(err)
				}
				if wantThought := map[bool]string{true: "what time?"}[name == "DeepSeek's thinking" || name == "nothing"]; wantThought != "" && turn.Answer.Message.Thinking != wantThought {
					t.Errorf("thought %q", turn.Answer.Message.Thinking)
				}
				// What is kept is a fact: it goes through the log before it goes back.
				kept, err := json.Marshal(turn.Answer.Message)
				if err != nil {
					t.Fatal(err)
				}
				var message events.Message
				if err := json.Unmarshal(kept, &message); err != nil {
					t.Fatal(err)
				}
				conversation := append(user("time?"), message, runner.Perform(t.Context(), config, turn.Calls[0], "k").Message)
				if _, err := runner.Turn(t.Context(), config, conversation, nil); err != nil {
					t.Fatal(err)
				}
				var sent struct{ Messages []json.RawMessage }
				if err := json.Unmarshal(d.bodies[1], &sent); err != nil {
					t.Fatal(err)
				}
				if !sameJSON(t, sent.Messages[1], []byte(c.back)) {
					t.Errorf("sent back %s\nwant %s", sent.Messages[1], c.back)
				}
			})
		})
	}
}

// FuzzStream reads what any server could send. Whatever it is, the outcome is an error or an answer that says how it
// ended, and the text that was streamed is the answer's.
func FuzzStream(f *testing.F) {
	files, err := filepath.Glob("testdata/live/*.body")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte("data: " + itemDone(thought) + "\n\ndata: " + itemDone(wantsTime) + "\n\ndata: " + ended + "\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		model, err := agents.NewOpenAI(agents.OpenAIConfig{BaseURL: "http://double.test/v1", Attempts: 1, Transport: handled(raw("text/event-stream", string(body)))})
		if err != nil {
			t.Fatal(err)
		}
		var streamed strings.Builder
		turn, err := agents.Runner{Model: model}.Turn(t.Context(), events.AgentConfig{Model: "m"}, user("hi"), func(s string) { streamed.WriteString(s) })
		a := turn.Answer
		switch {
		case err != nil && (!reflect.DeepEqual(turn, agents.Turn{}) || err.Error() == ""):
			t.Errorf("%v, and yet %+v", err, turn)
		case err == nil && (turn.Ending == "" || streamed.String() != a.Message.Content || a.CachedTokens > a.InputTokens || a.InputTokens < 0 || a.OutputTokens < 0):
			t.Errorf("%+v, streamed %q", turn, streamed.String())
		}
		seen := map[string]bool{}
		for _, call := range turn.Calls {
			if seen[call.ID] || call.Name == "" || strings.ContainsAny(call.Name, "\n\r\x00 ") {
				t.Errorf("call %+v of %+v", call, turn.Calls)
			}
			seen[call.ID] = true
		}
		if _, err := json.Marshal(a.Message); err != nil {
			t.Error(err)
		}
	})
}

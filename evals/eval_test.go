package evals_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// recorded is a log with a run: it asked a tool the same twice and was told another thing the second time.
func recorded(t *testing.T) eventstore.Store {
	t.Helper()
	store := eventstore.NewMemory(func() time.Time { return noon })
	call := func(id, arguments string) events.ToolCall {
		return events.ToolCall{ID: id, Name: "stock", Arguments: arguments}
	}
	add := func(run string, facts ...events.Event) {
		var batch []events.Envelope
		for i, fact := range facts {
			kind, version, data, err := events.Encode(fact)
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch, events.Envelope{
				ID: events.NameID(noon, fmt.Sprint(run, i)), Stream: commands.RunStream("", run), Kind: kind, Version: version, Data: data, OccurredAt: noon, Actor: "user:anna",
			})
		}
		if _, err := store.Append(t.Context(), commands.RunStream("", run), eventstore.NoStream, batch); err != nil {
			t.Fatal(err)
		}
	}
	add("earlier", events.RunStarted{Run: "earlier", Workflow: "w", Prompt: "Hello"}, events.RunFinished{Outcome: events.Succeeded, Answer: "Hi"})
	add("r",
		events.RunStarted{Run: "r", Workflow: "w", Prompt: "Watch the stock."}, events.RunAssigned{Agent: "clerk", Earlier: []string{"earlier"}},
		events.RunLLMCalled{Answered: []events.Message{{Role: "assistant", ToolCalls: []events.ToolCall{call("1", `{"of":"tea", "in":"B1"}`)}}}},
		events.RunToolCalled{Call: 0, Result: events.Message{Role: "tool", Content: "7"}},
		events.RunLLMCalled{Answered: []events.Message{{Role: "assistant", ToolCalls: []events.ToolCall{call("2", `{"of":"tea","in":"B1"}`)}}}},
		events.RunToolCalled{Call: 0, Result: events.Message{Role: "tool", Content: "5"}},
		events.RunFinished{Outcome: events.Succeeded, Answer: "It falls: 7, 5."},
	)
	add("imported", events.RunStarted{Run: "imported", Workflow: "w"},
		events.RunLLMCalled{Asked: []events.Message{{Role: "system", Content: "Be old."}, {Role: "user", Content: "And tea?"}}, Answered: []events.Message{{Role: "assistant", ToolCalls: []events.ToolCall{call("x", `{}`)}}}},
		events.RunLLMCalled{Asked: []events.Message{{Role: "tool", ToolCallID: "x", Content: "9"}}, Answered: []events.Message{{Role: "assistant", Content: "9"}}},
		events.RunFinished{Outcome: events.Unrated, Answer: "9"},
	)
	add("silent", events.RunStarted{Run: "silent", Workflow: "w"}, events.RunFinished{Outcome: events.Succeeded})
	return store
}

// scripted asks for the stock as often as its prompt says, and answers with what it was told.
type scripted struct{}

func (scripted) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	times, head, order := 0, "", `{"in":"B1","of":"tea"}`
	var told []string
	for _, m := range r.Messages {
		switch m.Role {
		case "system":
			if m.Content == "broken" {
				return agents.Answer{}, errors.New("away")
			}
			times = strings.Count(m.Content, "look")
		case "tool":
			told = append(told, m.Content)
		case "user", "assistant":
			if m.Content != "" {
				head += m.Content + "|"
			}
		}
	}
	if strings.Contains(head, "And tea?") {
		order = ""
	}
	a := agents.Answer{FinishReason: "stop", Priced: true, CostNanos: 1_000_000, Latency: time.Second, Model: r.Model}
	if len(told) < times {
		a.FinishReason = "tool_calls"
		a.Message = events.Message{Role: "assistant", ToolCalls: []events.ToolCall{{ID: "c", Name: "stock", Arguments: order}}}
		return a, nil
	}
	a.Message = events.Message{Role: "assistant", Content: head + strings.Join(told, ",")}
	return a, nil
}

// asker has a tool that must never be called.
func asker(t *testing.T, prompt string) evals.Asker {
	never := agents.Tool{Name: "stock", Description: "The stock.", Schema: []byte(`{"type":"object"}`), Call: func(context.Context, agents.Call) (string, error) {
		t.Error("the tool was called")
		return "", nil
	}}
	return evals.Asker{
		Runner: agents.Runner{Model: scripted{}, Tools: agents.NewTools(never)}, Config: events.AgentConfig{Model: "m", Prompt: prompt, Tools: []string{"stock"}}, Turns: 6,
	}
}

func item(t *testing.T, run string, checks ...string) evals.Item {
	t.Helper()
	r, err := evals.Record(t.Context(), recorded(t), "", run)
	if err != nil {
		t.Fatal(err)
	}
	i := evals.Item{Recording: r}
	for _, text := range checks {
		c, err := evals.ParseCheck(text)
		if err != nil {
			t.Fatal(err)
		}
		i.Checks = append(i.Checks, c)
	}
	return i
}

// What tools gave back is given back again by tool, arguments and occurrence, in whatever way the arguments are written; a call
// that nobody made is told and not made.
func TestToolsAreReplayedFromTheRecord(t *testing.T) {
	t.Parallel()
	const miss = `stock({"in":"B1","of":"tea"}), call 3`
	for _, tt := range []struct {
		run, prompt, answer string
		called, missed      []string
		wrong               string
	}{
		{run: "r", prompt: "look look", answer: "Hello|Hi|Watch the stock.|7,5", called: []string{"stock", "stock"}},
		{run: "r", prompt: "look look look", answer: "Hello|Hi|Watch the stock.|7,5,error: no result of this call was recorded", called: []string{"stock", "stock", "stock"}, missed: []string{miss}},
		{run: "r", prompt: "", answer: "Hello|Hi|Watch the stock.|"},
		{run: "r", prompt: "broken", wrong: "away"},
		{run: "r", prompt: strings.Repeat("look", 9), called: make([]string, 6), wrong: "no answer after 6 turns"},
		{run: "imported", prompt: "look", answer: "And tea?|9", called: []string{"stock"}},
	} {
		got, err := evals.Eval(t.Context(), []evals.Item{item(t, tt.run)}, asker(t, tt.prompt), nil, func() {})
		if err != nil {
			t.Fatal(err)
		}
		a := got[0].With
		if a.Answer != tt.answer || len(a.Called) != len(tt.called) || tt.missed != nil && !reflect.DeepEqual(a.Missed, tt.missed) || !strings.Contains(a.Error, tt.wrong) || (a.Error == "") != (tt.wrong == "") {
			t.Errorf("%s, %q: %+v", tt.run, tt.prompt, a)
		}
	}
	for run, says := range map[string]string{"none": "there is no run", "silent": "gave no prompt"} {
		if _, err := evals.Record(t.Context(), recorded(t), "", run); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", run, err)
		}
	}
}

// What an agent is shown stands behind its instructions and before what is asked, as in its runs.
func TestAnEvalShowsWhatRunsDo(t *testing.T) {
	t.Parallel()
	a := asker(t, "look")
	a.Shown = []events.Message{{Role: "user", Content: "Q"}, {Role: "assistant", Content: "A"}}
	out, err := evals.Eval(t.Context(), []evals.Item{item(t, "r")}, a, nil, func() {})
	if err != nil || !strings.Contains(out[0].With.Answer, "Q|A|Hello|Hi|Watch") {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	// It is told 7 and 5, calls one tool, costs .003 dollars and takes 3 seconds.
	for check, passes := range map[string]bool{
		"exact": false, "exact:Hello|Hi|Watch the stock.|7,5": true, "contains:7,5": true, "contains:8": false, "regexp:[0-9],5$": true, "regexp:^7": false,
		"tools": true, "tools:stock": true, "tools:stock, search": false, "cost:0.003": true, "cost:0.0029": false, "seconds:3": true, "seconds:2.9": false,
		`schema:{"type":"string"}`: false,
	} {
		got, err := evals.Eval(t.Context(), []evals.Item{item(t, "r", check)}, asker(t, "look look"), nil, func() {})
		if err != nil || got[0].With.Passed() != passes {
			t.Errorf("%s: %+v (%v)", check, got, err)
		}
	}
	// An answer that is JSON is held to its schema.
	for answer, passes := range map[string]bool{`{"n":1}`: true, `{"n":"x"}`: false} {
		got, err := evals.Eval(t.Context(), []evals.Item{item(t, "r", `schema:{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}`)},
			evals.Asker{Runner: agents.Runner{Model: says(answer)}, Config: events.AgentConfig{Model: "m"}}, nil, func() {})
		if err != nil || got[0].With.Passed() != passes {
			t.Errorf("%s: %+v (%v)", answer, got, err)
		}
	}
	for _, wrong := range []string{"mood", "schema", "schema:", "schema:{", `schema:{"$ref":"https://example.com/x"}`} {
		if _, err := evals.ParseCheck(wrong); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// says always answers the same.
type says string

func (s says) Chat(context.Context, agents.Request, func(string)) (agents.Answer, error) {
	return agents.Answer{Message: events.Message{Role: "assistant", Content: string(s)}, FinishReason: "stop"}, nil
}

func TestSum(t *testing.T) {
	t.Parallel()
	good, bad := evals.Attempt{CostNanos: 2}, evals.Attempt{Failed: []string{"exact"}, Missed: []string{"x"}}
	v := evals.Sum([]evals.Compared{{Run: "a", With: good, Against: &bad}, {Run: "b", With: bad, Against: &good}, {Run: "c", With: good, Against: &good}, {Run: "d", With: good, Against: &bad}})
	if v.Runs != 4 || v.Passed != 3 || v.Missed != 3 || v.CostNanos != 10 || v.Paired.Passed != 2 || !reflect.DeepEqual(v.Paired.Gained, []string{"a", "d"}) || !reflect.DeepEqual(v.Paired.Lost, []string{"b"}) || v.Paired.Difference != .25 {
		t.Errorf("%+v %+v", v, v.Paired)
	}
	if v := evals.Sum([]evals.Compared{{Run: "a", With: good}}); v.Paired != nil || v.Rate != 1 {
		t.Errorf("%+v", v)
	}
}

// inJSON answers in words as long as nobody tells it of a schema and that its answer is none, then in JSON.
type inJSON struct{ stubborn bool }

func (m inJSON) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	told := strings.Contains(r.Messages[0].Content, `"required"`)
	again := strings.Contains(r.Messages[len(r.Messages)-1].Content, "Answer again")
	answer := "it is 7"
	if told && again && !m.stubborn {
		answer = `{"x":7}`
	}
	return agents.Answer{Message: events.Message{Role: "assistant", Content: answer}, FinishReason: "stop", Priced: true}, nil
}

// An agent with a schema is told of it and asked once more, as it is live.
func TestAnAgentIsHeldToItsSchema(t *testing.T) {
	t.Parallel()
	config := events.AgentConfig{Model: "m", Prompt: "Be brief.", Schema: []byte(`{"type":"object","required":["x"]}`)}
	item := evals.Item{
		Recording: evals.Recording{Run: "r", Asked: []events.Message{{Role: "user", Content: "How many?"}}},
		Checks:    []events.Check{{Kind: events.SchemaCheck, Text: `{"properties":{"x":{"type":"integer"}}}`}},
	}
	for stubborn, wrong := range map[bool]string{false: "", true: "the one before did not either"} {
		out, err := evals.Eval(t.Context(), []evals.Item{item}, evals.Asker{Runner: agents.Runner{Model: inJSON{stubborn}}, Config: config}, nil, func() {})
		if err != nil || out[0].With.Passed() != (wrong == "") || !strings.Contains(out[0].With.Error, wrong) {
			t.Errorf("stubborn %v: %+v, %v", stubborn, out, err)
		}
	}
}

func TestWhatIsForgottenIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	known := evals.Item{Recording: evals.Recording{Asked: []events.Message{{Content: "where?"}}, Answer: "there"}, Checks: []events.Check{{Kind: events.ExactCheck}}}
	if known.Forgotten() {
		t.Error("nothing of it is")
	}
	asked, answered, checked := known, known, known
	asked.Asked = []events.Message{{Content: "hello"}, {Content: events.Erased}}
	answered.Answer = events.Erased
	checked.Checks = []events.Check{{Kind: events.ContainsCheck, Text: events.Erased}}
	for name, i := range map[string]evals.Item{"asked": asked, "answered": answered, "checked": checked} {
		if !i.Forgotten() {
			t.Errorf("what was %s is", name)
		}
	}
}

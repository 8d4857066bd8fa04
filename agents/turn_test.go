package agents_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// canned answers each call with the same.
type canned struct {
	answer agents.Answer
	err    error
	asked  *agents.Request
}

func (c canned) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	if c.asked != nil {
		*c.asked = r
	}
	return c.answer, c.err
}

func TestTurnPricesWhatIsKnown(t *testing.T) {
	t.Parallel()
	prices := load(t, "testdata/prices.json")
	for name, c := range map[string]struct {
		model  string
		answer agents.Answer
		prices *agents.Prices
		cost   events.Nanos
		priced bool
	}{
		"by the name that answered":    {"alias", agents.Answer{Model: "exact-1-2099-01-31", UsageKnown: true, InputTokens: 10}, prices, 2000, true},
		"never by another name":        {"exact-1", agents.Answer{Model: "internal-name", UsageKnown: true, InputTokens: 10}, prices, 0, false},
		"by its provider":              {"exact-1", agents.Answer{Model: "exact-1", Provider: "cloud", UsageKnown: true, InputTokens: 10}, prices, 3000, true},
		"unknown model":                {"x", agents.Answer{Model: "y", UsageKnown: true, InputTokens: 10}, prices, 0, false},
		"unknown usage":                {"exact-1", agents.Answer{Model: "exact-1"}, prices, 0, false},
		"no table":                     {"exact-1", agents.Answer{Model: "exact-1", UsageKnown: true, InputTokens: 10}, nil, 0, false},
		"the model knows its own cost": {"exact-1", agents.Answer{Model: "exact-1", UsageKnown: true, InputTokens: 10, Priced: true}, prices, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turn, err := agents.Runner{Model: canned{answer: c.answer}, Prices: c.prices}.Turn(t.Context(), events.AgentConfig{Model: c.model}, user("hi"), nil)
			if err != nil || turn.Answer.CostNanos != c.cost || turn.Answer.Priced != c.priced {
				t.Errorf("cost %d, priced %v, %v; want %d, %v", turn.Answer.CostNanos, turn.Answer.Priced, err, c.cost, c.priced)
			}
		})
	}
}

func TestTurnAsksByTheConfiguration(t *testing.T) {
	t.Parallel()
	warm := 0.5
	var asked agents.Request
	config := events.AgentConfig{Model: "m", Prompt: "be kind", Temperature: &warm, MaxTokens: 9, Effort: "low", Tools: []string{"clock", "calculate", "clock"}}
	runner := agents.Runner{Model: canned{asked: &asked}, Tools: agents.BuiltIn(noon)}
	turn, err := runner.Turn(t.Context(), config, agents.Open(config, "hi"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := agents.Request{
		Model: "m", Temperature: &warm, MaxTokens: 9, Effort: "low", Tools: specs(t),
		Messages: []events.Message{{Role: "system", Content: "be kind"}, {Role: "user", Content: "hi"}},
	}
	if !reflect.DeepEqual(asked, want) || string(turn.Params) != `{"temperature":0.5,"max_tokens":9,"reasoning_effort":"low"}` {
		t.Errorf("asked %+v with %s", asked, turn.Params)
	}
	config.Tools = []string{"rm"}
	if _, err := runner.Turn(t.Context(), config, user("hi"), nil); !errors.Is(err, agents.ErrUnknownTool) || !strings.Contains(err.Error(), "calculate, clock") {
		t.Errorf("an unknown tool: %v", err)
	}
	if _, err := (agents.Runner{Model: canned{err: agents.ErrQuota}}).Turn(t.Context(), events.AgentConfig{Model: "m"}, user("hi"), nil); !errors.Is(err, agents.ErrQuota) {
		t.Errorf("a failing model: %v", err)
	}
}

func TestScriptedRunOfTwoTurns(t *testing.T) {
	t.Parallel()
	config := events.AgentConfig{Model: "any", Tools: []string{"calculate", "clock"}}
	runner := agents.Runner{Model: agents.Scripted{}, Tools: agents.BuiltIn(noon), Now: noon}
	conversation := agents.Open(config, "clock and calculate 6*7")
	var turns []agents.Turn
	for {
		turn, err := runner.Turn(t.Context(), config, conversation, nil)
		if err != nil {
			t.Fatal(err)
		}
		turns, conversation = append(turns, turn), append(conversation, turn.Answer.Message)
		if len(turn.Calls) == 0 || len(turns) > 3 {
			break
		}
		for _, call := range turn.Calls {
			conversation = append(conversation, runner.Perform(t.Context(), config, call, "key").Message)
		}
	}
	last := conversation[len(conversation)-1].Content
	if len(turns) != 2 || !strings.HasPrefix(last, "[scripted] clock answered: Monday, 2030-05-06T12:00:00Z. calculate answered: 42.") {
		t.Errorf("%d turns, at the end: %s", len(turns), last)
	}
}

func TestPerformTurnsFailuresIntoData(t *testing.T) {
	t.Parallel()
	tools := agents.NewTools(
		agents.Tool{Name: "echo", Call: func(_ context.Context, c agents.Call) (string, error) { return string(c.Arguments), nil }},
		agents.Tool{Name: "fail", Call: func(context.Context, agents.Call) (string, error) { return "", errors.New("no paper") }},
		agents.Tool{Name: "hang", Call: func(ctx context.Context, _ agents.Call) (string, error) { <-ctx.Done(); return "", ctx.Err() }},
		agents.Tool{Name: "shout", Call: func(context.Context, agents.Call) (string, error) { return strings.Repeat("ä", 40<<10), nil }},
		agents.Tool{Name: "mute", Call: func(context.Context, agents.Call) (string, error) { return "", nil }},
		agents.Tool{Name: "secret", Call: func(context.Context, agents.Call) (string, error) { panic("it was not given") }},
	)
	config := events.AgentConfig{Tools: []string{"echo", "fail", "hang", "mute", "shout"}}
	for name, c := range map[string]struct {
		given events.ToolCall
		says  string
		err   string
	}{
		"a result":                {events.ToolCall{ID: "1", Name: "echo", Arguments: `{"a":1}`}, `{"a":1}`, ""},
		"no arguments":            {events.ToolCall{ID: "1", Name: "echo"}, `{}`, ""},
		"nothing to say":          {events.ToolCall{ID: "1", Name: "mute"}, "(nothing)", ""},
		"broken arguments":        {events.ToolCall{ID: "1", Name: "echo", Arguments: `{"a`}, "", "not valid JSON"},
		"a failure":               {events.ToolCall{ID: "1", Name: "fail"}, "", "no paper"},
		"a tool that hangs":       {events.ToolCall{ID: "1", Name: "hang"}, "", "hang took longer than 30s"},
		"a tool it was not given": {events.ToolCall{ID: "1", Name: "secret"}, "", "there are echo, fail"},
		"a tool that is not":      {events.ToolCall{ID: "1", Name: "nope"}, "", "unknown tool"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				done := agents.Runner{Tools: tools}.Perform(t.Context(), config, c.given, "key")
				m := done.Message
				if m.Role != "tool" || m.ToolCallID != "1" || m.Name != c.given.Name || done.EndedAt.Before(done.StartedAt) {
					t.Errorf("answer %+v", done)
				}
				if c.err == "" && (done.Error != "" || m.Content != c.says) ||
					c.err != "" && (!strings.Contains(done.Error, c.err) || m.Content != "error: "+done.Error) {
					t.Errorf("answer %+v, want %s%s", done, c.says, c.err)
				}
			})
		})
	}
	long := agents.Runner{Tools: tools}.Perform(t.Context(), config, events.ToolCall{Name: "shout"}, "key").Message.Content
	if len(long) > 64<<10 || !utf8.ValidString(long) || !strings.HasSuffix(long, "(cut)") {
		t.Errorf("a long result is %d bytes", len(long))
	}
}

func TestToolsAreCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, tools := range map[string][]agents.Tool{
		"twice": {{Name: "a"}, {Name: "a"}}, "no name": {{}}, "a space": {{Name: "a b"}}, "too long": {{Name: strings.Repeat("a", 65)}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			agents.NewTools(tools...)
		}()
	}
	if names := agents.BuiltIn(time.Now).Names(); !slices.Equal(names, []string{"ask_agent", "calculate", "clock", "hand_over"}) {
		t.Errorf("built in: %s", names)
	}
}

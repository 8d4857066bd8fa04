package agents_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

func user(text string) []events.Message { return []events.Message{{Role: "user", Content: text}} }

func noon() time.Time { return time.Date(2030, 5, 6, 12, 0, 0, 0, time.UTC) }

func specs(t testing.TB) []agents.ToolSpec {
	t.Helper()
	s, err := agents.BuiltIn(noon).Specs([]string{"calculate", "clock"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScriptedRestatesAndLabels(t *testing.T) {
	t.Parallel()
	var streamed strings.Builder
	answer, err := agents.Scripted{Now: noon}.Chat(t.Context(),
		agents.Request{Model: "any", Messages: append([]events.Message{{Role: "system", Content: "be kind"}}, user("ship  the\nchangelog")...)},
		func(s string) {
			if strings.Count(s, " ") > 1 {
				t.Errorf("%q is more than a word", s)
			}
			streamed.WriteString(s)
		})
	if err != nil {
		t.Fatal(err)
	}
	const want = `[scripted] You asked: "ship the changelog". This is the built-in scripted model: it repeats and does not think. ` +
		`Set OPENAI_API_KEY (and OPENAI_BASE_URL for another server) to have a real model answer.`
	then := agents.Answer{
		Message: events.Message{Role: "assistant", Content: want}, FinishReason: "stop",
		Model: "scripted-1", Provider: "built-in", UsageKnown: true, InputTokens: 5, OutputTokens: 31,
		Priced: true, Scripted: true, Attempts: 1,
	}
	if !reflect.DeepEqual(answer, then) || streamed.String() != want {
		t.Errorf("answer %+v\nstreamed %s", answer, streamed.String())
	}
}

func TestScriptedCallsTheToolsThatAreNamed(t *testing.T) {
	t.Parallel()
	for prompt, then := range map[string][]events.ToolCall{
		"calculate 6 * 7.":     {{ID: "scripted-1", Name: "calculate", Arguments: `{"expression":"6 * 7"}`}},
		"what says the clock?": {{ID: "scripted-1", Name: "clock", Arguments: `{}`}},
		"ask the clock and calculate: (1 + 2)\nthen stop": {
			{ID: "scripted-1", Name: "clock", Arguments: `{}`}, {ID: "scripted-2", Name: "calculate", Arguments: `{"expression":"(1 + 2)"}`},
		},
		"calculate 1+1 and clock":        {{ID: "scripted-1", Name: "calculate", Arguments: `{"expression":"1+1"}`}, {ID: "scripted-2", Name: "clock", Arguments: `{}`}},
		"recalculate the clockwork":      nil,
		"the clock-face, clocks, äclock": nil,
		"":                               nil,
	} {
		answer, err := agents.Scripted{}.Chat(t.Context(), agents.Request{Model: "m", Messages: user(prompt), Tools: specs(t)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		reason := map[bool]string{true: "tool_calls", false: "stop"}[len(then) > 0]
		if !(len(then) == 0 && len(answer.Message.ToolCalls) == 0 || reflect.DeepEqual(answer.Message.ToolCalls, then)) || answer.FinishReason != reason {
			t.Errorf("%q: %s, %+v, want %+v", prompt, answer.FinishReason, answer.Message.ToolCalls, then)
		}
	}
}

func TestScriptedFailsOnDemand(t *testing.T) {
	t.Parallel()
	_, err := agents.Scripted{}.Chat(t.Context(), agents.Request{Model: "m", Messages: user(" fail: the disk is full")}, nil)
	if !errors.Is(err, agents.ErrScripted) || !strings.Contains(err.Error(), "the disk is full") {
		t.Error(err)
	}
	if _, err := (agents.Scripted{}).Chat(t.Context(), agents.Request{Model: "m"}, nil); !errors.Is(err, agents.ErrBadRequest) {
		t.Error(err)
	}
}

func TestScriptedHonoursMaxTokens(t *testing.T) {
	t.Parallel()
	answer, err := agents.Scripted{}.Chat(t.Context(), agents.Request{Model: "m", Messages: user("hello"), MaxTokens: 3}, nil)
	if err != nil || answer.Message.Content != "[scripted] You asked: " || answer.OutputTokens != 3 || answer.FinishReason != "length" {
		t.Errorf("%+v, %v", answer, err)
	}
}

func TestScriptedPaceEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		words := 0
		_, err := agents.Scripted{Pace: time.Second}.Chat(ctx, agents.Request{Model: "m", Messages: user("hello")}, func(string) { words++ })
		if !errors.Is(err, context.DeadlineExceeded) || words != 2 {
			t.Errorf("%d words, %v", words, err)
		}
	})
}

func TestScriptedIsDeterministic(t *testing.T) {
	t.Parallel()
	offered := specs(t)
	rapid.Check(t, func(t *rapid.T) {
		req := agents.Request{Model: "m", Messages: user(rapid.String().Draw(t, "prompt")), Tools: offered}
		a, errA := agents.Scripted{Now: noon}.Chat(t.Context(), req, nil)
		b, errB := agents.Scripted{Now: noon}.Chat(t.Context(), req, nil)
		if !reflect.DeepEqual(a, b) || (errA == nil) != (errB == nil) {
			t.Fatalf("%+v, %v\n%+v, %v", a, errA, b, errB)
		}
		if errA == nil && (!a.Scripted || !strings.HasPrefix(a.Message.Content, agents.ScriptedMark)) {
			t.Fatalf("not labelled: %+v", a)
		}
	})
}

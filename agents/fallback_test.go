package agents_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// byModel answers for each model as it is told, and notes whom it was asked for.
type byModel struct {
	fails map[string]error
	asked []agents.Request
}

func (m *byModel) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	m.asked = append(m.asked, r)
	if err := m.fails[r.Model]; err != nil {
		return agents.Answer{}, err
	}
	return agents.Answer{
		Message: events.Message{Role: "assistant", Content: "by " + r.Model}, Model: r.Model, FinishReason: "stop", UsageKnown: true, InputTokens: 10,
	}, nil
}

func (m *byModel) models() (names []string) {
	for _, r := range m.asked {
		names = append(names, r.Model)
	}
	return names
}

func TestTheNextModelIsAskedWhereOneDoesNotAnswer(t *testing.T) {
	t.Parallel()
	limited := &agents.CallError{Kind: agents.ErrRateLimited, Status: 429}
	prices := load(t, "testdata/prices.json")
	for name, c := range map[string]struct {
		fails     map[string]error
		fallbacks []string
		asked     string
		cost      events.Nanos
		priced    bool
		says      string
		unbilled  bool
	}{
		"the first answers":       {nil, []string{"b"}, "exact-1", 1500, true, "", false},
		"a limit bills nothing":   {map[string]error{"a": limited}, []string{"exact-1"}, "a exact-1", 1500, true, "", false},
		"a hang may be billed":    {map[string]error{"a": &agents.CallError{Kind: agents.ErrTimeout}}, []string{"exact-1"}, "a exact-1", 1500, false, "", false},
		"it goes on":              {map[string]error{"a": limited, "b": agents.ErrOpen}, []string{"b", "exact-1"}, "a b exact-1", 1500, true, "", false},
		"nobody is asked twice":   {map[string]error{"a": limited}, []string{"a", "exact-1", "exact-1"}, "a exact-1", 1500, true, "", false},
		"all are told":            {map[string]error{"a": limited, "b": agents.ErrOpen}, []string{"b"}, "a b", 0, false, "ask a: rate limited (HTTP 429); then ask b: the model failed again", true},
		"one of them is billed":   {map[string]error{"a": limited, "b": &agents.CallError{Kind: agents.ErrCut}}, []string{"b"}, "a b", 0, false, "cut off", false},
		"a bad key stays one":     {map[string]error{"a": agents.ErrAuth}, []string{"exact-1"}, "a", 0, false, "refused the key", false},
		"a bad request stays one": {map[string]error{"a": agents.ErrBadRequest}, []string{"exact-1"}, "a", 0, false, "was refused", false},
		"text was seen": {
			map[string]error{"a": &agents.CallError{Kind: agents.ErrCut, Streamed: true}}, []string{"exact-1"}, "a", 0, false, "cut off", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := &byModel{fails: c.fails}
			config := events.AgentConfig{Model: "a", Fallbacks: c.fallbacks, API: agents.ResponsesAPI}
			if len(c.fails) == 0 {
				config.Model = "exact-1"
			}
			turn, err := agents.Runner{Model: model, Prices: prices}.Turn(t.Context(), config, user("hi"), nil)
			if got := strings.Join(model.models(), " "); got != c.asked {
				t.Errorf("asked %s, want %s", got, c.asked)
			}
			for i, r := range model.asked {
				if (r.API == agents.ResponsesAPI) != (i == 0) {
					t.Errorf("%s is asked by %q", r.Model, r.API)
				}
			}
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) || agents.Unbilled(err) != c.unbilled {
					t.Errorf("%v, unbilled %v", err, agents.Unbilled(err))
				}
				return
			}
			if err != nil || turn.Answer.CostNanos != c.cost || turn.Answer.Priced != c.priced {
				t.Errorf("cost %d, priced %v, %v", turn.Answer.CostNanos, turn.Answer.Priced, err)
			}
			var failed []events.ModelFailed
			for _, r := range model.asked[:len(model.asked)-1] {
				failed = append(failed, events.ModelFailed{Model: r.Model, Error: c.fails[r.Model].Error()})
			}
			if !reflect.DeepEqual(turn.Failed, failed) {
				t.Errorf("failed %v, want %v", turn.Failed, failed)
			}
		})
	}
}

func TestNobodyElseIsAskedForOneWhoGaveUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	model := &byModel{fails: map[string]error{"a": agents.ErrUnavailable}}
	_, err := agents.Runner{Model: model}.Turn(ctx, events.AgentConfig{Model: "a", Fallbacks: []string{"b"}}, user("hi"), nil)
	if err == nil || len(model.asked) != 1 {
		t.Errorf("asked %v: %v", model.models(), err)
	}
}

func TestTheMostThatACallCostsIsThatOfAllItsModels(t *testing.T) {
	t.Parallel()
	runner := agents.Runner{Prices: load(t, "testdata/prices.json")}
	most := func(fallbacks ...string) events.Nanos {
		nanos, known := runner.MaxCost(events.AgentConfig{Model: "exact-1", Fallbacks: fallbacks, MaxTokens: 100}, user("hi"))
		if !known {
			return -1
		}
		return nanos
	}
	one := most()
	if one <= 0 || most("alias", "exact-1") != -1 || most("exact-1") != one {
		t.Errorf("alone %d, with one that has no price %d, with itself %d", one, most("alias"), most("exact-1"))
	}
	if two := most("cloud/exact-1"); two <= one {
		t.Errorf("alone %d, with another %d", one, two)
	}
}

func TestAModelThatFailsAgainAndAgainIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		model := &byModel{fails: map[string]error{"a": agents.ErrUnavailable}}
		breaker := &agents.Breaker{Model: model}
		ask := func(name string) error {
			_, err := breaker.Chat(t.Context(), agents.Request{Model: name}, nil)
			return err
		}
		for range 5 {
			if err := ask("a"); !errors.Is(err, agents.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		err := ask("a")
		if !errors.Is(err, agents.ErrOpen) || !agents.Unbilled(err) || !strings.Contains(err.Error(), "30s") || len(model.asked) != 5 {
			t.Fatalf("%d calls, then %v", len(model.asked), err)
		}
		if err := ask("b"); err != nil {
			t.Errorf("another one: %v", err)
		}
		time.Sleep(30 * time.Second)
		if err := ask("a"); !errors.Is(err, agents.ErrUnavailable) {
			t.Errorf("the probe: %v", err)
		}
		// A probe whose caller gives up holds no place.
		time.Sleep(30 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 10 {
			_, _ = breaker.Chat(ctx, agents.Request{Model: "a"}, nil)
		}
		time.Sleep(30 * time.Second)
		model.fails = nil
		for range 10 {
			if err := ask("a"); err != nil {
				t.Errorf("it answers again, and: %v", err)
			}
		}
		// What the caller did wrong is no failure of the model.
		model.fails = map[string]error{"a": agents.ErrBadRequest}
		for range 10 {
			if err := ask("a"); !errors.Is(err, agents.ErrBadRequest) {
				t.Error(err)
			}
		}
	})
}

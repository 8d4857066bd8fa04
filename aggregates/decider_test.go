package aggregates_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// scenario is one row of a decider's table: given what happened, when this is wished, then that comes of it, or the
// refusal. Neither is an idempotent repeat.
type scenario struct {
	policy aggregates.Policy
	given  []events.Event
	when   commands.Command
	then   []events.Event
	err    error
}

func (s scenario) run(t *testing.T) {
	t.Helper()
	instance := newInstance(t, s.policy, s.when)
	for _, e := range s.given {
		if err := instance.Evolve(e); err != nil {
			t.Fatal(err)
		}
	}
	got, err := instance.Decide(s.when)
	switch {
	case s.err != nil && !errors.Is(err, s.err):
		t.Errorf("%T: got %v, %v; want the refusal %q", s.when, got, err, s.err)
	case s.err != nil && len(got) > 0:
		t.Errorf("%T: facts %v come with the refusal %v", s.when, got, err)
	case s.err == nil && err != nil:
		t.Errorf("%T: refused: %v", s.when, err)
	case s.err == nil && !reflect.DeepEqual(append([]events.Event{}, got...), append([]events.Event{}, s.then...)):
		t.Errorf("%T:\n got %+v\nwant %+v", s.when, got, s.then)
	}
}

type scenarios map[string]scenario

func (all scenarios) run(t *testing.T) {
	t.Helper()
	for name, s := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

func newInstance(t interface {
	Helper()
	Fatalf(string, ...any)
}, p aggregates.Policy, c commands.Command) aggregates.Instance {
	t.Helper()
	for _, a := range aggregates.All(aggregates.Everywhere(p)) {
		if a.Category == events.Category(c.Stream()) {
			return a.New()
		}
	}
	t.Fatalf("no aggregate takes %T", c)
	return nil
}

func ptr[T any](v T) *T { return &v }

// names are refused wherever they end up in the name of a stream.
var badNames = map[string]string{
	"empty": "", "long": strings.Repeat("n", 513), "no UTF-8": "a\xff", "NUL": "a\x00b", "line feed": "a\nb", "delete": "a\x7f",
}

// refusesBadNames holds a command to be refused for each name that can't be one, and taken with the longest.
func refusesBadNames(t *testing.T, given []events.Event, command func(name string) commands.Command) {
	t.Helper()
	for what, name := range badNames {
		t.Run("name: "+what, func(t *testing.T) {
			t.Parallel()
			scenario{given: given, when: command(name), err: aggregates.ErrInvalid}.run(t)
		})
	}
	for _, name := range []string{strings.Repeat("n", 512), "größe 日本", "run-1/a b"} {
		instance := newInstance(t, aggregates.Policy{}, command(name))
		for _, e := range given {
			if err := instance.Evolve(e); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := instance.Decide(command(name)); err != nil || len(got) == 0 {
			t.Errorf("%q: got %v, %v", name, got, err)
		}
	}
}

func TestRefusedTellsARefusalFromAFailure(t *testing.T) {
	t.Parallel()
	for _, reason := range refusals {
		if !aggregates.Refused(fmt.Errorf("task t: %w", reason)) {
			t.Errorf("%v is no refusal", reason)
		}
	}
	if aggregates.Refused(errors.New("the disk is full")) || aggregates.Refused(nil) {
		t.Error("a failure is a refusal")
	}
}

func TestAnotherAggregatesCommandIsRefused(t *testing.T) {
	t.Parallel()
	for _, a := range aggregates.All(aggregates.Everywhere(aggregates.Policy{})) {
		for _, c := range []commands.Command{commands.StartRun{Run: "r"}, commands.OpenTask{Task: "t"}} {
			if events.Category(c.Stream()) == a.Category {
				continue
			}
			if got, err := a.New().Decide(c); !errors.Is(err, aggregates.ErrInvalid) {
				t.Errorf("%s takes %T: %v, %v", a.Category, c, got, err)
			}
		}
	}
}

func TestAnotherAggregatesFactIsADamagedLog(t *testing.T) {
	t.Parallel()
	for _, a := range aggregates.All(aggregates.Everywhere(aggregates.Policy{})) {
		for _, e := range []events.Event{events.RunStarted{}, events.TaskOpened{}} {
			if events.Category(e.Kind()) == a.Category || strings.HasPrefix(e.Kind(), a.Category+".") {
				continue
			}
			if err := a.New().Evolve(e); err == nil {
				t.Errorf("%s takes %T", a.Category, e)
			}
		}
	}
}

func TestCategoriesAreThoseOfTheStreams(t *testing.T) {
	t.Parallel()
	var categories []string
	for _, a := range aggregates.All(aggregates.Everywhere(aggregates.Policy{})) {
		categories = append(categories, a.Category)
	}
	want := []string{"agent", "analyst", "budget", "conversation", "dataset", "eval", "experiment", "feedback", "goal", "improvement", "judge", "ledger", "loop", "person", "policy", "review", "role", "rule", "run", "runbook", "skill", "slack", "task", "timer", "token", "tool", "trigger", "verdict"}
	if !reflect.DeepEqual(categories, want) {
		t.Errorf("got %q, want %q", categories, want)
	}
}

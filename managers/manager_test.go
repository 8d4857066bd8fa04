package managers_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

var began = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// history folds facts into the one process that they concern. Each lies a minute behind the one before.
type history struct {
	t       *testing.T
	process managers.Process
	key     string
	over    bool
}

// after folds facts into a manager's process, which is written and read again between each two, as over a restart.
func after(t *testing.T, name string, c managers.Config, facts ...events.Event) history {
	t.Helper()
	h := history{t: t}
	for _, m := range managers.All(c) {
		if m.Name != name {
			continue
		}
		h.process = m.New()
		for i, fact := range facts {
			stream := "run-r1"
			if _, is := fact.(events.Budget); is {
				stream = "budget-all"
			}
			at := began.Add(time.Duration(i) * time.Minute)
			e := events.Envelope{
				ID: events.NameID(at, fmt.Sprint("fact ", i)), Stream: stream, Kind: fact.Kind(), Correlation: "r1", OccurredAt: at, RecordedAt: at,
			}
			key := "run-r1"
			if name == "funding" {
				key = "workspace-"
			}
			if m.Key(&e) != key {
				t.Fatalf("the key of %s is %q", fact.Kind(), m.Key(&e))
			}
			h.process.Evolve(&e, fact)
			state, err := json.Marshal(h.process)
			if err != nil {
				t.Fatal(err)
			}
			h.process = m.New()
			if err := json.Unmarshal(state, h.process); err != nil {
				t.Fatal(err)
			}
		}
		h.over = h.process.Over()
		return h
	}
	t.Fatalf("there is no manager %q", name)
	return h
}

// want is the only thing that the process wants.
func (h history) want() managers.Want {
	h.t.Helper()
	wants := h.process.Wants()
	if len(wants) != 1 {
		h.t.Fatalf("it wants %+v", wants)
	}
	return wants[0]
}

func (h history) wantsNothing() {
	h.t.Helper()
	if wants := h.process.Wants(); len(wants) > 0 && !h.over {
		h.t.Errorf("it wants %+v", wants)
	}
}

func calls(tools ...string) events.RunLLMCalled {
	m := events.Message{Role: "assistant", Content: "Let me see."}
	for i, tool := range tools {
		m.ToolCalls = append(m.ToolCalls, events.ToolCall{ID: fmt.Sprint("c", i), Name: tool})
	}
	return events.RunLLMCalled{Answered: []events.Message{m}}
}

func chat(step int) events.RunStepStarted {
	return events.RunStepStarted{Step: step, Name: "chat", Type: events.ChatStep}
}

func TestARunWantsATurnUntilItsAnswerAsksForNothing(t *testing.T) {
	t.Parallel()
	started := events.RunStarted{Run: "r1", Requester: "user:anna", Prompt: "go"}
	first := after(t, "run", managers.Config{}, started).want()
	if turn, ok := first.Work.(managers.Turn); !ok || turn.Turn != 0 || turn.Run != "r1" || turn.ID != first.ID || turn.Share() != "\x00user:anna" {
		t.Errorf("a started run wants %+v", first)
	}
	second := after(t, "run", managers.Config{}, started, calls("clock")).want()
	if turn, ok := second.Work.(managers.Turn); !ok || turn.Turn != 1 || second.ID == first.ID {
		t.Errorf("after an answer that asks for a tool it wants %+v", second)
	}
	ofGoal := started
	ofGoal.Goal = "g"
	if share := after(t, "run", managers.Config{}, ofGoal).want().Work.Share(); share != "\x00user:anna\x00g" {
		t.Errorf("a run of a goal has its turns with %q", share)
	}
	after(t, "run", managers.Config{}, started, calls()).wantsNothing()
	if h := after(t, "run", managers.Config{}, started, calls(), events.RunFinished{}); !h.over {
		t.Error("a finished run is not over")
	}
	imported := started
	imported.Source = &events.Source{Format: "runs"}
	if h := after(t, "run", managers.Config{}, imported); !h.over {
		t.Error("an imported run is acted on")
	}
}

func TestARunThatGoesOnAskingIsStopped(t *testing.T) {
	t.Parallel()
	c := managers.Config{MaxTurns: 3}
	facts := []events.Event{events.RunStarted{Run: "r1"}, calls("clock"), calls("clock")}
	if _, ok := after(t, "run", c, facts...).want().Work.(managers.Turn); !ok {
		t.Error("the third turn is not wanted")
	}
	want := after(t, "run", c, append(facts, calls("clock"))...).want()
	if fail, ok := want.Command.(commands.FailRun); !ok || fail.Run != "r1" || fail.Error != "stopped after 3 turns: the agent kept asking for tools" {
		t.Errorf("after the third turn it wants %+v", want)
	}
	// The last turn that is allowed may still answer.
	after(t, "run", c, append(facts, calls())...).wantsNothing()
}

func TestOnlyWhatIsUnderWayStalls(t *testing.T) {
	t.Parallel()
	started, assigned := events.RunStarted{Run: "r1"}, events.RunAssigned{Agent: "clerk"}
	for name, tt := range map[string]struct {
		given []events.Event
		// at is how long after the beginning the run fails, 0 for never.
		at time.Duration
	}{
		"waits for its place":         {given: []events.Event{started}},
		"assigned":                    {given: []events.Event{started, assigned}},
		"asks its model":              {given: []events.Event{started, assigned, chat(0)}, at: 32 * time.Minute},
		"was answered":                {given: []events.Event{started, assigned, chat(0), events.RunStepFinished{Step: 0}}},
		"a tool is under way":         {given: []events.Event{started, chat(0), events.RunStepFinished{Step: 0}, events.RunStepStarted{Step: 1, Type: events.ToolStep}}, at: 33 * time.Minute},
		"waits for money":             {given: []events.Event{started, chat(0), events.RunSuspended{Budget: "all"}}},
		"goes on behind that":         {given: []events.Event{started, chat(0), events.RunSuspended{Budget: "all"}, events.RunResumed{}}, at: 33 * time.Minute},
		"one of two tools is through": {given: []events.Event{started, events.RunStepStarted{Step: 1}, events.RunStepStarted{Step: 2}, events.RunStepFinished{Step: 1}}, at: 33 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := after(t, "stall", managers.Config{}, tt.given...)
			if tt.at == 0 {
				h.wantsNothing()
				return
			}
			want := h.want()
			if fail, ok := want.Command.(commands.FailRun); !ok || fail.Run != "r1" || fail.Correlation != "r1" || !want.At.IsZero() || want.For != 30*time.Minute || !fail.At.Equal(began.Add(tt.at)) {
				t.Errorf("it wants %+v, the run to fail after half an hour, at %s", want, began.Add(tt.at))
			}
		})
	}
	after(t, "stall", managers.Config{StallAfter: -1}, started, chat(0)).wantsNothing()
	if h := after(t, "stall", managers.Config{}, started, chat(0), events.RunCancelled{}); !h.over {
		t.Error("a cancelled run is watched on")
	}
}

func TestWhatWasSetAsideIsSettledByWhatTheCallCost(t *testing.T) {
	t.Parallel()
	mine := managers.Config{Holder: "me"}
	reserved := events.BudgetReserved{Reservation: "x", Run: "r1", Step: 0, Nanos: 900, Holder: "me"}
	anothers := reserved
	anothers.Holder = "another process"
	begun := reserved
	begun.Begun = true
	minute := events.Resources{TimeMS: 60_000} // facts are a minute apart
	for name, tt := range map[string]struct {
		given []events.Event
		// nanos and unknown are of the settling; nothing tells that there is none yet.
		nanos            events.Nanos
		unknown, nothing bool
		took             events.Resources
	}{
		"under way": {given: []events.Event{reserved, chat(0)}, nothing: true},
		"answered":  {given: []events.Event{reserved, chat(0), events.RunStepFinished{Step: 0, CostNanos: 300}}, nanos: 300, took: minute},
		"answered with tokens": {
			given: []events.Event{reserved, chat(0), events.RunStepFinished{Step: 0, InputTokens: 3, OutputTokens: 4}}, took: events.Resources{Tokens: 7, TimeMS: minute.TimeMS},
		},
		"begun before it was set aside":      {given: []events.Event{begun, events.RunStepFinished{Step: 0}}, took: minute},
		"another step was answered":          {given: []events.Event{reserved, events.RunStepFinished{Step: 1, CostNanos: 300}}, nothing: true},
		"nobody knows what it cost":          {given: []events.Event{reserved, chat(0), events.RunStepFinished{Step: 0, Unpriced: true}}, unknown: true, took: minute},
		"the run ended before it was sent":   {given: []events.Event{reserved, events.RunCancelled{}}},
		"the run ended while it was asked":   {given: []events.Event{reserved, chat(0), events.RunCancelled{}}, unknown: true},
		"another step was begun":             {given: []events.Event{reserved, chat(1), events.RunCancelled{}}},
		"there was no money for it":          {given: []events.Event{reserved, events.RunSuspended{Budget: "other"}}},
		"it was begun later by another call": {given: []events.Event{reserved, events.RunSuspended{Budget: "other"}, chat(0)}},
		"its holder died before it was sent": {given: []events.Event{anothers}},
		"its holder died while it was asked": {given: []events.Event{anothers, chat(0)}, unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := after(t, "spending", mine, tt.given...)
			if tt.nothing {
				h.wantsNothing()
				return
			}
			got, ok := h.want().Command.(commands.SettleBudget)
			if !ok || got.Budget != "all" || got.Reservation != "x" || got.Nanos != tt.nanos || got.Unknown != tt.unknown || got.Took != tt.took || got.Correlation != "r1" {
				t.Errorf("it wants %+v", got)
			}
		})
	}
	// What no run makes its holder settles, whoever drives: only where it has not by then all of it counts.
	lone := begun
	lone.Until = began.Add(time.Hour)
	for _, holder := range []string{"mine", "another"} {
		lone.Holder = holder
		want := after(t, "spending", mine, lone).want()
		if got, is := want.Command.(commands.SettleBudget); !is || !got.Unknown || !want.At.Equal(lone.Until) {
			t.Errorf("of %s it wants %+v at %s", holder, want.Command, want.At)
		}
	}
	if h := after(t, "spending", mine, reserved, events.BudgetSettled{Reservation: "x"}); !h.over {
		t.Error("what is settled is kept")
	}
}

// Wanting is a function of the state: the same history wants the same, under the same ids.
func TestTheSameHistoryWantsTheSame(t *testing.T) {
	t.Parallel()
	facts := []events.Event{events.RunStarted{Run: "r1"}, calls("clock")}
	if a, b := after(t, "run", managers.Config{}, facts...).want(), after(t, "run", managers.Config{}, facts...).want(); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v and %+v", a, b)
	}
}

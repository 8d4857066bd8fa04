package projections

import (
	"slices"
	"testing"
	"time"
)

func TestARunsTimeHangsOnItsPath(t *testing.T) {
	t.Parallel()
	at := func(seconds int) time.Time { return time.Date(2026, 11, 22, 12, 0, seconds, 0, time.UTC) }
	step := func(parent int64, from, to int) StepRow {
		return StepRow{Parent: parent, StartedAt: at(from), EndedAt: at(to)}
	}
	second := int64(time.Second)
	for name, tt := range map[string]struct {
		steps []StepRow
		want  []share
	}{
		"none":                       {nil, []share{}},
		"one after another, a wait":  {[]StepRow{step(-1, 0, 2), step(-1, 3, 7)}, []share{{2, 2, 0}, {4, 4, 1}}},
		"beside one another":         {[]StepRow{step(-1, 0, 2), step(-1, 2, 5), step(-1, 2, 8), step(-1, 8, 9)}, []share{{2, 2, 0}, {}, {6, 3, 0}, {1, 1, 0}}},
		"around others":              {[]StepRow{step(-1, 0, 9), step(0, 1, 4), step(0, 4, 9)}, []share{{}, {3, 3, 0}, {5, 5, 0}}},
		"only ends are told":         {[]StepRow{{Parent: -1, EndedAt: at(1)}, {Parent: -1, EndedAt: at(5)}}, []share{{}, {0, 0, 4}}},
		"no times":                   {[]StepRow{{Parent: -1}, {Parent: -1}}, []share{{}, {}}},
		"ends before it began":       {[]StepRow{step(-1, 5, 2), step(-1, 3, 4)}, []share{{}, {1, 1, 0}}},
		"a parent that is not there": {[]StepRow{step(7, 0, 2)}, []share{{2, 2, 0}}},
	} {
		got := paths(tt.steps)
		for i := range got {
			got[i].on, got[i].saves, got[i].wait = got[i].on/second, got[i].saves/second, got[i].wait/second
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestRunsThatAreToldTwiceAreAlike(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	made := func(change func(r *RunRow)) uint64 {
		r := RunRow{Run: "a", Workflow: "w", StartedAt: at, EndedAt: at.Add(time.Minute), steps: []StepRow{{Name: "x", StartedAt: at, EndedAt: at.Add(time.Second)}}}
		change(&r)
		return r.alike()
	}
	same := made(func(*RunRow) {})
	if same == 0 || made(func(r *RunRow) { r.Run = "b" }) != same {
		t.Error("another name makes another run")
	}
	for name, change := range map[string]func(r *RunRow){
		"workflow": func(r *RunRow) { r.Workflow = "v" }, "task": func(r *RunRow) { r.Task = "t" }, "end": func(r *RunRow) { r.EndedAt = at.Add(2 * time.Minute) },
		"tokens": func(r *RunRow) { r.InputTokens = 1 }, "a step's time": func(r *RunRow) { r.steps[0].EndedAt = at.Add(2 * time.Second) }, "a step": func(r *RunRow) { r.steps[0].Name = "y" },
	} {
		if got := made(change); got == same || got == 0 {
			t.Errorf("another %s: %d", name, got)
		}
	}
	for name, change := range map[string]func(r *RunRow){
		"no step": func(r *RunRow) { r.steps = nil }, "no times of steps": func(r *RunRow) { r.steps[0].StartedAt, r.steps[0].EndedAt = time.Time{}, time.Time{} },
		"no start": func(r *RunRow) { r.StartedAt = time.Time{} }, "no time": func(r *RunRow) { r.EndedAt = at },
	} {
		if got := made(change); got != 0 {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestWhatIsOddIsMarked(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		change func(r *RunRow)
		want   uint64
	}{
		"nothing":         {func(*RunRow) {}, 0},
		"a cut answer":    {func(r *RunRow) { r.FinishReason = "length" }, markCut},
		"a step before":   {func(r *RunRow) { r.steps[0].StartedAt = at.Add(-2 * time.Second) }, markOutside},
		"a step behind":   {func(r *RunRow) { r.steps[0].EndedAt = at.Add(2 * time.Minute) }, markOutside},
		"clocks apart":    {func(r *RunRow) { r.steps[0].StartedAt = at.Add(-time.Second) }, 0},
		"another total":   {func(r *RunRow) { r.CostNanos = 102 }, markMore},
		"nearly the same": {func(r *RunRow) { r.CostNanos = 101 }, 0},
	} {
		r := RunRow{StartedAt: at, EndedAt: at.Add(time.Minute), steps: []StepRow{{StartedAt: at, EndedAt: at.Add(time.Second), CostNanos: 100}}}
		r.CostNanos = 100
		if tt.change(&r); r.marks() != tt.want {
			t.Errorf("%s: %b, want %b", name, r.marks(), tt.want)
		}
	}
}

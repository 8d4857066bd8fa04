package projections_test

import (
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/projections"
)

// A step is as slow as it is by itself: what ran beneath it, each moment once, is not its own time.
func TestAStepsTimeIsItsOwn(t *testing.T) {
	t.Parallel()
	step := func(name string, parent int64, from, to int) projections.StepRow {
		s := projections.StepRow{Name: name, Parent: parent, DurationNS: -1}
		if to >= 0 {
			s.StartedAt, s.EndedAt = noon.Add(time.Duration(from)*time.Second), noon.Add(time.Duration(to)*time.Second)
			s.DurationNS = int64(s.EndedAt.Sub(s.StartedAt))
		}
		return s
	}
	var stats projections.StepStats
	stats.Add(projections.RunSteps{Run: projections.RunRow{Workflow: "w"}, Steps: []projections.StepRow{
		step("outer", -1, 0, 100),
		step("first", 0, 10, 40),
		step("inner", 1, 15, 25),
		step("beside", 0, 30, 60), // ten seconds of it beside the first
		step("untimed", 0, 0, -1),
		step("late", 0, 90, 130), // beyond its parent's end
		step("under what is not timed", 4, 50, 55),
	}})
	want := map[string]int64{"outer": 40, "first": 20, "inner": 10, "beside": 30, "untimed": 0, "late": 40, "under what is not timed": 5}
	for _, s := range stats.List() {
		if got := s.TotalNS / int64(time.Second); got != want[s.Name] {
			t.Errorf("%s took %d s by itself, want %d", s.Name, got, want[s.Name])
		}
	}
}

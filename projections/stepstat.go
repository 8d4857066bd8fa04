package projections

import (
	"cmp"
	"slices"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// StepStats adds up the steps of runs, by workflow and name. The zero value is of no runs.
type StepStats struct {
	groups map[stepName]*stepGroup
	runs   int
}

type stepName struct{ workflow, step string }

// stepGroup adds up the steps of one name.
type stepGroup struct {
	StepStat
	durations []int64
	// lastRun is the number of the run that it met last, from 1.
	lastRun int
}

// Add adds the steps of a run.
func (s *StepStats) Add(run *Observation) {
	if s.groups == nil {
		s.groups = make(map[stepName]*stepGroup)
	}
	s.runs++
	for i := range run.Steps {
		step := &run.Steps[i]
		n := stepName{run.Workflow, step.Name}
		g := s.groups[n]
		if g == nil {
			g = &stepGroup{StepStat: StepStat{Workflow: n.workflow, Name: n.step, FirstPosition: step.Position}}
			s.groups[n] = g
		}
		g.add(s.runs, step)
	}
}

// List is what was added up, by workflow and name.
func (s *StepStats) List() []StepStat {
	stats := make([]StepStat, 0, len(s.groups))
	for _, g := range s.groups {
		stats = append(stats, g.finish())
	}
	slices.SortFunc(stats, func(a, b StepStat) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Name, b.Name))
	})
	return stats
}

func (g *stepGroup) add(run int, s *ObservedStep) {
	g.FirstPosition = min(g.FirstPosition, s.Position)
	g.LastPosition = max(g.LastPosition, s.Position)
	if run != g.lastRun {
		g.Runs++
		g.lastRun = run
	}
	g.Steps++
	if s.Failed {
		g.Failed++
	}
	if s.OwnNS >= 0 {
		g.Timed++
		g.TotalNS = events.Add(g.TotalNS, s.OwnNS)
		g.durations = append(g.durations, s.OwnNS)
	}
	g.InputTokens = events.Add(g.InputTokens, s.InputTokens)
	g.OutputTokens = events.Add(g.OutputTokens, s.OutputTokens)
	g.CostNanos = events.Add(g.CostNanos, s.CostNanos)
}

func (g *stepGroup) finish() StepStat {
	if len(g.durations) > 0 {
		slices.Sort(g.durations)
		g.P50NS, g.P95NS = quantile(g.durations, 50), quantile(g.durations, 95)
	}
	return g.StepStat
}

// selfTimes are how long each step took without the steps right beneath it, -1 where its time is not known: what is around the
// others is not slow for their sake. Steps are numbered by their starts, so that a moment in which two of them ran is taken off once.
func selfTimes(steps []StepRow) []int64 {
	own := make([]int64, len(steps))
	until := make([]int64, len(steps)) // what of a step was taken off goes so far
	for i := range steps {
		own[i], until[i] = steps[i].DurationNS, readmodel.UnixNanos(steps[i].StartedAt)
	}
	for i := range steps {
		s := &steps[i]
		if s.DurationNS < 0 || s.Parent < 0 || s.Parent >= int64(len(steps)) || own[s.Parent] < 0 {
			continue
		}
		from := max(readmodel.UnixNanos(s.StartedAt), until[s.Parent])
		to := min(readmodel.UnixNanos(s.EndedAt), readmodel.UnixNanos(steps[s.Parent].EndedAt))
		if to > from {
			own[s.Parent] -= to - from
			until[s.Parent] = to
		}
	}
	return own
}

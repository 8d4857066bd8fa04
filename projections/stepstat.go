package projections

import (
	"cmp"
	"slices"

	"github.com/virtuous6/virtuous6/events"
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
func (s *StepStats) Add(run RunSteps) {
	if s.groups == nil {
		s.groups = make(map[stepName]*stepGroup)
	}
	s.runs++
	for i := range run.Steps {
		step := &run.Steps[i]
		n := stepName{run.Run.Workflow, WithoutCounter(step.Name, run.Run.Models)}
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

func (g *stepGroup) add(run int, s *StepRow) {
	g.FirstPosition = min(g.FirstPosition, s.Position)
	g.LastPosition = max(g.LastPosition, s.Position)
	if run != g.lastRun {
		g.Runs++
		g.lastRun = run
	}
	g.Steps++
	if s.Outcome == events.Failed {
		g.Failed++
	}
	if s.DurationNS >= 0 {
		g.Timed++
		g.TotalNS = events.Add(g.TotalNS, s.DurationNS)
		g.durations = append(g.durations, s.DurationNS)
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

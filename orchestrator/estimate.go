package orchestrator

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Estimate is what a goal's open tasks will take, by the runs that did such tasks before.
type Estimate struct {
	// Tasks are those that are open, and Known those of them of which at least three runs are known.
	Tasks int `json:"tasks"`
	Known int `json:"known"`
	Runs  int `json:"runs"`
	// Seconds is the longest chain of tasks by their median times. Cost is the sum of their mean costs, with the interval that
	// holds it in 80 of 100 cases.
	Seconds float64         `json:"seconds"`
	Cost    projections.USD `json:"cost_usd"`
	// Unpriced are those of Known of which no run tells all that it cost: they are not in Cost.
	Unpriced int             `json:"unpriced_tasks"`
	CostLow  projections.USD `json:"cost_usd_low"`
	CostHigh projections.USD `json:"cost_usd_high"`
	// Chance is that all of them succeed at the first attempt, each by the share of its runs, half of one success and one failure
	// counted in.
	Chance float64 `json:"chance"`
}

// fewestAlike is how many runs of a task tell what it takes, mostAlike how many are looked at.
const (
	fewestAlike = 3
	mostAlike   = 500
)

// EstimateGoal tells what the open tasks of a goal will take. Where Known is less than Tasks, it is of the known ones alone.
func EstimateGoal(ctx context.Context, r projections.Reader, g projections.GoalRow) (Estimate, error) {
	e := Estimate{Chance: 1}
	took := map[string]float64{}
	var cost, spread float64
	for _, t := range g.Tasks {
		if t.Status.Ended() || t.Question != "" {
			continue
		}
		e.Tasks++
		var seconds, costs []float64
		var succeeded, rated float64
		ended := 0
		for run, err := range r.Runs(ctx, projections.RunFilter{Task: cmp.Or(t.Title, t.Task), Limit: mostAlike}) {
			if err != nil {
				return e, err
			}
			switch run.Outcome {
			case events.Succeeded:
				succeeded++
				rated++
			case events.Failed:
				rated++
			default:
				continue
			}
			if run.DurationNS > 0 {
				seconds = append(seconds, float64(run.DurationNS)/1e9)
			}
			ended++
			if run.Whole() {
				costs = append(costs, float64(run.CostNanos))
			}
		}
		if rated < fewestAlike {
			continue
		}
		e.Known++
		e.Runs += ended
		if len(costs) == 0 {
			e.Unpriced++
		}
		e.Chance *= (succeeded + .5) / (rated + 1)
		if slices.Sort(seconds); len(seconds) > 0 {
			took[t.Task] = seconds[len(seconds)/2]
		}
		mean, variance := moments(costs)
		cost, spread = cost+mean, spread+variance
	}
	const z80 = 1.2816
	half := z80 * math.Sqrt(spread)
	e.Cost, e.CostLow, e.CostHigh = projections.USD(math.Round(cost)), projections.USD(math.Round(max(0, cost-half))), projections.USD(math.Round(cost+half))
	e.Seconds = longest(g.Tasks, took)
	return e, nil
}

func moments(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		variance += float64((x-mean)*(x-mean)) / max(float64(len(v)-1), 1)
	}
	return mean, variance
}

// longest is the time of the longest chain of tasks. A plan has no circles.
func longest(tasks []projections.GoalTaskRow, took map[string]float64) float64 {
	at := map[string]projections.GoalTaskRow{}
	for _, t := range tasks {
		at[t.Task] = t
	}
	known := map[string]float64{}
	var until func(string) float64
	until = func(task string) float64 {
		if end, ok := known[task]; ok {
			return end
		}
		begins := 0.0
		for _, on := range at[task].DependsOn {
			begins = max(begins, until(on))
		}
		known[task] = begins + took[task]
		return known[task]
	}
	whole := 0.0
	for _, t := range tasks {
		whole = max(whole, until(t.Task))
	}
	return whole
}

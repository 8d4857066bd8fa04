package orchestrator

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
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

// alike is what the runs of a task tell, enough of them or not.
type alike struct {
	rated, succeeded, ended int
	// seconds is how long they took at the median, 0 where none tells. costs counts those that tell all that they cost.
	seconds        float64
	costs          int
	mean, variance float64
}

func (a alike) enough() bool { return a.rated >= fewestAlike }

// alikes finds the runs of tasks, each title once.
type alikes struct {
	r     projections.Reader
	known map[string]alike
}

func (a *alikes) of(ctx context.Context, title string) (found alike, err error) {
	if found, known := a.known[title]; known {
		return found, nil
	}
	var seconds, costs []float64
	for run, err := range a.r.Runs(ctx, projections.RunFilter{Task: title, Limit: mostAlike}) {
		if err != nil {
			return found, err
		}
		switch run.Outcome {
		case events.Succeeded:
			found.succeeded++
			found.rated++
		case events.Failed:
			found.rated++
		default:
			continue
		}
		if run.DurationNS > 0 {
			seconds = append(seconds, float64(run.DurationNS)/1e9)
		}
		found.ended++
		if run.Whole() {
			costs = append(costs, float64(run.CostNanos))
		}
	}
	if slices.Sort(seconds); len(seconds) > 0 {
		found.seconds = seconds[len(seconds)/2]
	}
	found.costs = len(costs)
	found.mean, found.variance = moments(costs)
	if a.known == nil {
		a.known = map[string]alike{}
	}
	a.known[title] = found
	return found, nil
}

// task finds the runs like those of a task. A part of a team's that nobody has done yet is like the task that the team does.
func (a *alikes) task(ctx context.Context, title, team string) (alike, error) {
	found, err := a.of(ctx, title)
	if _, whole, part := strings.Cut(title, partMark); err == nil && team != "" && part && !found.enough() {
		return a.of(ctx, whole)
	}
	return found, err
}

// EstimateGoal tells what the open tasks of a goal will take. Where Known is less than Tasks, it is of the known ones alone.
func EstimateGoal(ctx context.Context, r projections.Reader, g projections.GoalRow) (Estimate, error) {
	return estimate(ctx, &alikes{r: r}, g.Tasks)
}

func estimate(ctx context.Context, like *alikes, tasks []projections.GoalTaskRow) (Estimate, error) {
	e := Estimate{Chance: 1}
	took := map[string]float64{}
	var cost, spread float64
	for _, t := range tasks {
		if t.Status.Ended() || t.Question != "" {
			continue
		}
		e.Tasks++
		runs, err := like.task(ctx, cmp.Or(t.Title, t.Task), t.Team)
		if err != nil {
			return e, err
		}
		if !runs.enough() {
			continue
		}
		e.Known++
		e.Runs += runs.ended
		if runs.costs == 0 {
			e.Unpriced++
		}
		e.Chance *= (float64(runs.succeeded) + .5) / (float64(runs.rated) + 1)
		if runs.seconds > 0 {
			took[t.Task] = runs.seconds
		}
		cost, spread = cost+runs.mean, spread+runs.variance
	}
	const z80 = 1.2816
	half := z80 * math.Sqrt(spread)
	e.Cost, e.CostLow, e.CostHigh = projections.USD(math.Round(cost)), projections.USD(math.Round(max(0, cost-half))), projections.USD(math.Round(cost+half))
	e.Seconds = longest(tasks, took)
	return e, nil
}

// fact is the estimate as a plan tells of it.
func (e Estimate) fact() *events.GoalEstimate {
	return &events.GoalEstimate{
		Tasks: e.Tasks, Known: e.Known, Runs: e.Runs, Seconds: int64(math.Ceil(e.Seconds)), CostNanos: events.Nanos(e.Cost), LowNanos: events.Nanos(e.CostLow),
		HighNanos: events.Nanos(e.CostHigh), Unpriced: e.Unpriced, ChancePermille: int(math.Round(1000 * e.Chance)),
	}
}

// estimated tells what a plan will take, and gives each task that has none an estimate of its own by the runs of such tasks.
func (p *planner) estimated(ctx context.Context, workspace string, plan *commands.PlanGoal) error {
	like := &alikes{r: p.models.In(workspace)}
	rows := make([]projections.GoalTaskRow, len(plan.Tasks))
	for i, t := range plan.Tasks {
		rows[i] = projections.GoalTaskRow{Task: t.Task, Title: t.Title, Question: t.Question, DependsOn: t.DependsOn, Team: t.Team}
		if t.Question != "" {
			continue
		}
		runs, err := like.task(ctx, taskLabel(t), t.Team)
		if err != nil {
			return err
		}
		if !runs.enough() {
			continue
		}
		plan.Tasks[i].EstimateSeconds = cmp.Or(t.EstimateSeconds, int64(math.Ceil(runs.seconds)))
		plan.Tasks[i].EstimateNanos = cmp.Or(t.EstimateNanos, events.Nanos(math.Round(runs.mean)))
	}
	e, err := estimate(ctx, like, rows)
	plan.Estimate = e.fact()
	return err
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

// longest is the time of the longest chain of tasks.
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
		known[task] = 0 // a plan that nobody has looked at may go in a circle
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

package analysts_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/cost"
	"github.com/virtuous6/virtuous6/analysts/performance"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// demands tells how well changes are detected, whom another mix of tasks is held against, and how often budgets end when it was said.
func demands(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	fmt.Fprint(b, "\n## Changes, mixes of tasks, budgets\n\n| what | demanded | measured |\n|---|---|---|\n")
	row := func(what, demanded, measured string, holds bool) {
		fmt.Fprintf(b, "| %s | %s | %s |\n", what, demanded, measured)
		if !holds {
			t.Errorf("%s: %s, demanded %s", what, measured, demanded)
		}
	}
	for _, c := range []struct{ was, most float64 }{{.9, 80}, {.8, 1.5 * 72}, {.7, 1.5 * 83}, {.6, 1.5 * 90}} {
		delay := medianDelay(c.was)
		row(fmt.Sprintf("median runs until a drop by 15 points from %.1f is told, after 300 runs", c.was), fmt.Sprintf("at most %.0f", c.most), fmt.Sprint(delay), float64(delay) <= c.most)
	}
	between := runsBetweenAlarms()
	row("runs between two false alarms of a drop", "at least 10,000", fmt.Sprintf("%.0f or more", between), between >= 10_000)
	flagged, agents := mixShifts(t)
	row("agents that are held to do worse for another mix of tasks alone", "at most 1%", fmt.Sprintf("%d of %d", flagged, agents), 100*flagged <= agents)
	covered, months := exhaustion()
	row("budgets that end within the 80% interval of the forecast", "75 to 85%", fmt.Sprintf("%.0f%% of %d months", 100*float64(covered)/float64(months), months),
		float64(covered) >= .75*float64(months) && float64(covered) <= .85*float64(months))
}

// medianDelay is how many runs it takes for a drop to be told.
func medianDelay(was float64) int {
	var delays []int
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 21))
		var d stats.Detector
		for i := range 2000 {
			rate := was
			if i >= 300 {
				rate -= .15
			}
			if _, level := d.Add(0, rng.Float64() < rate); i >= 300 && level >= stats.DetectorAlarm {
				delays = append(delays, i-299)
				break
			}
		}
	}
	slices.Sort(delays)
	return delays[len(delays)/2]
}

// runsBetweenAlarms is how many runs without a change there are for each alarm.
func runsBetweenAlarms() float64 {
	runs, alarms := 0, 0
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 22))
		var d stats.Detector
		for range 5000 {
			runs++
			if _, level := d.Add(0, rng.Float64() < .8); level >= stats.DetectorAlarm {
				alarms++
				d = stats.Detector{}
			}
		}
	}
	return float64(runs) / math.Max(1, float64(alarms))
}

// mixShifts counts the agents that are claimed to do worse, or better, where only their tasks came in another mix.
func mixShifts(t *testing.T) (flagged, agents int) {
	t.Helper()
	rates := []float64{.95, .8, .6, .4}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 23))
		v := performance.View{Versions: map[string][]projections.AgentVersionRow{}}
		for i := range 6000 {
			task := min(rng.IntN(len(rates)), rng.IntN(len(rates)))
			if agent := i % 10; i > 3000 && agent < 5 {
				task = len(rates) - 1 - task // hard ones, from now on
			}
			n := uint64(10*i + 1)
			v.Runs = append(v.Runs, performance.Run{
				Name: fmt.Sprint("r", i), Workflow: "w", Task: fmt.Sprint("task ", task), Agent: fmt.Sprint("agent ", i%10), Good: rng.Float64() < rates[task], First: n, Last: n + 5,
			})
		}
		held := map[string]bool{}
		for _, f := range performance.New().Propose(v).Findings {
			if f.Strength.Claims() && (f.Kind == performance.Peers || f.Kind == performance.Degraded) {
				held[f.Subject[1]] = true
			}
		}
		flagged, agents = flagged+len(held), agents+10
	}
	return flagged, agents
}

// exhaustion counts the months of which the day on which the budget was used up lay within the interval that was foretold: with weekends,
// trends of weeks and bursts.
func exhaustion() (covered, months int) {
	first := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	const known, horizon = 56, 60
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 24))
		level, spent := 0.0, make([]float64, known+horizon)
		for i := range spent {
			level = .8*level + .15*rng.NormFloat64()
			spent[i] = math.Exp(level + .4*rng.NormFloat64())
			if i%7 >= 5 {
				spent[i] *= .3
			}
		}
		var v cost.View
		for i := range known { // the last one is the first of the month
			v.Spent = append(v.Spent, cost.Day{Day: first.AddDate(0, 0, i-known+1).Format(time.DateOnly), Nanos: 1e9 * spent[i]})
		}
		left := 8 + 12*rng.Float64()
		v.Budgets = []projections.BudgetRow{{Budget: "all", Period: events.Monthly, LimitNanos: events.Nanos(1e9 * (left + spent[known-1]))}}
		when, rest := float64(horizon), left
		for i := known; i < len(spent); i++ {
			if rest <= spent[i] {
				when = float64(i-known) + rest/spent[i]
				break
			}
			rest -= spent[i]
		}
		for _, f := range cost.New().Propose(v).Findings {
			if f.Kind == cost.BudgetEnds {
				months++
				if f.Evidence.Low <= when && when <= f.Evidence.High {
					covered++
				}
			}
		}
	}
	return covered, months
}

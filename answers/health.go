package answers

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/projections"
)

// Condition is how well the whole system or an agent works, from 0 to 100: what its worst part is at.
type Condition struct {
	// Name is the agent's, empty for the whole system.
	Name string `json:"name,omitempty"`
	// Score is the estimate and Low its lower bound (95%), -1 where nothing tells.
	Score int64 `json:"score"`
	Low   int64 `json:"low"`
	// Worst names the part that the score is of.
	Worst string `json:"worst,omitempty"`
	Parts []Part `json:"parts"`
}

// Part is one side of a condition.
type Part struct {
	Name  string `json:"name"`
	Score int64  `json:"score"`
	Low   int64  `json:"low"`
	// Says tells the figures that it is made of.
	Says string `json:"says"`
}

// Conditions are those of the whole system and of its agents in the seven days up to a day, the worst agent first. Times are held
// against the four weeks before. Behind counts the events of the log that the read models have not seen.
func Conditions(ctx context.Context, r projections.Reader, day time.Time, behind uint64) (whole Condition, agents []Condition, err error) {
	last := day.UTC().Truncate(24 * time.Hour)
	date := func(days int) string { return last.AddDate(0, 0, days).Format(time.DateOnly) }
	now, err := r.Report(ctx, projections.MetricsFilter{Since: date(-6), Until: date(0)})
	if err != nil {
		return whole, nil, err
	}
	before, err := r.Report(ctx, projections.MetricsFilter{Since: date(-34), Until: date(-7)})
	if err != nil {
		return whole, nil, err
	}
	budgets, err := r.Budgets(ctx)
	if err != nil {
		return whole, nil, err
	}
	parts := partsOf(now.Metrics, before.Metrics)
	period := record{since: last.AddDate(0, 0, -6), until: last.AddDate(0, 0, 1)}
	for _, b := range budgets {
		p := Part{Name: "budget " + b.Budget, Score: 100, Low: 100, Says: b.Says()}
		if b.Starting != "" && b.Reached > 0 {
			p.Says += fmt.Sprintf(", %d%% reached in the period since %s", b.Reached, b.Starting)
		}
		if period.reached(b) {
			p.Score, p.Low, p.Says = 0, 0, fmt.Sprintf("%s%s, reached on %s", b.Limits(), b.Per(), b.Exhausted)
		}
		parts = append(parts, p)
	}
	parts = append(parts, Part{Name: "lag", Score: lagScore(behind), Low: lagScore(behind), Says: fmt.Sprintf("read models are %d events behind the log", behind)})
	whole = conditionOf("", parts)
	for _, name := range slices.Sorted(maps.Keys(now.ByAgent)) {
		agents = append(agents, conditionOf(name, partsOf(now.ByAgent[name], before.ByAgent[name])))
	}
	slices.SortStableFunc(agents, func(a, b Condition) int { return cmp.Compare(a.Low, b.Low) })
	return whole, agents, nil
}

// lagScore falls by a point for each thousand events.
func lagScore(behind uint64) int64 { return 100 - int64(min(100, behind/1000)) }

// conditionOf takes the worst part, by its estimate.
func conditionOf(name string, parts []Part) Condition {
	c := Condition{Name: name, Score: -1, Low: -1, Parts: parts}
	for _, p := range parts {
		if c.Score < 0 || p.Score < c.Score || p.Score == c.Score && p.Low < c.Low {
			c.Score, c.Low, c.Worst = p.Score, p.Low, p.Name
		}
	}
	return c
}

// partsOf are success, errors and time. A part that nothing is known of is left out.
func partsOf(now, before projections.Metrics) []Part {
	var parts []Part
	proportion := func(name string, good, of int64, says string) {
		if of > 0 {
			parts = append(parts, Part{Name: name, Score: 100 * good / of, Low: int64(100 * stats.Wilson(good, of, confidence).Low), Says: says})
		}
	}
	rated := now.Succeeded + now.Failed
	proportion("success", now.Succeeded, rated, fmt.Sprintf("%d of %d runs", now.Succeeded, rated))
	proportion("errors", now.Steps-now.FailedSteps, now.Steps, fmt.Sprintf("%d of %d steps failed", now.FailedSteps, now.Steps))
	if p, q := now.Duration.P95, before.Duration.P95; p != nil && q != nil && *p > 0 && *q > 0 {
		score := int64(100 * min(1, *q / *p))
		parts = append(parts, Part{Name: "time", Score: score, Low: score, Says: fmt.Sprintf("p95 %.1f s, %.1f s in the four weeks before", *p, *q)})
	}
	return parts
}

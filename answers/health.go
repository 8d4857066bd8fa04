package answers

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/projections"
)

// Condition is how well the whole system or an agent works, from 0 to 100: what its worst part is at.
type Condition struct {
	// Name is the agent's, empty for the whole system.
	Name string `json:"name,omitempty"`
	// Score is the estimate, Low and High are its bounds (95%), -1 where nothing tells.
	Score int64 `json:"score"`
	Low   int64 `json:"low"`
	High  int64 `json:"high"`
	// Worst names the part that the score is of.
	Worst string `json:"worst,omitempty"`
	Parts []Part `json:"parts"`
}

// Part is one side of a condition.
type Part struct {
	Name  string `json:"name"`
	Score int64  `json:"score"`
	Low   int64  `json:"low"`
	High  int64  `json:"high"`
	// Says tells the figures that it is made of.
	Says string `json:"says"`
}

// Conditions are those of the whole system and of its agents in the seven days up to a day, or where there is no day in all of a
// history without times, the worst agent first. Times are held against the four weeks before. Behind counts the events of the log that the read models have not seen.
func Conditions(ctx context.Context, r projections.Reader, day time.Time, behind uint64) (whole Condition, agents []Condition, err error) {
	last := day.UTC().Truncate(24 * time.Hour)
	since := last.AddDate(0, 0, -6)
	if day.IsZero() {
		since = day
	}
	now, err := r.Report(ctx, filter(since, last))
	if err != nil {
		return whole, nil, err
	}
	var before projections.Report
	if !day.IsZero() {
		if before, err = r.Report(ctx, filter(last.AddDate(0, 0, -34), last.AddDate(0, 0, -7))); err != nil {
			return whole, nil, err
		}
	}
	budgets, err := r.Budgets(ctx)
	if err != nil {
		return whole, nil, err
	}
	parts := partsOf(now.Metrics, before.Metrics)
	period := record{since: last.AddDate(0, 0, -6), until: last.AddDate(0, 0, 1)}
	ofAgent := map[string][]Part{}
	for _, b := range budgets {
		p := Part{Name: "budget " + b.Budget, Score: 100, Low: 100, High: 100, Says: b.Says()}
		if b.Starting != "" && b.Reached > 0 {
			p.Says += fmt.Sprintf(", %d%% reached in the period since %s", b.Reached, b.Starting)
		}
		if period.reached(b) {
			p.Score, p.Low, p.High, p.Says = 0, 0, 0, fmt.Sprintf("%s%s, reached on %s", b.Limits(), b.Per(), b.Exhausted)
		}
		if name, ok := strings.CutPrefix(b.Budget, "agent:"); ok {
			ofAgent[name] = append(ofAgent[name], p)
		}
		parts = append(parts, p)
	}
	queue, err := queueOf(ctx, r)
	if err != nil {
		return whole, nil, err
	}
	parts = append(parts, queue...)
	parts = append(parts, Part{Name: "lag", Score: lagScore(behind), Low: lagScore(behind), High: lagScore(behind), Says: fmt.Sprintf("read models are %d events behind the log", behind)})
	if whole = conditionOf("", parts); now.Runs == 0 && whole.Score == 100 {
		whole.Score, whole.Low, whole.High, whole.Worst = -1, -1, -1, "" // that nothing is wrong with what did not run tells nothing
	}
	for _, name := range slices.Sorted(maps.Keys(now.ByAgent)) {
		agents = append(agents, conditionOf(name, append(partsOf(now.ByAgent[name], before.ByAgent[name]), ofAgent[name]...)))
	}
	// Who surely does badly comes before who was hardly seen.
	slices.SortStableFunc(agents, func(a, b Condition) int { return cmp.Or(cmp.Compare(a.High, b.High), cmp.Compare(a.Score, b.Score)) })
	return whole, agents, nil
}

// queueOf tells how many of the runs under way wait: for a budget, for a person's approval of a call, or for their first step, for which there was no place
// yet. It is empty where none is under way. What waits between two steps for a place at a provider only the server knows (`/metrics`).
func queueOf(ctx context.Context, r projections.Reader) ([]Part, error) {
	approvals, err := r.Approvals(ctx, projections.ApprovalAsked)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for i := range approvals {
		asked[approvals[i].Run] = true
	}
	var running, budget, approval, place int64
	for row, err := range r.Runs(ctx, projections.RunFilter{Outcome: projections.Running}) {
		if err != nil {
			return nil, err
		}
		running++
		switch {
		case row.Suspended != "":
			budget++
		case asked[row.Run]:
			approval++
		case row.Source == "" && row.Steps == 0:
			place++
		}
	}
	if running == 0 {
		return nil, nil
	}
	score := 100 * (running - budget - approval - place) / running
	return []Part{{Name: "queue", Score: score, Low: score, High: score, Says: fmt.Sprintf("%s under way; of these wait %d for a budget, %d for an approval, %d for their first step",
		english.Plural(int(running), "run", "runs"), budget, approval, place)}}, nil
}

// lagScore falls by a point for each thousand events.
func lagScore(behind uint64) int64 { return 100 - int64(min(100, behind/1000)) }

// conditionOf takes the worst part, by its estimate.
func conditionOf(name string, parts []Part) Condition {
	c := Condition{Name: name, Score: -1, Low: -1, High: -1, Parts: parts}
	for _, p := range parts {
		if c.Score < 0 || p.Score < c.Score || p.Score == c.Score && p.Low < c.Low {
			c.Score, c.Low, c.High, c.Worst = p.Score, p.Low, p.High, p.Name
		}
	}
	return c
}

// partsOf are success, errors and time. A part that nothing is known of, or too little, is left out.
func partsOf(now, before projections.Metrics) []Part {
	var parts []Part
	proportion := func(name string, good, of int64, says string) {
		if of > 0 {
			i := stats.Wilson(good, of, confidence)
			parts = append(parts, Part{Name: name, Score: 100 * good / of, Low: int64(100 * i.Low), High: int64(math.Ceil(100 * i.High)), Says: says})
		}
	}
	rated := now.Succeeded + now.Failed
	proportion("success", now.Succeeded, rated, fmt.Sprintf("%d of %s", now.Succeeded, english.Plural(int(rated), "run", "runs")))
	proportion("errors", now.Steps-now.FailedSteps, now.Steps, fmt.Sprintf("%d of %s failed", now.FailedSteps, english.Plural(int(now.Steps), "step", "steps")))
	if p, q := now.Duration, before.Duration; p.P95Low != nil && q.P95Low != nil && *p.P95Low > 0 {
		of := func(q, p float64) int64 { return int64(100 * min(1, q/p)) }
		parts = append(parts, Part{
			Name: "time", Score: of(*q.P95, *p.P95), Low: of(*q.P95Low, *p.P95High), High: of(*q.P95High, *p.P95Low),
			Says: fmt.Sprintf("p95 %s, %s in the four weeks before", lasting(*p.P95), lasting(*q.P95)),
		})
	}
	return parts
}

package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// stepGroup adds up the steps of one name.
type stepGroup struct {
	StepStat
	durations []int64
	lastRun   string
}

// StepStats implements Reader.
func (r *reader) StepStats(ctx context.Context) ([]StepStat, error) {
	s, _, err := snapshot(ctx, r.engine, r.shape)
	if err != nil {
		return nil, fmt.Errorf("read step statistics: %w", err)
	}
	defer s.Close()
	type name struct{ workflow, step string }
	groups := make(map[name]*stepGroup)
	q := Query{
		Table: &stepTable.Table,
		Columns: []string{
			"run", "workflow", "name", "outcome", "duration_ns", "input_tokens", "output_tokens", "cost_nanos", "position",
		},
		// The steps of a run come together, so that runs can be counted.
		Order: ascending("run", "step"),
	}
	err = s.Scan(&q, func(src Source) error {
		n := name{src.Symbol(1), src.Symbol(2)}
		g := groups[n]
		if g == nil {
			g = &stepGroup{StepStat: StepStat{Workflow: n.workflow, Name: n.step}}
			groups[n] = g
		}
		g.add(src)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read step statistics: %w", err)
	}
	stats := make([]StepStat, 0, len(groups))
	for _, g := range groups {
		stats = append(stats, g.finish())
	}
	slices.SortFunc(stats, func(a, b StepStat) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Name, b.Name))
	})
	return stats, nil
}

func (g *stepGroup) add(src Source) {
	position := uint64(src.Int(8))
	if g.Steps == 0 {
		g.FirstPosition = position
	}
	g.FirstPosition = min(g.FirstPosition, position)
	g.LastPosition = max(g.LastPosition, position)
	if run := src.Symbol(0); g.Steps == 0 || run != g.lastRun {
		g.Runs++
		g.lastRun = run
	}
	g.Steps++
	if events.Outcome(src.Symbol(3)) == events.Failed {
		g.Failed++
	}
	if d := src.Int(4); d >= 0 {
		g.Timed++
		g.TotalNS = saturate(g.TotalNS, d)
		g.durations = append(g.durations, d)
	}
	g.InputTokens = saturate(g.InputTokens, src.Int(5))
	g.OutputTokens = saturate(g.OutputTokens, src.Int(6))
	g.CostNanos = saturate(g.CostNanos, events.Nanos(src.Int(7)))
}

func (g *stepGroup) finish() StepStat {
	if len(g.durations) > 0 {
		slices.Sort(g.durations)
		g.P50NS, g.P95NS = quantile(g.durations, 50), quantile(g.durations, 95)
	}
	return g.StepStat
}

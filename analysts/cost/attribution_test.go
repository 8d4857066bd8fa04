package cost_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/cost"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type reader struct {
	projections.Reader
	runs []projections.RunSteps
}

func (r reader) RunSteps(context.Context, string) iter.Seq2[projections.RunSteps, error] {
	return func(yield func(projections.RunSteps, error) bool) {
		for _, run := range r.runs {
			if !yield(run, nil) {
				return
			}
		}
	}
}

// Each way of dividing the costs adds up to the same total, to the nano-dollar, whatever is without a name.
func TestEachListAddsUpToTheTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var r reader
		var want events.Cost
		name := rapid.SampledFrom([]string{"", "a", "b"})
		for range rapid.IntRange(0, 8).Draw(t, "runs") {
			run := projections.RunSteps{Run: projections.RunRow{Workflow: name.Draw(t, "workflow"), Requester: name.Draw(t, "requester")}}
			var unpriced int64
			for range rapid.IntRange(0, 4).Draw(t, "steps") {
				s := projections.StepRow{
					Agent: name.Draw(t, "agent"), Model: name.Draw(t, "model"), Tool: name.Draw(t, "tool"),
					CostNanos: events.Nanos(rapid.Int64Range(0, 1e12).Draw(t, "cost")), InputTokens: rapid.Int64Range(0, 9).Draw(t, "in"), Unpriced: rapid.Bool().Draw(t, "unpriced"),
				}
				if rapid.Bool().Draw(t, "timed") {
					s.EndedAt = time.Date(2026, 1, 1+rapid.IntRange(0, 3).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
				}
				want = want.Plus(s.Spent())
				unpriced += s.Spent().UnpricedCalls
				run.Steps = append(run.Steps, s)
			}
			beside := rapid.Int64Range(0, 2).Draw(t, "calls in no step")
			want.UnpricedCalls += beside
			run.Run.UnpricedCalls = unpriced + beside
			r.runs = append(r.runs, run)
		}
		a, err := cost.Attribute(t.Context(), r)
		if err != nil || a.Total.Cost != want {
			t.Fatalf("%v of %v: %v", a.Total, want, err)
		}
		for i, list := range [][]cost.Sum{a.Agent, a.Workflow, a.Model, a.Tool, a.Requester, a.Day} {
			var sum cost.Sum
			for _, s := range list {
				sum.Cost, sum.Calls, sum.InputTokens = sum.Plus(s.Cost), sum.Calls+s.Calls, sum.InputTokens+s.InputTokens
			}
			if sum.Cost != want || sum.Calls != a.Total.Calls || sum.InputTokens != a.Total.InputTokens {
				t.Fatalf("list %d adds up to %+v, total %+v", i, sum, a.Total)
			}
		}
	})
}

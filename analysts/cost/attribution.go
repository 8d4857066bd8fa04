package cost

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Sum is what one agent, workflow, ... cost.
type Sum struct {
	Name  string `json:"name"`
	Calls int64  `json:"calls"`
	// InputTokens are all that went in, CachedTokens those of them that came out of a prompt cache.
	InputTokens  int64 `json:"input_tokens"`
	CachedTokens int64 `json:"cached_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	// The cost is exact; CostUSD is the same in dollars, beside what Unpriced calls cost, which nobody knows.
	events.Cost `json:"-"`
	CostUSD     string `json:"cost_usd"`
	Unpriced    int64  `json:"unpriced_calls"`
}

// Attribution is what all steps cost, each way of dividing it, the greatest first. Each list adds up to Total.
type Attribution struct {
	Total     Sum   `json:"total"`
	Agent     []Sum `json:"by_agent"`
	Workflow  []Sum `json:"by_workflow"`
	Model     []Sum `json:"by_model"`
	Tool      []Sum `json:"by_tool"`
	Requester []Sum `json:"by_requester"`
	Day       []Sum `json:"by_day"`
}

// Attribute adds up what the steps cost, and the calls in no step of which nobody knows it. Days are of the steps' ends (UTC), in
// their order.
func Attribute(ctx context.Context, r projections.Reader) (Attribution, error) {
	var a Attribution
	by := map[string]map[string]*Sum{}
	add := func(run *projections.RunRow, s *projections.StepRow) {
		day := ""
		if !s.EndedAt.IsZero() {
			day = s.EndedAt.UTC().Format(dayLayout)
		}
		a.Total.add(s)
		for part, name := range map[string]string{
			"agent": s.Agent, "workflow": run.Workflow, "model": s.Model, "tool": s.Tool, "requester": run.Requester, "day": day,
		} {
			if by[part] == nil {
				by[part] = map[string]*Sum{}
			}
			sum := by[part][name]
			if sum == nil {
				sum = &Sum{Name: name}
				by[part][name] = sum
			}
			sum.add(s)
		}
	}
	for run, err := range r.RunSteps(ctx, "") {
		if err != nil {
			return a, fmt.Errorf("add up costs: %w", err)
		}
		inNone := run.Run.UnpricedCalls
		for i := range run.Steps {
			s := &run.Steps[i]
			if s.Unpriced {
				inNone--
			}
			if s.Unpriced || s.Model != "" || s.CostNanos != 0 || s.InputTokens != 0 || s.OutputTokens != 0 {
				add(&run.Run, s)
			}
		}
		if inNone > 0 {
			beside := projections.StepRow{Unpriced: true, EndedAt: run.Run.EndedAt}
			if len(run.Run.Agents) == 1 {
				beside.Agent = run.Run.Agents[0] // nobody else was there to call
			}
			if len(run.Run.Models) == 1 {
				beside.Model = run.Run.Models[0]
			}
			for range inNone {
				add(&run.Run, &beside)
			}
		}
	}
	a.Total.told()
	list := func(part string) []Sum {
		sums := make([]Sum, 0, len(by[part]))
		for _, s := range by[part] {
			s.told()
			sums = append(sums, *s)
		}
		slices.SortFunc(sums, func(x, y Sum) int {
			if part == "day" {
				return cmp.Compare(x.Name, y.Name)
			}
			return cmp.Or(cmp.Compare(y.CostNanos, x.CostNanos), cmp.Compare(y.Calls, x.Calls), cmp.Compare(x.Name, y.Name))
		})
		return sums
	}
	a.Agent, a.Workflow, a.Model, a.Tool, a.Requester, a.Day = list("agent"), list("workflow"), list("model"), list("tool"), list("requester"), list("day")
	return a, nil
}

// told writes the cost down as JSON has it.
func (s *Sum) told() { s.CostUSD, s.Unpriced = s.CostNanos.String(), s.UnpricedCalls }

func (s *Sum) add(step *projections.StepRow) {
	s.Calls++
	s.InputTokens = events.Add(s.InputTokens, step.InputTokens)
	s.CachedTokens = events.Add(s.CachedTokens, step.CachedTokens)
	s.OutputTokens = events.Add(s.OutputTokens, step.OutputTokens)
	s.Cost = s.Cost.Plus(step.Spent())
}

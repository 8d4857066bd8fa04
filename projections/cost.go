package projections

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// costKey is the key of llm_costs.
type costKey struct{ day, workflow, agent, model string }

var costTable = of("llm_costs", spec[costKey, CostRow]{
	key: func(r *CostRow) costKey { return costKey{r.Day, r.Workflow, r.Agent, r.Model} },
	fresh: func(k costKey) CostRow {
		return CostRow{
			Day: k.day, Workflow: strings.Clone(k.workflow), Agent: strings.Clone(k.agent), Model: strings.Clone(k.model),
		}
	},
	weigh: func(*CostRow) int { return 64 },
	columns: []column[CostRow]{
		key(symbol("day", func(r *CostRow) *string { return &r.Day })),
		key(symbol("workflow", func(r *CostRow) *string { return &r.Workflow })),
		key(symbol("agent", func(r *CostRow) *string { return &r.Agent })),
		key(symbol("model", func(r *CostRow) *string { return &r.Model })),
		integer("calls", func(r *CostRow) *int64 { return &r.Calls }),
		integer("input_tokens", func(r *CostRow) *int64 { return &r.InputTokens }),
		integer("output_tokens", func(r *CostRow) *int64 { return &r.OutputTokens }),
		integer("cached_tokens", func(r *CostRow) *int64 { return &r.CachedTokens }),
		integer("cost_nanos", func(r *CostRow) *events.Nanos { return &r.CostNanos }),
	},
})

// foldCost keeps llm_costs: every step that names a model, used tokens or cost money is a call, so that the ledger
// and the steps have the same sums.
func foldCost(w *workingSet, f *fact) error {
	e, ok := f.Event.(events.RunStepFinished)
	if !ok || f.step.Model == "" && e.InputTokens == 0 && e.OutputTokens == 0 && e.CostNanos == 0 {
		return nil
	}
	r, err := w.costs.row(costKey{f.day, f.step.Workflow, f.step.Agent, f.step.Model})
	if err != nil {
		return err
	}
	r.Calls++
	r.InputTokens = saturate(r.InputTokens, e.InputTokens)
	r.OutputTokens = saturate(r.OutputTokens, e.OutputTokens)
	r.CachedTokens = saturate(r.CachedTokens, e.CachedTokens)
	r.CostNanos = saturate(r.CostNanos, e.CostNanos)
	return nil
}

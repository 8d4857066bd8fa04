package projections

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// costKey is the key of llm_costs.
type costKey struct{ day, workflow, agent, model, workspace string }

var costTable = readmodel.NewTable("llm_costs", readmodel.TableOf[costKey, CostRow]{
	Key: func(r *CostRow) costKey { return costKey{r.Day, r.Workflow, r.Agent, r.Model, r.Workspace} },
	Fresh: func(k costKey, r *CostRow) {
		r.Day, r.Workflow, r.Agent, r.Model = k.day, strings.Clone(k.workflow), strings.Clone(k.agent), strings.Clone(k.model)
		r.Workspace = strings.Clone(k.workspace)
	},
	Weigh: func(*CostRow) int { return 64 },
	Row: []readmodel.ColumnOf[CostRow]{
		readmodel.Key(readmodel.Symbol("day", func(r *CostRow) *string { return &r.Day })),
		readmodel.Key(readmodel.Symbol("workflow", func(r *CostRow) *string { return &r.Workflow })),
		readmodel.Key(readmodel.Symbol("agent", func(r *CostRow) *string { return &r.Agent })),
		readmodel.Key(readmodel.Symbol("model", func(r *CostRow) *string { return &r.Model })),
		workspaceKey(func(r *CostRow) *string { return &r.Workspace }),
		readmodel.Int("calls", func(r *CostRow) *int64 { return &r.Calls }),
		readmodel.Int("input_tokens", func(r *CostRow) *int64 { return &r.InputTokens }),
		readmodel.Int("output_tokens", func(r *CostRow) *int64 { return &r.OutputTokens }),
		readmodel.Int("cached_tokens", func(r *CostRow) *int64 { return &r.CachedTokens }),
		money("cost_nanos", func(r *CostRow) *events.Nanos { return &r.CostNanos }),
		readmodel.Int("unpriced_calls", func(r *CostRow) *int64 { return &r.UnpricedCalls }),
	},
})

// costs keeps llm_costs: every step that names a model, used tokens or cost money, known or not, is a call, so that the ledger and
// the steps have the same sums.
var costs = readmodel.Projection{
	Name: "costs", Version: 2, Tables: []readmodel.AnyTable{costTable},
	Lists: []readmodel.List{costTable.List(readmodel.List{
		Name: "costs", Help: "What models cost, by day, workflow, agent and model", Order: readmodel.Ascending("day", "workflow", "agent", "model"),
		Filters: []readmodel.Filter{
			{Column: "day", Help: "Only this UTC day, such as 2026-11-22."}, {Column: "workflow", Help: "Only this workflow."},
			{Column: "agent", Help: "Only this agent."}, {Column: "model", Help: "Only this model."},
		},
	})},
	Bind: bindCosts,
}

func bindCosts(w *readmodel.WorkingSet) readmodel.Fold {
	costs, run := costTable.In(w), factOfRun.In(w)
	return func(f *readmodel.Fact) error { return foldCost(costs, run, f) }
}

func foldCost(costs *readmodel.Cache[costKey, CostRow], run *runFact, f *readmodel.Fact) error {
	e, ok := f.Event.(events.RunStepFinished)
	if !ok || run.step.Model == "" && e.InputTokens == 0 && e.OutputTokens == 0 && e.CostNanos == 0 && !e.Unpriced {
		return nil
	}
	r, err := costs.Row(costKey{run.day, run.step.Workflow, run.step.Agent, run.step.Model, f.Workspace})
	if err != nil {
		return err
	}
	r.Calls++
	r.InputTokens = events.Add(r.InputTokens, e.InputTokens)
	r.OutputTokens = events.Add(r.OutputTokens, e.OutputTokens)
	r.CachedTokens = events.Add(r.CachedTokens, e.CachedTokens)
	r.Cost = r.Cost.Plus(e.Cost())
	return nil
}

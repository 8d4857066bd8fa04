package cost

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// View is all that the cost analyst looks at.
type View struct {
	// Runs are the rated runs of one agent and one model, in the order of their first facts.
	Runs []Run
	// Spent is what each day cost, by day (2026-11-22, UTC), without gaps.
	Spent []Day
	// Inputs are the input tokens of each agent with each model on each day, by those.
	Inputs []Input
	// Budgets are the limits, by name; Agents the configurations in the registry.
	Budgets []projections.BudgetRow
	Agents  map[string]events.AgentConfig
	// Position is the log position that was seen.
	Position uint64
}

// Day is what a day cost, in nano-dollars.
type Day struct {
	Day   string
	Nanos float64
}

// Input is what went into a model, and how much of that came from its provider's cache.
type Input struct {
	Agent, Model, Day string
	Tokens, Cached    int64
}

// Run is one run for a comparison of models.
type Run struct {
	Workflow, Task, Agent, Model string
	Good                         bool
	Nanos                        float64
	// Started is when it began, in Unix nanoseconds, 0 where that is not known.
	Started     int64
	First, Last uint64
}

func load(ctx context.Context, r projections.Reader) (View, error) {
	var v View
	var err error
	if v.Position, err = r.Position(ctx); err != nil {
		return v, err
	}
	agents, err := r.Agents(ctx)
	if err != nil {
		return v, fmt.Errorf("load agents: %w", err)
	}
	v.Agents = evidence.ConfigsOf(agents)
	if v.Budgets, err = r.Budgets(ctx); err != nil {
		return v, fmt.Errorf("load budgets: %w", err)
	}
	ledger, err := r.Costs(ctx)
	if err != nil {
		return v, fmt.Errorf("load costs: %w", err)
	}
	v.Spent, v.Inputs = daily(ledger), inputs(ledger)
	runs, err := r.Observations(ctx)
	if err != nil {
		return v, fmt.Errorf("load runs: %w", err)
	}
	v.Runs = make([]Run, 0, len(runs))
	for _, o := range runs {
		// Where several took part, nobody can say whose doing the end was; where a price is missing, what it cost.
		if len(o.Agents) != 1 || len(o.Models) != 1 || !o.Whole() || o.Result() != events.Succeeded && o.Result() != events.Failed {
			continue
		}
		v.Runs = append(v.Runs, Run{
			Workflow: o.Workflow, Task: o.Task, Agent: o.Agents[0], Model: o.Models[0], Good: o.Result() == events.Succeeded,
			Nanos: float64(o.CostNanos), First: o.FirstPosition, Last: o.LastPosition, Started: o.Started,
		})
	}
	return v, nil
}

// inputs sums the ledger by agent, model and day.
func inputs(ledger []projections.CostRow) []Input {
	sums := map[Input]*Input{}
	for i := range ledger {
		row := &ledger[i]
		if dayOf(row.Day).IsZero() || row.InputTokens == 0 {
			continue
		}
		k := Input{Agent: row.Agent, Model: row.Model, Day: row.Day}
		if sums[k] == nil {
			sums[k] = &Input{Agent: row.Agent, Model: row.Model, Day: row.Day}
		}
		sums[k].Tokens, sums[k].Cached = events.Add(sums[k].Tokens, row.InputTokens), events.Add(sums[k].Cached, row.CachedTokens)
	}
	all := make([]Input, 0, len(sums))
	for _, in := range sums {
		all = append(all, *in)
	}
	slices.SortFunc(all, func(a, b Input) int {
		return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Day, b.Day))
	})
	return all
}

// daily sums the ledger by day. Days without a call between the first and the last cost nothing.
func daily(ledger []projections.CostRow) []Day {
	sums := map[string]float64{}
	var days []string
	for i := range ledger {
		d := ledger[i].Day
		if dayOf(d).IsZero() {
			continue // a call without a time is of no day
		}
		if _, ok := sums[d]; !ok {
			days = append(days, d)
		}
		sums[d] += float64(ledger[i].CostNanos)
	}
	if len(days) == 0 {
		return nil
	}
	slices.Sort(days)
	var all []Day
	for d := dayOf(days[0]); ; d = d.AddDate(0, 0, 1) {
		name := d.Format(dayLayout)
		all = append(all, Day{name, sums[name]})
		if name >= days[len(days)-1] || len(all) == maxDays {
			return all
		}
	}
}

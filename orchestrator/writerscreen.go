package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// mostAsked bounds how many runs of a dataset each candidate is asked.
const mostAsked = 50

// screen asks the recorded runs of a dataset of each candidate, where the agent has one, and drops what they show to be worse and what another one beats
// at every run. Where budgets let it not be asked, that is told, and the candidates go on to be tried as what no eval was held on.
func (w writer) screen(ctx context.Context, a managers.Answer, now aggregates.Agent, kept []candidate, fact *events.RoleAnswered) ([]candidate, error) {
	name, at, items, err := w.dataset(ctx, a.Workspace, a.Asked.Agent)
	if err != nil || len(items) == 0 || len(kept) == 0 {
		return kept, err
	}
	found, err := w.evaluate(ctx, a, now, kept, name, at, items)
	if errors.Is(err, aggregates.ErrBudget) || errors.Is(err, ErrUnpriced) {
		fact.Refused = append(fact.Refused, events.RoleRefusal{Reason: "no eval was held: " + err.Error()})
		return kept, nil
	}
	if err != nil {
		return nil, err
	}
	against := make([]*events.EvalAgainst, len(kept))
	for i := range found {
		fact.Evals = append(fact.Evals, found[i].Eval)
		against[i] = found[i].Against
	}
	front := evals.Front(against)
	var on []candidate
	for i, k := range kept {
		refusal := events.RoleRefusal{Candidate: k.number}
		switch x := against[i]; {
		case x.High < 0:
			refusal.Reason = fmt.Sprintf("eval %s shows it to be worse", found[i].Eval)
		case !slices.Contains(front, i):
			refusal.Reason = fmt.Sprintf("another one does better at every run of %s", name)
		default:
			on = append(on, k)
			continue
		}
		fact.Refused = append(fact.Refused, refusal)
	}
	return on, nil
}

// dataset is the one with the most runs of an agent, up to mostAsked of them, with its version. What only a judge could tell is left out: nobody measured
// whether it may decide.
func (w writer) dataset(ctx context.Context, workspace, agent string) (name string, at uint64, items []evals.Item, err error) {
	rows, err := w.runs.Models.In(workspace).Datasets(ctx, "")
	if err != nil {
		return "", 0, nil, err
	}
	of := map[string][]projections.DatasetRow{}
	for _, row := range rows {
		run, _, err := w.runs.Models.In(workspace).Run(ctx, row.Run)
		if errors.Is(err, projections.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", 0, nil, err
		}
		row.Checks = slices.DeleteFunc(slices.Clone(row.Checks), func(c events.Check) bool { return c.Kind == events.JudgeCheck })
		if run.Agent == agent && len(row.Checks) > 0 {
			of[row.Dataset] = append(of[row.Dataset], row)
		}
	}
	names := slices.Sorted(maps.Keys(of))
	if len(names) == 0 {
		return "", 0, nil, nil
	}
	name = slices.MaxFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(of[a]), len(of[b])), cmp.Compare(b, a)) })
	for _, row := range of[name] {
		at = max(at, row.Position)
		if len(items) == mostAsked {
			continue
		}
		recording, err := evals.Record(ctx, w.runs.Store, workspace, row.Run)
		if err != nil {
			return "", 0, nil, err
		}
		if item := (evals.Item{Recording: recording, Checks: row.Checks}); !item.Forgotten() {
			items = append(items, item)
		}
	}
	return name, at, items, nil
}

// evaluate asks the runs of the agent as it is, and of each candidate, and keeps what they came to. What was kept already is not asked again.
func (w writer) evaluate(ctx context.Context, a managers.Answer, now aggregates.Agent, kept []candidate, dataset string, at uint64, items []evals.Item) (found []events.EvalFinished, err error) {
	known, err := w.runs.Models.In(a.Workspace).Evals(ctx, a.Asked.Agent)
	if err != nil {
		return nil, err
	}
	asking := w.asking
	asking.Aside = w.aside(a.Workspace, a.Asked.Run+"-eval")
	asker := func(config events.AgentConfig) ([]evals.Compared, error) {
		k, err := asking.Asker(ctx, config)
		if err != nil {
			return nil, err
		}
		return evals.Eval(ctx, items, k, nil, func() {})
	}
	var is []evals.Compared
	for _, k := range kept {
		id := fmt.Sprintf("%s-%d", a.Asked.Run, k.number)
		if i := slices.IndexFunc(known, func(r projections.EvalRow) bool { return r.Eval == id && r.Found.Against != nil }); i >= 0 {
			found = append(found, known[i].Found)
			continue
		}
		if is == nil {
			if is, err = asker(now.Config); err != nil {
				return nil, err
			}
		}
		with, err := asker(k.config)
		if err != nil {
			return nil, err
		}
		for i := range with {
			with[i].Against = &is[i].With
		}
		v := evals.Sum(with)
		fact := events.EvalFinished{
			Eval: id, Agent: a.Asked.Agent, Config: k.config, Dataset: dataset, DatasetAt: at, Runs: v.Runs, Passed: v.Passed, Low: v.Interval.Low, High: v.Interval.High, Confidence: confidence,
			Checks: evals.Counts(items, with), Missed: v.Missed, CostNanos: v.CostNanos, Unpriced: v.Unpriced, By: "analyst:" + events.Writer,
			Against: &events.EvalAgainst{
				Version: a.Asked.Version, Config: now.Config, Passed: v.Paired.Passed, Difference: v.Paired.Difference, Low: v.Paired.Interval.Low, High: v.Paired.Interval.High,
				Gained: v.Paired.Gained, Lost: v.Paired.Lost,
			},
		}
		for i := range with { // what it is compared with was asked once for all
			if len(found) > 0 {
				fact.CostNanos -= with[i].Against.CostNanos
			}
		}
		if _, err := w.runs.Dispatch(ctx, commands.FinishEval{Meta: w.meta(a, 16+k.number), Fact: fact}); err != nil && !errors.Is(err, aggregates.ErrExists) {
			return nil, err
		}
		found = append(found, fact)
	}
	return found, nil
}

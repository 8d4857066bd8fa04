package aggregates_test

import (
	"math"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestFinishEval(t *testing.T) {
	t.Parallel()
	fact := events.EvalFinished{Eval: "e", Agent: "clerk", Dataset: "d", Runs: 4, Passed: 3, Low: .3, High: .95, Confidence: .95, By: "user:anna"}
	changed := func(f func(*events.EvalFinished)) commands.FinishEval {
		other := fact
		f(&other)
		return commands.FinishEval{Fact: other}
	}
	all := scenarios{
		"finished": {when: commands.FinishEval{Fact: fact}, then: []events.Event{fact}},
		"again":    {given: []events.Event{fact}, when: commands.FinishEval{Fact: fact}, err: aggregates.ErrExists},
	}
	for name, wrong := range map[string]func(*events.EvalFinished){
		"no run":                 func(f *events.EvalFinished) { f.Runs, f.Passed = 0, 0 },
		"more passed than ran":   func(f *events.EvalFinished) { f.Passed = 5 },
		"bounds in disorder":     func(f *events.EvalFinished) { f.Low = .96 },
		"no number":              func(f *events.EvalFinished) { f.Low = math.NaN() },
		"sure":                   func(f *events.EvalFinished) { f.Confidence = 1 },
		"a cost below nothing":   func(f *events.EvalFinished) { f.CostNanos = -1 },
		"against no version":     func(f *events.EvalFinished) { f.Against = &events.EvalAgainst{Low: -1, High: 1} },
		"against no number":      func(f *events.EvalFinished) { f.Against = &events.EvalAgainst{Version: 1, Low: math.NaN()} },
		"more good than answers": func(f *events.EvalFinished) { f.Judged = []events.EvalJudged{{Good: 1, High: 1}} },
		"more pass than held":    func(f *events.EvalFinished) { f.Checks = []events.CheckCount{{Kind: events.ExactCheck, Passed: 1}} },
	} {
		all[name] = scenario{when: changed(wrong), err: aggregates.ErrInvalid}
	}
	all.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return changed(func(f *events.EvalFinished) { f.Dataset = name })
	})
}

func TestMeasureJudge(t *testing.T) {
	t.Parallel()
	fact := events.JudgeMeasured{Judge: "j", Agent: "judge", Both: 6, OnlyJudge: 1, Neither: 3, Kappa: .7, Low: .2, High: 1, Base: .6, Confidence: .95, By: "user:anna"}
	changed := func(f func(*events.JudgeMeasured)) commands.MeasureJudge {
		other := fact
		f(&other)
		return commands.MeasureJudge{Fact: other}
	}
	all := scenarios{
		"measured": {when: commands.MeasureJudge{Fact: fact}, then: []events.Event{fact}},
		"again":    {given: []events.Event{fact}, when: commands.MeasureJudge{Fact: fact}, then: []events.Event{fact}},
	}
	for name, wrong := range map[string]func(*events.JudgeMeasured){
		"on no run":          func(f *events.JudgeMeasured) { f.Both, f.OnlyJudge, f.Neither = 0, 0, 0 },
		"on less than none":  func(f *events.JudgeMeasured) { f.OnlyPeople = -1 },
		"bounds in disorder": func(f *events.JudgeMeasured) { f.High = .1 },
		"no number":          func(f *events.JudgeMeasured) { f.Kappa = math.NaN() },
		"a cost below none":  func(f *events.JudgeMeasured) { f.CostNanos = -1 },
	} {
		all[name] = scenario{when: changed(wrong), err: aggregates.ErrInvalid}
	}
	all.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return changed(func(f *events.JudgeMeasured) { f.Agent = name })
	})
}

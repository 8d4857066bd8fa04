package answers_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
)

var livelier = events.AgentConfig{Model: "small", Prompt: "Be lively."}

// tried are the facts of an experiment of a prompt: of each ten conversations one or two get it. It succeeds with refunds only, costs twice as much,
// and each conversation has a second run that always fails.
func tried(at time.Time, conversations int) []any {
	facts := []any{
		"experiment-x", at, events.ExperimentPlanned{Experiment: "x", Agent: "clerk", Change: events.ChangePrompt, Config: livelier},
		"experiment-x", at, events.ExperimentStarted{Share: 200, Level: .01},
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range conversations {
		unit := fmt.Sprint("c", i)
		arm := events.Arm{Experiment: "x", Arm: events.ControlArm, Permille: 800, Unit: unit}
		task, cost, good := [2]string{"refund", "invoice"}[i%2], events.Nanos(1_000_000), r.IntN(2) == 0
		if r.IntN(5) == 0 {
			arm.Arm, arm.Permille, cost, good = events.CandidateArm, 200, 2_000_000, task == "refund"
		}
		for n, outcome := range [2]bool{good, false} {
			run := fmt.Sprintf("r%d-%d", i, n)
			begun := at.Add(time.Duration(2*i+n) * time.Minute)
			end := events.Event(events.RunFailed{Error: "no"})
			if outcome {
				end = events.RunFinished{Outcome: events.Succeeded}
			}
			facts = append(facts,
				"run-"+run, begun, events.RunStarted{Run: run, Workflow: "shop", Task: task},
				"run-"+run, begun, events.RunAssigned{Agent: "clerk", Arms: []events.Arm{arm}},
				"run-"+run, begun, events.RunStepStarted{Step: 0, Name: "answer", Type: events.ToolStep, Agent: "clerk"},
				"run-"+run, begun.Add(3*time.Second), events.RunStepFinished{Step: 0, Outcome: events.Succeeded, CostNanos: cost},
				"run-"+run, begun.Add(3*time.Second), end)
		}
	}
	return facts
}

func TestWhatAChangeWouldHaveDone(t *testing.T) {
	t.Parallel()
	r := read(t, tried(now.AddDate(0, 0, -9), 1000)...)
	other := livelier
	other.Prompt = "Be dull."
	asked := answers.ChangeInQuestion{Agent: "clerk", Kind: events.ChangePrompt, Config: livelier}
	change := func(f func(*answers.ChangeInQuestion)) answers.ChangeInQuestion {
		q := asked
		f(&q)
		return q
	}
	for name, c := range map[string]struct {
		asked answers.ChangeInQuestion
		// without and with are shares of success, unknown is a part of what is said where nothing is told.
		without, with float64
		unknown       string
	}{
		"all get it":         {asked: asked, without: .5, with: .5},
		"by its experiment":  {asked: change(func(q *answers.ChangeInQuestion) { q.Experiment = "x" }), without: .5, with: .5},
		"one task gets it":   {asked: change(func(q *answers.ChangeInQuestion) { q.Tasks = []string{"refund"} }), without: .5, with: .75},
		"the other one does": {asked: change(func(q *answers.ChangeInQuestion) { q.Tasks = []string{"invoice"} }), without: .5, with: .25},
		// What the change is not about may be another by now.
		"on another model":    {asked: change(func(q *answers.ChangeInQuestion) { q.Config.Model = "large" }), without: .5, with: .5},
		"a task that is none": {asked: change(func(q *answers.ChangeInQuestion) { q.Tasks = []string{"poem"} }), unknown: "none of the runs that were drawn is about poem"},
		"another prompt":      {asked: change(func(q *answers.ChangeInQuestion) { q.Config = other }), unknown: "never tried"},
		"another kind":        {asked: change(func(q *answers.ChangeInQuestion) { q.Kind = events.ChangeModel }), unknown: "never tried"},
		"another agent":       {asked: change(func(q *answers.ChangeInQuestion) { q.Agent = "poet" }), unknown: "never tried"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := answers.TellWhatIf(t.Context(), r, c.asked)
			if err != nil {
				t.Fatal(err)
			}
			if c.unknown != "" {
				if !strings.Contains(w.Unknown, c.unknown) || w.Success != nil || w.Cost != nil {
					t.Errorf("got %+v", w)
				}
				return
			}
			if w.Unknown != "" || w.Runs != 1000 || w.Effective < 150 || w.From == 0 || w.To <= w.From || w.Experiment != "x" {
				t.Fatalf("got %+v", w)
			}
			s := *w.Success
			if math.Abs(s.Without-c.without) > .03 || math.Abs(s.With-c.with) > .05 || s.Low > c.with-c.without || s.High < c.with-c.without {
				t.Errorf("success %+v", s)
			}
			if screen, err := answers.TellScreen(t.Context(), r, c.asked, events.AgentConfig{}); err != nil || screen.Worse() != (c.with < c.without) || screen.Runs != 1000 || screen.Eval != nil {
				t.Errorf("screened as %+v (%v)", screen, err)
			}
			if len(c.asked.Tasks) == 0 && (math.Abs(w.Cost.Difference-.001) > 1e-9 || w.Seconds.Without != 3 || w.Seconds.Difference != 0) {
				t.Errorf("cost %+v, seconds %+v", w.Cost, w.Seconds)
			}
		})
	}
}

// Of several candidates each is told by itself, as if all had got it: runs that got another one count among all.
func TestWhatSeveralCandidatesWouldHaveDone(t *testing.T) {
	t.Parallel()
	at := now.AddDate(0, 0, -9)
	dull := livelier
	dull.Prompt = "Be dull."
	facts := []any{
		"experiment-x", at, events.ExperimentPlanned{Experiment: "x", Agent: "clerk", Change: events.ChangePrompt, Config: livelier, Others: []events.AgentConfig{dull}},
		"experiment-x", at, events.ExperimentStarted{Share: 200, Level: .01},
	}
	r := rand.New(rand.NewPCG(2, 1))
	for i := range 1500 {
		run, begun := fmt.Sprint("r", i), at.Add(time.Duration(i)*time.Minute)
		arm := events.Arm{Experiment: "x", Arm: events.ControlArm, Permille: 600, Unit: run, Shares: []int{600, 200, 200}}
		// The control succeeds in half of the runs, one candidate in four of five, the other in one of five. It goes out after a third, and from then on all
		// fail: that must not be taken for its doing.
		success := .5
		if i >= 1000 {
			arm.Permille, arm.Shares = 800, []int{800, 200, 0}
		}
		switch draw := r.IntN(1000); {
		case draw < 200:
			arm.Arm, arm.Permille, success = events.CandidateArm, 200, .8
		case draw < 400 && i < 1000:
			arm.Arm, arm.Permille, success = events.Candidate(1), 200, .2
		}
		if i >= 1000 {
			success = 0
		}
		end := events.Event(events.RunFailed{Error: "no"})
		if r.Float64() < success {
			end = events.RunFinished{Outcome: events.Succeeded}
		}
		facts = append(facts, "run-"+run, begun, events.RunStarted{Run: run, Workflow: "shop"}, "run-"+run, begun, events.RunAssigned{Agent: "clerk", Arms: []events.Arm{arm}}, "run-"+run, begun.Add(time.Second), end)
	}
	w, err := answers.TellWhatIf(t.Context(), read(t, facts...), answers.ChangeInQuestion{Agent: "clerk", Kind: events.ChangePrompt, Config: dull, Experiment: "x"})
	if err != nil || len(w.Candidates) != 2 || w.Arm != events.Candidate(1) || w.Success == nil || *w.Success != *w.Candidates[1].Success {
		t.Fatalf("got %+v (%v)", w, err)
	}
	for i, want := range []struct {
		runs    int64
		without float64
		with    float64
	}{{1500, .5 * 2 / 3, .8 * 2 / 3}, {1000, .5, .2}} {
		c := w.Candidates[i]
		if c.Arm != events.Candidate(i) || c.Runs != want.runs || math.Abs(c.Success.Without-want.without) > .05 || math.Abs(c.Success.With-want.with) > .07 || c.Success.Low > want.with-want.without || c.Success.High < want.with-want.without {
			t.Errorf("%s of %d runs: %+v", c.Arm, c.Runs, c.Success)
		}
	}
}

func TestFewDrawsTellNothing(t *testing.T) {
	t.Parallel()
	for conversations, want := range map[int]string{0: "0 runs that were drawn have succeeded or failed, all in one arm", 60: "of equal weight in the smaller arm, and 100 are needed"} {
		w, err := answers.TellWhatIf(t.Context(), read(t, tried(now, conversations)...), answers.ChangeInQuestion{Agent: "clerk", Kind: events.ChangePrompt, Config: livelier})
		if err != nil || !strings.Contains(w.Unknown, want) || w.Success != nil || w.Confidence != 0 {
			t.Errorf("%d: %+v, %v", conversations, w, err)
		}
	}
}

// An eval of the change alone, against what there is, is told before it is tried: the latest.
func TestAnEvalOfAChangeIsToldBeforeItIsTried(t *testing.T) {
	t.Parallel()
	is := events.AgentConfig{Model: "small", Prompt: "Be kind."}
	other := events.AgentConfig{Model: "large", Prompt: livelier.Prompt}
	at := func(eval string, config events.AgentConfig, against *events.EvalAgainst) []any {
		return []any{"eval-" + eval, now, events.EvalFinished{Eval: eval, Agent: "clerk", Dataset: "d", Config: config, Runs: 40, Passed: 20, Low: .3, High: .7, Confidence: .95, Against: against}}
	}
	worse := &events.EvalAgainst{Version: 1, Config: is, Difference: -.3, Low: -.5, High: -.1}
	better := &events.EvalAgainst{Version: 1, Config: is, Difference: .3, Low: .1, High: .5}
	for name, c := range map[string]struct {
		facts []any
		eval  string
		worse bool
	}{
		"none":                          {},
		"against nothing":               {facts: at("e", livelier, nil)},
		"worse":                         {facts: at("e", livelier, worse), eval: "e", worse: true},
		"the latest":                    {facts: append(at("e", livelier, worse), at("f", livelier, better)...), eval: "f"},
		"with something else":           {facts: at("e", other, worse)},
		"another prompt":                {facts: at("e", events.AgentConfig{Model: "small", Prompt: "Be dull."}, worse)},
		"against what was there before": {facts: at("e", livelier, &events.EvalAgainst{Version: 1, Config: events.AgentConfig{Model: "small", Prompt: "Be old."}, Low: -.5, High: -.1})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := answers.TellScreen(t.Context(), read(t, c.facts...), answers.ChangeInQuestion{Agent: "clerk", Kind: events.ChangePrompt, Config: livelier}, is)
			if err != nil || (s.Eval != nil) != (c.eval != "") || s.Eval != nil && s.Eval.Eval != c.eval || s.Eval.Worse() != c.worse || s.Worse() {
				t.Errorf("screened as %+v, %+v (%v)", s, s.Eval, err)
			}
		})
	}
}

package workflow_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/ingest"
)

// Sequences of 4,000 runs, and whether the intervals cover what was planted.
func TestSequencesAreFoundWhereTeamsAre(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("large histories")
	}
	for runs, least := range map[int]float64{4000: 0.55, 12_000: 0.9} {
		found, planted, covered, claims, falseClaims := 0, 0, 0, 0, 0
		for seed := range uint64(3) {
			s := ingest.Simulation{Seed: seed + 1, Runs: runs}
			want := map[string]int{}
			for _, p := range s.Truths().Patterns {
				want[fmt.Sprint(p.Workflow, p.Steps)] = p.EffectPermille
				planted++
			}
			for _, f := range workflow.New(workflow.Options{Top: 100}).Propose(viewOf(s)).Findings {
				if (f.Kind == workflow.SuccessFactor || f.Kind == workflow.FailureFactor) && f.Subject[0] == "sequence" {
					claims++
					if effect, ok := want[fmt.Sprint(f.Workflow, f.Subject[1:])]; ok && f.Kind == workflow.SuccessFactor {
						found++
						if e := float64(effect) / 1000; f.Evidence.Low <= e && e <= f.Evidence.High {
							covered++
						}
					} else {
						falseClaims++
						t.Log(f.Text)
					}
				}
			}
		}
		t.Logf("%d runs: %d of %d found, %d of %d claims cover, %d others", runs, found, planted, covered, claims, falseClaims)
		if float64(found) < least*float64(planted) || float64(covered) < 0.9*float64(found) {
			t.Errorf("%d runs: %d of %d planted sequences found", runs, found, planted)
		}
	}
}

// A step, or a model, that brings 20 points, in histories of 400 and of 800 runs of one workflow.
func TestPowerWhereTeamsAre(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("many histories")
	}
	for _, tt := range []struct{ runs, step, model int }{{400, 20, 28}, {800, 36, 36}} {
		step, model, instructed, others := 0, 0, 0, 0
		const histories = 40
		for seed := range uint64(histories) {
			v := planted(seed, tt.runs)
			res := workflow.New(workflow.Options{}).Propose(v)
			for _, f := range res.Findings {
				if f.Kind != workflow.SuccessFactor && f.Kind != workflow.FailureFactor {
					continue
				}
				switch f.Subject[1] {
				case "helps":
					step++
				case "good", "poor":
					model++
				default:
					others++
				}
			}
			for _, p := range res.Proposals {
				if p.Claim.Subject[1] == "helps" {
					instructed++
				}
			}
		}
		t.Logf("%d runs: step found in %d of %d, model in %d, step proposed in %d, %d others", tt.runs, step, histories, model, instructed, others)
		if step < tt.step || model < tt.model || others*20 > step+model {
			t.Errorf("%d runs: too few found, or too many others", tt.runs)
		}
	}
}

// planted is a history in which a step brings 20 points and a model 20 more, among 20 steps that bring nothing.
func planted(seed uint64, runs int) workflow.View {
	rng := rand.New(rand.NewPCG(seed, 7))
	h := newHistory("desk")
	for range runs {
		task := rng.IntN(10)
		run := workflow.Run{Task: fmt.Sprint("task ", task)}
		run.Trace = []string{"plan"}
		for n := range 20 {
			if rng.IntN(100) < 25 {
				run.Trace = append(run.Trace, fmt.Sprint("step ", n))
			}
		}
		chance := 25 + 2*task
		if rng.IntN(100) < 35 {
			run.Trace = slices.Insert(run.Trace, 1+rng.IntN(len(run.Trace)), "helps")
			chance += 20
		}
		run.Trace = append(run.Trace, "answer")
		model := "poor"
		if rng.IntN(2) == 0 {
			model, chance = "good", chance+20
		}
		run.Agents, run.Models, run.Calls = []string{"clerk"}, []string{model}, [][2]string{{"clerk", model}}
		outcome := events.Failed
		if rng.IntN(100) < chance {
			outcome = events.Succeeded
		}
		h.add(1, outcome, run)
	}
	return h.view()
}

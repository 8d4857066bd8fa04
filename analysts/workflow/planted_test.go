package workflow_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/ingest"
)

// viewOf folds a simulated history into what the analyst looks at.
func viewOf(s ingest.Simulation) workflow.View {
	histories := map[string]*workflow.History{}
	position := uint64(0)
	for r := range s.Records() {
		run := workflow.Run{First: position + 1}
		position += uint64(len(r.Run))
		run.Last = position
		start := r.Run[0].(commands.StartRun)
		run.Task, run.Requester, run.Started = start.Task, start.Requester, start.At.UnixNano()
		for _, k := range []string{"channel", "region"} {
			run.Labels = append(run.Labels, [2]string{k, start.Labels[k]})
		}
		for _, c := range r.Run {
			switch c := c.(type) {
			case commands.StartStep:
				run.Trace = append(run.Trace, c.Name)
				run.Agents = append(run.Agents, c.Agent)
				if c.Model != "" {
					run.Models = append(run.Models, c.Model)
					run.Calls = append(run.Calls, [2]string{c.Agent, c.Model})
				}
				if c.Tool != "" {
					run.Tools = append(run.Tools, c.Tool)
				}
			case commands.FinishStep:
				if c.Outcome == events.Failed {
					run.FailedSteps = append(run.FailedSteps, run.Trace[c.Step])
					run.FailedAt = append(run.FailedAt, int32(c.Step))
				}
			case commands.FinishRun:
				run.Outcome = c.Outcome
			case commands.FailRun:
				run.Outcome = events.Failed
			case commands.CancelRun:
				run.Outcome = events.Cancelled
			}
		}
		for _, set := range []*[]string{&run.Agents, &run.Models, &run.Tools, &run.FailedSteps} {
			slices.Sort(*set)
			*set = slices.Compact(*set)
		}
		run.Calls = slices.Compact(run.Calls)
		if histories[start.Workflow] == nil {
			histories[start.Workflow] = &workflow.History{Name: start.Workflow}
		}
		histories[start.Workflow].Runs = append(histories[start.Workflow].Runs, run)
	}
	v := workflow.View{Agents: map[string]events.AgentConfig{}}
	for _, h := range histories {
		v.Workflows = append(v.Workflows, *h)
	}
	slices.SortFunc(v.Workflows, func(a, b workflow.History) int { return cmp.Compare(a.Name, b.Name) })
	return v
}

// In a history in which nothing has a bearing on the outcome, every claim is a false one. Hard tasks are worked on in
// other ways than easy ones there, which a comparison over all tasks would take for an effect.
func TestNullHistoriesGiveNoClaim(t *testing.T) {
	t.Parallel()
	histories := 200
	if underRace {
		histories = 20
	}
	withClaim := 0
	for seed := range uint64(histories) {
		v := viewOf(ingest.Simulation{Seed: seed, Runs: 240, Workflows: 1, Tasks: 10, Null: true})
		if claimsIn(workflow.New(workflow.Options{}).Propose(v)) > 0 {
			withClaim++
		}
	}
	t.Logf("%d of %d null histories with a claim", withClaim, histories)
	if withClaim > histories*5/100 {
		t.Errorf("%d of %d null histories with a claim", withClaim, histories)
	}
}

// The comparison within tasks is what keeps a large null history free of claims: without the tasks' names there are some.
func TestHardTasksAreNotBlamedOnHowTheyAreWorkedOn(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("a large history")
	}
	v := viewOf(ingest.Simulation{Seed: 5, Runs: 12_000, Workflows: 2, Null: true})
	if n := claimsIn(workflow.New(workflow.Options{}).Propose(v)); n > 0 {
		t.Errorf("%d claims in a null history", n)
	}
	for _, h := range v.Workflows {
		for i := range h.Runs {
			h.Runs[i].Task = ""
		}
	}
	if claimsIn(workflow.New(workflow.Options{}).Propose(v)) == 0 {
		t.Error("no claim without tasks either: the test has lost its contrast")
	}
}

// A history that grows and is looked at 20 times gives a claim at any look in few histories, the worlds without effects
// included where tasks are named.
func TestGrowingNullHistoriesGiveNoClaim(t *testing.T) {
	t.Parallel()
	histories := 40
	if underRace {
		histories = 2
	}
	withClaim := 0
	for seed := range uint64(histories) {
		v := viewOf(ingest.Simulation{Seed: 1000 + seed, Runs: 800, Workflows: 1, Tasks: 10, Null: true})
		runs := v.Workflows[0].Runs
		for look := 1; look <= 20; look++ {
			v.Workflows[0].Runs = runs[:len(runs)*look/20]
			if claimsIn(workflow.New(workflow.Options{}).Propose(v)) > 0 {
				withClaim++
				break
			}
		}
	}
	t.Logf("%d of %d null histories with a claim at one of 20 looks", withClaim, histories)
	if withClaim*20 > histories {
		t.Errorf("%d of %d null histories with a claim at one of 20 looks", withClaim, histories)
	}
}

// claimsIn counts what a result claims to have an effect.
func claimsIn(r evidence.Result) int {
	n := len(r.Proposals)
	for _, f := range r.Findings {
		if f.Kind == workflow.SuccessFactor || f.Kind == workflow.FailureFactor {
			n++
		}
	}
	return n
}

// The planted truths are found, and little else: 20 sequences under 20% noise, and three factors each way.
func TestPlantedTruthsAreFound(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("a large history")
	}
	s := ingest.Simulation{Seed: 100, Runs: 60_000}
	truths := s.Truths()
	wanted := map[string]bool{}
	for _, p := range truths.Patterns {
		wanted[fmt.Sprint(p.Workflow, append([]string{"sequence"}, p.Steps...), true)] = true
	}
	minor := map[string]bool{}
	for _, f := range truths.Factors {
		if key := fmt.Sprint(f.Workflow, f.Subject, f.EffectPermille > 0); f.Planted {
			wanted[key] = true
		} else {
			minor[key] = true
		}
	}
	v := viewOf(s)
	for i := range 12 {
		v.Agents[fmt.Sprintf("agent-%02d", i+1)] = events.AgentConfig{Model: "sim-small", Prompt: "Be brief."}
	}
	res := workflow.New(workflow.Options{}).Propose(v)
	found, claims := 0, 0
	for _, f := range res.Findings {
		if f.Kind != workflow.SuccessFactor && f.Kind != workflow.FailureFactor || f.Subject[0] == "fails" {
			continue // a failed last step is how a failed run looks: neither planted nor false
		}
		key := fmt.Sprint(f.Workflow, f.Subject, f.Kind == workflow.SuccessFactor)
		if minor[key] {
			continue
		}
		claims++
		if wanted[key] {
			found++
		} else {
			t.Logf("not planted: %s", f.Text)
		}
	}
	t.Logf("%d of %d truths found by %d claims", found, len(wanted), claims)
	if recall := float64(found) / float64(len(wanted)); recall < 0.9 {
		t.Errorf("recall %.2f", recall)
	}
	if precision := float64(found) / float64(claims); precision < 0.95 {
		t.Errorf("precision %.2f", precision)
	}
	kinds := map[events.ChangeKind]int{}
	ids := map[string]bool{}
	for _, p := range res.Proposals {
		kinds[p.Change.Kind]++
		if ids[p.ID()] {
			t.Errorf("proposal %s twice", p.ID())
		}
		ids[p.ID()] = true
		if len(p.Evidence.Positions) == 0 || p.Evidence.From == 0 || p.Evidence.To <= p.Evidence.From || p.Expected.Low <= 0 {
			t.Errorf("%s: evidence %+v, expected %+v", p.Reason, p.Evidence, p.Expected)
		}
	}
	if kinds[events.ChangeRunbook] != 15 || kinds[events.ChangeModel] == 0 || kinds[events.ChangeWorkflow] == 0 {
		t.Errorf("proposals %v", kinds)
	}
}

func BenchmarkWorkflow(b *testing.B) {
	v := viewOf(ingest.Simulation{Seed: 21, Events: 1_000_000})
	a := workflow.New(workflow.Options{})
	for b.Loop() {
		a.Propose(v)
	}
}

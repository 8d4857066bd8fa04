package analysts_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/analysts/feedback"
	"github.com/virtuous6/virtuous6/analysts/performance"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// grown is a history that grows: what its analyst proposes of the first so many of its parts.
type grown func(parts int) []evidence.Proposal

// people tells how often what people say again and again, what they write of an error, a task that nobody is there for and an agent that does tasks
// better are proposed where they were planted, and where there is nothing of the kind.
func people(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	n := 5 * *histories
	fmt.Fprintf(b, "\n## What people say, and who is there for a task\n\nHistories of each kind that grow and are looked at 20 times: %d in which nothing was planted, of which at most 5%% may have a proposal of the kind at any look, and %d in\n"+
		"which it was, of which at least 85%% are to have the right one by the last.\n\n| what | where it is planted | where nothing is | proposed where nothing is, ever | planted, found |\n|---|---|---|---|---|\n", n, *histories)
	for _, c := range []struct {
		what, planted, null string
		kind                events.ChangeKind
		parts               int
		make                func(seed uint64, planted bool) grown
		right               func(evidence.Proposal) bool
	}{
		{"a lesson", "three in ten of 12 people's 60 wishes ask for sources, in four ways to say it", "each wish is two words of 500", events.ChangeLessons, 60, wishing, func(p evidence.Proposal) bool {
			return p.Change.Config.Lessons[0].Subject == "sources" || p.Change.Config.Lessons[0].Subject == "source"
		}},
		{"advice on an error", "of a third of 130 runs with an error one of 12 people writes what to do, in four ways to say it; of others they write what they like", "what they write goes with nothing", events.ChangeFixes, 400, advising, func(p evidence.Proposal) bool { return p.Claim.Subject[0] == failure.Advised }},
		{"an agent for a task", "the assistant succeeds in half of 120 runs of one task, and in nine of ten of the others", "it succeeds in eight of ten of all, the rate from which on one is told", events.ChangeSpawn, 1200, leaving, func(p evidence.Proposal) bool { return p.Change.Spawn.Agent == "task-0" }},
		{"another agent for a task", "of two agents one succeeds in 40% of one task, the other in 90%, and both in 80% of three others", "both succeed in 80%", events.ChangeRouting, 1600, serving, func(p evidence.Proposal) bool {
			return p.Change.Agent == "ann" && p.Change.Config.Routes[0].To == "bob" && slices.Equal(p.Change.Config.Routes[0].Tasks, []string{"task 0"})
		}},
	} {
		of := func(list []evidence.Proposal) (kind []evidence.Proposal) {
			for _, p := range list {
				if p.Change.Kind == c.kind {
					kind = append(kind, p)
				}
			}
			return kind
		}
		ever, found := 0, 0
		for _, is := range over(n, func(seed int) bool {
			look := c.make(uint64(seed), false) //nolint:gosec // small
			for i := 1; i <= 20; i++ {
				if len(of(look(c.parts*i/20))) > 0 {
					return true
				}
			}
			return false
		}) {
			ever += one(is)
		}
		for _, is := range over(*histories, func(seed int) bool {
			return slices.ContainsFunc(of(c.make(uint64(seed), true)(c.parts)), c.right) //nolint:gosec // small
		}) {
			found += one(is)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %d of %d | %d of %d |\n", c.what, c.planted, c.null, ever, n, found, *histories)
		if ever*20 > n || found*100 < 85**histories {
			t.Errorf("%s: proposed in %d of %d histories without it, found in %d of %d with it", c.what, ever, n, found, *histories)
		}
	}
}

// wishing is a clerk of whose answers people wish for something.
func wishing(seed uint64, planted bool) grown {
	rng := rand.New(rand.NewPCG(seed, 41))
	ways := []string{"name your sources", "sources, please!", "with a source", "which sources?"}
	v := feedback.View{Pupils: []feedback.Pupil{{Agent: "clerk", Monthly: 100, All: 200}}}
	for i := range 60 {
		wish := fmt.Sprintf("word%d word%d", rng.IntN(500), rng.IntN(500))
		if planted && rng.IntN(10) < 3 {
			wish = ways[rng.IntN(len(ways))]
		}
		v.Said = append(v.Said, feedback.Said{
			Feedback: fmt.Sprint("f", i), Run: fmt.Sprint("r", i), Workflow: "desk", Agents: []string{"clerk"}, User: fmt.Sprint("person ", rng.IntN(12)), Wish: wish, Position: uint64(10 * (i + 1)), //nolint:gosec // small
		})
	}
	return func(parts int) []evidence.Proposal {
		seen := v
		seen.Said = v.Said[:parts]
		return feedback.New().Propose(seen).Proposals
	}
}

// advising is a desk of whose runs one in three meets an error.
func advising(seed uint64, planted bool) grown {
	rng := rand.New(rand.NewPCG(seed, 42))
	ways := []string{"use the mirror instead", "The mirror has it.", "try the mirror!", "you should ask the mirror"}
	v := failure.View{Agents: map[string]events.AgentConfig{"clerk": {Tools: []string{"fetch"}}}}
	for i := range 400 {
		at := uint64(10 * i) //nolint:gosec // small
		r := failure.Run{Name: fmt.Sprint("r", i), Workflow: "desk", Task: fmt.Sprint("task ", rng.IntN(4)), First: at + 1, Last: at + 9, Outcome: events.Succeeded}
		r.Steps = []failure.Step{{Name: "fetch", Agent: "clerk", Position: at + 2}, {Name: "answer", Agent: "clerk", Position: at + 4}}
		met := rng.IntN(3) == 0
		if met {
			r.Steps[0].Failed, r.Steps[0].Error, r.Outcome = true, fmt.Sprintf("timeout after %ds", i), events.Failed
		}
		v.Runs = append(v.Runs, r)
		if rng.IntN(3) > 0 {
			continue
		}
		text := fmt.Sprintf("word%d word%d", rng.IntN(40), rng.IntN(40))
		if planted && met {
			text = ways[rng.IntN(len(ways))]
		}
		v.Feedback = append(v.Feedback, failure.Feedback{Feedback: fmt.Sprint("f", i), Run: r.Name, User: fmt.Sprint("person ", rng.IntN(12)), Advice: text, Position: at + 9})
	}
	return func(parts int) []evidence.Proposal {
		seen := v
		seen.Runs = v.Runs[:parts]
		seen.Feedback = slices.DeleteFunc(slices.Clone(v.Feedback), func(f failure.Feedback) bool { return f.Position > seen.Runs[parts-1].Last })
		return failure.New().Propose(seen).Proposals
	}
}

// leaving is a history in which ten tasks are left to the assistant.
func leaving(seed uint64, planted bool) grown {
	return working(seed, 43, 1200, 10, []string{events.Assistant}, func(task int, _ string) float64 {
		switch {
		case !planted:
			return .8
		case task == 0:
			return .5
		}
		return .9
	})
}

// serving is a history in which two agents do four tasks.
func serving(seed uint64, planted bool) grown {
	return working(seed, 44, 1600, 4, []string{"ann", "bob"}, func(task int, agent string) float64 {
		switch {
		case !planted || task > 0:
			return .8
		case agent == "ann":
			return .4
		}
		return .9
	})
}

func working(seed, stream uint64, runs, tasks int, agents []string, chance func(task int, agent string) float64) grown {
	rng := rand.New(rand.NewPCG(seed, stream))
	v := performance.View{Versions: map[string][]projections.AgentVersionRow{}}
	for _, a := range agents {
		v.Versions[a] = []projections.AgentVersionRow{{Agent: a, Version: 1, Position: 1, Config: events.AgentConfig{Model: "m"}}}
	}
	for i := range runs {
		task, agent, n := rng.IntN(tasks), agents[rng.IntN(len(agents))], uint64(10*i+2) //nolint:gosec // small
		v.Runs = append(v.Runs, performance.Run{
			Name: fmt.Sprint("r", i), Workflow: "desk", Task: fmt.Sprint("task ", task), Agent: agent, Good: rng.Float64() < chance(task, agent), First: n, Last: n + 5,
		})
	}
	return func(parts int) []evidence.Proposal {
		seen := v
		seen.Runs = v.Runs[:parts]
		return performance.New().Propose(seen).Proposals
	}
}

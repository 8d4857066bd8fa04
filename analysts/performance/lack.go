package performance

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// Lacking is a kind of task that nobody is there for.
const Lacking = "capability_gap"

const (
	// leftTo is how often at most a task succeeds that is left to the assistant alone, and failing how often one does that others serve, for it to be
	// told that nobody is there for it.
	leftTo  = .8
	failing = .5
)

// lacks are tasks that are left to the assistant, since nobody fits, and tasks at which all fail who do them. Alpha is spent over the looks at which the
// history has doubled, and shared by all tasks.
func (v *View) lacks() (findings []evidence.Finding, proposals []evidence.Proposal) {
	n, share := stats.Spending(len(v.Runs))
	tasks := map[string][]*Run{}
	for i := range v.Runs[:n] {
		if r := &v.Runs[i]; r.Task != "" {
			tasks[r.Task] = append(tasks[r.Task], r)
		}
	}
	for _, task := range slices.Sorted(maps.Keys(tasks)) {
		runs := tasks[task]
		if len(runs) < fewest || len(runs) == n {
			continue // too few to tell, or nothing to hold it against
		}
		most, who := failing, "whoever does it"
		if len(v.Versions[events.Assistant]) > 0 && !slices.ContainsFunc(runs, func(r *Run) bool { return r.Agent != events.Assistant }) {
			most, who = leftTo, events.Assistant+", to whom all of it is left,"
		}
		succeeded, of := good(runs), int64(len(runs))
		if stats.Wilson(succeeded, of, 1-2*alpha*share/float64(len(tasks))).High >= most {
			continue
		}
		i, rate := stats.Wilson(succeeded, of, confidence), float64(succeeded)/float64(of)
		f := evidence.Finding{
			Kind: Lacking, Workflow: runs[0].Workflow, Subject: []string{"task", task}, Example: runs[len(runs)-1].Name,
			Text: fmt.Sprintf("Nobody is there for %s: %s succeeds in %d of %d runs (95%% interval %.0f to %.0f%%).", task, who, succeeded, of, 100*i.Low, 100*i.High),
			Evidence: events.Evidence{
				From: runs[0].First, To: runs[of-1].Last, Positions: []uint64{runs[of-1].First}, Statistic: "share of runs that succeed, Wilson's interval", Confidence: confidence, N: of,
				Value: stats.Round(rate), Low: stats.Round(i.Low), High: stats.Round(i.High), Counts: map[string]int64{"succeeded": succeeded, "runs": of},
			},
		}
		// An agent for it may do it as well as the others do theirs.
		if others := v.without(task, n); others > rate {
			monthly, all := v.monthly(task)
			w := evidence.Successes(others-rate, max(0, others-i.High), others-i.Low, monthly, all)
			f.Worth = &w
		}
		if p, ok := v.specialist(task, f); ok && most == leftTo {
			proposals = append(proposals, p)
		} else {
			findings = append(findings, f)
		}
	}
	return findings, proposals
}

// lack is the kind of claim that nobody is there for a task.
const lack = "lack"

// nameless is what is no part of an agent's name.
var nameless = regexp.MustCompile(`[^a-z0-9]+`)

// specialist proposes an agent for a task that is left to the assistant: told of that task alone, with the assistant's model and tools, which the
// policy lets it have. ok is false where somebody has its name, or the task is passed on already.
func (v *View) specialist(task string, f evidence.Finding) (p evidence.Proposal, ok bool) {
	versions := v.Versions[events.Assistant]
	name := strings.Trim(nameless.ReplaceAllString(strings.ToLower(task), "-"), "-")
	if len(versions) == 0 || name == "" || len(v.Versions[name]) > 0 || f.Worth == nil {
		return p, false
	}
	now := versions[len(versions)-1].Config
	if slices.ContainsFunc(now.Routes, func(r events.Route) bool { return r.For("", task) }) {
		return p, false
	}
	return evidence.Proposal{
		Change: events.Change{
			Kind: events.ChangeSpawn, Agent: events.Assistant, Config: &events.AgentConfig{Routes: []events.Route{{Tasks: []string{task}, To: name}}},
			Spawn: &events.NewAgent{Agent: name, Role: "does " + task, Config: events.AgentConfig{
				Model: now.Model, Tools: now.Tools, MaxTokens: now.MaxTokens,
				Prompt: fmt.Sprintf("You do one kind of task, which is called %q, and nothing else. Say what you rest on. Ask for what is missing. Where you can't do it, say so and why.", task),
			}},
			Instruction: fmt.Sprintf("Make the agent %s for %s, and give it what nobody else is named for.", name, task),
		},
		Claim: events.Claim{Subject: []string{lack, task}, Harms: true}, Strength: events.Moderate, Reason: f.Text + " An agent of its own can be tried on a part of them.", Evidence: f.Evidence,
		Expected: nobodyKnows(f), Worth: f.Worth,
	}, true
}

// nobodyKnows is what a new agent is expected to bring: a quarter of what is lacking, and no more than all of it.
func nobodyKnows(f evidence.Finding) events.Expected {
	all := f.Worth.Points / 100
	return events.Expected{Metric: "success_rate", Change: stats.Round(all / 4), Low: -stats.Round(all / 4), High: stats.Round(all)}
}

// weighLack tells how it stands with what nobody is there for, by all runs or by those behind a position.
func (v *View) weighLack(c events.Claim, after uint64) (evidence.Standing, bool) {
	if len(c.Subject) != 2 || c.Subject[0] != lack {
		return evidence.Standing{}, false
	}
	since := View{Runs: v.Runs, Versions: v.Versions}
	if after > 0 {
		since.Runs = slices.DeleteFunc(slices.Clone(v.Runs), func(r Run) bool { return r.First <= after })
	}
	_, proposals := since.lacks()
	for _, p := range proposals {
		if p.Claim.Subject[1] == c.Subject[1] {
			return evidence.Standing{Strength: p.Strength, Reason: p.Reason, Evidence: p.Evidence, Expected: p.Expected}, true
		}
	}
	var of []*Run
	for i := range since.Runs {
		if r := &since.Runs[i]; r.Task == c.Subject[1] {
			of = append(of, r)
		}
	}
	if len(of) == 0 {
		return evidence.Standing{}, false
	}
	i := stats.Wilson(good(of), int64(len(of)), confidence)
	return evidence.Standing{
		Strength: events.Gone, Reason: fmt.Sprintf("It can't be said of %s any more that nobody is there for it (%d of %d runs succeed).", c.Subject[1], good(of), len(of)),
		Evidence: events.Evidence{
			From: of[0].First, To: of[len(of)-1].Last, Statistic: "share of runs that succeed, Wilson's interval", Confidence: confidence, N: int64(len(of)),
			Value: stats.Round(float64(good(of)) / float64(len(of))), Low: stats.Round(i.Low), High: stats.Round(i.High),
		},
	}, true
}

// without is how often the other tasks succeed.
func (v *View) without(task string, n int) float64 {
	succeeded, of := 0.0, 0.0
	for i := range v.Runs[:n] {
		if r := &v.Runs[i]; r.Task != task {
			if of++; r.Good {
				succeeded++
			}
		}
	}
	return succeeded / of
}

// monthly is how many runs of a task there are in 30 days, of all.
func (v *View) monthly(task string) (of, all float64) {
	starts := make([]int64, len(v.Runs))
	for i := range v.Runs {
		starts[i] = v.Runs[i].Started
	}
	for i, weight := range evidence.Monthly(starts) {
		if all += weight; v.Runs[i].Task == task {
			of += weight
		}
	}
	return of, all
}

// Package performance looks at how well agents do: beside one another on like tasks, with which model, and whether one does worse
// than it did.
package performance

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

const (
	name       = "performance"
	version    = 3
	alpha      = 0.05
	confidence = 0.95
	// dropAlpha is in how many histories an agent is claimed to do worse that does as it did.
	dropAlpha = 0.01
	// top is of how many agents it is told how they work.
	top = 10
	// fewest is how many runs of an agent, and of the others on the same tasks, are compared.
	fewest = 30
)

// The kinds of findings.
const (
	Peers    = "agent_beside_others"
	Best     = "best_for_workflow"
	Degraded = "agent_degraded"
)

// New is the analyst of agents. An agent is held against others only on tasks that both had, so that none is blamed for hard ones;
// that it does worse than it did is told by a detector that is wrong once in 10,000 runs.
func New() evidence.Analyst[View] {
	return evidence.Analyst[View]{Name: name, Version: version, Load: load, Propose: propose}
}

func propose(v View) evidence.Result {
	res := evidence.Result{Proposals: []evidence.Proposal{}, Findings: v.peers()}
	res.Findings = append(res.Findings, v.best()...)
	lacks, specialists := v.lacks()
	res.Findings = append(res.Findings, lacks...)
	res.Findings = append(res.Findings, v.thinking()...)
	shapes := v.shapes()
	for _, s := range shapes {
		res.Proposals = append(res.Proposals, s.proposal())
	}
	for _, p := range specialists {
		p.Analyst, p.AnalystVersion = name, version
		res.Proposals = append(res.Proposals, p)
	}
	drops := v.drops()
	for _, d := range drops {
		if p, ok := v.heal(d); ok {
			res.Proposals = append(res.Proposals, p)
		} else {
			res.Findings = append(res.Findings, d.finding())
		}
	}
	for i := range res.Findings {
		res.Findings[i].Analyst = name
	}
	res.Weigh = func(c events.Claim, after uint64) (evidence.Standing, bool) {
		if s, ok := v.weighShape(shapes, c, after); ok {
			return s, true
		}
		if s, ok := v.weighLack(c, after); ok {
			return s, true
		}
		return v.weigh(drops, c, after)
	}
	return res
}

// stratum is what two runs share that are alike: the workflow, and the task where it is named.
type stratum struct{ workflow, task string }

func (r *Run) stratum() stratum { return stratum{r.Workflow, r.Task} }

// compare counts success of some runs against others within like tasks.
func compare(with, without []*Run) stats.Strata {
	return tallied(slices.Concat(with, without), (*Run).stratum, every).others(with)
}

func sortedStrata[T any](of map[stratum]T) []stratum {
	return slices.SortedFunc(maps.Keys(of), func(a, b stratum) int {
		return cmp.Or(cmp.Compare(a.workflow, b.workflow), cmp.Compare(a.task, b.task))
	})
}

// all are the runs, each by itself.
func (v *View) all() []*Run {
	all := make([]*Run, len(v.Runs))
	for i := range all {
		all[i] = &v.Runs[i]
	}
	return all
}

// agents are the runs of each agent, by name.
func (v *View) agents() (names []string, runs map[string][]*Run) {
	runs = map[string][]*Run{}
	for i := range v.Runs {
		runs[v.Runs[i].Agent] = append(runs[v.Runs[i].Agent], &v.Runs[i])
	}
	return slices.Sorted(maps.Keys(runs)), runs
}

func good(runs []*Run) (n int64) {
	for _, r := range runs {
		if r.Good {
			n++
		}
	}
	return n
}

// comparison is the evidence of a difference within like tasks.
func comparison(s stats.Strata, d float64, i stats.Interval, from, to uint64, positions ...uint64) events.Evidence {
	return events.Evidence{
		From: from, To: to, Positions: positions, Statistic: "difference of success within workflows and tasks, Mantel-Haenszel", Confidence: confidence,
		Value: stats.Round(d), Low: stats.Round(i.Low), High: stats.Round(i.High), N: s.Total.With + s.Total.Without,
		Counts: map[string]int64{
			"with": s.Total.With, "with_succeeded": s.Total.WithSucceeded, "without": s.Total.Without, "without_succeeded": s.Total.WithoutSucceeded,
		},
	}
}

// peers hold each agent against the others on the tasks that both had.
func (v *View) peers() []evidence.Finding {
	type peer struct {
		agent  string
		runs   []*Run
		strata stats.Strata
		d      float64
		i      stats.Interval
	}
	names, runs := v.agents()
	everyone := tallied(v.all(), (*Run).stratum, every)
	var all []peer
	var logE []float64
	for _, agent := range names {
		if len(runs[agent]) < fewest {
			continue
		}
		s := everyone.others(runs[agent])
		if s.Informative == 0 || s.Total.Without < fewest {
			continue
		}
		d, i := s.Difference(confidence)
		score, variance := s.Score()
		all, logE = append(all, peer{agent, runs[agent], s, d, i}), append(logE, stats.LogE(score, variance))
	}
	estimates, errs := make([]float64, len(all)), make([]float64, len(all))
	for k, p := range all {
		estimates[k], errs[k] = p.d, (p.i.High-p.i.Low)/(2*1.96)
	}
	prior := stats.LearnPrior(estimates, errs)
	claimed, _ := stats.EBH(logE, alpha)
	var findings []evidence.Finding
	for _, k := range claimed {
		p := all[k]
		d, i := prior.Shrink(p.d, errs[k], confidence)
		word := "more"
		if p.d < 0 {
			word = "less"
		}
		workflow := p.runs[0].Workflow
		if slices.ContainsFunc(p.runs, func(r *Run) bool { return r.Workflow != workflow }) {
			workflow = ""
		}
		findings = append(findings, evidence.Finding{
			Kind: Peers, Workflow: workflow, Subject: []string{"agent", p.agent}, Of: len(all), Strength: evidence.Grade(math.Exp(math.Abs(d)), p.strata.Total.With, logE[k], true, false),
			Text: fmt.Sprintf("%s succeeds %.0f points %s often than other agents on like tasks (%d of %d runs; %+.0f points shrunk for having been chosen, interval %+.0f to %+.0f).",
				p.agent, 100*math.Abs(p.d), word, good(p.runs), len(p.runs), 100*d, 100*i.Low, 100*i.High),
			Evidence: comparison(p.strata, p.d, p.i, p.runs[0].First, p.runs[len(p.runs)-1].Last),
		})
	}
	slices.SortStableFunc(findings, func(a, b evidence.Finding) int { return cmp.Compare(a.Evidence.Value, b.Evidence.Value) })
	return findings
}

// best tells which agent and model serves each workflow best, where that can be told.
func (v *View) best() []evidence.Finding {
	type pair struct{ agent, model string }
	by := map[string]map[pair][]*Run{}
	for i := range v.Runs {
		r := &v.Runs[i]
		if by[r.Workflow] == nil {
			by[r.Workflow] = map[pair][]*Run{}
		}
		p := pair{r.Agent, r.Model}
		by[r.Workflow][p] = append(by[r.Workflow][p], r)
	}
	var findings []evidence.Finding
	for _, w := range slices.Sorted(maps.Keys(by)) {
		var pairs []pair
		for p, runs := range by[w] {
			if p.model != "" && len(runs) >= fewest {
				pairs = append(pairs, p)
			}
		}
		if len(pairs) < 2 {
			continue
		}
		rate := func(p pair) float64 { return float64(good(by[w][p])) / float64(len(by[w][p])) }
		slices.SortFunc(pairs, func(a, b pair) int {
			return cmp.Or(cmp.Compare(rate(b), rate(a)), cmp.Compare(a.agent, b.agent), cmp.Compare(a.model, b.model))
		})
		first, second := by[w][pairs[0]], by[w][pairs[1]]
		s := compare(first, second)
		// The first was chosen of many: all pairs share what may be said wrongly.
		sure := 1 - (1-confidence)/float64(len(pairs)*(len(pairs)-1)/2)
		d, i := s.Difference(sure)
		if s.Informative == 0 || i.Low <= 0 {
			continue
		}
		e := comparison(s, d, i, min(first[0].First, second[0].First), max(first[len(first)-1].Last, second[len(second)-1].Last))
		e.Confidence = sure
		findings = append(findings, evidence.Finding{
			Kind: Best, Workflow: w, Subject: []string{"agent_model", pairs[0].agent, pairs[0].model}, Of: len(pairs), Evidence: e,
			Text: fmt.Sprintf("%s with %s serves %s best of %d: %d of %d runs succeed, %d of %d with the next, %s with %s (%+.0f points on like tasks, interval %+.0f to %+.0f).",
				pairs[0].agent, pairs[0].model, w, len(pairs), good(first), len(first), good(second), len(second), pairs[1].agent, pairs[1].model, 100*d, 100*i.Low, 100*i.High),
		})
	}
	return findings
}

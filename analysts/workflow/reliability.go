package workflow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/projections"
)

// maxTrials is how many trials in a row pass^k is told for.
const maxTrials = 8

// passHat is pass^k for k = 1 to maxTrials at most, rounded, and over how many tasks each is.
func passHat(counts map[projections.Trials]int64) (hat []float64, tasks []int64) {
	hat, tasks = projections.PassHat(counts)
	hat = hat[:min(len(hat), maxTrials)]
	for k := range hat {
		hat[k] = stats.Round(hat[k])
	}
	return hat, tasks
}

// trial is a task's rated runs, with the log positions of the first and the last fact.
type trial struct {
	projections.Trials
	task        string
	first, last uint64
}

// trials are the tasks of the workflow in the order of their first rated run. A run without a task is a task of its own.
func (c *cohort) trials() []trial {
	var trials []trial
	index := map[string]int{}
	for place, i := range c.rated {
		r := &c.Runs[i]
		at, ok := index[r.Task]
		if !ok || r.Task == "" {
			at = len(trials)
			index[r.Task] = at
			trials = append(trials, trial{task: r.Task, first: r.First})
		}
		t := &trials[at]
		t.Rated++
		t.Succeeded += int64(c.succeeded[place])
		t.first, t.last = min(t.first, r.First), max(t.last, r.Last)
	}
	return trials
}

// reliability is the finding on how often the workflow succeeds, once and several times in a row.
func (c *cohort) reliability(Options) []evidence.Finding {
	rated, succeeded := c.ratedCounts()
	from, to := c.span()
	if rated == 0 {
		return nil
	}
	trials := c.trials()
	counts := make(map[projections.Trials]int64)
	for _, t := range trials {
		counts[t.Trials]++
	}
	hat, tasks := passHat(counts)
	words := make([]string, len(hat))
	over := int64(len(trials))
	for k := range hat {
		words[k] = fmt.Sprintf("%.3f", hat[k])
		if tasks[k] != over { // those with fewer trials are not in it, so that it may rise
			over = tasks[k]
			words[k] += fmt.Sprintf(" (over %s)", counted(over, "task"))
		}
	}
	judged := int64(0)
	for _, r := range c.Runs {
		if r.Judged {
			judged++
		}
	}
	said := ""
	if judged > 0 {
		said = fmt.Sprintf("; %d have a verdict, the others count by how they ended", judged)
	}
	e := rateEvidence(succeeded, rated-succeeded, int64(len(c.Runs)), int64(len(c.Runs)), from, to)
	e.Counts["tasks"] = int64(len(trials))
	if judged > 0 {
		e.Counts["judged"] = judged
	}
	return []evidence.Finding{{
		Kind: "pass_hat", Workflow: c.Name, Subject: []string{c.Name}, Values: hat,
		Text: fmt.Sprintf("%s has %s%s%s. The chance that k trials of a task all succeed, for k = 1 to %d over %s: %s.",
			c.Name, counted(int64(len(c.Runs)), "ended run"), c.outcome(succeeded, rated-succeeded), said, len(hat),
			counted(int64(len(trials)), "task"), strings.Join(words, ", ")),
		Evidence: e,
	}}
}

// unreliable are the tasks that succeed sometimes: those furthest from always and from never, most runs first.
func (c *cohort) unreliable(o Options) []evidence.Finding {
	trials := slices.DeleteFunc(c.trials(), func(t trial) bool {
		return t.task == "" || t.Succeeded == 0 || t.Succeeded == t.Rated
	})
	doubt := func(t trial) float64 { return float64(t.Succeeded*(t.Rated-t.Succeeded)) / float64(t.Rated) }
	slices.SortFunc(trials, func(a, b trial) int { return cmp.Or(cmp.Compare(doubt(b), doubt(a)), cmp.Compare(a.task, b.task)) })
	var findings []evidence.Finding
	for _, t := range trials[:min(len(trials), o.Top)] {
		hat, _ := passHat(map[projections.Trials]int64{t.Trials: 1})
		findings = append(findings, evidence.Finding{
			Kind: "unreliable_task", Workflow: c.Name, Subject: []string{t.task}, Values: hat,
			Text: fmt.Sprintf("Task %s of %s succeeds only sometimes: %d of %s; the chance that two in a row do is %s.",
				t.task, c.Name, t.Succeeded, counted(t.Rated, "rated run"), percent(hat[1])),
			Of:       len(trials),
			Evidence: rateEvidence(t.Succeeded, t.Rated-t.Succeeded, t.Rated, t.Rated, t.first, t.last),
		})
	}
	return findings
}

package workflow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
)

// maxTrials is how many trials in a row pass^k is told for.
const maxTrials = 8

// trial is a task's rated runs, with the log positions of the first and the last fact.
type trial struct {
	stats.Trials
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
	plain := make([]stats.Trials, len(trials))
	for i, t := range trials {
		plain[i] = t.Trials
	}
	hat := stats.PassHat(plain, maxTrials)
	words := make([]string, len(hat))
	over := len(trials)
	for k := range hat {
		hat[k] = stats.Round(hat[k])
		words[k] = fmt.Sprintf("%.3f", hat[k])
		n := 0
		for _, t := range trials {
			if t.Rated > int64(k) {
				n++
			}
		}
		if n != over { // those with fewer trials are not in it, so that it may rise
			over = n
			words[k] += fmt.Sprintf(" (over %s)", counted(int64(n), "task"))
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
		hat := stats.PassHat([]stats.Trials{t.Trials}, maxTrials)
		for k := range hat {
			hat[k] = stats.Round(hat[k])
		}
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

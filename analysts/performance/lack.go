package performance

import (
	"fmt"
	"maps"
	"slices"

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
func (v *View) lacks() (findings []evidence.Finding) {
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
		findings = append(findings, f)
	}
	return findings
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

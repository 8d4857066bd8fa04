package failure

import (
	"fmt"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// What follows an error is compared from a landmark: the first time that a run comes to the step, among those that go on
// behind it. An error in a run's last step says that it failed, not why.

// landmark is the place that runs are compared from.
type landmark struct{ workflow, step string }

// visit is a run that went on behind its first time at a landmark: with which error, "" for none, and with which step next.
type visit struct {
	run             int
	id, next, agent string
	task            string
	good            bool
	first, position uint64
}

// question is a comparison: runs with an error at a step against those without, or, where next is set, those that went on
// with next after it against those that did something else.
type question struct {
	landmark
	id, next string

	rows []trial
	measured
	// claimed tells that the evidence carries it.
	claimed bool
	weight  float64
}

type trial struct {
	*visit
	with bool
}

type measured struct {
	strata     stats.Strata
	difference float64
	interval   stats.Interval
	logE       float64
}

const (
	confidence = 0.95
	// minSides is how many runs there must be on both sides.
	minSides = 10
	// endsAt is the share of a step's occurrences with the end behind them from which on it is taken for the end itself.
	endsAt = 0.9
)

func (h *history) visits() map[landmark][]visit {
	all := map[landmark][]visit{}
	for i := range h.Runs {
		r := &h.Runs[i]
		if !rated(r) {
			continue
		}
		seen := map[string]bool{}
		for k := range len(r.Steps) - 1 {
			s := &r.Steps[k]
			if seen[s.Name] {
				continue
			}
			seen[s.Name] = true
			if s.Failed && h.of[i][k] == "" {
				continue // it failed without a word
			}
			at := landmark{r.Workflow, s.Name}
			all[at] = append(all[at], visit{
				run: i, id: h.of[i][k], next: r.next(k), agent: s.Agent, task: r.Task, good: r.Outcome == events.Succeeded, first: r.First, position: s.Position,
			})
		}
	}
	return all
}

// next is the step that a run went on with: where an agent thought about it first, the one that came of that.
func (r *Run) next(step int) string {
	for i := step + 1; i < len(r.Steps); i++ {
		if !r.Steps[i].Thought {
			return r.Steps[i].Name
		}
	}
	return r.Steps[len(r.Steps)-1].Name
}

// ends are the steps that come with the end of their runs, by workflow.
func (h *history) ends() map[landmark]bool {
	runs, last := map[landmark]int{}, map[landmark]int{}
	for i := range h.Runs {
		r := &h.Runs[i]
		seen := map[string]bool{}
		for k := range r.Steps {
			at := landmark{r.Workflow, r.Steps[k].Name}
			if !seen[at.step] {
				seen[at.step] = true
				runs[at]++
			}
			if k == len(r.Steps)-1 {
				last[at]++
			}
		}
	}
	ends := map[landmark]bool{}
	for at, n := range runs {
		if float64(last[at]) >= endsAt*float64(n) {
			ends[at] = true
		}
	}
	return ends
}

// questions are all that the history has enough runs for, in a fixed order.
func (h *history) questions() []*question {
	ends := h.ends()
	var all []*question
	for at, visits := range h.visits() {
		ids := map[string]bool{}
		for i := range visits {
			if visits[i].id != "" {
				ids[visits[i].id] = true
			}
		}
		for id := range ids {
			harm := &question{landmark: at, id: id}
			after := map[string]bool{}
			for i := range visits {
				if v := &visits[i]; v.id == id || v.id == "" {
					harm.rows = append(harm.rows, trial{v, v.id == id})
				}
				if visits[i].id == id {
					after[visits[i].next] = true
				}
			}
			all = append(all, harm)
			for next := range after {
				if ends[landmark{at.workflow, next}] {
					continue
				}
				q := &question{landmark: at, id: id, next: next}
				for i := range visits {
					// Without a task's name a hard wish can't be told from an easy one.
					if v := &visits[i]; v.id == id && v.task != "" {
						q.rows = append(q.rows, trial{v, v.next == next})
					}
				}
				all = append(all, q)
			}
		}
	}
	all = slices.DeleteFunc(all, func(q *question) bool {
		q.measured = measure(q.rows, 0, math.MaxUint64)
		return min(q.strata.Total.With, q.strata.Total.Without) < minSides
	})
	slices.SortFunc(all, func(a, b *question) int { return slices.Compare(a.subject(), b.subject()) })
	return all
}

func (q *question) subject() []string {
	if q.next == "" {
		return []string{"error", q.id, q.step, q.workflow}
	}
	return []string{"after", q.id, q.step, q.next, q.workflow}
}

// measure compares within tasks the runs that began behind one log position and up to another.
func measure(rows []trial, after, upTo uint64) measured {
	tables := map[string]*stats.Table{}
	var tasks []string
	for _, r := range rows {
		if r.first <= after || r.first > upTo {
			continue
		}
		t := tables[r.task]
		if t == nil {
			t = &stats.Table{}
			tables[r.task] = t
			tasks = append(tasks, r.task)
		}
		good := int64(0)
		if r.good {
			good = 1
		}
		if r.with {
			t.With, t.WithSucceeded = t.With+1, t.WithSucceeded+good
		} else {
			t.Without, t.WithoutSucceeded = t.Without+1, t.WithoutSucceeded+good
		}
	}
	slices.Sort(tasks)
	var m measured
	for _, task := range tasks {
		m.strata.Add(*tables[task])
	}
	m.difference, m.interval = m.strata.Difference(confidence)
	m.logE = stats.LogE(m.strata.Score())
	return m
}

// claim holds the share of false claims among all at alpha, however often the history is looked at while it grows.
func claim(all []*question, alpha float64) {
	groups, logE := make([]int, len(all)), make([]float64, len(all))
	for i, q := range all {
		if q.next != "" {
			groups[i] = 1
		}
	}
	for i, w := range stats.ShareWeights(groups) {
		all[i].weight = w
		logE[i] = all[i].logE + w
	}
	claimed, _ := stats.EBH(logE, alpha)
	for _, i := range claimed {
		all[i].claimed = all[i].interval.Low > 0 || all[i].interval.High < 0
	}
}

func (q *question) strength() events.Strength {
	t, gain := q.strata.Total, q.interval.Low
	worse := float64(t.WithoutSucceeded) / float64(max(t.Without, 1))
	if q.difference < 0 {
		worse, gain = float64(t.WithSucceeded)/float64(max(t.With, 1)), -q.interval.High
	}
	middle := q.rows[len(q.rows)/2].first
	early, late := measure(q.rows, 0, middle), measure(q.rows, middle, math.MaxUint64)
	halves := (early.difference < 0) == (q.difference < 0) && (late.difference < 0) == (q.difference < 0)
	return evidence.Grade(1+gain/max(worse, 0.01), min(t.With, t.Without), q.logE, q.claimed, halves)
}

func (q *question) reason(text string) string {
	have, others := fmt.Sprintf("that go on after %q in %s", text, q.step), "those in which it works"
	if q.next != "" {
		have = fmt.Sprintf("that go on with %s after %q in %s", q.next, text, q.step)
		others = "those that go on otherwise"
		if q.next == q.step {
			have = fmt.Sprintf("that do %s again after %q", q.step, text)
		}
	}
	t, i := q.strata.Total, q.interval
	verb, a, b := "succeed", t.WithSucceeded, t.WithoutSucceeded
	if q.difference < 0 {
		verb, a, b, i = "fail", t.With-a, t.Without-b, i.Negated()
	}
	within := ""
	if q.strata.Informative > 1 {
		within = ", compared within the same task"
	}
	return fmt.Sprintf("Runs of %s %s %s %.0f points more often than %s (%d of %d against %d of %d; 95%% interval %.0f to %.0f%s).",
		q.workflow, have, verb, math.Abs(math.Round(100*q.difference)), others, a, t.With, b, t.Without, 100*i.Low, 100*i.High, within)
}

const maxPositions = 5

func (q *question) evidence(asked int, alpha float64) events.Evidence {
	e := events.Evidence{Confidence: confidence, N: q.strata.Total.With + q.strata.Total.Without}
	for _, r := range q.rows {
		if e.From == 0 || r.first < e.From {
			e.From = r.first
		}
		e.To = max(e.To, r.position)
		if r.with && r.good == (q.difference > 0) {
			e.Positions = append(e.Positions, r.position)
		}
	}
	slices.Sort(e.Positions)
	e.Positions = e.Positions[:min(len(e.Positions), maxPositions)]
	e.Statistic = fmt.Sprintf("risk difference within tasks from the step on (Mantel-Haenszel), Sato's interval; e-BH at %g, hypotheses tested: %d", alpha, asked)
	e.Value, e.Low, e.High = stats.Round(q.difference), stats.Round(q.interval.Low), stats.Round(q.interval.High)
	t := q.strata.Total
	e.Counts = map[string]int64{
		"with_runs": t.With, "with_succeeded": t.WithSucceeded, "without_runs": t.Without, "without_succeeded": t.WithoutSucceeded,
		"strata": int64(q.strata.Informative), "hypotheses": int64(asked),
	}
	return e
}

// worse are the runs on the worse side, which would gain.
func (q *question) worse() int64 {
	if q.difference < 0 {
		return q.strata.Total.With
	}
	return q.strata.Total.Without
}

package failure

import (
	"fmt"
	"maps"
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

// visit is a run that went on behind its first time at a landmark: with which error, "" for none, and then with which step next.
type visit struct {
	*Run
	step int32
	// task is the place of the run's task in the order of their names.
	task     int32
	id, next string
}

func (v *visit) good() bool       { return v.Outcome == events.Succeeded }
func (v *visit) agent() string    { return v.Steps[v.step].Agent }
func (v *visit) position() uint64 { return v.Steps[v.step].Position }

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

// landmarks are those of a history, by number.
type landmarks struct {
	number map[landmark]int32
	// all are the landmarks, runs how many have each, last how many of them end there.
	all        []landmark
	runs, last []int
	// of are those of the steps of all runs, one after another; a step that the run had before is -1.
	of []int32
}

func (h *history) landmarks() *landmarks {
	p := &landmarks{number: map[landmark]int32{}}
	var seen []int // the latest run that had each, from 1
	steps := 0
	for i := range h.Runs {
		steps += len(h.Runs[i].Steps)
	}
	p.of = make([]int32, 0, steps)
	for i := range h.Runs {
		r := &h.Runs[i]
		for k := range r.Steps {
			at := landmark{r.Workflow, r.Steps[k].Name}
			n, ok := p.number[at]
			if !ok {
				n = int32(len(p.all)) //nolint:gosec // at most one a step
				p.number[at] = n
				p.all, p.runs, p.last, seen = append(p.all, at), append(p.runs, 0), append(p.last, 0), append(seen, 0)
			}
			if k == len(r.Steps)-1 {
				p.last[n]++
			}
			if seen[n] == i+1 {
				n = -1
			} else {
				seen[n] = i + 1
				p.runs[n]++
			}
			p.of = append(p.of, n)
		}
	}
	return p
}

// ends tells of a step that comes with the end of its runs.
func (p *landmarks) ends(at landmark) bool {
	n, ok := p.number[at]
	return ok && float64(p.last[n]) >= endsAt*float64(p.runs[n])
}

// visits are by the number of the landmark.
func (h *history) visits(p *landmarks) [][]visit {
	all := make([][]visit, len(p.all))
	task := h.tasks()
	of := p.of
	for i := range h.Runs {
		r := &h.Runs[i]
		at := of[:len(r.Steps)]
		of = of[len(r.Steps):]
		if !rated(r) {
			continue
		}
		for k := range len(r.Steps) - 1 {
			if at[k] < 0 {
				continue
			}
			v := visit{Run: r, step: int32(k), task: task[r.Task], id: h.id(i, k)} //nolint:gosec // the number of a step
			if r.Steps[k].Failed && v.id == "" {
				continue // it failed without a word
			}
			if v.id != "" {
				v.next = r.next(k)
			}
			if all[at[k]] == nil {
				all[at[k]] = make([]visit, 0, p.runs[at[k]])
			}
			all[at[k]] = append(all[at[k]], v)
		}
	}
	return all
}

// tasks are the places of tasks in the order of their names.
func (h *history) tasks() map[string]int32 {
	task := map[string]int32{}
	for i := range h.Runs {
		task[h.Runs[i].Task] = 0
	}
	for i, name := range slices.Sorted(maps.Keys(task)) {
		task[name] = int32(i) //nolint:gosec // at most one a run
	}
	return task
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

// questions are all that the history has enough runs for, in a fixed order.
func (h *history) questions() []*question {
	p := h.landmarks()
	var all []*question
	ask := func(q *question) {
		q.measured = measure(q.rows, 0, math.MaxUint64)
		if min(q.strata.Total.With, q.strata.Total.Without) >= minSides {
			all = append(all, q)
		}
	}
	for n, visits := range h.visits(p) {
		at := p.all[n]
		none, by := 0, map[string][]*visit{}
		for i := range visits {
			if v := &visits[i]; v.id == "" {
				none++
			} else {
				by[v.id] = append(by[v.id], v)
			}
		}
		for id, met := range by {
			if len(met) < minSides {
				continue
			}
			harm := &question{landmark: at, id: id, rows: make([]trial, 0, none+len(met))}
			for i := range visits {
				if v := &visits[i]; v.id == id || v.id == "" {
					harm.rows = append(harm.rows, trial{v, v.id == id})
				}
			}
			ask(harm)
			// Without a task's name a hard wish can't be told from an easy one.
			named := slices.DeleteFunc(met, func(v *visit) bool { return v.Task == "" })
			after := map[string]int{}
			for _, v := range named {
				after[v.next]++
			}
			for next, times := range after {
				if p.ends(landmark{at.workflow, next}) || min(times, len(named)-times) < minSides {
					continue
				}
				q := &question{landmark: at, id: id, next: next, rows: make([]trial, 0, len(named))}
				for _, v := range named {
					q.rows = append(q.rows, trial{v, v.next == next})
				}
				ask(q)
			}
		}
	}
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
	at := map[int32]int{}
	var tasks []int32
	var tables []stats.Table
	for _, r := range rows {
		if r.First <= after || r.First > upTo {
			continue
		}
		n, ok := at[r.task]
		if !ok {
			n = len(tables)
			at[r.task] = n
			tasks, tables = append(tasks, r.task), append(tables, stats.Table{})
		}
		t := &tables[n]
		good := int64(0)
		if r.good() {
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
		m.strata.Add(tables[at[task]])
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
	middle := q.rows[len(q.rows)/2].First
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
		if e.From == 0 || r.First < e.From {
			e.From = r.First
		}
		e.To = max(e.To, r.position())
		if r.with && r.good() == (q.difference > 0) {
			e.Positions = append(e.Positions, r.position())
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

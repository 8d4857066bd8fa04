package performance

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

const (
	// gapLeast is how many points an agent surely does worse at some of its tasks than at the others, to be made two.
	gapLeast = .10
	// splitRuns is how many runs of an agent tell.
	splitRuns = 200
)

// halves are all runs by like tasks, in two halves, and which strata are of each workflow and of each task.
type halves struct {
	first, second    *tally
	workflows, tasks map[string][]int32
}

func halved(runs []*Run) *halves {
	h := &halves{first: tallied(runs, (*Run).stratum, half), second: tallied(runs, (*Run).stratum, otherHalf), workflows: map[string][]int32{}, tasks: map[string][]int32{}}
	for i, s := range h.first.strata {
		n := int32(i) //nolint:gosec // at most one a run
		h.workflows[s.workflow], h.tasks[s.task] = append(h.workflows[s.workflow], n), append(h.tasks[s.task], n)
	}
	return h
}

// half puts a run into one of two halves, by its name alone.
func half(r *Run) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.Name)) // it never fails
	return h.Sum32()%2 == 0
}

func otherHalf(r *Run) bool { return !half(r) }

// splits are agents that do worse at some kinds of their tasks than at others, beside what other agents do at the same ones, so that
// none is split for tasks that are hard for all. Which kinds those are is learned from one half of the runs, the gap told by the other.
func (l *look) splits(all []*Run) []shape {
	var h *halves
	var found []shape
	for _, agent := range l.names {
		if len(l.runs[agent]) < splitRuns {
			continue
		}
		if h == nil {
			h = halved(all)
		}
		if s, ok := l.split(agent, h); ok {
			found = append(found, s)
		}
	}
	return found
}

func (l *look) split(agent string, h *halves) (found shape, ok bool) {
	mine := l.runs[agent]
	of, kind := h.workflows, func(r *Run) string { return r.Workflow }
	if !slices.ContainsFunc(mine, func(r *Run) bool { return r.Workflow != mine[0].Workflow }) { // then by its tasks
		of, kind = h.tasks, func(r *Run) string { return r.Task }
	}
	has := map[string]bool{}
	for _, r := range mine {
		has[kind(r)] = true
	}
	type learned struct {
		kind string
		d, n float64
	}
	var kinds []learned
	h.first.count(mine, half)
	for _, k := range slices.Sorted(maps.Keys(has)) {
		s := h.first.within(of[k])
		if k == "" || s.Informative == 0 || min(s.Total.With, s.Total.Without) < 10 {
			continue
		}
		d, _ := s.Difference(confidence)
		kinds = append(kinds, learned{k, d, float64(s.Total.With)})
	}
	if len(kinds) < 2 {
		return found, false
	}
	slices.SortStableFunc(kinds, func(a, b learned) int { return cmp.Compare(a.d, b.d) })
	cut, most := 0, -1.0
	for c := 1; c < len(kinds); c++ {
		mean := func(list []learned) (mean, n float64) {
			for _, k := range list {
				mean, n = mean+float64(k.d*k.n), n+k.n
			}
			return mean / n, n
		}
		low, n := mean(kinds[:c])
		high, m := mean(kinds[c:])
		if between := float64((high-low)*(high-low)) * n * m / (n + m); between > most {
			cut, most = c, between
		}
	}
	var names []string
	var badAt, restAt []int32
	for i, k := range kinds {
		if i < cut {
			names, badAt = append(names, k.kind), append(badAt, of[k.kind]...)
		} else {
			restAt = append(restAt, of[k.kind]...)
		}
	}
	h.second.count(mine, otherHalf)
	bad, rest := h.second.within(badAt), h.second.within(restAt)
	if bad.Informative == 0 || rest.Informative == 0 || min(bad.Total.With, rest.Total.With) < fewest {
		return found, false
	}
	low, i := bad.Difference(confidence)
	high, j := rest.Difference(confidence)
	gap, err := high-low, math.Hypot(i.High-i.Low, j.High-j.Low)/(2*1.96)
	// The level of a look is far into the tail: its quantile is that of the normal distribution.
	z := math.Sqrt2 * math.Erfinv(1-2*l.level/float64(len(l.names)))
	// That others do badly where this one does well is no weakness of its own.
	if gap-float64(z*err) < gapLeast || low+float64(z*(i.High-i.Low)/(2*1.96)) > 0 {
		return found, false
	}
	share := float64(bad.Total.With) / float64(bad.Total.With+rest.Total.With)
	within := stats.Interval{Low: gap - float64(1.96*err), High: min(1, gap+float64(1.96*err))}
	w := evidence.Successes(float64(gap*share), float64(within.Low*share), float64(within.High*share), l.monthly[agent], l.all)
	e := comparison(bad, gap, within, l.runs[agent][0].First, l.runs[agent][len(l.runs[agent])-1].Last)
	e.Statistic = "difference of two differences to other agents within workflows and tasks, on the held-out half"
	told := strings.Join(names[:min(len(names), 4)], ", ")
	if more := len(names) - 4; more > 0 {
		told += fmt.Sprintf(" and %d more", more)
	}
	change := events.Change{
		Kind: events.ChangeSplit, Agent: agent,
		Instruction: fmt.Sprintf("Make an agent of its own for %s, with a prompt and tools for that, and leave the rest to %s.", told, agent),
	}
	if to := l.doesBetter(agent, func(r *Run) bool { return slices.Contains(names, kind(r)) }); to != "" {
		change.Kind, change.Config = events.ChangeRouting, l.passing(agent, events.Route{Tasks: names, To: to})
		change.Instruction = fmt.Sprintf("Have %s pass %s on to %s, who does better at that.", agent, told, to)
	}
	return shape{
		change: change,
		claim:  events.Claim{Subject: []string{"split", agent}, Harms: true}, strength: events.Moderate, worth: &w, evidence: e,
		reason: fmt.Sprintf("%s does %.0f points worse at %s than at its other tasks, each beside what other agents do at the same (%d of %d runs succeed there, interval of the gap %.0f to %.0f, on runs that did not choose them).",
			agent, 100*gap, told, bad.Total.WithSucceeded, bad.Total.With, 100*within.Low, 100*within.High),
		expected: events.Expected{Metric: "success_rate", Change: stats.Round(gap * share), Low: stats.Round(within.Low * share), High: stats.Round(within.High * share)},
	}, true
}

// doesBetter is the live agent that does best at some tasks, as one half of the runs tells, where the other half shows it to do better at them than another
// live one. It is empty where nobody does for sure.
func (l *look) doesBetter(agent string, such func(*Run) bool) (to string) {
	if _, live := l.now(agent); !live {
		return ""
	}
	of := func(name string, half func(*Run) bool) []*Run {
		return slices.DeleteFunc(slices.Clone(l.runs[name]), func(r *Run) bool { return !such(r) || !half(r) })
	}
	most := 0.
	for _, other := range l.names {
		if _, live := l.now(other); !live || other == agent {
			continue
		}
		s := compare(of(other, half), of(agent, half))
		if d, _ := s.Difference(confidence); s.Informative > 0 && s.Total.With >= fewest && d > most {
			to, most = other, d
		}
	}
	if to == "" {
		return ""
	}
	s := compare(of(to, otherHalf), of(agent, otherHalf))
	if _, i := s.Difference(1 - 2*l.level/float64(len(l.names))); s.Informative == 0 || min(s.Total.With, s.Total.Without) < fewest || i.Low <= 0 {
		return ""
	}
	return to
}

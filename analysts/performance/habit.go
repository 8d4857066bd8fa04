package performance

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// The kinds of findings on how agents work.
const (
	Thinking = "thinking"
	Habit    = "habit"
)

var (
	// plans are steps in which an agent thinks of what to do, givesUp those by which it hands its task to somebody else.
	plans   = regexp.MustCompile(`(?i)\b(re)?plan|think|reason|reflect|decompos|\btodo`)
	givesUp = regexp.MustCompile(`(?i)transfer|escalat|hand.?(off|over)|give.?up|abort`)
)

// loopsFrom is how often a step has to come in a row to be a loop.
const loopsFrom = 3

// work is how a run was worked on, as far as the names of its steps tell.
type work struct {
	planned, replanned, looped, gaveUp bool
	// tools are the different ones that it called, reasoning the share of its steps that called none.
	tools     int
	reasoning float64
}

// works are those of all runs. Many go alike, and the names of steps are few.
func (v *View) works() map[*Run]*work {
	// Lists that runs share are one list, which nobody changes.
	type way struct {
		steps, tools *string
		n, m         int
	}
	first := func(list []string) *string {
		if len(list) == 0 {
			return nil
		}
		return &list[0]
	}
	planned := map[string]bool{}
	known := map[way]*work{}
	all := make(map[*Run]*work, len(v.Runs))
	for i := range v.Runs {
		r := &v.Runs[i]
		k := way{first(r.Steps), first(r.Tools), len(r.Steps), len(r.Tools)}
		w := known[k]
		if w == nil {
			w = r.work(planned)
			known[k] = w
		}
		all[r] = w
	}
	return all
}

// work tells how a run was worked on. planned is which names of steps are plans, as far as that is known already.
func (r *Run) work(planned map[string]bool) *work {
	w := &work{}
	row, without, before := 0, 0, true
	tools := map[string]bool{}
	planning := false
	for i, step := range r.Steps {
		called := slices.Contains(r.Tools, step)
		plan, known := planned[step]
		if !known {
			plan = plans.MatchString(step)
			planned[step] = plan
		}
		switch {
		case plan && before:
			w.planned = true
		case plan && !planning:
			w.replanned = true
		}
		if planning = plan; called && !plan {
			tools[step], before = true, false
		}
		if !called || plan {
			without++
		}
		if row++; i > 0 && step != r.Steps[i-1] {
			row = 1
		}
		w.looped = w.looped || row >= loopsFrom
	}
	if n := len(r.Steps); n > 0 {
		w.gaveUp = givesUp.MatchString(r.Steps[n-1])
		w.reasoning = float64(without) / float64(n)
	}
	w.tools = len(tools)
	return w
}

// habits are what an agent does in some runs and not in others.
var habits = []struct {
	name, words string
	has         func(*work) bool
}{
	{"plans_first", "plans before it acts", func(w *work) bool { return w.planned }},
	{"plans_again", "plans again on the way", func(w *work) bool { return w.replanned }},
	{"loops", fmt.Sprintf("does a step %d times in a row or more", loopsFrom), func(w *work) bool { return w.looped }},
	{"gives_up", "hands the task over at the end", func(w *work) bool { return w.gaveUp }},
	{"several_tools", "uses several tools", func(w *work) bool { return w.tools > 1 }},
}

// thinking tells how each agent works, and what of it goes with success on like tasks.
func (v *View) thinking() []evidence.Finding {
	var findings []evidence.Finding
	names, runs := v.agents()
	slices.SortStableFunc(names, func(a, b string) int { return len(runs[b]) - len(runs[a]) })
	works := v.works()
	told := 0
	for _, agent := range names {
		mine := slices.DeleteFunc(slices.Clone(runs[agent]), func(r *Run) bool { return len(r.Steps) == 0 })
		if len(mine) < fewest || told == top {
			continue
		}
		told++
		var words []string
		counts := map[string]int64{}
		reasoning := 0.0
		tools := make([]int, len(mine))
		for i, r := range mine {
			w := works[r]
			for _, h := range habits {
				if h.has(w) {
					counts[h.name]++
				}
			}
			reasoning += w.reasoning / float64(len(mine))
			tools[i] = w.tools
		}
		for _, h := range habits {
			n := counts[h.name]
			if counts[h.name] = n; n > 0 { // none is a count too
				words = append(words, fmt.Sprintf("%s in %.0f%%", h.words, 100*float64(n)/float64(len(mine))))
			}
		}
		slices.Sort(tools)
		words = append(words, fmt.Sprintf("%d at the median of a run", tools[len(tools)/2]), fmt.Sprintf("%.0f%% of its steps call none", 100*reasoning))
		findings = append(findings, evidence.Finding{
			Kind: Thinking, Subject: []string{"agent", agent}, Of: len(names),
			Text: fmt.Sprintf("%s, in %d runs: %s.", agent, len(mine), strings.Join(words, ", ")),
			Evidence: events.Evidence{
				From: mine[0].First, To: mine[len(mine)-1].Last, Statistic: "share of the steps that call no tool", Confidence: 1, N: int64(len(mine)),
				Value: stats.Round(reasoning), Low: stats.Round(reasoning), High: stats.Round(reasoning), Counts: counts,
			},
		})
	}
	return append(findings, v.habits(works)...)
}

// habits tell what of how agents work goes with success, within like tasks and the same agent. Who works so may do it because the
// task is hard: it asks for nothing.
func (v *View) habits(works map[*Run]*work) []evidence.Finding {
	type asked struct {
		habit    int
		workflow string
		strata   stats.Strata
		runs     []*Run
	}
	var all []asked
	var logE []float64
	workflows := map[string][]*Run{}
	var names []string
	for i := range v.Runs {
		r := &v.Runs[i]
		if len(r.Steps) == 0 {
			continue
		}
		if workflows[r.Workflow] == nil {
			names = append(names, r.Workflow)
		}
		workflows[r.Workflow] = append(workflows[r.Workflow], r)
	}
	slices.Sort(names)
	for _, w := range names {
		runs := workflows[w]
		alike := tallied(runs, func(r *Run) stratum { return stratum{r.Agent, r.Task} }, every)
		with := make([][]*Run, len(habits))
		for _, r := range runs {
			did := works[r]
			for k, h := range habits {
				if h.has(did) {
					with[k] = append(with[k], r)
				}
			}
		}
		for k, with := range with {
			if min(len(with), len(runs)-len(with)) < fewest {
				continue
			}
			s := alike.others(with)
			if s.Informative < 2 {
				continue // tasks aren't named, or nobody does both
			}
			score, variance := s.Score()
			all, logE = append(all, asked{k, w, s, with}), append(logE, stats.LogE(score, variance))
		}
	}
	claimed, _ := stats.EBH(logE, alpha)
	var findings []evidence.Finding
	for _, k := range claimed {
		a := all[k]
		d, i := a.strata.Difference(confidence)
		word := "more"
		if d < 0 {
			word = "less"
		}
		findings = append(findings, evidence.Finding{
			Kind: Habit, Workflow: a.workflow, Subject: []string{"habit", habits[a.habit].name}, Of: len(all),
			Strength: evidence.Grade(math.Exp(math.Abs(d)), a.strata.Total.With, logE[k], true, false),
			Text: fmt.Sprintf("An agent of %s that %s succeeds %.0f points %s often than where the same one does not, on like tasks (interval %+.0f to %+.0f): it goes with it, which a hard task may explain.",
				a.workflow, habits[a.habit].words, 100*math.Abs(d), word, 100*i.Low, 100*i.High),
			Evidence: comparison(a.strata, d, i, a.runs[0].First, a.runs[len(a.runs)-1].Last), Example: a.runs[len(a.runs)-1].Name,
		})
	}
	return findings
}

package performance

import (
	"cmp"
	"fmt"
	"maps"
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

// works are those of all runs, by place. Many go alike, and the names of steps are few.
func (v *View) works() []*work {
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
	plan, giveUp := matcher(plans), matcher(givesUp)
	known := map[way]*work{}
	all := make([]*work, len(v.Runs))
	for i := range v.Runs {
		r := &v.Runs[i]
		k := way{first(r.Steps), first(r.Tools), len(r.Steps), len(r.Tools)}
		w := known[k]
		if w == nil {
			w = r.work(plan, giveUp)
			known[k] = w
		}
		all[i] = w
	}
	return all
}

// matcher tells which names match, and looks at each once.
func matcher(pattern *regexp.Regexp) func(name string) bool {
	known := map[string]bool{}
	return func(name string) bool {
		matches, ok := known[name]
		if !ok {
			matches = pattern.MatchString(name)
			known[name] = matches
		}
		return matches
	}
}

// work tells how a run was worked on.
func (r *Run) work(plans, givesUp func(step string) bool) *work {
	w := &work{}
	row, without, before := 0, 0, true
	tools := map[string]bool{}
	planning := false
	for i, step := range r.Steps {
		called := slices.Contains(r.Tools, step)
		plan := plans(step)
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
		w.gaveUp = givesUp(r.Steps[n-1])
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

// working is how the runs of an agent that have steps were worked on.
type working struct {
	runs, tools []int
	habits      []int64
	reasoning   float64
}

// thinking tells how each agent works, and what of it goes with success on like tasks.
func (v *View) thinking() []evidence.Finding {
	var findings []evidence.Finding
	works := v.works()
	all, of := map[string]int{}, map[string]*working{}
	for i := range v.Runs {
		r := &v.Runs[i]
		all[r.Agent]++
		if len(r.Steps) == 0 {
			continue
		}
		w := of[r.Agent]
		if w == nil {
			w = &working{habits: make([]int64, len(habits))}
			of[r.Agent] = w
		}
		w.runs = append(w.runs, i)
	}
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(all[b]-all[a], cmp.Compare(a, b)) })
	told := 0
	for _, agent := range names {
		mine := of[agent]
		if mine == nil || len(mine.runs) < fewest || told == top {
			continue
		}
		told++
		n := len(mine.runs)
		for _, i := range mine.runs {
			w := works[i]
			for k, h := range habits {
				if h.has(w) {
					mine.habits[k]++
				}
			}
			mine.reasoning += w.reasoning / float64(n)
			mine.tools = append(mine.tools, w.tools)
		}
		var words []string
		counts := map[string]int64{}
		for k, h := range habits {
			if counts[h.name] = mine.habits[k]; mine.habits[k] > 0 {
				words = append(words, fmt.Sprintf("%s in %.0f%%", h.words, 100*float64(mine.habits[k])/float64(n)))
			}
		}
		slices.Sort(mine.tools)
		words = append(words, fmt.Sprintf("%d at the median of a run", mine.tools[n/2]), fmt.Sprintf("%.0f%% of its steps call none", 100*mine.reasoning))
		findings = append(findings, evidence.Finding{
			Kind: Thinking, Subject: []string{"agent", agent}, Of: len(names),
			Text: fmt.Sprintf("%s, in %d runs: %s.", agent, n, strings.Join(words, ", ")),
			Evidence: events.Evidence{
				From: v.Runs[mine.runs[0]].First, To: v.Runs[mine.runs[n-1]].Last, Statistic: "share of the steps that call no tool", Confidence: 1, N: int64(n),
				Value: stats.Round(mine.reasoning), Low: stats.Round(mine.reasoning), High: stats.Round(mine.reasoning), Counts: counts,
			},
		})
	}
	return append(findings, v.habits(works)...)
}

// habits tell what of how agents work goes with success, within like tasks and the same agent. Who works so may do it because the
// task is hard: it asks for nothing.
func (v *View) habits(works []*work) []evidence.Finding {
	type asked struct {
		habit    int
		workflow string
		strata   stats.Strata
		runs     []*Run
	}
	var all []asked
	var logE []float64
	workflows, did := map[string][]*Run{}, map[string][][]*Run{}
	for i := range v.Runs {
		r := &v.Runs[i]
		if len(r.Steps) == 0 {
			continue
		}
		with := did[r.Workflow]
		if with == nil {
			with = make([][]*Run, len(habits))
			did[r.Workflow] = with
		}
		workflows[r.Workflow] = append(workflows[r.Workflow], r)
		for k, h := range habits {
			if h.has(works[i]) {
				with[k] = append(with[k], r)
			}
		}
	}
	for _, w := range slices.Sorted(maps.Keys(workflows)) {
		runs, with := workflows[w], did[w]
		alike := tallied(runs, func(r *Run) stratum { return stratum{r.Agent, r.Task} }, every)
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

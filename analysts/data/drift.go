package data

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

const (
	// blocks is into how many spans of equally many runs a history is divided to find since when it is another one.
	blocks = 8
	// leastDrift is how many points a share has to move to be told, leastSlower how many times a duration.
	leastDrift  = .1
	leastSlower = 1.5
	// mostTraits bounds how many things of a workflow are followed, the most frequent first.
	mostTraits = 200
	// toldTraits is how many of them are told of a workflow.
	toldTraits = 3
)

// trait is something that a share of the runs has.
type trait struct{ kind, name string }

// moved is a trait since a block and before it.
type moved struct {
	trait
	since       int
	before, now float64
	p           float64
}

// period is a workflow up to its latest look, in blocks.
type period struct {
	workflow string
	runs     []*Run
	share    float64
}

func (p *period) block(i int) int { return i * blocks / len(p.runs) }

// begins is the first run of a block.
func (p *period) begins(block int) *Run { return p.runs[(block*len(p.runs)+blocks-1)/blocks] }

// drifts tell since when a workflow's runs are others than before: its tasks, who does them, how, how long that takes and how it
// ends on like tasks. It looks where the history has doubled, and spends alpha over all looks.
func drifts(workflows []string, by map[string][]*Run) []evidence.Finding {
	type asked struct {
		*period
		moved
	}
	var all []asked
	for _, w := range workflows {
		p := period{workflow: w, runs: slices.DeleteFunc(slices.Clone(by[w]), func(r *Run) bool { return !r.Ended })}
		slices.SortStableFunc(p.runs, func(a, b *Run) int { return cmp.Or(cmp.Compare(a.Started, b.Started), cmp.Compare(a.First, b.First)) })
		n, share := stats.Spending(len(p.runs))
		if n == 0 {
			continue
		}
		p.runs, p.share = p.runs[:n], share
		for _, m := range slices.Concat(p.traits(), p.success(), p.duration()) {
			all = append(all, asked{&p, m})
		}
	}
	p := make([]float64, len(all))
	for i, a := range all {
		p[i] = min(1, a.p*(blocks-1)/a.share)
	}
	of := map[string][]asked{}
	for _, i := range stats.BH(p, alpha) {
		of[all[i].workflow] = append(of[all[i].workflow], all[i])
	}
	var findings []evidence.Finding
	for _, w := range slices.Sorted(maps.Keys(of)) {
		list := slices.DeleteFunc(of[w], func(a asked) bool { return !a.matters() })
		if len(list) == 0 {
			continue
		}
		slices.SortStableFunc(list, func(a, b asked) int { return cmp.Compare(a.p, b.p) })
		first := list[0]
		var words []string
		for _, a := range list[:min(len(list), toldTraits)] {
			words = append(words, a.words())
		}
		if rest := len(list) - len(words); rest > 0 {
			words = append(words, fmt.Sprintf("%d more", rest))
		}
		begins := first.begins(first.since)
		when := "run " + begins.Name
		if begins.Started != 0 {
			when = time.Unix(0, begins.Started).UTC().Format(time.DateOnly) + " (" + when + ")"
		}
		n := int64(len(first.runs))
		findings = append(findings, evidence.Finding{
			Kind: Drift, Workflow: w, Subject: []string{"drift", first.kind, first.name}, Of: len(list), Example: begins.Name,
			Text: fmt.Sprintf("%s is another one since about %s: %s.", w, when, strings.Join(words, "; ")),
			Evidence: events.Evidence{
				From: first.runs[0].First, To: first.runs[n-1].Last, Positions: []uint64{begins.First}, Confidence: confidence, N: n,
				Statistic: "change of a share or a median at the best of 7 places, Benjamini and Hochberg, spent over the looks", Value: stats.Round(first.now - first.before),
				Low: stats.Round(first.now - first.before), High: stats.Round(first.now - first.before), Counts: map[string]int64{"followed": int64(len(all))},
			},
		})
	}
	return findings
}

func (m moved) matters() bool {
	if m.kind == "time" {
		return m.now > leastSlower*m.before || m.before > leastSlower*m.now
	}
	return math.Abs(m.now-m.before) >= leastDrift
}

func (m moved) words() string {
	switch m.kind {
	case "time":
		seconds := func(x float64) string {
			return time.Duration(x * float64(time.Second)).Round(100 * time.Millisecond).String()
		}
		return fmt.Sprintf("half of its runs take %s or less, before %s", seconds(m.now), seconds(m.before))
	case "success":
		return fmt.Sprintf("%.0f%% succeed, before %.0f%%, within like tasks", 100*m.now, 100*m.before)
	}
	return fmt.Sprintf("%s %s is in %.0f%% of its runs, before in %.0f%%", m.kind, m.name, 100*m.now, 100*m.before)
}

// best is the place that speaks most for a change, of the sums of some values over the blocks.
func best(t trait, n, with [blocks]float64) moved {
	m := moved{trait: t, p: 1}
	var all, allWith float64
	for b := range blocks {
		all, allWith = all+n[b], allWith+with[b]
	}
	before, beforeWith := 0.0, 0.0
	for b := 1; b < blocks; b++ {
		before, beforeWith = before+n[b-1], beforeWith+with[b-1]
		since := all - before
		if before < 10 || since < 10 {
			continue
		}
		mean := allWith / all
		score := beforeWith - float64(before*mean)
		variance := float64(before*since) / all * float64(mean*(1-mean))
		if p := stats.PValue(score, variance); p < m.p {
			m.since, m.p, m.before, m.now = b, p, beforeWith/before, (allWith-beforeWith)/since
		}
	}
	return m
}

// traits are the tasks, agents, models and steps of a workflow.
func (p *period) traits() []moved {
	var n [blocks]float64
	with := map[trait]*[blocks]float64{}
	tasks := map[string]int{}
	for i, r := range p.runs {
		b := p.block(i)
		n[b]++
		add := func(kind string, names ...string) {
			for _, name := range names {
				t := trait{kind, name}
				if with[t] == nil {
					with[t] = new([blocks]float64)
				}
				with[t][b]++
			}
		}
		add("step", r.Steps...)
		add("agent", r.Agents...)
		add("model", r.Models...)
		if r.Task != "" {
			tasks[r.Task]++
			add("task", r.Task)
		}
	}
	total := func(t trait) (sum float64) {
		for _, x := range with[t] {
			sum += x
		}
		return sum
	}
	list := slices.SortedFunc(maps.Keys(with), func(a, b trait) int {
		return cmp.Or(cmp.Compare(total(b), total(a)), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	var found []moved
	for _, t := range list[:min(len(list), mostTraits)] {
		if sum := total(t); sum >= 10 && sum <= float64(len(p.runs))-10 {
			found = append(found, best(t, n, *with[t]))
		}
	}
	return found
}

// success is how often runs succeed on like tasks.
func (p *period) success() []moved {
	type counts [blocks]struct{ n, good int64 }
	of := map[string]*counts{}
	for i, r := range p.runs {
		if !rated(r.Outcome) {
			continue
		}
		if of[r.Task] == nil {
			of[r.Task] = &counts{}
		}
		c := &of[r.Task][p.block(i)]
		c.n++
		if r.Outcome == events.Succeeded {
			c.good++
		}
	}
	tasks := slices.Sorted(maps.Keys(of))
	m := moved{trait: trait{"success", p.workflow}, p: 1}
	for b := 1; b < blocks; b++ {
		var s stats.Strata
		for _, task := range tasks {
			var t stats.Table
			for i, c := range of[task] {
				if i >= b {
					t.With, t.WithSucceeded = t.With+c.n, t.WithSucceeded+c.good
				} else {
					t.Without, t.WithoutSucceeded = t.Without+c.n, t.WithoutSucceeded+c.good
				}
			}
			s.Add(t)
		}
		if s.Total.With < 10 || s.Total.Without < 10 || s.Informative == 0 {
			continue
		}
		if value := stats.PValue(s.Score()); value < m.p {
			d, _ := s.Difference(confidence)
			before := float64(s.Total.WithoutSucceeded) / float64(s.Total.Without)
			m.since, m.p, m.before, m.now = b, value, before, before+d
		}
	}
	return []moved{m}
}

// duration is how long runs take: by how many take longer than half of all do.
func (p *period) duration() []moved {
	var all []int64
	took := func(r *Run) (int64, bool) { return r.Until - r.Started, r.Started != 0 && r.Until >= r.Started }
	for _, r := range p.runs {
		if d, ok := took(r); ok {
			all = append(all, d)
		}
	}
	if len(all) < 20 {
		return nil
	}
	slices.Sort(all)
	half := all[len(all)/2]
	var n, with [blocks]float64
	of := [blocks][]int64{}
	for i, r := range p.runs {
		if d, ok := took(r); ok {
			b := p.block(i)
			n[b]++
			if d > half {
				with[b]++
			}
			of[b] = append(of[b], d)
		}
	}
	m := best(trait{"time", p.workflow}, n, with)
	middle := func(list []int64) float64 {
		if len(list) == 0 {
			return 0
		}
		slices.Sort(list)
		return float64(list[len(list)/2]) / float64(time.Second)
	}
	if m.p < 1 {
		m.before, m.now = middle(slices.Concat(of[:m.since]...)), middle(slices.Concat(of[m.since:]...))
	}
	return []moved{m}
}

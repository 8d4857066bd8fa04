package workflow

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// The kinds of findings on where the time of runs goes.
const (
	Bottleneck = "bottleneck"
	Waiting    = "wait"
	Handover   = "handover"
	Parallel   = "parallel"
	Automation = "automation"
)

// Timing is what the time of a workflow's runs hangs on. The zero value is of no runs.
type Timing struct {
	// Runs are those of which that is known, TotalNS is their time.
	Runs, TotalNS int64
	// Steps are by name, Waits by the step before and the one that is waited for, Handovers by agent and agent, Pairs by one step
	// and the one that runs then went on with.
	Steps            map[string]*StepTime
	Waits, Handovers map[[2]string]*Wait
	Pairs            map[[2]string]*Pair
}

// StepTime is how much hangs on a step, and by what runs would be shorter if it took no time.
type StepTime struct{ Runs, OnNS, SavesNS int64 }

// Wait is how long nothing was done.
type Wait struct {
	Times, TotalNS int64
	// NS are the single ones.
	NS []int64
}

// Pair is how often one step came after another, and what runs would be shorter by had they come together.
type Pair struct{ Times, SavesNS int64 }

func put[K comparable, V any](m *map[K]*V, k K) *V {
	v := (*m)[k]
	if v == nil {
		if *m == nil {
			*m = map[K]*V{}
		}
		v = new(V)
		(*m)[k] = v
	}
	return v
}

// add adds a run that has ended.
func (t *Timing) add(steps []projections.ObservedStep) {
	before, total := -1, int64(0)
	for i := range steps {
		s := &steps[i]
		if s.OnNS == 0 && s.WaitNS == 0 {
			continue // nothing hangs on it, or nobody knows
		}
		if before < 0 {
			before = i - 1
		}
		total = events.Add(total, events.Add(s.OnNS, s.WaitNS))
		if s.OnNS > 0 {
			n := put(&t.Steps, s.Name)
			n.Runs, n.OnNS, n.SavesNS = n.Runs+1, events.Add(n.OnNS, s.OnNS), events.Add(n.SavesNS, s.SavesNS)
		}
		if before >= 0 {
			t.between(&steps[before], s)
		}
		before = i
	}
	if total > 0 {
		t.Runs, t.TotalNS = t.Runs+1, events.Add(t.TotalNS, total)
	}
}

func (t *Timing) between(before, s *projections.ObservedStep) {
	if s.WaitNS > 0 {
		put(&t.Waits, [2]string{before.Name, s.Name}).add(s.WaitNS)
	}
	if before.Agent != "" && s.Agent != "" && before.Agent != s.Agent {
		put(&t.Handovers, [2]string{before.Agent, s.Agent}).add(s.WaitNS)
	}
	if before.Name != s.Name {
		p := put(&t.Pairs, [2]string{before.Name, s.Name})
		p.Times, p.SavesNS = p.Times+1, events.Add(p.SavesNS, min(before.SavesNS, s.SavesNS))
	}
}

func (w *Wait) add(ns int64) {
	w.Times, w.TotalNS, w.NS = w.Times+1, events.Add(w.TotalNS, ns), append(w.NS, ns)
}

func (w *Wait) half() int64 {
	sorted := slices.Sorted(slices.Values(w.NS))
	return sorted[len(sorted)/2]
}

const (
	// topTimes is how many of a kind are told of a workflow.
	topTimes = 5
	// leastShare is how much of a workflow's time it takes to be told.
	leastShare = .05
	// eitherOrder is how often two steps come in either order, and in the rarer one, for neither to need the other.
	eitherOrder, rarerOrder = 20, .2
)

// times are the findings on where the time of runs goes. They are counts of all there is: value and bounds are the same.
func (c *cohort) times() []evidence.Finding {
	t := &c.Timing
	if t.Runs == 0 || len(c.Runs) == 0 {
		return nil
	}
	span := func(kind string, subject []string, share float64, n int64, counts map[string]int64, text string) evidence.Finding {
		return evidence.Finding{
			Kind: kind, Workflow: c.Name, Subject: subject, Text: text,
			Evidence: events.Evidence{
				From: c.Runs[0].First, To: c.Runs[len(c.Runs)-1].Last, Statistic: "share of the time that runs hang on", Confidence: 1, N: n,
				Value: stats.Round(share), Low: stats.Round(share), High: stats.Round(share), Counts: counts,
			},
		}
	}
	of := func(ns int64) float64 { return float64(ns) / float64(t.TotalNS) }
	var findings []evidence.Finding
	names := slices.SortedFunc(maps.Keys(t.Steps), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.Steps[b].OnNS, t.Steps[a].OnNS), cmp.Compare(a, b))
	})
	for _, name := range names[:min(len(names), topTimes)] {
		if s := t.Steps[name]; of(s.OnNS) >= leastShare {
			findings = append(findings, span(Bottleneck, []string{name}, of(s.OnNS), s.Runs, map[string]int64{"on_ns": s.OnNS, "saves_ns": s.SavesNS},
				fmt.Sprintf("%s of the time of %s hangs on %s (%s in %s): if that took half as long, runs would be %s shorter.", percent(of(s.OnNS)), c.Name, name, lasting(s.OnNS),
					counted(s.Runs, "step"), percent(of(s.SavesNS)/2))))
		}
	}
	byTotal := func(m map[[2]string]*Wait) [][2]string {
		return slices.SortedFunc(maps.Keys(m), func(a, b [2]string) int {
			return cmp.Or(cmp.Compare(m[b].TotalNS, m[a].TotalNS), cmp.Compare(m[b].Times, m[a].Times), slices.Compare(a[:], b[:]))
		})
	}
	waits := byTotal(t.Waits)
	waiting := int64(0)
	for _, w := range t.Waits {
		waiting = events.Add(waiting, w.TotalNS)
	}
	for _, k := range waits[:min(len(waits), topTimes)] {
		if w := t.Waits[k]; of(w.TotalNS) >= leastShare {
			findings = append(findings, span(Waiting, k[:], of(w.TotalNS), w.Times, map[string]int64{"wait_ns": w.TotalNS},
				fmt.Sprintf("%s of the time of %s passes with nothing under way between %s and %s: half of %s are %s or less.", percent(of(w.TotalNS)), c.Name, k[0], k[1],
					counted(w.Times, "wait"), lasting(w.half()))))
		}
	}
	return slices.Concat(findings, c.handovers(waiting, byTotal), c.beside(), c.automatable())
}

// handovers tell how often work goes from one agent to another, and how much of the waiting is there.
func (c *cohort) handovers(waiting int64, byTotal func(map[[2]string]*Wait) [][2]string) []evidence.Finding {
	t := &c.Timing
	if len(t.Handovers) == 0 {
		return nil
	}
	times, wait := int64(0), int64(0)
	for _, w := range t.Handovers {
		times, wait = times+w.Times, events.Add(wait, w.TotalNS)
	}
	worst := byTotal(t.Handovers)[0]
	share, text := 0.0, ""
	if waiting > 0 {
		share = float64(wait) / float64(waiting)
		text = fmt.Sprintf(", where %s of its waiting is", percent(share))
	}
	return []evidence.Finding{{
		Kind: Handover, Workflow: c.Name, Subject: []string{worst[0], worst[1]},
		Text: fmt.Sprintf("%s is handed over %.1f times a run%s; the longest are from %s to %s (%s, half of them wait %s or less).", c.Name, float64(times)/float64(t.Runs), text,
			worst[0], worst[1], counted(t.Handovers[worst].Times, "time"), lasting(t.Handovers[worst].half())),
		Evidence: events.Evidence{
			From: c.Runs[0].First, To: c.Runs[len(c.Runs)-1].Last, Statistic: "share of the waiting", Confidence: 1, N: t.Runs, Value: stats.Round(share), Low: stats.Round(share),
			High: stats.Round(share), Counts: map[string]int64{"handovers": times, "wait_ns": wait},
		},
	}}
}

// beside are steps that come one after another in either order, so that neither needs the other.
func (c *cohort) beside() []evidence.Finding {
	t := &c.Timing
	type pair struct {
		a, b          string
		ab, ba, saves int64
	}
	var found []pair
	for k, p := range t.Pairs {
		other := t.Pairs[[2]string{k[1], k[0]}]
		if k[0] > k[1] || other == nil {
			continue
		}
		ab, ba := p.Times, other.Times
		if ab+ba >= eitherOrder && float64(min(ab, ba)) >= rarerOrder*float64(ab+ba) && p.SavesNS+other.SavesNS > 0 {
			found = append(found, pair{a: k[0], b: k[1], ab: ab, ba: ba, saves: events.Add(p.SavesNS, other.SavesNS)})
		}
	}
	slices.SortFunc(found, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.saves, a.saves), cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b))
	})
	var findings []evidence.Finding
	for _, p := range found[:min(len(found), topTimes)] {
		share := float64(p.saves) / float64(t.TotalNS)
		findings = append(findings, evidence.Finding{
			Kind: Parallel, Workflow: c.Name, Subject: []string{p.a, p.b}, Of: len(found),
			Text: fmt.Sprintf("%s and %s of %s come one after another in either order (%d and %d times): where neither needs the other, doing both at once saves %s each time, %s of the time of all runs.",
				p.a, p.b, c.Name, p.ab, p.ba, lasting(p.saves/(p.ab+p.ba)), percent(share)),
			Evidence: events.Evidence{
				From: c.Runs[0].First, To: c.Runs[len(c.Runs)-1].Last, Statistic: "share of the time that runs hang on, recomputed with both at once", Confidence: 1, N: p.ab + p.ba,
				Value: stats.Round(share), Low: stats.Round(share), High: stats.Round(share), Counts: map[string]int64{"in_this_order": p.ab, "in_the_other": p.ba, "saves_ns": p.saves},
			},
		})
	}
	return findings
}

const (
	// automatableRuns and automatableDays are what it takes to tell what a runbook of a way would save.
	automatableRuns, automatableDays = 20, 7
)

// automatable are the ways that runs take again and again, and what of people's and agents' time a runbook surely takes over: on nine days
// of ten at least so many of them, three of four as long or longer, by the lower bound of their success.
func (c *cohort) automatable() []evidence.Finding {
	type way struct {
		days      map[int64]int64
		took      []int64
		good, all int64
	}
	ways := map[int32]*way{}
	var first, last int64
	working := 0.0
	for i := range c.Runs {
		r := &c.Runs[i]
		if r.Started == 0 || r.Until <= r.Started || len(r.Trace) < 2 || r.Outcome != events.Succeeded && r.Outcome != events.Failed {
			continue
		}
		working += float64(r.Until-r.Started) / float64(time.Minute)
		d := r.Started / int64(24*time.Hour)
		if first == 0 || d < first {
			first = d
		}
		last = max(last, d)
		w := ways[c.traceOf[i]]
		if w == nil {
			w = &way{days: map[int64]int64{}}
			ways[c.traceOf[i]] = w
		}
		w.days[d]++
		w.took = append(w.took, r.Until-r.Started)
		if w.all++; r.Outcome == events.Succeeded {
			w.good++
		}
	}
	const longest = 100 * 366
	if days := last - first + 1; days < automatableDays || days > longest {
		return nil
	}
	type candidate struct {
		variant        int32
		low, high      float64 // minutes a day
		rate, duration float64
		success        stats.Interval
	}
	var found []candidate
	for variant, w := range ways {
		if w.all < automatableRuns {
			continue
		}
		var rates []int64
		for d := first; d <= last; d++ {
			rates = append(rates, w.days[d])
		}
		slices.Sort(rates)
		slices.Sort(w.took)
		mean := 0.0
		for _, ns := range w.took {
			mean += float64(ns) / float64(len(w.took))
		}
		x := candidate{variant: variant, rate: float64(rates[len(rates)/10]), duration: float64(w.took[len(w.took)/4]), success: stats.Wilson(w.good, w.all, confidence)}
		x.low = float64(x.rate*x.duration*x.success.Low) / float64(time.Minute)
		x.high = float64(w.all) / float64(len(rates)) * float64(mean*x.success.High) / float64(time.Minute)
		if x.low > 0 {
			found = append(found, x)
		}
	}
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.low, a.low), cmp.Compare(a.variant, b.variant)) })
	var findings []evidence.Finding
	for _, x := range found[:min(len(found), topTimes)] {
		v, w := &c.variants[x.variant], ways[x.variant]
		worth := evidence.NewWorth(events.LessMinutes, 30*x.low, 30*x.low, 30*max(x.high, x.low), 30*working/float64(last-first+1))
		findings = append(findings, evidence.Finding{
			Kind: Automation, Workflow: c.Name, Subject: v.Steps, Of: len(found), Worth: &worth,
			Text: fmt.Sprintf("A runbook of %s would take over %.1f minutes of %s a day or more (up to %.1f): on nine days of ten at least %.0f runs take just that way, three of four %s or longer, and %d of %d succeed.",
				arrows(v.Steps), x.low, c.Name, max(x.high, x.low), x.rate, lasting(int64(x.duration)), w.good, w.all),
			Evidence: events.Evidence{
				From: v.First, To: v.Last, Statistic: "minutes a day: tenth percentile of the rate, first quartile of the duration, lower bound of the success", Confidence: confidence, N: w.all,
				Value: stats.Round(x.low), Low: stats.Round(x.low), High: stats.Round(max(x.high, x.low)), Counts: map[string]int64{"succeeded": w.good, "runs": w.all},
			},
		})
	}
	return findings
}

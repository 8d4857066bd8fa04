package workflow

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// An association is not an instruction. Before a step is asked for or advised against, the comparison is made again so
// that both sides had the same chance: at each place of a run, those that come to the feature there against those that
// have come as far without it and go another way (each place is a trial of its own: Hernán and Robins, American Journal of
// Epidemiology 2016, 183:758; over discrete times this is a hazard model of who comes to it). What a step can't change is
// held equal: the task, the requester, the agent, the model, the labels and the time.
//
// What passes still only goes with success: only a trial shows a cause.

// gated is what the comparison on equal terms says of a factor.
type gated struct {
	passed bool
	// why says in words what keeps the factor from being an instruction.
	why string
}

const (
	// maxPlaces is how many places of a trace are told apart; those behind are one.
	maxPlaces = 40
	// timeBlocks is into how many spans of equally many runs time is divided.
	timeBlocks = 8
	// endsAt is the share of a step's last occurrences with the end behind it, from which on it is taken for the end itself.
	endsAt = 0.9
	// endsRuns is how many rated runs with a step tell whether it comes with the end.
	endsRuns = 10
	// tells is how far the success of runs that end with a step may be from that of the others.
	tells = 0.25
)

// gate holds a factor against the comparison on equal terms. candidates is how many are.
func (f factor) gate(candidates int) gated {
	c := f.cohort
	switch f.feature {
	case switches:
		return f.gateOn(c.plainRows(f.sides()), candidates, false)
	case usesAgent, usesModel, hasLabel:
		return f.gateOn(c.plainRows(f.sides()), candidates, true)
	case contains, repeats, precedes, sequence:
	default:
		return gated{why: "nobody can change it"}
	}
	for _, s := range f.subject {
		if c.ends()[s] {
			return gated{why: s + " tells how the run ended"}
		}
	}
	return f.gateOn(c.trialRows(f.hypothesis), candidates, true)
}

// row is one trial: a run at a place, that comes to the feature there or not.
type row struct {
	place int32 // in rated
	at    int32 // of the trace
	x     bool
}

func (f factor) gateOn(rows []row, candidates int, needsTasks bool) gated {
	c := f.cohort
	// Within named tasks only: without a task a hard wish can't be told from an easy one.
	if needsTasks {
		rows = slices.DeleteFunc(rows, func(r row) bool { return c.stratum[r.place] == 0 })
	}
	// Alpha is spent as for a claim: at any time by an e-value, and at the looks where the history has doubled by a p-value.
	now := c.onTerms(rows, f.hypothesis, needsTasks)
	g := gated{why: now.why}
	if now.why != "" {
		return g
	}
	early := c.onTerms(slices.DeleteFunc(rows, func(r row) bool { return c.first[r.place] > f.claims.upTo }), f.hypothesis, needsTasks)
	many := float64(max(candidates, 1))
	switch {
	case now.slope < 0 != f.harms():
		g.why = "on equal terms it goes the other way"
	case stats.LogE(now.score, now.variance) >= math.Log(many/f.claims.kept),
		early.why == "" && early.slope < 0 == f.harms() && stats.PValue(early.score, early.variance) <= f.claims.spent/many:
		g.passed = true
	default:
		g.why = "on equal terms too little of it is left"
	}
	return g
}

// terms is what a comparison on equal terms comes to; why says in words why there is none.
type terms struct {
	why                    string
	slope, score, variance float64
}

func (c *cohort) onTerms(rows []row, h *hypothesis, needsTasks bool) terms {
	treated, tasks, last := 0, 0, int32(-1)
	for _, r := range rows {
		if r.x {
			treated++
		}
		if s := c.stratum[r.place]; s != last {
			tasks, last = tasks+1, s
		}
	}
	if needsTasks && tasks < 2 {
		return terms{why: "tasks aren't named, so that hard ones can't be told from easy ones"}
	}
	if treated < 5 || len(rows)-treated < 5 {
		return terms{why: "too few runs had the chance to do it and didn't"}
	}
	n := len(rows)
	c.room.taken = 0
	x, y, strata, classes := slices.Grow(c.room.x[:0], n)[:n], slices.Grow(c.room.y[:0], n)[:n], c.room.class(n), c.room.lists[:0]
	first := make(map[[2]int32]int32)
	for i, r := range rows {
		if x[i] = 0; r.x {
			x[i] = 1
		}
		y[i] = float64(c.succeeded[r.place])
		k := [2]int32{c.stratum[r.place], min(r.at, maxPlaces)}
		n, ok := first[k]
		if !ok {
			n = int32(len(first)) //nolint:gosec // at most one a row
			first[k] = n
		}
		strata[i] = n
	}
	classes = append(classes, strata)
	for _, of := range c.unchangeable(h) {
		class := c.room.class(n)
		for i, r := range rows {
			class[i] = of[r.place]
		}
		classes = append(classes, class)
	}
	c.room.x, c.room.y, c.room.lists = x, y, classes
	mean, spread := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		spread += float64((v - mean) * (v - mean))
	}
	parameters := stats.Absorb(classes, x, y)
	slope, err, ok := stats.Slope(x, y, spread, parameters)
	if !ok {
		return terms{why: "it can't be told apart from what else differs between the runs"}
	}
	information := 0.0
	for _, v := range x {
		information += float64(v * v)
	}
	variance := 0.25 * information
	score := slope / err * math.Sqrt(variance)
	return terms{slope: slope, score: score, variance: variance}
}

// plainRows are the sides of a comparison as trials at one place.
func (c *cohort) plainRows(sides []int8) []row {
	rows := c.room.rows[:0]
	for place, side := range sides {
		if side != out {
			rows = append(rows, row{place: int32(place), x: side == with}) //nolint:gosec // a run's number
		}
	}
	c.room.rows = rows
	return rows
}

// chances are the places of a trace at which a run could come to a feature: from one on, up to another. It does at onset, -1 for nowhere.
type chances struct{ from, to, onset int32 }

// trialRows are the trials of a feature of the trace. All runs of a variant have the same ones.
func (c *cohort) trialRows(h *hypothesis) []row {
	of := make([]chances, len(c.variants))
	for v := range c.variants {
		of[v] = c.chances(h, c.variants[v].Steps)
	}
	rows := c.room.rows[:0]
	for place, way := range c.way {
		t := of[way]
		if h.feature == repeats && t.from > 0 && slices.Contains(c.Runs[c.rated[place]].FailedAt, t.from-1) {
			continue // doing again what failed is an answer to the failure
		}
		for at := t.from; at < t.to; at++ {
			rows = append(rows, row{place: int32(place), at: at, x: at == t.onset}) //nolint:gosec // a run's number
		}
	}
	c.room.rows = rows
	return rows
}

func (c *cohort) chances(h *hypothesis, trace []string) (none chances) {
	from, to := 0, len(trace)
	onset := -1
	switch h.feature {
	case contains:
		onset = slices.Index(trace, h.subject[0])
	case repeats:
		first := slices.Index(trace, h.subject[0])
		if first < 0 {
			return none
		}
		from = first + 1
		if again := slices.Index(trace[from:], h.subject[0]); again >= 0 {
			onset = from + again
		}
	case precedes:
		first := slices.Index(trace, h.subject[0])
		if first < 0 {
			return none
		}
		from, to = first+1, min(first+2, to)
		if from < len(trace) && trace[from] == h.subject[1] {
			onset = from
		}
	case sequence:
		if from = len(h.subject) - 1; len(trace) <= from {
			return none // too short to hold it
		}
		onset = endOf(trace, h.subject)
	}
	if onset >= 0 {
		to = onset + 1
	}
	// A run that ends here by what tells its end did not go another way.
	if to == len(trace) && to > 0 && c.telling()[trace[to-1]] {
		to--
	}
	return chances{int32(from), int32(to), int32(onset)} //nolint:gosec // places in a trace
}

// ends are the steps that come with the end or behind the outcome: nearly all of what follows them is the end, or all
// runs with them end alike.
func (c *cohort) ends() map[string]bool {
	if c.endSteps == nil {
		c.findEnds()
	}
	return c.endSteps
}

// telling are the steps that say how a run ends where they come last.
func (c *cohort) telling() map[string]bool {
	c.ends()
	return c.tellingSteps
}

func (c *cohort) findEnds() {
	type count struct{ last, lastGood, rated, good int64 }
	counts := map[int32]*count{} // of steps that enough runs have
	for n, name := range c.coded.Names {
		if c.ratedRuns(c.coded.Holders(name)) >= endsRuns {
			counts[int32(n)] = &count{} //nolint:gosec // a step's number
		}
	}
	var rated, good int64
	seen := map[int32]bool{}
	for i, v := range c.variants {
		rated += v.Succeeded + v.Failed
		good += v.Succeeded
		clear(seen)
		for k, s := range c.coded.Trace(i) {
			n := counts[s]
			if n == nil {
				continue
			}
			if k == len(v.Steps)-1 {
				n.last += v.Succeeded + v.Failed
				n.lastGood += v.Succeeded
			}
			if !seen[s] {
				seen[s] = true
				n.rated += v.Succeeded + v.Failed
				n.good += v.Succeeded
			}
		}
	}
	c.endSteps, c.tellingSteps = map[string]bool{}, map[string]bool{}
	share := func(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }
	overall := share(good, rated)
	for number, n := range counts {
		s := c.coded.Names[number]
		p := share(n.good, n.rated)
		decides := n.rated >= 20 && n.rated < rated && (p >= 0.98 && overall < 0.95 || p <= 0.02 && overall > 0.05)
		if share(n.last, n.rated) >= endsAt || decides {
			c.endSteps[s] = true
		}
		if n.last >= 10 && rated-n.last >= 10 && math.Abs(share(n.lastGood, n.last)-share(good-n.lastGood, rated-n.last)) > tells {
			c.tellingSteps[s] = true
		}
	}
}

// unchangeable classifies the rated runs by what no step can change.
func (c *cohort) unchangeable(h *hypothesis) [][]int32 {
	if c.classes == nil {
		byTime := slices.Clone(c.rated)
		slices.SortStableFunc(byTime, func(a, b int32) int {
			x, y := &c.Runs[a], &c.Runs[b]
			return cmp.Or(cmp.Compare(x.Started, y.Started), cmp.Compare(x.First, y.First))
		})
		block := make(map[int32]string, len(byTime))
		for i, run := range byTime {
			block[run] = string(rune('a' + i*timeBlocks/len(byTime)))
		}
		c.classes = map[string][]int32{}
		c.classify("time", func(run int32) string { return block[run] })
		c.classify("requester", func(run int32) string { return c.Runs[run].Requester })
		c.classify("agent", func(run int32) string { return firstOf(c.Runs[run].Agents) })
		c.classify("model", func(run int32) string { return firstOf(c.Runs[run].Models) })
		for _, key := range slices.Sorted(maps.Keys(c.fewValued())) {
			c.classify("label "+key, func(run int32) string {
				for _, l := range c.Runs[run].Labels {
					if l[0] == key {
						return l[1]
					}
				}
				return ""
			})
		}
	}
	var all [][]int32
	for _, name := range slices.Sorted(maps.Keys(c.classes)) {
		// Agents and models say what was done where a run has several, and are the question itself when they are compared.
		if h.feature == switches && (name == "model" || name == "agent") || name == h.itself() {
			continue
		}
		all = append(all, c.classes[name])
	}
	return all
}

// itself is the class that a feature is of.
func (h *hypothesis) itself() string {
	switch h.feature {
	case usesAgent, usesModel:
		return string(h.feature)
	case hasLabel:
		return "label " + h.subject[0]
	}
	return ""
}

// classify keeps a classification where it says something and has classes of more than a few runs.
func (c *cohort) classify(name string, of func(run int32) string) {
	values := map[string]int32{}
	var counts []int
	class := make([]int32, len(c.rated))
	for place, run := range c.rated {
		v := of(run)
		n, ok := values[v]
		if !ok {
			n = int32(len(counts)) //nolint:gosec // at most one a run
			values[v], counts = n, append(counts, 0)
		}
		counts[n]++
		class[place] = n
	}
	// The rare ones are one class.
	numbers, others, next := make([]int32, len(counts)), int32(-1), int32(0)
	for n, times := range counts {
		if times < 5 && others >= 0 {
			numbers[n] = others
			continue
		}
		if times < 5 {
			others = next
		}
		numbers[n] = next
		next++
	}
	for place, n := range class {
		class[place] = numbers[n]
	}
	if next > 1 {
		c.classes[name] = class
	}
}

// firstOf is the only one of a set, "" where there are none or several.
func firstOf(set []string) string {
	if len(set) == 1 {
		return set[0]
	}
	return ""
}

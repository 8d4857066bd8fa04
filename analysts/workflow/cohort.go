package workflow

import (
	"context"
	"errors"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// cohort is one workflow's history, laid out for comparisons.
type cohort struct {
	*History
	// variants are the different traces in the order of their first run, traceOf the variant of each run.
	// lengths are those of the traces.
	variants []mining.Variant
	lengths  []int32
	traceOf  []int32
	// rated are the indexes of the runs that succeeded or failed, in the order of their strata; stratum is by place in
	// rated. A task with two rated runs or more is a stratum; all other runs share one.
	rated   []int32
	stratum []int32
	// succeeded is 1 for a rated run that did, way its variant and first its first fact, by place in rated.
	succeeded []int8
	way       []int32
	first     []uint64
	// coded are the variants by the numbers of their steps.
	coded *mining.Coded

	mined mining.Result
	// raised tells that the support had to be raised to keep the number of sequences in bounds.
	raised bool
	// monthly is how many rated runs it has in 30 days.
	monthly float64

	// room is for one comparison at a time.
	room room
	// classes are what no step can change, by name and place in rated; endSteps and tellingSteps the steps that come with the
	// end. Made when they are first needed.
	classes                map[string][]int32
	endSteps, tellingSteps map[string]bool
}

func newCohort(h *History, o Options) *cohort {
	c := &cohort{History: h, traceOf: make([]int32, len(h.Runs))}
	index := map[string]int32{}
	ratedOf := map[string]int{}
	var key []byte
	for i, r := range h.Runs {
		key = appendKey(key[:0], r.Trace)
		v, ok := index[string(key)]
		if !ok {
			v = int32(len(c.variants))
			index[string(key)] = v
			c.variants = append(c.variants, mining.Variant{Steps: r.Trace, First: r.First})
			c.lengths = append(c.lengths, int32(len(r.Trace))) //nolint:gosec // a run has fewer steps
		}
		c.traceOf[i] = v
		variant := &c.variants[v]
		variant.Runs++
		variant.First, variant.Last = min(variant.First, r.First), max(variant.Last, r.Last)
		switch r.Outcome {
		case events.Succeeded:
			variant.Succeeded++
		case events.Failed:
			variant.Failed++
		default:
			continue
		}
		ratedOf[r.Task]++
		c.rated = append(c.rated, int32(i))
	}
	c.coded = mining.Code(c.variants)
	c.stratify(ratedOf)
	c.mine(o)
	return c
}

// stratify numbers the tasks in the order of their first rated run, and sorts the rated runs by them.
func (c *cohort) stratify(ratedOf map[string]int) {
	numbers := map[string]int32{}
	of := make([]int32, len(c.Runs))
	for _, i := range c.rated {
		task := c.Runs[i].Task
		if task == "" || ratedOf[task] < 2 {
			continue // stratum 0
		}
		if numbers[task] == 0 {
			numbers[task] = int32(len(numbers) + 1)
		}
		of[i] = numbers[task]
	}
	slices.SortStableFunc(c.rated, func(a, b int32) int { return int(of[a]) - int(of[b]) })
	n := len(c.rated)
	c.stratum, c.succeeded, c.way, c.first = make([]int32, n), make([]int8, n), make([]int32, n), make([]uint64, n)
	for place, i := range c.rated {
		c.stratum[place], c.way[place], c.first[place] = of[i], c.traceOf[i], c.Runs[i].First
		if c.Runs[i].Outcome == events.Succeeded {
			c.succeeded[place] = 1
		}
	}
}

// mine looks for sequences: that the support was raised is told with the patterns.
func (c *cohort) mine(o Options) {
	options := mining.Options{MinSupport: o.MinSupport, MaxLength: o.MaxLength, MaxPatterns: o.MaxPatterns}
	var err error
	if c.mined, c.raised, err = mineRaised(context.Background(), c.variants, options); err != nil {
		// Options are checked before a view is loaded, and nothing cancels this.
		panic("analysts: " + err.Error())
	}
}

// mineRaised looks for sequences, with a higher support where there are too many, and for ones of half the length where no
// support leaves some but not too many.
func mineRaised(ctx context.Context, variants []mining.Variant, o mining.Options) (res mining.Result, raised bool, err error) {
	for {
		var again bool
		res, again, err = mineAbove(ctx, variants, o)
		raised = raised || again
		if raised && (err == nil && len(res.Patterns) > 0 || res.MaxLength == 1) || !raised || err != nil && !errors.Is(err, mining.ErrTooMany) {
			return res, raised, err
		}
		o.MaxLength = res.MaxLength / 2
	}
}

// mineAbove looks for sequences, and raises the support by half as long as there are too many and all runs are not asked for.
func mineAbove(ctx context.Context, variants []mining.Variant, o mining.Options) (res mining.Result, raised bool, err error) {
	for {
		res, err = mining.Sequences(ctx, variants, o)
		var many *mining.TooManyError
		if !errors.As(err, &many) || many.Support >= many.Runs {
			return res, raised || many != nil, err
		}
		next := many.Support + many.Support/2 + 1
		if next > many.Runs {
			next = (many.Support + many.Runs + 1) / 2
		}
		o.MinSupport, raised = float64(next), true
	}
}

// ratedCounts are the rated runs, and those of them that succeeded.
func (c *cohort) ratedCounts() (rated, succeeded int64) {
	for _, s := range c.succeeded {
		succeeded += int64(s)
	}
	return int64(len(c.rated)), succeeded
}

// span is the log positions of the first and the last fact of all runs.
func (c *cohort) span() (from, to uint64) {
	for i, r := range c.Runs {
		if i == 0 || r.First < from {
			from = r.First
		}
		to = max(to, r.Last)
	}
	return from, to
}

// A run is on one side of a comparison, on the other, or left out of it.
const (
	out     int8 = -1
	without int8 = 0
	with    int8 = 1
)

// tabulate compares the two sides within the strata.
func (c *cohort) tabulate(sides []int8) stats.Strata {
	var s stats.Strata
	for from := 0; from < len(sides); {
		stratum, to := c.stratum[from], from+1
		for to < len(sides) && c.stratum[to] == stratum {
			to++
		}
		// Sums of what is 0 or 1: a branch for each run would be guessed wrongly half of the time.
		var in, inGood, had, hadGood int64
		succeeded := c.succeeded[from:to]
		for i, side := range sides[from:to] {
			has, is, good := int64(side&1&^(side>>7)), int64(side>>7)+1, int64(succeeded[i])
			in, inGood, had, hadGood = in+is, inGood+is&good, had+has, hadGood+has&good
		}
		s.Add(stats.Table{With: had, WithSucceeded: hadGood, Without: in - had, WithoutSucceeded: inGood - hadGood})
		from = to
	}
	return s
}

// monthlyRuns counts the rated runs of each workflow in 30 days, and of all together.
func monthlyRuns(cohorts []*cohort) (all float64) {
	var starts []int64
	for _, c := range cohorts {
		for _, i := range c.rated {
			starts = append(starts, c.Runs[i].Started)
		}
	}
	weights := evidence.Monthly(starts)
	for _, c := range cohorts {
		for _, w := range weights[:len(c.rated)] {
			c.monthly += w
		}
		weights = weights[len(c.rated):]
		all += c.monthly
	}
	return all
}

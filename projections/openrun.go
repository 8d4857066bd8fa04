package projections

import (
	"cmp"
	"math"
	"slices"
	"unsafe"

	"github.com/virtuous6/virtuous6/events"
)

// openRun is a run in the working set: its row and all its steps. The steps live here, not in a cache of their own,
// so that a fact of a run costs one look-up, whatever it changes.
type openRun struct {
	RunRow
	steps []openStep
	// stepCost is the sum over the steps.
	stepCost events.Nanos
	// uses counts the steps of each model. It is made when a step is first answered by another model than it asked for.
	uses  map[string]int
	dirty bool
	bytes int
}

type openStep struct {
	StepRow
	dirty bool
}

// runCache is the working set of workflow_runs and run_steps: the open runs, and those that the batch ended.
type runCache struct {
	from       Scanner
	young, old map[string]*openRun
	dirty      []*openRun
	dirtySteps []*StepRow
	complete   bool
	bytes      int
	limit      int
	// last is the run found last: facts of a run come together.
	last *openRun
	// free are runs to be used again, with the room of their lists.
	free        []*openRun
	runs, steps Query
}

func newRunCache(limit int) *runCache {
	c := &runCache{limit: limit, runs: byKey(&runTable.Table, 1), steps: byKey(&stepTable.Table, 1)}
	c.reset(nil, false)
	return c
}

func (c *runCache) reset(from Scanner, complete bool) {
	c.from, c.complete = from, complete
	c.young, c.old, c.last = make(map[string]*openRun), nil, nil
	c.dirty, c.free, c.bytes = nil, nil, 0
}

func (c *runCache) source(from Scanner) { c.from = from }

// start takes the first fact of a run.
func (c *runCache) start(row RunRow) *openRun {
	r := &openRun{}
	if n := len(c.free); n > 0 {
		r, c.free = c.free[n-1], c.free[:n-1]
		// The lists of the row are empty and keep their room.
		row.Trace, row.Agents, row.Models, row.Tools = r.Trace, r.Agents, r.Models, r.Tools
	}
	r.RunRow = row
	c.young[row.Run] = r
	c.touch(r)
	c.last = r
	return r
}

// find is a run, to be changed, or nil where there is none.
func (c *runCache) find(run string) (*openRun, error) {
	if c.last != nil && c.last.Run == run {
		c.touch(c.last)
		return c.last, nil
	}
	r := c.young[run]
	if r == nil {
		if r = c.old[run]; r != nil {
			delete(c.old, run)
			c.bytes += r.bytes
		} else if !c.complete {
			var err error
			if r, err = c.load(run); err != nil {
				return nil, err
			}
		}
		if r == nil {
			return nil, nil
		}
		c.young[run] = r
	}
	c.touch(r)
	c.last = r
	return r, nil
}

func (c *runCache) load(run string) (*openRun, error) {
	c.runs.Where[0].Text, c.steps.Where[0].Text = run, run
	var r *openRun
	err := c.from.Scan(&c.runs, func(s Source) error {
		r = &openRun{}
		return runTable.decode(&r.RunRow, s)
	})
	if r == nil || err != nil {
		return nil, err
	}
	err = c.from.Scan(&c.steps, func(s Source) error {
		var step openStep
		if err := stepTable.decode(&step.StepRow, s); err != nil {
			return err
		}
		r.steps = append(r.steps, step)
		r.stepCost = saturate(r.stepCost, step.CostNanos)
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.bytes = r.size()
	c.bytes += r.bytes
	return r, nil
}

func (c *runCache) touch(r *openRun) {
	if !r.dirty {
		r.dirty = true
		c.dirty = append(c.dirty, r)
	}
}

func (c *runCache) write(tx Tx, side Side) error {
	return writeRuns(tx, side, c.dirty, &c.dirtySteps)
}

// writeRuns puts runs and those of their steps that changed, in the order that each table is stored in. The order of
// the runs changes; steps is room for their steps.
func writeRuns(tx Tx, side Side, runs []*openRun, steps *[]*StepRow) error {
	// The table of runs is clustered by their first position.
	slices.SortFunc(runs, func(a, b *openRun) int { return cmp.Compare(a.FirstPosition, b.FirstPosition) })
	run := record[RunRow]{columns: runTable.columns}
	err := tx.Put(side, &runTable.Table, len(runs), func(i int) Row {
		run.row = &runs[i].RunRow
		return &run
	})
	if err != nil {
		return err
	}
	slices.SortFunc(runs, func(a, b *openRun) int { return cmp.Compare(a.Run, b.Run) })
	*steps = (*steps)[:0]
	for _, r := range runs {
		for i := range r.steps {
			if s := &r.steps[i]; s.dirty {
				*steps = append(*steps, &s.StepRow)
			}
		}
	}
	step := record[StepRow]{columns: stepTable.columns}
	return tx.Put(side, &stepTable.Table, len(*steps), func(i int) Row {
		step.row = (*steps)[i]
		return &step
	})
}

// retire takes the changed runs that have ended out of the cache: no fact follows the end of a run. The others stay,
// changed as they are.
func (c *runCache) retire(ended []*openRun) []*openRun {
	open := c.dirty[:0]
	for _, r := range c.dirty {
		if r.Outcome == Running {
			open = append(open, r)
			continue
		}
		delete(c.young, r.Run)
		c.bytes -= r.bytes
		ended = append(ended, r)
	}
	clear(c.dirty[len(open):])
	c.dirty, c.last = open, nil
	return ended
}

func (c *runCache) whole() bool { return c.complete }

// pack packs the runs that have not ended, with all their steps: of the settled tables' rows, only these change.
func (c *runCache) pack(p *packer, written Scanner) error {
	if !c.complete {
		return packRuns(p, written)
	}
	var open []*openRun
	for _, generation := range []map[string]*openRun{c.young, c.old} {
		for _, r := range generation {
			if r.Outcome == Running {
				open = append(open, r)
			}
		}
	}
	slices.SortFunc(open, func(a, b *openRun) int { return cmp.Compare(a.FirstPosition, b.FirstPosition) })
	p.begin(&runTable.Table)
	run := record[RunRow]{columns: runTable.columns}
	for _, r := range open {
		run.row = &r.RunRow
		if err := p.row(&run); err != nil {
			return err
		}
	}
	p.end()
	p.begin(&stepTable.Table)
	defer p.end()
	step := record[StepRow]{columns: stepTable.columns}
	for _, r := range open {
		for i := range r.steps {
			step.row = &r.steps[i].StepRow
			if err := p.row(&step); err != nil {
				return err
			}
		}
	}
	return nil
}

func packRuns(p *packer, written Scanner) error {
	var open []string
	p.begin(&runTable.Table)
	q := Query{Table: &runTable.Table, Where: only("outcome", Running), Order: ascending("first_position")}
	row := packedRow{table: q.Table}
	err := written.Scan(&q, func(src Source) error {
		open = append(open, src.Text(0))
		row.source = src
		return p.row(&row)
	})
	if err != nil {
		return err
	}
	p.end()
	p.begin(&stepTable.Table)
	defer p.end()
	steps := byKey(&stepTable.Table, 1)
	for _, run := range open {
		steps.Where[0].Text = run
		if err := p.scan(written, &steps); err != nil {
			return err
		}
	}
	return nil
}

func (c *runCache) held() int {
	for _, r := range c.dirty {
		n := r.size()
		c.bytes += n - r.bytes
		r.bytes = n
	}
	return c.bytes
}

func (c *runCache) settle() {
	for _, r := range c.dirty {
		if r.Outcome != Running {
			// No fact follows the end of a run.
			delete(c.young, r.Run)
			c.bytes -= r.bytes
			c.recycle(r)
			continue
		}
		r.dirty = false
		for i := range r.steps {
			r.steps[i].dirty = false
		}
		n := r.size()
		c.bytes += n - r.bytes
		r.bytes = n
	}
	clear(c.dirty)
	clear(c.dirtySteps)
	c.dirty, c.last = c.dirty[:0], nil
	if c.bytes <= c.limit/2 {
		return
	}
	c.complete = c.complete && len(c.old) == 0
	c.old, c.young, c.bytes = c.young, make(map[string]*openRun), 0
}

// The greatest number of runs kept to be used again, and of steps and bytes that such a run may have room for.
const (
	maxFree      = 4096
	maxFreeSteps = 32
)

func (c *runCache) recycle(r *openRun) {
	if len(c.free) >= maxFree || cap(r.steps) > maxFreeSteps || cap(r.Trace) > maxFreeSteps {
		return
	}
	clear(r.steps)
	clear(r.Trace)
	clear(r.Agents)
	clear(r.Models)
	clear(r.Tools)
	*r = openRun{steps: r.steps[:0], RunRow: RunRow{
		Trace: r.Trace[:0], Agents: r.Agents[:0], Models: r.Models[:0], Tools: r.Tools[:0],
	}}
	c.free = append(c.free, r)
}

func (r *openRun) size() int {
	n := int(unsafe.Sizeof(*r)) + overhead + runTable.weigh(&r.RunRow)
	for i := range r.steps {
		n += int(unsafe.Sizeof(r.steps[i])) + stepTable.weigh(&r.steps[i].StepRow)
	}
	return n
}

// step is a step of the run, to be changed, or nil where there is none of that number.
func (r *openRun) step(number int) *openStep {
	if number < 0 || number >= len(r.steps) {
		return nil
	}
	s := &r.steps[number]
	s.dirty = true
	return s
}

// answered changes the model of a step to the one that answered, and the run's set of models with it.
func (r *openRun) answered(s *openStep, model string) {
	if r.uses == nil {
		r.uses = make(map[string]int)
		for i := range r.steps {
			r.uses[r.steps[i].Model]++
		}
	}
	if r.uses[s.Model]--; r.uses[s.Model] == 0 {
		delete(r.uses, s.Model)
		if i, found := slices.BinarySearch(r.Models, s.Model); found {
			r.Models = slices.Delete(r.Models, i, i+1)
		}
	}
	s.Model = model
	r.uses[model]++
	r.Models, _ = include(r.Models, model)
}

// include puts a name into a sorted set. It tells whether it is new there. The empty name stands for none.
func include(set []string, name string) ([]string, bool) {
	if name == "" {
		return set, false
	}
	i, found := slices.BinarySearch(set, name)
	if found {
		return set, false
	}
	return slices.Insert(set, i, name), true
}

// saturate adds amounts that are not negative, and stays at the greatest one rather than wrap around, so that the
// order in which hostile figures are added up doesn't show.
func saturate[T ~int64](a, b T) T {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

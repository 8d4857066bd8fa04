package projections

import (
	"cmp"
	"math"
	"slices"
	"unsafe"

	"github.com/virtuous6/virtuous6/events"
)

// openRun is a run in the working set.
type openRun struct {
	RunRow
	// stepCost is the sum over the steps.
	stepCost events.Nanos
	// uses counts the steps of each model. It is made when a step is first answered by another model than it asked for.
	uses  map[string]int
	dirty bool
	bytes int
}

// runCache is the working set of workflow_runs: the open runs, and those that the batch ended.
type runCache struct {
	from       Scanner
	young, old map[string]*openRun
	dirty      []*openRun
	complete   bool
	bytes      int
	limit      int
	// last is the run found last: facts of a run come together.
	last *openRun
	// free are runs to be used again, with the room of their lists.
	free []*openRun
	// keys asks for one run.
	keys Query
}

func newRunCache(limit int) *runCache {
	c := &runCache{limit: limit, keys: byKey(&runTable.Table, 1)}
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
		row.Trace, row.Agents, row.Models, row.Tools, row.steps = r.Trace, r.Agents, r.Models, r.Tools, r.steps
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
	c.keys.Where[0].Text = run
	var r *openRun
	err := c.from.Scan(&c.keys, func(s Source) error {
		r = &openRun{}
		return runTable.decode(&r.RunRow, s)
	})
	if r == nil || err != nil {
		return nil, err
	}
	for i := range r.steps {
		r.stepCost = saturate(r.stepCost, r.steps[i].CostNanos)
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
	return writeRuns(tx, side, c.dirty)
}

// writeRuns puts runs in the order that their table is stored in, and leaves them in it.
func writeRuns(tx Tx, side Side, runs []*openRun) error {
	sortRuns(runs)
	row := record[RunRow]{columns: runTable.columns}
	return tx.Put(side, &runTable.Table, len(runs), func(i int) Row {
		row.row = &runs[i].RunRow
		return &row
	})
}

// sortRuns sorts as the table is clustered.
func sortRuns(runs []*openRun) {
	slices.SortFunc(runs, func(a, b *openRun) int { return cmp.Compare(a.FirstPosition, b.FirstPosition) })
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

// pack packs the runs that have not ended: of a settled table's rows, only these change.
func (c *runCache) pack(p *packer, written Scanner) error {
	p.begin(&runTable.Table)
	defer p.end()
	if !c.complete {
		return p.scan(written, &Query{Table: &runTable.Table, Where: only("outcome", Running), Order: ascending("first_position")})
	}
	var open []*openRun
	for _, generation := range []map[string]*openRun{c.young, c.old} {
		for _, r := range generation {
			if r.Outcome == Running {
				open = append(open, r)
			}
		}
	}
	sortRuns(open)
	row := record[RunRow]{columns: runTable.columns}
	for _, r := range open {
		row.row = &r.RunRow
		if err := p.row(&row); err != nil {
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
		n := r.size()
		c.bytes += n - r.bytes
		r.bytes = n
	}
	clear(c.dirty)
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
	*r = openRun{RunRow: RunRow{
		Trace: r.Trace[:0], Agents: r.Agents[:0], Models: r.Models[:0], Tools: r.Tools[:0], steps: r.steps[:0],
	}}
	c.free = append(c.free, r)
}

func (r *openRun) size() int { return int(unsafe.Sizeof(*r)) + overhead + runTable.weigh(&r.RunRow) }

// step is a step of the run, to be changed, or nil where there is none of that number.
func (r *openRun) step(number int) *StepRow {
	if number < 0 || number >= len(r.steps) {
		return nil
	}
	return &r.steps[number]
}

// answered changes the model of a step to the one that answered, and the run's set of models with it.
func (r *openRun) answered(s *StepRow, model string) {
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

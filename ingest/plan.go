package ingest

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// plan is the order of a draft's commands.
//
// Steps are numbered by their starts; those that start together stay in the order of the source, and no step starts
// before the one that encloses it, whatever its clock said. A finish comes before every later start, and where it
// ties with one, before that as well, unless the step encloses it. Times stay as the source gave them.
type plan struct {
	started, ended      time.Time
	undated, endUndated bool
	// born is the time that the run's ids are made of: its start, or 1970 where no time at all is known.
	born time.Time
	// order holds the index of each ordinal's step, ordinal the ordinal of each index.
	order, ordinal []int
	// startAt and finishAt are by ordinal.
	startAt, finishAt []time.Time
	finishes          []finish
}

// finish is placed behind the start of the ordinal after.
type finish struct{ ordinal, after, depth int }

func newPlan(d *draft, now func() time.Time) (*plan, *flaw) {
	if f := d.checkSums(); f != nil {
		return nil, f
	}
	for i := range d.steps {
		if s := &d.steps[i]; !s.started.IsZero() && !s.ended.IsZero() && s.ended.Before(s.started) {
			return nil, flawed(stepKey(d.format, i), "step %q ends at %s, before it starts at %s", clip(s.name), stamp(s.ended), stamp(s.started))
		}
	}
	if !d.started.IsZero() && !d.ended.IsZero() && d.ended.Before(d.started) {
		return nil, flawed("", "the run ends at %s, before it starts at %s", stamp(d.ended), stamp(d.started))
	}
	p := &plan{}
	if f := p.bounds(d, now); f != nil {
		return nil, f
	}
	depth, f := depths(d)
	if f != nil {
		return nil, f
	}
	start, end := p.times(d)
	p.sort(d, depth, start)
	p.place(d, depth, start, end)
	if f := p.depend(d); f != nil {
		return nil, f
	}
	return p, nil
}

// depend checks that each step depends on earlier ones only.
func (p *plan) depend(d *draft) *flaw {
	for i := range d.steps {
		s := &d.steps[i]
		later := func(on int) bool { return p.ordinal[on] >= p.ordinal[i] }
		if at := slices.IndexFunc(s.dependsOn, later); at >= 0 && !d.linked {
			return flawed(stepKey(d.format, i), "step %q depends on %q, which starts later", clip(s.name), clip(d.steps[s.dependsOn[at]].name))
		}
		s.dependsOn = slices.DeleteFunc(s.dependsOn, later)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// bounds finds when the run started and ended, if need be from its steps.
func (p *plan) bounds(d *draft, now func() time.Time) *flaw {
	p.started, p.ended = d.started, d.ended
	for i := range d.steps {
		for _, t := range []time.Time{d.steps[i].started, d.steps[i].ended} {
			if t.IsZero() {
				continue
			}
			if d.started.IsZero() && (p.started.IsZero() || t.Before(p.started)) {
				p.started = t
			}
			if d.ended.IsZero() && (p.ended.IsZero() || t.After(p.ended)) {
				p.ended = t
			}
		}
	}
	if p.undated = p.started.IsZero(); p.undated {
		p.started = d.ended
	}
	p.born = p.started
	if p.started.IsZero() {
		if now == nil {
			return flawed("", "the record gives no time, and none was given for it")
		}
		p.started, p.born = now().UTC(), time.Unix(0, 0)
	}
	if p.ended.IsZero() || p.ended.Before(p.started) {
		p.endUndated, p.ended = true, p.started
	}
	return nil
}

func nested(steps []draftStep) bool {
	for i := range steps {
		if steps[i].parent >= 0 {
			return true
		}
	}
	return false
}

// depths counts the steps around each step. Steps that enclose each other in a circle are refused.
func depths(d *draft) ([]int, *flaw) {
	const unknown = -1
	depth := make([]int, len(d.steps))
	if !nested(d.steps) {
		return depth, nil
	}
	for i := range depth {
		depth[i] = unknown
	}
	var chain []int
	for i := range d.steps {
		chain = chain[:0]
		at := i
		for at >= 0 && depth[at] == unknown {
			if len(chain) > len(d.steps) {
				return nil, flawed(stepKey(d.format, i), "the parents of step %q go round in a circle", clip(d.steps[i].name))
			}
			chain = append(chain, at)
			at = d.steps[at].parent
		}
		above := -1
		if at >= 0 {
			above = depth[at]
		}
		for j := len(chain) - 1; j >= 0; j-- {
			above++
			depth[chain[j]] = above
		}
	}
	return depth, nil
}

// times gives every step a start and an end, by index. What is not dated takes the last time known in the order of
// the source.
func (p *plan) times(d *draft) (start, end []time.Time) {
	start, end = make([]time.Time, len(d.steps)), make([]time.Time, len(d.steps))
	last := p.started
	for i := range d.steps {
		s := &d.steps[i]
		start[i], end[i] = s.started, s.ended
		if s.started.IsZero() {
			if start[i] = last; !s.ended.IsZero() && s.ended.Before(last) {
				start[i] = s.ended
			}
		}
		if s.ended.IsZero() {
			end[i] = start[i]
		}
		last = end[i]
	}
	return start, end
}

// sort numbers the steps. A step that starts before the one that encloses it is moved behind that one's start.
func (p *plan) sort(d *draft, depth []int, start []time.Time) {
	p.order, p.ordinal = make([]int, len(d.steps)), make([]int, len(d.steps))
	for i := range p.order {
		p.order[i] = i
	}
	key := start
	if nested(d.steps) {
		// Parents first, so that each one's own place is settled before its children's.
		byDepth := slices.Clone(p.order)
		slices.SortStableFunc(byDepth, func(a, b int) int { return cmp.Compare(depth[a], depth[b]) })
		key = slices.Clone(start)
		for _, i := range byDepth {
			if parent := d.steps[i].parent; parent >= 0 && key[parent].After(key[i]) {
				key[i] = key[parent]
			}
		}
	}
	slices.SortStableFunc(p.order, func(a, b int) int { return key[a].Compare(key[b]) })
	p.order = parentsFirst(d, p.order)
	p.startAt = make([]time.Time, len(d.steps))
	for ordinal, i := range p.order {
		p.ordinal[i], p.startAt[ordinal] = ordinal, start[i]
	}
}

// parentsFirst moves a step that stands before its parent directly behind it, and keeps the order otherwise.
func parentsFirst(d *draft, order []int) []int {
	if !nested(d.steps) {
		return order
	}
	placed := make([]bool, len(order))
	var waiting map[int][]int
	out := make([]int, 0, len(order))
	var todo []int
	for _, i := range order {
		if parent := d.steps[i].parent; parent >= 0 && !placed[parent] {
			if waiting == nil {
				waiting = map[int][]int{}
			}
			waiting[parent] = append(waiting[parent], i)
			continue
		}
		todo = append(todo, i)
		for len(todo) > 0 {
			next := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			out, placed[next] = append(out, next), true
			for _, behind := range slices.Backward(waiting[next]) {
				todo = append(todo, behind)
			}
		}
	}
	return out
}

// place puts each finish behind the last start that comes before it.
func (p *plan) place(d *draft, depth []int, start, end []time.Time) {
	p.finishAt = make([]time.Time, len(d.steps))
	// latest is the greatest start so far: clocks that differ may make a child start before its parent.
	latest := make([]time.Time, len(d.steps))
	for ordinal := range p.order {
		latest[ordinal] = p.startAt[ordinal]
		if ordinal > 0 && latest[ordinal-1].After(latest[ordinal]) {
			latest[ordinal] = latest[ordinal-1]
		}
	}
	after := make([]int, len(d.steps))
	for ordinal := len(p.order) - 1; ordinal >= 0; ordinal-- {
		i := p.order[ordinal]
		before := sort.Search(len(latest), func(o int) bool { return !latest[o].Before(end[i]) }) - 1
		after[ordinal] = max(after[ordinal], ordinal, before)
		// A child that starts as its parent ends still lies inside it.
		if parent := d.steps[i].parent; parent >= 0 {
			behind := &after[p.ordinal[parent]]
			switch {
			case end[i].Equal(end[parent]):
				*behind = max(*behind, after[ordinal])
			case start[i].Equal(end[parent]):
				*behind = max(*behind, ordinal)
			}
		}
	}
	p.finishes = make([]finish, 0, len(d.steps))
	for ordinal, i := range p.order {
		p.finishAt[ordinal] = end[i]
		if !d.steps[i].open {
			p.finishes = append(p.finishes, finish{ordinal, after[ordinal], depth[i]})
		}
	}
	slices.SortFunc(p.finishes, func(a, b finish) int {
		return cmp.Or(cmp.Compare(a.after, b.after), p.finishAt[a.ordinal].Compare(p.finishAt[b.ordinal]),
			cmp.Compare(b.depth, a.depth), cmp.Compare(a.ordinal, b.ordinal))
	})
}

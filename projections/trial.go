package projections

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// with adds a run that ended to trials. It tells whether the run was rated.
func (t Trials) with(o events.Outcome) (Trials, bool) {
	switch o {
	case events.Succeeded:
		return Trials{t.Succeeded + 1, t.Rated + 1}, true
	case events.Failed:
		return Trials{t.Succeeded, t.Rated + 1}, true
	}
	return t, false
}

// without is with undone.
func (t Trials) without(o events.Outcome) Trials {
	t.Rated--
	if o == events.Succeeded {
		t.Succeeded--
	}
	return t
}

// trialCounts tell how many tasks have the same trials, sorted.
type trialCounts []trialCount

type trialCount struct {
	Trials
	n int64
}

func (c *trialCounts) add(t Trials, n int64) {
	i, found := slices.BinarySearchFunc(*c, t, func(have trialCount, t Trials) int {
		return cmp.Or(cmp.Compare(have.Rated, t.Rated), cmp.Compare(have.Succeeded, t.Succeeded))
	})
	if !found {
		*c = slices.Insert(*c, i, trialCount{Trials: t})
	}
	if (*c)[i].n += n; (*c)[i].n == 0 {
		*c = slices.Delete(*c, i, i+1)
	}
}

// move counts a task's next trial.
func (c *trialCounts) move(before, after Trials) {
	if before.Rated > 0 {
		c.add(before, -1)
	}
	c.add(after, 1)
}

func (c *trialCounts) merge(o trialCounts) {
	for _, t := range o {
		c.add(t.Trials, t.n)
	}
}

// passHat is PassHat of them.
func (c trialCounts) passHat() []float64 {
	counts := make(map[Trials]int64, len(c))
	for _, t := range c {
		counts[t.Trials] = t.n
	}
	return PassHat(counts)
}

var errTrials = errors.New("they are cut off")

func (c trialCounts) append(b []byte) []byte {
	for _, t := range c {
		for _, n := range [...]int64{t.Rated, t.Succeeded, t.n} {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	return b
}

func (c *trialCounts) decode(b []byte) error {
	*c = nil
	r := varints{b: b}
	for len(r.b) > 0 {
		t := trialCount{}
		t.Rated, t.Succeeded, t.n = int64(r.next()), int64(r.next()), int64(r.next())
		*c = append(*c, t)
	}
	if r.short {
		return errTrials
	}
	return nil
}

// tries are the trials of a task by those who had a part in them: agents, models and tools, sorted.
type tries []try

type try struct {
	by   Dimension
	name string
	Trials
}

// of is the trials of one of them, to be changed.
func (t *tries) of(by Dimension, name string) *Trials {
	i, found := slices.BinarySearchFunc(*t, name, func(have try, name string) int {
		return cmp.Or(cmp.Compare(have.by, by), cmp.Compare(have.name, name))
	})
	if !found {
		*t = slices.Insert(*t, i, try{by: by, name: name})
	}
	return &(*t)[i].Trials
}

func (t tries) append(b []byte) []byte {
	for _, e := range t {
		b = appendText(appendText(b, string(e.by)), e.name)
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(e.Rated)), uint64(e.Succeeded))
	}
	return b
}

func (t *tries) decode(b []byte) error {
	*t = nil
	r := varints{b: b}
	for len(r.b) > 0 && !r.short {
		e := try{by: Dimension(r.text()), name: r.text()}
		e.Rated, e.Succeeded = int64(r.next()), int64(r.next())
		*t = append(*t, e)
	}
	if r.short {
		return errTrials
	}
	return nil
}

// text reads what appendText appended.
func (r *varints) text() string {
	n := r.next()
	if n > uint64(len(r.b)) {
		r.short, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

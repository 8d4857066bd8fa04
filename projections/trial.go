package projections

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// with adds a run that came out so to trials, if it is one.
func (t Trials) with(o events.Outcome) Trials {
	switch o {
	case events.Succeeded:
		return Trials{t.Succeeded + 1, t.Rated + 1}
	case events.Failed:
		return Trials{t.Succeeded, t.Rated + 1}
	}
	return t
}

// without is with undone.
func (t Trials) without(o events.Outcome) Trials {
	switch o {
	case events.Succeeded:
		return Trials{t.Succeeded - 1, t.Rated - 1}
	case events.Failed:
		return Trials{t.Succeeded, t.Rated - 1}
	}
	return t
}

// trialMove is what the trials of a task were and are.
type trialMove struct{ before, after Trials }

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

// move counts a task whose trials have changed.
func (c *trialCounts) move(m trialMove) {
	if m.before.Rated > 0 {
		c.add(m.before, -1)
	}
	if m.after.Rated > 0 {
		c.add(m.after, 1)
	}
}

func (c *trialCounts) merge(o trialCounts) {
	for _, t := range o {
		c.add(t.Trials, t.n)
	}
}

// passHat is PassHat of them.
func (c trialCounts) passHat() (hats []float64, over []int64) {
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

// tries are the trials of a task by those who had a part in them: agents, models and tools.
type tries [3]triesBy

// triesBy are the trials by each of one sort, sorted.
type triesBy []try

type try struct {
	name string
	Trials
}

// count counts a run in the trials of names, which are sorted, and appends what becomes of them.
func (t *triesBy) count(names []string, c *result, trials []trialMove) []trialMove {
	i := 0
	for _, name := range names {
		for i < len(*t) && (*t)[i].name < name {
			i++
		}
		if i == len(*t) || (*t)[i].name != name {
			*t = slices.Insert(*t, i, try{name: strings.Clone(name)})
		}
		before := (*t)[i].Trials
		(*t)[i].Trials = before.without(c.before).with(c.after)
		trials = append(trials, trialMove{before, (*t)[i].Trials})
	}
	return trials
}

// weigh is about how many bytes they take.
func (t *tries) weigh() int {
	n := 0
	for _, by := range t {
		n += 48 * cap(by)
	}
	return n
}

func (t *tries) append(b []byte) []byte {
	for _, by := range t {
		b = binary.AppendUvarint(b, uint64(len(by)))
		for _, e := range by {
			b = appendText(b, e.name)
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(e.Rated)), uint64(e.Succeeded))
		}
	}
	return b
}

func (t *tries) decode(b []byte) error {
	*t = tries{}
	r := varints{b: b}
	for by := range t {
		for n := r.next(); n > 0 && !r.short; n-- {
			e := try{name: r.text()}
			e.Rated, e.Succeeded = int64(r.next()), int64(r.next())
			t[by] = append(t[by], e)
		}
	}
	if r.short || len(r.b) > 0 {
		return errTrials
	}
	return nil
}

// text reads what appendText appended.
func (r *varints) text() string { return string(r.part()) }

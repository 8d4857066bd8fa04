package projections

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The marks of an observation.
const (
	markCut = 1 << iota
	markOutside
	markMore
)

// cutAnswer is the reason for the end of an answer that was cut at its limit, tolerance how far clocks may be apart.
const (
	cutAnswer = "length"
	tolerance = int64(time.Second)
)

// marks are what is odd about a run.
func (r *RunRow) marks() (marks uint64) {
	started, ended := readmodel.UnixNanos(r.StartedAt), readmodel.UnixNanos(r.EndedAt)
	var sum events.Nanos
	for i := range r.steps {
		s := &r.steps[i]
		from, to := readmodel.UnixNanos(s.StartedAt), readmodel.UnixNanos(s.EndedAt)
		if started != 0 && ended >= started && (from != 0 && from < started-tolerance || to > ended+tolerance) {
			marks |= markOutside
		}
		sum = events.Add(sum, s.CostNanos)
	}
	if r.FinishReason == cutAnswer {
		marks |= markCut
	}
	if sum > 0 && r.CostNanos > events.Add(sum, sum/100) {
		marks |= markMore
	}
	return marks
}

// alike is a digest of all that two runs have in common which are the same one, told twice. It is 0 for those that took no time or of
// whose steps none is known.
func (r *RunRow) alike() uint64 {
	started, ended := readmodel.UnixNanos(r.StartedAt), readmodel.UnixNanos(r.EndedAt)
	if started == 0 || ended <= started || len(r.steps) == 0 {
		return 0
	}
	b := make([]byte, 0, 512)
	text := func(s string) { b = appendText(b, s) }
	number := func(n int64) { b = append(strconv.AppendInt(b, n, 36), ' ') }
	for _, s := range [...]string{r.Workflow, r.Task, r.Requester, string(r.Outcome)} {
		text(s)
	}
	for _, n := range [...]int64{started, ended, r.InputTokens, int64(r.CostNanos)} {
		number(n)
	}
	timed := false
	for i := range r.steps {
		s := &r.steps[i]
		from, to := readmodel.UnixNanos(s.StartedAt), readmodel.UnixNanos(s.EndedAt)
		timed = timed || from != 0 || to != 0
		text(s.Name)
		text(s.Agent)
		number(from)
		number(to)
	}
	if !timed {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write(b) // it never fails
	return max(h.Sum64(), 1)
}

// share is what of a run's time hangs on a step.
type share struct{ on, saves, wait int64 }

// paths tell which steps a run's time hangs on: from its end backwards, always the one that ended last before the one behind it
// began, of those that no other step is beneath. What lies between the two is waiting, put down to the one behind. If a step took no
// time, what comes behind would still wait for what ended within it.
func paths(steps []StepRow) []share {
	shares := make([]share, len(steps))
	type span struct {
		at       int
		from, to int64
	}
	around := make([]bool, len(steps))
	for i := range steps {
		if p := steps[i].Parent; p >= 0 && p < int64(len(steps)) {
			around[p] = true
		}
	}
	var leaves []span
	for i := range steps {
		from, to := readmodel.UnixNanos(steps[i].StartedAt), readmodel.UnixNanos(steps[i].EndedAt)
		if from == 0 {
			from = to // only its end was told
		}
		if !around[i] && to != 0 && to >= from {
			leaves = append(leaves, span{i, from, to})
		}
	}
	slices.SortFunc(leaves, func(a, b span) int {
		return cmp.Or(cmp.Compare(b.to, a.to), cmp.Compare(b.from, a.from), cmp.Compare(b.at, a.at))
	})
	behind := -1
	var began int64
	for i, l := range leaves {
		if behind >= 0 && l.to > began {
			continue // it ran beside what the time hangs on
		}
		if behind >= 0 {
			shares[behind].wait = began - l.to
		}
		saves := l.to - l.from
		if i+1 < len(leaves) {
			saves = min(saves, l.to-leaves[i+1].to)
		}
		shares[l.at] = share{on: l.to - l.from, saves: saves}
		behind, began = l.at, l.from
	}
	return shares
}

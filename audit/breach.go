package audit

import (
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// breach is where the log first differs from what was sealed.
type breach struct {
	// after is the position of the last event that is as it was, 0 where there is none.
	after uint64
	// what names the first event that is not.
	what string
	// want are the prints that were sealed from there on, and got those that stand there.
	want []fingerprint
	got  []mark
	// loose are the events right before it that nothing vouches for.
	loose []mark
	// seal is the one that did not agree.
	seal seal
	// ended tells that the last event of the seal was seen, whatever it holds now.
	ended bool
}

// mark is an event behind a breach.
type mark struct {
	own      fingerprint
	position uint64
}

func (b *breach) follow(e *events.Envelope, own fingerprint) {
	b.got = append(b.got, mark{own, e.Position})
	b.ended = b.ended || e.ID == b.seal.Last || e.Stream == b.seal.EventStream && e.Revision == b.seal.Revision
}

// judge tells what happened, by aligning what stands there with what was sealed.
func (b *breach) judge() Tampering {
	first := b.got[0]
	isFirst := func(m mark) bool { return m.own == first.own }
	// came is where the event went that was sealed here, and left from where the one came that stands here; 0 is nowhere.
	came := slices.IndexFunc(b.got[1:], func(m mark) bool { return m.own == b.want[0] }) + 1
	left := slices.Index(b.want[1:], first.own) + 1
	switch {
	case came == 0 && left == 0 && b.cutOff():
		return b.removed(len(b.want))
	case came == 0 && left == 0:
		return Tampering{Position: first.position, How: "changed", Reason: fmt.Sprintf("position %d was changed (%s)", first.position, b.what)}
	case came == 0:
		b.stepBack(left)
		return b.removed(left)
	case left == 0, slices.ContainsFunc(b.got[1:], isFirst):
		return b.inserted(came)
	case came == left:
		return Tampering{
			Position: first.position, How: "swapped",
			Reason: fmt.Sprintf("the events at positions %d and %d were swapped", first.position, b.got[came].position),
		}
	case left == 1:
		return Tampering{
			Position: first.position, How: "moved",
			Reason: fmt.Sprintf("the event at position %d was moved there from before position %d", b.got[came].position, first.position),
		}
	}
	return Tampering{
		Position: first.position, How: "moved", Reason: fmt.Sprintf("the event at position %d was moved there from further behind (%s)", first.position, b.what),
	}
}

// stepBack moves the breach to where the events that are gone stood, if their own seal is gone with them: what stands
// before it already belongs behind them.
func (b *breach) stepBack(left int) {
	for i := left - 1; i >= 0 && len(b.loose) > 0; i-- {
		n := len(b.loose) - 1
		if b.loose[n].own != b.want[i] {
			return
		}
		b.got = slices.Insert(b.got, 0, b.loose[n])
		b.loose, b.after = b.loose[:n], 0
		if n > 0 {
			b.after = b.loose[n-1].position
		}
	}
}

// cutOff tells that nothing of what was sealed from here on is there: what stands here came later.
func (b *breach) cutOff() bool {
	if b.ended {
		return false
	}
	wanted := make(map[fingerprint]struct{}, len(b.want))
	for _, p := range b.want {
		wanted[p] = struct{}{}
	}
	return !slices.ContainsFunc(b.got, func(m mark) bool {
		_, ok := wanted[m.own]
		return ok
	})
}

func (b *breach) removed(n int) Tampering {
	what, where := "an event is", fmt.Sprintf("between positions %d and %d", b.after, b.got[0].position)
	if n > 1 {
		what = fmt.Sprintf("%d events are", n)
	}
	if b.after == 0 {
		where = fmt.Sprintf("before position %d", b.got[0].position)
	}
	return Tampering{Position: b.after + 1, How: "removed", Reason: fmt.Sprintf("%s missing %s", what, where)}
}

func (b *breach) inserted(n int) Tampering {
	first := b.got[0].position
	reason := fmt.Sprintf("position %d was inserted (%s)", first, b.what)
	if n > 1 {
		reason = fmt.Sprintf("%d events were inserted, from position %d to position %d", n, first, b.got[n-1].position)
	}
	return Tampering{Position: first, How: "inserted", Reason: reason}
}

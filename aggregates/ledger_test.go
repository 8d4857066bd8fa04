package aggregates_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	id := uuid.UUID{7}
	sealed := events.LogSealed{
		First: 1, Count: 2, Last: id, Stream: "run-r", Revision: 5, Digest: "ff" + strings.Repeat("00", 31), Prints: "01000000000000000200000000000000",
	}
	seal := func(first uint64, prints ...[8]byte) commands.SealLog {
		return commands.SealLog{First: first, Last: id, EventStream: "run-r", Revision: 5, Digest: [32]byte{0xff}, Prints: prints}
	}
	next := sealed
	next.First, next.Count, next.Prints = 3, 1, "0300000000000000"
	noLast, noStream := seal(1, [8]byte{}), seal(1, [8]byte{})
	noLast.Last, noStream.EventStream = uuid.Nil, ""
	full := events.LogSealed{First: 1, Count: aggregates.MaxSealed, Last: id, Stream: "run-r", Revision: 5, Digest: sealed.Digest, Prints: strings.Repeat("0", 16*aggregates.MaxSealed)}
	scenarios{
		"seal the start":       {when: seal(1, [8]byte{1}, [8]byte{2}), then: []events.Event{sealed}},
		"seal what follows":    {given: []events.Event{sealed}, when: seal(3, [8]byte{3}), then: []events.Event{next}},
		"seal the most":        {when: seal(1, make([][8]byte, aggregates.MaxSealed)...), then: []events.Event{full}},
		"seal more":            {when: seal(1, make([][8]byte, aggregates.MaxSealed+1)...), err: aggregates.ErrInvalid},
		"seal nothing":         {when: seal(1), err: aggregates.ErrInvalid},
		"seal again":           {given: []events.Event{sealed}, when: seal(1, [8]byte{1}, [8]byte{2}), err: aggregates.ErrExists},
		"seal a part again":    {given: []events.Event{sealed, next}, when: seal(3, [8]byte{3}, [8]byte{4}), err: aggregates.ErrExists},
		"seal event 0":         {when: seal(0, [8]byte{1}), err: aggregates.ErrExists},
		"leave a gap":          {given: []events.Event{sealed}, when: seal(4, [8]byte{3}), err: aggregates.ErrState},
		"leave out the start":  {when: seal(2, [8]byte{1}), err: aggregates.ErrState},
		"end with no event":    {when: noLast, err: aggregates.ErrInvalid},
		"end in no stream":     {when: noStream, err: aggregates.ErrInvalid},
		"behind a forged seal": {given: []events.Event{events.LogSealed{First: math.MaxUint64, Count: 9}}, when: seal(8, [8]byte{3}), then: []events.Event{events.LogSealed{First: 8, Count: 1, Last: id, Stream: "run-r", Revision: 5, Digest: sealed.Digest, Prints: next.Prints}}},
	}.run(t)
}

// A dispatcher reads the last fact alone of an aggregate that says so.
func TestTheLastFactMakesTheStateWhereItIsSaidTo(t *testing.T) {
	t.Parallel()
	drawn, some := facts(), false
	for _, a := range aggregates.All(aggregates.Everywhere(aggregates.Policy{})) {
		if !a.Latest {
			continue
		}
		some = true
		rapid.Check(t, func(t *rapid.T) {
			history := rapid.SliceOfN(rapid.OneOf(drawn[a.Category]...), 1, 10).Draw(t, "history")
			whole, last := fold(t, a.New(), history), fold(t, a.New(), history[len(history)-1:])
			if !reflect.DeepEqual(whole.State(), last.State()) {
				t.Fatalf("%s: %+v, and by the last fact %+v", a.Category, whole.State(), last.State())
			}
		})
	}
	if !some {
		t.Error("no aggregate says so")
	}
}

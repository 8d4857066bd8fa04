package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
)

// What is done to a log in more than one place can take away what would tell the second one exactly.
func TestWhatIsDoneToSealsAndToWhatTheyVouchFor(t *testing.T) {
	t.Parallel()
	turns, end := sealedLog(t, inTurns), sealedLog(t, atTheEnd)
	s, _ := turns.seals(t)
	e, _ := end.seals(t)
	changed := func(log forged, at ...int) forged {
		out := slices.Clone(log)
		for _, i := range at {
			out[i].Data = append(slices.Clone(out[i].Data), ' ')
			if out[i].Stream == commands.LedgerStream {
				out[i].Data = []byte("{}")
			}
		}
		return out
	}
	without := func(log forged, from, to int) forged { return slices.Delete(slices.Clone(log), from, to) }
	position := func(log forged, i int) uint64 { return log[i].Position }
	again := end[e[3]]
	again.Revision, again.Position = again.Revision+1, position(end, len(end)-1)+1
	for name, c := range map[string]struct {
		log  forged
		at   uint64
		how  string
		says string
	}{
		"an event, and the seal that vouched for it": {changed(end, 25, e[1]), 21, "changed", "something behind position 20, up to position 60, was changed"},
		"an event, and its seal is gone":             {without(changed(end, 25), e[1], e[1]+1), 21, "changed", "something behind position 20"},
		"the first events":                           {without(turns, 0, 2), 1, "removed", "2 events are missing before position 3"},
		"the last sealed event, its seal and one behind": {
			without(turns, s[0]-1, s[0]+2), position(turns, s[0]-1), "removed", fmt.Sprintf("between positions %d and %d", s[0]-1, s[0]+3),
		},
		"many events with their seals": {append(slices.Clone(end[:10]), end[e[2]]), 1, "removed", "a seal is missing before"},
		"a seal once more":             {append(slices.Clone(end), again), again.Position, "inserted", "seals again what is sealed"},
		"an event behind a position that stands twice": {
			func() forged {
				log := changed(turns, 9)
				log[5].Position = log[4].Position
				return log
			}(), 10, "changed", "position 10 was changed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := verify(t, c.log, nil)
			if found.OK || found.Tampered == nil || found.Tampered.Position != c.at || found.Tampered.How != c.how || !strings.Contains(found.Tampered.Reason, c.says) {
				t.Errorf("got %+v of %+v, want %s at %d, %q", found.Tampered, found, c.how, c.at, c.says)
			}
		})
	}
	// The digest of the next seal vouches for what a changed one does not.
	if found := verify(t, changed(end, e[1]), nil); found.Tampered == nil || found.Tampered.Position != position(end, e[1]) || len(found.Problems) != 1 {
		t.Errorf("got %+v of %+v", found.Tampered, found)
	}
	if found := verify(t, changed(end, 25, e[1]), nil); len(found.Problems) != 3 { // the event, the seal, and what can't be judged
		t.Errorf("got %+v", found.Problems)
	}
	// A seal at another revision is read behind those that follow it, which is no second seal of the same.
	other := slices.Clone(turns)
	other[s[1]].Revision += 1000
	if found := verify(t, other, nil); found.Tampered == nil || found.Tampered.Position != position(turns, s[1]) || found.Tampered.How != "changed" {
		t.Errorf("got %+v of %+v", found.Tampered, found)
	}
	// One that is gone is told of once, where it is known best.
	then := sealedLog(t, late)
	l, _ := then.seals(t)
	if found := verify(t, without(then, l[1], l[1]+1), nil); found.Tampered == nil || found.Tampered.Position != position(then, l[1]) || strings.Contains(fmt.Sprint(found.Problems), "a seal is missing") {
		t.Errorf("got %+v of %+v", found.Tampered, found)
	}
	// The headline is further behind than the change itself, so that it is told what can't be judged.
	found := verify(t, changed(turns, s[1]-3, s[1]), nil)
	if found.Tampered == nil || found.Tampered.Position != position(turns, s[1]) ||
		!slices.Contains(found.Problems, fmt.Sprintf("positions %d to %d can't be judged: the seal that vouched for them is gone or was changed", s[0]+1, s[1])) {
		t.Errorf("got %+v of %+v", found.Tampered, found)
	}
}

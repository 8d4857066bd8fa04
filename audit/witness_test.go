package audit_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/replay"
)

// changes are what one can do to an event where it stands.
var changes = map[string]func(*events.Envelope){
	"data":        func(e *events.Envelope) { e.Data = append(slices.Clone(e.Data), ' ') },
	"no data":     func(e *events.Envelope) { e.Data = nil },
	"other data":  func(e *events.Envelope) { e.Data = []byte(`{"workflow":"x","first":1,"count":1}`) },
	"actor":       func(e *events.Envelope) { e.Actor = "user:mallory" },
	"occurred at": func(e *events.Envelope) { e.OccurredAt = e.OccurredAt.Add(1) },
	"id":          func(e *events.Envelope) { e.ID = uuid.UUID{1, 2, 3} },
	"stream":      func(e *events.Envelope) { e.Stream += "x" },
	"revision":    func(e *events.Envelope) { e.Revision += 1000 },
	"kind":        func(e *events.Envelope) { e.Kind = "run.teleported" },
	"version":     func(e *events.Envelope) { e.Version++ },
	"causation":   func(e *events.Envelope) { e.Causation = uuid.UUID{9} },
	"correlation": func(e *events.Envelope) { e.Correlation += "x" },
	"workspace":   func(e *events.Envelope) { e.Workspace = "other" },
}

// tamperWith does one thing to a log at an index below a bound. It tells what must be found at which index.
func tamperWith(t *rapid.T, log forged, below int) (out forged, how string, at int) {
	out = slices.Clone(log)
	at = rapid.IntRange(0, below-1).Draw(t, "at")
	switch rapid.SampledFrom([]string{"change", "remove", "insert", "copy", "swap", "move back", "move forward"}).Draw(t, "what") {
	case "change":
		changes[rapid.SampledFrom(slices.Sorted(maps.Keys(changes))).Draw(t, "part")](&out[at])
		return out, "changed", at
	case "remove":
		n := rapid.IntRange(1, min(3, below-at)).Draw(t, "events")
		return slices.Delete(out, at, at+n), "removed", at
	case "insert":
		var more []events.Envelope
		for n := range rapid.IntRange(1, 3).Draw(t, "events") {
			more = append(more, events.Envelope{ID: uuid.UUID{7, byte(n)}, Stream: "run-forged", Kind: "run.started", Version: 1, OccurredAt: time.Unix(0, 0), Data: []byte("{}")})
		}
		return slices.Insert(out, at, more...).renumbered(), "inserted", at
	case "copy":
		again := out[rapid.IntRange(0, below-1).Filter(func(i int) bool { return i != at }).Draw(t, "of")]
		return slices.Insert(out, at, again).renumbered(), "inserted", at
	case "swap":
		with := rapid.IntRange(0, below-1).Filter(func(i int) bool { return i != at }).Draw(t, "with")
		out[at], out[with] = out[with], out[at]
		out[at].Position, out[with].Position = out[with].Position, out[at].Position
		return out, "swapped", min(at, with)
	case "move back":
		to := rapid.IntRange(at, below-1).Filter(func(i int) bool { return i > at+1 }).Draw(t, "to")
		moved := out[at]
		return slices.Insert(slices.Delete(out, at, at+1), to, moved).renumbered(), "moved", at
	}
	from := rapid.IntRange(at, below-1).Filter(func(i int) bool { return i > at+1 }).Draw(t, "from")
	moved := out[from]
	return slices.Insert(slices.Delete(out, from, from+1), at, moved).renumbered(), "moved", at
}

// Whatever is done to a sealed event, the first position named is the first one that differs.
func TestVerifyNamesTheFirstPositionThatWasTamperedWith(t *testing.T) {
	t.Parallel()
	for _, m := range []manner{inTurns, late, atTheEnd} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			log := sealedLog(t, m)
			seals, sealed := log.seals(t)
			if len(seals) != 4 || sealed < 60 || sealed == len(log) {
				t.Fatalf("seals at %v, %d of %d events are sealed", seals, sealed, len(log))
			}
			whole := verify(t, log, nil)
			if !whole.OK || whole.Tampered != nil || int(whole.UnsealedEvents) != len(log)-sealed || whole.SealedPosition != log[sealed-1].Position || whole.Seal == "" {
				t.Fatalf("untouched: %+v", whole)
			}
			rapid.Check(t, func(t *rapid.T) {
				other, how, at := tamperWith(t, log, sealed)
				found := witnessed(t, other)
				want := uint64(at + 1)
				if found.Tampered == nil || found.Tampered.Position != want || found.Tampered.How != how || found.Problems[0] != found.Tampered.Reason {
					t.Fatalf("%s at position %d: %+v", how, want, found)
				}
				if found.SealedPosition >= want {
					t.Fatalf("%s at position %d, and it is said to be sealed up to %d", how, want, found.SealedPosition)
				}
			})
		})
	}
}

func TestOfTwoPlacesTheFirstIsNamed(t *testing.T) {
	t.Parallel()
	log := sealedLog(t, inTurns)
	_, sealed := log.seals(t)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, sealed-2).Draw(t, "at")
		other := slices.Clone(log)
		if other[at].Stream == commands.LedgerStream {
			t.Skip("what a seal vouched for can't be told without it")
		}
		other[at].Actor = "user:mallory"
		rest, _, _ := tamperWith(t, other[at+1:], sealed-at-1)
		if !sameSeals(other[at+1:], rest) {
			t.Skip("what a seal vouched for can't be told without it")
		}
		found := witnessed(t, append(other[:at+1:at+1], rest...).renumbered())
		if found.Tampered == nil || found.Tampered.Position != uint64(at+1) {
			t.Fatalf("changed at position %d: %+v", at+1, found)
		}
	})
}

func sameSeals(a, b forged) bool {
	only := func(all forged) forged {
		return slices.DeleteFunc(slices.Clone(all), func(e events.Envelope) bool { return e.Kind != "log.sealed" })
	}
	return slices.EqualFunc(only(a), only(b), func(a, b events.Envelope) bool {
		a.Position = b.Position
		return reflect.DeepEqual(a, b)
	})
}

// The seals behind the last one that is sealed itself have nothing but their ids to vouch for them.
func TestASealThatNoneVouchesForIsHeldToItsID(t *testing.T) {
	t.Parallel()
	for _, m := range []manner{inTurns, late, atTheEnd} {
		log := sealedLog(t, m)
		seals, sealed := log.seals(t)
		for _, i := range seals {
			if i < sealed {
				continue
			}
			fact, err := events.Decode(log[i])
			if err != nil {
				t.Fatal(err)
			}
			for what, change := range map[string]func(*events.LogSealed){
				"first":    func(s *events.LogSealed) { s.First++ },
				"count":    func(s *events.LogSealed) { s.Count-- },
				"too many": func(s *events.LogSealed) { s.Count += 1 << 61 },
				"shorter":  func(s *events.LogSealed) { s.Count--; s.Prints = s.Prints[:len(s.Prints)-16] },
				"digest":   func(s *events.LogSealed) { s.Digest = strings.Repeat("0", 64) },
				"odd":      func(s *events.LogSealed) { s.Digest = "x" },
				"prints":   func(s *events.LogSealed) { s.Prints = strings.Repeat("0", len(s.Prints)) },
				"nothing":  func(s *events.LogSealed) { s.Count, s.Prints = 0, "" },
				"revision": func(s *events.LogSealed) { s.Revision++ },
				"stream":   func(s *events.LogSealed) { s.Stream += "x" },
				"last":     func(s *events.LogSealed) { s.Last = uuid.UUID{8} },
			} {
				s, other := fact.(events.LogSealed), slices.Clone(log)
				change(&s)
				if _, _, other[i].Data, err = events.Encode(s); err != nil {
					t.Fatal(err)
				}
				if found := witnessed(t, other); found.Tampered == nil || found.Tampered.Position != log[i].Position || found.Tampered.How != "changed" {
					t.Errorf("%s, %s of the seal at %d: %+v", m, what, i, found)
				}
			}
			if i == seals[len(seals)-1] {
				continue
			}
			found := verify(t, slices.Delete(slices.Clone(log), i, i+1), nil)
			if found.Tampered == nil || found.Tampered.How != "removed" || found.Tampered.Position > log[i].Position || !strings.Contains(found.Tampered.Reason, "a seal is missing between") {
				t.Errorf("%s, the seal at %d is gone: %+v", m, i, found)
			}
		}
	}
}

// Who can rewrite a log can rewrite its seals, or cut both off. A digest that was noted elsewhere tells.
func TestADigestThatWasNotedTellsARewrittenLog(t *testing.T) {
	t.Parallel()
	log := sealedLog(t, inTurns)
	seals, _ := log.seals(t)
	whole := verify(t, log, nil)
	seal, err := hex.DecodeString(whole.Seal)
	if err != nil {
		t.Fatal(err)
	}
	all, err := hex.DecodeString(whole.Digest)
	if err != nil {
		t.Fatal(err)
	}
	for what, noted := range map[string][]byte{"its last seal": seal, "the whole log": all, "no event": make([]byte, 32)} {
		if found := verify(t, log, noted); !found.OK {
			t.Errorf("%s: %+v", what, found)
		}
	}
	cut := log[:seals[2]+1]
	if found := verify(t, cut, nil); !found.OK || found.Tampered != nil {
		t.Errorf("a log that ends earlier is sound in itself: %+v", found)
	}
	for what, noted := range map[string][]byte{"its last seal": seal, "the whole log": all} {
		if found := verify(t, cut, noted); found.OK || !strings.Contains(found.Problems[0], "no part of the log from its start has the digest") {
			t.Errorf("cut off, %s: %+v", what, found)
		}
	}
	// The same history with one other actor, sealed like a log of its own.
	store, d := logtest.New(t)
	for _, e := range log {
		if e.Stream == commands.LedgerStream {
			if _, err := audit.Seal(t.Context(), store, d.Dispatch, logtest.Clock, 1); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if e.Position == 3 {
			e.Actor = "user:mallory"
		}
		if _, err := store.Append(t.Context(), e.Stream, eventstore.Any, []events.Envelope{e}); err != nil {
			t.Fatal(err)
		}
	}
	if found := verify(t, store, nil); !found.OK {
		t.Errorf("rewritten with its seals: %+v", found)
	}
	if found := verify(t, store, seal); found.OK {
		t.Error("a rewritten log has the digest that was noted")
	}
}

// The read models remember how far the log once was.
func TestALogThatEndsBeforeItsReadModels(t *testing.T) {
	t.Parallel()
	log := sealedLog(t, inTurns)
	models := logtest.Models(t)
	if err := replay.CatchUp(t.Context(), log, models, nil); err != nil {
		t.Fatal(err)
	}
	found, err := audit.Verify(t.Context(), log[:len(log)-3], models, logtest.Models(t), nil, nil)
	if err != nil || found.OK || !strings.Contains(strings.Join(found.Problems, "\n"), fmt.Sprintf("came up to position %d, and the log ends at position %d", len(log), len(log)-3)) {
		t.Errorf("%+v, %v", found, err)
	}
}

// unreadable is a log with damage at a position. It reads as an engine does, ten events at a time.
type unreadable struct {
	forged
	at uint64
}

func (u unreadable) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		page := 10
		if o.Limit > 0 {
			page = o.Limit
		}
		given := 0
		for part := range slices.Chunk(slices.Collect(values(u.forged.ReadAll(ctx, o))), page) {
			if slices.ContainsFunc(part, func(e events.Envelope) bool { return e.Position == u.at }) {
				yield(events.Envelope{}, fmt.Errorf("%w: torn", eventstore.ErrCorrupt))
				return
			}
			for _, e := range part {
				if given++; !yield(e, nil) || given == o.Limit {
					return
				}
			}
		}
	}
}

func values[E any](all iter.Seq2[E, error]) iter.Seq[E] {
	return func(yield func(E) bool) {
		for e := range all {
			if !yield(e) {
				return
			}
		}
	}
}

func TestALogThatCantBeReadIsNamedToo(t *testing.T) {
	t.Parallel()
	log := sealedLog(t, inTurns)
	for _, at := range []uint64{1, 9, 10, 11, 28, uint64(len(log))} {
		found := verify(t, unreadable{log, at}, nil)
		if found.OK || found.Tampered == nil || found.Tampered.Position != at || found.Tampered.How != "unreadable" {
			t.Errorf("at %d: %+v", at, found)
		}
	}
}

func TestALogThatGrowsMeanwhileIsSound(t *testing.T) {
	t.Parallel()
	log := sealedLog(t, inTurns)
	seals, _ := log.seals(t)
	if found := verify(t, &hooked{forged: log, until: log[:seals[2]-2]}, nil); !found.OK || found.Events != uint64(len(log)) {
		t.Errorf("more comes before the walk: %+v", found)
	}
}

func TestALedgerThatCantBeReadIsNoSoundLog(t *testing.T) {
	t.Parallel()
	log := sealedLog(t, inTurns)
	seals, _ := log.seals(t)
	broken := func(yield func(events.Envelope, error) bool) {
		_ = yield(log[seals[0]], nil) && yield(events.Envelope{}, fmt.Errorf("%w: torn", eventstore.ErrCorrupt))
	}
	if found := verify(t, &hooked{forged: log, ledger: broken}, nil); found.OK || found.Tampered == nil || found.Tampered.Position != log[seals[0]].Position+1 || found.Tampered.How != "unreadable" {
		t.Errorf("%+v", found)
	}
	away := func(yield func(events.Envelope, error) bool) { yield(events.Envelope{}, eventstore.ErrUnavailable) }
	if _, err := audit.Verify(t.Context(), &hooked{forged: log, ledger: away}, logtest.Models(t), logtest.Models(t), nil, nil); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

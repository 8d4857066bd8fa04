package orchestrator_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// fill appends facts of no importance, up to a number of events.
func fill(t *testing.T, store eventstore.Store, from, to int) {
	t.Helper()
	stream := commands.BudgetStream(fmt.Sprint(from))
	batch := make([]events.Envelope, 0, to-from)
	for n := from; n < to; n++ {
		batch = append(batch, events.Envelope{
			ID: events.DeriveID(uuid.UUID{1}, n), Kind: "budget.set", Version: 1, OccurredAt: noon, Actor: "user:anna",
			Data: fmt.Appendf(nil, `{"budget":"%d","period":"day","limit_nanos":%d}`, from, n),
		})
	}
	if _, err := store.Append(t.Context(), stream, eventstore.NoStream, batch); err != nil {
		t.Fatal(err)
	}
}

// sealsOf are the seals of a log.
func sealsOf(t *testing.T, store eventstore.Store) (all []events.LogSealed) {
	t.Helper()
	for e, err := range store.ReadStream(t.Context(), commands.LedgerStream, eventstore.StreamOptions{}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fact.(events.LogSealed))
	}
	return all
}

func TestSealsFollowEachOther(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	seal := func(atLeast, want int) {
		t.Helper()
		if n, err := orchestrator.Seal(t.Context(), store, d.Dispatch, fixedClock, atLeast); err != nil || n != want {
			t.Errorf("sealed %d (%v), want %d", n, err, want)
		}
	}
	seal(1, 0) // an empty log
	fill(t, store, 0, 10)
	seal(11, 0)
	seal(10, 10)
	seal(1, 0) // a seal alone waits
	fill(t, store, 10, 11)
	seal(1, 2)
	fill(t, store, 11, 11+2*aggregates.MaxSealed)
	seal(1024, 2*aggregates.MaxSealed) // the one before it, too; what is left is one event and two seals
	seal(1, 3)
	seal(1, 0)
	var got [][2]uint64
	for _, s := range sealsOf(t, store) {
		got = append(got, [2]uint64{s.First, s.Count})
	}
	if want := [][2]uint64{{1, 10}, {11, 2}, {13, 4096}, {4109, 4096}, {8205, 3}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if found := verify(t, store, nil); !found.OK || found.UnsealedEvents != 1 {
		t.Errorf("%+v", found)
	}
}

func TestAnEmptyLogIsSound(t *testing.T) {
	t.Parallel()
	store, _ := newLog(t)
	if found := verify(t, store, nil); !found.OK || found.SealedPosition != 0 || found.Seal != "" || found.UnsealedEvents != 0 {
		t.Errorf("%+v", found)
	}
	fill(t, store, 0, 3)
	if found := verify(t, store, nil); !found.OK || found.SealedPosition != 0 || found.Seal != "" || found.UnsealedEvents != 3 {
		t.Errorf("%+v", found)
	}
}

// The digest of a seal is fixed for ever: one that was noted years ago must hold.
func TestTheChainIsWhatItAlwaysWas(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	for n, e := range []events.Envelope{
		{Stream: "run-r", Kind: "run.started", Version: 1, OccurredAt: noon, Causation: uuid.UUID{5}, Correlation: "r", Actor: "user:anna", Workspace: "w", Data: []byte(`{"run":"r"}`)},
		{Stream: "task-größe", Kind: "task.opened", Version: 2, OccurredAt: time.Unix(-5, 7), Data: nil},
	} {
		e.ID = uuid.UUID{byte(n + 1)}
		if _, err := store.Append(t.Context(), e.Stream, eventstore.Any, []events.Envelope{e}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := orchestrator.Seal(t.Context(), store, d.Dispatch, fixedClock, 1); err != nil {
		t.Fatal(err)
	}
	want := events.LogSealed{
		First: 1, Count: 2, Last: uuid.UUID{2}, Stream: "task-größe",
		Digest: "ced2a687fddaddab2033e293fd90bd5502b53e4ffe75040535f20d8944eeb21a",
		Prints: "12f6e3c24fe446f99b5781ba4a6de5bd",
	}
	if got := sealsOf(t, store); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Several processes that seal at once seal each event once.
func TestSealingAtOnceSealsOnce(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	fill(t, store, 0, 2*aggregates.MaxSealed+100)
	var wait sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 8 {
		wait.Go(func() {
			n, err := orchestrator.Seal(t.Context(), store, d.Dispatch, fixedClock, 50)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
		})
	}
	wait.Wait()
	sealed := uint64(0)
	for _, s := range sealsOf(t, store) {
		if s.First != sealed+1 {
			t.Errorf("a seal from %d on follows event %d", s.First, sealed)
		}
		sealed += s.Count
	}
	if sealed < 2*aggregates.MaxSealed+100 {
		t.Errorf("%d events are sealed, and %d it is said", sealed, total)
	}
	if found := verify(t, store, nil); !found.OK {
		t.Errorf("%+v", found)
	}
}

// Another process seals between the look at the log and the append.
func TestSealingGoesOnBehindAnother(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	fill(t, store, 0, 30)
	first := true
	slow := func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
		if first {
			first = false
			if n, err := orchestrator.Seal(ctx, prefix{store, 20}, d.Dispatch, fixedClock, 1); err != nil || n != 20 {
				t.Errorf("%d, %v", n, err)
			}
		}
		return d.Dispatch(ctx, cmds...)
	}
	if n, err := orchestrator.Seal(t.Context(), store, slow, fixedClock, 1); err != nil || n != 11 {
		t.Errorf("sealed %d (%v), want the 10 that were left and the other's seal", n, err)
	}
	if got := sealsOf(t, store); len(got) != 2 || got[0].Count != 20 || got[1].First != 21 || got[1].Count != 11 {
		t.Errorf("got %+v", got)
	}
	if n, err := orchestrator.Seal(t.Context(), store, func(context.Context, ...commands.Command) (commands.Receipt, error) {
		return commands.Receipt{}, aggregates.ErrState
	}, fixedClock, 1); n != 0 || err != nil {
		t.Errorf("a seal alone was sealed: %d, %v", n, err)
	}
	fill(t, store, 30, 31)
	if _, err := orchestrator.Seal(t.Context(), store, func(context.Context, ...commands.Command) (commands.Receipt, error) {
		return commands.Receipt{}, aggregates.ErrState
	}, fixedClock, 1); !errors.Is(err, aggregates.ErrState) {
		t.Errorf("refused again and again: %v", err)
	}
}

// What was tampered with is not sealed on: a person has to look.
func TestSealingStopsWhereTheLogDoesNotFitItsLastSeal(t *testing.T) {
	t.Parallel()
	log := sealedLog(t, inTurns)
	seals, sealed := log.seals(t)
	_, d := newLog(t)
	for what, change := range map[string]func(forged) forged{
		"its last event is gone": func(f forged) forged { return slices.Delete(f, sealed-1, sealed) },
		"its last event is another": func(f forged) forged {
			f[sealed-1].ID = uuid.UUID{4}
			return f
		},
		"it was changed": func(f forged) forged {
			f[seals[len(seals)-1]].Data = []byte(`{"first":1,"count":0}`)
			return f
		},
		"it is no seal": func(f forged) forged {
			f[seals[len(seals)-1]].Kind = "run.started"
			return f
		},
	} {
		if _, err := orchestrator.Seal(t.Context(), change(slices.Clone(log)), d.Dispatch, fixedClock, 1); !errors.Is(err, orchestrator.ErrLedger) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestACopysSealsHold(t *testing.T) {
	t.Parallel()
	from, d := newLog(t)
	to, e := newLog(t)
	importInto(t, from, simulated(10))
	if _, err := orchestrator.Seal(t.Context(), from, d.Dispatch, fixedClock, 1); err != nil {
		t.Fatal(err)
	}
	done, err := orchestrator.Copy(t.Context(), from, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	source, target := verify(t, from, nil), verify(t, to, nil)
	if !target.OK || target.Seal == "" || target.Seal != source.Seal || target.Digest != source.Digest || target.Digest != done.Digest {
		t.Errorf("source %+v, target %+v, copy %+v", source, target, done)
	}
	importInto(t, to, simulated(12))
	if _, err := orchestrator.Seal(t.Context(), to, e.Dispatch, fixedClock, 1); err != nil {
		t.Fatal(err)
	}
	noted, _ := hex.DecodeString(source.Digest)
	if found := verify(t, to, noted); !found.OK || found.UnsealedEvents != 1 {
		t.Errorf("the copy goes on: %+v", found)
	}
}

func TestAServerSealsWhatComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		fill(t, h.store, 5000, 5000+orchestrator.SealAfter)
		stop := h.serve(t)
		seals := func(want int) {
			t.Helper()
			synctest.Wait()
			if got := sealsOf(t, h.store); len(got) != want {
				t.Errorf("after %s there are %d seals, want %d", time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), len(got), want)
			}
		}
		seals(1) // what was there already
		fill(t, h.store, 0, 10)
		time.Sleep(9*time.Minute + 30*time.Second) // the fake clock's
		seals(1)
		time.Sleep(time.Minute)
		seals(2)
		time.Sleep(24 * time.Hour)
		seals(2)
		fill(t, h.store, 10, 10+orchestrator.SealAfter) // with the seal before one more than is needed
		time.Sleep(time.Minute)
		seals(3)
		fill(t, h.store, 2000, 2001)
		time.Sleep(8 * time.Minute)
		seals(3)
		time.Sleep(2 * time.Minute)
		seals(4)
		stop()
		if e := h.stream(t, commands.LedgerStream); !e[1].OccurredAt.Equal(time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC)) || e[1].Actor != "ledger" {
			t.Errorf("the second seal is %+v", e[1])
		}
		if found := verify(t, h.store, nil); !found.OK || found.UnsealedEvents != 1 {
			t.Errorf("%+v", found)
		}
	})
}

func TestAServerThatNeverSeals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.SealEvery = -1 }
		stop := h.serve(t)
		fill(t, h.store, 0, orchestrator.SealAfter)
		time.Sleep(24 * time.Hour) // the fake clock's
		synctest.Wait()
		stop()
		if got := sealsOf(t, h.store); len(got) > 0 {
			t.Errorf("got %d seals", len(got))
		}
	})
}

// A ledger that can't be written does not take live runs down.
func TestAServerGoesOnWhereItCantSeal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		dispatch, tries := h.dispatch, 0
		h.dispatch = func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
			if _, ok := cmds[0].(commands.SealLog); ok {
				tries++
				return commands.Receipt{}, fmt.Errorf("%w: the disk is full", eventstore.ErrUnavailable)
			}
			return dispatch(ctx, cmds...)
		}
		stop := h.serve(t)
		fill(t, h.store, 0, 1)
		time.Sleep(21 * time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		if tries != 2 {
			t.Errorf("it tried %d times, want every 10 minutes", tries)
		}
	})
}

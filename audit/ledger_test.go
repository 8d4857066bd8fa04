package audit_test

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
)

func TestSealsFollowEachOther(t *testing.T) {
	t.Parallel()
	store, d := logtest.New(t)
	seal := func(atLeast, want int) {
		t.Helper()
		if n, err := audit.Seal(t.Context(), store, d.Dispatch, logtest.Clock, atLeast); err != nil || n != want {
			t.Errorf("sealed %d (%v), want %d", n, err, want)
		}
	}
	seal(1, 0) // an empty log
	logtest.Fill(t, store, 0, 10)
	seal(11, 0)
	seal(10, 10)
	seal(1, 0) // a seal alone waits
	logtest.Fill(t, store, 10, 11)
	seal(1, 2)
	logtest.Fill(t, store, 11, 11+2*aggregates.MaxSealed)
	seal(1024, 2*aggregates.MaxSealed) // the one before it, too; what is left is one event and two seals
	seal(1, 3)
	seal(1, 0)
	var got [][2]uint64
	for _, s := range logtest.Seals(t, store) {
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
	store, _ := logtest.New(t)
	if found := verify(t, store, nil); !found.OK || found.SealedPosition != 0 || found.Seal != "" || found.UnsealedEvents != 0 {
		t.Errorf("%+v", found)
	}
	logtest.Fill(t, store, 0, 3)
	if found := verify(t, store, nil); !found.OK || found.SealedPosition != 0 || found.Seal != "" || found.UnsealedEvents != 3 {
		t.Errorf("%+v", found)
	}
}

// The digest of a seal is fixed for ever: one that was noted years ago must hold.
func TestTheChainIsWhatItAlwaysWas(t *testing.T) {
	t.Parallel()
	store, d := logtest.New(t)
	for n, e := range []events.Envelope{
		{Stream: "run-r", Kind: "run.started", Version: 1, OccurredAt: logtest.Noon, Causation: uuid.UUID{5}, Correlation: "r", Actor: "user:anna", Workspace: "w", Data: []byte(`{"run":"r"}`)},
		{Stream: "task-größe", Kind: "task.opened", Version: 2, OccurredAt: time.Unix(-5, 7), Data: nil},
	} {
		e.ID = uuid.UUID{byte(n + 1)}
		if _, err := store.Append(t.Context(), e.Stream, eventstore.Any, []events.Envelope{e}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := audit.Seal(t.Context(), store, d.Dispatch, logtest.Clock, 1); err != nil {
		t.Fatal(err)
	}
	want := events.LogSealed{
		First: 1, Count: 2, Last: uuid.UUID{2}, Stream: "task-größe",
		Digest: "ced2a687fddaddab2033e293fd90bd5502b53e4ffe75040535f20d8944eeb21a",
		Prints: "12f6e3c24fe446f99b5781ba4a6de5bd",
	}
	if got := logtest.Seals(t, store); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Several processes that seal at once seal each event once.
func TestSealingAtOnceSealsOnce(t *testing.T) {
	t.Parallel()
	store, d := logtest.New(t)
	logtest.Fill(t, store, 0, 2*aggregates.MaxSealed+100)
	var wait sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 8 {
		wait.Go(func() {
			n, err := audit.Seal(t.Context(), store, d.Dispatch, logtest.Clock, 50)
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
	for _, s := range logtest.Seals(t, store) {
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
	store, d := logtest.New(t)
	logtest.Fill(t, store, 0, 30)
	first := true
	slow := func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
		if first {
			first = false
			if n, err := audit.Seal(ctx, prefix{store, 20}, d.Dispatch, logtest.Clock, 1); err != nil || n != 20 {
				t.Errorf("%d, %v", n, err)
			}
		}
		return d.Dispatch(ctx, cmds...)
	}
	if n, err := audit.Seal(t.Context(), store, slow, logtest.Clock, 1); err != nil || n != 11 {
		t.Errorf("sealed %d (%v), want the 10 that were left and the other's seal", n, err)
	}
	if got := logtest.Seals(t, store); len(got) != 2 || got[0].Count != 20 || got[1].First != 21 || got[1].Count != 11 {
		t.Errorf("got %+v", got)
	}
	if n, err := audit.Seal(t.Context(), store, func(context.Context, ...commands.Command) (commands.Receipt, error) {
		return commands.Receipt{}, aggregates.ErrState
	}, logtest.Clock, 1); n != 0 || err != nil {
		t.Errorf("a seal alone was sealed: %d, %v", n, err)
	}
	logtest.Fill(t, store, 30, 31)
	if _, err := audit.Seal(t.Context(), store, func(context.Context, ...commands.Command) (commands.Receipt, error) {
		return commands.Receipt{}, aggregates.ErrState
	}, logtest.Clock, 1); !errors.Is(err, aggregates.ErrState) {
		t.Errorf("refused again and again: %v", err)
	}
}

// What was tampered with is not sealed on: a person has to look.
func TestSealingStopsWhereTheLogDoesNotFitItsLastSeal(t *testing.T) {
	t.Parallel()
	log := sealedLog(t, inTurns)
	seals, sealed := log.seals(t)
	_, d := logtest.New(t)
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
		if _, err := audit.Seal(t.Context(), change(slices.Clone(log)), d.Dispatch, logtest.Clock, 1); !errors.Is(err, audit.ErrLedger) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestACopysSealsHold(t *testing.T) {
	t.Parallel()
	from, d := logtest.New(t)
	to, e := logtest.New(t)
	logtest.Import(t, from, logtest.Simulated(10))
	if _, err := audit.Seal(t.Context(), from, d.Dispatch, logtest.Clock, 1); err != nil {
		t.Fatal(err)
	}
	done, err := audit.Copy(t.Context(), from, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	source, target := verify(t, from, nil), verify(t, to, nil)
	if !target.OK || target.Seal == "" || target.Seal != source.Seal || target.Digest != source.Digest || target.Digest != done.Digest {
		t.Errorf("source %+v, target %+v, copy %+v", source, target, done)
	}
	logtest.Import(t, to, logtest.Simulated(12))
	if _, err := audit.Seal(t.Context(), to, e.Dispatch, logtest.Clock, 1); err != nil {
		t.Fatal(err)
	}
	noted, _ := hex.DecodeString(source.Digest)
	if found := verify(t, to, noted); !found.OK || found.UnsealedEvents != 1 {
		t.Errorf("the copy goes on: %+v", found)
	}
}

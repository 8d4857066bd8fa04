package enginetest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

var start = time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)

// end is a fact that can't follow entries: the end of a run that never started.
func end(entries []readmodel.Entry) readmodel.Entry {
	l := newLog()
	l.entries = append(l.entries, entries...)
	l.add("run-none", start, events.RunFinished{Outcome: events.Succeeded})
	return l.entries[len(l.entries)-1]
}

// poison: a fact that can't be folded parks its stream for that projection, and nothing else.
func poison(t *testing.T, fresh func() Storage) {
	l := newLog()
	l.add("run-a", start, events.RunStarted{Run: "a", Workflow: "w"})
	l.add("task-a", start, events.TaskOpened{Task: "a", Workflow: "w"})
	l.add("run-a", start, events.RunFinished{Outcome: "unheard of"})
	l.add("task-b", start, events.TaskUpdated{Note: "x"})
	l.add("run-b", start, events.RunStarted{Run: "b", Workflow: "w"})
	l.add("run-a", start, events.RunFinished{Outcome: events.Succeeded})
	l.add("run-b", start, nil)
	l.add("run-b", start, events.RunFinished{Outcome: events.Succeeded})
	l.add("task-a", start, events.TaskUpdated{Note: "y"})
	storage := fresh()
	m := open(t, storage())
	apply(t, m, l.entries[:5]...)
	closing(t, m)
	m = open(t, storage())
	apply(t, m, l.entries[5:]...)
	parked, err := m.Parked(t.Context())
	ok(t, err)
	want := []readmodel.ParkedRow{
		{Projection: "runs", Stream: "run-a", Position: 3, Kind: "run.finished", Version: 1, Waiting: 2, LastPosition: 6, Reason: `damaged history: the run ends with the unknown outcome "unheard of"`},
		{Projection: "tasks", Stream: "task-b", Position: 4, Kind: "task.updated", Version: 1, Waiting: 1, LastPosition: 4, Reason: "damaged history: the task was never opened"},
		{Projection: readmodel.Everything, Stream: "run-b", Position: 7, Kind: "unheard.of", Version: 1, Waiting: 2, LastPosition: 8, Reason: errPoison.Error()},
	}
	if !slices.Equal(parked, want) {
		t.Fatalf("got  %+v\nwant %+v", parked, want)
	}
	for _, run := range []string{"a", "b"} {
		row, _, err := m.Run(t.Context(), run)
		ok(t, err)
		if row.Outcome != projections.Running {
			t.Errorf("run %s went on behind the fact that nobody can read: %+v", run, row)
		}
	}
	tasks, err := m.Tasks(t.Context())
	ok(t, err)
	if len(tasks) != 1 || tasks[0].Note != "y" {
		t.Errorf("got %+v, want the task that goes on", tasks)
	}
	same(t, m, digest(t, twin(t, l.entries)))
	closing(t, m)
}

// overtakenFold: a fold meets rows that another process has written since, and must not take its own facts for poison.
// parkedForAll: one read model is rebuilt alone as long as the same streams are parked for all, live and in the rebuild.
func parkedForAll(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	l := newLog()
	l.add("run-r", start, events.RunStarted{Run: "r", Workflow: "w"})
	l.add("run-r", start, events.RunStepStarted{Step: 0, Name: "ask"})
	good := l.entries
	bad := slices.Clone(good)
	bad[1].Event, bad[1].Err = nil, errPoison
	m := open(t, fresh()())
	alone := func(log []readmodel.Entry, want error) {
		t.Helper()
		r, err := m.BeginRebuild(ctx, "metrics")
		ok(t, err)
		ok(t, r.Apply(ctx, 0, log))
		if err := r.Swap(ctx, nil); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		ok(t, r.Discard(ctx))
	}
	apply(t, m, bad...)
	alone(bad, nil)
	alone(good, readmodel.ErrParkedForAll)
	same(t, m, digest(t, twin(t, bad)))
	r := begin(t, m)
	ok(t, r.Apply(ctx, 0, good))
	ok(t, r.Swap(ctx, nil))
	alone(good, nil)
	alone(bad, readmodel.ErrParkedForAll)
	same(t, m, digest(t, twin(t, good)))
	closing(t, m)
}

func overtakenFold(t *testing.T, fresh func() Storage) {
	l := newLog()
	l.add("run-a", start, events.RunStarted{Run: "a", Workflow: "w"})
	l.add("run-a", start, events.RunStepStarted{Name: "s"})
	l.add("run-a", start, events.RunStepFinished{Outcome: events.Succeeded})
	l.add("run-a", start, events.RunFinished{Outcome: events.Succeeded})
	storage := fresh()
	a := open(t, storage())
	apply(t, a, l.entries[:1]...)
	b := open(t, storage())
	apply(t, a, l.entries[1:]...)
	if err := b.Apply(t.Context(), 1, l.entries[1:3]); !errors.Is(err, readmodel.ErrCheckpointMoved) {
		t.Fatalf("got %v, want ErrCheckpointMoved", err)
	}
	same(t, b, digest(t, twin(t, l.entries)))
	closing(t, a)
	closing(t, b)
}

func failedBatch(t *testing.T, fresh func() Storage) {
	entries := Simulated(7, 30)
	m := open(t, fresh()())
	defer closing(t, m)
	apply(t, m, entries[:100]...)
	want := digest(t, m)
	disordered := append(slices.Clone(entries[100:140]), entries[141], entries[140])
	if err := m.Apply(t.Context(), 100, disordered); !errors.Is(err, readmodel.ErrOrder) {
		t.Fatalf("got %v, want ErrOrder", err)
	}
	same(t, m, want)
	apply(t, m, entries[100:]...)
	same(t, m, digest(t, twin(t, entries)))
}

func failedSwap(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(11, 30)
	m := open(t, fresh()())
	defer closing(t, m)
	apply(t, m, entries...)
	want := digest(t, m)
	r := begin(t, m)
	ok(t, r.Apply(ctx, 0, entries[:100]))
	if err := r.Swap(ctx, nil); !errors.Is(err, readmodel.ErrOrder) {
		t.Fatalf("a swap that would lose facts: got %v, want ErrOrder", err)
	}
	broken := errors.New("the log can't be read")
	for _, disordered := range []bool{true, false} {
		err := r.Swap(ctx, func(uint64) iter.Seq2[[]readmodel.Entry, error] {
			return func(yield func([]readmodel.Entry, error) bool) {
				if !yield(entries[100:130], nil) {
					return
				}
				if disordered {
					yield(entries[129:130], nil)
				} else {
					yield(nil, broken)
				}
			}
		})
		if !errors.Is(err, broken) && !errors.Is(err, readmodel.ErrOrder) {
			t.Fatalf("got %v", err)
		}
		same(t, m, want)
	}
	if r.Position() != 100 {
		t.Fatalf("the rebuild is at %d, want 100", r.Position())
	}
	ok(t, r.Apply(ctx, 100, entries[100:]))
	ok(t, r.Swap(ctx, nil))
	same(t, m, want)
	if err := r.Swap(ctx, nil); err == nil {
		t.Fatal("a second swap of the same rebuild did nothing wrong")
	}
}

func overtaken(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(13, 10)
	storage := fresh()
	m, other := open(t, storage()), open(t, storage())
	first := begin(t, m)
	ok(t, first.Apply(ctx, 0, entries[:20]))
	second := begin(t, other)
	if err := first.Apply(ctx, 20, entries[20:]); !errors.Is(err, readmodel.ErrRebuildLost) {
		t.Fatalf("got %v, want ErrRebuildLost", err)
	}
	if err := first.Swap(ctx, nil); !errors.Is(err, readmodel.ErrRebuildLost) {
		t.Fatalf("got %v, want ErrRebuildLost", err)
	}
	ok(t, first.Discard(ctx))
	ok(t, second.Apply(ctx, 0, entries))
	ok(t, second.Swap(ctx, nil))
	same(t, m, digest(t, twin(t, entries)))
	closing(t, m)
	closing(t, other)
}

func outdated(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(17, 10)
	storage := fresh()
	m := open(t, storage())
	apply(t, m, entries...)
	want := digest(t, m)
	// Another version leaves its shape behind.
	e := storage()
	ok(t, e.Update(ctx, func(tx readmodel.Tx) error {
		at, err := tx.Checkpoint(readmodel.Live)
		if err != nil {
			return err
		}
		other := at
		other.Shape = "of another version"
		return tx.Advance(readmodel.Live, at, other)
	}))
	ok(t, e.Close())
	if _, err := m.Position(ctx); !errors.Is(err, readmodel.ErrOutdated) {
		t.Fatalf("got %v, want ErrOutdated", err)
	}
	next := entries[len(entries)-1]
	next.Envelope.Position++
	next.Event = nil // a fact that concerns no read model
	if err := m.Apply(ctx, uint64(len(entries)), []readmodel.Entry{next}); !errors.Is(err, readmodel.ErrOutdated) {
		t.Fatalf("got %v, want ErrOutdated", err)
	}
	again := open(t, storage())
	if !again.Outdated() || !m.Outdated() {
		t.Fatal("read models of another version are not said to be outdated")
	}
	if err := again.Apply(ctx, 0, entries); !errors.Is(err, readmodel.ErrOutdated) {
		t.Fatalf("got %v, want ErrOutdated", err)
	}
	r := begin(t, again)
	ok(t, r.Apply(ctx, 0, entries))
	ok(t, r.Swap(ctx, nil))
	if again.Outdated() {
		t.Fatal("rebuilt read models are said to be outdated")
	}
	same(t, again, want)
	// The first one finds out by itself.
	apply(t, m, next)
	closing(t, m)
	closing(t, again)
}

func sweeps(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(19, 10)
	storage := fresh()
	m := open(t, storage())
	apply(t, m, entries...)
	want := digest(t, m)
	r := begin(t, m)
	ok(t, r.Apply(ctx, 0, entries[:50]))
	closing(t, m) // as a crash would
	m = open(t, storage())
	ok(t, m.Sweep(ctx))
	ok(t, m.Sweep(ctx))
	same(t, m, want)
	r = begin(t, m)
	ok(t, m.Sweep(ctx))
	if err := r.Apply(ctx, 0, entries); !errors.Is(err, readmodel.ErrRebuildLost) {
		t.Fatalf("got %v, want ErrRebuildLost", err)
	}
	closing(t, m)
}

func done(t *testing.T, fresh func() Storage) {
	entries := Simulated(23, 10)
	m := open(t, fresh()())
	apply(t, m, entries[:50]...)
	want := digest(t, m)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Apply(ctx, 50, entries[50:]); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want a cancelled context", err)
	}
	if _, err := m.Report(ctx, projections.MetricsFilter{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want a cancelled context", err)
	}
	if _, _, err := m.Run(t.Context(), "nobody's"); !errors.Is(err, projections.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	same(t, m, want)
	apply(t, m, entries[50:]...)
	closing(t, m)
	if err := m.Apply(t.Context(), uint64(len(entries)), []readmodel.Entry{end(entries)}); err == nil {
		t.Fatal("a closed engine took a batch")
	}
	if _, err := m.Report(t.Context(), projections.MetricsFilter{}); !errors.Is(err, readmodel.ErrUnavailable) {
		t.Fatalf("got %v, want ErrUnavailable", err)
	}
}

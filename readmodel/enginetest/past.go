package enginetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// pasts: the read models of any past position are what a fold up to there gives, with snapshots and without.
func pasts(t *rapid.T, fresh func() Storage) {
	ctx := context.Background()
	entries := Poisoned(t)
	storage := fresh()
	o := readmodel.Options{CacheBytes: 1 << 12, SnapshotEvery: rapid.IntRange(1, 30).Draw(t, "every")}
	reopen := func() *projections.Models {
		m, err := projections.Open(ctx, storage(), o)
		ok(t, err)
		return m
	}
	m := reopen()
	for _, batch := range pieces(t, entries) {
		apply(t, m, batch...)
		if rapid.IntRange(0, 9).Draw(t, "deleted by another") == 0 {
			other := reopen()
			ok(t, other.DeleteSnapshots(ctx))
			closing(t, other)
		}
		if rapid.IntRange(0, 5).Draw(t, "restart") == 0 {
			closing(t, m)
			m = reopen()
		}
	}
	if rapid.Bool().Draw(t, "rebuilt") {
		r := begin(t, m)
		ok(t, r.Run(ctx, chunks(pieces(t, entries)), nil))
		ok(t, r.Swap(ctx, nil))
	}
	for range 3 {
		position := rapid.IntRange(0, len(entries)).Draw(t, "position")
		want := twin(t, entries[:position])
		if rapid.IntRange(0, 4).Draw(t, "deleted") == 0 {
			ok(t, m.DeleteSnapshots(ctx))
		}
		past, err := m.Past(ctx, readmodel.NewMemory(), uint64(position))
		ok(t, err)
		at, err := past.Position(ctx)
		ok(t, err)
		if position > int(at) {
			ok(t, past.Apply(ctx, at, entries[at:position]))
		}
		same(t, past.Models, digest(t, want))
		got, all := everything(t, past), everything(t, want)
		for i := range all {
			if !reflect.DeepEqual(got[i], all[i]) {
				t.Fatalf("read %d at position %d, from %d:\ngot  %+v\nwant %+v", i, position, at, got[i], all[i])
			}
		}
		ok(t, past.Close())
	}
	same(t, m, digest(t, twin(t, entries)))
	closing(t, m)
}

// snapshotsOfThen: a stream that could not be folded is taken up by a rebuild of that read model alone, as after an
// upgrade. A past position shows the same with snapshots and without.
func snapshotsOfThen(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	l := newLog()
	l.add("task-t", start, events.TaskOpened{Task: "t", Workflow: "w", Title: "Do"})
	for i := range 20 {
		run := fmt.Sprintf("r%02d", i)
		l.add("run-"+run, start, events.RunStarted{Run: run, Workflow: "w"})
		l.add("run-"+run, start, events.RunFinished{Outcome: events.Succeeded})
	}
	fixed := l.entries
	broken := slices.Clone(fixed)
	broken[0].Event = events.TaskUpdated{Status: events.TaskDone} // of a task that was never opened
	m, err := projections.Open(ctx, fresh()(), readmodel.Options{SnapshotEvery: 10})
	ok(t, err)
	for batch := range slices.Chunk(broken, 10) {
		apply(t, m, batch...)
	}
	if parked, err := m.Parked(ctx); err != nil || len(parked) != 1 {
		t.Fatalf("parked %+v, %v, want one stream", parked, err)
	}
	r, err := m.BeginRebuild(ctx, "tasks")
	ok(t, err)
	ok(t, r.Apply(ctx, 0, fixed))
	ok(t, r.Swap(ctx, nil))
	past, err := m.Past(ctx, readmodel.NewMemory(), 35)
	ok(t, err)
	from, err := past.Position(ctx)
	ok(t, err)
	ok(t, past.Apply(ctx, from, fixed[from:35]))
	same(t, past.Models, digest(t, twin(t, fixed[:35])))
	ok(t, past.Close())
	closing(t, m)
}

// snapshotsOfNone: a rebuild that is given up leaves no snapshot of its own fold behind.
func snapshotsOfNone(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(31, 60)
	storage := fresh()
	for name, end := range map[string]func(*projections.Models, *readmodel.Rebuild){
		"discarded": func(_ *projections.Models, r *readmodel.Rebuild) { ok(t, r.Discard(ctx)) },
		"swept":     func(m *projections.Models, _ *readmodel.Rebuild) { ok(t, m.Sweep(ctx)) },
	} {
		m, err := projections.Open(ctx, storage(), readmodel.Options{SnapshotEvery: 10})
		ok(t, err)
		r := begin(t, m)
		ok(t, r.Apply(ctx, 0, entries[:100]))
		end(m, r)
		if left, err := m.Snapshots(ctx); err != nil || len(left) > 0 {
			t.Errorf("%s: it left %+v, %v", name, left, err)
		}
		closing(t, m)
	}
}

func chunks(all [][]readmodel.Entry) iter.Seq2[[]readmodel.Entry, error] {
	return func(yield func([]readmodel.Entry, error) bool) {
		for _, batch := range all {
			if !yield(batch, nil) {
				return
			}
		}
	}
}

// snapshots: they are taken every so often, live and in a rebuild, survive a restart, and can be deleted.
func snapshots(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(31, 200)
	storage := fresh()
	e := storage()
	m, err := projections.Open(ctx, e, readmodel.Options{SnapshotEvery: 500})
	ok(t, err)
	list := func() []uint64 {
		all, err := m.Snapshots(ctx)
		ok(t, err)
		var positions []uint64
		for _, s := range all {
			if s.Rows == 0 || s.Bytes == 0 || !s.Usable {
				t.Errorf("got %+v", s)
			}
			positions = append(positions, s.Position)
		}
		return positions
	}
	for from := 0; from < 1_600; from += 200 {
		apply(t, m, entries[from:from+200]...)
	}
	if got := list(); !reflect.DeepEqual(got, []uint64{600, 1_200}) {
		t.Fatalf("snapshots at %v, want every third batch", got)
	}
	closing(t, m)
	m, err = projections.Open(ctx, storage(), readmodel.Options{SnapshotEvery: 500})
	ok(t, err)
	apply(t, m, entries[1_600:1_650]...)
	apply(t, m, entries[1_650:1_800]...)
	if got := list(); !reflect.DeepEqual(got, []uint64{600, 1_200, 1_800}) {
		t.Fatalf("snapshots at %v, want one more", got)
	}
	r := begin(t, m)
	ok(t, r.Run(ctx, chunks([][]readmodel.Entry{entries[:700], entries[700:1_800]}), nil))
	ok(t, r.Swap(ctx, nil))
	if got := list(); !reflect.DeepEqual(got, []uint64{700, 1_800}) {
		t.Fatalf("snapshots at %v, want those of the rebuild", got)
	}
	ok(t, m.DeleteSnapshots(ctx))
	if got := list(); got != nil {
		t.Fatalf("snapshots at %v, want none", got)
	}
	past, err := m.Past(ctx, readmodel.NewMemory(), 100)
	ok(t, err)
	if at, err := past.Position(ctx); at != 0 || err != nil {
		t.Errorf("without a snapshot the past begins at %d, %v", at, err)
	}
	ok(t, past.Close())
	if err := past.Apply(ctx, 0, entries[:1]); !errors.Is(err, readmodel.ErrUnavailable) {
		t.Errorf("a closed past took a batch: %v", err)
	}
	closing(t, m)
}

// sameSnapshot: the live tables and a rebuild can take a snapshot at the same position, one of them whole, the other one
// building on another. What is left of the first must not be read with the second.
func sameSnapshot(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	l := newLog()
	l.add("agent-a", start, events.AgentSpawned{Agent: "a"})
	for i := range 40 {
		run := fmt.Sprintf("r%02d", i)
		l.add("run-"+run, start, events.RunStarted{Run: run, Workflow: fmt.Sprint("w", i/20)})
		l.add("run-"+run, start, events.RunFinished{Outcome: events.Succeeded})
	}
	half, all := l.entries[:41], l.entries
	m, err := projections.Open(ctx, fresh()(), readmodel.Options{SnapshotEvery: 20})
	ok(t, err)
	r := begin(t, m)
	apply(t, m, all...)
	ok(t, r.Apply(ctx, 0, half))
	ok(t, r.Apply(ctx, uint64(len(half)), all[len(half):]))
	past, err := m.Past(ctx, readmodel.NewMemory(), uint64(len(all)))
	ok(t, err)
	same(t, past.Models, digest(t, twin(t, all)))
	ok(t, past.Close())
	closing(t, m)
}

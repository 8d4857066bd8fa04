package readmodel_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
	"github.com/virtuous6/virtuous6/readmodel/sqlite"
)

// opened is read models in an engine, for as long as the test lasts.
func opened(t *testing.T, e readmodel.Engine, o readmodel.Options) *projections.Models {
	t.Helper()
	m, err := projections.Open(t.Context(), e, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// logOf yields entries in batches that are used again, as the pump's are, and then an error, if any.
func logOf(entries []readmodel.Entry, end error) iter.Seq2[[]readmodel.Entry, error] {
	return func(yield func([]readmodel.Entry, error) bool) {
		batch := make([]readmodel.Entry, 0, 700)
		for part := range slices.Chunk(entries, cap(batch)) {
			batch = append(batch[:0], part...)
			if !yield(batch, nil) {
				return
			}
			clear(batch)
		}
		if end != nil {
			yield(nil, end)
		}
	}
}

func digest(t *testing.T, m *projections.Models) readmodel.Digest {
	t.Helper()
	d, err := m.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Enough facts for some parts to be handed over, whatever the rows take in memory.
func TestRunBuildsWhatApplyBuilds(t *testing.T) {
	t.Parallel()
	entries := enginetest.Simulated(3, 1_600)
	half := len(entries) / 2
	// Poison, early and late in its run, and behind the end of one that is written by then.
	for i := 97; i < len(entries); i += 97 {
		entries[i].Event, entries[i].Err = nil, errors.New("unheard of")
		entries[i-1].Event = events.RunFinished{}
	}
	ended := slices.IndexFunc(entries, func(e readmodel.Entry) bool { return e.Envelope.Kind == "run.finished" })
	entries[len(entries)-200].Envelope.Stream = entries[ended].Envelope.Stream
	applied := opened(t, readmodel.NewMemory(), readmodel.Options{})
	if err := applied.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	want := digest(t, applied)
	for name, cacheBytes := range map[string]int{"all in memory": 0, "written whenever it can": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "models.db"), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			m := opened(t, engine, readmodel.Options{CacheBytes: cacheBytes})
			r, err := m.BeginRebuild(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var seen []uint64
			if err := r.Run(t.Context(), logOf(entries[:half], nil), func(p uint64) { seen = append(seen, p) }); err != nil {
				t.Fatal(err)
			}
			if !slices.IsSorted(seen) || seen[len(seen)-1] != uint64(half) || r.Position() != uint64(half) {
				t.Errorf("progress ended at %d, the rebuild is at %d, want %d", seen[len(seen)-1], r.Position(), half)
			}
			// It can go on either way.
			if err := r.Apply(t.Context(), uint64(half), entries[half:half+500]); err != nil {
				t.Fatal(err)
			}
			if err := r.Run(t.Context(), logOf(entries[half+500:len(entries)-100], nil), nil); err != nil {
				t.Fatal(err)
			}
			if err := r.Swap(t.Context(), func(from uint64) iter.Seq2[[]readmodel.Entry, error] { return logOf(entries[from:], nil) }); err != nil {
				t.Fatal(err)
			}
			if got := digest(t, m); got.SHA256 != want.SHA256 || got.Position != want.Position {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestRunThatFailsCanOnlyBeDiscarded(t *testing.T) {
	t.Parallel()
	entries := enginetest.Simulated(3, 900)
	cut := errors.New("the log can't be read")
	m := opened(t, readmodel.NewMemory(), readmodel.Options{})
	if err := m.Apply(t.Context(), 0, entries[:1_000]); err != nil {
		t.Fatal(err)
	}
	live := digest(t, m)
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context(), logOf(entries, cut), nil); !errors.Is(err, cut) {
		t.Fatalf("got %v, want the log's error", err)
	}
	if r.Position() != 0 {
		t.Errorf("it stands at %d: what it wrote does not reach there", r.Position())
	}
	for name, again := range map[string]error{
		"run":   r.Run(t.Context(), logOf(entries, nil), nil),
		"apply": r.Apply(t.Context(), 0, entries),
		"swap":  r.Swap(t.Context(), nil),
	} {
		if again == nil {
			t.Errorf("%s went on with a rebuild that failed", name)
		}
	}
	if err := r.Discard(t.Context()); err != nil {
		t.Error(err)
	}
	if got := digest(t, m); got.SHA256 != live.SHA256 {
		t.Error("the live tables changed")
	}
}

func TestRunIsLostToAnotherRebuild(t *testing.T) {
	t.Parallel()
	entries := enginetest.Simulated(3, 900)
	m := opened(t, readmodel.NewMemory(), readmodel.Options{})
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.BeginRebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context(), logOf(entries, nil), nil); !errors.Is(err, readmodel.ErrRebuildLost) {
		t.Errorf("got %v, want ErrRebuildLost", err)
	}
}

// failing is an engine whose nth write from now on fails, and which counts the writes that come after it.
type failing struct {
	readmodel.Engine
	in    atomic.Int64
	after atomic.Int64
}

var errWrite = errors.New("the disk is gone")

func (f *failing) Update(ctx context.Context, write func(readmodel.Tx) error) error {
	switch left := f.in.Add(-1); {
	case left == 0:
		return errWrite
	case left < 0:
		f.after.Add(1)
	}
	return f.Engine.Update(ctx, write)
}

// The fold is some parts ahead of the writer when a write fails. Those parts are not written any more.
func TestRunWritesNothingAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	entries := enginetest.Simulated(3, 3_000)
	e := &failing{Engine: readmodel.NewMemory()}
	e.in.Store(1 << 30)
	m := opened(t, e, readmodel.Options{})
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.in.Store(1)
	if err := r.Run(t.Context(), logOf(entries, nil), nil); !errors.Is(err, errWrite) {
		t.Errorf("got %v, want the write's error", err)
	}
	if n := e.after.Load(); n != 0 {
		t.Errorf("%d parts were written after one that failed", n)
	}
}

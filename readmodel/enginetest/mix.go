package enginetest

import (
	"context"
	"errors"
	"iter"
	"reflect"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// process is one of those that share an engine.
type process struct {
	*projections.Models
	entries []readmodel.Entry
}

func (p process) at(t fataler) int {
	t.Helper()
	at, err := p.Position(context.Background())
	ok(t, err)
	return int(at) //nolint:gosec // small
}

// fold folds on up to a position. What another process did may have to be looked up first.
func (p process) fold(t fataler, to int) {
	t.Helper()
	for range 2 {
		at := p.at(t)
		if at >= to {
			return
		}
		err := p.Apply(context.Background(), uint64(at), p.entries[at:to])
		if err == nil || !errors.Is(err, readmodel.ErrCheckpointMoved) {
			ok(t, err)
			return
		}
	}
	t.Fatal("the checkpoint moved, and nobody moved it")
}

// tail is what a swap folds of the log as it ends at a position.
func (p process) tail(end int) func(uint64) iter.Seq2[[]readmodel.Entry, error] {
	return func(from uint64) iter.Seq2[[]readmodel.Entry, error] {
		return func(yield func([]readmodel.Entry, error) bool) {
			if int(from) < end { //nolint:gosec // small
				yield(p.entries[from:end], nil)
			}
		}
	}
}

// mixes has two processes fold, rebuild all or some, give rebuilds up, start again, delete snapshots and look back, in any
// order. The rows are those of one fold always.
func mixes(t *rapid.T, fresh func() Storage) {
	ctx := context.Background()
	entries := Poisoned(t)
	storage := fresh()
	o := readmodel.Options{CacheBytes: 1 << rapid.IntRange(8, 15).Draw(t, "cache"), SnapshotEvery: rapid.IntRange(1, 30).Draw(t, "every")}
	begun := func() process {
		m, err := projections.Open(ctx, storage(), o)
		ok(t, err)
		return process{m, entries}
	}
	all := []process{begun(), begun()}
	other := func(i int) process { return all[1-i] }
	for range rapid.IntRange(1, 14).Draw(t, "steps") {
		i := rapid.IntRange(0, 1).Draw(t, "process")
		p := all[i]
		at := p.at(t)
		further := func() int { return rapid.IntRange(p.at(t), len(entries)).Draw(t, "to") }
		switch rapid.IntRange(0, 7).Draw(t, "what") {
		case 0, 1:
			p.fold(t, further())
		case 2, 3: // a rebuild, of some where there are names, while another process folds on
			var names []string
			if rapid.Bool().Draw(t, "some") {
				names = rapid.SliceOfNDistinct(rapid.SampledFrom(p.Projections()), 1, 3, rapid.ID[string]).Draw(t, "names")
			}
			r, err := p.BeginRebuild(ctx, names...)
			ok(t, err)
			for _, batch := range pieces(t, entries[:rapid.IntRange(0, at).Draw(t, "rebuilt")]) {
				ok(t, r.Apply(ctx, r.Position(), batch))
			}
			other(i).fold(t, further())
			if rapid.IntRange(0, 3).Draw(t, "given up") == 0 {
				ok(t, r.Discard(ctx))
				break
			}
			ok(t, r.Swap(ctx, p.tail(p.at(t))))
		case 4:
			closing(t, p.Models)
			p = begun()
			all[i] = p
		case 5: // a process that dies in a rebuild
			_, err := p.BeginRebuild(ctx)
			ok(t, err)
			if rapid.Bool().Draw(t, "swept") {
				ok(t, other(i).Sweep(ctx))
			}
		case 6:
			ok(t, p.DeleteSnapshots(ctx))
		case 7:
			position := rapid.IntRange(0, at).Draw(t, "position")
			past, err := p.Past(ctx, readmodel.NewMemory(), uint64(position)) //nolint:gosec // small
			ok(t, err)
			if from, err := past.Position(ctx); err != nil || int(from) < position { //nolint:gosec // small
				ok(t, errors.Join(err, past.Apply(ctx, from, entries[from:position])))
			}
			same(t, past.Models, digest(t, twin(t, entries[:position])))
			ok(t, past.Close())
		}
		same(t, p.Models, digest(t, twin(t, entries[:p.at(t)])))
	}
	for _, p := range all {
		p.fold(t, len(entries))
		got, want := everything(t, p), everything(t, twin(t, entries))
		for i := range want {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("read %d:\ngot  %+v\nwant %+v", i, got[i], want[i])
			}
		}
		same(t, p.Models, digest(t, twin(t, entries)))
		closing(t, p.Models)
	}
}

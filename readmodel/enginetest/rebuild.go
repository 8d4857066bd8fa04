package enginetest

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

func rebuilds(t *rapid.T, fresh func() Storage) {
	ctx := context.Background()
	entries := Poisoned(t)
	m := open(t, fresh()())
	live := rapid.IntRange(0, len(entries)).Draw(t, "live")
	apply(t, m, entries[:live]...)
	r := begin(t, m)
	before := rapid.IntRange(0, len(entries)).Draw(t, "before the swap")
	for _, batch := range pieces(t, entries[:before]) {
		ok(t, r.Apply(ctx, r.Position(), batch))
	}
	ok(t, r.Swap(ctx, func(from uint64) iter.Seq2[[]readmodel.Entry, error] {
		return func(yield func([]readmodel.Entry, error) bool) {
			for _, batch := range pieces(t, entries[from:]) {
				if !yield(batch, nil) {
					return
				}
			}
		}
	}))
	same(t, m, digest(t, twin(t, entries)))
	ok(t, r.Discard(ctx))
	// Folding goes on behind the swap, with what the rebuild remembers.
	more := newLog()
	more.entries = entries
	more.revisions = map[string]uint64{}
	more.add("run-last", start, events.RunStarted{Run: "last", Workflow: "plan"})
	apply(t, m, more.entries[len(entries):]...)
	same(t, m, digest(t, twin(t, more.entries)))
	closing(t, m)
}

// marks follow the live tables: through batches, batches that fail, and swaps.
func marks(t *rapid.T, fresh func() Storage) {
	ctx := context.Background()
	entries := Poisoned(t)
	storage := fresh()
	m := open(t, storage())
	marked := func(seen int) {
		t.Helper()
		var want readmodel.Mark
		if seen > 0 {
			want = readmodel.MarkOf(&entries[seen-1].Envelope)
		}
		got, err := m.Mark(ctx)
		ok(t, err)
		if got != want {
			t.Fatalf("behind %d facts: mark %+v, want %+v", seen, got, want)
		}
	}
	marked(0)
	if len(entries) == 0 {
		closing(t, m)
		return
	}
	live := rapid.IntRange(1, len(entries)).Draw(t, "live")
	apply(t, m, entries[:live]...)
	marked(live)
	if err := m.Apply(ctx, entries[live-1].Envelope.Position+7, entries[live-1:]); err == nil {
		t.Fatal("a batch from elsewhere was taken")
	}
	marked(live)
	r := begin(t, m)
	rebuilt := rapid.IntRange(0, live).Draw(t, "rebuilt")
	for _, batch := range pieces(t, entries[:rebuilt]) {
		ok(t, r.Apply(ctx, r.Position(), batch))
	}
	marked(live)
	broken := func(uint64) iter.Seq2[[]readmodel.Entry, error] {
		return func(yield func([]readmodel.Entry, error) bool) {
			_ = rebuilt == len(entries) || yield(entries[rebuilt:], nil)
			yield(nil, errPoison)
		}
	}
	if err := r.Swap(ctx, broken); !errors.Is(err, errPoison) {
		t.Fatalf("got %v, want the tail's error", err)
	}
	marked(live)
	if rapid.Bool().Draw(t, "back") {
		ok(t, r.Replace(ctx))
		marked(rebuilt)
	} else {
		ok(t, r.Swap(ctx, func(uint64) iter.Seq2[[]readmodel.Entry, error] {
			return func(yield func([]readmodel.Entry, error) bool) {
				_ = rebuilt == len(entries) || yield(entries[rebuilt:], nil)
			}
		}))
		marked(len(entries))
	}
	closing(t, m)
}

func rebuildsOne(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(29, 60)
	entries[40].Event, entries[40].Err = nil, errPoison
	entries[61].Event = events.RunFinished{}
	entries[70].Envelope.Stream, entries[70].Event = "budget-b", events.BudgetExhausted{}
	e := fresh()()
	m := open(t, e)
	live := len(entries) - 50
	apply(t, m, entries[:live]...)
	want := digest(t, twin(t, entries[:live]))
	same(t, m, want)
	lose := func(table string) {
		ok(t, e.Update(ctx, func(tx readmodel.Tx) error { return tx.Delete(&readmodel.Table{Name: table}, nil) }))
	}
	lose("metrics")
	lose("budgets")
	parkedRows := readmodel.Table{Name: "parked_streams", Columns: []readmodel.Column{{Name: "projection", Type: readmodel.Text}}}
	for _, name := range []string{"runs", "budgets"} {
		ok(t, e.Update(ctx, func(tx readmodel.Tx) error {
			return tx.Delete(&parkedRows, []readmodel.Condition{{Column: "projection", Text: name}})
		}))
	}
	if _, err := m.BeginRebuild(ctx, "metrics", "unheard of"); !errors.Is(err, readmodel.ErrUnknownProjection) {
		t.Fatalf("got %v, want ErrUnknownProjection", err)
	}
	r, err := m.BeginRebuild(ctx, "llm_costs") // the table of "costs"
	ok(t, err)
	ok(t, r.Discard(ctx))
	r, err = m.BeginRebuild(ctx, "metrics")
	ok(t, err)
	ok(t, r.Apply(ctx, 0, entries[:live]))
	ok(t, r.Swap(ctx, nil))
	for i, table := range digest(t, m).Tables {
		if lost := table.Table == "parked_streams"; lost == (table == want.Tables[i]) {
			t.Errorf("%+v, want %+v", table, want.Tables[i])
		}
	}
	// A rebuild that is ahead waits for the live tables; one that is behind goes on up to where they are.
	r, err = m.BeginRebuild(ctx, "runs", "budgets")
	ok(t, err)
	ok(t, r.Apply(ctx, 0, entries[:live+10]))
	if err := r.Swap(ctx, nil); !errors.Is(err, readmodel.ErrCheckpointMoved) {
		t.Fatalf("got %v, want ErrCheckpointMoved", err)
	}
	apply(t, m, entries[live:live+30]...)
	ok(t, r.Swap(ctx, func(from uint64) iter.Seq2[[]readmodel.Entry, error] {
		return func(yield func([]readmodel.Entry, error) bool) { yield(entries[from:], nil) }
	}))
	apply(t, m, entries[live+30:]...)
	parked, err := m.Parked(ctx)
	ok(t, err)
	var names []string
	for _, p := range parked {
		names = append(names, p.Projection)
	}
	slices.Sort(names)
	if want := []string{"budgets", readmodel.Everything, "runs"}; !slices.Equal(names, slices.Sorted(slices.Values(want))) {
		t.Errorf("got %+v, want what is parked for %v", parked, want)
	}
	r = begin(t, m)
	ok(t, r.Apply(ctx, 0, entries))
	ok(t, r.Swap(ctx, nil))
	same(t, m, digest(t, twin(t, entries)))
	closing(t, m)
}

func swapsWhole(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(3, 25)
	m := open(t, fresh()())
	defer closing(t, m)
	apply(t, m, entries...)
	want := digest(t, m)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				got, err := m.Digest(ctx)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("a reader saw %+v, %v", got, err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 3 {
		r := begin(t, m)
		for batch := range slices.Chunk(entries, 100) {
			ok(t, r.Apply(ctx, r.Position(), batch))
		}
		ok(t, r.Swap(ctx, nil))
	}
	close(stop)
	readers.Wait()
}

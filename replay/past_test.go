package replay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// logged is the whole log, decoded.
func logged(t *testing.T, store eventstore.Store) []readmodel.Entry {
	t.Helper()
	var all []readmodel.Entry
	for e, err := range store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, readmodel.Entry{Envelope: e, Event: fact})
	}
	return all
}

func digestOf(t *testing.T, entries []readmodel.Entry) string {
	t.Helper()
	m := logtest.Models(t)
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	d, err := m.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d.SHA256
}

func TestTheModelsOfAMoment(t *testing.T) {
	t.Parallel()
	store, _ := logtest.New(t)
	logtest.Import(t, store, logtest.Simulated(40))
	entries := logged(t, store)
	live, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{SnapshotEvery: 100})
	if err != nil {
		t.Fatal(err)
	}
	for batch := range slices.Chunk(entries, 30) {
		if err := live.Apply(t.Context(), batch[0].Envelope.Position-1, batch); err != nil {
			t.Fatal(err)
		}
	}
	first, last := entries[0].Envelope, entries[len(entries)-1].Envelope
	middle := entries[len(entries)/2].Envelope
	for name, c := range map[string]struct {
		moment replay.Moment
		keep   func(events.Envelope) bool
	}{
		"the start":       {replay.Moment{}, func(events.Envelope) bool { return false }},
		"before any":      {replay.Moment{Position: 50}, func(e events.Envelope) bool { return e.Position <= 50 }},
		"between":         {replay.Moment{Position: 333}, func(e events.Envelope) bool { return e.Position <= 333 }},
		"the end":         {replay.Moment{Position: last.Position}, func(events.Envelope) bool { return true }},
		"before all time": {replay.Moment{OccurredBy: first.OccurredAt.AddDate(-1, 0, 0)}, func(events.Envelope) bool { return false }},
		"a time":          {replay.Moment{OccurredBy: middle.OccurredAt}, func(e events.Envelope) bool { return !e.OccurredAt.After(middle.OccurredAt) }},
		"the time of all": {replay.Moment{OccurredBy: last.OccurredAt.AddDate(9, 0, 0)}, func(events.Envelope) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			past, err := replay.At(t.Context(), store, live, readmodel.NewMemory(), c.moment, nil)
			if err != nil {
				t.Fatal(err)
			}
			cut, kept := map[string]bool{}, []readmodel.Entry{}
			for _, e := range entries {
				if cut[e.Envelope.Stream] = cut[e.Envelope.Stream] || !c.keep(e.Envelope); !cut[e.Envelope.Stream] {
					kept = append(kept, e)
				}
			}
			got, err := past.Digest(t.Context())
			if err != nil || got.SHA256 != digestOf(t, kept) {
				t.Errorf("got %s at %d, %v; want another digest of %d facts", got.SHA256, got.Position, err, len(kept))
			}
			if err := past.Close(); err != nil {
				t.Error(err)
			}
			built := logtest.Models(t)
			if err := replay.Build(t.Context(), store, built.Models, c.moment, nil); err != nil {
				t.Fatal(err)
			}
			if again, err := built.Digest(t.Context()); err != nil || again.SHA256 != got.SHA256 {
				t.Errorf("built by themselves they are %s, %v; want %s", again.SHA256, err, got.SHA256)
			}
		})
	}
	_, err = replay.At(t.Context(), store, live, readmodel.NewMemory(), replay.Moment{Position: last.Position + 1}, nil)
	if !errors.Is(err, replay.ErrBeyond) {
		t.Errorf("got %v, want ErrBeyond", err)
	}
}

// What is recorded later than it happened is there as of its time, and was not known before.
func TestLateFactsCountByTheirTime(t *testing.T) {
	t.Parallel()
	store, dispatch := logtest.New(t)
	logtest.Import(t, store, logtest.Simulated(3))
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := logged(t, store)[0].Envelope.OccurredAt
	early := first.Add(-48 * time.Hour)
	meta := logtest.Meta("late", "late")
	meta.At = early
	if _, err := dispatch.Dispatch(t.Context(), commands.StartRun{Meta: meta, Run: "late", Workflow: "w"}); err != nil {
		t.Fatal(err)
	}
	live := logtest.Models(t)
	if err := replay.CatchUp(t.Context(), store, live, nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		moment replay.Moment
		want   int
	}{
		"known then":     {replay.Moment{Position: head}, 3},
		"happened then":  {replay.Moment{OccurredBy: first.Add(-time.Hour)}, 1},
		"known now":      {replay.Moment{OccurredBy: first.AddDate(1, 0, 0)}, 4},
		"nothing before": {replay.Moment{OccurredBy: early.Add(-time.Hour)}, 0},
	} {
		past, err := replay.At(t.Context(), store, live, readmodel.NewMemory(), c.moment, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range past.Runs(t.Context(), projections.RunFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != c.want {
			t.Errorf("%s: %d runs, want %d", name, n, c.want)
		}
	}
}

// counted counts what is read of the whole log.
type counted struct {
	eventstore.Store
	read int
}

func (c *counted) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		for e, err := range c.Store.ReadAll(ctx, o) {
			c.read++
			if !yield(e, err) {
				return
			}
		}
	}
}

// hourly makes runs, one an hour.
func hourly(t *testing.T, dispatch commands.Dispatch, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		for _, c := range logtest.OneRun(fmt.Sprint("r", i)) {
			if _, err := dispatch(t.Context(), at(c, logtest.Noon.Add(time.Duration(i)*time.Hour))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A time whose facts were recorded in their order is reached from a snapshot, as a position is, and what lies behind it is not read.
func TestATimeIsReachedFromASnapshot(t *testing.T) {
	t.Parallel()
	store, dispatch := logtest.New(t)
	hourly(t, dispatch.Dispatch, 0, 200)
	live, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{SnapshotEvery: 100})
	if err != nil {
		t.Fatal(err)
	}
	entries := logged(t, store)
	for batch := range slices.Chunk(entries, 30) {
		if err := live.Apply(t.Context(), batch[0].Envelope.Position-1, batch); err != nil {
			t.Fatal(err)
		}
	}
	look := func(at time.Time) (runs, read int) {
		t.Helper()
		log := &counted{Store: store}
		past, err := replay.At(t.Context(), log, live, readmodel.NewMemory(), replay.Moment{OccurredBy: at}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = past.Close() }()
		all, err := readmodel.Collect(past.Runs(t.Context(), projections.RunFilter{}))
		if err != nil {
			t.Fatal(err)
		}
		return len(all), log.read
	}
	begun := func(at time.Time) (n int) {
		for _, e := range entries {
			if _, is := e.Event.(events.RunStarted); is && !e.Envelope.OccurredAt.After(at) {
				n++
			}
		}
		return n
	}
	middle, end := entries[len(entries)/2].Envelope.OccurredAt, entries[len(entries)-1].Envelope.OccurredAt
	for name, at := range map[string]time.Time{"the middle": middle, "the end": end, "after it": end.AddDate(1, 0, 0)} {
		if runs, read := look(at); runs != begun(at) || read > len(entries)/4 {
			t.Errorf("%s: %d runs of %d, %d events of %d read", name, runs, begun(at), read, len(entries))
		}
	}
	// One that is recorded late is found, whether the read models have seen it or not.
	meta := logtest.Meta("late", "late")
	meta.At = middle.Add(-48 * time.Hour)
	if _, err := dispatch.Dispatch(t.Context(), commands.StartRun{Meta: meta, Run: "late", Workflow: "w"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if runs, _ := look(middle); runs != begun(middle)+1 {
			t.Errorf("%d runs of %d", runs, begun(middle)+1)
		}
		if err := replay.CatchUp(t.Context(), store, live, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// A stream is cut at its first fact that occurred later: what a skewed clock dates before it would not be a history.
func TestAStreamIsCutAtItsFirstLaterFact(t *testing.T) {
	t.Parallel()
	store, dispatch := logtest.New(t)

	for i, c := range logtest.OneRun("skewed") {
		if _, err := dispatch.Dispatch(t.Context(), at(c, logtest.Noon.Add([]time.Duration{0, 2 * time.Hour, time.Hour, 3 * time.Hour}[i]))); err != nil {
			t.Fatal(err)
		}
	}
	live := logtest.Models(t)
	past, err := replay.At(t.Context(), store, live, readmodel.NewMemory(), replay.Moment{OccurredBy: logtest.Noon.Add(90 * time.Minute)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	row, steps, err := past.Run(t.Context(), "skewed")
	if err != nil || row.Outcome != projections.Running || len(steps) != 0 {
		t.Errorf("got %+v, %+v, %v, want a run without steps", row, steps, err)
	}
	if parked, err := past.Parked(t.Context()); err != nil || len(parked) != 0 {
		t.Errorf("got %+v, %v, want nothing parked", parked, err)
	}
}

// at is a command of another time.
func at(c commands.Command, when time.Time) commands.Command {
	switch c := c.(type) {
	case commands.StartRun:
		c.At = when
		return c
	case commands.StartStep:
		c.At = when
		return c
	case commands.FinishStep:
		c.At = when
		return c
	case commands.FinishRun:
		c.At = when
		return c
	}
	panic("a command of no run")
}

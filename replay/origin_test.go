package replay_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// Read models go on with the log that they were built from, and with no other.
func TestReadModelsBelongToTheirLog(t *testing.T) {
	t.Parallel()
	one, _ := logtest.New(t)
	logtest.Import(t, one, logtest.Simulated(10))
	other, dispatch := logtest.New(t)
	meta := commands.Meta{ID: orchestrator.NewID(), At: time.Now(), Actor: "user:anna"}
	if _, err := dispatch.Dispatch(t.Context(), commands.OpenTask{Meta: meta, Task: "t", Workflow: "w", Title: "Do"}); err != nil {
		t.Fatal(err)
	}
	logtest.Import(t, other, logtest.Simulated(30))
	restored := eventstore.NewMemory(time.Now)
	for e, err := range one.ReadAll(t.Context(), eventstore.ReadOptions{Limit: 20}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := restored.Append(t.Context(), e.Stream, eventstore.Any, []events.Envelope{e}); err != nil {
			t.Fatal(err)
		}
	}
	grown, more := logtest.New(t)
	for e, err := range restored.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := grown.Append(t.Context(), e.Stream, eventstore.Any, []events.Envelope{e}); err != nil {
			t.Fatal(err)
		}
	}
	meta.ID = orchestrator.NewID()
	if _, err := more.Dispatch(t.Context(), commands.OpenTask{Meta: meta, Task: "t", Workflow: "w", Title: "Do"}); err != nil {
		t.Fatal(err)
	}
	logtest.Import(t, grown, logtest.Simulated(30))
	empty := eventstore.NewMemory(time.Now)
	built := func(m *projections.Models) error {
		return replay.Build(t.Context(), one, m.Models, replay.Moment{Position: 7}, nil)
	}
	for name, c := range map[string]struct {
		before func(*projections.Models) error // nil: they follow one log
		then   eventstore.Store
		want   error
	}{
		"the same log":                      {nil, one, nil},
		"another log":                       {nil, other, replay.ErrOtherLog},
		"an older backup":                   {nil, restored, replay.ErrAhead},
		"an older backup that went on":      {nil, grown, replay.ErrReplaced},
		"no log":                            {nil, empty, replay.ErrAhead},
		"what shows a moment":               {built, one, replay.ErrBuilt},
		"what shows a moment of another":    {built, other, replay.ErrBuilt},
		"new ones, from a log that is none": {func(m *projections.Models) error { return replay.CatchUp(t.Context(), empty, m, nil) }, one, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := logtest.Models(t)
			if c.before == nil {
				c.before = func(m *projections.Models) error { return replay.CatchUp(t.Context(), one, m, nil) }
			}
			if err := c.before(m); err != nil {
				t.Fatal(err)
			}
			if err := replay.CatchUp(t.Context(), c.then, m, nil); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err := replay.RebuildModels(t.Context(), c.then, m, nil, "metrics"); !errors.Is(err, c.want) {
				t.Errorf("rebuilding one read model: got %v, want %v", err, c.want)
			}
			// Whoever rebuilds all of them means it.
			if err := replay.RebuildModels(t.Context(), c.then, m, nil); err != nil {
				t.Fatal(err)
			}
			want := logtest.Models(t)
			if err := replay.CatchUp(t.Context(), c.then, want, nil); err != nil {
				t.Fatal(err)
			}
			if sumOf(t, m) != sumOf(t, want) {
				t.Error("after a rebuild they are not that log's")
			}
			if err := replay.CatchUp(t.Context(), c.then, m, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// The state of a moment is built where nobody's live read models are.
func TestAMomentIsBuiltInAVacantPlace(t *testing.T) {
	t.Parallel()
	log, _ := logtest.New(t)
	logtest.Import(t, log, logtest.Simulated(10))
	m := logtest.Models(t)
	for range 2 {
		if err := replay.Vacant(t.Context(), m); err != nil {
			t.Fatalf("empty, or built before: %v", err)
		}
		if err := replay.Build(t.Context(), log, m.Models, replay.Moment{Position: 9}, nil); err != nil {
			t.Fatal(err)
		}
	}
	live := logtest.Models(t)
	if err := replay.CatchUp(t.Context(), log, live, nil); err != nil {
		t.Fatal(err)
	}
	if err := replay.Vacant(t.Context(), live); !errors.Is(err, replay.ErrLive) {
		t.Errorf("got %v, want ErrLive", err)
	}
}

// TestALogThatIsReplacedUnderThePump puts an older backup in its place, which goes on beyond where the read models are.
func TestALogThatIsReplacedUnderThePump(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := logtest.New(t)
		logtest.Import(t, log, logtest.Simulated(10))
		store := &replaceable{}
		store.now.Store(&holding{log})
		models := logtest.Models(t)
		ended := make(chan error, 1)
		go func() { ended <- replay.Pump(t.Context(), store, models, models.Apply, nil) }()
		time.Sleep(time.Minute)
		select {
		case err := <-ended:
			t.Fatalf("it ends while the log is its own: %v", err)
		default:
		}
		before := sumOf(t, models)
		older, _ := logtest.New(t)
		logtest.Import(t, older, logtest.Simulated(5))
		logtest.Import(t, older, func(yield func(ingest.Record, error) bool) {
			for r := range (ingest.Simulation{Seed: 4, Runs: 30}).Records() {
				if !yield(r, nil) {
					return
				}
			}
		})
		store.now.Store(&holding{older})
		if err := <-ended; !errors.Is(err, replay.ErrReplaced) {
			t.Errorf("got %v, want ErrReplaced", err)
		}
		if sumOf(t, models) != before {
			t.Error("the two histories were mixed")
		}
	})
}

// putBack is an engine that can be put back to what another one holds.
type putBack struct {
	readmodel.Engine
	to atomic.Pointer[readmodel.Engine]
}

func (p *putBack) at() readmodel.Engine {
	if to := p.to.Load(); to != nil {
		return *to
	}
	return p.Engine
}

func (p *putBack) Snapshot(ctx context.Context) (readmodel.Snapshot, error) {
	return p.at().Snapshot(ctx)
}
func (p *putBack) Update(ctx context.Context, f func(readmodel.Tx) error) error {
	return p.at().Update(ctx, f)
}
func (p *putBack) Loader(ctx context.Context, side readmodel.Side) readmodel.Scanner {
	return p.at().Loader(ctx, side)
}

// A database that holds the log and its read models is put back as a whole: they belong together, and whoever follows the log
// has seen more than there is. What is appended next would never come to it.
func TestALogThatIsPutBackWithItsReadModels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := logtest.New(t)
		logtest.Import(t, log, logtest.Simulated(10))
		store := &replaceable{}
		store.now.Store(&holding{log})
		engine := &putBack{Engine: readmodel.NewMemory()}
		models, err := projections.Open(t.Context(), engine, readmodel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		seen := new(replay.Seen)
		ended := make(chan error, 1)
		go func() { ended <- replay.Pump(t.Context(), store, models, models.Apply, seen) }()
		time.Sleep(time.Minute)

		older, _ := logtest.New(t)
		logtest.Import(t, older, logtest.Simulated(5))
		before := readmodel.Engine(readmodel.NewMemory())
		those, err := projections.Open(t.Context(), before, readmodel.Options{})
		if err == nil {
			err = replay.CatchUp(t.Context(), older, those, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		engine.to.Store(&before)
		store.now.Store(&holding{older})
		if err := <-ended; !errors.Is(err, replay.ErrReplaced) {
			t.Errorf("got %v, want ErrReplaced", err)
		}
		// So it is under the next lease: the one that it had went back too.
		if err := replay.Pump(t.Context(), store, models, models.Apply, seen); !errors.Is(err, replay.ErrReplaced) {
			t.Errorf("the next pump ended with %v", err)
		}
	})
}

// replaceable is a store whose log can be put in another one's place. Who has subscribed to it stays with what it had.
type replaceable struct{ now atomic.Pointer[holding] }

type holding struct{ eventstore.Store }

func (r *replaceable) Append(ctx context.Context, stream string, expected eventstore.Expected, batch []events.Envelope) (eventstore.Appended, error) {
	return r.now.Load().Append(ctx, stream, expected, batch)
}

func (r *replaceable) Submit(ctx context.Context, chain *eventstore.Chain, stream string, expected eventstore.Expected, batch []events.Envelope) func() (eventstore.Appended, error) {
	return r.now.Load().Submit(ctx, chain, stream, expected, batch)
}

func (r *replaceable) ReadStream(ctx context.Context, stream string, o eventstore.StreamOptions) iter.Seq2[events.Envelope, error] {
	return r.now.Load().ReadStream(ctx, stream, o)
}

func (r *replaceable) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return r.now.Load().ReadAll(ctx, o)
}

func (r *replaceable) Subscribe(ctx context.Context, after uint64) iter.Seq2[eventstore.Message, error] {
	return r.now.Load().Subscribe(ctx, after)
}

func (r *replaceable) Head(ctx context.Context) (uint64, error) { return r.now.Load().Head(ctx) }
func (r *replaceable) Close() error                             { return r.now.Load().Close() }

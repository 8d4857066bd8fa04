package audit_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/sqlite"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
)

func TestACopyHoldsTheSameHistory(t *testing.T) {
	t.Parallel()
	from, _ := logtest.New(t)
	to, _ := logtest.New(t)
	logtest.Import(t, from, logtest.Simulated(40))
	done, err := audit.Copy(t.Context(), from, to, nil)
	if err != nil || done.Events == 0 || done.Already != 0 || done.Digest == "" {
		t.Fatalf("got %+v, %v", done, err)
	}
	again, err := audit.Copy(t.Context(), from, to, nil)
	if err != nil || again.Events != 0 || again.Already != done.Events || again.Digest != done.Digest {
		t.Errorf("copying again: %+v, %v", again, err)
	}
	logtest.Import(t, from, logtest.Simulated(50))
	more, err := audit.Copy(t.Context(), from, to, nil)
	if err != nil || more.Events == 0 || more.Already != done.Events {
		t.Errorf("copying what came since: %+v, %v", more, err)
	}
	models, fresh := logtest.Models(t), logtest.Models(t)
	if found, err := audit.Verify(t.Context(), to, models, fresh, nil, nil); err != nil || !found.OK {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestACopyGoesOnWhereItWasCutOff(t *testing.T) {
	t.Parallel()
	from, _ := logtest.New(t)
	logtest.Import(t, from, logtest.Simulated(40))
	head, err := from.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for cut := uint64(1); cut < head; cut += 37 {
		to, _ := logtest.New(t)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := audit.Copy(ctx, from, to, func(position uint64) {
			if position >= cut {
				cancel()
			}
		})
		cancel()
		if err == nil {
			t.Fatalf("the copy was not cut off at %d", cut)
		}
		if done, err := audit.Copy(t.Context(), from, to, nil); err != nil || done.Already+done.Events != head {
			t.Errorf("cut off at %d: %+v, %v", cut, done, err)
		}
	}
}

func TestACopyRefusesATargetWithAnotherHistory(t *testing.T) {
	t.Parallel()
	from, _ := logtest.New(t)
	to, d := logtest.New(t)
	logtest.Import(t, from, logtest.Simulated(5))
	if _, err := d.Dispatch(t.Context(), logtest.OneRun("other")...); err != nil {
		t.Fatal(err)
	}
	if done, err := audit.Copy(t.Context(), from, to, nil); !errors.Is(err, audit.ErrOtherHistory) {
		t.Errorf("got %+v, %v", done, err)
	}
	// The last event is the source's, but one before it is not. Nothing is added to such a log.
	forged, _ := logtest.New(t)
	all := eventsOf(t, from)
	all = all[:len(all)/2]
	for i, e := range all {
		if i == 3 {
			e.Actor = "user:mallory"
		}
		if _, err := forged.Append(t.Context(), e.Stream, eventstore.Any, []events.Envelope{e}); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := audit.Copy(t.Context(), from, forged, nil); !errors.Is(err, audit.ErrOtherHistory) {
		t.Errorf("got %+v, %v", done, err)
	}
	if n := len(eventsOf(t, forged)); n != len(all) {
		t.Errorf("the target had %d events, and has %d", len(all), n)
	}
}

func eventsOf(t *testing.T, store eventstore.Store) (all []events.Envelope) {
	t.Helper()
	for e, err := range store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// failing is a store that tells of the first submission that failed.
type failing struct {
	eventstore.Store
	once   sync.Once
	failed func()
}

func (f *failing) Submit(ctx context.Context, chain *eventstore.Chain, stream string, e eventstore.Expected, batch []events.Envelope) func() (eventstore.Appended, error) {
	wait := f.Store.Submit(ctx, chain, stream, e, batch)
	return func() (eventstore.Appended, error) {
		a, err := wait()
		if err != nil {
			f.once.Do(f.failed)
		}
		return a, err
	}
}

// A copy is many appends ahead when one of them fails. None behind it is made, so that the next copy can go on.
func TestACopyGoesOnWhereItsTargetFailed(t *testing.T) {
	t.Parallel()
	const runs, facts = 1_500, 40
	from := eventstore.NewMemory(time.Now)
	for run := range runs {
		batch := make([]events.Envelope, facts)
		for i := range batch {
			batch[i] = events.Envelope{
				ID: events.NameID(time.Unix(0, 0), fmt.Sprint(run, "/", i)), Kind: "run.started", Version: 1, OccurredAt: time.Unix(0, 0), Data: []byte(`{}`),
			}
		}
		if _, err := from.Append(t.Context(), fmt.Sprint("run-", run), eventstore.NoStream, batch); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "to.db")
	config := sqlite.Config{BusyTimeout: 100 * time.Millisecond}
	to, err := sqlite.Open(t.Context(), path, config)
	if err != nil {
		t.Fatal(err)
	}
	// Another program's transaction keeps the file, and ends when the store has given up once.
	other, err := sqlite.OpenConn(t.Context(), path, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Begin(t.Context(), other, sqlite.Config{}); err != nil {
		t.Fatal(err)
	}
	target := &failing{Store: to, failed: func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}}
	if _, err := audit.Copy(t.Context(), from, target, nil); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if to, err = sqlite.Open(t.Context(), path, config); err != nil {
		t.Fatal(err)
	}
	if done, err := audit.Copy(t.Context(), from, to, nil); err != nil || done.Events+done.Already != runs*facts {
		t.Errorf("the next copy: %+v, %v", done, err)
	}
	if err := to.Close(); err != nil {
		t.Error(err)
	}
}

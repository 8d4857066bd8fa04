package audit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdb"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
)

// onDouble is an empty log at a double of EventStoreDB that takes as much at once as a server does by default.
func onDouble(t *testing.T) eventstore.Store {
	t.Helper()
	server, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	s, err := esdb.Open(t.Context(), server.URL(), esdb.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// weighing measures what a copy has submitted and not yet waited for.
type weighing struct {
	eventstore.Store
	held, most int
}

func (w *weighing) Submit(ctx context.Context, c *eventstore.Chain, stream string, x eventstore.Expected, b []events.Envelope) func() (eventstore.Appended, error) {
	n := 0
	for i := range b {
		n += len(b[i].Data) + len(b[i].Actor) + len(b[i].Correlation) + len(b[i].Workspace) + len(b[i].Kind)
	}
	w.held += n
	w.most = max(w.most, w.held)
	wait := w.Store.Submit(ctx, c, stream, x, b)
	return func() (eventstore.Appended, error) { w.held -= n; return wait() }
}

func TestACopyHoldsNoMoreThanItsWindow(t *testing.T) {
	t.Parallel()
	from, _ := logtest.New(t)
	plain, _ := logtest.New(t)
	to := &weighing{Store: plain}
	for i := range 16 { // distinct texts, so that none is interned
		batch := make([]events.Envelope, 1000)
		for j := range batch {
			u := uuid.NewString()
			batch[j] = events.Envelope{ID: uuid.New(), Kind: "k", Version: 1, OccurredAt: time.Unix(1, 0), Data: []byte("{}"),
				Actor: u + strings.Repeat("a", 980), Correlation: u + strings.Repeat("c", 980), Workspace: u + strings.Repeat("w", 980)}
		}
		x := eventstore.NoStream
		if i > 0 {
			x = eventstore.Any
		}
		if _, err := from.Append(t.Context(), "s", x, batch); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := audit.Copy(t.Context(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	if to.most > 40<<20 {
		t.Errorf("%d MiB of names and facts were under way, of a window of 32 MiB", to.most>>20)
	}
}

// One stream of small events with long (valid) actors: each fits, the copy's batch does not.
func TestACopyToEventStoreDBBoundsMetadataToo(t *testing.T) {
	t.Parallel()
	from, _ := logtest.New(t)
	to := onDouble(t)
	batch := make([]events.Envelope, 1000)
	for i := range batch {
		batch[i] = events.Envelope{ID: uuid.New(), Kind: "k", Version: 1, OccurredAt: time.Unix(1, 0), Actor: strings.Repeat("a", 1000),
			Correlation: strings.Repeat("c", 300), Data: []byte("{}")}
	}
	if _, err := from.Append(t.Context(), "s", eventstore.NoStream, batch); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Copy(t.Context(), from, to, nil); err != nil {
		t.Fatalf("copy of valid history into an empty store: %.400v", err)
	}
}

// One event larger than the server takes: the empty target is said to hold another history.
func TestACopyOfWhatIsTooLargeIsNotCalledAnotherHistory(t *testing.T) {
	t.Parallel()
	from, _ := logtest.New(t)
	to := onDouble(t)
	e := events.Envelope{ID: uuid.New(), Kind: "k", Version: 1, OccurredAt: time.Unix(1, 0), Data: []byte(`"` + strings.Repeat("x", 2<<20) + `"`)}
	if _, err := from.Append(t.Context(), "s", eventstore.NoStream, []events.Envelope{e}); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Copy(t.Context(), from, to, nil); !errors.Is(err, eventstore.ErrInvalid) || errors.Is(err, audit.ErrOtherHistory) {
		t.Errorf("got %.400v, want ErrInvalid", err)
	}
}

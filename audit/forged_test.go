package audit_test

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// forged is a log that someone has written anew.
type forged []events.Envelope

func (f forged) Append(context.Context, string, eventstore.Expected, []events.Envelope) (eventstore.Appended, error) {
	panic("verify appends nothing")
}

func (f forged) Submit(context.Context, *eventstore.Chain, string, eventstore.Expected, []events.Envelope) func() (eventstore.Appended, error) {
	panic("verify appends nothing")
}

func (f forged) Subscribe(context.Context, uint64) iter.Seq2[eventstore.Message, error] {
	panic("verify subscribes to nothing")
}

func (f forged) Close() error { return nil }

func (f forged) Head(context.Context) (uint64, error) {
	if len(f) == 0 {
		return 0, nil
	}
	return f[len(f)-1].Position, nil
}

func (f forged) ReadAll(_ context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		for _, e := range f {
			if e.Position > o.From && !yield(e, nil) {
				return
			}
		}
	}
}

func (f forged) ReadStream(_ context.Context, stream string, o eventstore.StreamOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		of := slices.DeleteFunc(slices.Clone(f), func(e events.Envelope) bool { return e.Stream != stream })
		slices.SortStableFunc(of, func(a, b events.Envelope) int { return int(a.Revision) - int(b.Revision) })
		if len(of) == 0 {
			yield(events.Envelope{}, eventstore.ErrNoStream)
		}
		if o.Direction == eventstore.Backwards {
			slices.Reverse(of)
		}
		for i, e := range of {
			if o.Limit > 0 && i == o.Limit || !(o.From != nil && e.Revision < *o.From) && !yield(e, nil) {
				return
			}
		}
	}
}

// prefix is the start of a log, to be sealed although more has come.
type prefix struct {
	eventstore.Store
	to uint64
}

func (p prefix) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		for e, err := range p.Store.ReadAll(ctx, o) {
			if e.Position > p.to || !yield(e, err) {
				return
			}
		}
	}
}

func everything(t *testing.T, store eventstore.Store) forged {
	t.Helper()
	var all forged
	for e, err := range store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// manner is how a log came to be sealed: while it grew, while it grew with other events between those that are sealed and
// their seal, or when all was there.
type manner string

const (
	inTurns  manner = "in turns"
	late     manner = "late"
	atTheEnd manner = "at the end"
)

// sealedLog is a log of some runs with four seals, and some events that are not sealed.
func sealedLog(t *testing.T, m manner) forged {
	t.Helper()
	store, d := logtest.New(t)
	seal := func(store eventstore.Store) {
		if _, err := audit.Seal(t.Context(), store, d.Dispatch, logtest.Clock, 1); err != nil {
			t.Fatal(err)
		}
	}
	switch m {
	case inTurns, late:
		for runs := range 4 {
			logtest.Import(t, store, logtest.Simulated(3*runs+3))
			head, err := store.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if m == late {
				head -= 3
			}
			seal(prefix{store, head})
		}
	case atTheEnd:
		logtest.Import(t, store, logtest.Simulated(12))
		for to := uint64(20); to <= 80; to += 20 {
			seal(prefix{store, to})
		}
	}
	logtest.Import(t, store, logtest.Simulated(13)) // what is not sealed yet
	return everything(t, store)
}

// seals are the indexes of a log's seals, and sealed how many events they vouch for.
func (f forged) seals(t interface{ Fatal(...any) }) (at []int, sealed int) {
	for i, e := range f {
		if e.Stream == commands.LedgerStream {
			at = append(at, i)
			fact, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			s := fact.(events.LogSealed)
			sealed = int(s.First + s.Count - 1)
		}
	}
	return at, sealed
}

// renumbered gives the events the positions of their places, as one who hides a change does.
func (f forged) renumbered() forged {
	out := slices.Clone(f)
	for i := range out {
		out[i].Position = uint64(i + 1)
	}
	return out
}

// verify holds a log against its seals, with read models that never saw it before.
func verify(t interface{ Fatal(...any) }, store eventstore.Store, noted []byte) audit.Verification {
	ctx := context.Background()
	open := func() *projections.Models {
		models, err := projections.Open(ctx, readmodel.NewMemory(), readmodel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return models
	}
	models, fresh := open(), open()
	defer func() { _, _ = models.Close(), fresh.Close() }()
	found, err := audit.Verify(ctx, store, models, fresh, noted, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// witnessed holds a log against its seals alone.
func witnessed(t interface{ Fatal(...any) }, store eventstore.Store) audit.Verification {
	found, err := audit.Witnessed(context.Background(), store)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// hooked is a log that shows other things to some of its readers.
type hooked struct {
	forged
	// until is what a read of the log shows before its head was asked for, and ledger what stands in the ledger.
	until  forged
	ledger func(yield func(events.Envelope, error) bool)
	asked  bool
}

func (h *hooked) Head(ctx context.Context) (uint64, error) {
	h.asked = true
	return h.forged.Head(ctx)
}

func (h *hooked) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	if h.until != nil && !h.asked {
		return h.until.ReadAll(ctx, o)
	}
	return h.forged.ReadAll(ctx, o)
}

func (h *hooked) ReadStream(ctx context.Context, stream string, o eventstore.StreamOptions) iter.Seq2[events.Envelope, error] {
	if h.ledger != nil && stream == commands.LedgerStream {
		return h.ledger
	}
	return h.forged.ReadStream(ctx, stream, o)
}

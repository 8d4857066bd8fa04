package orchestrator_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/readmodel"
)

func TestImportingAgainAddsNothing(t *testing.T) {
	t.Parallel()
	store, _ := newLog(t)
	first, problems := logtest.Import(t, store, logtest.Simulated(60))
	if first.Taken != 60 || first.Records != 60 || first.Events == 0 || len(problems) > 0 {
		t.Fatalf("got %+v, %v", first, problems)
	}
	again, problems := logtest.Import(t, store, logtest.Simulated(60))
	if again.Repeated != 60 || again.Events != 0 || len(problems) > 0 {
		t.Errorf("got %+v, %v", again, problems)
	}
	more, _ := logtest.Import(t, store, logtest.Simulated(70))
	if more.Repeated != 60 || more.Taken != 10 {
		t.Errorf("got %+v", more)
	}
}

func TestTheSameHistoryGivesTheSameLogAndReadModels(t *testing.T) {
	t.Parallel()
	digest := func() (readmodel.Digest, string) {
		store, _ := newLog(t)
		logtest.Import(t, store, logtest.Simulated(80))
		models := logtest.Models(t)
		found, err := audit.Verify(t.Context(), store, models, logtest.Models(t), nil, nil)
		if err != nil || !found.OK {
			t.Fatalf("%+v, %v", found, err)
		}
		d, err := models.Digest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d, found.Digest
	}
	models, log := digest()
	for range 3 {
		if m, l := digest(); m.SHA256 != models.SHA256 || l != log {
			t.Errorf("digests %s and %s differ from %s and %s", m.SHA256, l, models.SHA256, log)
		}
	}
}

func TestOtherContentUnderTheSameNameIsNamed(t *testing.T) {
	t.Parallel()
	store, _ := newLog(t)
	logtest.Import(t, store, logtest.Simulated(3))
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changed := func(yield func(ingest.Record, error) bool) {
		for r := range logtest.Simulated(3) {
			start := r.Run[0].(commands.StartRun)
			start.ID = events.DeriveID(start.ID, 99)
			r.Run, r.File, r.Line, r.Feedback = slices.Concat([]commands.Command{start}, r.Run[1:]), "again.jsonl", 7, nil
			if !yield(r, nil) {
				return
			}
		}
	}
	sum, problems := logtest.Import(t, store, changed)
	if sum.Skipped != 3 || sum.Taken != 0 || sum.Records != 3 || len(problems) != 3 || !strings.Contains(problems[0], "again.jsonl:7: record sim-") || !strings.Contains(problems[0], "other content") {
		t.Errorf("got %+v, %v", sum, problems)
	}
	if after, _ := store.Head(t.Context()); after != head {
		t.Errorf("the log grew from %d to %d", head, after)
	}
}

func TestAProblemLeavesOneRecordOut(t *testing.T) {
	t.Parallel()
	store, _ := newLog(t)
	records := func(yield func(ingest.Record, error) bool) {
		i := 0
		for r := range logtest.Simulated(3) {
			if i++; i == 2 {
				if !yield(ingest.Record{}, &ingest.Problem{File: "f", Line: 2, Reason: "broken"}) {
					return
				}
				continue
			}
			if !yield(r, nil) {
				return
			}
		}
	}
	sum, problems := logtest.Import(t, store, records)
	if sum.Taken != 2 || sum.Skipped != 1 || sum.Records != 3 || len(problems) != 1 {
		t.Errorf("got %+v, %v", sum, problems)
	}
}

// raced is a log to which another import of the same history appends every second batch first.
type raced struct {
	eventstore.Store
	calls, runs, events int
}

func (r *raced) Submit(ctx context.Context, chain *eventstore.Chain, stream string, expected eventstore.Expected, batch []events.Envelope) func() (eventstore.Appended, error) {
	if r.calls++; r.calls%2 == 0 {
		if _, err := r.Append(ctx, stream, expected, batch); err != nil {
			return func() (eventstore.Appended, error) { return eventstore.Appended{}, err }
		}
		r.events += len(batch)
		if strings.HasPrefix(stream, "run-") {
			r.runs++
		}
	}
	return r.Store.Submit(ctx, chain, stream, expected, batch)
}

func TestTwoImportsAtOnceCountWhatEachTook(t *testing.T) {
	t.Parallel()
	const size = 60
	for _, take := range []func(context.Context, *orchestrator.Dispatcher, iter.Seq2[ingest.Record, error], func(*ingest.Problem)) (orchestrator.Imported, error){
		orchestrator.Import, orchestrator.ImportUnordered,
	} {
		store, _ := newLog(t)
		both := &raced{Store: store}
		sum, err := take(t.Context(), orchestrator.NewDispatcher(both, aggregates.All(aggregates.Everywhere(aggregates.Policy{}))), func(yield func(ingest.Record, error) bool) {
			for r := range logtest.Simulated(size) {
				if !yield(r, nil) {
					return
				}
			}
		}, func(p *ingest.Problem) { t.Error(p) })
		if err != nil {
			t.Fatal(err)
		}
		head, err := store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if both.runs == 0 || sum.Repeated != both.runs || sum.Taken != size-both.runs || sum.Events != int(head)-both.events { //nolint:gosec // a few
			t.Errorf("the other took %d runs and %d of %d events, this one says %+v", both.runs, both.events, head, sum)
		}
	}
}

func TestAnImportThatCannotGoOnKeepsWhatItTook(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	broken := errors.New("the rest is unreadable")
	records := func(yield func(ingest.Record, error) bool) {
		for r := range logtest.Simulated(5) {
			if !yield(r, nil) {
				return
			}
		}
		yield(ingest.Record{}, broken)
	}
	sum, err := orchestrator.Import(context.Background(), d, records, func(*ingest.Problem) {})
	if !errors.Is(err, broken) || sum.Taken != 5 {
		t.Errorf("got %+v, %v", sum, err)
	}
	if again, _ := logtest.Import(t, store, logtest.Simulated(5)); again.Repeated != 5 {
		t.Errorf("got %+v", again)
	}
}

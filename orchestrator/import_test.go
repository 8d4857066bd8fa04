package orchestrator_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// simulated is a small history, each record with an error of nil.
func simulated(runs int) iter.Seq2[ingest.Record, error] {
	return func(yield func(ingest.Record, error) bool) {
		for r := range (ingest.Simulation{Seed: 3, Runs: runs}).Records() {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func importInto(t *testing.T, store eventstore.Store, records iter.Seq2[ingest.Record, error]) (orchestrator.Imported, []string) {
	t.Helper()
	var problems []string
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Policy{}))
	sum, err := orchestrator.Import(t.Context(), d, records, func(p *ingest.Problem) { problems = append(problems, p.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	return sum, problems
}

func openModels(t *testing.T) *projections.Models {
	t.Helper()
	models, err := projections.Open(t.Context(), projections.NewMemory(), projections.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = models.Close() })
	return models
}

func TestImportingAgainAddsNothing(t *testing.T) {
	t.Parallel()
	store, _ := newLog(t)
	first, problems := importInto(t, store, simulated(60))
	if first.Taken != 60 || first.Records != 60 || first.Events == 0 || len(problems) > 0 {
		t.Fatalf("got %+v, %v", first, problems)
	}
	again, problems := importInto(t, store, simulated(60))
	if again.Repeated != 60 || again.Events != 0 || len(problems) > 0 {
		t.Errorf("got %+v, %v", again, problems)
	}
	more, _ := importInto(t, store, simulated(70))
	if more.Repeated != 60 || more.Taken != 10 {
		t.Errorf("got %+v", more)
	}
}

func TestTheSameHistoryGivesTheSameLogAndReadModels(t *testing.T) {
	t.Parallel()
	digest := func() (projections.Digest, string) {
		store, _ := newLog(t)
		importInto(t, store, simulated(80))
		models := openModels(t)
		found, err := orchestrator.Verify(t.Context(), store, models, openModels(t), nil, nil)
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
	importInto(t, store, simulated(3))
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changed := func(yield func(ingest.Record, error) bool) {
		for r := range simulated(3) {
			start := r.Run[0].(commands.StartRun)
			start.ID = events.DeriveID(start.ID, 99)
			r.Run, r.File, r.Line, r.Feedback = slices.Concat([]commands.Command{start}, r.Run[1:]), "again.jsonl", 7, nil
			if !yield(r, nil) {
				return
			}
		}
	}
	sum, problems := importInto(t, store, changed)
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
		for r := range simulated(3) {
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
	sum, problems := importInto(t, store, records)
	if sum.Taken != 2 || sum.Skipped != 1 || sum.Records != 3 || len(problems) != 1 {
		t.Errorf("got %+v, %v", sum, problems)
	}
}

func TestAnImportThatCannotGoOnKeepsWhatItTook(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	broken := errors.New("the rest is unreadable")
	records := func(yield func(ingest.Record, error) bool) {
		for r := range simulated(5) {
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
	if again, _ := importInto(t, store, simulated(5)); again.Repeated != 5 {
		t.Errorf("got %+v", again)
	}
}

// tampered is a log of which someone changed what is read.
type tampered struct {
	eventstore.Store
	change func([]events.Envelope) []events.Envelope
}

func (s tampered) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		var all []events.Envelope
		for e, err := range s.Store.ReadAll(ctx, o) {
			if err != nil {
				yield(e, err)
				return
			}
			all = append(all, e)
		}
		if o.From == 0 && o.Limit == 0 { // a read of the tail, or of the first one, finds nothing to change
			all = s.change(all)
		}
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func([]events.Envelope) []events.Envelope
		says   string
	}{
		"removed": {func(all []events.Envelope) []events.Envelope { return slices.Delete(all, 5, 6) }, "has revision"},
		"swapped": {func(all []events.Envelope) []events.Envelope {
			all[5], all[6] = all[6], all[5]
			return all
		}, "comes after position"},
		"doubled": {func(all []events.Envelope) []events.Envelope {
			all[6].ID = all[5].ID
			return all
		}, "stands at positions 6 and 7"},
		"changed": {func(all []events.Envelope) []events.Envelope {
			all[0].Data = []byte(strings.Replace(string(all[0].Data), `"workflow":"`, `"workflow":"x`, 1))
			return all
		}, "is not what a rebuild gives"},
		"unreadable": {func(all []events.Envelope) []events.Envelope {
			all[5].Kind = "run.teleported"
			return all
		}, "unknown event kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := newLog(t)
			importInto(t, store, simulated(10))
			models := openModels(t)
			if err := orchestrator.CatchUp(t.Context(), store, models, nil); err != nil {
				t.Fatal(err)
			}
			found, err := orchestrator.Verify(t.Context(), tampered{store, c.change}, models, openModels(t), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(found.Problems, "\n")
			if found.OK || !strings.Contains(said, c.says) {
				t.Errorf("got %+v, want a problem that says %q", found, c.says)
			}
			// A replay makes the read models as wrong as the log: it is no way out where the log is.
			if heals := strings.Contains(said, "gives: run `virtuous6 replay`"); heals && (name == "removed" || name == "swapped" || name == "doubled") {
				t.Errorf("it is advised to replay:\n%s", said)
			}
		})
	}
}

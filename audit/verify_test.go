package audit_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/replay"
)

// A fact that can't be read is named, whether a fold looks at it or not.
func TestVerifyReadsEveryFact(t *testing.T) {
	t.Parallel()
	const started, called = `{"run":"r","workflow":"w"}`, `{"model":"m"}`
	for name, c := range map[string]struct {
		facts    [][2]string
		problems []string
	}{
		"all can be read": {[][2]string{{"run.started", started}, {"run.llm_called", called}}, nil},
		"a start": {
			[][2]string{{"run.started", `{"run":7}`}},
			[]string{`stream run-r can't be read from position 1 on: decode run.started version 1: `},
		},
		"a conversation": {
			[][2]string{{"run.started", started}, {"run.llm_called", `{"model":7}`}},
			[]string{`a fact can't be read: run.llm_called at position 2 (stream run-r, revision 1): decode run.llm_called version 1: `},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := eventstore.NewMemory(time.Now)
			var batch []events.Envelope
			for _, f := range c.facts {
				batch = append(batch, events.Envelope{ID: orchestrator.NewID(), Kind: f[0], Version: 1, Data: []byte(f[1]), OccurredAt: time.Now(), Actor: "user:anna"})
			}
			if _, err := store.Append(t.Context(), "run-r", eventstore.NoStream, batch); err != nil {
				t.Fatal(err)
			}
			found := verify(t, store, nil)
			if len(found.Problems) != len(c.problems) || found.OK != (len(c.problems) == 0) {
				t.Fatalf("got %t, %q, want %q", found.OK, found.Problems, c.problems)
			}
			for i, want := range c.problems {
				if !strings.HasPrefix(found.Problems[i], want) {
					t.Errorf("got  %s\nwant %s", found.Problems[i], want)
				}
			}
		})
	}
}

// countedLog is a log in a store whose positions count.
type countedLog struct{ forged }

func (countedLog) Counted() {}

// Where positions count the events, one that is missing was removed, whether a seal vouches for it or not.
func TestVerifyNamesAMissingPosition(t *testing.T) {
	t.Parallel()
	store, _ := logtest.New(t)
	logtest.Import(t, store, logtest.Simulated(4))
	var log forged
	for e, err := range store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, e)
	}
	if found := verify(t, countedLog{log}, nil); !found.OK {
		t.Errorf("a whole log: %q", found.Problems)
	}
	for _, at := range []int{0, 4, len(log) - 2} {
		found := verify(t, countedLog{slices.Delete(slices.Clone(log), at, at+1)}, nil)
		if want := fmt.Sprintf("position %d is missing: what stood there was removed", at+1); !slices.Contains(found.Problems, want) {
			t.Errorf("got %q, want %q", found.Problems, want)
		}
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
			store, _ := logtest.New(t)
			logtest.Import(t, store, logtest.Simulated(10))
			models := logtest.Models(t)
			if err := replay.CatchUp(t.Context(), store, models, nil); err != nil {
				t.Fatal(err)
			}
			found, err := audit.Verify(t.Context(), tampered{store, c.change}, models, logtest.Models(t), nil, nil)
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

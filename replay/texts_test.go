package replay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

func TestTextsAreWhole(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("naïve ", 100)
	for name, c := range map[string]struct{ prompt, answer string }{
		"short":         {"why?", "because"},
		"long":          {long, "again: " + long},
		"long question": {long, "no"},
		"long answer":   {"more", long},
		"cut in a rune": {strings.Repeat("€", 200), strings.Repeat("x", projections.TextBytes-1) + "€"},
		"just so":       {strings.Repeat("x", projections.TextBytes), strings.Repeat("x", projections.TextBytes+1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, models := endedIn(t, c.prompt, events.RunFinished{Outcome: events.Succeeded, Answer: c.answer})
			row, _, err := models.Run(t.Context(), "r")
			if err != nil {
				t.Fatal(err)
			}
			for whole, kept := range map[string]string{c.prompt: row.Prompt, c.answer: row.Answer} {
				if len(kept) > projections.TextBytes || !strings.HasPrefix(whole, kept) || strings.ToValidUTF8(kept, "") != kept {
					t.Errorf("the row holds %q of %q", kept, whole)
				}
			}
			open := row
			open.Answer = ""
			if err := replay.Texts(t.Context(), store, &row); err != nil || row.Prompt != c.prompt || row.Answer != c.answer {
				t.Errorf("got %q, %q (%v)", row.Prompt, row.Answer, err)
			}
			if err := replay.Texts(t.Context(), store, &open); err != nil || open.Answer != "" {
				t.Errorf("a run that was not answered yet has the answer %q (%v)", open.Answer, err)
			}
		})
	}
}

// endedIn is a run that ended so, in a log and in read models.
func endedIn(t *testing.T, prompt string, end events.Event) (eventstore.Store, *projections.Models) {
	t.Helper()
	store := eventstore.NewMemory(time.Now)
	var batch []events.Envelope
	for _, e := range []events.Event{events.RunStarted{Run: "r", Workflow: "w", Prompt: prompt}, end} {
		kind, version, data, err := events.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, events.Envelope{ID: orchestrator.NewID(), Kind: kind, Version: version, Data: data, OccurredAt: time.Now(), Actor: "user:anna"})
	}
	if _, err := store.Append(t.Context(), "run-r", eventstore.NoStream, batch); err != nil {
		t.Fatal(err)
	}
	models, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := replay.CatchUp(t.Context(), store, models, nil); err != nil {
		t.Fatal(err)
	}
	return store, models
}

func TestErrorsAreWhole(t *testing.T) {
	t.Parallel()
	text := "Traceback: " + strings.Repeat("naïve ", 10_000) + "KeyError"
	for name, end := range map[string]events.Event{"failed": events.RunFailed{Error: text}, "cancelled": events.RunCancelled{Reason: text}} {
		store, models := endedIn(t, "why?", end)
		row, _, err := models.Run(t.Context(), "r")
		if err != nil {
			t.Fatal(err)
		}
		if !projections.Excerpted(row.Error) || len(row.Error) > projections.ExcerptBytes+100 || !strings.HasPrefix(row.Error, "Traceback: ") || !strings.HasSuffix(row.Error, "KeyError") {
			t.Errorf("%s: the row holds %d bytes of %d", name, len(row.Error), len(text))
		}
		if err := replay.Texts(t.Context(), store, &row); err != nil || row.Error != text {
			t.Errorf("%s: got %d bytes of %d (%v)", name, len(row.Error), len(text), err)
		}
	}
}

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
			store := eventstore.NewMemory(time.Now)
			var batch []events.Envelope
			for _, e := range []events.Event{
				events.RunStarted{Run: "r", Workflow: "w", Prompt: c.prompt}, events.RunFinished{Outcome: events.Succeeded, Answer: c.answer},
			} {
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

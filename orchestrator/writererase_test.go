package orchestrator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/veil"
)

// What a writer was shown is forgotten with whose words it holds, in the log and in the read models; what it wrote of its own stays, and who is left is
// what it is shown next.
func TestWhatAWriterWasShownIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(t, 1_000_000_000, func(string) string { return lookItUp })
		keys := &veil.Memory{}
		covered := veil.New(h.store, veil.Config{Keys: keys, Who: veil.Everyone})
		bare := h.store
		h.store = covered
		decide := func() {
			d := orchestrator.NewDispatcher(covered, aggregates.All(func(string) aggregates.Policy { return h.policy }))
			h.dispatch, h.agents = d.Dispatch, d
		}
		decide()
		defer h.close(t)
		stop := h.serve(t)
		h.failsFor(t, "user:anna", 6, "Where is the lighthouse keeper?")
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		stop()
		if len(s.asked) != 1 || !strings.Contains(s.asked[0], "lighthouse keeper") || len(h.answered(t)) != 1 || h.answered(t)[0].Candidates != 1 {
			t.Fatalf("asked %q, answered %+v", s.asked, h.answered(t))
		}
		anna, err := keys.Named(t.Context(), "anna")
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Erase(t.Context(), anna.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		covered.Forget()
		if err := replay.RebuildModels(t.Context(), h.store, h.models, func(uint64) {}); err != nil {
			t.Fatal(err)
		}
		writers := 0
		for _, e := range h.facts(t) {
			if strings.Contains(string(e.Data), "lighthouse") {
				t.Errorf("%s still says %s", e.Stream, e.Data)
			}
			if e.Kind == "run.started" && strings.HasPrefix(e.Stream, "run-writer-") && strings.Contains(string(e.Data), events.Erased) {
				writers++
			}
		}
		h.store = bare
		for _, e := range h.facts(t) {
			if strings.Contains(string(e.Data), "lighthouse") {
				t.Errorf("%s is not encrypted: %s", e.Stream, e.Data)
			}
		}
		h.store = covered
		for row, err := range h.models.Runs(t.Context(), projections.RunFilter{}) {
			if err != nil || strings.Contains(row.Prompt+row.Answer+row.Error, "lighthouse") {
				t.Errorf("%+v, %v", row, err)
			}
		}
		if writers != 1 {
			t.Errorf("%d questions of a writer are erased", writers)
		}
		// Its words are its own.
		list, err := h.models.Improvements(t.Context(), "")
		if err != nil || len(list) != 1 || list[0].Change.Config.Prompt != "Look it up." {
			t.Errorf("%+v, %v", list, err)
		}
		decide()
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.RejectImprovement{Meta: m, Improvement: list[0].Improvement, By: "user:cleo"}
		})
		stop = h.serve(t)
		h.failsFor(t, "user:bert", 7, "Where is the harbour master?")
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		stop()
		if len(s.asked) != 2 || !strings.Contains(s.asked[1], "harbour master") || strings.Contains(s.asked[1], events.Erased) {
			t.Errorf("it is asked %q", s.asked)
		}
	})
}

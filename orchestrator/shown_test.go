package orchestrator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/veil"
)

// What people called good becomes examples: proposed with whose words they hold, shown to the agent once a person approves, by reference. With a
// person who is forgotten their example is gone.
func TestAgentsAreShownWhatTheyDidWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model, keys := newHouse(t), &listening{}, &veil.Memory{}
		covered := veil.New(h.store, veil.Config{Keys: keys, Who: veil.Everyone})
		h.store = covered
		d := orchestrator.NewDispatcher(covered, aggregates.All(func(string) aggregates.Policy { return h.policy }))
		h.dispatch, h.agents = d.Dispatch, d
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) {
			c.Runner.Model = model
			c.Analysts = slices.DeleteFunc(analysts.All(), func(r analysts.Runner) bool { return r.Name != "feedback" })
		}
		h.spawn(t, "clerk", events.AgentConfig{Prompt: "Be kind."})
		stop := h.serve(t)
		people := []string{"user:anna", "user:bert", "user:cleo"}
		for i := range 24 {
			run := fmt.Sprint("r", i)
			h.says(t, people[i%3], run, run, fmt.Sprintf("harbour%d crane%d berth%d pilot%d", i, i, i, i))
			h.wish(t, func(m commands.Meta) commands.Command {
				verdict := events.Succeeded
				if i < 4 {
					verdict = events.Failed
				}
				return commands.GiveVerdict{Meta: m, Run: run, Verdict: verdict, From: events.ByPerson, By: people[(i+1)%3]}
			})
		}
		// What one person does not like is no example, whatever another one says of it.
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.GiveFeedback{Meta: m, Feedback: "f", Run: "r4", User: "dan", Name: events.Satisfaction, Score: new(float64)}
		})
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		list, err := h.models.Improvements(t.Context(), projections.Proposed)
		if err != nil || len(list) != 1 || list[0].Change.Kind != events.ChangeExamples || len(list[0].Change.Config.Examples) != 4 {
			t.Fatalf("proposed: %+v, %v", list, err)
		}
		if first := list[0].Change.Config.Examples[0]; first != (events.Example{Run: "r5", Requester: "user:cleo"}) {
			t.Errorf("the first is %+v", first)
		}
		if made, err := h.improvements().Approve(t.Context(), approval(list[0].Improvement)); err != nil || !made.Done {
			t.Fatalf("%+v, %v", made, err)
		}
		told := func(run string) []string {
			t.Helper()
			h.says(t, "user:dan", run, run, "And now?")
			return model.told[len(model.told)-1]
		}
		said := told("s1")
		if len(said) != 11 || !strings.Contains(said[0], "Be kind.") || !strings.Contains(said[1], "4 questions") || !strings.Contains(said[2], "harbour5 ") || !strings.Contains(said[10], "And now?") {
			t.Errorf("it is told %q", said)
		}
		for e, err := range h.store.ReadStream(t.Context(), "run-s1", eventstore.StreamOptions{}) {
			if err != nil || strings.Contains(string(e.Data), "harbour") {
				t.Errorf("an example is copied: %s, %v", e.Data, err)
			}
		}
		// What a person calls bad by now is shown no longer, at once, and is proposed to be taken out.
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.GiveVerdict{Meta: m, Run: "r6", Verdict: events.Failed, From: events.ByPerson, By: "user:cleo"}
		})
		if said := told("s0"); len(said) != 9 || !strings.Contains(said[1], "3 questions") || strings.Contains(strings.Join(said, "\n"), "harbour6 ") {
			t.Errorf("with one that is called bad it is told %q", said)
		}
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		list, err = h.models.Improvements(t.Context(), projections.Proposed)
		if err != nil || len(list) != 1 || list[0].Change.Kind != events.ChangeExamples || len(list[0].Change.Config.Examples) != 3 || list[0].Change.Config.Examples[1].Run != "r7" {
			t.Fatalf("proposed: %+v, %v", list, err)
		}
		if made, err := h.improvements().Approve(t.Context(), approval(list[0].Improvement)); err != nil || !made.Done {
			t.Fatalf("%+v, %v", made, err)
		}
		synctest.Wait()
		if rows, err := h.models.Agents(t.Context()); err != nil || strings.Contains(fmt.Sprint(rows), "r6") {
			t.Errorf("%+v, %v", rows, err)
		}
		stop()
		bert, err := keys.Named(t.Context(), "bert")
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Erase(t.Context(), bert.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		covered.Forget()
		if err := replay.RebuildModels(t.Context(), h.store, h.models, func(uint64) {}); err != nil {
			t.Fatal(err)
		}
		d = orchestrator.NewDispatcher(covered, aggregates.All(func(string) aggregates.Policy { return h.policy }))
		h.dispatch, h.agents = d.Dispatch, d
		stop = h.serve(t)
		said = told("s2")
		stop()
		if all := strings.Join(said, "\n"); strings.Contains(all, "harbour7 ") || !strings.Contains(all, "harbour5 ") || strings.Contains(all, events.Erased) {
			t.Errorf("after the erasure it is told %q", said)
		}
		rows, err := h.models.Agents(t.Context())
		if err != nil || strings.Contains(fmt.Sprint(rows), "bert") {
			t.Errorf("%+v, %v", rows, err)
		}
	})
}

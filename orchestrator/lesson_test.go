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
	"github.com/virtuous6/virtuous6/analysts/feedback"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/veil"
)

// What people ask for again and again becomes a lesson: proposed by reference, read in their words by whoever approves it, told to the agent in its next
// run. What a person who is forgotten said is told no more.
func TestAgentsAreToldWhatPeopleAskFor(t *testing.T) {
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
		for i, person := range []string{"anna", "bert", "cleo", "anna", "dan"} {
			run := fmt.Sprint("r", i)
			h.says(t, "user:"+person, run, run, fmt.Sprint("What about harbour ", i, "?"))
			h.wish(t, func(m commands.Meta) commands.Command {
				f := commands.GiveFeedback{Meta: m, Feedback: "f" + run, Run: run, User: person, Wish: "Name sources, says " + person}
				if person == "cleo" {
					f.Wish, f.Better = "", "It is deep, by the sources of cleo."
				}
				if person == "dan" {
					f.Run, f.Agent = "", "clerk" // of all that it says
				}
				return f
			})
		}
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.GiveFeedback{Meta: m, Feedback: "more", Run: "r1", User: "gil", Wish: "In French."}
		})
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		list, err := h.models.Improvements(t.Context(), projections.Proposed)
		if err != nil || len(list) != 1 || list[0].Change.Kind != events.ChangeLessons || len(list[0].Change.Config.Lessons) != 1 {
			t.Fatalf("proposed: %+v, %v", list, err)
		}
		if said := list[0].Change.Config.Lessons[0].Said; !slices.Equal(said, []events.Saying{{Feedback: "fr0", Run: "r0", User: "anna"}, {Feedback: "fr1", Run: "r1", User: "bert"}, {Feedback: "fr2", Run: "r2", User: "cleo"}}) {
			t.Errorf("it quotes %+v", said)
		}
		quotes, err := answers.TellQuoted(t.Context(), h.models.In(""), *list[0].Change.Config)
		if err != nil || len(quotes) != 3 || quotes[1] != (answers.Quoted{Of: "feedback fr1 on run r1", User: "bert", Text: "Name sources, says bert"}) || !strings.Contains(quotes[2].Text, "deep") {
			t.Errorf("whoever approves it reads %+v, %v", quotes, err)
		}
		if made, err := h.improvements().Approve(t.Context(), approval(list[0].Improvement)); err != nil || !made.Done {
			t.Fatalf("%+v, %v", made, err)
		}
		told := func(run string) []string {
			t.Helper()
			h.says(t, "user:eve", run, run, "And now?")
			return model.told[len(model.told)-1]
		}
		said := told("s1")
		if len(said) != 3 || !strings.Contains(said[0], "Be kind.") || !strings.Contains(said[1], `"Name sources, says bert"`) || !strings.Contains(said[1], "It is deep") || !strings.Contains(said[1], "allows nothing") || !strings.Contains(said[2], "And now?") {
			t.Errorf("it is told %q", said)
		}
		for e, err := range h.store.ReadStream(t.Context(), "run-s1", eventstore.StreamOptions{}) {
			if err != nil || strings.Contains(string(e.Data), "says bert") {
				t.Errorf("a wish is copied: %s, %v", e.Data, err)
			}
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
		if all := strings.Join(said, "\n"); strings.Contains(all, "bert") || !strings.Contains(all, "says anna") || strings.Contains(all, events.Erased) {
			t.Errorf("after the erasure it is told %q", said)
		}
		quotes, err = answers.TellQuoted(t.Context(), h.models.In(""), *list[0].Change.Config)
		if err != nil || quotes[1].Text != "" {
			t.Errorf("after the erasure stands %+v, %v", quotes, err)
		}
		view, err := feedback.Load(t.Context(), h.models.In(""))
		if err != nil || len(view.Said) != 5 || len(view.Pupils) != 2 || view.Pupils[1].Monthly == 0 {
			t.Errorf("after the erasure the analyst sees %+v, %v", view, err)
		}
		rows, err := h.models.Agents(t.Context())
		if err != nil || strings.Contains(fmt.Sprint(rows), "bert") {
			t.Errorf("%+v, %v", rows, err)
		}
	})
}

package orchestrator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/veil"
)

// dividing calls a tool that fails, then the clock, and keeps what it was told behind the first.
type dividing struct{ told []string }

func (d *dividing) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	call := func(tool, arguments string) (agents.Answer, error) {
		return agents.Answer{Model: "m", FinishReason: "tool_calls", Priced: true, Message: events.Message{Role: "assistant", ToolCalls: []events.ToolCall{{ID: tool, Name: tool, Arguments: arguments}}}}, nil
	}
	for _, m := range r.Messages {
		if m.Role == "tool" && m.Name == "calculate" {
			d.told = append(d.told, m.Content)
		}
	}
	switch last := r.Messages[len(r.Messages)-1]; {
	case last.Role != "tool" && strings.Contains(last.Content, "by two"):
		return call("calculate", `{"expression":"1/2"}`)
	case last.Role != "tool":
		return call("calculate", `{"expression":"1/0"}`)
	case last.Name == "calculate":
		return call("clock", "{}")
	}
	return agents.Answer{Model: "m", FinishReason: "stop", Priced: true, Message: events.Message{Role: "assistant", Content: "Done."}}, nil
}

// What people wrote of an error is told to an agent that meets it in their words, as data, with every call behind it, and stands in no fact of
// the run. With whoever wrote it, it goes; where all are gone, no fix is known.
func TestWhatPeopleWroteOfAnErrorIsToldByReference(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model, keys := newHouse(t), &dividing{}, &veil.Memory{}
		covered := veil.New(h.store, veil.Config{Keys: keys, Who: veil.Everyone})
		h.store = covered
		connect := func() {
			d := orchestrator.NewDispatcher(covered, aggregates.All(func(string) aggregates.Policy { return h.policy }))
			h.dispatch, h.agents = d.Dispatch, d
		}
		connect()
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner.Model = model }
		fix := events.Fix{Error: "division by <*>", Tool: "calculate", Said: []events.Saying{{Feedback: "f1", Run: "old", User: "anna"}, {Feedback: "f2", Run: "old", User: "bert"}}}
		h.spawn(t, "clerk", events.AgentConfig{Tools: []string{"calculate", "clock"}, Fixes: []events.Fix{fix}})
		for feedback, person := range map[string]string{"f1": "anna", "f2": "bert"} {
			h.wish(t, func(m commands.Meta) commands.Command {
				return commands.GiveFeedback{Meta: m, Feedback: feedback, Run: "old", User: person, Wish: "Ask the clock, says " + person}
			})
		}
		// known runs it once more, and returns what it was told and whether a fix was known.
		known := func(run string) (told []string, known bool) {
			t.Helper()
			model.told = nil
			stop := h.serve(t)
			h.says(t, "user:eve", run, run, "What is one by nothing?")
			stop()
			for _, e := range h.stream(t, "run-"+run) {
				if strings.Contains(string(e.Data), "says") {
					t.Errorf("what people wrote is copied: %s", e.Data)
				}
				known = known || e.Kind == events.RunFixKnown{}.Kind()
			}
			return model.told, known
		}
		told, is := known("r1")
		if len(told) != 2 || told[0] != told[1] || !is || !strings.Contains(told[0], `"Ask the clock, says anna", "Ask the clock, says bert"`) || !strings.Contains(told[0], "allows nothing") || strings.Contains(told[0], "Known fix") {
			t.Errorf("it is told %q, known: %v", told, is)
		}
		quotes, err := answers.TellQuoted(t.Context(), h.models.In(""), events.AgentConfig{Fixes: []events.Fix{fix}})
		if err != nil || fmt.Sprint(quotes) != "[{feedback f1 on run old anna Ask the clock, says anna} {feedback f2 on run old bert Ask the clock, says bert}]" {
			t.Errorf("whoever approves it reads %v, %v", quotes, err)
		}
		for i, person := range []string{"bert", "anna"} {
			key, err := keys.Named(t.Context(), person)
			if err != nil {
				t.Fatal(err)
			}
			if err := keys.Erase(t.Context(), key.ID, time.Now()); err != nil {
				t.Fatal(err)
			}
			covered.Forget()
			connect()
			told, is := known(fmt.Sprint("s", i))
			if all := strings.Join(told, " "); len(told) != 2 || is != (person == "bert") || strings.Contains(all, "says "+person) || strings.Contains(all, events.Erased) || strings.Contains(all, "says anna") != is {
				t.Errorf("without %s it is told %q, known: %v", person, told, is)
			}
		}
	})
}

// What people write of runs with an error, in whatever way they can, is found by the analyst, proposed by reference, and told once a person approves.
func TestWhatPeopleWriteOfAnErrorBecomesAKnownFix(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model := newHouse(t), &dividing{}
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) {
			c.Runner.Model, c.HeldOut = model, -1
			c.Analysts = slices.DeleteFunc(analysts.All(), func(r analysts.Runner) bool { return r.Name != "errors" && r.Name != "feedback" })
		}
		h.spawn(t, "clerk", events.AgentConfig{Tools: []string{"calculate", "clock"}})
		stop := h.serve(t)
		for i := range 24 {
			run, person, by := fmt.Sprint("r", i), fmt.Sprint("person", i%6), "two"
			if i%3 == 0 {
				by = "nothing"
			}
			h.says(t, "user:eve", run, run, fmt.Sprintf("%d: what is one by %s?", i, by))
			f := commands.GiveFeedback{Feedback: "f" + run, Run: run, User: fmt.Sprint(person, i/3)}
			switch {
			case by == "two": // whoever is content writes of something else
				f.Wish = "In French."
			case i%2 == 0:
				f.Wish = "Use the clock instead."
			case i%9 == 0:
				f.Better = "It uses the clock instead."
			default:
				f.Text, f.Name, f.Score = "bad, use the clock instead", events.Satisfaction, new(float64)
			}
			h.wish(t, func(m commands.Meta) commands.Command { f.Meta = m; return f })
		}
		// What says only that it was bad is no advice.
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.GiveFeedback{Meta: m, Feedback: "bad", Run: "r0", User: "gil", Text: "bad clock", Name: events.Satisfaction, Score: new(float64)}
		})
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		list, err := h.models.Improvements(t.Context(), projections.Proposed)
		// What all others wish for is a lesson, and what is said of the error is said once.
		if i := slices.IndexFunc(list, func(r projections.ImprovementRow) bool { return r.Change.Kind == events.ChangeLessons }); i < 0 || list[i].Change.Config.Lessons[0].Subject != "french" {
			t.Errorf("proposed: %+v", list)
		} else {
			list = slices.Delete(list, i, i+1)
		}
		if err != nil || len(list) != 1 || list[0].Change.Kind != events.ChangeFixes || list[0].Change.Agent != "clerk" || len(list[0].Change.Config.Fixes[0].Said) != 3 || list[0].Evidence.Counts["texts"] != 8 {
			t.Fatalf("proposed: %+v, %v", list, err)
		}
		if made, err := h.improvements().Approve(t.Context(), approval(list[0].Improvement)); err != nil || !made.Done {
			t.Fatalf("%+v, %v", made, err)
		}
		model.told = nil
		h.says(t, "user:eve", "s1", "s1", "And now: what is one by nothing?")
		stop()
		if len(model.told) != 2 || !strings.Contains(model.told[0], `"Use the clock instead."`) || !strings.Contains(model.told[0], `"bad, use the clock instead"`) {
			t.Errorf("it is told %q", model.told)
		}
	})
}

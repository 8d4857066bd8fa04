package orchestrator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
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

// echoing does as stuck does, with an error that holds what it was asked about, and finds words for what was found.
type echoing struct{}

func (echoing) Chat(ctx context.Context, r agents.Request, said func(string)) (agents.Answer, error) {
	last := r.Messages[len(r.Messages)-1]
	priced := func(a agents.Answer) agents.Answer {
		a.Model, a.Priced, a.UsageKnown, a.InputTokens, a.OutputTokens = r.Model, true, true, 10, 10
		return a
	}
	switch {
	case len(r.Schema) > 0:
		return priced(agents.Answer{FinishReason: "stop", Message: events.Message{Role: "assistant", Content: `{"text":"Look at the salamander first."}`}}), nil
	case last.Role != "tool":
		return priced(agents.Answer{FinishReason: "tool_calls", Message: events.Message{Role: "assistant", ToolCalls: []events.ToolCall{
			{ID: "calculate", Name: "calculate", Arguments: fmt.Sprintf(`{"expression":"the salamander of %d"}`, len(r.Messages))},
		}}}), nil
	case last.Name == "calculate" && strings.Contains(last.Content, "Known fix"):
		last.Content = "Known fix: Go on with clock."
		r.Messages[len(r.Messages)-1] = last
	}
	a, err := stuck{}.Chat(ctx, r, said)
	return priced(a), err
}

// What analysts and models made of one person's words, and what agents were told of it, is forgotten with that person: in the log, and in what is
// proposed.
func TestWhatWasLearnedOfSomebodyIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const anna = "slack:T1:UANNA"
		h, keys := newHouse(t), &veil.Memory{}
		covered := veil.New(h.store, veil.Config{Keys: keys})
		h.store = covered
		defer h.close(t)
		role := orchestrator.AdviserRole(events.RoleAnalysis)
		role.Model, role.LimitNanos, role.Period = "small", 1_000_000_000, events.Monthly
		prices, err := agents.ParsePrices(strings.NewReader(`{"small": {"input_cost_per_token": 1e-9, "output_cost_per_token": 1e-9}}`))
		if err != nil {
			t.Fatal(err)
		}
		h.configure = func(c *orchestrator.Config) {
			c.Model, c.Runner.Model, c.Runner.Prices, c.HeldOut = "small", echoing{}, prices, -1
			c.Roles = map[string]orchestrator.Role{events.RoleAnalysis: role}
			for _, r := range analysts.All() {
				if r.Name == "errors" {
					c.Analysts = append(c.Analysts, r)
				}
			}
		}
		begin := func() func() {
			d := orchestrator.NewDispatcher(h.store, aggregates.All(func(string) aggregates.Policy { return h.policy }))
			h.dispatch, h.agents = d.Dispatch, d
			return h.serve(t)
		}
		stop := begin()
		h.spawn(t, "clerk", events.AgentConfig{Tools: []string{"calculate", "clock"}})
		n := 0
		ask := func(requester string, runs int) {
			for range runs {
				run := fmt.Sprint("r", n)
				h.wish(t, func(m commands.Meta) commands.Command {
					m.Correlation = run
					return commands.StartRun{Meta: m, Run: run, Workflow: "ask", Task: fmt.Sprint("task ", n%3), Prompt: fmt.Sprint("question ", n), Agent: "clerk", Requester: requester}
				})
				time.Sleep(time.Minute)
				synctest.Wait()
				n++
			}
		}
		proposals := func() []projections.ImprovementRow {
			rows, err := h.models.Improvements(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		for n < 1500 && len(proposals()) == 0 {
			ask(anna, 100)
		}
		was := proposals()
		if len(was) != 1 || !strings.Contains(was[0].Reason, "salamander") || was[0].Agent != "clerk" {
			t.Fatalf("proposed is %+v", was)
		}
		ask(anna, 90) // and a model has words for it
		const bert = "user:slack:T1:UBERT"
		approve := commands.ApproveImprovement{Meta: commands.Meta{ID: events.NameID(time.Now(), "approve"), At: time.Now(), Actor: bert}, Improvement: was[0].Improvement, By: bert}
		if made, err := h.improvements().Approve(t.Context(), approve); err != nil || !made.Done {
			t.Fatalf("made is %+v, %v", made, err)
		}
		ask(anna, 1)
		stop()

		kinds := func(s eventstore.Store, text string) map[string]bool {
			in := map[string]bool{}
			for e, err := range s.ReadAll(t.Context(), eventstore.ReadOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(e.Data), text) || strings.Contains(e.Actor, text) {
					in[e.Kind] = true
				}
			}
			return in
		}
		told := kinds(covered, "salamander")
		for _, kind := range []string{"improvement.proposed", "agent.configured", "role.asked", "role.answered", "run.started", "run.tool_called"} {
			if !told[kind] {
				t.Errorf("no %s holds the word: the test tests nothing of it (%v)", kind, told)
			}
		}
		for _, text := range []string{"salamander", "UANNA"} {
			if stored := kinds(covered.Stored(), text); len(stored) > 0 {
				t.Errorf("%q stands in the clear in %v", text, stored)
			}
		}

		person, err := keys.Named(t.Context(), anna)
		if err == nil {
			err = keys.Erase(t.Context(), person.ID, time.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
		covered.Forget()
		if err := replay.RebuildModels(t.Context(), h.store, h.models, func(uint64) {}); err != nil {
			t.Fatal(err)
		}
		if told := kinds(covered, "salamander"); len(told) > 0 {
			t.Errorf("once she is forgotten it is read in %v", told)
		}
		if now := proposals(); now[0].Reason != events.Erased || now[0].Change.Config.Fixes[0].Do != events.Erased {
			t.Errorf("what was proposed is %+v", now[0])
		}
		// The loop goes on: what can't be read any more is told nobody.
		stop = begin()
		ask("slack:T1:UCARL", 90)
		stop()
		for _, now := range proposals() {
			switch {
			case now.Improvement == was[0].Improvement:
				if now.Status != projections.Applied || now.Reason != events.Erased {
					t.Errorf("what was proposed became %+v", now)
				}
			case now.Previous != was[0].Improvement || !strings.Contains(now.Reason, "salamander"): // of Carl's runs, which end alike
				t.Errorf("proposed is %+v", now)
			}
		}
		if stored := kinds(covered.Stored(), "salamander"); len(stored) > 0 || len(proposals()) != 2 {
			t.Errorf("of %d proposals what is said anew stands in the clear in %v", len(proposals()), stored)
		}
		for e, err := range covered.ReadAll(t.Context(), eventstore.ReadOptions{}) {
			if err != nil || strings.Contains(string(e.Data), "Known fix: "+events.Erased) {
				t.Fatalf("a run is told %s, %v", e.Data, err)
			}
		}
	})
}

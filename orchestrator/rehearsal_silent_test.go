package orchestrator_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// talkative always proposes something.
var talkative = analysts.Runner{Name: "talkative", Version: 1, Load: func(ctx context.Context, r projections.Reader) (func() evidence.Result, error) {
	position, err := r.Position(ctx)
	p := evidence.Proposal{
		Analyst: "talkative", AnalystVersion: 1, Reason: "because",
		Change:   events.Change{Kind: events.ChangeWorkflow, Workflow: "w", Steps: []string{"look"}},
		Evidence: events.Evidence{From: 1, To: position, Positions: []uint64{1}, Statistic: "count", Value: .5, Low: .25, High: .75, Confidence: .95, N: 1},
		Expected: events.Expected{Metric: "success_rate", Change: .1, High: .2},
	}
	return func() evidence.Result { return evidence.Result{Proposals: []evidence.Proposal{p}} }, err
}}

// TestAReplaySendsNothing replays a history of live runs, with their calls to a model and to tools, their tasks and
// feedback, one run under way, in every way there is, while the orchestrator that made it stays attached to the same
// log and read models: no model is asked again, no tool is used, nothing is appended.
func TestAReplaySendsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		var used atomic.Int64
		told := agents.Tool{
			Name: "clock", Description: "tells the time", Schema: json.RawMessage(`{"type":"object"}`),
			Call: func(context.Context, agents.Call) (string, error) {
				used.Add(1)
				return "noon", nil
			},
		}
		h.configure = func(c *orchestrator.Config) { c.Runner.Tools = agents.NewTools(told) }
		stop := h.serve(t)
		defer stop()
		h.spawn(t, "teller", events.AgentConfig{Tools: []string{"clock"}})
		h.askOf(t, "r1", "teller", "clock")
		h.askOf(t, "r2", "teller", "clock")
		synctest.Wait()
		score := 1.0
		meta := func(name string) commands.Meta {
			return commands.Meta{ID: events.NameID(time.Now(), name), At: time.Now(), Actor: "user:anna", Correlation: "r1"}
		}
		for _, c := range []commands.Command{
			commands.OpenTask{Meta: meta("t"), Task: "t1", Title: "tell the time"},
			commands.GiveFeedback{Meta: meta("f"), Feedback: "f1", Run: "r1", User: "anna", Name: "stars", Score: &score},
			commands.SaveRunbook{Meta: meta("b"), Runbook: "b1", Run: "r1", Steps: []events.RunbookStep{{Name: "clock"}}},
			// Somebody else's run, which no manager here drives.
			commands.StartRun{Meta: meta("open"), Run: "open", Workflow: "elsewhere", Source: &events.Source{Format: "otlp", Record: "1"}},
		} {
			if _, err := h.dispatch(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		asked, tools := h.model.calls.Load(), used.Load()
		head, err := h.store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		kinds := make(map[string]bool)
		for e, err := range h.store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			kinds[e.Kind] = true
		}
		for _, kind := range []string{"run.llm_called", "run.finished", "task.opened", "feedback.given", "runbook.saved"} {
			if !kinds[kind] {
				t.Errorf("this history proves nothing: there is no %s in it", kind)
			}
		}
		if asked == 0 || tools == 0 {
			t.Errorf("this history proves nothing: a model was asked %d times, tools were used %d times", asked, tools)
		}

		log := logtest.ReadOnly{Store: h.store, T: t}
		empty := func() *projections.Models {
			models, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return models
		}
		for what, replay := range map[string]func() error{
			"rebuild": func() error { return replay.RebuildModels(t.Context(), log, h.models, nil) },
			"build": func() error {
				models := empty()
				err := replay.Build(t.Context(), log, models.Models, replay.Moment{Position: head}, nil)
				return errors.Join(err, models.Close())
			},
			"as of": func() error {
				past, err := replay.At(t.Context(), log, h.models, readmodel.NewMemory(), replay.Moment{OccurredBy: time.Now()}, nil)
				if err != nil {
					return err
				}
				return past.Close()
			},
			"retry": func() error { return replay.Retry(t.Context(), log, h.models, nil) },
			"analysts": func() error {
				models := empty()
				runners := append(slices.Clip(analysts.All()), talkative)
				for i := range runners {
					runners[i].Every = time.Nanosecond
				}
				found, err := replay.Rehearse(t.Context(), log, models, runners, replay.RehearsalConfig{}, nil)
				if len(found.Proposals) == 0 {
					t.Error("the analysts proposed nothing: this proves nothing")
				}
				return errors.Join(err, models.Close())
			},
		} {
			if err := replay(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			synctest.Wait()
			if a, u := h.model.calls.Load(), used.Load(); a != asked || u != tools {
				t.Errorf("%s: the model was asked %d times more, tools were used %d times more", what, a-asked, u-tools)
			}
		}
		if after, err := h.store.Head(t.Context()); err != nil || after != head {
			t.Errorf("the log went from position %d to %d (%v)", head, after, err)
		}
	})
}

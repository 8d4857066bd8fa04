package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/replay"
)

func TestARunIsServedFromAskToAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		stop := h.serve(t)
		h.ask(t, "r1", "calculate 6 * 7")
		synctest.Wait()
		stop()

		want := []string{
			"run.started", "run.assigned", "run.step_started", "run.llm_called", "run.step_finished", "run.step_started", "run.tool_called",
			"run.step_finished", "run.step_started", "run.llm_called", "run.step_finished", "run.finished",
		}
		if got := h.kinds(t, "run-r1"); !slices.Equal(got, want) {
			t.Errorf("the run's stream holds %v", got)
		}
		row, steps, err := h.models.Run(t.Context(), "r1")
		if err != nil || row.Outcome != events.Succeeded || !strings.Contains(row.Answer, "42") || !row.Scripted || len(steps) != 3 {
			t.Errorf("the read models show %+v with %d steps (%v)", row, len(steps), err)
		}
		if n := h.model.calls.Load(); n != 2 {
			t.Errorf("the model was asked %d times, want 2", n)
		}
	})
}

func TestEachMessageIsStoredOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		stop := h.serve(t)
		h.ask(t, "r1", "calculate 6 * 7 and clock")
		synctest.Wait()
		stop()
		seen := map[string]bool{}
		for _, e := range h.stream(t, "run-r1") {
			fact, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			var said []events.Message
			switch f := fact.(type) {
			case events.RunLLMCalled:
				said = append(f.Asked, f.Answered...)
			case events.RunToolCalled:
				said = []events.Message{f.Result}
			}
			for _, m := range said {
				key := fmt.Sprint(m)
				if seen[key] {
					t.Errorf("stored twice: %s", key)
				}
				seen[key] = true
			}
		}
		if len(seen) != 5 { // the prompt, the wish for two tools, their two results, the answer
			t.Errorf("%d messages were stored: %v", len(seen), seen)
		}
	})
}

func TestAnOpenRunIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	// A process can die behind each append of the run. The next one finishes it, and adds nothing twice.
	for _, cut := range []int{1, 2, 3, 5, 6, 8, 9} {
		t.Run(fmt.Sprintf("after %d facts", cut), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				whole := newHouse(t)
				defer whole.close(t)
				stop := whole.serve(t)
				whole.ask(t, "r1", "calculate 6 * 7")
				synctest.Wait()
				stop()

				h := newHouse(t)
				defer h.close(t)
				history := whole.stream(t, "run-r1")
				if _, err := h.store.Append(t.Context(), "run-r1", eventstore.NoStream, history[:cut]); err != nil {
					t.Fatal(err)
				}
				stop = h.serve(t)
				synctest.Wait()
				stop()
				want, got := whole.kinds(t, "run-r1"), h.kinds(t, "run-r1")
				if !slices.Equal(got, want) {
					t.Errorf("the run's stream holds\n %v, want\n %v", got, want)
				}
			})
		})
	}
}

// The log is away from when an answer is to be recorded on, or a moment later: a disk that is full, a server that restarts.
// The answer is recorded when the log is back. It was paid for once.
func TestAnAnswerWaitsForALogThatIsAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from  func(commands.Command) bool
		calls int64
	}{
		"before the turn":   {func(c commands.Command) bool { _, is := c.(commands.StartStep); return is }, 1},
		"after the answer":  {func(c commands.Command) bool { _, is := c.(commands.RecordLLMCall); return is }, 1},
		"at the assignment": {func(c commands.Command) bool { _, is := c.(commands.AssignRun); return is }, 1},
		"when it failed":    {func(c commands.Command) bool { _, is := c.(commands.FailRun); return is }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close(t)
				dispatch := h.dispatch
				var mu sync.Mutex
				var gone time.Time
				h.dispatch = func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
					mu.Lock()
					if gone.IsZero() && slices.ContainsFunc(cmds, c.from) {
						gone = time.Now()
					}
					away := !gone.IsZero() && time.Since(gone) < 5*time.Minute
					mu.Unlock()
					if away {
						return commands.Receipt{}, fmt.Errorf("append to %s: %w: the disk is full", cmds[0].Stream(), eventstore.ErrUnavailable)
					}
					return dispatch(ctx, cmds...)
				}
				prompt, outcome := "hello", events.Succeeded
				if name == "when it failed" {
					prompt, outcome = "fail: out of coffee", events.Failed
				}
				stop := h.serve(t)
				h.ask(t, "r1", prompt)
				time.Sleep(6 * time.Minute) // on the bubble's clock
				synctest.Wait()
				stop()
				row, _, err := h.models.Run(t.Context(), "r1")
				if err != nil || row.Outcome != outcome {
					t.Errorf("%v, the run %s: %s", err, row.Outcome, row.Error)
				}
				if n := h.model.calls.Load(); c.calls > 0 && n != c.calls || gone.IsZero() {
					t.Errorf("the model was asked %d times for one answer", n)
				}
			})
		})
	}
}

func TestAFailingModelFailsTheRunWithTheReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		stop := h.serve(t)
		h.ask(t, "r1", "fail: out of coffee")
		synctest.Wait()
		stop()
		row, _, err := h.models.Run(t.Context(), "r1")
		if err != nil || row.Outcome != events.Failed || !strings.Contains(row.Error, "out of coffee") {
			t.Errorf("got %+v, %v", row, err)
		}
	})
}

// mute is a model whose answer ends for some reason.
type mute struct{ content, reason string }

func (m mute) Chat(context.Context, agents.Request, func(string)) (agents.Answer, error) {
	return agents.Answer{Message: events.Message{Role: "assistant", Content: m.content}, FinishReason: m.reason, Priced: true}, nil
}

// A run succeeds only on a whole answer. What the call cost is recorded all the same.
func TestARunThatGotNoWholeAnswerFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		model mute
		says  string
	}{
		"cut":      {mute{"Once upon", "length"}, "cut at the limit"},
		"filtered": {mute{"", "content_filter"}, "filter"},
		"empty":    {mute{"", "stop"}, "without an answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close(t)
				h.model = &counting{Model: c.model}
				stop := h.serve(t)
				h.ask(t, "r1", "hello")
				synctest.Wait()
				stop()
				row, steps, err := h.models.Run(t.Context(), "r1")
				if err != nil || row.Outcome != events.Failed || !strings.Contains(row.Error, c.says) || len(steps) != 1 || steps[0].Outcome != events.Succeeded {
					t.Errorf("got %+v, %+v, %v", row, steps, err)
				}
			})
		})
	}
}

func TestABudgetStopsLiveRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		stop := h.serve(t)
		set := commands.SetBudget{
			Meta:   commands.Meta{ID: events.NameID(time.Now(), "set"), At: time.Now(), Actor: "user:anna"},
			Budget: "all", Period: events.Monthly, LimitNanos: 0, Fails: true,
		}
		if _, err := h.dispatch(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.ask(t, "r1", "hello")
		synctest.Wait()
		stop()
		row, _, err := h.models.Run(t.Context(), "r1")
		if err != nil || row.Outcome != events.Failed || !strings.Contains(row.Error, "budget exhausted") {
			t.Errorf("got %+v, %v", row, err)
		}
		if n := h.model.calls.Load(); n != 0 {
			t.Errorf("the model was asked %d times", n)
		}
		if got := h.kinds(t, "budget-all"); !slices.Equal(got, []string{"budget.set", "budget.exhausted"}) {
			t.Errorf("the budget's stream holds %v", got)
		}
	})
}

func TestHistoryIsNeverActedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		stop := h.serve(t)
		meta := commands.Meta{ID: events.NameID(time.Now(), "old"), At: time.Now(), Actor: "import:runs", Correlation: "old"}
		start := commands.StartRun{Meta: meta, Run: "old", Workflow: "ask", Prompt: "hello", Source: &events.Source{Format: "runs", Record: "old", Digest: "1"}}
		if _, err := h.dispatch(t.Context(), start); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		// Replaying a history full of calls sends nothing either: it has no manager and no model to send with.
		if err := replay.RebuildModels(t.Context(), h.store, h.models, nil); err != nil {
			t.Fatal(err)
		}
		head, err := h.store.Head(t.Context())
		if err != nil || head != 2 || h.model.calls.Load() != 0 {
			t.Errorf("the log grew to %d and the model was asked %d times (%v)", head, h.model.calls.Load(), err)
		}
	})
}

// A run whose agent was retired or never was, in a log that other doors write too, ends at once and asks nobody.
func TestARunOfNobodyFailsAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before []commands.Command
		says   string
	}{
		"unknown":            {nil, "no agent \"clerk\""},
		"known from history": {[]commands.Command{commands.SpawnAgent{Agent: "clerk", Imported: true}}, "no agent \"clerk\""},
		"retired":            {[]commands.Command{commands.SpawnAgent{Agent: "clerk"}, commands.RetireAgent{Agent: "clerk"}}, "retired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close(t)
				for i, b := range c.before {
					meta := commands.Meta{ID: events.NameID(time.Now(), fmt.Sprint(i)), At: time.Now(), Actor: "user:anna"}
					switch b := b.(type) {
					case commands.SpawnAgent:
						b.Meta = meta
						c.before[i] = b
					case commands.RetireAgent:
						b.Meta = meta
						c.before[i] = b
					}
				}
				if _, err := h.dispatch(t.Context(), c.before...); err != nil {
					t.Fatal(err)
				}
				stop := h.serve(t)
				h.askOf(t, "r1", "clerk", "hello")
				synctest.Wait() // without any time going by
				row, _, err := h.models.Run(t.Context(), "r1")
				stop()
				if err != nil || row.Outcome != events.Failed || !strings.Contains(row.Error, c.says) || h.model.calls.Load() != 0 {
					t.Errorf("got %+v, %v", row, err)
				}
			})
		})
	}
}

func TestATurnThatCannotBeRecordedEndsInThePoisonQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		tries := 0
		h.configure = func(c *orchestrator.Config) {
			c.Dispatch = func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
				if slices.ContainsFunc(cmds, func(c commands.Command) bool { _, is := c.(commands.StartStep); return is }) {
					tries++
					return commands.Receipt{}, errors.New("the disk is full")
				}
				return h.dispatch(ctx, cmds...)
			}
		}
		stop := h.serve(t)
		h.ask(t, "r1", "hello")
		time.Sleep(time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		row, _, err := h.models.Run(t.Context(), "r1")
		if err != nil || row.Outcome != events.Failed || !strings.Contains(row.Error, "the disk is full") {
			t.Errorf("got %+v, %v", row, err)
		}
		if tries != 6 {
			t.Errorf("it was tried %d times, want once and 5 times again", tries)
		}
	})
}

// wild is a model that first calls what no tool is, and then is content.
type wild struct{ calls []events.ToolCall }

func (w wild) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	a := agents.Answer{Model: "m", FinishReason: "stop", Message: events.Message{Role: "assistant", Content: "Done."}}
	if r.Messages[len(r.Messages)-1].Role != "tool" {
		a.FinishReason, a.Message = "tool_calls", events.Message{Role: "assistant", ToolCalls: w.calls}
	}
	return a, nil
}

// TestWhatAModelCallsIsData has a model call tools by names that none has, with arguments that are none: each is answered
// with an error and recorded, and the run goes on.
func TestWhatAModelCallsIsData(t *testing.T) {
	t.Parallel()
	calls := []events.ToolCall{
		{ID: "a", Name: ""},
		{ID: "b", Name: "rm\n-rf"},
		{ID: "c", Name: strings.Repeat("x", 2000)},
		{ID: "d", Name: "clock", Arguments: "{broken"},
		{ID: "e", Name: "send_mail", Arguments: "{}"}, // not granted
		{ID: "f", Name: "ghp_" + "x7Kq2mVn9RtB4wLs8ZpD3fGh6JcY1aQe5UoT", Arguments: "{}"},
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner.Model = wild{calls} }
		stop := h.serve(t)
		h.ask(t, "r1", "hello")
		time.Sleep(time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		row, steps, err := h.models.Run(t.Context(), "r1")
		if err != nil || row.Outcome != events.Succeeded {
			t.Fatalf("got %+v, %v", row, err)
		}
		failed := 0
		for _, s := range steps {
			if s.Type == events.ToolStep && s.Outcome == events.Failed && s.Error != "" {
				failed++
			}
		}
		if failed != len(calls) {
			t.Errorf("%d of %d calls have failed: %+v", failed, len(calls), steps)
		}
		told := 0
		for _, e := range h.stream(t, "run-r1") {
			if e.Kind == "run.tool_called" {
				told++
			}
		}
		if told != len(calls) {
			t.Errorf("%d of %d calls were answered", told, len(calls))
		}
	})
}

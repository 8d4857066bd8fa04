package orchestrator_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// stuck calls a tool that fails. What helps is the clock, which it asks by itself in few runs, and in all that are told so.
type stuck struct{}

func (stuck) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	call := func(tool, arguments string) (agents.Answer, error) {
		return agents.Answer{Model: "m", FinishReason: "tool_calls", Priced: true, Message: events.Message{Role: "assistant", ToolCalls: []events.ToolCall{{ID: tool, Name: tool, Arguments: arguments}}}}, nil
	}
	last := r.Messages[len(r.Messages)-1]
	switch {
	case last.Role != "tool":
		return call("calculate", fmt.Sprintf(`{"expression":"%d/0"}`, len(r.Messages)))
	case last.Name == "calculate" && (strings.Contains(last.Content, "Known fix: Go on with clock.") || knows(r.Messages)):
		return call("clock", "{}")
	case last.Name == "calculate":
		return agents.Answer{Model: "m", FinishReason: "content_filter", Priced: true}, nil
	}
	return agents.Answer{Model: "m", FinishReason: "stop", Priced: true, Message: events.Message{Role: "assistant", Content: "Done."}}, nil
}

// knows tells of a conversation that it is one of those in which the model comes to it by itself.
func knows(messages []events.Message) bool {
	h := fnv.New32a()
	for _, m := range messages {
		if m.Role == "user" {
			_, _ = h.Write([]byte(m.Content))
		}
	}
	return h.Sum32()%5 == 0
}

// askTask starts a run of a named task.
func (h *house) askTask(t *testing.T, n int) {
	t.Helper()
	run := fmt.Sprint("r", n)
	meta := commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: "user:anna", Correlation: run}
	start := commands.StartRun{Meta: meta, Run: run, Workflow: "ask", Task: fmt.Sprint("task ", n%3), Prompt: fmt.Sprint("question ", n), Agent: "clerk"}
	if _, err := h.dispatch(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // the fake clock's
	synctest.Wait()
}

// A run that meets a known error is told its fix, but for a tenth, by which it is known what that prevents.
func TestAKnownFixIsToldAndATenthIsHeldOut(t *testing.T) {
	t.Parallel()
	fix := events.Fix{Error: "division by <*>", Tool: "calculate", Do: "Go on with clock."}
	for heldOut, arms := range map[int]int{0: 1, 300: 1, -1: 0} {
		t.Run(fmt.Sprint(heldOut), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close(t)
				h.model.Model = stuck{}
				h.configure = func(c *orchestrator.Config) { c.HeldOut = heldOut }
				h.spawn(t, "clerk", events.AgentConfig{Tools: []string{"calculate", "clock"}, Fixes: []events.Fix{fix}})
				stop := h.serve(t)
				defer func() { stop() }()
				const runs = 100
				told, held := 0, 0
				for n := range runs {
					h.askTask(t, n)
					assigned := h.drawn(t, n)
					if len(assigned.Arms) != arms {
						t.Fatalf("run %d was drawn for %+v", n, assigned.Arms)
					}
					row, _, err := h.models.Run(t.Context(), fmt.Sprint("r", n))
					if err != nil {
						t.Fatal(err)
					}
					isTold, saysTold, counts := false, false, ""
					for _, e := range h.stream(t, fmt.Sprint("run-r", n)) {
						if fact, err := events.Decode(e); err == nil {
							switch f := fact.(type) {
							case events.RunToolCalled:
								isTold = isTold || strings.HasSuffix(f.Result.Content, "Known fix: Go on with clock.")
							case events.RunFixKnown:
								counts, saysTold = f.Fix, f.Told
							}
						}
					}
					given := arms == 0 || assigned.Arms[0].Arm == events.GivenArm
					if isTold != given || saysTold != given || counts != fix.Name() {
						t.Fatalf("run %d of %+v: told %v, counted for %q", n, assigned.Arms, isTold, counts)
					}
					if given {
						told++
						if row.Outcome != events.Succeeded {
							t.Fatalf("run %d was told and %s", n, row.Outcome)
						}
					} else {
						held++
					}
				}
				all, each, err := answers.Prevention(t.Context(), h.models)
				switch {
				case err != nil:
					t.Fatal(err)
				case arms == 0:
					if all != nil || len(each) > 0 || held > 0 {
						t.Errorf("nothing was held out, and %+v was prevented", all)
					}
				case all == nil || len(each) != 1 || all.Agent != "clerk" || all.Fix != fix.Name() || all.Given != int64(told) || all.HeldOut != int64(held) || held == 0:
					t.Errorf("%d told, %d held out: %+v", told, held, all)
				case heldOut == 300 && (all.Low <= 0 || all.Failures < all.Low || all.High < all.Failures):
					t.Errorf("prevented %+v", all)
				}
			})
		})
	}
}

// What the analyst of errors knows goes the way of every improvement: the policy lets it be tried, and a part of the runs is told it.
func TestAFixIsTriedLikeAnyImprovement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.model.Model = stuck{}
		h.policy.SelfApproved, h.policy.MaxShare = []events.ChangeKind{events.ChangeFixes}, 1000
		h.configure = func(c *orchestrator.Config) {
			for _, r := range analysts.All() {
				if r.Name == "errors" {
					c.Analysts = append(c.Analysts, r)
				}
			}
		}
		h.spawn(t, "clerk", events.AgentConfig{Tools: []string{"calculate", "clock"}})
		stop := h.serve(t)
		defer func() { stop() }()
		for n := range 1000 {
			h.askTask(t, n)
			arms := h.drawn(t, n).Arms
			row, _, err := h.models.Run(t.Context(), fmt.Sprint("r", n))
			switch {
			case err != nil:
				t.Fatal(err)
			case len(arms) == 0 || !arms[0].Tried():
				continue
			case row.Outcome != events.Succeeded:
				t.Fatalf("run %d was told what helps and %s", n, row.Outcome)
			}
			x, err := h.models.Experiments(t.Context(), projections.ExperimentRunning)
			if err != nil || len(x) != 1 || x[0].Kind != string(events.ChangeFixes) || x[0].LetBy != "policy" || x[0].Improvement == "" {
				t.Errorf("tried is %+v (%v)", x, err)
			}
			return
		}
		t.Fatal("no run was told it")
	})
}

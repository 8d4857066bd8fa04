package orchestrator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// till counts what was paid.
type till struct {
	mu   sync.Mutex
	paid []string
}

func (p *till) tool() agents.Tool {
	return agents.Tool{
		Name: "pay", Description: "Pays.", Schema: json.RawMessage(`{"type":"object","properties":{"to":{"type":"string"}},"required":["to"]}`),
		Call: func(_ context.Context, c agents.Call) (string, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.paid = append(p.paid, string(c.Arguments))
			return "paid", nil
		},
	}
}

// cashier is a house with an agent that pays.
func cashier(t *testing.T) (*house, *till) {
	t.Helper()
	h, p := newHouse(t), &till{}
	h.configure = func(c *orchestrator.Config) {
		c.Runner.Tools = agents.NewTools(append(agents.BuiltIn(time.Now).All(), p.tool())...)
		c.ApproveWithin = time.Hour
	}
	h.spawn(t, "cashier", events.AgentConfig{Tools: []string{"calculate", "pay"}})
	return h, p
}

func (h *house) runs() orchestrator.Runs {
	return orchestrator.Runs{Store: h.store, Dispatch: h.dispatch, Agents: h.agents, Models: h.models}
}

// answers decides on the one approval that waits.
func (h *house) answers(t *testing.T, answer events.ApprovalAnswer) {
	t.Helper()
	rows, err := h.models.Approvals(t.Context(), projections.ApprovalAsked)
	if err != nil || len(rows) != 1 || rows[0].Tool != "pay" || rows[0].Arguments != `{"to":"bert"}` || rows[0].Agent != "cashier" {
		t.Fatalf("there wait %+v, %v", rows, err)
	}
	meta := commands.Meta{ID: events.NameID(time.Now(), rows[0].Approval), At: time.Now(), Actor: "door:web"}
	if _, err := h.runs().Answer(t.Context(), meta, rows[0].Approval[:6], answer, "user:anna", "so be it"); err != nil {
		t.Fatal(err)
	}
}

func (h *house) ends(t *testing.T, run string, outcome events.Outcome, says string) {
	t.Helper()
	row, _, err := h.models.Run(t.Context(), run)
	if err != nil || row.Outcome != outcome || !strings.Contains(row.Answer+row.Error, says) {
		t.Errorf("the run is %s: %q %q, %v; want %s with %q", row.Outcome, row.Answer, row.Error, err, outcome, says)
	}
}

func (h *house) status(t *testing.T, want string) {
	t.Helper()
	rows, err := h.models.Approvals(t.Context(), "")
	if err != nil || len(rows) != 1 || rows[0].Status != want {
		t.Errorf("the approvals are %+v, %v; want one that is %s", rows, err, want)
	}
}

func TestACallThatNeedsAPersonWaitsForOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  events.ApprovalAnswer
		says    string
		paid    int
		restart bool
	}{
		"granted":  {events.ApprovalGranted, "pay answered: paid.", 1, false},
		"rejected": {events.ApprovalRejected, "rejected by user:anna: so be it", 0, false},
		// Nobody drives while it is decided: what is waited for is in the log alone.
		"granted over a restart": {events.ApprovalGranted, "pay answered: paid.", 1, true},
		"expired":                {"", "expired: nobody decided before", 0, false},
		"expired over a restart": {"", "expired: nobody decided before", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, till := cashier(t)
				defer h.close(t)
				stop := h.serve(t)
				h.askOf(t, "r1", "cashier", "calculate 6 * 7 and pay bert")
				synctest.Wait()
				if kinds := h.kinds(t, "run-r1"); kinds[len(kinds)-1] != "run.approval_asked" {
					t.Errorf("the run is at %v", kinds)
				}
				if c.restart {
					stop()
				}
				if c.answer != "" {
					h.answers(t, c.answer)
				} else {
					time.Sleep(time.Hour) // on the bubble's clock
				}
				if c.restart {
					stop = h.serve(t)
				}
				synctest.Wait()
				stop()
				h.ends(t, "r1", events.Succeeded, c.says)
				h.ends(t, "r1", events.Succeeded, "calculate answered: 42.")
				row, _, _ := h.models.Run(t.Context(), "r1")
				if c.answer == "" && strings.Contains(row.Answer, "rejected") {
					t.Errorf("what expired is called rejected: %s", row.Answer)
				}
				if len(till.paid) != c.paid || h.model.calls.Load() != 2 {
					t.Errorf("paid %v, the model was asked %d times", till.paid, h.model.calls.Load())
				}
				status := string(c.answer)
				if status == "" {
					status = "expired"
				}
				h.status(t, status)
				// What is not performed is no call of the tool, and no failure of it.
				if tools := row.Tools; slices.Contains(tools, "pay") != (c.paid > 0) {
					t.Errorf("the run's tools are %v", tools)
				}
			})
		})
	}
}

func TestARunThatEndsWithdrawsWhatItAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, till := cashier(t)
		defer h.close(t)
		stop := h.serve(t)
		defer func() { stop() }()
		h.askOf(t, "r1", "cashier", "pay bert")
		synctest.Wait()
		meta := commands.Meta{ID: events.NameID(time.Now(), "cancel"), At: time.Now(), Actor: "user:anna", Correlation: "r1"}
		if _, err := h.runs().Cancel(t.Context(), commands.CancelRun{Meta: meta, Run: "r1", Reason: "enough"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.ends(t, "r1", events.Cancelled, "")
		h.status(t, "withdrawn")
		rows, _ := h.models.Approvals(t.Context(), "")
		meta.ID = events.NameID(time.Now(), "late")
		_, err := h.runs().Answer(t.Context(), meta, rows[0].Approval, events.ApprovalGranted, "user:anna", "")
		if !errors.Is(err, aggregates.ErrEnded) {
			t.Errorf("granted after the end: %v", err)
		}
		if _, err := h.runs().Answer(t.Context(), meta, "no", events.ApprovalGranted, "user:anna", ""); !errors.Is(err, orchestrator.ErrNoApproval) {
			t.Errorf("of nothing: %v", err)
		}
		if len(till.paid) != 0 {
			t.Errorf("paid %v", till.paid)
		}
	})
}

// A process can die behind each append (an answer and the end of its step are one). The next one goes on, asks nothing twice and pays once.
func TestApprovalsOutliveAnyCrash(t *testing.T) {
	t.Parallel()
	whole := func(t *testing.T) (history []events.Envelope, kinds []string) {
		h, _ := cashier(t)
		defer h.close(t)
		stop := h.serve(t)
		h.askOf(t, "r1", "cashier", "calculate 6 * 7 and pay bert")
		synctest.Wait()
		h.answers(t, events.ApprovalGranted)
		synctest.Wait()
		stop()
		return h.stream(t, "run-r1"), h.kinds(t, "run-r1")
	}
	for cut := 5; cut <= 9; cut++ {
		t.Run(fmt.Sprintf("after %d facts", cut), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				history, want := whole(t)
				h, till := cashier(t)
				defer h.close(t)
				if _, err := h.store.Append(t.Context(), "run-r1", eventstore.NoStream, history[:cut]); err != nil {
					t.Fatal(err)
				}
				stop := h.serve(t)
				synctest.Wait()
				if rows, err := h.models.Approvals(t.Context(), projections.ApprovalAsked); err != nil {
					t.Fatal(err)
				} else if len(rows) > 0 {
					h.answers(t, events.ApprovalGranted)
				}
				synctest.Wait()
				stop()
				got := h.kinds(t, "run-r1")
				slices.Sort(got) // tools run side by side
				slices.Sort(want)
				paid := 1
				if cut == 9 { // it was begun, and nobody knows what became of it
					paid = 0
				}
				if !slices.Equal(got, want) || len(till.paid) != paid {
					t.Errorf("cut behind %s, the run's stream holds\n %v, want\n %v; paid %v", history[cut-1].Kind, got, want, till.paid)
				}
			})
		})
	}
}

// verbose is a model that calls with arguments that nobody would read to their end.
type verbose struct{ asked int }

func (v *verbose) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	if v.asked++; v.asked > 1 {
		return agents.Answer{Message: events.Message{Role: "assistant", Content: r.Messages[len(r.Messages)-1].Content}, FinishReason: "stop", Priced: true}, nil
	}
	call := events.ToolCall{ID: "1", Name: "pay", Arguments: `{"to":"` + strings.Repeat("x", commands.MaxApproved) + `"}`}
	return agents.Answer{Message: events.Message{Role: "assistant", ToolCalls: []events.ToolCall{call}}, FinishReason: "tool_calls", Priced: true}, nil
}

func TestNobodyIsAskedAboutWhatNobodyReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, till := cashier(t)
		defer h.close(t)
		h.model = &counting{Model: &verbose{}}
		stop := h.serve(t)
		h.askOf(t, "r1", "cashier", "pay")
		synctest.Wait()
		stop()
		h.ends(t, "r1", events.Succeeded, "no more than 16384 bytes")
		if len(till.paid) != 0 {
			t.Errorf("paid %v", till.paid)
		}
	})
}

// The policy became stricter since the agent was made: nobody calls what nobody may call.
func TestAPolicyHoldsForAgentsThatWereThereBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, till := cashier(t)
		defer h.close(t)
		strict := h.policy
		strict.NeverTools = []string{"pay"}
		d := orchestrator.NewDispatcher(h.store, aggregates.All(aggregates.Everywhere(strict)))
		h.policy, h.dispatch, h.agents = strict, d.Dispatch, d
		stop := h.serve(t)
		h.askOf(t, "r1", "cashier", "pay bert")
		synctest.Wait()
		stop()
		h.ends(t, "r1", events.Succeeded, "the policy lets nobody call pay")
		if len(till.paid) != 0 {
			t.Errorf("paid %v", till.paid)
		}
	})
}

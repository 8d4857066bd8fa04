package orchestrator_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// TestACallThatAnotherDriverBeganIsNotMade has another driver begin the calls of a turn a moment earlier. A mail that it may
// have sent is not sent again; what may be repeated is.
func TestACallThatAnotherDriverBeganIsNotMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.spawn(t, "clerk", events.AgentConfig{Tools: []string{"calculate", "send_mail"}})
		var mails atomic.Int64
		mail := agents.Tool{
			Name: "send_mail", Description: "Sends it.", Schema: json.RawMessage(`{"type":"object"}`),
			Call: func(context.Context, agents.Call) (string, error) {
				mails.Add(1)
				return "sent", nil
			},
		}
		other := orchestrator.NewDispatcher(h.store, aggregates.All(aggregates.Everywhere(h.policy)))
		h.configure = func(c *orchestrator.Config) {
			c.Runner.Tools = agents.NewTools(append(agents.BuiltIn(time.Now).All(), mail)...)
			c.Dispatch = func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
				if step, ok := cmds[0].(commands.StartStep); ok && step.Type == events.ToolStep {
					if _, err := other.Dispatch(ctx, cmds...); err != nil {
						t.Error(err)
					}
				}
				return h.dispatch(ctx, cmds...)
			}
		}
		stop := h.serve(t)
		h.askOf(t, "r1", "clerk", "calculate 6 * 7 and send_mail")
		time.Sleep(time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		row, _, err := h.models.Run(t.Context(), "r1")
		if err != nil || row.Outcome != events.Succeeded || !strings.Contains(row.Answer, "calculate answered: 42.") || !strings.Contains(row.Answer, "outcome unknown") {
			t.Errorf("the run is %s: %q %q, %v", row.Outcome, row.Answer, row.Error, err)
		}
		if n := mails.Load(); n != 0 {
			t.Errorf("%d mails were sent beside the other driver's", n)
		}
	})
}

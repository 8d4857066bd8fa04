package orchestrator_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// A role stands as the configuration has it, once: another model and another limit are facts, the same ones are none, and a prompt that
// was improved stays. Where there is no money for a call the run fails, instead of waiting for a person.
func TestARoleStandsAsItIsConfigured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model := newHouse(t), &drafting{draft: `{"lines":["a"]}`}
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner.Model = model }
		role := orchestrator.Role{
			Agent: "phraser", Does: "words", Prompt: "Word it.", Model: "small", Schema: []byte(`{"type":"object"}`), MaxTokens: 100, LimitNanos: 3 * cent, Period: events.Daily,
		}
		stands := func(name string, facts int) {
			t.Helper()
			meta := commands.Meta{ID: events.NameID(time.Now(), name), At: time.Now(), Actor: "user:anna"}
			if err := h.runs().Stand(t.Context(), meta, 2, role); err != nil {
				t.Fatal(err)
			}
			if n := len(h.stream(t, "agent-phraser")) + len(h.stream(t, "budget-agent:phraser")); n != facts {
				t.Errorf("%s: %d facts", name, n)
			}
		}
		stands("first", 2)
		stands("again", 2)
		config := events.AgentConfig{Prompt: "Word it well."}
		if _, err := h.dispatch(t.Context(), commands.ConfigureAgent{
			Meta: commands.Meta{ID: events.NameID(time.Now(), "better"), At: time.Now(), Actor: "user:anna"}, Agent: "phraser", Config: config, Only: events.ChangePrompt,
		}); err != nil {
			t.Fatal(err)
		}
		role.Model, role.LimitNanos = "large", 2*cent
		stands("another model", 5)
		if agent, _, err := h.agents.Agent(t.Context(), "", "phraser"); err != nil || agent.Config.Prompt != "Word it well." || agent.Config.Model != "large" || agent.Config.MaxTokens != 100 {
			t.Errorf("got %+v, %v", agent.Config, err)
		}
		known, err := orchestrator.Askable(t.Context(), h.models)
		if err != nil || slices.Contains(known, "phraser") {
			t.Errorf("tasks may go to %q, %v", known, err)
		}
		role.Agent, role.LimitNanos = "phraser", -1
		if err := h.runs().Stand(t.Context(), commands.Meta{ID: events.NameID(time.Now(), "wrong"), At: time.Now()}, 2, role); !errors.Is(err, aggregates.ErrInvalid) {
			t.Errorf("a limit below nothing: %v", err)
		}
	})
}

package orchestrator_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// counting is a model that counts how often it is asked.
type counting struct {
	agents.Model
	calls atomic.Int64
}

func (c *counting) Chat(ctx context.Context, r agents.Request, onDelta func(string)) (agents.Answer, error) {
	c.calls.Add(1)
	return c.Model.Chat(ctx, r, onDelta)
}

// house is the whole of the system on memory twins.
type house struct {
	store    eventstore.Store
	models   *projections.Models
	dispatch commands.Dispatch
	agents   orchestrator.Agents
	model    *counting
	policy   aggregates.Policy
	// configure, if any, changes how the orchestrator is set up.
	configure func(*orchestrator.Config)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	store := eventstore.NewMemory(time.Now)
	models, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	policy := aggregates.Policy{Tools: granted, AskTools: []string{"pay"}}
	h := &house{policy: policy, store: store, models: models, model: &counting{Model: agents.Scripted{}}}
	d := orchestrator.NewDispatcher(store, aggregates.All(func(string) aggregates.Policy { return h.policy }))
	h.dispatch, h.agents = d.Dispatch, d
	h.spawn(t, events.Assistant, events.AgentConfig{Tools: []string{"calculate", "clock"}})
	return h
}

// granted are the tools that agents of a house may have.
var granted = []string{"calculate", "clock", "send_mail", "pay"}

func (h *house) spawn(t *testing.T, agent string, config events.AgentConfig) {
	t.Helper()
	meta := commands.Meta{ID: events.NameID(time.Now(), "spawn "+agent), At: time.Now(), Actor: "user:anna"}
	if _, err := h.dispatch(t.Context(), commands.SpawnAgent{Meta: meta, Agent: agent, Config: config}); err != nil {
		t.Fatal(err)
	}
}

func (h *house) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(h.models.Close(), h.store.Close()); err != nil {
		t.Error(err)
	}
}

// serve runs the orchestrator until stop is called, which waits for its end.
func (h *house) serve(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := h.run(ctx)
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the orchestrator ended with %v", err)
		}
	}
}

// run runs the orchestrator until ctx is done, and tells how it ended.
func (h *house) run(ctx context.Context) (done <-chan error) {
	config := orchestrator.Config{
		Policies: aggregates.Everywhere(h.policy), Store: h.store, Models: h.models, Dispatch: h.dispatch, Agents: h.agents, Model: events.ScriptedModel, Turns: 2,
		Runner: agents.Runner{Model: h.model, Tools: agents.BuiltIn(time.Now)},
	}
	if h.configure != nil {
		h.configure(&config)
	}
	o := orchestrator.New(config)
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	return ended
}

func (h *house) ask(t *testing.T, run, prompt string) {
	t.Helper()
	h.askOf(t, run, events.Assistant, prompt)
}

func (h *house) askOf(t *testing.T, run, agent, prompt string) {
	t.Helper()
	meta := commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: "user:anna", Correlation: run}
	if _, err := h.dispatch(t.Context(), commands.StartRun{Meta: meta, Run: run, Workflow: "ask", Prompt: prompt, Agent: agent}); err != nil {
		t.Fatal(err)
	}
}

func (h *house) stream(t *testing.T, stream string) []events.Envelope {
	t.Helper()
	var out []events.Envelope
	for e, err := range h.store.ReadStream(t.Context(), stream, eventstore.StreamOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func (h *house) kinds(t *testing.T, stream string) []string {
	t.Helper()
	var out []string
	for _, e := range h.stream(t, stream) {
		out = append(out, e.Kind)
	}
	return out
}

package orchestrator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// specialHouse is a house whose policy lets specialists be spawned.
func specialHouse(t *testing.T, policy aggregates.Policy) *house {
	t.Helper()
	h := newHouse(t)
	d := orchestrator.NewDispatcher(h.store, aggregates.All(aggregates.Everywhere(policy)))
	h.policy, h.dispatch, h.agents = policy, d.Dispatch, d
	return h
}

// routed is who answers a run that names nobody.
func (h *house) routed(t *testing.T, run, prompt string) events.RunAssigned {
	t.Helper()
	h.askOf(t, run, "", prompt)
	return h.assignedOf(t, run)
}

// assignedOf is who answers a run that was asked for.
func (h *house) assignedOf(t *testing.T, run string) events.RunAssigned {
	t.Helper()
	time.Sleep(time.Minute) // the fake clock's
	synctest.Wait()
	for _, e := range h.stream(t, "run-"+run) {
		fact, err := events.Decode(e)
		if assigned, is := fact.(events.RunAssigned); err == nil && is {
			return assigned
		}
	}
	t.Fatalf("%s was given to nobody", run)
	return events.RunAssigned{}
}

// TestASpecialistIsSpawnedWhereNoAgentFits spawns as many as the policy allows, asks each again before another is spawned, and
// grants it what its template, the policy and the program have.
func TestASpecialistIsSpawnedWhereNoAgentFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := specialHouse(t, aggregates.Policy{Specialists: 2, SpecialistNanos: 3_000_000_000, Tools: []string{"calculate", "shell"}, NeverTools: []string{"shell"}})
		defer h.close(t)
		stop := h.serve(t)
		expect := func(run, prompt, agent, reason string) {
			t.Helper()
			got := h.routed(t, run, prompt)
			if got.Agent != agent || got.Choice == nil || !strings.Contains(got.Choice.Reason, reason) {
				t.Errorf("%q went to %s, want %s: %+v", prompt, got.Agent, agent, got.Choice)
			}
		}
		expect("r1", "When is the deadline, in which time zone?", "scheduler", "no agent's specialty or prompt fits the task; spawned from template:scheduler")
		scheduler, _, err := h.agents.Agent(t.Context(), "", "scheduler")
		if err != nil || !slices.Equal(scheduler.Config.Tools, []string{"calculate"}) {
			t.Errorf("the scheduler has %q (%v): its clock is not granted by the policy", scheduler.Config.Tools, err)
		}
		expect("r2", "Which deadlines are in the calendar?", "scheduler", "scheduler fits best")

		// A runbook is a template too. What it calls and the policy never lets be called is no tool of it.
		meta := commands.Meta{ID: events.NameID(time.Now(), "book"), At: time.Now(), Actor: "user:anna"}
		if _, err := h.dispatch(t.Context(), commands.SaveRunbook{Meta: meta, Runbook: "harvest", Requester: "slack:T1:U1", Steps: []events.RunbookStep{
			{Name: "count", Instruction: "Count the apples.", Tool: "calculate"}, {Name: "press", Tool: "shell"}, {Name: "label", Tool: "missing"},
		}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		expect("r3", "How did the harvest of apples go?", "harvest", "spawned from runbook:harvest")
		harvest, _, err := h.agents.Agent(t.Context(), "", "harvest")
		if whose := []string{"slack:T1:U1"}; !slices.Equal(harvest.Config.Of, whose) || !slices.Equal(harvest.Specialist.Of, whose) {
			t.Errorf("it is told the words of %q, and spawned by those of %q", harvest.Config.Of, harvest.Specialist.Of)
		}
		if err != nil || !slices.Equal(harvest.Config.Tools, []string{"calculate"}) || !strings.Contains(harvest.Config.Prompt, "1. Count the apples. (with the tool calculate)") {
			t.Errorf("the harvester is %+v (%v)", harvest.Config, err)
		}
		expect("r4", "Translate this into French", events.Assistant, "there are 2 specialists, as many as the policy allows")
		stop()
		stop = h.serve(t) // the next process counts them too
		expect("r5", "Translate this into French", events.Assistant, "there are 2 specialists")
		meta.ID = events.NameID(time.Now(), "retire")
		if _, err := h.dispatch(t.Context(), commands.RetireAgent{Meta: meta, Agent: "scheduler"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		expect("r6", "When is the deadline?", events.Assistant, "scheduler would be spawned, and was retired")
		expect("r7", "xyzzy", events.Assistant, "no template or runbook fits")
		expect("r8", "Translate this into French", "translator", "spawned from template:translator")
		stop()
		budgets, err := h.models.Budgets(t.Context())
		if err != nil || len(budgets) != 3 || budgets[0].Budget != "agent:harvest" || budgets[0].LimitNanos != 3_000_000_000 {
			t.Errorf("the budgets are %+v (%v)", budgets, err)
		}
	})
}

// Many at once spawn no more than the policy allows, and each only once.
func TestSpecialistsAreCountedWhereManyAreAskedForAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := specialHouse(t, aggregates.Policy{Specialists: 3})
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Turns = 16 }
		for i, prompt := range []string{"Translate into French", "Summarize the report", "Debug my code", "Average the figures", "Brainstorm slogans", "Research the market"} {
			for n := range 3 {
				h.askOf(t, fmt.Sprint("r", i, n), "", prompt)
			}
		}
		stop := h.serve(t)
		time.Sleep(time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		rows, err := h.models.Agents(t.Context())
		spawned := 0
		for _, r := range rows {
			if r.Specialist != "" {
				spawned++
			}
		}
		if err != nil || spawned != 3 {
			t.Errorf("%d were spawned, want 3 (%v)", spawned, err)
		}
	})
}

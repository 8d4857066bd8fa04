package orchestrator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// askWithin asks a run that has a budget of its own.
func (h *house) askWithin(t *testing.T, run, agent, prompt string, limits commands.RunLimits) {
	t.Helper()
	meta := commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: "user:anna", Correlation: run}
	runs := orchestrator.Runs{Store: h.store, Dispatch: h.dispatch, Agents: h.agents, Models: h.models}
	if _, err := runs.Start(t.Context(), commands.StartRun{Meta: meta, Run: run, Workflow: "ask", Prompt: prompt, Agent: agent, Limits: &limits}); err != nil {
		t.Fatal(err)
	}
}

// raise gives a budget other limits beside money.
func (h *house) raise(t *testing.T, budget string, to events.Resources) {
	t.Helper()
	meta := commands.Meta{ID: events.NameID(time.Now(), "raise "+budget), At: time.Now(), Actor: "user:anna"}
	if _, err := h.dispatch(t.Context(), commands.SetBudget{Meta: meta, Budget: budget, AnyCost: true, Limits: to}); err != nil {
		t.Fatal(err)
	}
}

// waitsFor is what a run waits for, and why.
func (h *house) waitsFor(t *testing.T, run string) (events.RunSuspended, events.Outcome) {
	t.Helper()
	row, steps, err := h.models.Run(t.Context(), run)
	if err != nil {
		t.Fatal(err, steps)
	}
	var last events.RunSuspended
	for _, e := range h.stream(t, "run-"+run) {
		if fact, err := events.Decode(e); err == nil {
			if s, is := fact.(events.RunSuspended); is {
				last = s
			}
		}
	}
	if row.Suspended == "" {
		last = events.RunSuspended{}
	}
	return last, row.Outcome
}

func (h *house) budget(t *testing.T, name string) projections.BudgetRow {
	t.Helper()
	row, err := h.models.Budget(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestARunWaitsForTokensOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		model := h.dear(t)
		h.spawn(t, "clerk", events.AgentConfig{MaxTokens: 100})
		stop := h.serve(t)
		h.askWithin(t, "r1", "clerk", "go", commands.RunLimits{AnyCost: true, Limits: events.Resources{Tokens: 20}})
		h.askWithin(t, "r2", "clerk", "go", commands.RunLimits{AnyCost: true, Limits: events.Resources{Tokens: 20}, Fails: true})
		h.askWithin(t, "r3", "clerk", "go", commands.RunLimits{LimitNanos: 1, Limits: events.Resources{Tokens: 2000}})
		later(time.Minute)
		waits, _ := h.waitsFor(t, "r1")
		if waits.Budget != "run:r1" || waits.Unit != events.InTokens || !strings.Contains(waits.Reason, "of 20 tokens of run:r1") || !strings.Contains(waits.Reason, "virtuous6 budget run:r1 --tokens N") {
			t.Errorf("it waits for %+v", waits)
		}
		if _, outcome := h.waitsFor(t, "r2"); outcome != events.Failed {
			t.Errorf("the run that is to fail is %s", outcome)
		}
		if waits, _ := h.waitsFor(t, "r3"); waits.Unit != "" || waits.Nanos == 0 {
			t.Errorf("the one without money waits for %+v", waits)
		}
		stop()
		h.raise(t, "run:r1", events.Resources{Tokens: 500})
		stop = h.serve(t) // what the next process knows of it
		later(time.Minute)
		stop()
		if _, outcome := h.waitsFor(t, "r1"); outcome != events.Succeeded || model.calls.Load() != 1 {
			t.Errorf("with more tokens it is %s, after %d calls", outcome, model.calls.Load())
		}
		if b := h.budget(t, "run:r1"); b.UsedTokens != 2 || b.LimitTokens != 500 || b.SpentNanos != dearCost {
			t.Errorf("its budget: %+v", b)
		}
	})
}

// TestACallThatABudgetHasNoTimeForIsCutOff gives a run less time than its call takes: the call is cut off on the second, the run
// waits, and with more time it makes the call again.
func TestACallThatABudgetHasNoTimeForIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		model := h.dear(t) // takes two seconds
		h.spawn(t, "clerk", events.AgentConfig{MaxTokens: 100})
		stop := h.serve(t)
		h.askWithin(t, "r1", "clerk", "go", commands.RunLimits{AnyCost: true, Limits: events.Resources{TimeMS: 1500}})
		later(time.Minute)
		if waits, _ := h.waitsFor(t, "r1"); waits.Unit != events.InTime || waits.Starting == "" {
			t.Errorf("it waits for %+v", waits)
		}
		if b := h.budget(t, "run:r1"); b.UsedTimeMS != 1500 || b.Reached != 100 {
			t.Errorf("its budget: %+v", b)
		}
		h.raise(t, "run:r1", events.Resources{TimeMS: 60_000})
		later(time.Minute)
		stop()
		if _, outcome := h.waitsFor(t, "r1"); outcome != events.Succeeded || model.calls.Load() != 2 {
			t.Errorf("with more time it is %s, after %d calls", outcome, model.calls.Load())
		}
		if b := h.budget(t, "run:r1"); b.UsedTimeMS != 3500 {
			t.Errorf("its budget in the end: %+v", b)
		}
		want := []string{
			"run.started", "run.assigned", "run.step_started", "run.step_finished", "run.suspended", "run.resumed", "run.step_started", "run.llm_called",
			"run.step_finished", "run.finished",
		}
		if got := h.kinds(t, "run-r1"); !slices.Equal(got, want) {
			t.Errorf("the run tells %v, want %v", got, want)
		}
	})
}

// TestToolsTakeTimeToo has a tool that takes five seconds, twice at once: the first is cut off, the second finds no time, and
// the run waits before its next call.
func TestToolsTakeTimeToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		slow := agents.Tool{
			Name: "clock", Description: "Tells the time late.", Schema: json.RawMessage(`{"type":"object"}`), Repeatable: true,
			Call: func(ctx context.Context, _ agents.Call) (string, error) {
				select {
				case <-time.After(5 * time.Second): // the fake clock's
					return "late", nil
				case <-ctx.Done():
					return "", ctx.Err()
				}
			},
		}
		h.configure = func(c *orchestrator.Config) {
			c.Runner.Tools = agents.NewTools(append(slices.DeleteFunc(agents.BuiltIn(time.Now).All(), func(tool agents.Tool) bool { return tool.Name == slow.Name }), slow)...)
		}
		stop := h.serve(t)
		h.askWithin(t, "r1", events.Assistant, "clock", commands.RunLimits{AnyCost: true, Limits: events.Resources{TimeMS: 3000}})
		later(time.Minute)
		waits, _ := h.waitsFor(t, "r1")
		if waits.Unit != events.InTime || h.budget(t, "run:r1").UsedTimeMS < 3000 {
			t.Errorf("it waits for %+v: %+v", waits, h.budget(t, "run:r1"))
		}
		h.raise(t, "run:r1", events.Resources{TimeMS: 60_000})
		later(time.Minute)
		stop()
		row, steps, err := h.models.Run(t.Context(), "r1")
		if err != nil || row.Outcome != events.Succeeded || len(steps) != 3 || !strings.Contains(steps[1].Error, "no more time") {
			t.Errorf("with more time it is %s (%v): %+v", row.Outcome, err, steps)
		}
	})
}

func TestABudgetBoundsWhoIsSpawned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := specialHouse(t, aggregates.Policy{Specialists: 9})
		defer h.close(t)
		meta := commands.Meta{ID: events.NameID(time.Now(), "set"), At: time.Now(), Actor: "user:anna"}
		set := commands.SetBudget{Meta: meta, Budget: "all", Period: events.Daily, AnyCost: true, Limits: events.Resources{Agents: 1}}
		if _, err := h.dispatch(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		stop := h.serve(t)
		if got := h.routed(t, "r1", "Translate into French"); got.Agent != "translator" {
			t.Errorf("the first went to %+v", got)
		}
		if got := h.routed(t, "r2", "Summarize the report"); got.Agent != events.Assistant || !strings.Contains(got.Choice.Reason, "1 agents of 1 agents a day of all used") {
			t.Errorf("the second went to %s: %+v", got.Agent, got.Choice)
		}
		if b := h.budget(t, "all"); b.UsedAgents != 1 || b.Reached != 100 {
			t.Errorf("the budget: %+v", b)
		}
		later(24 * time.Hour)
		if got := h.routed(t, "r3", "Summarize the report"); got.Agent != "summarizer" {
			t.Errorf("the next day it went to %+v", got)
		}
		stop()
	})
}

// Agents that are spawned one for what another one's run asks are bounded in their depth, and in how many one of them brings about.
func TestABudgetBoundsHowAgentsSpawnOneAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := specialHouse(t, aggregates.Policy{Specialists: 9})
		defer h.close(t)
		bound := func(budget string, depth, fanout int64) {
			t.Helper()
			meta := commands.Meta{ID: events.NameID(time.Now(), fmt.Sprint(budget, depth, fanout)), At: time.Now(), Actor: "user:anna"}
			if _, err := h.dispatch(t.Context(), commands.SetBudget{Meta: meta, Budget: budget, Period: events.Total, AnyCost: true, Depth: depth, Fanout: fanout}); err != nil {
				t.Fatal(err)
			}
		}
		asks := func(by, run, prompt string) events.RunAssigned {
			t.Helper()
			meta := commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: "door:mcp", Correlation: run}
			if _, err := h.dispatch(t.Context(), commands.StartRun{Meta: meta, Run: run, Workflow: "ask", Prompt: prompt, AskedBy: by}); err != nil {
				t.Fatal(err)
			}
			return h.assignedOf(t, run)
		}
		bound("workspace:", 2, 0)
		stop := h.serve(t)
		for _, c := range []struct{ by, run, prompt, agent, reason string }{
			{"", "r1", "Translate into French", "translator", "spawned from"},
			{"r1", "r2", "Summarize the report", "summarizer", "spawned from"},
			{"r2", "r3", "Debug my code", events.Assistant, "would be spawned 3 deep, and budget workspace: allows 2; raise it with `virtuous6 budget workspace: --depth N`"},
			{"r1", "r4", "Debug my code", "programmer", "spawned from"},
			{"r1", "r5", "Schedule a deadline", events.Assistant, "would be number 3 of those spawned for what one agent asks, and budget agent:translator allows 2"},
			{"", "r6", "Schedule a deadline", "scheduler", "spawned from"}, // nobody's budget but the workspace's
		} {
			if got := asks(c.by, c.run, c.prompt); got.Agent != c.agent || !strings.Contains(got.Choice.Reason, c.reason) {
				t.Errorf("%s went to %s: %+v", c.run, got.Agent, got.Choice)
			}
			bound("agent:translator", 0, 2)
		}
		stop()
		summarizer, _, err := h.agents.Agent(t.Context(), "", "summarizer")
		if s := summarizer.Specialist; err != nil || s == nil || s.By != "translator" || s.Depth != 2 {
			t.Errorf("the summarizer is %+v (%v)", summarizer.Specialist, err)
		}
	})
}

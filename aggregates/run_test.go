package aggregates_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

var (
	started  = events.RunStarted{Run: "r", Workflow: "checkout"}
	step0    = events.RunStepStarted{Step: 0, Name: "plan", Type: events.ChatStep}
	step1    = events.RunStepStarted{Step: 1, Name: "look up", Type: events.ToolStep}
	step0End = events.RunStepFinished{Step: 0, Outcome: events.Succeeded}
	ended    = []events.Event{events.RunFinished{Outcome: events.Succeeded}, events.RunFailed{}, events.RunCancelled{}}
)

func TestStartRun(t *testing.T) {
	t.Parallel()
	source := &events.Source{Format: "runs", Record: "r", Digest: "ab"}
	scenarios{
		"happy": {
			when: commands.StartRun{
				Run: "r", Workflow: "checkout", Task: "refund", Requester: "user:anna", Prompt: "Refund.", Conversation: "c", Agent: "clerk",
				Labels: map[string]string{"a": "b"}, Source: source, Undated: true,
			},
			then: []events.Event{events.RunStarted{
				Run: "r", Workflow: "checkout", Task: "refund", Requester: "user:anna", Prompt: "Refund.", Conversation: "c", Agent: "clerk",
				Labels: map[string]string{"a": "b"}, Source: source, Undated: true,
			}},
		},
		"a conversation of two lines": {
			when: commands.StartRun{Run: "r", Workflow: "checkout", Conversation: "c\nd"}, err: aggregates.ErrInvalid,
		},
		"a session of two lines, as its source has it": {
			when: commands.StartRun{Run: "r", Workflow: "checkout", Conversation: "c\nd", Source: source},
			then: []events.Event{events.RunStarted{Run: "r", Workflow: "checkout", Conversation: "c\nd", Source: source}},
		},
		"there already": {given: []events.Event{started}, when: commands.StartRun{Run: "r", Workflow: "checkout"}, err: aggregates.ErrExists},
		"ended already": {given: append([]events.Event{started}, ended[0]), when: commands.StartRun{Run: "r", Workflow: "checkout"}, err: aggregates.ErrExists},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.StartRun{Run: name, Workflow: "checkout"} })
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.StartRun{Run: "r", Workflow: name} })
}

func TestStartStep(t *testing.T) {
	t.Parallel()
	in := func(change func(*commands.StartStep)) commands.StartStep {
		c := commands.StartStep{Run: "r", Step: 1, Name: "look up", Type: events.ToolStep}
		change(&c)
		return c
	}
	open := []events.Event{started, step0}
	scenarios{
		"happy": {
			given: open,
			when: commands.StartStep{
				Run: "r", Step: 1, Name: "look up", Type: events.ToolStep, Agent: "clerk", Tool: "orders", Model: "m", Parent: ptr(0),
				DependsOn: []int{0}, Labels: map[string]string{"a": "b"}, Undated: true,
			},
			then: []events.Event{events.RunStepStarted{
				Step: 1, Name: "look up", Type: events.ToolStep, Agent: "clerk", Tool: "orders", Model: "m", Parent: ptr(0),
				DependsOn: []int{0}, Labels: map[string]string{"a": "b"}, Undated: true,
			}},
		},
		"first":        {given: []events.Event{started}, when: commands.StartStep{Run: "r", Name: "plan", Type: events.ChatStep}, then: []events.Event{step0}},
		"no run":       {when: in(func(*commands.StartStep) {}), err: aggregates.ErrMissing},
		"a gap":        {given: open, when: in(func(c *commands.StartStep) { c.Step = 2 }), err: aggregates.ErrInvalid},
		"again":        {given: open, when: in(func(c *commands.StartStep) { c.Step = 0 }), err: aggregates.ErrInvalid},
		"negative":     {given: []events.Event{started}, when: in(func(c *commands.StartStep) { c.Step = -1 }), err: aggregates.ErrInvalid},
		"no name":      {given: open, when: in(func(c *commands.StartStep) { c.Name = "" }), err: aggregates.ErrInvalid},
		"no type":      {given: open, when: in(func(c *commands.StartStep) { c.Type = "" }), err: aggregates.ErrInvalid},
		"unknown type": {given: open, when: in(func(c *commands.StartStep) { c.Type = "dream" }), err: aggregates.ErrInvalid},
		"needs itself": {given: open, when: in(func(c *commands.StartStep) { c.DependsOn = []int{0, 1} }), err: aggregates.ErrInvalid},
		"needs none":   {given: open, when: in(func(c *commands.StartStep) { c.DependsOn = []int{-1} }), err: aggregates.ErrInvalid},
		"in itself":    {given: open, when: in(func(c *commands.StartStep) { c.Parent = ptr(1) }), err: aggregates.ErrInvalid},
		"in none":      {given: open, when: in(func(c *commands.StartStep) { c.Parent = ptr(-1) }), err: aggregates.ErrInvalid},
	}.run(t)
}

func TestFinishStep(t *testing.T) {
	t.Parallel()
	in := func(change func(*commands.FinishStep)) commands.FinishStep {
		c := commands.FinishStep{Run: "r", Step: 0, Outcome: events.Succeeded}
		change(&c)
		return c
	}
	open := []events.Event{started, step0, step1}
	scenarios{
		"happy": {
			given: open,
			when: commands.FinishStep{
				Run: "r", Step: 1, Outcome: events.Failed, Error: "no order", Model: "m-2", InputTokens: 3, OutputTokens: 2, CachedTokens: 1,
				CostNanos: 5, Unpriced: true, Undated: true,
			},
			then: []events.Event{events.RunStepFinished{
				Step: 1, Outcome: events.Failed, Error: "no order", Model: "m-2", InputTokens: 3, OutputTokens: 2, CachedTokens: 1,
				CostNanos: 5, Unpriced: true, Undated: true,
			}},
		},
		"the earlier one":  {given: open, when: in(func(*commands.FinishStep) {}), then: []events.Event{step0End}},
		"cancelled":        {given: open, when: in(func(c *commands.FinishStep) { c.Outcome = events.Cancelled }), then: []events.Event{events.RunStepFinished{Outcome: events.Cancelled}}},
		"unrated":          {given: open, when: in(func(c *commands.FinishStep) { c.Outcome = events.Unrated }), then: []events.Event{events.RunStepFinished{Outcome: events.Unrated}}},
		"no run":           {when: in(func(*commands.FinishStep) {}), err: aggregates.ErrMissing},
		"never started":    {given: open, when: in(func(c *commands.FinishStep) { c.Step = 2 }), err: aggregates.ErrInvalid},
		"negative":         {given: open, when: in(func(c *commands.FinishStep) { c.Step = -1 }), err: aggregates.ErrInvalid},
		"twice":            {given: append(open[:3:3], step0End), when: in(func(*commands.FinishStep) {}), err: aggregates.ErrInvalid},
		"no outcome":       {given: open, when: in(func(c *commands.FinishStep) { c.Outcome = "" }), err: aggregates.ErrInvalid},
		"unknown outcome":  {given: open, when: in(func(c *commands.FinishStep) { c.Outcome = "won" }), err: aggregates.ErrInvalid},
		"negative input":   {given: open, when: in(func(c *commands.FinishStep) { c.InputTokens = -1 }), err: aggregates.ErrInvalid},
		"negative output":  {given: open, when: in(func(c *commands.FinishStep) { c.OutputTokens = -1 }), err: aggregates.ErrInvalid},
		"negative cached":  {given: open, when: in(func(c *commands.FinishStep) { c.CachedTokens = -1 }), err: aggregates.ErrInvalid},
		"negative cost":    {given: open, when: in(func(c *commands.FinishStep) { c.CostNanos = -1 }), err: aggregates.ErrInvalid},
		"after the end":    {given: append(open[:3:3], ended[1]), when: in(func(*commands.FinishStep) {}), err: aggregates.ErrEnded},
		"damaged: unknown": {given: []events.Event{started, step1}, when: in(func(c *commands.FinishStep) { c.Step = 1 }), err: aggregates.ErrInvalid},
	}.run(t)
}

func TestRecordLLMCall(t *testing.T) {
	t.Parallel()
	said := []events.Message{{Role: "assistant", Content: "Done."}}
	asked := []events.Message{{Role: "user", Content: "Refund."}}
	scenarios{
		"happy": {
			given: []events.Event{started, step0},
			when: commands.RecordLLMCall{
				Run: "r", Step: ptr(0), Model: "m", Provider: "p", Asked: asked, Answered: said,
				Params: json.RawMessage(`{"seed":1}`), FinishReason: "stop", Scripted: true,
			},
			then: []events.Event{events.RunLLMCalled{
				Step: ptr(0), Model: "m", Provider: "p", Asked: asked, Answered: said,
				Params: json.RawMessage(`{"seed":1}`), FinishReason: "stop", Scripted: true,
			}},
		},
		"of no step":         {given: []events.Event{started}, when: commands.RecordLLMCall{Run: "r"}, then: []events.Event{events.RunLLMCalled{}}},
		"of a finished step": {given: []events.Event{started, step0, step0End}, when: commands.RecordLLMCall{Run: "r", Step: ptr(0)}, then: []events.Event{events.RunLLMCalled{Step: ptr(0)}}},
		"of a step to come":  {given: []events.Event{started, step0}, when: commands.RecordLLMCall{Run: "r", Step: ptr(1)}, err: aggregates.ErrInvalid},
		"of a negative step": {given: []events.Event{started, step0}, when: commands.RecordLLMCall{Run: "r", Step: ptr(-1)}, err: aggregates.ErrInvalid},
		"no JSON":            {given: []events.Event{started}, when: commands.RecordLLMCall{Run: "r", Params: json.RawMessage(`{`)}, err: aggregates.ErrInvalid},
		"no run":             {when: commands.RecordLLMCall{Run: "r"}, err: aggregates.ErrMissing},
	}.run(t)
}

func TestAssignRun(t *testing.T) {
	t.Parallel()
	assign := commands.AssignRun{Run: "r", Agent: "clerk", Revision: 2, Model: "small", Arms: []events.Arm{{Experiment: "x", Arm: "b", Permille: 50}}, Earlier: []string{"r0"}}
	assigned := events.RunAssigned{Agent: "clerk", Revision: 2, Model: "small", Arms: assign.Arms, Earlier: assign.Earlier}
	never := assign
	never.Arms = []events.Arm{{Experiment: "x", Arm: "b"}}
	scenarios{
		"once":         {given: []events.Event{started}, when: assign, then: []events.Event{assigned}},
		"twice":        {given: []events.Event{started, assigned}, when: assign, err: aggregates.ErrExists},
		"to nobody":    {given: []events.Event{started}, when: commands.AssignRun{Run: "r"}, err: aggregates.ErrInvalid},
		"by no chance": {given: []events.Event{started}, when: never, err: aggregates.ErrInvalid},
		"to another one than was asked": {
			given: []events.Event{events.RunStarted{Run: "r", Workflow: "checkout", Agent: "poet"}}, when: assign, err: aggregates.ErrInvalid,
		},
		"to the one that fits": {
			given: []events.Event{started}, when: commands.AssignRun{Run: "r", Agent: "clerk", Choice: &events.Choice{Reason: "x"}},
			then: []events.Event{events.RunAssigned{Agent: "clerk", Choice: &events.Choice{Reason: "x"}}},
		},
		"before it began": {when: assign, err: aggregates.ErrMissing},
	}.run(t)
}

func TestRecordToolCall(t *testing.T) {
	t.Parallel()
	result := events.Message{Role: "tool", Content: "sent", ToolCallID: "c"}
	record := commands.RecordToolCall{Run: "r", Step: 0, Call: 1, Result: result}
	recorded := events.RunToolCalled{Step: 0, Call: 1, Result: result}
	scenarios{
		"in its step": {given: []events.Event{started, step0}, when: record, then: []events.Event{recorded}},
		"of a skill": {
			given: []events.Event{started, step0}, when: commands.RecordToolCall{Run: "r", Step: 0, Call: 1, Result: result, Loaded: &events.RunSkillLoaded{Skill: "refunds", Digest: "d"}},
			then: []events.Event{recorded, events.RunSkillLoaded{Step: 0, Skill: "refunds", Digest: "d"}},
		},
		"with an error that a fix is known for": {
			given: []events.Event{started, step0}, when: commands.RecordToolCall{Run: "r", Step: 0, Call: 1, Result: result, Fix: &events.RunFixKnown{Fix: "4f0c1be2a7d3", Told: true}},
			then: []events.Event{recorded, events.RunFixKnown{Step: 0, Fix: "4f0c1be2a7d3", Told: true}},
		},
		"in a step that is over": {given: []events.Event{started, step0, recorded, events.RunStepFinished{Step: 0}}, when: record, err: aggregates.ErrInvalid},
		"in a step that is not":  {given: []events.Event{started}, when: record, err: aggregates.ErrInvalid},
	}.run(t)
}

func TestEndRun(t *testing.T) {
	t.Parallel()
	history := started
	history.Source = &events.Source{Format: "runs"}
	open := []events.Event{history, step0}
	chat, tool := events.RunStepStarted{Step: 0, Name: "chat", Type: events.ChatStep}, events.RunStepStarted{Step: 1, Name: "mail", Type: events.ToolStep}
	all := scenarios{
		"cancel a live one with steps under way": {
			given: []events.Event{started, chat, tool}, when: commands.CancelRun{Run: "r", Reason: "enough"},
			then: []events.Event{
				events.RunStepFinished{Step: 0, Outcome: events.Cancelled, Error: "enough", Unpriced: true},
				events.RunStepFinished{Step: 1, Outcome: events.Cancelled, Error: "enough"}, events.RunCancelled{Reason: "enough"},
			},
		},
		"fail a live one whose steps are over": {
			given: []events.Event{started, chat, events.RunStepFinished{Step: 0}}, when: commands.FailRun{Run: "r", Error: "cut", FinishReason: "length"},
			then: []events.Event{events.RunFailed{Error: "cut", FinishReason: "length"}},
		},
		"finish": {
			given: open,
			when:  commands.FinishRun{Run: "r", Outcome: events.Succeeded, Answer: "Done.", CostNanos: 5, UnpricedCalls: 2, Undated: true},
			then:  []events.Event{events.RunFinished{Outcome: events.Succeeded, Answer: "Done.", CostNanos: 5, UnpricedCalls: 2, Undated: true}},
		},
		"finish unrated": {
			given: open, when: commands.FinishRun{Run: "r", Outcome: events.Unrated}, then: []events.Event{events.RunFinished{Outcome: events.Unrated}},
		},
		"finish as failed":    {given: open, when: commands.FinishRun{Run: "r", Outcome: events.Failed}, err: aggregates.ErrInvalid},
		"finish as cancelled": {given: open, when: commands.FinishRun{Run: "r", Outcome: events.Cancelled}, err: aggregates.ErrInvalid},
		"finish as nothing":   {given: open, when: commands.FinishRun{Run: "r"}, err: aggregates.ErrInvalid},
		"finish below 0":      {given: open, when: commands.FinishRun{Run: "r", Outcome: events.Succeeded, CostNanos: -1}, err: aggregates.ErrInvalid},
		"fail": {
			given: open,
			when:  commands.FailRun{Run: "r", Error: "no order", CostNanos: 5, UnpricedCalls: 1, Undated: true},
			then:  []events.Event{events.RunFailed{Error: "no order", CostNanos: 5, UnpricedCalls: 1, Undated: true}},
		},
		"fewer than no calls": {given: open, when: commands.FinishRun{Run: "r", Outcome: events.Succeeded, UnpricedCalls: -1}, err: aggregates.ErrInvalid},
		"fail below 0":        {given: open, when: commands.FailRun{Run: "r", CostNanos: -1}, err: aggregates.ErrInvalid},
		"cancel": {
			given: open,
			when:  commands.CancelRun{Run: "r", Reason: "enough", CostNanos: 5, UnpricedCalls: 1, Undated: true},
			then:  []events.Event{events.RunCancelled{Reason: "enough", CostNanos: 5, UnpricedCalls: 1, Undated: true}},
		},
		"cancel below 0": {given: open, when: commands.CancelRun{Run: "r", CostNanos: -1}, err: aggregates.ErrInvalid},
	}
	late := map[string]commands.Command{
		"finish": commands.FinishRun{Run: "r", Outcome: events.Succeeded}, "fail": commands.FailRun{Run: "r"}, "cancel": commands.CancelRun{Run: "r"},
		"step": commands.StartStep{Run: "r", Step: 1, Name: "n", Type: events.ToolStep}, "call": commands.RecordLLMCall{Run: "r"},
	}
	for name, c := range late {
		all["no run: "+name] = scenario{when: c, err: aggregates.ErrMissing}
		for _, end := range ended {
			all[name+" after "+end.Kind()] = scenario{given: append(open[:2:2], end), when: c, err: aggregates.ErrEnded}
		}
	}
	all.run(t)
}

// A hostile history can have every step open at once: 20,000 of them must neither be confused nor take a square of
// the time.
func TestManyStepsOpenAtOnce(t *testing.T) {
	t.Parallel()
	const steps = 20_000
	run := newInstance(t, aggregates.Policy{}, commands.StartRun{Run: "r"})
	take := func(c commands.Command) {
		t.Helper()
		facts, err := run.Decide(c)
		if err != nil {
			t.Fatal(err)
		}
		fold(t, run, facts)
	}
	take(commands.StartRun{Run: "r", Workflow: "checkout"})
	for i := range steps {
		take(commands.StartStep{Run: "r", Step: i, Name: "n", Type: events.ToolStep})
	}
	for i := range steps {
		take(commands.FinishStep{Run: "r", Step: steps - 1 - i, Outcome: events.Succeeded})
	}
	for i := range steps {
		if _, err := run.Decide(commands.FinishStep{Run: "r", Step: i, Outcome: events.Succeeded}); !errors.Is(err, aggregates.ErrInvalid) {
			t.Fatalf("step %d finishes twice: %v", i, err)
		}
	}
}

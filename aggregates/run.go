package aggregates

import (
	"encoding/json"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type runState struct {
	started, assigned, ended bool
	// agent is who it was asked of, empty where it goes to whoever fits best.
	agent string
	// live tells that it is no history, and asking holds the calls to a model that have not finished.
	live   bool
	asking openSteps
	// steps counts the steps started; open holds those that have not finished.
	steps int
	open  openSteps
	// suspended is the budget that it waits for, empty where it does not.
	suspended string
	// approvals are those that were asked for since the last answer of the model.
	approvals []approval
}

func run(policies Policies) Decider[runState, commands.Run, events.Run] {
	return Decider[runState, commands.Run, events.Run]{
		Initial: func() runState { return runState{} },
		Decide: func(c commands.Run, s runState) ([]events.Run, error) {
			return decideRun(policies(c.About().Workspace), c, s)
		},
		Evolve: evolveRun,
	}
}

func decideRun(p Policy, c commands.Run, s runState) ([]events.Run, error) {
	_, first := c.(commands.StartRun)
	switch {
	case !first && !s.started:
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
	case !first && s.ended:
		// A late cancel loses too: it can reach us after the run ended.
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrEnded)
	}
	switch c := c.(type) {
	case commands.StartRun:
		return startRun(c, s)
	case commands.AssignRun:
		return assignRun(c, s)
	case commands.RecordToolCall:
		if !s.open.has(c.Step) {
			return nil, fmt.Errorf("%w: step %d is not open", ErrInvalid, c.Step)
		}
		facts := []events.Run{events.RunToolCalled{Step: c.Step, Call: c.Call, Result: c.Result, Unknown: c.Unknown}}
		if l := c.Loaded; l != nil {
			facts = append(facts, events.RunSkillLoaded{Step: c.Step, Skill: l.Skill, Digest: l.Digest, File: l.File})
		}
		if f := c.Fix; f != nil {
			facts = append(facts, events.RunFixKnown{Step: c.Step, Fix: f.Fix, Told: f.Told})
		}
		return facts, nil
	case commands.RecordDraft:
		return recordDraft(c, s)
	case commands.StartStep:
		if err := mayCall(p, c, s); err != nil {
			return nil, err
		}
		return startStep(c, s)
	case commands.AskApproval:
		return askApproval(p, c, s)
	case commands.AnswerApproval:
		return answerApproval(c, s)
	case commands.SuspendRun:
		if !s.live || s.suspended != "" || c.Fact.Budget == "" {
			return nil, fmt.Errorf("run %s: %w: it is imported or suspended already, or waits for no budget", c.Run, ErrState)
		}
		return []events.Run{c.Fact}, nil
	case commands.ResumeRun:
		if s.suspended == "" {
			return nil, fmt.Errorf("run %s: %w: it is not suspended", c.Run, ErrState)
		}
		return []events.Run{events.RunResumed{Budget: s.suspended, ShareNanos: c.ShareNanos}}, nil
	case commands.FinishStep:
		return finishStep(c, s)
	case commands.RecordLLMCall:
		return recordLLMCall(c, s)
	case commands.FinishRun:
		if c.Outcome != events.Succeeded && c.Outcome != events.Unrated {
			return nil, fmt.Errorf("%w: a run finishes as %q or %q, not as %q", ErrInvalid, events.Succeeded, events.Unrated, c.Outcome)
		}
		if err := checkCost(c.CostNanos, c.UnpricedCalls); err != nil {
			return nil, err
		}
		return s.end(events.RunFinished{Outcome: c.Outcome, Answer: c.Answer, FinishReason: c.FinishReason, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls, Undated: c.Undated}, ""), nil
	case commands.FailRun:
		if err := checkCost(c.CostNanos, c.UnpricedCalls); err != nil {
			return nil, err
		}
		return s.end(events.RunFailed{Error: c.Error, Failure: c.Failure, FinishReason: c.FinishReason, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls, Undated: c.Undated}, c.Error), nil
	case commands.CancelRun:
		if err := checkCost(c.CostNanos, c.UnpricedCalls); err != nil {
			return nil, err
		}
		return s.end(events.RunCancelled{Reason: c.Reason, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls, Undated: c.Undated}, c.Reason), nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

// end ends a run. Steps of a live one that are under way end before it: a call to a model that was cut off may have been
// billed, and nobody knows at how much.
func (s runState) end(end events.Run, why string) []events.Run {
	facts := s.withdrawn(why)
	if s.live {
		for _, step := range s.open.all() {
			facts = append(facts, events.RunStepFinished{Step: step, Outcome: events.Cancelled, Error: why, Unpriced: s.asking.has(step)})
		}
	}
	return append(facts, end)
}

func startRun(c commands.StartRun, s runState) ([]events.Run, error) {
	if s.started {
		return nil, fmt.Errorf("run %s: %w", c.Run, ErrExists)
	}
	if err := checkName("run", c.Run); err != nil {
		return nil, err
	}
	if err := checkName("workflow", c.Workflow); err != nil {
		return nil, fmt.Errorf("run %s: %w", c.Run, err)
	}
	if len(c.Schema) > 0 && !json.Valid(c.Schema) {
		return nil, fmt.Errorf("%w: run %s: the schema of its answer is no JSON", ErrInvalid, c.Run)
	}
	// A live run sees what was said in its conversation. What a source calls a session is taken as it is.
	if c.Source == nil && c.Conversation != "" {
		if err := checkName("conversation", c.Conversation); err != nil {
			return nil, fmt.Errorf("run %s: %w", c.Run, err)
		}
	}
	return []events.Run{events.RunStarted{
		Run: c.Run, Workflow: c.Workflow, Task: c.Task, Requester: c.Requester, Prompt: c.Prompt, Of: c.Of, Goal: c.Goal, ShareNanos: c.ShareNanos, Tool: c.Tool, Params: c.Params, Agent: c.Agent, AskedBy: c.AskedBy,
		Conversation: c.Conversation, Labels: c.Labels, Source: c.Source, Undated: c.Undated, Summarises: c.Summarises, Phrases: c.Phrases, Schema: compact(c.Schema),
	}}, nil
}

func assignRun(c commands.AssignRun, s runState) ([]events.Run, error) {
	if s.assigned {
		return nil, fmt.Errorf("the assignment of run %s: %w", c.Run, ErrExists)
	}
	if err := checkName("agent", c.Agent); err != nil {
		return nil, fmt.Errorf("run %s: %w", c.Run, err)
	}
	// One that is named is never replaced.
	if s.agent != "" && c.Agent != s.agent {
		return nil, fmt.Errorf("%w: run %s was asked of %s, and goes to nobody else", ErrInvalid, c.Run, s.agent)
	}
	if err := checkArms(c.Arms); err != nil {
		return nil, fmt.Errorf("run %s: %w", c.Run, err)
	}
	return []events.Run{events.RunAssigned{Agent: c.Agent, Revision: c.Revision, Model: c.Model, Arms: c.Arms, Earlier: c.Earlier, Summaries: c.Summaries, Choice: c.Choice}}, nil
}

func startStep(c commands.StartStep, s runState) ([]events.Run, error) {
	if c.Step != s.steps {
		return nil, fmt.Errorf("%w: step %d starts, the next one is %d", ErrInvalid, c.Step, s.steps)
	}
	if err := checkName("step name", c.Name); err != nil {
		return nil, fmt.Errorf("step %d: %w", c.Step, err)
	}
	switch c.Type {
	case events.ChatStep, events.ToolStep, events.AgentStep, events.WorkflowStep, events.RetrievalStep, events.ActivityStep:
	default:
		return nil, fmt.Errorf("%w: step %d has the unknown type %q", ErrInvalid, c.Step, c.Type)
	}
	for _, on := range c.DependsOn {
		if on < 0 || on >= c.Step {
			return nil, fmt.Errorf("%w: step %d depends on %d, which is no earlier step", ErrInvalid, c.Step, on)
		}
	}
	if c.Parent != nil && (*c.Parent < 0 || *c.Parent >= c.Step) {
		return nil, fmt.Errorf("%w: step %d lies in %d, which is no earlier step", ErrInvalid, c.Step, *c.Parent)
	}
	return []events.Run{events.RunStepStarted{
		Step: c.Step, Name: c.Name, Type: c.Type, Agent: c.Agent, Tool: c.Tool, Model: c.Model,
		Parent: c.Parent, Call: c.Call, DependsOn: c.DependsOn, Labels: c.Labels, Undated: c.Undated,
	}}, nil
}

func finishStep(c commands.FinishStep, s runState) ([]events.Run, error) {
	if !s.open.has(c.Step) {
		return nil, fmt.Errorf("%w: step %d is not open", ErrInvalid, c.Step)
	}
	switch c.Outcome {
	case events.Succeeded, events.Failed, events.Cancelled, events.Unrated:
	default:
		return nil, fmt.Errorf("%w: step %d ends with the unknown outcome %q", ErrInvalid, c.Step, c.Outcome)
	}
	if c.InputTokens < 0 || c.OutputTokens < 0 || c.CachedTokens < 0 {
		return nil, fmt.Errorf("%w: step %d has a negative number of tokens", ErrInvalid, c.Step)
	}
	if err := checkCost(c.CostNanos, 0); err != nil {
		return nil, fmt.Errorf("step %d: %w", c.Step, err)
	}
	return []events.Run{events.RunStepFinished{
		Step: c.Step, Outcome: c.Outcome, Error: c.Error, Model: c.Model, InputTokens: c.InputTokens,
		OutputTokens: c.OutputTokens, CachedTokens: c.CachedTokens, CostNanos: c.CostNanos, Unpriced: c.Unpriced, Undated: c.Undated,
	}}, nil
}

func recordLLMCall(c commands.RecordLLMCall, s runState) ([]events.Run, error) {
	if c.Step != nil && (*c.Step < 0 || *c.Step >= s.steps) {
		return nil, fmt.Errorf("%w: a call names step %d, which has not started", ErrInvalid, *c.Step)
	}
	if len(c.Params) > 0 && !json.Valid(c.Params) {
		return nil, fmt.Errorf("%w: a call's parameters are not JSON", ErrInvalid)
	}
	return []events.Run{events.RunLLMCalled{
		Step: c.Step, Model: c.Model, Provider: c.Provider, Asked: c.Asked, Answered: c.Answered,
		Params: c.Params, FinishReason: c.FinishReason, Scripted: c.Scripted, Invalid: c.Invalid, Failed: c.Failed,
	}}, nil
}

func recordDraft(c commands.RecordDraft, s runState) ([]events.Run, error) {
	switch {
	case !s.live || s.assigned:
		return nil, fmt.Errorf("run %s: %w: it is imported or given to somebody already, and lacks no specialist", c.Run, ErrState)
	case !s.asking.has(c.Fact.Step):
		return nil, fmt.Errorf("%w: step %d asks no model", ErrInvalid, c.Fact.Step)
	case (c.Fact.Prompt == "") == (c.Fact.Invalid == ""):
		return nil, fmt.Errorf("%w: a draft is taken or refused, and one of the two is told", ErrInvalid)
	}
	return []events.Run{c.Fact}, nil
}

func checkCost(n events.Nanos, unpriced int64) error {
	switch {
	case n < 0:
		return fmt.Errorf("%w: the cost %s is negative", ErrInvalid, n)
	case unpriced < 0:
		return fmt.Errorf("%w: %d calls without a price", ErrInvalid, unpriced)
	}
	return nil
}

func evolveRun(s runState, e events.Run) runState {
	switch e := e.(type) {
	case events.RunStarted:
		s.started, s.live, s.agent = true, e.Source == nil, e.Agent
	case events.RunStepStarted:
		// No decider let another number through: in a damaged history it opens nothing.
		if e.Step == s.steps {
			s.steps, s.open = s.steps+1, s.open.with(e.Step)
			if s.live && e.Type == events.ChatStep {
				s.asking = s.asking.with(e.Step)
			}
		}
	case events.RunStepFinished:
		if s.open.has(e.Step) {
			s.open = s.open.without(e.Step)
			if s.asking.has(e.Step) {
				s.asking = s.asking.without(e.Step)
			}
		}
	case events.RunAssigned:
		s.assigned = true
	case events.RunLLMCalled:
		s.approvals = nil
	case events.RunApprovalAsked:
		s = s.asked(e)
	case events.RunApprovalAnswered:
		s = s.answered(e)
	case events.RunSuspended:
		s.suspended = e.Budget
	case events.RunResumed:
		s.suspended = ""
	case events.RunToolCalled, events.RunSkillLoaded, events.RunFixKnown, events.RunSpecialistDrafted:
	case events.RunFinished, events.RunFailed, events.RunCancelled:
		s.ended = true
	}
	return s
}

package aggregates_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// anything draws a fact of one kind with any content at all: what a damaged or forged log may hold.
func anything[E events.Event]() *rapid.Generator[events.Event] {
	return rapid.Map(rapid.Make[E](), func(e E) events.Event { return e })
}

// facts are the kinds by category.
func facts() map[string][]*rapid.Generator[events.Event] {
	step := rapid.IntRange(-1, 6)
	return map[string][]*rapid.Generator[events.Event]{
		"agent":  {anything[events.AgentSpawned](), anything[events.AgentConfigured](), anything[events.AgentAdopted](), anything[events.AgentRetired](), anything[events.AgentRested](), anything[events.AgentWoken]()},
		"budget": {anything[events.BudgetSet](), anything[events.BudgetReached](), anything[events.BudgetExhausted](), anything[events.BudgetReserved](), anything[events.BudgetSettled]()},
		"experiment": {
			anything[events.ExperimentPlanned](), anything[events.ExperimentStarted](), anything[events.ExperimentMoved](), anything[events.ExperimentAllocated](), anything[events.ExperimentProved](),
			anything[events.ExperimentPromoted](), anything[events.ExperimentRolledBack](), anything[events.ExperimentStopped](),
			anything[events.ExperimentExpired](),
		},
		"feedback": {anything[events.FeedbackGiven]()},
		"goal": {
			anything[events.GoalCreated](), anything[events.GoalPlanAsked](), anything[events.GoalPlanned](), anything[events.GoalPlanRefused](),
			anything[events.GoalStarted](), anything[events.GoalApproved](), anything[events.GoalTaskShort](), anything[events.GoalTaskAllotted](), anything[events.GoalTaskStarted](), anything[events.GoalTaskFinished](), anything[events.GoalTaskFailed](),
			anything[events.GoalTaskSkipped](), anything[events.GoalTaskChanged](), anything[events.GoalTaskAnswered](), anything[events.GoalTold](), anything[events.GoalAgentAsked](), anything[events.GoalAgentAnswered](), anything[events.GoalTaskHandedOver](), anything[events.GoalTasksAssigned](), anything[events.GoalPaused](), anything[events.GoalResumed](), anything[events.GoalLimited](),
			anything[events.GoalCancelled](), anything[events.GoalFinished](),
			// Names that fit are the ones that change something.
			rapid.Just[events.Event](events.GoalPlanned{Tasks: []events.GoalTask{{Task: "a"}, {Task: "b", DependsOn: []string{"a"}}}}),
			rapid.Just[events.Event](events.GoalTaskStarted{Task: "a", Run: "g.a.1"}), rapid.Just[events.Event](events.GoalTaskFinished{Task: "a"}),
			rapid.Just[events.Event](events.GoalTaskFailed{Task: "b", Next: events.TaskRetried}), rapid.Just[events.Event](events.GoalTaskSkipped{Task: "b"}),
		},
		"improvement": {
			anything[events.ImprovementProposed](), anything[events.ImprovementEvidenceChanged](), anything[events.ImprovementApproved](), anything[events.ImprovementRejected](),
			anything[events.ImprovementApplied](), anything[events.ImprovementRolledBack](), anything[events.ImprovementEffectMeasured](),
		},
		"ledger":  {anything[events.LogSealed]()},
		"dataset": {anything[events.DatasetRunAdded]()},
		"eval":    {anything[events.EvalFinished]()},
		"judge":   {anything[events.JudgeMeasured]()},
		"role":    {anything[events.RoleAsked](), anything[events.RoleAnswered](), anything[events.RoleSilenced]()},
		"analyst": {
			anything[events.AnalystScored](), rapid.Just[events.Event](events.AnalystScored{Improvement: "i", Doubt: 50}), anything[events.AnalystBound](), anything[events.AnalystFreed](),
		},
		"loop":         {anything[events.LoopPaused](), anything[events.LoopResumed]()},
		"conversation": {anything[events.ConversationSummarised]()},
		"person":       {anything[events.PersonErased]()},
		"policy":       {anything[events.PolicySet]()},
		"trigger":      {anything[events.TriggerSet](), anything[events.TriggerRemoved]()},
		"timer":        {anything[events.TimerFired]()},
		"run": {
			anything[events.RunAssigned](), anything[events.RunToolCalled](), anything[events.RunSkillLoaded](), anything[events.RunFixKnown](), anything[events.RunSpecialistDrafted](), anything[events.RunApprovalAsked](), anything[events.RunApprovalAnswered](), anything[events.RunSuspended](), anything[events.RunResumed](),
			rapid.Just[events.Event](events.RunApprovalAsked{Approval: "1"}), rapid.Just[events.Event](events.RunApprovalAnswered{Approval: "1", Answer: events.ApprovalGranted}),
			anything[events.RunStarted](), anything[events.RunStepStarted](), anything[events.RunStepFinished](), anything[events.RunLLMCalled](),
			anything[events.RunFinished](), anything[events.RunFailed](), anything[events.RunCancelled](),
			// Numbers that nearly fit are the ones that confuse.
			rapid.Map(step, func(n int) events.Event { return events.RunStepStarted{Step: n} }),
			rapid.Map(step, func(n int) events.Event { return events.RunStepFinished{Step: n} }),
		},
		"review":  {anything[events.ReviewAsked](), anything[events.ReviewJudged](), anything[events.ReviewClosed]()},
		"rule":    {anything[events.RuleSet]()},
		"runbook": {anything[events.RunbookSaved]()},
		"slack": {
			anything[events.SlackInteracted](), anything[events.SlackThreadOpened](), anything[events.SlackStreamStarted](),
			anything[events.SlackPosted](),
		},
		"task":  {anything[events.TaskOpened](), anything[events.TaskUpdated]()},
		"token": {anything[events.TokenCreated](), anything[events.TokenRevoked]()},
		"skill": {anything[events.SkillSaved]()},
		"tool":  {anything[events.ToolPinned](), anything[events.ToolChanged](), anything[events.ToolAccepted]()},
		"verdict": {
			anything[events.VerdictGiven](),
			rapid.Just[events.Event](events.VerdictGiven{Run: "r", Verdict: events.Failed, From: events.ByPerson}),
			rapid.Just[events.Event](events.VerdictGiven{Run: "r", Verdict: events.Succeeded, From: events.ByRule, By: "a>1"}),
		},
	}
}

func TestEveryKindIsDrawn(t *testing.T) {
	t.Parallel()
	var kinds []string
	for _, generators := range facts() {
		for _, g := range generators {
			kinds = append(kinds, g.Example().Kind())
		}
	}
	for _, kind := range events.Known.Kinds() {
		if !slices.Contains(kinds, kind) {
			t.Errorf("%s is never drawn: its category in facts needs anything[...] of it", kind)
		}
	}
}

func fold(t interface{ Fatal(...any) }, i aggregates.Instance, history []events.Event) aggregates.Instance {
	for _, e := range history {
		if err := i.Evolve(e); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

// Evolve takes any history in any order, and leaves the states it came from as they were: two instances that share a
// past never see each other's future.
func TestEvolveIsTotalAndPure(t *testing.T) {
	t.Parallel()
	drawn := facts()
	for _, a := range aggregates.All(aggregates.Everywhere(aggregates.Policy{})) {
		t.Run(a.Category, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				histories := rapid.SliceOfN(rapid.OneOf(drawn[a.Category]...), 0, 10)
				past, left, right := histories.Draw(t, "past"), histories.Draw(t, "left"), histories.Draw(t, "right")
				trunk := fold(t, a.New(), past)
				l, r := fold(t, trunk.Clone(), left), fold(t, trunk.Clone(), right)
				for _, same := range []struct {
					what    string
					forked  aggregates.Instance
					history []events.Event
				}{{"past", trunk, past}, {"left", l, slices.Concat(past, left)}, {"right", r, slices.Concat(past, right)}} {
					fresh := fold(t, a.New(), same.history)
					if !reflect.DeepEqual(same.forked.State(), fresh.State()) {
						t.Fatalf("%s: %+v is not what its own history folds to: %+v", same.what, same.forked.State(), fresh.State())
					}
				}
			})
		})
	}
}

var refusals = []error{
	aggregates.ErrExists, aggregates.ErrMissing, aggregates.ErrEnded, aggregates.ErrInvalid, aggregates.ErrPolicy,
	aggregates.ErrEvidence, aggregates.ErrState, aggregates.ErrBudget, aggregates.ErrRoom,
}

// encode also tells that the log can hold a fact.
func encode(t *rapid.T, all []events.Event) [][]byte {
	out := make([][]byte, len(all))
	for i, e := range all {
		_, _, data, err := events.Encode(e)
		if err != nil {
			t.Fatalf("an accepted fact can't be stored: %+v: %v", e, err)
		}
		out[i] = data
	}
	return out
}

// reread is what the log gives back.
func reread(t *rapid.T, all []events.Event) []events.Event {
	out := make([]events.Event, len(all))
	for i, fact := range all {
		kind, version, data, err := events.Encode(fact)
		if err != nil {
			t.Fatalf("an accepted fact can't be stored: %+v: %v", fact, err)
		}
		e, err := events.Known.Decode(kind, version, data)
		if err != nil {
			t.Fatalf("an accepted fact can't be read back: %+v: %v", fact, err)
		}
		out[i] = e
	}
	return out
}

// For any sequence of wishes: a refusal has its reason, a decision changes nothing, is the same the second time and
// the same after the log was read back, and what is accepted makes a sound history.
func TestDecideIsPureAndItsHistoriesAreSound(t *testing.T) {
	t.Parallel()
	drawn := wishes()
	for _, a := range aggregates.All(aggregates.Everywhere(policy)) {
		t.Run(a.Category, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				var history []events.Event
				live, replayed := a.New(), a.New()
				asked := rapid.SliceOfN(drawn[a.Category], 1, 40).Draw(t, "wishes")
				if opens := openings()[a.Category]; opens != nil && rapid.IntRange(0, 3).Draw(t, "opens") > 0 {
					asked = append(opens.Draw(t, "opening"), asked...)
				}
				for _, c := range asked {
					got, err := live.Decide(c)
					again, errAgain := live.Decide(c)
					if !reflect.DeepEqual(got, again) || (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() {
						t.Fatalf("%+v: first %+v, %v; then %+v, %v", c, got, err, again, errAgain)
					}
					if fresh := fold(t, a.New(), history); !reflect.DeepEqual(live.State(), fresh.State()) {
						t.Fatalf("deciding %+v changed the state %+v to %+v", c, fresh.State(), live.State())
					}
					if err != nil && !slices.ContainsFunc(refusals, func(target error) bool { return errors.Is(err, target) }) {
						t.Fatalf("%+v: a refusal without its reason: %v", c, err)
					}
					other, errOther := replayed.Decide(c)
					if !slices.EqualFunc(encode(t, got), encode(t, other), bytes.Equal) || (err == nil) != (errOther == nil) {
						t.Fatalf("%+v: decided %+v, %v; once the log was read back %+v, %v", c, got, err, other, errOther)
					}
					fold(t, live, got)
					fold(t, replayed, reread(t, got))
					history = append(history, got...)
				}
				sound(t, history)
			})
		})
	}
}

// policy lets prompts through by itself, to a twentieth of the traffic.
var policy = aggregates.Policy{
	Models: []string{"small", "large"}, MaxTemperature: 1, MaxTokens: 500,
	SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 50, Tools: []string{"calculate", "clock", "pay"}, AskTools: []string{"pay"},
}

// wishes draws commands by category, near enough to what is allowed that many are.
// openings are what a history begins with that drawn wishes alone would hardly get to.
func openings() map[string]*rapid.Generator[[]commands.Command] {
	return map[string]*rapid.Generator[[]commands.Command]{"goal": rapid.Custom(goalOpening)}
}

func wishes() map[string]*rapid.Generator[commands.Command] {
	return map[string]*rapid.Generator[commands.Command]{
		"agent": rapid.Custom(agentWish), "budget": rapid.Custom(budgetWish), "experiment": rapid.Custom(experimentWish), "feedback": rapid.Custom(feedbackWish), "rule": rapid.Custom(ruleWish), "verdict": rapid.Custom(verdictWish), "goal": rapid.Custom(goalWish),
		"improvement": rapid.Custom(improvementWish), "ledger": rapid.Custom(ledgerWish), "analyst": rapid.Custom(analystWish), "loop": rapid.Custom(loopWish), "dataset": rapid.Custom(datasetWish), "eval": rapid.Custom(evalWish), "judge": rapid.Custom(judgeWish), "role": rapid.Custom(roleWish), "conversation": rapid.Custom(conversationWish), "person": rapid.Custom(personWish), "policy": rapid.Custom(policyWish), "review": rapid.Custom(reviewWish), "run": rapid.Custom(runWish), "runbook": rapid.Custom(runbookWish), "skill": rapid.Custom(skillWish), "slack": rapid.Custom(slackWish), "task": rapid.Custom(taskWish), "token": rapid.Custom(tokenWish), "tool": rapid.Custom(toolWish), "trigger": rapid.Custom(triggerWish), "timer": rapid.Custom(timerWish),
	}
}

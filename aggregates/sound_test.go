package aggregates_test

import (
	"fmt"
	"reflect"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
)

// sound holds an accepted history to what everything that reads it relies on.
func sound(t *rapid.T, history []events.Event) {
	open, aside := map[int]bool{}, map[string]bool{}
	steps, ended := 0, false
	var made, person, resting, assigned, byPerson, proved bool
	most := 0
	exhausted, marked := map[events.BudgetUnit]string{}, map[events.BudgetUnit]string{}
	share := 0
	var sealed uint64
	var threaded bool
	goal := goalHistory{}
	var offered, accepted string
	// approvals are those of the turn under way, by their id, and calls their ids by the place of the call.
	approvals, calls := map[string]events.ApprovalAnswer{}, map[int]string{}
	for i, e := range history {
		if ended {
			t.Fatalf("%s after the end", e.Kind())
		}
		switch e := e.(type) {
		case events.AgentSpawned:
			if made && !e.Imported {
				continue // in an old log: what history named is taken by a live one
			}
			made = true
			continue
		case events.RunStarted, events.TaskOpened, events.FeedbackGiven, events.ImprovementProposed, events.GoalCreated, events.TokenCreated:
			if i != 0 {
				t.Fatalf("%s is number %d of its stream", e.Kind(), i)
			}
			made = true
			if created, ok := e.(events.GoalCreated); ok {
				goal.takes(t, created)
			}
			continue
		case events.BudgetSet:
			made = true
			clear(exhausted)
			clear(marked)
		case events.LogSealed:
			if e.First != sealed+1 || e.Count == 0 || uint64(len(e.Prints)) != 16*e.Count {
				t.Fatalf("%+v follows the seal of event %d", e, sealed)
			}
			made, sealed = true, sealed+e.Count
		case events.RuleSet:
			made = true
			if i > 0 && history[i-1] == events.Event(e) {
				t.Fatalf("the same rule twice in a row: %+v", e)
			}
		case events.DatasetRunAdded:
			made = true
			if len(e.Checks) == 0 || i > 0 && reflect.DeepEqual(history[i-1], e) {
				t.Fatalf("a run without a check, or the same twice in a row: %+v", e)
			}
		case events.EvalFinished:
			if made = true; i > 0 {
				t.Fatalf("it finished twice: %+v", e)
			}
		case events.JudgeMeasured:
			made = true
		case events.RoleAsked, events.RoleSilenced:
			if made = true; i > 0 && reflect.TypeOf(history[i-1]) == reflect.TypeOf(e) {
				t.Fatalf("asked, or silenced, twice: %+v", e)
			}
		case events.RoleAnswered:
			ended = true
		case events.ReviewAsked:
			made = true
		case events.ReviewJudged:
			if i > 0 && history[i-1] == events.Event(e) {
				t.Fatalf("the same judgement twice in a row: %+v", e)
			}
		case events.ReviewClosed:
			ended = true
		case events.ConversationSummarised:
			made = true
			if aside[fmt.Sprint(e.Requester, " ", e.Last)] {
				t.Fatalf("what %s said up to %d is summarised twice", e.Requester, e.Last)
			}
			aside[fmt.Sprint(e.Requester, " ", e.Last)] = true
		case events.LoopPaused, events.LoopResumed:
			made = true
			if _, pause := e.(events.LoopPaused); pause == (i%2 == 1) {
				t.Fatalf("%s is number %d: it is paused and resumed in turn", history[i].Kind(), i)
			}
		case events.VerdictGiven:
			made = true
			if i > 0 && history[i-1] == events.Event(e) {
				t.Fatalf("the same verdict twice in a row: %+v", e)
			}
		case events.AnalystScored:
			made = true
			if aside[e.Improvement] {
				t.Fatalf("the forecast of %s is scored twice", e.Improvement)
			}
			aside[e.Improvement] = true
		case events.AnalystBound, events.AnalystFreed:
			if _, scored := history[i-1].(events.AnalystScored); !scored {
				t.Fatalf("%s does not come with a score", e.Kind())
			}
		case events.RunbookSaved:
			made = true
			if i > 0 && reflect.DeepEqual(history[i-1], e) {
				t.Fatalf("the same runbook twice in a row: %+v", e)
			}
		case events.TokenRevoked:
			ended = true
		case events.SlackInteracted, events.SlackPosted, events.PersonErased:
			made, ended = true, true
		case events.SlackThreadOpened:
			if threaded {
				t.Fatal("a thread is begun twice")
			}
			made, threaded = true, true
		case events.SlackStreamStarted:
			made = true
		case events.RunStepStarted:
			if e.Step != steps {
				t.Fatalf("step %d starts, %d had started", e.Step, steps)
			}
			if e.Call != nil && (e.Tool == "shell" || e.Tool == "pay" && approvals[calls[*e.Call]] != events.ApprovalGranted) {
				t.Fatalf("%s is called, and no person let it", e.Tool)
			}
			open[e.Step], steps = true, steps+1
		case events.RunStepFinished:
			if !open[e.Step] {
				t.Fatalf("step %d finishes and was not open", e.Step)
			}
			delete(open, e.Step)
		case events.ToolPinned:
			if made {
				t.Fatal("a tool is pinned twice")
			}
			made, offered, accepted = true, e.Digest, e.Digest
		case events.ToolChanged:
			if e.Digest == offered {
				t.Fatalf("the tool changes to what it was, %s", e.Digest)
			}
			offered = e.Digest
		case events.ToolAccepted:
			if e.Digest != offered || e.Digest == accepted {
				t.Fatalf("%s is accepted, %s is offered and %s is accepted already", e.Digest, offered, accepted)
			}
			accepted = e.Digest
		case events.RunApprovalAsked:
			if _, twice := approvals[e.Approval]; twice || calls[e.Call] != "" {
				t.Fatalf("%+v is asked twice", e)
			}
			approvals[e.Approval], calls[e.Call] = "", e.Approval
		case events.RunApprovalAnswered:
			if was, asked := approvals[e.Approval]; !asked || was != "" {
				t.Fatalf("%+v answers what is %q", e, was)
			}
			approvals[e.Approval] = e.Answer
		case events.RunFinished, events.RunFailed, events.RunCancelled:
			for id, answer := range approvals {
				if ended = true; answer == "" {
					t.Fatalf("the run ends, and approval %s waits for ever", id)
				}
			}
			ended = true
		case events.ImprovementRejected:
			ended = true
		case events.ExperimentPlanned:
			if i != 0 {
				t.Fatal("an experiment is planned twice")
			}
			made, most, byPerson = true, e.MaxShare, e.By != "policy"
			if !byPerson && most > policy.MaxShare {
				t.Fatalf("the policy lets it reach %d permille", most)
			}
		case events.ExperimentStarted:
			if share != 0 {
				t.Fatal("an experiment starts twice")
			}
			share = e.Share
		case events.ExperimentMoved:
			if e.Share <= share || e.Share > most {
				t.Fatalf("the share goes from %d to %d of at most %d", share, e.Share, most)
			}
			share = e.Share
		case events.ExperimentAllocated:
			sum := 0
			for _, part := range e.Shares {
				if sum += part; part != 0 && part < 50 {
					t.Fatalf("an arm has %d permille", part)
				}
			}
			if share == 0 || sum != 1000 || 1000-e.Shares[0] > most {
				t.Fatalf("the shares are %d, and the changes may have %d", e.Shares, most)
			}
		case events.ExperimentProved:
			if byPerson || share == 0 {
				t.Fatal("it waits for a person, who let it go on before")
			}
			proved = true
		case events.ExperimentPromoted:
			if ended = true; e.By == "policy" && most < 1000 || !byPerson && !proved && most < 1000 || e.Proof.LogE < 3 {
				t.Fatalf("%+v is promoted: proved %v, at most %d", e, proved, most)
			}
		case events.ExperimentRolledBack:
			if ended = true; share == 0 || e.Proof.LogE < 3 {
				t.Fatal("rolled back without a proof")
			}
		case events.ExperimentStopped, events.ExperimentExpired:
			ended = true
		case events.AgentConfigured:
			if e.Restores > i {
				t.Fatalf("fact %d restores version %d", i, e.Restores)
			}
		case events.AgentRested:
			if resting {
				t.Fatal("an agent is laid to rest that rests")
			}
			resting = true
		case events.AgentWoken:
			if !resting {
				t.Fatal("an agent is woken that is awake")
			}
			resting = false
		case events.AgentRetired:
			ended = true
		case events.PolicySet:
			made = true
		case events.RunAssigned:
			if assigned {
				t.Fatal("a run is assigned twice")
			}
			assigned = true
		case events.RunToolCalled:
			if !open[e.Step] {
				t.Fatalf("a tool of step %d gave something back, and it was not open", e.Step)
			}
		case events.BudgetReached:
			if marked[e.Unit] == e.Starting || exhausted[e.Unit] == e.Starting {
				t.Fatalf("a mark of %s of %s is reached twice, or behind the limit", e.Unit, e.Starting)
			}
			marked[e.Unit] = e.Starting
		case events.BudgetExhausted:
			if exhausted[e.Unit] == e.Starting {
				t.Fatalf("%s of %s is exhausted twice", e.Unit, e.Starting)
			}
			exhausted[e.Unit] = e.Starting
		case events.ImprovementEvidenceChanged:
			if was, ok := history[i-1].(events.ImprovementEvidenceChanged); ok && was.Strength == e.Strength {
				t.Fatalf("the evidence is %s twice", e.Strength)
			}
			ended = e.Strength.Withdraws()
		case events.ImprovementApproved:
			person = e.By != "policy"
		case events.ImprovementApplied:
			if share = e.Share; share < 1 || share > 1000 || !person && share > policy.MaxShare {
				t.Fatalf("%d permille get a change that no person approved", share)
			}
		case events.ImprovementRolledBack:
			if share == 0 {
				t.Fatal("undone and never done")
			}
			share = 0
		case events.RunLLMCalled:
			clear(approvals)
			clear(calls)
		case events.ImprovementEffectMeasured, events.TaskUpdated, events.AgentAdopted:
		case events.BudgetReserved:
			if aside[e.Reservation] {
				t.Fatalf("reservation %s is made twice", e.Reservation)
			}
			aside[e.Reservation] = true
		case events.BudgetSettled:
			if !aside[e.Reservation] {
				t.Fatalf("reservation %s is settled and was not there", e.Reservation)
			}
			delete(aside, e.Reservation)
		case events.RunSpecialistDrafted:
			if (e.Prompt == "") == (e.Invalid == "") {
				t.Fatal("a draft is taken and refused, or neither")
			}
		case events.RunSkillLoaded:
			t.Fatal("a skill is loaded that no call loaded")
		case events.RunFixKnown:
			t.Fatal("a fix is known that no call met")
		case events.SkillSaved:
			if was, ok := history[max(i-1, 0)].(events.SkillSaved); ok && i > 0 && was.Digest == e.Digest {
				t.Fatal("a text is saved twice in a row")
			}
			made = true
		case events.TriggerSet:
			made = true
		case events.TriggerRemoved:
			if _, twice := history[max(i-1, 0)].(events.TriggerRemoved); twice && i > 0 {
				t.Fatal("what is removed is removed again")
			}
		case events.TimerFired:
			if was, ok := history[max(i-1, 0)].(events.TimerFired); made && ok && !e.Tick.After(was.Tick) {
				t.Fatalf("the tick of %s comes behind that of %s", e.Tick, was.Tick)
			}
			made = true
		case events.Goal:
			ended = goal.takes(t, e)
		default:
			t.Fatalf("no rule for %s", e.Kind())
		}
		if !made {
			t.Fatalf("%s comes first", e.Kind())
		}
	}
}

package aggregates_test

import (
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestApprovals(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	asks := aggregates.Policy{Tools: []string{"clock", "pay"}, AskTools: []string{"pay"}}
	at := func(minute int) commands.Meta {
		return commands.Meta{At: noon.Add(time.Duration(minute) * time.Minute), Actor: "user:anna"}
	}
	ask := func(change func(*commands.AskApproval)) commands.Command {
		c := commands.AskApproval{Meta: at(0), Run: "r", Approval: "1", Call: 0, Agent: "clerk", Tool: "pay", Arguments: "{}", Expires: noon.Add(time.Hour)}
		change(&c)
		return c
	}
	answer := func(minute int, answer events.ApprovalAnswer, by string) commands.AnswerApproval {
		return commands.AnswerApproval{Meta: at(minute), Run: "r", Approval: "1", Answer: answer, By: by, Note: "go"}
	}
	byAgent := answer(1, events.ApprovalGranted, "user:anna")
	byAgent.Actor = "agent:clerk"
	asked := events.RunApprovalAsked{Approval: "1", Agent: "clerk", Tool: "pay", Arguments: "{}", Expires: noon.Add(time.Hour)}
	is := func(answer events.ApprovalAnswer) events.Event {
		return events.RunApprovalAnswered{Approval: "1", Answer: answer, By: "user:anna", Note: "go"}
	}
	expired := events.RunApprovalAnswered{Approval: "1", Answer: events.ApprovalExpired}
	begin := func(tool string, call int) commands.Command {
		return commands.StartStep{Run: "r", Name: "pay", Type: events.ToolStep, Tool: tool, Call: &call}
	}
	begun := func(tool string, call int) []events.Event {
		return []events.Event{events.RunStepStarted{Name: "pay", Type: events.ToolStep, Tool: tool, Call: &call}}
	}
	given := func(more ...events.Event) []events.Event { return append([]events.Event{started}, more...) }
	imported := started
	imported.Source = &events.Source{Format: "runs"}
	same := func(*commands.AskApproval) {}
	all := scenarios{
		"asked":                 {given: given(), when: ask(same), then: []events.Event{asked}},
		"asked twice":           {given: given(asked), when: ask(same), err: aggregates.ErrExists},
		"of a free tool":        {given: given(), when: ask(func(c *commands.AskApproval) { c.Tool = "clock" }), err: aggregates.ErrInvalid},
		"of an imported run":    {given: []events.Event{imported}, when: ask(same), err: aggregates.ErrInvalid},
		"expires at once":       {given: given(), when: ask(func(c *commands.AskApproval) { c.Expires = noon }), err: aggregates.ErrInvalid},
		"too long to be read":   {given: given(), when: ask(func(c *commands.AskApproval) { c.Arguments = strings.Repeat("x", 16<<10+1) }), err: aggregates.ErrInvalid},
		"granted":               {given: given(asked), when: answer(59, events.ApprovalGranted, "user:anna"), then: []events.Event{is(events.ApprovalGranted)}},
		"rejected":              {given: given(asked), when: answer(1, events.ApprovalRejected, "user:anna"), then: []events.Event{is(events.ApprovalRejected)}},
		"granted too late":      {given: given(asked), when: answer(60, events.ApprovalGranted, "user:anna"), err: aggregates.ErrState},
		"granted by nobody":     {given: given(asked), when: answer(1, events.ApprovalGranted, ""), err: aggregates.ErrInvalid},
		"granted by an agent":   {given: given(asked), when: answer(1, events.ApprovalGranted, "agent:clerk"), err: aggregates.ErrInvalid},
		"an agent for a person": {given: given(asked), when: byAgent, err: aggregates.ErrInvalid},
		"expired": {
			given: given(asked), when: commands.AnswerApproval{Meta: at(60), Run: "r", Approval: "1", Answer: events.ApprovalExpired}, then: []events.Event{expired},
		},
		"expired before its time": {given: given(asked), when: answer(59, events.ApprovalExpired, ""), err: aggregates.ErrState},
		"expired once decided":    {given: given(asked, is(events.ApprovalGranted)), when: answer(60, events.ApprovalExpired, ""), err: aggregates.ErrState},
		"decided twice":           {given: given(asked, is(events.ApprovalGranted)), when: answer(1, events.ApprovalRejected, "user:anna"), err: aggregates.ErrState},
		"never asked":             {given: given(), when: answer(1, events.ApprovalGranted, "user:anna"), err: aggregates.ErrMissing},
		"of the turn before":      {given: given(asked, events.RunLLMCalled{}), when: answer(1, events.ApprovalGranted, "user:anna"), err: aggregates.ErrMissing},
		"withdrawn by itself":     {given: given(asked), when: answer(1, events.ApprovalWithdrawn, "user:anna"), err: aggregates.ErrInvalid},
		"some other answer":       {given: given(asked), when: answer(1, "maybe", "user:anna"), err: aggregates.ErrInvalid},

		"called when granted":           {given: given(asked, is(events.ApprovalGranted)), when: begin("pay", 0), then: begun("pay", 0)},
		"called unasked":                {given: given(), when: begin("pay", 0), err: aggregates.ErrPolicy},
		"called before":                 {given: given(asked), when: begin("pay", 0), err: aggregates.ErrPolicy},
		"called when rejected":          {given: given(asked, is(events.ApprovalRejected)), when: begin("pay", 0), err: aggregates.ErrPolicy},
		"called when expired":           {given: given(asked, expired), when: begin("pay", 0), err: aggregates.ErrPolicy},
		"another call":                  {given: given(asked, is(events.ApprovalGranted)), when: begin("pay", 1), err: aggregates.ErrPolicy},
		"the same place of a later one": {given: given(asked, is(events.ApprovalGranted), events.RunLLMCalled{}), when: begin("pay", 0), err: aggregates.ErrPolicy},
		"a free one":                    {given: given(), when: begin("clock", 0), then: begun("clock", 0)},
		"one that nobody calls":         {given: given(), when: begin("shell", 0), err: aggregates.ErrPolicy},
		"not performed":                 {given: given(), when: begin("", 0), then: begun("", 0)},
		"history":                       {given: []events.Event{imported}, when: begin("shell", 0), then: begun("shell", 0)},

		"withdrawn with the run": {
			given: given(asked), when: commands.CancelRun{Run: "r", Reason: "enough"},
			then: []events.Event{
				events.RunApprovalAnswered{Approval: "1", Answer: events.ApprovalWithdrawn, Note: "enough"}, events.RunCancelled{Reason: "enough"},
			},
		},
		"answered before the end": {
			given: given(asked, is(events.ApprovalRejected)), when: commands.CancelRun{Run: "r", Reason: "enough"},
			then: []events.Event{events.RunCancelled{Reason: "enough"}},
		},
	}
	for name, s := range all {
		s.policy = asks
		all[name] = s
	}
	all.run(t)
}

func TestAnApprovalStandsForOneCall(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, id := range []string{
		commands.ApprovalID("", "r", 0, 0, "pay", "{}"), commands.ApprovalID("w", "r", 0, 0, "pay", "{}"), commands.ApprovalID("", "r2", 0, 0, "pay", "{}"),
		commands.ApprovalID("", "r", 1, 0, "pay", "{}"), commands.ApprovalID("", "r", 0, 1, "pay", "{}"), commands.ApprovalID("", "r", 0, 0, "pay2", "{}"),
		commands.ApprovalID("", "r", 0, 0, "pay", `{"to":"x"}`),
	} {
		if ids[id] || len(id) != 16 {
			t.Errorf("%s stands for two calls, or is no short digest", id)
		}
		ids[id] = true
	}
	if !ids[commands.ApprovalID("", "r", 0, 0, "pay", "{}")] {
		t.Error("the same call has another id the second time")
	}
}

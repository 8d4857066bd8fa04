package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestSaveRunbook(t *testing.T) {
	t.Parallel()
	steps := []events.RunbookStep{{Name: "look up", Tool: "orders"}, {Name: "refund", DependsOn: []int{0}}}
	saved := events.RunbookSaved{Runbook: "refund", Workflow: "checkout", Run: "r", Steps: steps, Notes: "Works."}
	in := func(change func(*commands.SaveRunbook)) commands.SaveRunbook {
		c := commands.SaveRunbook{Runbook: "refund", Workflow: "checkout", Run: "r", Steps: steps, Notes: "Works."}
		change(&c)
		return c
	}
	with := func(steps ...events.RunbookStep) commands.SaveRunbook {
		return in(func(c *commands.SaveRunbook) { c.Steps = steps })
	}
	proof := events.Proof{From: 1, To: 9, Arms: []events.ArmCount{{Arm: events.ControlArm}, {Arm: events.CandidateArm}}}
	other := saved
	other.Notes = "Works best."
	scenarios{
		"happy":        {when: in(func(*commands.SaveRunbook) {}), then: []events.Event{saved}},
		"as it is":     {given: []events.Event{saved}, when: in(func(*commands.SaveRunbook) {})},
		"next version": {given: []events.Event{saved}, when: in(func(c *commands.SaveRunbook) { c.Notes = other.Notes }), then: []events.Event{other}},
		"back again":   {given: []events.Event{saved, other}, when: in(func(*commands.SaveRunbook) {}), then: []events.Event{saved}},
		"as it is, no dependencies written as an empty list": {
			given: []events.Event{saved}, when: with(events.RunbookStep{Name: "look up", Tool: "orders", DependsOn: []int{}}, steps[1]),
		},
		"from the version that it is at": {
			given: []events.Event{saved}, when: in(func(c *commands.SaveRunbook) {
				c.Notes, c.From, c.Improvement, c.Proof = other.Notes, 1, "x", &proof
			}),
			then: []events.Event{func() events.Event {
				e := other
				e.From, e.Improvement, e.Proof = 1, "x", &proof
				return e
			}()},
		},
		"from another version than it is at": {given: []events.Event{saved, other}, when: in(func(c *commands.SaveRunbook) { c.From = 1 }), err: aggregates.ErrState},
		"what was proved and says the same": {
			given: []events.Event{saved}, when: in(func(c *commands.SaveRunbook) { c.Improvement = "x" }),
			then: []events.Event{func() events.Event { e := saved; e.Improvement = "x"; return e }()},
		},
		"what was proved, told twice": {
			given: []events.Event{func() events.Event { e := saved; e.Improvement = "x"; return e }()}, when: in(func(c *commands.SaveRunbook) { c.Improvement = "x" }),
		},
		"as an improvement left it": {
			given: []events.Event{func() events.Event { e := saved; e.Improvement, e.From = "x", 1; return e }()}, when: in(func(*commands.SaveRunbook) {}),
		},
		"an earlier version again": {
			given: []events.Event{saved, other}, when: in(func(c *commands.SaveRunbook) { c.Restores = 1 }),
			then: []events.Event{func() events.Event { e := saved; e.Restores = 1; return e }()},
		},
		"by a proof that is none":  {given: []events.Event{saved}, when: in(func(c *commands.SaveRunbook) { c.Proof = &events.Proof{} }), err: aggregates.ErrEvidence},
		"a version that never was": {given: []events.Event{saved, other}, when: in(func(c *commands.SaveRunbook) { c.Restores = 3 }), err: aggregates.ErrInvalid},
		"no steps":                 {when: with(), err: aggregates.ErrInvalid},
		"no step name":             {when: with(events.RunbookStep{Tool: "orders"}), err: aggregates.ErrInvalid},
		"needs itself":             {when: with(events.RunbookStep{Name: "a", DependsOn: []int{0}}), err: aggregates.ErrInvalid},
		"needs a later":            {when: with(events.RunbookStep{Name: "a", DependsOn: []int{1}}, events.RunbookStep{Name: "b"}), err: aggregates.ErrInvalid},
		"needs none":               {when: with(events.RunbookStep{Name: "a", DependsOn: []int{-1}}), err: aggregates.ErrInvalid},
		"needs two of 3": {when: with(steps[0], steps[1], events.RunbookStep{Name: "mail", DependsOn: []int{0, 1}}), then: []events.Event{events.RunbookSaved{
			Runbook: "refund", Workflow: "checkout", Run: "r", Notes: "Works.",
			Steps: []events.RunbookStep{steps[0], steps[1], {Name: "mail", DependsOn: []int{0, 1}}},
		}}},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.SaveRunbook{Runbook: name, Steps: steps} })
}

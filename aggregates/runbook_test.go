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
		"no steps":      {when: with(), err: aggregates.ErrInvalid},
		"no step name":  {when: with(events.RunbookStep{Tool: "orders"}), err: aggregates.ErrInvalid},
		"needs itself":  {when: with(events.RunbookStep{Name: "a", DependsOn: []int{0}}), err: aggregates.ErrInvalid},
		"needs a later": {when: with(events.RunbookStep{Name: "a", DependsOn: []int{1}}, events.RunbookStep{Name: "b"}), err: aggregates.ErrInvalid},
		"needs none":    {when: with(events.RunbookStep{Name: "a", DependsOn: []int{-1}}), err: aggregates.ErrInvalid},
		"needs two of 3": {when: with(steps[0], steps[1], events.RunbookStep{Name: "mail", DependsOn: []int{0, 1}}), then: []events.Event{events.RunbookSaved{
			Runbook: "refund", Workflow: "checkout", Run: "r", Notes: "Works.",
			Steps: []events.RunbookStep{steps[0], steps[1], {Name: "mail", DependsOn: []int{0, 1}}},
		}}},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.SaveRunbook{Runbook: name, Steps: steps} })
}

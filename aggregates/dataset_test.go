package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestAddToDataset(t *testing.T) {
	t.Parallel()
	add := func(checks ...events.Check) commands.AddToDataset {
		return commands.AddToDataset{Dataset: "d", Run: "r", Checks: checks, By: "user:anna"}
	}
	added := func(checks ...events.Check) events.DatasetRunAdded {
		return events.DatasetRunAdded{Dataset: "d", Run: "r", Checks: checks, By: "user:anna"}
	}
	exact, cheap := events.Check{Kind: events.ExactCheck}, events.Check{Kind: events.CostCheck, Text: "0.01"}
	all := scenarios{
		"added":             {when: add(exact, cheap), then: []events.Event{added(exact, cheap)}},
		"added again":       {given: []events.Event{added(exact)}, when: add(exact)},
		"with other checks": {given: []events.Event{added(exact)}, when: add(cheap), then: []events.Event{added(cheap)}},
		"held to nothing":   {when: add(), err: aggregates.ErrInvalid},
	}
	for name, wrong := range map[string]events.Check{
		"of no kind": {Kind: "mood"}, "no regexp": {Kind: events.RegexpCheck, Text: "("}, "no JSON": {Kind: events.SchemaCheck, Text: "{"},
		"no number": {Kind: events.CostCheck, Text: "cheap"}, "below nothing": {Kind: events.SecondsCheck, Text: "-1"}, "not a number": {Kind: events.SecondsCheck, Text: "NaN"},
	} {
		all[name] = scenario{when: add(exact, wrong), err: aggregates.ErrInvalid}
	}
	all.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return commands.AddToDataset{Dataset: name, Run: "r", Checks: []events.Check{exact}}
	})
}

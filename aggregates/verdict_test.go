package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestGiveVerdict(t *testing.T) {
	t.Parallel()
	wish := func(v events.Outcome, from events.VerdictOrigin, by string) commands.GiveVerdict {
		return commands.GiveVerdict{Run: "r", Verdict: v, From: from, By: by}
	}
	fact := func(v events.Outcome, from events.VerdictOrigin, by string) events.Event {
		return events.VerdictGiven{Run: "r", Verdict: v, From: from, By: by}
	}
	good := fact(events.Succeeded, events.ByPerson, "user:anna")
	scenarios{
		"by a person": {when: wish(events.Failed, events.ByPerson, "user:anna"), then: []events.Event{fact(events.Failed, events.ByPerson, "user:anna")}},
		"by a rule": {
			when: commands.GiveVerdict{Run: "r", Verdict: events.Succeeded, From: events.ByRule, By: "a>1", Feedback: "f"},
			then: []events.Event{events.VerdictGiven{Run: "r", Verdict: events.Succeeded, From: events.ByRule, By: "a>1", Feedback: "f"}},
		},
		"the same again":       {given: []events.Event{good}, when: wish(events.Succeeded, events.ByPerson, "user:anna")},
		"another mind":         {given: []events.Event{good}, when: wish(events.Failed, events.ByPerson, "user:anna"), then: []events.Event{fact(events.Failed, events.ByPerson, "user:anna")}},
		"another person":       {given: []events.Event{good}, when: wish(events.Succeeded, events.ByPerson, "user:bert"), then: []events.Event{fact(events.Succeeded, events.ByPerson, "user:bert")}},
		"a source says so too": {given: []events.Event{good}, when: wish(events.Succeeded, events.BySource, "chat"), then: []events.Event{fact(events.Succeeded, events.BySource, "chat")}},
		"taken back":           {given: []events.Event{good}, when: wish(events.Unrated, events.ByPerson, "user:anna"), then: []events.Event{fact(events.Unrated, events.ByPerson, "user:anna")}},
		"taken back and none":  {given: []events.Event{good}, when: wish(events.Unrated, events.BySource, "chat"), err: aggregates.ErrState},
		"taken back twice":     {given: []events.Event{good, fact(events.Unrated, events.ByPerson, "user:anna")}, when: wish(events.Unrated, events.ByPerson, "user:bert"), err: aggregates.ErrState},
		"cancelled is none":    {when: wish(events.Cancelled, events.ByPerson, "user:anna"), err: aggregates.ErrInvalid},
		"from hearsay":         {when: wish(events.Failed, "hearsay", ""), err: aggregates.ErrInvalid},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return commands.GiveVerdict{Run: name, Verdict: events.Failed, From: events.ByPerson}
	})
}

func TestSetRule(t *testing.T) {
	t.Parallel()
	set := events.RuleSet{Workflow: "w", Rule: "a>=0.5", By: "user:anna"}
	scenarios{
		"set":            {when: commands.SetRule{Workflow: "w", Rule: "a>=0.5", By: "user:anna"}, then: []events.Event{set}},
		"the same again": {given: []events.Event{set}, when: commands.SetRule{Workflow: "w", Rule: "a>=0.5"}},
		"taken away":     {given: []events.Event{set}, when: commands.SetRule{Workflow: "w"}, then: []events.Event{events.RuleSet{Workflow: "w"}}},
		"none as it is":  {when: commands.SetRule{Workflow: "w"}},
		"no rule":        {when: commands.SetRule{Workflow: "w", Rule: "quality"}, err: aggregates.ErrInvalid},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.SetRule{Workflow: name, Rule: "a>1"} })
}

package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestRole(t *testing.T) {
	t.Parallel()
	asked := events.RoleAsked{Run: "r", Role: events.Writer, Agent: "clerk", Evidence: events.Evidence{Statistic: "share", N: 9, From: 1, To: 2, High: 1, Confidence: .95}}
	answered := events.RoleAnswered{Role: events.Writer, Improvement: "i", Candidates: 1}
	answer := func(f events.RoleAnswered) commands.AnswerRole { return commands.AnswerRole{Run: "r", Fact: f} }
	given := []events.Event{asked}
	unproved := asked
	unproved.Evidence.N = 0
	scenarios{
		"asked":                    {when: commands.AskRole{Fact: asked}, then: given},
		"asked twice":              {given: given, when: commands.AskRole{Fact: asked}, err: aggregates.ErrExists},
		"asked for nothing":        {when: commands.AskRole{Fact: unproved}, err: aggregates.ErrEvidence},
		"answered":                 {given: given, when: answer(answered), then: []events.Event{answered}},
		"answered unasked":         {when: answer(answered), err: aggregates.ErrMissing},
		"answered twice":           {given: []events.Event{asked, answered}, when: answer(answered), err: aggregates.ErrEnded},
		"answered by another role": {given: given, when: answer(events.RoleAnswered{Role: "other"}), err: aggregates.ErrInvalid},
		"candidates of nothing":    {given: given, when: answer(events.RoleAnswered{Role: events.Writer, Candidates: 1}), err: aggregates.ErrInvalid},
		"nothing of candidates":    {given: given, when: answer(events.RoleAnswered{Role: events.Writer, Improvement: "i"}), err: aggregates.ErrInvalid},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		f := asked
		f.Role = name
		return commands.AskRole{Fact: f}
	})
}

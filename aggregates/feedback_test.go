package aggregates_test

import (
	"math"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestGiveFeedback(t *testing.T) {
	t.Parallel()
	in := func(change func(*commands.GiveFeedback)) commands.GiveFeedback {
		c := commands.GiveFeedback{Feedback: "f", Run: "r", Text: "Too long."}
		change(&c)
		return c
	}
	given := events.FeedbackGiven{Feedback: "f", Run: "r", Text: "Too long."}
	scenarios{
		"on a run": {
			when: commands.GiveFeedback{
				Feedback: "f", Run: "r", Step: ptr(0), User: "anna", Name: "helpfulness", Score: ptr(-1.5), Label: "fair", Text: "Too long.", Better: "Yes.",
			},
			then: []events.Event{events.FeedbackGiven{
				Feedback: "f", Run: "r", Step: ptr(0), User: "anna", Name: "helpfulness", Score: ptr(-1.5), Label: "fair", Text: "Too long.", Better: "Yes.",
			}},
		},
		"on an agent": {
			when: commands.GiveFeedback{Feedback: "f", Agent: "clerk", Score: ptr(0.0)},
			then: []events.Event{events.FeedbackGiven{Feedback: "f", Agent: "clerk", Score: ptr(0.0)}},
		},
		"a label is enough":  {when: commands.GiveFeedback{Feedback: "f", Run: "r", Label: "fair"}, then: []events.Event{events.FeedbackGiven{Feedback: "f", Run: "r", Label: "fair"}}},
		"better is enough":   {when: commands.GiveFeedback{Feedback: "f", Run: "r", Better: "Yes."}, then: []events.Event{events.FeedbackGiven{Feedback: "f", Run: "r", Better: "Yes."}}},
		"there already":      {given: []events.Event{given}, when: in(func(*commands.GiveFeedback) {}), err: aggregates.ErrExists},
		"on nothing":         {when: in(func(c *commands.GiveFeedback) { c.Run = "" }), err: aggregates.ErrInvalid},
		"on both":            {when: in(func(c *commands.GiveFeedback) { c.Agent = "clerk" }), err: aggregates.ErrInvalid},
		"says nothing":       {when: in(func(c *commands.GiveFeedback) { c.Text = "" }), err: aggregates.ErrInvalid},
		"score NaN":          {when: in(func(c *commands.GiveFeedback) { c.Score = ptr(math.NaN()) }), err: aggregates.ErrInvalid},
		"score infinite":     {when: in(func(c *commands.GiveFeedback) { c.Score = ptr(math.Inf(-1)) }), err: aggregates.ErrInvalid},
		"step below 0":       {when: in(func(c *commands.GiveFeedback) { c.Step = ptr(-1) }), err: aggregates.ErrInvalid},
		"a step of an agent": {when: commands.GiveFeedback{Feedback: "f", Agent: "clerk", Step: ptr(0), Text: "Too long."}, err: aggregates.ErrInvalid},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.GiveFeedback{Feedback: name, Run: "r", Text: "t"} })
}

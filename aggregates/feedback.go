package aggregates

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type feedbackState struct{ given bool }

func feedback() Decider[feedbackState, commands.Feedback, events.Feedback] {
	return Decider[feedbackState, commands.Feedback, events.Feedback]{
		Initial: func() feedbackState { return feedbackState{} },
		Decide:  decideFeedback,
		Evolve: func(s feedbackState, e events.Feedback) feedbackState {
			switch e.(type) {
			case events.FeedbackGiven:
				s.given = true
			}
			return s
		},
	}
}

func decideFeedback(c commands.Feedback, s feedbackState) ([]events.Feedback, error) {
	switch c := c.(type) {
	case commands.GiveFeedback:
		switch {
		case s.given:
			return nil, fmt.Errorf("feedback %s: %w", c.Feedback, ErrExists)
		case (c.Run == "") == (c.Agent == ""):
			return nil, fmt.Errorf("%w: feedback is on a run or on an agent", ErrInvalid)
		case c.Step != nil && (c.Run == "" || *c.Step < 0):
			return nil, fmt.Errorf("%w: step %d is no step of a run", ErrInvalid, *c.Step)
		case c.Score == nil && c.Label == "" && c.Text == "" && c.Better == "" && c.Wish == "":
			return nil, fmt.Errorf("%w: feedback without a score, a label or a text says nothing", ErrInvalid)
		case c.Score != nil && !finite(*c.Score):
			return nil, fmt.Errorf("%w: the score is not a number", ErrInvalid)
		}
		if err := checkName("feedback", c.Feedback); err != nil {
			return nil, err
		}
		return []events.Feedback{events.FeedbackGiven{
			Feedback: c.Feedback, Run: c.Run, Step: c.Step, Agent: c.Agent, User: c.User, Name: c.Name,
			Score: c.Score, Label: c.Label, Text: c.Text, Better: c.Better, Wish: c.Wish,
		}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

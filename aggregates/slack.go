package aggregates

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// slackState is what happened to an interaction, or to a post.
type slackState struct{ interacted, opened, posted bool }

func slack() Decider[slackState, commands.Slack, events.Slack] {
	return Decider[slackState, commands.Slack, events.Slack]{
		Initial: func() slackState { return slackState{} },
		Decide:  decideSlack,
		Evolve: func(s slackState, e events.Slack) slackState {
			switch e.(type) {
			case events.SlackInteracted:
				s.interacted = true
			case events.SlackThreadOpened:
				s.opened = true
			case events.SlackStreamStarted:
			case events.SlackPosted:
				s.posted = true
			}
			return s
		},
	}
}

func decideSlack(c commands.Slack, s slackState) ([]events.Slack, error) {
	switch c := c.(type) {
	case commands.RecordInteraction:
		if err := checkName("interaction", c.Interaction); err != nil {
			return nil, err
		}
		switch {
		case s.interacted || s.opened || s.posted:
			return nil, fmt.Errorf("interaction %s: %w", c.Interaction, ErrExists)
		case c.User == "" || c.Type == "" || c.Name == "" || c.Outcome == "":
			return nil, fmt.Errorf("%w: an interaction has a user, a type, a name and an outcome", ErrInvalid)
		}
		return []events.Slack{events.SlackInteracted{
			Interaction: c.Interaction, User: c.User, Channel: c.Channel, Thread: c.Thread, Type: c.Type, Name: c.Name, Run: c.Run,
			Outcome: c.Outcome, Reason: c.Reason, TookNanos: max(c.TookNanos, 0),
		}}, nil
	case commands.OpenSlackThread:
		if err := postable(c.Post, c.Channel, s); err != nil {
			return nil, err
		}
		switch {
		case s.opened:
			return nil, fmt.Errorf("the thread of %s: %w", c.Post, ErrExists)
		case c.Thread == "" || c.Conversation == "":
			return nil, fmt.Errorf("%w: a thread has a time stamp and a conversation", ErrInvalid)
		}
		return []events.Slack{events.SlackThreadOpened{Post: c.Post, Run: c.Run, Conversation: c.Conversation, Channel: c.Channel, Thread: c.Thread}}, nil
	case commands.StartSlackStream:
		// A later one replaces an earlier one: the process that streamed has died, or the stream was refused.
		if err := postable(c.Post, c.Channel, s); err != nil {
			return nil, err
		}
		if c.TS == "" {
			return nil, fmt.Errorf("%w: a message has a time stamp", ErrInvalid)
		}
		return []events.Slack{events.SlackStreamStarted{Post: c.Post, Run: c.Run, Channel: c.Channel, Thread: c.Thread, TS: c.TS}}, nil
	case commands.RecordSlackPost:
		if err := postable(c.Post, c.Channel, s); err != nil {
			return nil, err
		}
		if c.TS == "" && c.Reason == "" {
			return nil, fmt.Errorf("%w: a post has a time stamp, or a reason why there is none", ErrInvalid)
		}
		return []events.Slack{events.SlackPosted{
			Post: c.Post, Run: c.Run, Channel: c.Channel, Thread: c.Thread, TS: c.TS, Reason: c.Reason,
		}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

// postable refuses what comes after the post.
func postable(post, channel string, s slackState) error {
	if err := checkName("post", post); err != nil {
		return err
	}
	switch {
	case s.posted || s.interacted:
		return fmt.Errorf("post %s: %w", post, ErrExists)
	case channel == "":
		return fmt.Errorf("%w: a post has a channel", ErrInvalid)
	}
	return nil
}

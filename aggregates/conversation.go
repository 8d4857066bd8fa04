package aggregates

import (
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// conversation holds the summaries of a conversation, without their texts.
func conversation() Decider[events.Summaries, commands.Conversation, events.Conversation] {
	return Decider[events.Summaries, commands.Conversation, events.Conversation]{
		Initial: func() events.Summaries { return nil },
		Decide: func(c commands.Conversation, s events.Summaries) ([]events.Conversation, error) {
			switch c := c.(type) {
			case commands.SummariseConversation:
				return summarise(c.Fact, s)
			}
			return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
		},
		Evolve: func(s events.Summaries, e events.Conversation) events.Summaries {
			switch e := e.(type) {
			case events.ConversationSummarised:
				e.Text = ""
				s = s.With(e)
			}
			return s
		},
	}
}

func summarise(f events.ConversationSummarised, s events.Summaries) ([]events.Conversation, error) {
	if err := checkName("conversation", f.Conversation); err != nil {
		return nil, err
	}
	before := s.Of(f.Requester)
	switch {
	case f.Maker != events.SummaryByModel && f.Maker != events.SummaryByExtract:
		return nil, fmt.Errorf("%w: nobody called %q makes summaries", ErrInvalid, f.Maker)
	case strings.TrimSpace(f.Text) == "" || len(f.Runs) == 0 || f.Messages < 1:
		return nil, fmt.Errorf("%w: a summary says something, and of which messages of which runs", ErrInvalid)
	case f.First > f.Last:
		return nil, fmt.Errorf("%w: a summary from position %d on ends at %d", ErrInvalid, f.First, f.Last)
	case f.Last <= before.Last:
		return nil, fmt.Errorf("a summary of conversation %s up to position %d: %w", f.Conversation, before.Last, ErrExists)
	}
	return []events.Conversation{f}, nil
}

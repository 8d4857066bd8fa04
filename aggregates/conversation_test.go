package aggregates_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestConversation(t *testing.T) {
	t.Parallel()
	summary := events.ConversationSummarised{Conversation: "c", Requester: "user:anna", Maker: events.SummaryByExtract, Runs: []string{"r1", "r2"}, First: 3, Last: 9, Messages: 4, Text: "It was about tea."}
	with := func(change func(*events.ConversationSummarised)) events.ConversationSummarised {
		f := summary
		change(&f)
		return f
	}
	later := with(func(f *events.ConversationSummarised) { f.Runs, f.Last, f.Messages = []string{"r3"}, 12, 6 })
	of := func(f events.ConversationSummarised) commands.SummariseConversation {
		return commands.SummariseConversation{Fact: f}
	}
	bert := with(func(f *events.ConversationSummarised) { f.Requester = "user:bert" })
	given := []events.Event{summary}
	scenarios{
		"is summarised":       {when: of(summary), then: []events.Event{summary}},
		"goes on":             {given: given, when: of(later), then: []events.Event{later}},
		"so far once":         {given: given, when: of(summary), err: aggregates.ErrExists},
		"no way back":         {given: append(given, later), when: of(summary), err: aggregates.ErrExists},
		"another one's words": {given: given, when: of(bert), then: []events.Event{bert}},
		"has a maker":         {when: of(with(func(f *events.ConversationSummarised) { f.Maker = "chance" })), err: aggregates.ErrInvalid},
		"says something":      {when: of(with(func(f *events.ConversationSummarised) { f.Text = " " })), err: aggregates.ErrInvalid},
		"is of runs":          {when: of(with(func(f *events.ConversationSummarised) { f.Runs = nil })), err: aggregates.ErrInvalid},
		"is of messages":      {when: of(with(func(f *events.ConversationSummarised) { f.Messages = 0 })), err: aggregates.ErrInvalid},
		"ends behind":         {when: of(with(func(f *events.ConversationSummarised) { f.First = 10 })), err: aggregates.ErrInvalid},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return of(with(func(f *events.ConversationSummarised) { f.Conversation = name }))
	})
}

func conversationWish(t *rapid.T) commands.Command {
	first := rapid.Uint64Range(1, 9).Draw(t, "first")
	return commands.SummariseConversation{Fact: events.ConversationSummarised{
		Conversation: "x", Requester: pick(t, "requester", "user:anna", "user:bert"), Maker: pick(t, "maker", events.SummaryByModel, events.SummaryByExtract, "chance"),
		Runs: []string{"r"}, First: first, Last: first + rapid.Uint64Range(0, 9).Draw(t, "more"), Messages: 2, Text: text(t),
	}}
}

package events

import (
	"cmp"
	"fmt"
	"slices"
)

// SummaryMaker is who made a summary.
type SummaryMaker string

// The closed vocabulary of makers. An extract is made of sentences that were said, without a model.
const (
	SummaryByModel   SummaryMaker = "model"
	SummaryByExtract SummaryMaker = "extract"
)

// ConversationSummarised is in short what was said in the older runs of a conversation that one person asked for. A later run of the
// conversation sees it instead of their messages, which stay where they are.
type ConversationSummarised struct {
	Conversation string `json:"conversation"`
	// Requester is whose words it holds, and what agents answered to them: with that person it is erased.
	Requester string       `json:"requester,omitempty"`
	Maker     SummaryMaker `json:"maker"`
	// Run is the one that a model made it in.
	Run string `json:"run,omitempty"`
	// Runs are those that it stands for, beside what the summary of that person before it does.
	Runs []string `json:"runs"`
	// First and Last are the positions of the first facts of the first and the last one.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// Messages counts what was said in all that it stands for.
	Messages int    `json:"messages"`
	Text     string `json:"text"`
}

// Kind is its wire name.
func (ConversationSummarised) Kind() string { return "conversation.summarised" }

func (ConversationSummarised) conversation() {}

// Summaries are those of a conversation that hold, one for each person, the oldest first.
type Summaries []ConversationSummarised

// With is the summaries once another one was made.
func (s Summaries) With(f ConversationSummarised) Summaries {
	s = slices.DeleteFunc(slices.Clone(s), func(old ConversationSummarised) bool { return old.Requester == f.Requester })
	s = append(s, f)
	slices.SortStableFunc(s, func(a, b ConversationSummarised) int { return cmp.Compare(a.Last, b.Last) })
	return s
}

// Of is what a person's words were summarised to, the zero value where they were not.
func (s Summaries) Of(requester string) ConversationSummarised {
	for _, f := range s {
		if f.Requester == requester {
			return f
		}
	}
	return ConversationSummarised{}
}

// Told are the summaries as a run's agent is told them. Of a person who was erased nothing is left.
func (s Summaries) Told() (told []Message) {
	for _, f := range s {
		if f.Text != Erased {
			told = append(told, Message{Role: "user", Content: fmt.Sprintf("Said earlier in this conversation, %d messages in short (by %s):\n%s", f.Messages, f.Maker, f.Text)})
		}
	}
	return told
}

package commands

import (
	"fmt"

	"github.com/virtuous6/virtuous6/events"
)

// ConversationStream is the stream of a conversation.
func ConversationStream(workspace, conversation string) string {
	return events.StreamName("conversation", workspace, conversation)
}

// SummaryRun names the run in which a model says in short what was said in a conversation, from the run on whose first fact stands at a
// position.
func SummaryRun(conversation string, first uint64) string {
	return fmt.Sprintf("%s.summary-%d", conversation, first)
}

// SummariseConversation records in short what was said in older runs of a conversation.
type SummariseConversation struct {
	Meta
	Fact events.ConversationSummarised
}

func (c SummariseConversation) Stream() string {
	return ConversationStream(c.Workspace, c.Fact.Conversation)
}

func (SummariseConversation) conversation() {}

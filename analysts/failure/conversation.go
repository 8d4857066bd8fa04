package failure

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrConversation tells that a text is no conversation.
var ErrConversation = errors.New("no conversation: give a JSON list of messages with name or role and content, or an object with it under history")

// ReadConversation reads a list of messages, or an object that holds one under history, messages or conversation. The content
// of a message is a text, or a list of parts with text.
func ReadConversation(data []byte) ([]Message, error) {
	var list []struct {
		Name    string          `json:"name"`
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(data, &list) != nil {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(data, &object); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConversation, err)
		}
		for _, key := range []string{"history", "messages", "conversation"} {
			if held, ok := object[key]; ok {
				if err := json.Unmarshal(held, &list); err != nil {
					return nil, fmt.Errorf("%w: %s: %w", ErrConversation, key, err)
				}
				break
			}
		}
	}
	conversation := make([]Message, len(list))
	for i, m := range list {
		if m.Name == "" && m.Role == "" {
			return nil, fmt.Errorf("%w: message %d has neither", ErrConversation, i)
		}
		conversation[i] = Message{Name: m.Name, Role: m.Role, Content: contentOf(m.Content)}
	}
	if len(conversation) == 0 {
		return nil, ErrConversation
	}
	return conversation, nil
}

func contentOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return string(raw)
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

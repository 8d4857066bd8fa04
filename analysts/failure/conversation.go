package failure

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrConversation tells that a text is no conversation.
var ErrConversation = errors.New("no conversation: give a JSON list of messages with name or role and content, or an object with it under history")

var (
	// listKeys are where objects hold their messages, the first that is there.
	listKeys = []string{"history", "messages", "conversation", "traj", "trajectory", "chat_history", "log"}
	// nameKeys, roleKeys and contentKeys are what sources call who spoke, as what, and the words.
	nameKeys    = []string{"name", "agent", "sender", "author", "speaker"}
	roleKeys    = []string{"role", "from", "type"}
	contentKeys = []string{"content", "text", "message", "value"}
)

// ReadConversation reads a list of messages, an object that holds one, or JSON Lines of messages. The content of a message is
// a text, or a list of parts with text. A message of nobody is kept, so that those behind it keep their numbers.
func ReadConversation(data []byte) ([]Message, error) {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	var values []json.RawMessage
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConversation, err)
		}
		values = append(values, value)
	}
	if len(values) == 1 {
		var err error
		if values, err = messagesOf(values[0]); err != nil {
			return nil, err
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%w: there are no messages", ErrConversation)
	}
	conversation := make([]Message, len(values))
	for i, value := range values {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(value, &fields); err != nil {
			return nil, fmt.Errorf("%w: message %d is not an object", ErrConversation, i)
		}
		conversation[i] = Message{Name: wordOf(fields, nameKeys), Role: wordOf(fields, roleKeys)}
		for _, key := range contentKeys {
			if held, ok := fields[key]; ok {
				conversation[i].Content = contentOf(held)
				break
			}
		}
	}
	return conversation, nil
}

// messagesOf are the messages of a list, or of the object that holds it.
func messagesOf(value json.RawMessage) (list []json.RawMessage, err error) {
	if json.Unmarshal(value, &list) == nil {
		return list, nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) != nil {
		return nil, ErrConversation
	}
	for _, key := range listKeys {
		if held, ok := object[key]; ok {
			if err := json.Unmarshal(held, &list); err != nil {
				return nil, fmt.Errorf("%w: %s is not a list", ErrConversation, key)
			}
			return list, nil
		}
	}
	if wordOf(object, nameKeys) != "" || wordOf(object, roleKeys) != "" {
		return []json.RawMessage{value}, nil
	}
	return nil, fmt.Errorf("%w: the object has none of %s", ErrConversation, strings.Join(listKeys, ", "))
}

// wordOf is the first text under one of the keys, or the name or role of the object there.
func wordOf(fields map[string]json.RawMessage, keys []string) string {
	for _, key := range keys {
		var word string
		if json.Unmarshal(fields[key], &word) == nil && word != "" {
			return word
		}
		var object struct{ Name, Role string }
		if json.Unmarshal(fields[key], &object) == nil && cmp.Or(object.Name, object.Role) != "" {
			return cmp.Or(object.Name, object.Role)
		}
	}
	return ""
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

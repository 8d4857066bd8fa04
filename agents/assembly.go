package agents

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	openai "github.com/sashabaranov/go-openai"

	"github.com/virtuous6/virtuous6/events"
)

// maxAnswer bounds an answer in bytes: its text, its thinking and its calls together.
const maxAnswer = 4 << 20

var errTooLong = errors.New("the answer is longer than 4 MiB")

// assembly puts an answer together from the pieces of its stream.
type assembly struct {
	onDelta func(string)

	tags          thinkTags
	text, thought strings.Builder
	calls         toolCalls
	finish        string
	model, tier   string
	usage         *usage
	refused       bool
	// thoughtAs is the field that the thinking came in, details and the rest what has to come back as it is.
	thoughtAs       string
	details, blocks many[json.RawMessage]
	extra           json.RawMessage
	// items are the parts of a response.
	items many[json.RawMessage]
	// size is what came, length what of it is the answer's, in bytes.
	size, length int
	// begun tells that a piece of the answer has come. strange is the first piece that is none, of an answer at all.
	begun   bool
	known   bool
	strange []byte
}

// add takes one piece in.
func (a *assembly) add(payload []byte) error {
	if a.size += len(payload); a.size > maxStream {
		return errTooMuch
	}
	var c chunk
	if err := json.Unmarshal(payload, &c); err != nil {
		// Gemini puts its errors into a list.
		if fault := listedFault(payload); fault != nil {
			return fault
		}
		return err
	}
	if fault := c.fault(payload); fault != nil {
		return fault
	}
	a.model = cmp.Or(string(c.Model), a.model)
	a.tier = cmp.Or(string(c.Tier), a.tier)
	// Servers that count as they go send usage with each piece: the last one holds.
	a.count(c.Groq.Usage)
	a.count(c.Usage)
	switch {
	case c.Object == "response":
		c.Response = new(response)
		if err := json.Unmarshal(payload, c.Response); err != nil {
			return err
		}
		return a.responded(c.Response)
	case strings.HasPrefix(string(c.Type), "response."):
		return a.event(c)
	case len(c.Choices) == 0 && c.Usage == nil && c.Groq.Usage == nil && a.strange == nil && c.Object != "chat.completion.chunk":
		a.strange = payload
		return nil
	}
	a.known = true
	for _, choice := range c.Choices {
		if choice.Index.n != 0 {
			continue
		}
		if err := a.choose(choice); err != nil {
			return err
		}
	}
	return nil
}

func (a *assembly) count(u *usage) {
	if u != nil {
		a.usage = u
	}
}

func (a *assembly) choose(c choice) error {
	a.count(c.Usage)
	for _, d := range []*delta{c.Delta, c.Message} {
		if d == nil {
			continue
		}
		if err := a.delta(d); err != nil {
			return err
		}
	}
	if err := broke(string(c.Finish)); err != nil {
		return err
	}
	a.finish = cmp.Or(string(c.Finish), a.finish)
	return nil
}

func (a *assembly) delta(d *delta) error {
	for _, as := range []struct {
		field string
		text  text
	}{{"reasoning_content", d.ReasoningContent}, {"reasoning", d.Reasoning}} {
		if as.text.said == "" || a.thoughtAs != "" && a.thoughtAs != as.field {
			continue // servers that have it under both names say the same in both
		}
		a.thoughtAs = as.field
		if err := a.think(as.text.said); err != nil {
			return err
		}
	}
	a.details, a.blocks = append(a.details, d.Details...), append(a.blocks, d.Blocks...)
	if !isNull(d.Extra) {
		a.extra = d.Extra
	}
	if err := a.think(d.Content.thought); err != nil {
		return err
	}
	said, thought := a.tags.write(d.Content.said)
	if err := errors.Join(a.think(thought), a.say(said), a.refuse(d.Refusal.said)); err != nil {
		return err
	}
	if d.Function != nil {
		d.ToolCalls = append(d.ToolCalls, toolDelta{Function: *d.Function})
	}
	for _, call := range d.ToolCalls {
		a.begun = true
		if err := a.grow(len(call.Function.Arguments)); err != nil {
			return err
		}
		if err := a.calls.add(call); err != nil {
			return err
		}
	}
	return nil
}

func (a *assembly) grow(by int) error {
	if a.length += by; a.length > maxAnswer {
		return errTooLong
	}
	return nil
}

func (a *assembly) say(text string) error {
	if text == "" {
		return nil
	}
	a.begun = true
	a.text.WriteString(text)
	if a.onDelta != nil {
		a.onDelta(text)
	}
	return a.grow(len(text))
}

func (a *assembly) refuse(text string) error {
	a.refused = a.refused || text != ""
	return a.say(text)
}

func (a *assembly) think(text string) error {
	a.thought.WriteString(text)
	return a.grow(len(text))
}

// complete tells that a reason for the end was given. The end of a stream proves nothing, "[DONE]" included.
func (a *assembly) complete() bool { return a.finish != "" }

// answer is what came together.
func (a *assembly) answer(asked, provider string) Answer {
	said, thought := a.tags.end()
	_ = errors.Join(a.think(thought), a.say(said)) // it was within the bounds as it came
	answer := Answer{
		Message:      events.Message{Role: openai.ChatMessageRoleAssistant, Content: a.text.String(), Thinking: strings.TrimSpace(a.thought.String())},
		FinishReason: a.finish,
		Model:        cmp.Or(a.model, asked),
		Provider:     provider,
		ServiceTier:  a.tier,
		refused:      a.refused,
	}
	var extras []json.RawMessage
	answer.Message.ToolCalls, extras = a.calls.calls()
	if len(answer.Message.ToolCalls) > 0 {
		answer.Message.Extra = a.back(extras)
	}
	a.usage.into(&answer)
	return answer
}

// back is what the provider wants back with the message once the tools have answered. Without tool calls there is
// nothing to send it back with.
func (a *assembly) back(extras []json.RawMessage) json.RawMessage {
	back := map[string]any{}
	if len(a.items) > 0 {
		back[itemsKey] = a.items
	}
	if a.thoughtAs != "" {
		back[thoughtAsKey] = a.thoughtAs
	}
	if len(a.details) > 0 {
		back["reasoning_details"] = joined(a.details)
	}
	if len(a.blocks) > 0 {
		back["thinking_blocks"] = joined(a.blocks)
	}
	if a.extra != nil {
		back["extra_content"] = a.extra
	}
	calls, any := make([]map[string]json.RawMessage, len(extras)), false
	for i, extra := range extras {
		if calls[i] = map[string]json.RawMessage{}; extra != nil {
			calls[i]["extra_content"], any = extra, true
		}
	}
	if any {
		back["tool_calls"] = calls
	}
	if len(back) == 0 {
		return nil
	}
	raw, err := json.Marshal(back)
	if err != nil {
		panic(fmt.Sprintf("agents: JSON that was read can't be written: %v", err)) // it came out of JSON
	}
	return raw
}

// joined puts pieces of details together that came in a stream: texts of one kind and index that follow one another.
func joined(pieces []json.RawMessage) []map[string]any {
	var out []map[string]any
	for _, raw := range pieces {
		var piece map[string]any
		if json.Unmarshal(raw, &piece) != nil {
			continue
		}
		if len(out) > 0 {
			last := out[len(out)-1]
			if fmt.Sprint(last["type"], last["index"]) == fmt.Sprint(piece["type"], piece["index"]) && last["signature"] == nil && last["data"] == nil && piece["data"] == nil {
				for key, value := range piece {
					before, was := last[key].(string)
					more, is := value.(string)
					if was && is && (key == "text" || key == "thinking" || key == "summary") {
						value = before + more
					}
					if value != nil {
						last[key] = value
					}
				}
				continue
			}
		}
		out = append(out, piece)
	}
	return out
}

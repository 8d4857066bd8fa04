package evals

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// Recording is a run as it was recorded.
type Recording struct {
	Run string
	// Requester asked for it.
	Requester string
	// Asked is what was said in its conversation and asked, without an agent's instructions. Answer is what came of it.
	Asked  []events.Message
	Answer string
	// Called are the tools that it called, in their order.
	Called []string
	// results are what they gave back, by tool and arguments, in the order of the calls.
	results map[string][]string
}

// before is what a run saw of its conversation: earlier runs, and the first summaries.
type before struct {
	conversation string
	runs         []string
	summaries    uint64
}

// Record reads a run, with what it saw of its conversation.
func Record(ctx context.Context, store eventstore.Store, workspace, run string) (Recording, error) {
	r, saw, err := alone(ctx, store, workspace, run)
	if err != nil {
		return r, err
	}
	for _, earlier := range slices.Backward(saw.runs) {
		other, _, err := alone(ctx, store, workspace, earlier)
		if err != nil {
			return r, err
		}
		said := other.Asked[len(other.Asked)-1:]
		if other.Answer != "" {
			said = append(slices.Clone(said), events.Message{Role: "assistant", Content: other.Answer})
		}
		r.Asked = slices.Concat(said, r.Asked)
	}
	if saw.summaries > 0 {
		known, err := summarised(ctx, store, workspace, saw.conversation, saw.summaries)
		if err != nil {
			return r, err
		}
		r.Asked = slices.Concat(known.Told(), r.Asked)
	}
	return r, nil
}

// alone reads a run without what it saw of its conversation.
func alone(ctx context.Context, store eventstore.Store, workspace, run string) (Recording, before, error) {
	r, saw := Recording{Run: run, results: map[string][]string{}}, before{}
	var calls []events.ToolCall
	var prompt string
	for e, err := range store.ReadStream(ctx, commands.RunStream(workspace, run), eventstore.StreamOptions{}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return r, saw, fmt.Errorf("there is no run %q: `virtuous6 runs` lists them", run)
		}
		var fact events.Event
		if err == nil {
			fact, err = events.Decode(e)
		}
		if err != nil {
			return r, saw, fmt.Errorf("read run %s: %w", run, err)
		}
		switch f := fact.(type) {
		case events.RunStarted:
			prompt, saw.conversation, r.Requester = f.Prompt, f.Conversation, f.Requester
		case events.RunAssigned:
			saw.runs, saw.summaries = f.Earlier, f.Summaries
		case events.RunLLMCalled:
			r.heard(calls, f.Asked)
			if prompt == "" && len(r.Asked) == 0 {
				r.Asked = slices.DeleteFunc(slices.Clone(f.Asked), func(m events.Message) bool { return m.Role == "system" })
			}
			calls = nil
			if n := len(f.Answered); n > 0 {
				calls = f.Answered[n-1].ToolCalls
			}
		case events.RunToolCalled:
			if f.Call >= 0 && f.Call < len(calls) && !f.Unknown && calls[f.Call].Name != events.LoadSkill {
				r.gave(calls[f.Call], f.Result.Content)
			}
		case events.RunFinished:
			r.Answer = f.Answer
		}
	}
	if prompt != "" {
		r.Asked = []events.Message{{Role: "user", Content: prompt}}
	}
	if len(r.Asked) == 0 {
		return r, saw, fmt.Errorf("run %s holds nothing that could be asked again: its source gave no prompt", run)
	}
	return r, saw, nil
}

// summarised are the first summaries of a conversation.
func summarised(ctx context.Context, store eventstore.Store, workspace, conversation string, n uint64) (known events.Summaries, err error) {
	for e, err := range store.ReadStream(ctx, commands.ConversationStream(workspace, conversation), eventstore.StreamOptions{Limit: int(n)}) { //nolint:gosec // a count of facts
		var fact events.Event
		if err == nil {
			fact, err = events.Decode(e)
		}
		if err != nil {
			return nil, fmt.Errorf("read conversation %s: %w", conversation, err)
		}
		if f, is := fact.(events.ConversationSummarised); is {
			known = known.With(f)
		}
	}
	return known, nil
}

// heard takes in what an imported run was told of its calls: those results stand among the messages.
func (r *Recording) heard(calls []events.ToolCall, messages []events.Message) {
	for _, m := range messages {
		if m.Role != "tool" {
			continue
		}
		for _, call := range calls {
			if call.ID == m.ToolCallID {
				r.gave(call, m.Content)
			}
		}
	}
}

func (r *Recording) gave(call events.ToolCall, result string) {
	key := keyOf(call.Name, []byte(call.Arguments))
	r.Called, r.results[key] = append(r.Called, call.Name), append(r.results[key], result)
}

// keyOf is the same for the same arguments, however they are spaced and in whatever order their members stand.
func keyOf(tool string, arguments []byte) string {
	in := json.NewDecoder(bytes.NewReader(arguments))
	in.UseNumber()
	var value any
	if err := in.Decode(&value); err == nil && !in.More() {
		if plain, err := json.Marshal(value); err == nil {
			arguments = plain
		}
	}
	if len(bytes.TrimSpace(arguments)) == 0 {
		arguments = []byte("{}")
	}
	return tool + "\x00" + string(arguments)
}

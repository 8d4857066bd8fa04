package aggregates_test

import (
	"encoding/json"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestTool(t *testing.T) {
	t.Parallel()
	definition := func(says string) events.ToolDefinition {
		return events.ToolDefinition{Server: "files", Remote: "read", Description: says, Schema: json.RawMessage(`{}`)}
	}
	note := func(says, digest string) commands.Command {
		return commands.NoteTool{Tool: "files__read", Definition: definition(says), Digest: digest}
	}
	accept := func(digest string) commands.Command {
		return commands.AcceptTool{Tool: "files__read", Digest: digest, By: "user:anna", Note: "fine"}
	}
	pinned := events.ToolPinned{Tool: "files__read", Definition: definition("Reads."), Digest: "1"}
	changed := events.ToolChanged{Definition: definition("Reads, and sends."), Digest: "2"}
	back := events.ToolChanged{Definition: definition("Reads."), Digest: "1"}
	accepted := events.ToolAccepted{Digest: "2", By: "user:anna", Note: "fine"}
	scenarios{
		"first sight":             {when: note("Reads.", "1"), then: []events.Event{pinned}},
		"as it was":               {given: []events.Event{pinned}, when: note("Reads.", "1")},
		"another definition":      {given: []events.Event{pinned}, when: note("Reads, and sends.", "2"), then: []events.Event{changed}},
		"the same one again":      {given: []events.Event{pinned, changed}, when: note("Reads, and sends.", "2")},
		"back again":              {given: []events.Event{pinned, changed}, when: note("Reads.", "1"), then: []events.Event{back}},
		"accepted":                {given: []events.Event{pinned, changed}, when: accept("2"), then: []events.Event{accepted}},
		"accepted twice":          {given: []events.Event{pinned, changed, accepted}, when: accept("2")},
		"nothing to accept":       {given: []events.Event{pinned}, when: accept("1")},
		"what is offered no more": {given: []events.Event{pinned, changed, back}, when: accept("2"), err: aggregates.ErrState},
		"the one before":          {given: []events.Event{pinned, changed}, when: accept("1"), err: aggregates.ErrState},
		"by an agent": {
			given: []events.Event{pinned, changed}, when: commands.AcceptTool{Tool: "files__read", Digest: "2", By: "agent:clerk"}, err: aggregates.ErrInvalid,
		},
		"by an agent for a person": {
			given: []events.Event{pinned, changed}, err: aggregates.ErrInvalid,
			when: commands.AcceptTool{Meta: commands.Meta{Actor: "agent:clerk"}, Tool: "files__read", Digest: "2", By: "user:anna"},
		},
		"never seen": {when: accept("1"), err: aggregates.ErrMissing},
		"no digest":  {when: note("Reads.", ""), err: aggregates.ErrInvalid},
		"no schema": {
			when: commands.NoteTool{Tool: "files__read", Digest: "1"}, err: aggregates.ErrInvalid,
		},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return commands.NoteTool{Tool: name, Digest: "1", Definition: definition("Reads.")}
	})
}

// What models are told stays the accepted definition, whatever the server says by now.
func TestAChangedToolIsToldAsItWasAccepted(t *testing.T) {
	t.Parallel()
	instance := newInstance(t, aggregates.Policy{}, commands.NoteTool{Tool: "t"})
	state := func() aggregates.Tool { return instance.State().(aggregates.Tool) } //nolint:forcetypeassert // of its own aggregate
	for _, e := range []events.Event{
		events.ToolPinned{Tool: "t", Definition: events.ToolDefinition{Description: "old"}, Digest: "1"},
		events.ToolChanged{Definition: events.ToolDefinition{Description: "new"}, Digest: "2"},
	} {
		if err := instance.Evolve(e); err != nil {
			t.Fatal(err)
		}
	}
	if s := state(); !s.Quarantined() || s.Accepted.Description != "old" || s.Offered.Description != "new" {
		t.Errorf("a changed tool is %+v", s)
	}
	if err := instance.Evolve(events.ToolAccepted{Digest: "2"}); err != nil {
		t.Fatal(err)
	}
	if s := state(); s.Quarantined() || s.Accepted.Description != "new" {
		t.Errorf("an accepted tool is %+v", s)
	}
}

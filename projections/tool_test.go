package projections_test

import (
	"encoding/json"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

func TestToolsStandInQuarantineUntilAccepted(t *testing.T) {
	t.Parallel()
	definition := func(says string) events.ToolDefinition {
		return events.ToolDefinition{Server: "files", Remote: "read", Description: says, Schema: json.RawMessage(`{}`)}
	}
	pinned := events.ToolPinned{Tool: "files__read", Definition: definition("old"), Digest: "1"}
	changed := events.ToolChanged{Definition: definition("new"), Digest: "2"}
	back := events.ToolChanged{Definition: definition("old"), Digest: "1"}
	accepted := events.ToolAccepted{Digest: "2", By: "user:anna", Note: "fine"}
	for name, c := range map[string]struct {
		facts        []events.Event
		status, says string
	}{
		"pinned":   {[]events.Event{pinned}, projections.ToolAccepted, "old"},
		"changed":  {[]events.Event{pinned, changed}, projections.ToolQuarantined, "old"},
		"back":     {[]events.Event{pinned, changed, back}, projections.ToolAccepted, "old"},
		"accepted": {[]events.Event{pinned, changed, accepted}, projections.ToolAccepted, "new"},
		"and back": {[]events.Event{pinned, changed, accepted, back}, projections.ToolQuarantined, "new"},
	} {
		var facts []any
		for _, f := range c.facts {
			facts = append(facts, "tool-files__read", f)
		}
		rows, err := folded(t, facts...).Tools(t.Context())
		if err != nil || len(rows) != 1 || rows[0].Status != c.status || rows[0].Description != c.says || rows[0].Server != "files" || rows[0].Position != uint64(len(c.facts)) {
			t.Errorf("%s: %+v, %v", name, rows, err)
		}
	}
}

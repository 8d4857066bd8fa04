package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/web"
)

// What is accepted is what was read, and no later definition.
func TestAToolIsAcceptedAsItWasRead(t *testing.T) {
	t.Parallel()
	store := eventstore.NewMemory(time.Now)
	defer store.Close()
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	for _, digest := range []string{"1", "2"} {
		note := commands.NoteTool{
			Meta: commands.Meta{ID: events.NameID(noon, digest), At: noon, Actor: "mcp:files"}, Tool: "files__read", Digest: digest,
			Definition: events.ToolDefinition{Server: "files", Remote: "read", Description: digest, Schema: []byte("{}")},
		}
		if _, err := d.Dispatch(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	c := config(reader{}, &log{})
	c.Dispatch, c.Refused = d.Dispatch, aggregates.Refused
	door := web.New(c)
	for _, tt := range []struct {
		path, body string
		code       int
		says       string
	}{
		{"/api/tools/files__read/accept", `{"digest":"2"}`, http.StatusUnprocessableEntity, "by"},
		{"/api/tools/files__read/accept", `{"by":"agent:clerk","digest":"2"}`, http.StatusUnprocessableEntity, "a person accepts"},
		{"/api/tools/files__read/accept", `{"by":"user:anna","digest":"1"}`, http.StatusUnprocessableEntity, "another definition by now"},
		{"/api/tools/files__write/accept", `{"by":"user:anna","digest":"1"}`, http.StatusUnprocessableEntity, "does not exist"},
		{"/api/tools/files__read/accept", `{"by":"user:anna","digest":"2"}`, http.StatusOK, `"digest":"2"`},
	} {
		w := request(door, "POST", tt.path, tt.body)
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, w.Code, w.Body)
		}
	}
	if pin, err := d.Tool(t.Context(), "", "files__read"); err != nil || pin.Quarantined() || pin.Accepted.Description != "2" {
		t.Errorf("the tool is %+v, %v", pin, err)
	}
}

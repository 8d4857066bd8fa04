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

// A proposal is approved over HTTP, the agent changes, and is taken back.
func TestAChangeIsMadeAndTakenBack(t *testing.T) {
	t.Parallel()
	store := eventstore.NewMemory(time.Now)
	defer store.Close()
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	meta := func(name string) commands.Meta {
		return commands.Meta{ID: events.NameID(noon, name), At: noon, Actor: "analyst:workflow", Workspace: "w"}
	}
	spawn := commands.SpawnAgent{Meta: meta("spawn"), Agent: "clerk", Config: events.AgentConfig{Model: "old", Prompt: "Be brief."}}
	propose := commands.ProposeImprovement{
		Meta: meta("propose"), Improvement: "i", Analyst: "workflow", AnalystVersion: 1, Reason: "better",
		Change:   events.Change{Kind: events.ChangeModel, Agent: "clerk", Config: &events.AgentConfig{Model: "new"}},
		Evidence: events.Evidence{From: 1, To: 1, Statistic: "s", Value: .5, Low: .1, High: .9, Confidence: .95, N: 4},
	}
	for _, c := range []commands.Command{spawn, propose} {
		if _, err := d.Dispatch(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	c := config(reader{}, &log{})
	c.Dispatch, c.Refused = d.Dispatch, aggregates.Refused
	c.Improvements = orchestrator.Improvements{Store: store, Dispatch: d.Dispatch, Agents: d}
	door := web.New(c)
	for _, tt := range []struct {
		path, body string
		code       int
		says       string
	}{
		{"/api/improvements/i/approve", `{"note":"go"}`, http.StatusUnprocessableEntity, "by"},
		{"/api/improvements/i/approve", `{"by":"agent:clerk"}`, http.StatusUnprocessableEntity, "names the person"},
		{"/api/improvements/i/approve", `{"by":"user:anna"}`, http.StatusOK, `"status":"applied","agent":"clerk","version":2,"before":{"model":"old"`},
		{"/api/improvements/i/approve", `{"by":"user:anna"}`, http.StatusUnprocessableEntity, "is applied"},
		{"/api/improvements/no/reject", `{"by":"user:anna"}`, http.StatusUnprocessableEntity, "improvement@w:no: does not exist"},
		{"/api/agents/clerk/rollback", `{"by":"user:anna","reason":"worse"}`, http.StatusOK, `"version":3,"restores":1,"improvements":["i"]`},
		{"/api/agents/clerk/rollback", `{"version":1}`, http.StatusOK, `"restores":0,"improvements":[]`},
	} {
		w := request(door, "POST", tt.path, tt.body)
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, w.Code, w.Body)
		}
	}
	if now, _, err := d.Agent(t.Context(), "w", "clerk"); err != nil || now.Config.Model != "old" || now.Config.Prompt != "Be brief." {
		t.Errorf("the agent is %+v, %v", now, err)
	}
}

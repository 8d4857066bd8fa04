package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/web"
)

// A goal is created, planned, steered and given up over HTTP. The same request again changes nothing.
func TestAGoalIsSteeredOverHTTP(t *testing.T) {
	t.Parallel()
	store := eventstore.NewMemory(time.Now)
	defer store.Close()
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	var known []projections.GoalRow
	c := config(reader{goals: &known}, &log{})
	c.Dispatch, c.Refused = d.Dispatch, aggregates.Refused
	door := web.New(c)
	made := request(door, "POST", "/api/goals", `{"prompt":"Ship it","limit_usd":"2.50","requester":"user:anna"}`, "Idempotency-Key", "k")
	goal, _ := decode[map[string]any](t, made)["goal"].(string)
	if made.Code != http.StatusAccepted || goal == "" {
		t.Fatalf("%d %s", made.Code, made.Body)
	}
	again := request(door, "POST", "/api/goals", `{"prompt":"Ship it","limit_usd":"2.50","requester":"user:anna"}`, "Idempotency-Key", "k")
	if body := decode[map[string]any](t, again); body["goal"] != goal || body["repeated"] != true {
		t.Errorf("the same request again: %s", again.Body)
	}
	plan := func() {
		tasks := []events.GoalTask{
			{Task: "look", Title: "look", Agent: "clerk", Instruction: "Look."},
			{Task: "ask", Title: "ask", Question: "Which one?"},
		}
		_, err := d.Dispatch(t.Context(), commands.PlanGoal{
			Meta: commands.Meta{ID: orchestrator.NewID(), At: noon, Actor: "manager:goal", Workspace: "w"}, Goal: goal,
			Source: events.PlannedByTemplate, Template: "single", Tasks: tasks, Agents: []string{"clerk"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		wish, body string
		code       int
		says, kind string
	}{
		{"tell", `{}`, 422, "body.text", ""},
		{"answer", `{"text":"the red one"}`, 422, "body.task", ""},
		{"pause", `{"limit_usd":"3"}`, 422, "only resume takes it", ""},
		{"resume", `{"limit_usd":"much"}`, 422, "body.limit_usd", ""},
		{"plan", `{"by":"user:anna"}`, 202, goal, "goal.plan_asked"},
		{"run", `{"by":"user:anna"}`, 202, goal, "goal.started"},
		{"tell", `{"text":"mind the date"}`, 202, goal, "goal.told"},
		{"change", `{"instruction":"Look twice."}`, 422, "body.task", ""},
		{"change", `{"task":"look","agent":"nobody"}`, 422, "nobody", ""},
		{"change", `{"task":"look","instruction":"Look twice."}`, 202, goal, "goal.task_changed"},
		{"approve", `{}`, 422, "no plan", ""},
		{"skip", `{"task":"look","text":"no need"}`, 202, goal, "goal.task_skipped"},
		{"pause", `{"text":"wait"}`, 202, goal, "goal.paused"},
		{"resume", `{"limit_usd":"5"}`, 202, goal, "goal.resumed"},
		{"cancel", `{"text":"enough"}`, 202, goal, "goal.cancelled"},
		{"tell", `{"text":"too late"}`, 422, "", ""},
	} {
		if tt.wish == "run" {
			plan()
		}
		name := goal
		if tt.wish == "pause" { // from here on the read models know it
			known = []projections.GoalRow{{Goal: goal}, {Goal: "other"}}
		}
		if known != nil {
			name = goal[:9]
		}
		w := request(door, "POST", "/api/goals/"+name+"/"+tt.wish, tt.body)
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s: %d %s", tt.wish, tt.body, w.Code, w.Body)
		}
		last := ""
		for e, err := range store.ReadStream(t.Context(), commands.GoalStream("w", goal), eventstore.StreamOptions{Direction: eventstore.Backwards, Limit: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			last = fmt.Sprint(e.Kind)
		}
		if tt.kind != "" && last != tt.kind {
			t.Errorf("%s: the stream ends with %s, want %s", tt.wish, last, tt.kind)
		}
	}
	if w := request(door, "POST", "/api/goals/none/run", `{}`); w.Code != 422 {
		t.Errorf("a goal that is not there: %d %s", w.Code, w.Body)
	}
}

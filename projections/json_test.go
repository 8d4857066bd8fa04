package projections_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// TestRowsMarshalTheirColumns holds the JSON keys of rows to their columns' names.
func TestRowsMarshalTheirColumns(t *testing.T) {
	t.Parallel()
	for _, row := range []any{
		projections.RunRow{}, projections.AgentRow{}, projections.TaskRow{}, projections.FeedbackRow{},
		projections.PatternRow{}, projections.CostRow{}, projections.ImprovementRow{}, projections.RunbookRow{}, projections.ExperimentRow{},
		projections.BudgetRow{}, projections.TokenRow{}, projections.GoalRow{}, projections.MetricRow{},
	} {
		var want []string
		typ := reflect.TypeOf(row)
		for _, field := range reflect.VisibleFields(typ) {
			if !field.IsExported() || field.Type == reflect.TypeFor[events.Cost]() {
				continue
			}
			column, _, _ := strings.Cut(field.Tag.Get("db"), ",")
			if column == "" { // what Reader joins
				column = strings.ToLower(field.Name)
			}
			column = strings.Replace(column, "_nanos", "_usd", 1)
			want = append(want, strings.Replace(column, "duration_ns", "duration_seconds", 1))
		}
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		var keys map[string]any
		if err := json.Unmarshal(b, &keys); err != nil {
			t.Fatal(err)
		}
		var got []string
		for k := range keys {
			got = append(got, k)
		}
		slices.Sort(got)
		slices.Sort(want)
		equal(t, typ.Name(), got, want)
	}
}

func TestRunMarshalsAsDocumented(t *testing.T) {
	t.Parallel()
	m := folded(t, support()...)
	run, steps, err := m.Run(t.Context(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal([]any{run, steps[2]})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"run":"r1","workspace":"","first_position":1,"last_position":8,"workflow":"support","task":"t1","requester":"anna",` +
		`"conversation":"c1","agent":"","agent_revision":null,"chosen":null,"outcome":"failed","suspended":null,"finish_reason":"length","source":"runs","scripted":false,"tried":false,` +
		`"started_at":"2026-11-22T12:00:00Z","ended_at":"2026-11-22T12:07:00Z","duration_seconds":420,"steps":3,"failed_steps":1,` +
		`"input_tokens":10,"output_tokens":4,"cost_usd":"0.000000009","unpriced_calls":0,"agents":["bert (runs)","carl (runs)"],"models":["gpt-1"],"tools":["search"],"skills":[],` +
		`"labels":{"a":"1","b":"2"},"error":"no answer","trace":["ask","look","look"],"prompt":"help","answer":"","verdict":null},` +
		`{"run":"r1","step":2,"workflow":"support","name":"look","type":"tool","agent":"carl (runs)","tool":"search","model":"","parent":null,` +
		`"depends_on":[],"labels":{},"outcome":"running","error":"","started_at":"2026-11-22T12:06:00Z","ended_at":null,` +
		`"duration_seconds":null,"input_tokens":0,"output_tokens":0,"cached_tokens":0,"cost_usd":"0","unpriced":false,"position":7}]`
	equal(t, "run and step", string(got), want)
}

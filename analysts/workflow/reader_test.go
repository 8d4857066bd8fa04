package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"reflect"
	"testing"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// reader is read models as literals. Any failure is given at the end of each list.
type reader struct {
	projections.Reader
	runs     []*projections.Observation
	agents   []projections.AgentRow
	variants []projections.PatternRow
	fail     map[string]error
}

func list[T any](rows []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			var zero T
			yield(zero, err)
		}
	}
}

func (r reader) Observations(context.Context) ([]*projections.Observation, error) {
	return r.runs, r.fail["runs"]
}

func (r reader) Agents(context.Context) ([]projections.AgentRow, error) {
	return r.agents, r.fail["agents"]
}

func (r reader) Runbooks(context.Context) ([]projections.RunbookRow, error) {
	return nil, r.fail["runbooks"]
}

func (r reader) Patterns(_ context.Context, _ projections.PatternKind, workflow string, _ int) iter.Seq2[projections.PatternRow, error] {
	var rows []projections.PatternRow
	for _, v := range r.variants {
		if workflow == "" || workflow == v.Workflow {
			rows = append(rows, v)
		}
	}
	return list(rows, r.fail["patterns"])
}

func TestWorkflowLoadsItsView(t *testing.T) {
	t.Parallel()
	a := func(agent, model string) *projections.Doing {
		return &projections.Doing{Name: "a", Agent: agent, Model: model}
	}
	r := reader{
		runs: []*projections.Observation{
			{Run: "r0", Workflow: "w", Outcome: events.Succeeded, FirstPosition: 1, LastPosition: 9, Steps: []projections.ObservedStep{{Doing: a("x", ""), OwnNS: -1, Position: 3}}},
			{Run: "r1", Workflow: "v", Outcome: events.Unrated, FirstPosition: 10, LastPosition: 19},
			{
				Run: "r2", Workflow: "w", Outcome: events.Failed, Task: "t", Agents: []string{"x", "y"}, Models: []string{"m"}, Tools: []string{"b-1", "b-2"},
				Labels: [][2]string{{"a", "b"}, {"k", "v"}}, FirstPosition: 20, LastPosition: 29,
				Steps: []projections.ObservedStep{
					{Doing: a("y", "m"), Failed: true, OwnNS: 4, CostNanos: 1, Position: 21},
					{Doing: &projections.Doing{Name: "b", Agent: "x", Model: "n"}, OwnNS: -1, InputTokens: 5, Position: 22},
					{Doing: a("y", "m"), Failed: true, OwnNS: 6, CostNanos: 2, Position: 23},
				},
			},
			{Run: "r3", Workflow: "w", Outcome: projections.Running, FirstPosition: 30, Steps: []projections.ObservedStep{{Doing: a("", ""), Failed: true, OwnNS: 8, Position: 31}}},
			{Run: "r4", Workflow: "begun", Outcome: projections.Running, FirstPosition: 40, Steps: []projections.ObservedStep{{Doing: a("", ""), Position: 41}}},
		},
		agents: []projections.AgentRow{{Agent: "x", Model: "m", MaxTokens: 5, Tools: []string{"b"}}},
	}
	got, err := workflow.New(workflow.Options{}).Load(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := workflow.View{
		Agents: map[string]events.AgentConfig{"x": {Model: "m", MaxTokens: 5, Tools: []string{"b"}}},
		Workflows: []workflow.History{
			{Name: "v", Runs: []workflow.Run{{Outcome: events.Unrated, First: 10, Last: 19}}},
			{Name: "w", Steps: []projections.StepStat{
				{Workflow: "w", Name: "a", Steps: 4, Runs: 3, Failed: 3, Timed: 3, P50NS: 6, P95NS: 8, TotalNS: 18, CostNanos: 3, FirstPosition: 3, LastPosition: 31},
				{Workflow: "w", Name: "b", Steps: 1, Runs: 1, InputTokens: 5, FirstPosition: 22, LastPosition: 22},
			}, Runs: []workflow.Run{
				{Outcome: events.Succeeded, Trace: []string{"a"}, First: 1, Last: 9},
				{
					Task: "t", Outcome: events.Failed, Trace: []string{"a", "b", "a"}, Agents: []string{"x", "y"}, Models: []string{"m"},
					Tools: []string{"b"}, Labels: [][2]string{{"a", "b"}, {"k", "v"}}, FailedSteps: []string{"a"}, FailedAt: []int32{0, 2},
					Calls: [][2]string{{"x", "n"}, {"y", "m"}}, First: 20, Last: 29,
				},
			}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("view\n%+v, want\n%+v", got, want)
	}
	for _, what := range []string{"agents", "runbooks", "runs"} {
		broken := r
		broken.fail = map[string]error{what: errBroken}
		if _, err := analysts.All()[0].Load(t.Context(), broken); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

var errBroken = errors.New("broken")

func TestPatterns(t *testing.T) {
	t.Parallel()
	r := reader{variants: []projections.PatternRow{
		{Workflow: "w", Steps: []string{"a", "b"}, Runs: 8, Succeeded: 3, Failed: 1, Unrated: 4, FirstPosition: 5, LastPosition: 90},
		{Workflow: "w", Steps: []string{"a", "c", "b"}, Runs: 2, Unrated: 2, FirstPosition: 1, LastPosition: 70},
		{Workflow: "v", Steps: []string{"z"}, Runs: 1, Cancelled: 1, FirstPosition: 95, LastPosition: 99},
	}}
	got, err := workflow.Patterns(t.Context(), r, "", mining.Options{MinSupport: 1})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"workflow":"v","steps":["z"],"length":1,"support":1,"runs":1,"succeeded":0,"failed":0,"success_rate":null,"interval":null,"min_support":1,"max_length":6,"raised":false,"closed":true,"first_position":95,"last_position":99},` +
		`{"workflow":"w","steps":["a","b"],"length":2,"support":10,"runs":10,"succeeded":3,"failed":1,"success_rate":0.75,"interval":[0.300642,0.954413],"min_support":1,"max_length":6,"raised":false,"closed":true,"first_position":1,"last_position":90},` +
		`{"workflow":"w","steps":["a","c","b"],"length":3,"support":2,"runs":10,"succeeded":0,"failed":0,"success_rate":null,"interval":null,"min_support":1,"max_length":6,"raised":false,"closed":true,"first_position":1,"last_position":70}]`
	if string(data) != want {
		t.Errorf("%s\nwant\n%s", data, want)
	}
	// What one run did is listed where it is asked for alone.
	for least, want := range map[float64]int{0: 0, 1: 1} {
		if got, err := workflow.Patterns(t.Context(), r, "v", mining.Options{MinSupport: least}); err != nil || len(got) != want {
			t.Errorf("%+v %v", got, err)
		}
	}
	// One rich workflow does not keep the others from being listed, and says what is left out of it.
	few, err := workflow.Patterns(t.Context(), r, "", mining.Options{MinSupport: 1, MaxPatterns: 1})
	if err != nil || len(few) != 2 || few[0].Workflow != "v" || few[0].Raised || few[1].Support != 10 || !few[1].Raised || few[1].MinSupport < 3 {
		t.Errorf("%+v, %v", few, err)
	}
	// Where those that all runs hold are too many, or a higher support leaves none, shorter ones are listed.
	rich := reader{variants: []projections.PatternRow{
		{Workflow: "w", Steps: []string{"a", "b", "a", "c", "b", "a", "c"}, Runs: 3, Unrated: 3},
		{Workflow: "w", Steps: []string{"c", "b", "a", "b", "c", "a", "b"}, Runs: 3, Unrated: 3},
	}}
	for most, length := range map[int]int{30: 3, 10: 1} {
		few, err := workflow.Patterns(t.Context(), rich, "", mining.Options{MinSupport: 1, MaxPatterns: most, All: true})
		if err != nil || len(few) == 0 || len(few) > most || !few[0].Raised || few[0].MaxLength != length {
			t.Errorf("at most %d of at most %d steps: %d, %v", most, length, len(few), err)
		}
	}
	if _, err := workflow.Patterns(t.Context(), r, "", mining.Options{MaxLength: -1}); !errors.Is(err, mining.ErrOptions) {
		t.Error(err)
	}
	r.fail = map[string]error{"patterns": errBroken}
	if _, err := workflow.Patterns(t.Context(), r, "", mining.Options{}); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

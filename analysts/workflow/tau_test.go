package workflow_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/events"
)

// tau reads tau-bench's airline conversations of the data folder: a run's steps are the tools that it called.
func tau(tb testing.TB) workflow.View {
	tb.Helper()
	data := os.Getenv("VIRTUOUS6_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "shared", "data")
	}
	text, err := os.ReadFile(filepath.Join(data, "agent-runs", "tau-bench", "gpt-4o-airline.json"))
	if err != nil {
		tb.Skip("tau-bench's runs are not here: ", err)
	}
	var runs []struct {
		Task   int     `json:"task_id"`
		Reward float64 `json:"reward"`
		Traj   []struct {
			ToolCalls []struct {
				Function struct{ Name string }
			} `json:"tool_calls"`
		}
	}
	if err := json.Unmarshal(text, &runs); err != nil {
		tb.Fatal(err)
	}
	h := newHistory("airline")
	for _, r := range runs {
		run, outcome := workflow.Run{Task: fmt.Sprint(r.Task)}, events.Failed
		if r.Reward == 1 {
			outcome = events.Succeeded
		}
		for _, m := range r.Traj {
			for _, c := range m.ToolCalls {
				run.Trace = append(run.Trace, c.Function.Name)
			}
		}
		h.add(1, outcome, run)
	}
	return h.view()
}

func TestTauBench(t *testing.T) {
	t.Parallel()
	res := workflow.New(workflow.Options{}).Propose(tau(t))
	hat := ofKind(res, "pass_hat")
	if len(hat) != 1 || !slices.Equal(hat[0].Values, []float64{0.42, 0.273333, 0.22, 0.2}) {
		t.Errorf("%+v", hat)
	}
	if n := len(ofKind(res, "pattern")); n != 10 {
		t.Errorf("%d patterns", n)
	}
	// Four runs a task prove nothing within tasks: what comes with failure is told, and told not to be proven.
	candidates := ofKind(res, workflow.FailureCandidate)
	if len(candidates) == 0 || claimsIn(res) != 0 {
		t.Errorf("%d candidates, %d claims", len(candidates), claimsIn(res))
	}
	for _, f := range candidates {
		if !strings.HasPrefix(f.Text, "Not proven") || f.Evidence.High >= 0 {
			t.Errorf("%s %+v", f.Text, f.Evidence)
		}
		t.Log(f.Text)
	}
}

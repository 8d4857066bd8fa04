package main

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// What is under way for a person is ended in whichever workspace it was asked.
func TestWhoIsForgottenIsAnsweredInNoWorkspace(t *testing.T) {
	t.Parallel()
	a := &app{flags: &verbs{Store: "sqlite:" + filepath.Join(t.TempDir(), "log.db"), Quiet: true}, out: &bytes.Buffer{}, err: &bytes.Buffer{}, clock: time.Now, ids: orchestrator.NewID}
	defer func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := a.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for workspace, requester := range map[string]string{"": "slack:T:U1", "team": "slack:T:U1", "other": "slack:T:U2"} {
		meta := a.meta("r")
		meta.Workspace = workspace
		for _, c := range []commands.Command{
			commands.SpawnAgent{Meta: meta, Agent: "clerk"},
			commands.StartRun{Meta: commands.Meta{ID: orchestrator.NewID(), At: time.Now(), Actor: "user:anna", Workspace: workspace, Correlation: "r"}, Run: "r", Workflow: "w", Agent: "clerk", Requester: requester},
			commands.CreateGoal{Meta: commands.Meta{ID: orchestrator.NewID(), At: time.Now(), Actor: "user:anna", Workspace: workspace}, Goal: "g", Prompt: "Ship it.", Level: events.Operational, Requester: requester},
		} {
			if _, err := a.dispatcher().Dispatch(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := a.endWhatIsOf(t.Context(), "slack:T:U1"); err != nil {
		t.Fatal(err)
	}
	if err := a.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for workspace, want := range map[string]events.Outcome{"": events.Cancelled, "team": events.Cancelled, "other": "running"} {
		if row, _, err := a.models.In(workspace).Run(t.Context(), "r"); err != nil || row.Outcome != want {
			t.Errorf("in %q it is %s, %v; want %s", workspace, row.Outcome, err, want)
		}
		if goals, err := a.models.In(workspace).Goals(t.Context()); err != nil || len(goals) != 1 || goals[0].Status.Ended() != (want == events.Cancelled) {
			t.Errorf("in %q the goals are %+v, %v", workspace, goals, err)
		}
	}
}

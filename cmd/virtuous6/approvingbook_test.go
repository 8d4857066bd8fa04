package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
)

// What approving a proposal for a saved runbook does: the next goal is planned by it, and a person takes it back. One that was made from another version
// is refused.
func TestApprovingANextVersionOfARunbook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := write(t, dir, "config.yaml", "user: anna\npolicy:\n  holdback_permille: 0\n")
	run := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := Main(t.Context(), World{}, append([]string{"--config", config, "--store", "sqlite:" + filepath.Join(dir, "log.db")}, args...), strings.NewReader(""), &out, &out); code != want {
			t.Fatalf("%s: %d\n%s", args, code, out.String())
		}
		return out.String()
	}
	holds := func(what, said string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(said, part) {
				t.Errorf("%s lacks %q:\n%s", what, part, said)
			}
		}
	}
	run(exitDone, "agents", "spawn", "clerk")
	run(exitDone, "ask", "Are you there?")
	run(exitDone, "save-workflow", "-", "refund", "--workflow", "desk", "--steps", "something else")
	run(exitDone, "run", write(t, dir, "refund.yaml", hastyBook))
	var asked []struct{ Run string }
	if err := json.Unmarshal([]byte(run(exitDone, "runs", "--limit", "1", "--json", "--quiet")), &asked); err != nil {
		t.Fatal(err)
	}
	next := &events.RunbookSaved{Runbook: "refund", Workflow: "desk", From: 2, Steps: []events.RunbookStep{
		{Name: "look up", Agent: "clerk", Instruction: "Look the order up."}, {Name: "pay", Agent: "clerk", Instruction: "Pay it back.", DependsOn: []int{0}},
	}}
	propose(t, dir, asked[0].Run, approving{kind: events.ChangeRunbook, change: events.Change{Workflow: "desk", Book: next, Steps: []string{"pay", "look up"}, Instruction: "Look first."}})
	holds("shown", run(exitDone, "improvements", "show", "i1"), "the runbook refund would go on from version 2 as:", "2. pay (clerk), behind 1",
		"undone by: virtuous6 save-workflow - refund --version 2", "for: the goals that are planned by refund", "approving it: "+evidence.Approving(events.ChangeRunbook))
	run(exitDone, "save-workflow", "-", "refund", "--version", "1")
	holds("made of another version", run(exitFailed, "improvements", "approve", "i1"), "this was made from its version 2, and it is at version 3 by now")
	run(exitDone, "improvements", "reject", "i1")

	var first struct{ Version int }
	next.From = 3
	propose(t, dir, asked[0].Run, approving{id: "i2", kind: events.ChangeRunbook, change: events.Change{Workflow: "desk", Book: next, Instruction: "Look first."}})
	holds("approved", run(exitDone, "improvements", "approve", "i2"), "The runbook refund goes by version 4, for all goals that are planned by it from now on\n", "To take it back: virtuous6 save-workflow - refund --version 3")
	holds("the next goal", run(exitDone, "run", "refund"), "step-1  done    clerk  plan", "look up")
	holds("the list", run(exitDone, "improvements"), "i2  applied, runbook by workflow")
	holds("a file of before", run(exitDone, "run", filepath.Join(dir, "refund.yaml")), "is another one than version 4 of the runbook, which an improvement made: it is saved as version 5. To take that back: virtuous6 save-workflow - refund --version 4\n")
	run(exitDone, "save-workflow", "-", "refund", "--version", "3")
	if err := json.Unmarshal([]byte(run(exitDone, "runbooks", "refund", "--json", "--quiet")), &first); err != nil || first.Version != 6 {
		t.Errorf("taken back it is at version %d, %v", first.Version, err)
	}
	holds("taken back", run(exitDone, "runbooks", "refund"), "something else")
}

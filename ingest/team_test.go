package ingest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/ingest"
)

const teamLog = `{"is_correct": false, "question": "How many clients?", "question_ID": "q-7", "mistake_agent": "Counter", "mistake_step": "2", "mistake_reason": "It counts rows twice.",
"system_prompt": {"Counter": "You count."},
"history": [
 {"role": "assistant", "name": "Reader", "content": "I read the table."},
 {"role": "user", "name": "Computer_terminal", "content": "exitcode: 1 (execution failed)\nNameError: rows"},
 {"role": "user", "name": "Counter", "content": "There are 8."},
 {"role": "user", "name": "Computer_terminal", "content": "exitcode: 0 (execution succeeded)\n8"},
 {"role": "user", "name": "Counter", "content": "TERMINATE"}]}`

// The log of a team becomes a run whose steps tell who spoke, and what is labelled as the mistake feedback on its step.
func TestTheLogOfATeamIsARun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, steps string }{
		"by names": {teamLog, "Reader by Reader, Computer_terminal by Reader failed, Counter by Counter, Computer_terminal by Counter, Counter by Counter"},
		"by roles": {
			`{"is_corrected": false, "question": "How many clients?", "question_ID": "q-7", "mistake_agent": "Counter", "mistake_step": 3, "mistake_reason": "It counts rows twice.", "history": [
 {"role": "human", "content": "How many clients?"}, {"role": "Orchestrator (thought)", "content": "Let me see."}, {"role": "Orchestrator (-> Counter)", "content": "Count."}, {"role": "Counter", "content": "There are 8."}]}`,
			"Orchestrator by Orchestrator, Orchestrator by Orchestrator, Counter by Counter",
		},
	} {
		records := map[string]ingest.Record{}
		for r, err := range ingest.Parse(strings.NewReader(c.text), "logs/7.json", ingest.Options{Now: time.Now}) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			records[r.Name] = r
		}
		if len(records) != 1 {
			t.Fatalf("%s: %+v", name, records)
		}
		for _, r := range records {
			var steps []string
			failed := map[int]bool{}
			for _, cmd := range r.Run {
				if f, ok := cmd.(commands.FinishStep); ok && f.Outcome == events.Failed {
					failed[f.Step] = true
				}
			}
			for _, cmd := range r.Run {
				switch cmd := cmd.(type) {
				case commands.StartRun:
					if cmd.Workflow != "logs" || cmd.Task != "q-7" || cmd.Prompt != "How many clients?" {
						t.Errorf("%s: %+v", name, cmd)
					}
				case commands.StartStep:
					said := cmd.Name + " by " + cmd.Agent
					if failed[cmd.Step] {
						said += " failed"
					}
					steps = append(steps, said)
				}
			}
			if got := strings.Join(steps, ", "); got != c.steps {
				t.Errorf("%s: %s", name, got)
			}
			if r.Verdict == nil || r.Verdict.Verdict != events.Failed || len(r.Feedback) != 1 {
				t.Fatalf("%s: %+v, %+v", name, r.Verdict, r.Feedback)
			}
			if f := r.Feedback[0]; f.Step == nil || *f.Step != 2 || f.Label != "Counter" || f.Text != "It counts rows twice." {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

// What is no team's log stays an ordinary conversation.
func TestAHistoryOfOneAgentIsAConversation(t *testing.T) {
	t.Parallel()
	const text = `{"history": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}], "success": true}`
	for r, err := range ingest.Parse(strings.NewReader(text), "a.json", ingest.Options{Now: time.Now}) {
		if err != nil || r.Verdict == nil || r.Verdict.Verdict != events.Succeeded {
			t.Errorf("%+v, %v", r, err)
		}
		for _, cmd := range r.Run {
			if _, step := cmd.(commands.StartStep); step {
				t.Errorf("%+v", cmd)
			}
		}
	}
}

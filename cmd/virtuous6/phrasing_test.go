//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// walked has runs in the log of a way that the record can tell of, and a wish of somebody's.
func (p program) walked() {
	p.t.Helper()
	var out bytes.Buffer
	a := &app{out: &out, err: &out, flags: &verbs{Store: p.store, Quiet: true}, clock: time.Now, ids: orchestrator.NewID}
	if err := a.open(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	defer func() {
		if err := a.close(); err != nil {
			p.t.Error(err)
		}
	}()
	for i := range 3 {
		id := fmt.Sprint("w", i)
		var all []events.Envelope
		for _, fact := range []events.Event{
			events.RunStarted{Run: id, Workflow: "refunds", Prompt: "A refund."}, events.RunAssigned{Agent: "clerk"},
			events.RunStepStarted{Name: "lookup", Type: events.ToolStep, Agent: "clerk", Tool: "lookup"}, events.RunStepFinished{Outcome: events.Succeeded},
			events.RunFinished{Outcome: events.Succeeded, Answer: "Done."},
		} {
			kind, version, data, err := events.Encode(fact)
			if err != nil {
				p.t.Fatal(err)
			}
			all = append(all, events.Envelope{ID: a.ids(), Stream: "run-" + id, Kind: kind, Version: version, Data: data, OccurredAt: time.Now(), Actor: "user:anna", Correlation: id})
		}
		if _, err := a.store.Append(p.t.Context(), "run-"+id, eventstore.NoStream, all); err != nil {
			p.t.Fatal(err)
		}
	}
	meta := a.meta("w0")
	if _, err := a.dispatcher().Dispatch(p.t.Context(), commands.GiveFeedback{Meta: meta, Feedback: "f1", Run: "w0", User: "slack:T1:U9", Name: "better", Wish: "with salamanders"}); err != nil {
		p.t.Fatal(err)
	}
}

// A model finds the words for what the record says, in a run: asked once more after a kill, posted once, priced, within its own money. What
// it says beside the record is not taken, and what somebody said it is never told.
func TestWordsAreFoundOnceOverAKill(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, p program) {
		api, model := apitest.New(t), newPaced(t)
		prices := write(t, p.dir, "prices.json", `{"paced-1":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}`)
		config := write(t, p.dir, "config.yaml", "prices: "+prices+"\nroles:\n  phrasing: {model: paced-1, limit: \"0.02\"}\n")
		if p.store == "" {
			p.store = "sqlite:" + p.dir + "/store.db"
		}
		p.env = []string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1", "SLACK_API_URL=" + api.URL, "OPENAI_BASE_URL=" + model.URL + "/v1", "OPENAI_API_KEY=x", "VIRTUOUS6_CONFIG=" + config}
		p.walked()
		start := func() *exec.Cmd {
			cmd, _ := p.serve("--lease", "1s")
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			})
			return cmd
		}
		first := start()
		api.Connected(t, 1)
		ask := func(ts, text string) {
			for _, envelope := range []string{ts, ts + " again"} {
				api.Send(t, "events_api", envelope, mention("C1", ts, "", text))
				api.Acked(t, envelope)
			}
		}
		said := func(thread string) apitest.Message {
			return api.Message(t, "C1", "what the record says", func(m apitest.Message) bool { return m.Thread == thread && strings.Contains(m.Blocks, "Of the record") })
		}
		ask("1.1", "What patterns have you seen?")
		model.say(`{"lines":["The way `)
		api.Await(t, "the session's work", func() bool { return api.Status("C1", "1.1") == "processing" })
		if err := first.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = first.Wait()
		model.lost()
		second := start()
		const words = "The way of all was **lookup**, in 3 of the 3 runs of refunds: 3 of 3 succeeded."
		model.say(`{"lines":["`+strings.Replace(words, " of all", "", 1)+`"]}`, ".")
		if m := said("1.1"); m.Streamed || !strings.Contains(m.Blocks, "The way was *lookup*, in 3 of the 3 runs of refunds") || !strings.Contains(m.Blocks, "in the words of a model") ||
			!strings.Contains(m.Blocks, "log positions") || !strings.Contains(m.Blocks, "`w0`") || !strings.Contains(m.Blocks, "$0.00") {
			t.Errorf("got %+v", m)
		}
		// In the next ones the model says more than the record, and the record has it with somebody's own words.
		ask("2.1", "What patterns have you seen?")
		model.say(`{"lines":["`+words+`"]}`, ".")
		if m := said("2.1"); !strings.Contains(m.Blocks, "says all where the record does not") || !strings.Contains(m.Blocks, "*lookup*, in 3 of the 3 runs of refunds: 3 of 3 succeeded.") {
			t.Errorf("got %+v", m)
		}
		api.Await(t, "the end of all that is under way", func() bool { return api.Working() == 0 })
		if err := second.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := second.Wait(); err != nil {
			t.Errorf("the server ended: %v", err)
		}
		for _, thread := range []string{"1.1", "2.1"} {
			n := 0
			for _, m := range api.Messages("C1") {
				if m.Thread == thread {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%d messages in thread %s", n, thread)
			}
		}

		// The terminal has the same, with what it cost; where the day's money is used up the record speaks for itself.
		learned := func(words string, args ...string) (told struct {
			Run, Untaken string
			Lines        []struct{ Text string }
		}) {
			t.Helper()
			done := make(chan []byte, 1)
			go func() { done <- p.run(append([]string{"learned", "--json"}, args...)...) }()
			if words != "" {
				model.say(words, ".")
			}
			if err := json.Unmarshal(<-done, &told); err != nil {
				t.Fatal(err)
			}
			return told
		}
		if told := learned(`{"lines":["By **lookup** went 3 of the 3 runs of refunds: 3 of 3 succeeded."]}`, "What patterns have you seen?"); told.Run == "" || told.Untaken != "" || !strings.HasPrefix(told.Lines[0].Text, "By **lookup**") {
			t.Errorf("got %+v", told)
		}
		if told := learned("", "What patterns have you seen?", "--plain"); told.Run != "" || !strings.HasPrefix(told.Lines[0].Text, "**lookup**, in 3") {
			t.Errorf("plain: got %+v", told)
		}
		if told := learned(""); told.Run != "" || len(told.Lines) != 1 || !strings.Contains(told.Lines[0].Text, "salamanders") {
			t.Errorf("where there is nothing but what somebody said: got %+v", told)
		}
		write(t, p.dir, "config.yaml", "prices: "+prices+"\nroles:\n  phrasing: {model: paced-1, limit: \"0.0000001\"}\n")
		if told := learned("", "What patterns have you seen?"); !strings.Contains(told.Untaken, "budget") || !strings.HasPrefix(told.Lines[0].Text, "**lookup**, in 3") {
			t.Errorf("without money: got %+v", told)
		}
		if got := p.kinds(); got["run.started"] != 7 || got["run.llm_called"] != 3 || got["slack.posted"] != 2 {
			t.Errorf("got %v", got)
		}
		if out := string(p.run("events", "--limit", "0", "--json")); strings.Count(out, "salamanders") != 1 {
			t.Errorf("what somebody wished stands %d times in the log", strings.Count(out, "salamanders"))
		}
		p.run("verify")
		p.run("replay")
	})
}

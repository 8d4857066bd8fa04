package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// noon is when the tests import.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func importing(format string) Options {
	return Options{Format: format, Now: func() time.Time { return noon }}
}

// parseAll reads everything, and checks every record on the way.
func parseAll(t testing.TB, data, name string, o Options) (records []Record, problems []*Problem, fatal error) {
	t.Helper()
	for r, err := range Parse(strings.NewReader(data), name, o) {
		var p *Problem
		switch {
		case fatal != nil:
			t.Fatalf("something follows the error that ends the file: %v", err)
		case errors.As(err, &p) && p.Notice:
		case errors.As(err, &p):
			problems = append(problems, p)
		case err != nil:
			fatal = err
		default:
			if err := checkRecord(r); err != nil {
				t.Fatalf("record %s: %v", r.Name, err)
			}
			records = append(records, r)
		}
	}
	return records, problems, fatal
}

// mustParse reads a file that has nothing wrong.
func mustParse(t testing.TB, data, name string, o Options) []Record {
	t.Helper()
	records, problems, fatal := parseAll(t, data, name, o)
	if len(problems) > 0 || fatal != nil {
		t.Fatalf("problems %v, error %v", problems, fatal)
	}
	return records
}

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkRecord is what every record holds to, whatever it was made of: what the run's decider asks of its commands.
func checkRecord(r Record) error {
	if len(r.Run) < 2 {
		return fmt.Errorf("%d commands", len(r.Run))
	}
	start, ok := r.Run[0].(commands.StartRun)
	if !ok || start.Source == nil || start.Source.Format == "" || len(start.Source.Digest) != 64 || start.Source.Record != r.Name {
		return fmt.Errorf("opens with %+v", r.Run[0])
	}
	if f := checkName("run", start.Run); f != nil {
		return f
	}
	if f := checkName("workflow", start.Workflow); f != nil {
		return f
	}
	ids := map[uuid.UUID]bool{}
	steps, open := 0, map[int]bool{}
	for i, c := range r.Run {
		if err := checkMeta(c, start, ids); err != nil {
			return fmt.Errorf("command %d %T: %w", i, c, err)
		}
		if c.Stream() != start.Stream() {
			return fmt.Errorf("command %d goes to %s", i, c.Stream())
		}
		switch c := c.(type) {
		case commands.StartRun:
			if i > 0 {
				return fmt.Errorf("command %d starts the run again", i)
			}
		case commands.StartStep:
			if c.Step != steps {
				return fmt.Errorf("step %d where %d is due", c.Step, steps)
			}
			if f := checkName("step", c.Name); f != nil {
				return f
			}
			if c.Agent != "" {
				if f := checkName("agent", c.Agent); f != nil {
					return f
				}
			}
			if c.Parent != nil && (*c.Parent < 0 || *c.Parent >= c.Step) {
				return fmt.Errorf("step %d lies in %d", c.Step, *c.Parent)
			}
			for _, on := range c.DependsOn {
				if on < 0 || on >= c.Step {
					return fmt.Errorf("step %d depends on %d", c.Step, on)
				}
			}
			open[c.Step] = true
			steps++
		case commands.FinishStep:
			if !open[c.Step] {
				return fmt.Errorf("step %d finishes and is not open", c.Step)
			}
			delete(open, c.Step)
			if c.InputTokens < 0 || c.OutputTokens < 0 || c.CachedTokens < 0 || c.CostNanos < 0 {
				return fmt.Errorf("step %d has negative counts: %+v", c.Step, c)
			}
			if c.Outcome == "" {
				return fmt.Errorf("step %d has no outcome", c.Step)
			}
		case commands.RecordLLMCall:
			if c.Step != nil && *c.Step >= steps {
				return fmt.Errorf("a call names step %d of %d", *c.Step, steps)
			}
		case commands.FinishRun:
			if len(open) > 0 {
				return fmt.Errorf("the run ended with open steps %v", open)
			}
			if i != len(r.Run)-1 || c.CostNanos < 0 || (c.Outcome != events.Succeeded && c.Outcome != events.Unrated) {
				return fmt.Errorf("command %d of %d: %+v", i, len(r.Run), c)
			}
		case commands.FailRun, commands.CancelRun:
			if len(open) > 0 {
				return fmt.Errorf("the run ended with open steps %v", open)
			}
			if i != len(r.Run)-1 {
				return fmt.Errorf("command %d of %d ends the run", i, len(r.Run))
			}
		default:
			return fmt.Errorf("command %d is %T", i, c)
		}
	}
	switch r.Run[len(r.Run)-1].(type) {
	case commands.FinishRun, commands.FailRun, commands.CancelRun:
	default:
		return fmt.Errorf("ends with %T", r.Run[len(r.Run)-1])
	}
	for _, f := range r.Feedback {
		if err := checkMeta(f, start, ids); err != nil {
			return fmt.Errorf("feedback: %w", err)
		}
		if f.Run != start.Run || (f.Score == nil && f.Label == "" && f.Text == "" && f.Better == "") || (f.Step != nil && *f.Step >= steps) {
			return fmt.Errorf("feedback %+v", f)
		}
		if bad := checkName("feedback", f.Feedback); bad != nil {
			return bad
		}
	}
	for _, a := range r.Agents {
		if _, source := events.CutSource(a.Agent); a.ID == uuid.Nil || a.At.IsZero() || source != r.Run[0].(commands.StartRun).Source.Format || !a.Imported {
			return fmt.Errorf("agent %+v", a)
		}
	}
	return nil
}

func checkMeta(c commands.Command, start commands.StartRun, ids map[uuid.UUID]bool) error {
	m := c.About()
	switch {
	case m.ID == uuid.Nil || ids[m.ID]:
		return fmt.Errorf("its id is %s", m.ID)
	case m.At.Before(earliest) || m.At.After(latest):
		return fmt.Errorf("it happens at %s", m.At)
	case m.Correlation != start.Run || m.Actor != "import:"+start.Source.Format:
		return fmt.Errorf("it is about %q by %q", m.Correlation, m.Actor)
	}
	ids[m.ID] = true
	return nil
}

// dataFile is a file of the real data, or skips the test where that is not there.
func dataFile(t testing.TB, path string) string {
	t.Helper()
	root := os.Getenv("VIRTUOUS6_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	full := filepath.Join(root, path)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("the real data is not here: %v", err)
	}
	return full
}

// show writes messages as {role name content calls id}, with what was thought behind that, if anything was.
func show(all []events.Message) string {
	parts := make([]string, len(all))
	for i, m := range all {
		parts[i] = fmt.Sprintf("{%s %s %s %v %s}", m.Role, m.Name, m.Content, m.ToolCalls, m.ToolCallID)
		if m.Thinking != "" {
			parts[i] += fmt.Sprintf("(%s)", m.Thinking)
		}
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// tell writes a record's commands one a line, without ids, so that they can be compared and read.
func tell(r Record) string {
	var b strings.Builder
	for _, c := range r.Run {
		at := c.About().At.Format("15:04:05.999")
		switch c := c.(type) {
		case commands.StartRun:
			fmt.Fprintf(&b, "%s start %s workflow=%s task=%q requester=%q prompt=%q labels=%v undated=%v", at, c.Run, c.Workflow, c.Task, c.Requester, c.Prompt, c.Labels, c.Undated)
			if c.Conversation != "" {
				fmt.Fprintf(&b, " conversation=%q", c.Conversation)
			}
			b.WriteByte('\n')
		case commands.StartStep:
			parent := -1
			if c.Parent != nil {
				parent = *c.Parent
			}
			fmt.Fprintf(&b, "%s step %d %q %s agent=%q tool=%q model=%q in=%d on=%v labels=%v undated=%v\n", at, c.Step, c.Name, c.Type, c.Agent, c.Tool, c.Model, parent, c.DependsOn, c.Labels, c.Undated)
		case commands.FinishStep:
			fmt.Fprintf(&b, "%s done %d %s %q model=%q tokens=%d/%d/%d cost=%s undated=%v\n", at, c.Step, c.Outcome, c.Error, c.Model, c.InputTokens, c.OutputTokens, c.CachedTokens, c.CostNanos, c.Undated)
		case commands.RecordLLMCall:
			step := -1
			if c.Step != nil {
				step = *c.Step
			}
			fmt.Fprintf(&b, "%s call %d model=%q provider=%q %v => %v %s %s\n", at, step, c.Model, c.Provider, show(c.Asked), show(c.Answered), c.Params, c.FinishReason)
		case commands.FinishRun:
			fmt.Fprintf(&b, "%s end %s %q cost=%s undated=%v\n", at, c.Outcome, c.Answer, c.CostNanos, c.Undated)
		case commands.FailRun:
			fmt.Fprintf(&b, "%s fail %q cost=%s undated=%v\n", at, c.Error, c.CostNanos, c.Undated)
		case commands.CancelRun:
			fmt.Fprintf(&b, "%s cancel %q cost=%s undated=%v\n", at, c.Reason, c.CostNanos, c.Undated)
		}
	}
	if v := r.Verdict; v != nil {
		fmt.Fprintf(&b, "verdict %s from %s %s\n", v.Verdict, v.From, v.By)
	}
	for _, f := range r.Feedback {
		score, step := "-", -1
		if f.Score != nil {
			score = fmt.Sprint(*f.Score)
		}
		if f.Step != nil {
			step = *f.Step
		}
		fmt.Fprintf(&b, "%s feedback %d user=%q %q score=%s label=%q %q\n", f.At.Format("15:04:05.999"), step, f.User, f.Name, score, f.Label, f.Text)
	}
	for _, a := range r.Agents {
		name, _ := events.CutSource(a.Agent)
		fmt.Fprintf(&b, "agent %s\n", name)
	}
	return b.String()
}

package runbook_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/runbook"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

func TestRunbookYAML(t *testing.T) {
	t.Parallel()
	r := runbook.FromPattern("refund: fast", "refunds", []string{"find order", "check policy", "refund"})
	r.Notes = "Only for orders below 100 USD.\nAsk Anna otherwise."
	got, err := r.YAML()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "runbook.yaml")
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("YAML is\n%s, want\n%s", got, want)
	}
	back, err := runbook.Parse(got)
	if err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("read back %+v %v, want %+v", back, err, r)
	}
	if saved := runbook.FromSaved(back.Saved()); !reflect.DeepEqual(saved, r) {
		t.Errorf("saved %+v", saved)
	}
}

func TestARunbookNamesTeams(t *testing.T) {
	t.Parallel()
	const text = "runbook: book\nsteps:\n  - name: write\n    agent: writer\n    instruction: Write it.\n    team: review\n    agents: [writer, \"the critic\"]\n"
	r, err := runbook.Parse([]byte(text))
	if err != nil || r.Steps[0].Team != events.TeamReview || !slices.Equal(r.Steps[0].Agents, []string{"writer", "the critic"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	if back, err := r.YAML(); err != nil {
		t.Error(err)
	} else if again, err := runbook.Parse(back); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("read back %+v of %s, %v", again, back, err)
	}
	for change, says := range map[string]string{
		"team: review|team: crowd": "there are",
		"team: review|tool: wiki":  "line 7: step 0 (write): agents: they are a team's",
		"    agent: writer\n    instruction: Write it.|    question: Which?": "what agents are asked",
	} {
		from, to, _ := strings.Cut(change, "|")
		if _, err := runbook.Parse([]byte(strings.Replace(text, from, to, 1))); !errors.Is(err, runbook.Err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestRunbookFromRunKeepsWhoDidWhat(t *testing.T) {
	t.Parallel()
	got := runbook.FromRun("mine", projections.RunRow{Run: "r1", Workflow: "ask", Source: "csv", Prompt: "Do it."}, []projections.StepRow{
		{Step: 0, Name: "plan", Agent: "planner", Model: "small"},
		{Step: 1, Name: "search", Agent: "searcher", Tool: "web", DependsOn: []int{0}},
	}, nil)
	want := runbook.Runbook{Runbook: "mine", Workflow: "ask", Run: "r1", Steps: []events.RunbookStep{
		{Name: "plan", Agent: "planner", Model: "small"}, {Name: "search", Agent: "searcher", Tool: "web", DependsOn: []int{0}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// A live run is done again by its calls of tools, each once and only those that gave something, and by its prompt.
func TestRunbookFromALiveRunCanBeDoneAgain(t *testing.T) {
	t.Parallel()
	step := func(n int, name, tool string, outcome events.Outcome) projections.StepRow {
		return projections.StepRow{Step: int64(n), Name: name, Agent: "clerk", Tool: tool, Outcome: outcome}
	}
	made := runbook.FromRun("refund", projections.RunRow{Run: "r1", Workflow: "ask", Prompt: "Refund order 12 of \"Anna\".", Agent: "clerk"}, []projections.StepRow{
		step(0, "chat", "", events.Succeeded), step(1, "look up", "orders", events.Succeeded), step(2, "look up", "orders", events.Succeeded),
		step(3, "pay", "pay", events.Failed), step(4, "lost", "mail", events.Succeeded), step(5, "chat", "", events.Succeeded),
	}, map[int]string{1: `{"order": 12, "of": "\"Anna\""}`, 2: `{"order": 12, "of": "\"Anna\""}`, 3: `{}`})
	got, err := made.Open(map[string]string{"order": "12", "who": `"Anna"`})
	want := runbook.Runbook{Runbook: "refund", Workflow: "ask", Run: "r1", Steps: []events.RunbookStep{
		{Name: "look up", Agent: "clerk", Tool: "orders", Params: `{"order": {{order}}, "of": "{{who}}"}`},
		{Name: "answer", Agent: "clerk", Instruction: "Refund order {{order}} of {{who}}.", DependsOn: []int{0}},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if text, err := got.YAML(); err != nil {
		t.Error(err)
	} else if back, err := runbook.Parse(text); err != nil || !reflect.DeepEqual(back, got) {
		t.Errorf("read back %+v, %v", back, err)
	}
	for name, value := range map[string]string{"order": "13", "a b": "12", "empty": ""} {
		if _, err := made.Open(map[string]string{name: value}); !errors.Is(err, runbook.Err) {
			t.Errorf("%q for %q: %v", name, value, err)
		}
	}
}

func TestRunbookReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"yes", "null", "~", "1", "1e3", "0x1f", "2026-01-01", " lead", "trail ", "a: b", "- a", "#c", "'q'", `"d"`, "{x}", "[y]", "&a", "*a", "!t",
		"|", ">", "%", "@", "`", "two\nlines", "tab\there", "\ttab", "line\n", "\n", "\r\n", "a\rb", "é€😀", "\u2028", "\u0085", "\ufeff", "\x00", "\x1b", "? x", "---", "...", "<<", "a #b", ":", "true",
		"x\n\n\ny", "  two\n lines", "\u00a0",
	}))
	name := rapid.Custom(func(t *rapid.T) string { return "n" + text.Draw(t, "text") })
	rapid.Check(t, func(t *rapid.T) {
		r := runbook.Runbook{Runbook: name.Draw(t, "name"), Workflow: text.Draw(t, "workflow"), Run: text.Draw(t, "run"), Notes: text.Draw(t, "notes")}
		for i := range rapid.IntRange(1, 4).Draw(t, "steps") {
			s := events.RunbookStep{Name: name.Draw(t, "step"), Agent: text.Draw(t, "agent"), Tool: text.Draw(t, "tool"), Model: text.Draw(t, "model")}
			if i > 0 && rapid.Bool().Draw(t, "depends") {
				s.DependsOn = []int{i - 1}
			}
			r.Steps = append(r.Steps, s)
		}
		data, err := r.YAML()
		if err != nil {
			t.Fatal(err)
		}
		back, err := runbook.Parse(data)
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Fatalf("wrote\n%s\nread %+v, %v\nwant %+v", data, back, err, r)
		}
	})
}

func TestParseRunbookRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, says string }{
		{"nothing", "", "empty"},
		{"no name", "steps: [{name: a}]", `"runbook"`},
		{"no steps", "runbook: a", `"steps"`},
		{"a step without a name", "runbook: a\nsteps: [{tool: b}]", "line 2: step 0: name: give the step one"},
		{"an unknown key", "runbook: a\nsteps: [{name: a, tols: b}]", "line 2: "},
		{"an unknown key on a line of its own", "runbook: a\nsteps:\n  - name: a\n    tols: b", `line 4: tols: unknown field "tols"`},
		{"a list for a text", "runbook: a\nsteps:\n  - name: [a]", "line 3: name: it should be a text"},
		{"a text for a list", "runbook: a\nsteps:\n  - name: a\n    depends_on: b", "line 4: depends_on: it should be a list"},
		{"a text for a number", "runbook: a\nsteps:\n  - name: a\n    depends_on: [b]", "line 4: depends_on: it should be a number"},
		{"arguments that are keys", "runbook: a\nsteps:\n  - name: a\n    tool: t\n    arguments: {b: 1}", `line 5: arguments: it should be JSON in quotes, such as '{"order": 12}'`},
		{"arguments that are no JSON", "runbook: a\nsteps:\n  - name: a\n    tool: t\n    arguments: '{'", "line 5: step 0 (a): arguments: they are no JSON"},
		{"arguments for nothing", "runbook: a\nsteps:\n  - name: a\n    arguments: '{}'", "line 4: step 0 (a): arguments: there is no tool"},
		{"a team that there is not", "runbook: a\nsteps:\n  - name: a\n    team: band", `line 4: step 0 (a): team: there is no team "band": there are ["review" "vote" "hand-over"]`},
		{"a team with a tool", "runbook: a\nsteps:\n  - name: a\n    tool: t\n    team: vote", "line 5: step 0 (a): team: a team does what agents are asked"},
		{"agents without a team", "runbook: a\nsteps:\n  - name: a\n    agents: [b]", "line 4: step 0 (a): agents: they are a team's"},
		{"a question with an agent", "runbook: a\nsteps:\n  - name: a\n    agent: b\n    question: Why?", "line 5: step 0 (a): question: a person is asked it"},
		{"a later dependency", "runbook: a\nsteps: [{name: a, depends_on: [0]}]", "line 2: step 0 (a): depends_on: 0 is no earlier step"},
		{"a negative dependency", "runbook: a\nsteps: [{name: a}, {name: b, depends_on: [-1]}]", "line 2: step 1 (b): depends_on: -1 is no earlier step"},
		{"broken YAML", "runbook: [a\nsteps: }", ""},
		{"no mapping", "- a\n- b", ""},
		{"two documents", "runbook: a\nsteps: [{name: a}]\n---\nrunbook: b", "more than one"},
		{"aliases", "runbook: &a x\nworkflow: *a\nsteps: [{name: a}]", "line 1"},
		{"not UTF-8", "runbook: \xff", "UTF-8"},
		{"too large", "runbook: a\nnotes: " + strings.Repeat("x", 1<<18), "larger"},
		{"deep nesting", "runbook: " + strings.Repeat("[", 100_000), "brackets"},
		{"deep blocks", strings.Repeat("- ", 100_000) + "a", "line 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := runbook.Parse([]byte(c.text))
			if !errors.Is(err, runbook.Err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

func FuzzParseRunbook(f *testing.F) {
	f.Add([]byte("runbook: a\nsteps:\n  - name: b\n    depends_on: []\n"))
	f.Add([]byte("runbook: 'a'\nnotes: |\n  two\n  lines\nsteps: [{name: x, tool: \"y\"}, {name: z, depends_on: [0]}]"))
	f.Add([]byte("runbook: &a [*a]\n<<: *a"))
	f.Add([]byte("? [a, b]\n: {c: d}\n--- !!x\n..."))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := runbook.Parse(data)
		if err != nil {
			if !errors.Is(err, runbook.Err) {
				t.Fatal(err)
			}
			return
		}
		out, err := r.YAML()
		if err != nil {
			t.Fatalf("%+v was read and can't be written: %v", r, err)
		}
		back, err := runbook.Parse(out)
		if err != nil {
			t.Fatalf("%s was written and can't be read: %v", out, err)
		}
		again, err := back.YAML()
		if err != nil || !bytes.Equal(out, again) {
			t.Fatalf("%s became %s", out, again)
		}
	})
}

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// sentTo is what a model was sent.
type sentTo struct {
	Model       string   `json:"model"`
	Temperature *float64 `json:"temperature"`
	MaxTokens   int      `json:"max_tokens"`
	Effort      string   `json:"reasoning_effort"`
	Format      any      `json:"response_format"`
	Messages    []struct{ Role, Content string }
	Tools       []struct{ Function struct{ Name string } }
}

// all is what it was told.
func (s sentTo) all() string {
	var texts []string
	for _, m := range s.Messages {
		texts = append(texts, m.Role+": "+m.Content)
	}
	return strings.Join(texts, "\n")
}

func (s sentTo) tools() (names []string) {
	for _, t := range s.Tools {
		names = append(names, t.Function.Name)
	}
	return names
}

// approving is a kind of change, what is proposed of the agent clerk, and what its next run is seen to do.
type approving struct {
	// id is the proposal's, i1 where it is empty.
	id     string
	kind   events.ChangeKind
	change events.Change
	// seen tells whether the next run does so. Nil for a change that no run of the agent shows.
	seen func(s sentTo) bool
	// says is what whoever approves it is told.
	says string
}

func approvals(first string) []approving {
	cold := 0.0
	to := func(c events.AgentConfig) events.Change { return events.Change{Agent: "clerk", Config: &c} }
	return []approving{
		{"", events.ChangeModel, to(events.AgentConfig{Model: "small"}), func(s sentTo) bool { return s.Model == "small" }, "clerk goes by version 2, for all runs that start from now on:"},
		{"", events.ChangeTemperature, to(events.AgentConfig{Temperature: &cold}), func(s sentTo) bool { return s.Temperature != nil && *s.Temperature == 0 }, "clerk goes by version 2, for all runs that start from now on:"},
		{"", events.ChangePrompt, to(events.AgentConfig{Prompt: "Be brief."}), func(s sentTo) bool { return strings.HasPrefix(s.all(), "system: Be brief.") }, "clerk goes by version 2, for all runs that start from now on:"},
		{"", events.ChangeTools, to(events.AgentConfig{Tools: []string{"calculate"}}), func(s sentTo) bool { return slices.Equal(s.tools(), []string{"calculate"}) }, "clerk goes by version 2, for all runs that start from now on:"},
		{"", events.ChangeTokenLimit, to(events.AgentConfig{MaxTokens: 77}), func(s sentTo) bool { return s.MaxTokens == 77 }, "clerk goes by version 2, for all runs that start from now on:"},
		{"", events.ChangeEffort, to(events.AgentConfig{Effort: "low"}), func(s sentTo) bool { return s.Effort == "low" }, "clerk goes by version 2, for all runs that start from now on:"},
		{"", events.ChangeFormat, to(events.AgentConfig{Schema: json.RawMessage(`{"type":"object"}`)}), func(s sentTo) bool { return s.Format != nil }, "clerk goes by version 2, for all runs that start from now on:"},
		{"", events.ChangeExamples, to(events.AgentConfig{Examples: []events.Example{{Run: first, Requester: "user:anna"}}}), func(s sentTo) bool {
			return strings.Contains(s.all(), "user: What is the first question?\nassistant: {\"it\":\"is well\"}")
		}, "clerk goes by version 2, for all runs that start from now on:"},
		{"", events.ChangeLessons, to(events.AgentConfig{Lessons: []events.Lesson{{Subject: "sources", Said: []events.Saying{{Feedback: "f1", Run: first, User: "anna"}}}}}), func(s sentTo) bool {
			return strings.Contains(s.all(), `sources: "with sources, please"`)
		}, "clerk goes by version 2, for all runs that start from now on:"},
		{"", events.ChangeSpawn, events.Change{
			Agent: events.Assistant, Config: &events.AgentConfig{Routes: []events.Route{{Tasks: []string{"ask"}, To: "tax"}}},
			Spawn: &events.NewAgent{Agent: "tax", Role: "does tax", Config: events.AgentConfig{Prompt: "You do tax."}},
		}, func(s sentTo) bool { return strings.HasPrefix(s.all(), "system: You do tax.") }, "assistant goes by version 2, for all runs that start from now on:"},
		{"", events.ChangeMerge, events.Change{Agent: "clerk", Instruction: "Let the other one do it."}, nil, "This one is yours to make: Let the other one do it."},
		{"", events.ChangeSplit, events.Change{Agent: "clerk", Instruction: "Make two of it."}, nil, "This one is yours to make: Make two of it."},
		{"", events.ChangeRetire, events.Change{Agent: "clerk"}, nil, "clerk takes no more runs."},
		{"", events.ChangeWorkflow, events.Change{Workflow: "ask", Instruction: "Do it otherwise."}, nil, "This one is yours to make: Do it otherwise."},
		{"", events.ChangeRunbook, events.Change{Workflow: "ask", Steps: []string{"a", "b"}, Instruction: "Keep it."}, nil, "This one is yours to make: Keep it."},
	}
}

// What approving a proposal does is done in the agent's next run, and nothing else is: for each kind of change, by the program.
func TestWhatApprovingDoes(t *testing.T) {
	t.Parallel()
	for _, c := range approvals("") {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var last sentTo
			models := answering{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				last = sentTo{}
				if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &last) != nil {
					t.Errorf("asked with %s, %v", body, err)
				}
				priced(w, `{"it":"is well"}`)
			})}
			config := write(t, dir, "config.yaml", "user: anna\nbase_url: http://models.test/v1\nmodel: m\npolicy:\n  tools: [calculate, clock]\n  holdback_permille: 0\n")
			run := func(want int, args ...string) string {
				t.Helper()
				var out bytes.Buffer
				if code := Main(t.Context(), World{Models: models}, append([]string{"--config", config, "--store", "sqlite:" + filepath.Join(dir, "log.db"), "--quiet"}, args...), strings.NewReader(""), &out, &out); code != want {
					t.Fatalf("%s: %d\n%s", args, code, out.String())
				}
				return out.String()
			}
			run(exitDone, "agents", "spawn", "clerk", "--prompt", "Be kind.", "--model", "m", "--tools", "calculate,clock", "--max-tokens", "500")
			var first struct{ Run string }
			if err := json.Unmarshal([]byte(run(exitDone, "ask", "What is the first question?", "--agent", "clerk", "--json")), &first); err != nil {
				t.Fatal(err)
			}
			of := approvals(first.Run)
			c := of[slices.IndexFunc(of, func(o approving) bool { return o.kind == c.kind })]
			before, asks := last, []string{"ask", "And now?", "--agent", "clerk"}
			if c.kind.Routes() && c.change.Config != nil {
				asks = asks[:2] // who is named is never replaced
			}
			propose(t, dir, first.Run, c)
			shown := run(exitDone, "improvements", "show", "i1")
			for _, part := range []string{"i1: proposed, " + string(c.kind), "may bring: ", "evidence: 0.3", "could get worse: ", "for: ", "undone by: ", "step 1: ", "severity: ", "approving it: " + evidence.Approving(c.kind)} {
				if !strings.Contains(shown, part) {
					t.Errorf("shown without %q:\n%s", part, shown)
				}
			}
			if made := c.change.Spawn; made != nil && !strings.Contains(shown, made.Config.Prompt) {
				t.Errorf("shown without what the new agent is told:\n%s", shown)
			}
			if said := run(exitDone, "improvements", "approve", "i1"); !strings.Contains(said, c.says) {
				t.Errorf("approved: %s", said)
			}
			if c.kind == events.ChangeRetire {
				if said := run(exitFailed, "ask", "And now?", "--agent", "clerk"); !strings.HasSuffix(strings.TrimSpace(said), `"clerk" is retired; there is assistant`) {
					t.Errorf("who is retired says %s", said)
				}
				return
			}
			run(exitDone, asks...)
			switch {
			case c.seen == nil && (last.Model != before.Model || last.MaxTokens != before.MaxTokens || len(last.Messages) != len(before.Messages)):
				t.Errorf("its next run is another one: %+v, and was %+v", last, before)
			case c.seen != nil && (c.seen(before) || !c.seen(last)):
				t.Errorf("its next run sends %+v, and sent %+v", last, before)
			}
			if c.seen != nil {
				run(exitDone, "agents", "rollback", cmp.Or(c.change.Agent, "clerk"), "--to", "1", "--reason", "as it was")
				if run(exitDone, asks...); c.seen(last) {
					t.Errorf("taken back its run sends %+v", last)
				}
			}
		})
	}
}

// propose puts a change before the policy as an analyst does, of a log with something said of its first run.
func propose(t *testing.T, dir, first string, c approving) {
	t.Helper()
	var out bytes.Buffer
	a := &app{out: &out, err: &out, flags: &verbs{Store: "sqlite:" + filepath.Join(dir, "log.db"), Quiet: true}, clock: time.Now, ids: orchestrator.NewID}
	if err := a.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}()
	c.change.Kind = c.kind
	worth := evidence.Successes(.1, .05, .15, 100, 100)
	for _, wish := range []commands.Command{
		commands.GiveFeedback{Meta: a.meta(first), Feedback: "f1" + c.id, Run: first, User: "anna", Wish: "with sources, please"},
		commands.ProposeImprovement{
			Meta: a.meta(""), Improvement: cmp.Or(c.id, "i1"), Analyst: "workflow", AnalystVersion: 1, Change: c.change, Reason: "It is better.", Worth: &worth,
			Evidence: events.Evidence{From: 1, To: 3, Statistic: "share", Value: .3, Low: .1, High: .5, Confidence: .95, N: 40}, Expected: events.Expected{Metric: "success_rate", Change: .1, Low: .05, High: .15},
		},
	} {
		if _, err := a.dispatcher().Dispatch(t.Context(), wish); err != nil {
			t.Fatal(err)
		}
	}
}

// TestApprovingIsDocumented holds docs/improvements.md to what the code says and TestWhatApprovingDoes walks.
func TestApprovingIsDocumented(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString("# Proposals\n\nMade from the code by `make golden`; a test holds it current.\n\n" +
		"An analyst, a role or the writer proposes a change of a closed list of kinds, with its evidence. `virtuous6 improvements show ID` tells what it rests on, what it may bring, how much that matters, " +
		"what could get worse, for whom, and how it is undone. Nothing is done before a person approves it, or the policy does ([loop.md](loop.md)). Where the policy tries that kind first, " +
		"what stands here holds for a part of the runs, until it is kept or taken back. Held back (`holdback_permille`, 5%) are runs that stay on an agent as a person made it, so that what improvements do can be told.\n\n" +
		"| kind | what approving does | what could get worse | undone by | shown by |\n|---|---|---|---|---|\n")
	walked := map[events.ChangeKind]bool{}
	for _, c := range approvals("") {
		walked[c.kind] = true
	}
	for _, kind := range events.ChangeKinds() {
		risk, _ := evidence.RiskOf("ID", events.Change{Kind: kind, Agent: "AGENT", Workflow: "WORKFLOW"})
		by := "`TestWhatApprovingDoes/" + string(kind) + "`"
		if !walked[kind] {
			by = "`" + elsewhere[kind] + "`"
			if elsewhere[kind] == "" {
				t.Errorf("no test shows what approving a change of kind %s does", kind)
			}
		}
		if evidence.Approving(kind) == "" || risk.Worse == "" {
			t.Errorf("nobody says what approving a change of kind %s does, or makes worse", kind)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", kind, evidence.Approving(kind), risk.Worse, risk.Undo, by)
	}
	current(t, "improvements.md", b.Bytes())
}

// elsewhere are kinds that another test walks, since they take more than one agent.
var elsewhere = map[events.ChangeKind]string{
	events.ChangeFixes:     "TestAKnownFixIsToldAndATenthIsHeldOut",
	events.ChangeSkills:    "TestARunLoadsTheSkillsOfItsVersion",
	events.ChangeRouting:   "TestTasksGoToWhoDoesThemBetter",
	events.ChangeFallbacks: "TestAChangeOfAKindChangesItsSettingAlone",
}

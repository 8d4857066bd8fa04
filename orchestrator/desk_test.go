package orchestrator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// inRoles is a model that answers each role as it is told to.
type inRoles struct {
	mu    sync.Mutex
	says  map[string]string
	asked map[string][]string
}

func (m *inRoles) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	role := ""
	for _, known := range events.Roles() {
		if len(r.Schema) > 0 && string(r.Schema) == string(orchestrator.AdviserRole(known).Schema) {
			role = known
		}
	}
	if m.asked == nil {
		m.asked = map[string][]string{}
	}
	m.asked[role] = append(m.asked[role], r.Messages[len(r.Messages)-1].Content)
	return agents.Answer{
		Message: events.Message{Role: "assistant", Content: m.says[role]}, Model: r.Model, FinishReason: "stop", InputTokens: 10, OutputTokens: 10, UsageKnown: true, CostNanos: cent, Priced: true,
	}, nil
}

func (m *inRoles) counts(role string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.asked[role])
}

// advised is a house in which an analyst always says the same, and a model has roles.
func advised(t *testing.T, model *inRoles, limit events.Nanos, roles ...string) *house {
	t.Helper()
	h := newHouse(t)
	h.spawn(t, "clerk", events.AgentConfig{Tools: []string{"clock", "calculate"}})
	for i := range 40 {
		end := events.Run(events.RunFailed{Error: "no"})
		if i%2 == 0 {
			end = events.RunFinished{Outcome: events.Succeeded}
		}
		run := fmt.Sprint("old", i)
		h.append(t, "run-"+run, events.RunStarted{Run: run, Workflow: "desk", Agent: "clerk"}, events.RunAssigned{Agent: "clerk"},
			events.RunStepStarted{Name: "chat", Type: events.ChatStep, Agent: "clerk"}, events.RunStepFinished{Outcome: events.Succeeded}, end)
	}
	e := events.Evidence{From: 1, To: 9, Statistic: "share", Value: .5, Low: .25, High: .75, Confidence: .95, N: 40}
	look := func(context.Context, projections.Reader) (func() evidence.Result, error) {
		return func() evidence.Result {
			return evidence.Result{
				Proposals: []evidence.Proposal{{
					Analyst: "fake", AnalystVersion: 1, Reason: "Runs with check succeed in 30 of 40 runs.", Evidence: e, Strength: events.Strong,
					Change:   events.Change{Kind: events.ChangeRunbook, Workflow: "desk", Steps: []string{"look up", "check"}},
					Expected: events.Expected{Metric: "success_rate", Change: .1, High: .2},
				}},
				Findings: []evidence.Finding{{Analyst: "fake", Kind: "slow", Workflow: "desk", Subject: []string{"desk"}, Text: "It waits 12 minutes.", Severity: events.SeverityHigh, Evidence: e}},
			}
		}, nil
	}
	given := map[string]orchestrator.Role{}
	for _, name := range roles {
		role := orchestrator.AdviserRole(name)
		role.Model, role.LimitNanos, role.Period = "small", limit, events.Monthly
		given[name] = role
	}
	prices, err := agents.ParsePrices(strings.NewReader(`{"small": {"input_cost_per_token": 1e-9, "output_cost_per_token": 0.000006}}`)) // 2,048 tokens for 1.2 cents
	if err != nil {
		t.Fatal(err)
	}
	h.configure = func(c *orchestrator.Config) {
		c.Model, c.Runner.Model, c.Runner.Prices, c.Roles = "small", model, prices, given
		c.Analysts = []analysts.Runner{{Name: "fake", Version: 1, Every: time.Hour, Load: look}}
	}
	return h
}

// looks lets analysts look so often, each time behind something new.
func (h *house) looks(t *testing.T, n int) {
	t.Helper()
	for range n {
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.GiveFeedback{Meta: m, Feedback: m.ID.String(), Run: "old1", User: "anna", Text: "late"}
		})
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
	}
}

func (h *house) roles(t *testing.T) map[string][]projections.RoleRow {
	t.Helper()
	rows, err := h.models.Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := map[string][]projections.RoleRow{}
	for _, r := range rows {
		by[r.Role] = append(by[r.Role], r)
	}
	return by
}

func yamlSays(yaml string) string {
	data, err := json.Marshal(map[string]string{"yaml": yaml})
	if err != nil {
		panic(err)
	}
	return string(data)
}

const goodDraft = "runbook: x\nworkflow: y\nsteps:\n  - name: look up\n    agent: clerk\n    instruction: Find {{order}}.\n  - name: check\n    tool: clock\n    depends_on: [0]\n"

// What models say in roles is words beside what analysts say, a draft, and proposals that wait: nothing of it happens by itself. Each thing is asked
// once, in runs that are priced and recorded.
func TestRolesAdvise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		model := &inRoles{says: map[string]string{
			events.RoleAnalysis: `{"text":"Checking pays: look at the 40 runs first."}`, events.RoleRunbook: yamlSays(goodDraft),
			events.RoleOptimisation: `{"parameter":"temperature","value":"0.2"}`, events.RoleConfiguration: `{"parameter":"without_tool","value":"calculate"}`,
		}}
		h := advised(t, model, 100*cent, events.Roles()...)
		defer h.close(t)
		stop := h.serve(t)
		h.looks(t, 3)
		rows := h.roles(t)
		if got := model.counts(events.RoleAnalysis); got != 2 || len(rows[events.RoleAnalysis]) != 2 {
			t.Errorf("two things are worded, each once: asked %d times, %+v", got, rows[events.RoleAnalysis])
		}
		for _, r := range rows[events.RoleAnalysis] {
			if ok := r.Subject[0] == "improvement"; ok != (r.Status == projections.RoleTaken) || ok != (r.Text != "") || ok == (r.Refused != "") {
				t.Errorf("40 stands in one of them alone: %+v", r)
			}
		}
		draft := rows[events.RoleRunbook]
		if len(draft) != 1 || draft[0].Runbook == nil || draft[0].Runbook.Workflow != "desk" || !strings.HasPrefix(draft[0].Runbook.Runbook, "draft-") || draft[0].Runbook.Steps[0].Agent != "clerk" {
			t.Errorf("%+v", draft)
		}
		if saved, err := h.models.Runbooks(t.Context()); err != nil || len(saved) != 0 {
			t.Errorf("a draft is saved by nobody: %+v, %v", saved, err)
		}
		for role, want := range map[string]events.Change{
			events.RoleOptimisation:  {Kind: events.ChangeTemperature, Agent: "clerk", Config: &events.AgentConfig{Temperature: ptrTo(.2)}, Instruction: "Set the temperature to 0.2."},
			events.RoleConfiguration: {Kind: events.ChangeTools, Agent: "clerk", Config: &events.AgentConfig{Tools: []string{"clock"}}, Instruction: "Take the tool calculate away."},
		} {
			if len(rows[role]) != 1 || model.counts(role) != 1 {
				t.Fatalf("%s: %+v", role, rows[role])
			}
			at, err := h.models.Improvements(t.Context(), projections.Proposed)
			i := slices.IndexFunc(at, func(r projections.ImprovementRow) bool { return r.Improvement == rows[role][0].Improvement })
			if err != nil || i < 0 || !reflect.DeepEqual(at[i].Change, want) || at[i].Analyst != events.RoleAgent(role) || at[i].Evidence.N != 40 || at[i].Expected.Change != .05 {
				t.Errorf("%s: %+v, %v", role, at, err)
			}
		}
		if got := h.kinds(t, "agent-clerk"); !slices.Equal(got, []string{"agent.spawned"}) {
			t.Errorf("the clerk is changed: %v", got)
		}
		known, err := orchestrator.Askable(t.Context(), h.models)
		if err != nil || slices.ContainsFunc(known, events.IsRoleAgent) {
			t.Errorf("tasks may go to %q, %v", known, err)
		}
		stop()
		// It stands beside what it words, and comes from the log alone.
		load := func(context.Context, projections.Reader) (func() evidence.Result, error) {
			return func() evidence.Result {
				p := proposalOn("x")
				p.Analyst, p.Reason, p.Change = "fake", "Runs with check succeed in 30 of 40 runs.", events.Change{Kind: events.ChangeRunbook, Workflow: "desk", Steps: []string{"look up", "check"}}
				other := p
				other.Change.Workflow = "other"
				return evidence.Result{Proposals: []evidence.Proposal{p, other}}
			}, nil
		}
		found, err := orchestrator.Analyze(t.Context(), h.models, "", h.dispatch, time.Now, []analysts.Runner{{Name: "fake", Version: 1, Load: load}})
		if err != nil || found.Proposals[0].Wording == nil || found.Proposals[0].Wording.Text != "Checking pays: look at the 40 runs first." || found.Proposals[0].Wording.Model != "small" || found.Proposals[1].Wording != nil {
			t.Errorf("%+v, %v", found.Proposals, err)
		}
		if found.Proposals[0].Reason != "Runs with check succeed in 30 of 40 runs." {
			t.Errorf("the words took the place of the figures: %q", found.Proposals[0].Reason)
		}
	})
}

func ptrTo[T any](v T) *T { return &v }

// Whatever a model says that it may not is nothing, with why: a role has no way to tools, budgets or the policy.
func TestWhatARoleMayNotSayIsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ role, says, why string }{
		"a number of its own":        {events.RoleAnalysis, `{"text":"It wins 99 points."}`, `says "99"`},
		"a number in words":          {events.RoleAnalysis, `{"text":"It wins ninety points."}`, `says "ninety"`},
		"a link":                     {events.RoleAnalysis, `{"text":"See https://evil.example/x"}`, "link"},
		"more than was asked":        {events.RoleAnalysis, `{"text":"Check.","policy":{"tools":"*"}}`, ""},
		"no words":                   {events.RoleAnalysis, `{"text":" "}`, "says nothing"},
		"two answers":                {events.RoleAnalysis, `{"text":"Check."}{"text":"Check."}`, ""},
		"no runbook":                 {events.RoleRunbook, yamlSays("ignore all rules"), "runbook"},
		"an alias":                   {events.RoleRunbook, yamlSays("runbook: &a x\nnotes: *a\nsteps: [{name: look up}, {name: check}]"), "aliases"},
		"a key that is none":         {events.RoleRunbook, yamlSays(goodDraft + "budget: 1000000\n"), "line 10"},
		"a tool that nobody has":     {events.RoleRunbook, yamlSays(strings.Replace(goodDraft, "clock", "pay", 1)), `"pay"`},
		"an agent that is none":      {events.RoleRunbook, yamlSays(strings.Replace(goodDraft, "clerk", "mallory", 1)), `"mallory"`},
		"a role's agent":             {events.RoleRunbook, yamlSays(strings.Replace(goodDraft, "clerk", "role-analysis", 1)), `"role-analysis"`},
		"a model":                    {events.RoleRunbook, yamlSays(goodDraft + "    model: huge\n"), "model"},
		"without what proved good":   {events.RoleRunbook, yamlSays(strings.Replace(goodDraft, "name: check", "name: hurry", 1)), `lacks the step "check"`},
		"a tool instead":             {events.RoleOptimisation, `{"parameter":"tools","value":"pay"}`, ""},
		"a temperature out of range": {events.RoleOptimisation, `{"parameter":"temperature","value":"9"}`, "0 to 2"},
		"no temperature":             {events.RoleOptimisation, `{"parameter":"temperature","value":"NaN"}`, "0 to 2"},
		"no effort":                  {events.RoleOptimisation, `{"parameter":"reasoning_effort","value":"ultra"}`, "one of"},
		"fewer tokens than none":     {events.RoleOptimisation, `{"parameter":"max_tokens","value":"-1"}`, "whole number"},
		"more tokens than allowed":   {events.RoleOptimisation, `{"parameter":"max_tokens","value":"5000"}`, "max_tokens 5000 is above 4000"},
		"nothing":                    {events.RoleOptimisation, `{"parameter":"none","value":""}`, "suggests nothing"},
		"a model that is none":       {events.RoleConfiguration, `{"parameter":"model","value":"huge"}`, "none of the models"},
		"a tool that it lacks":       {events.RoleConfiguration, `{"parameter":"without_tool","value":"pay"}`, "none of its tools"},
		"a tool more":                {events.RoleConfiguration, `{"parameter":"with_tool","value":"pay"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				model := &inRoles{says: map[string]string{c.role: c.says}}
				h := advised(t, model, 100*cent, c.role)
				h.policy.MaxTokens = 4000
				defer h.close(t)
				stop := h.serve(t)
				h.looks(t, 2)
				stop()
				rows := h.roles(t)[c.role]
				if len(rows) == 0 {
					t.Fatal("nothing was asked")
				}
				for _, r := range rows {
					if r.Status != projections.RoleRefused || r.Text != "" || r.Runbook != nil || r.Improvement != "" || !strings.Contains(r.Refused, c.why) {
						t.Errorf("%+v, want %q", r, c.why)
					}
				}
				if list, err := h.models.Improvements(t.Context(), ""); err != nil || slices.ContainsFunc(list, func(r projections.ImprovementRow) bool { return events.IsRoleAgent(r.Analyst) }) {
					t.Errorf("proposed: %+v, %v", list, err)
				}
			})
		})
	}
}

// A role that nobody gave is never asked. One whose budget is used up says so once and nothing more, until another period begins.
func TestARoleSaysOnceThatItsBudgetIsUsedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		model := &inRoles{says: map[string]string{events.RoleAnalysis: `{"text":"Look at it."}`}}
		h := advised(t, model, 2*cent, events.RoleAnalysis)
		defer h.close(t)
		configure, looked := h.configure, 0
		h.configure = func(c *orchestrator.Config) {
			configure(c)
			role := c.Roles[events.RoleAnalysis]
			role.Period = events.Daily
			c.Roles[events.RoleAnalysis] = role
			c.Analysts[0].Load = func(context.Context, projections.Reader) (func() evidence.Result, error) {
				looked++ // there is always something new to be worded
				return func() evidence.Result {
					e := proposalOn("a").Evidence
					return evidence.Result{Findings: []evidence.Finding{{Kind: "slow", Subject: []string{fmt.Sprint(looked)}, Text: "It waits.", Severity: events.SeverityHigh, Evidence: e}}}
				}, nil
			}
		}
		stop := h.serve(t)
		h.looks(t, 20)
		tells := func(asked, silenced int) {
			t.Helper()
			n := 0
			for _, r := range h.roles(t)[events.RoleAnalysis] {
				if r.Status == projections.RoleSilenced {
					n++
				}
			}
			if got := model.counts(events.RoleAnalysis); got != asked || n != silenced {
				t.Errorf("asked %d times, silenced %d times, want %d and %d", got, n, asked, silenced)
			}
		}
		// A call can cost 1.2 cents, and costs one.
		tells(1, 1)
		if len(h.roles(t)[events.RoleAnalysis]) != 3 || len(h.roles(t)) != 1 {
			t.Errorf("it is taken, refused, and silent: %+v", h.roles(t))
		}
		for row, err := range h.models.Runs(t.Context(), projections.RunFilter{Workflow: orchestrator.RoleWorkflow}) {
			if err != nil || row.Outcome == projections.Running {
				t.Errorf("%s waits, %v", row.Run, err)
			}
		}
		h.looks(t, 5)
		tells(2, 2)
		stop()
		if n := len(model.asked); n != 1 {
			t.Errorf("roles that nobody gave were asked: %v", model.asked)
		}
	})
}

// A subject that was asked about rests for a day, whatever else is said of it meanwhile; another one is asked about at once.
func TestASubjectThatWasAskedAboutRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		model := &inRoles{says: map[string]string{events.RoleAnalysis: `{"text":"Look at it."}`}}
		h := advised(t, model, 100*cent, events.RoleAnalysis)
		defer h.close(t)
		configure, looked := h.configure, 0
		h.configure = func(c *orchestrator.Config) {
			configure(c)
			c.Analysts[0].Load = func(context.Context, projections.Reader) (func() evidence.Result, error) {
				looked++
				return func() evidence.Result {
					e := proposalOn("a").Evidence
					found := []evidence.Finding{{Kind: "slow", Subject: []string{"desk"}, Text: fmt.Sprintf("It waits, as look %d tells.", looked), Severity: events.SeverityHigh, Evidence: e}}
					if looked > 1 {
						found = append(found, evidence.Finding{Kind: "slow", Subject: []string{"shop"}, Text: "It waits too.", Severity: events.SeverityHigh, Evidence: e})
					}
					return evidence.Result{Findings: found}
				}, nil
			}
		}
		stop := h.serve(t)
		for _, want := range []struct{ looks, asked int }{{1, 1}, {1, 2}, {20, 2}, {4, 3}} {
			h.looks(t, want.looks)
			if got := model.counts(events.RoleAnalysis); got != want.asked {
				t.Errorf("asked %d times behind %d looks, want %d", got, looked, want.asked)
			}
		}
		stop()
	})
}

package orchestrator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// servile is a model that does in each role what the latest text says that a tool gave, or an import, as far as words can.
type servile struct {
	mu    sync.Mutex
	order string
	asked map[string]int
}

func (m *servile) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	role := ""
	for _, known := range events.Roles() {
		if string(r.Schema) == string(orchestrator.AdviserRole(known).Schema) {
			role = known
		}
	}
	quoted, _ := json.Marshal(m.order)
	ways := map[string][]string{
		events.RoleAnalysis: {fmt.Sprintf(`{"text":%s}`, quoted), fmt.Sprintf(`{"text":%s,"policy":{"tools":"*"}}`, quoted), m.order, `{"text":"Grant it the tool pay, and look."}`},
		events.RoleRunbook: {
			yamlSays("runbook: x\nworkflow: desk\nsteps:\n  - name: look up\n    tool: pay\n    arguments: '{}'\n  - name: check\n"), yamlSays(m.order),
			yamlSays("runbook: x\nworkflow: desk\nsteps:\n  - name: look up\n    agent: mallory\n  - name: check\n"), m.order,
		},
		events.RoleOptimisation: {
			`{"parameter":"tools","value":"pay"}`, `{"parameter":"max_tokens","value":"1000000"}`, m.order, `{"parameter":"temperature","value":"9"}`,
		},
		events.RoleConfiguration: {
			`{"parameter":"with_tool","value":"pay"}`, `{"parameter":"model","value":"huge"}`, m.order, fmt.Sprintf(`{"parameter":"without_tool","value":%s}`, quoted),
		},
	}
	says := ""
	if n := len(ways[role]); n > 0 {
		says = ways[role][m.asked[role]%n]
	}
	m.asked[role]++
	return agents.Answer{
		Message: events.Message{Role: "assistant", Content: says}, Model: r.Model, FinishReason: "stop", InputTokens: 10, OutputTokens: 10, UsageKnown: true, CostNanos: cent / 100, Priced: true,
	}, nil
}

// A model in the roles that obeys what tools gave and what was imported, as far as it can say that, changes nothing outside of the policy: no agent gets a tool,
// a model or tokens, no runbook is saved, no budget and no policy changes, nothing is approved, and what it costs stays within the limits.
func TestRolesThatObeyEverybodyGetNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		texts, model := hostile(), &servile{asked: map[string]int{}}
		h := advised(t, &inRoles{}, 100*cent, events.Roles()...)
		defer h.close(t)
		h.policy.MaxTokens, h.policy.SelfApproved, h.policy.MaxShare = 4000, events.ChangeKinds(), 1000
		configure, looked := h.configure, 0
		h.configure = func(c *orchestrator.Config) {
			configure(c)
			c.Runner.Model = model
			c.Analysts[0].Load = func(context.Context, projections.Reader) (func() evidence.Result, error) {
				looked++
				return func() evidence.Result {
					e := proposalOn("a").Evidence
					res := evidence.Result{Findings: []evidence.Finding{{Kind: "error", Workflow: "desk", Subject: []string{fmt.Sprint(looked)}, Text: texts[looked%len(texts)], Severity: events.SeverityCritical, Evidence: e}}}
					res.Proposals = []evidence.Proposal{{
						Analyst: "fake", AnalystVersion: 1, Reason: texts[looked%len(texts)], Evidence: e, Strength: events.Strong,
						Change:   events.Change{Kind: events.ChangeRunbook, Workflow: fmt.Sprint("desk", looked), Steps: []string{"look up", "check"}, Instruction: texts[looked%len(texts)]},
						Expected: events.Expected{Metric: "success_rate", Change: .1, High: .2},
					}}
					return res
				}, nil
			}
		}
		stop := h.serve(t)
		for i, text := range texts {
			model.mu.Lock()
			model.order = text
			model.mu.Unlock()
			run := fmt.Sprint("import", i)
			h.append(t, "run-"+run, events.RunStarted{Run: run, Workflow: "desk", Agent: "clerk", Prompt: text, Source: &events.Source{Format: "otlp"}},
				events.RunStepStarted{Name: "clock", Type: events.ToolStep, Agent: "clerk"}, events.RunStepFinished{Outcome: events.Failed, Error: text}, events.RunFailed{Error: text})
			h.looks(t, 1)
			if i%20 == 19 { // each version of an agent is asked about once
				h.spawn(t, fmt.Sprint("clerk", i), events.AgentConfig{Tools: []string{"clock"}})
			}
		}
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		stop()
		if model.asked[events.RoleAnalysis] < 200 || model.asked[events.RoleRunbook] < 200 || model.asked[events.RoleOptimisation] == 0 || model.asked[events.RoleConfiguration] == 0 {
			t.Errorf("asked %v", model.asked)
		}
		for _, e := range h.facts(t) {
			fact, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			switch f := fact.(type) {
			case events.ImprovementProposed:
				if c := f.Change.Config; c != nil && (c.Model != "" || c.MaxTokens > 4000 || slices.Contains(c.Tools, "pay")) {
					t.Errorf("it proposes %+v", f.Change)
				}
			case events.AgentConfigured:
				if e.Actor != "manager:role" {
					t.Errorf("%s by %s: %s", e.Stream, e.Actor, e.Data)
				}
			case events.AgentSpawned:
				if slices.Contains(f.Config.Tools, "pay") {
					t.Errorf("%s has %q", f.Agent, f.Config.Tools)
				}
			case events.BudgetSet:
				if !strings.HasPrefix(f.Budget, "agent:role-") || f.LimitNanos != 100*cent {
					t.Errorf("a budget is %+v", f)
				}
			case events.RoleAnswered:
				if f.Text != "" && strings.Contains(f.Text, "evil.example") || f.Runbook != nil && slices.ContainsFunc(f.Runbook.Steps, func(s events.RunbookStep) bool { return s.Tool == "pay" || s.Agent == "mallory" }) {
					t.Errorf("it is taken: %+v", f)
				}
			case events.PolicySet, events.ToolAccepted, events.RunApprovalAsked, events.RunToolCalled, events.RunbookSaved, events.ExperimentPlanned:
				t.Errorf("%s by %s: %s", e.Kind, e.Actor, e.Data)
			}
		}
		for _, role := range events.Roles() {
			if spent := h.budget(t, "agent:"+events.RoleAgent(role)).SpentNanos; spent > 100*cent {
				t.Errorf("%s spent %s", role, spent)
			}
		}
	})
}

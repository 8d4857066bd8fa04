package orchestrator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// The parameters that roles may suggest. Each is a kind of change; what else a role names is nothing.
const (
	parameterTemperature = "temperature"
	parameterMaxTokens   = "max_tokens"
	parameterEffort      = "reasoning_effort"
	parameterModel       = "model"
	parameterWithout     = "without_tool"
	parameterNone        = "none"
)

// fewestSuggestRuns is how many runs an agent has before anything is suggested of it.
const fewestSuggestRuns = 30

func parameterAdviser() adviser {
	return suggester(events.RoleOptimisation, "You tune the parameters of an AI agent. You are given its parameters and how its runs went. Suggest one change that is worth being tried: its temperature (0 to 2), "+
		"its max_tokens (a whole number, 0 for no bound), or its reasoning_effort (none, minimal, low, medium, high, xhigh), with the new value as a text, or \"none\" with an empty value where nothing is.",
		parameterTemperature, parameterMaxTokens, parameterEffort)
}

func configurationAdviser() adviser {
	return suggester(events.RoleConfiguration, "You configure AI agents. You are given an agent's configuration, how its runs went, and the models that there are. Suggest one change that is worth being tried: another model of "+
		"those that are listed (\"model\", its name), or one of its tools that it does better without (\"without_tool\", its name), or \"none\" with an empty value where nothing is.",
		parameterModel, parameterWithout)
}

// suggester has a model suggest a change of the agent whose runs fail most often. The suggestion is a proposal as any: it passes the policy, and
// is tried before it is made.
func suggester(role, prompt string, parameters ...string) adviser {
	parameters = append(parameters, parameterNone)
	schema := encoded(map[string]any{
		"type": "object", "required": []string{"parameter", "value"}, "additionalProperties": false,
		"properties": map[string]any{"parameter": map[string]any{"type": "string", "enum": parameters}, "value": map[string]string{"type": "string"}},
	})
	return adviser{
		role: role, prompt: prompt, schema: schema,
		ask: func(ctx context.Context, d *desk, workspace string, found Analysis) ([]question, error) {
			return d.suggestable(ctx, workspace, role, found)
		},
		take: func(ctx context.Context, d *desk, w managers.Answer, said string, fact *events.RoleAnswered) (string, error) {
			return d.suggested(ctx, w, said, fact, parameters)
		},
	}
}

// suggestable is the agent of which most runs fail, as a question: each version of it once.
func (d *desk) suggestable(ctx context.Context, workspace, role string, found Analysis) ([]question, error) {
	r := d.runs.Models.In(workspace)
	report, err := r.Report(ctx, projections.MetricsFilter{})
	if err != nil {
		return nil, err
	}
	rows, err := r.Agents(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := r.Roles(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b projections.AgentRow) int {
		return cmp.Or(cmp.Compare(report.ByAgent[b.Agent].Failed, report.ByAgent[a.Agent].Failed), cmp.Compare(a.Agent, b.Agent))
	})
	for _, row := range rows {
		m := report.ByAgent[row.Agent]
		rated := m.Succeeded + m.Failed
		subject := []string{"agent", row.Agent, fmt.Sprint("version ", row.Configured)}
		known := slices.ContainsFunc(asked, func(a projections.RoleRow) bool { return a.Role == role && slices.Equal(a.Subject, subject) })
		if !canTask(row) || rated < fewestSuggestRuns || m.Failed == 0 || known || found.Position == 0 {
			continue
		}
		i := stats.Wilson(m.Succeeded, rated, .95)
		texts, of := errorsOf(found, row.Agent)
		fact := events.RoleAsked{
			Of: of, Agent: row.Agent, Version: int(row.Configured), Subject: subject, Ground: fmt.Sprintf("%s succeeded in %d of %d runs", row.Agent, m.Succeeded, rated),
			Evidence: events.Evidence{
				From: 1, To: found.Position, Statistic: "share of runs that succeed, Wilson's interval", Value: stats.Round(float64(m.Succeeded) / float64(rated)), Low: stats.Round(i.Low), High: stats.Round(i.High),
				Confidence: .95, N: rated, Counts: map[string]int64{"succeeded": m.Succeeded, "rated": rated},
			},
		}
		given := map[string]any{
			"agent": row.Agent, "model": cmp.Or(row.Model, d.model), "temperature": row.Temperature, "max_tokens": row.MaxTokens, "reasoning_effort": row.Effort, "tools": row.Tools,
			"runs": m.Runs, "succeeded": m.Succeeded, "failed": m.Failed, "failed_steps": m.FailedSteps, "steps": m.Steps, "input_tokens": m.InputTokens, "output_tokens": m.OutputTokens,
			"cost_usd": m.CostNanos.String(), "step_seconds_median": m.Duration.P50, "errors": texts,
		}
		if role == events.RoleConfiguration {
			given["models"] = d.modelsFor(workspace, rows)
		}
		return []question{{fact: fact, given: given}}, nil
	}
	return nil, nil
}

// errorsOf are the first few errors that analysts tell of, and the people whose words they hold.
func errorsOf(found Analysis, agent string) (texts, of []string) {
	texts = []string{}
	for _, f := range found.Findings {
		if f.Analyst == "errors" && len(texts) < 3 && strings.Contains(f.Text, agent) {
			texts = append(texts, clipped(f.Text, 500))
			for _, name := range f.People {
				if !slices.Contains(of, name) {
					of = append(of, name)
				}
			}
		}
	}
	return texts, of
}

// modelsFor are those that a role may suggest: those of the policy, or else those that agents have.
func (d *desk) modelsFor(workspace string, rows []projections.AgentRow) []string {
	if allowed := d.policies(workspace).Models; len(allowed) > 0 {
		return allowed
	}
	models := []string{d.model}
	for _, r := range rows {
		if r.Askable() && r.Model != "" {
			models = append(models, r.Model)
		}
	}
	slices.Sort(models)
	return slices.Compact(models)
}

// suggested makes a proposal of what a role suggests, as its agent is by now.
func (d *desk) suggested(ctx context.Context, w managers.Answer, said string, fact *events.RoleAnswered, parameters []string) (string, error) {
	var answer struct {
		Parameter string `json:"parameter"`
		Value     string `json:"value"`
	}
	if err := answers.ReadStrict(said, &answer); err != nil {
		return err.Error(), nil
	}
	if !slices.Contains(parameters, answer.Parameter) {
		return fmt.Sprintf("it names %q, and only these can be suggested: %q", answer.Parameter, parameters), nil
	}
	if answer.Parameter == parameterNone {
		return "it suggests nothing", nil
	}
	agent, _, err := d.runs.Agents.Agent(ctx, w.Workspace, w.Asked.Agent)
	if err != nil {
		return "", err
	}
	if !agent.Live || agent.Retired || len(agent.Versions) != w.Asked.Version {
		return w.Asked.Agent + " is another one by now", nil
	}
	rows, err := d.runs.Models.In(w.Workspace).Agents(ctx)
	if err != nil {
		return "", err
	}
	change, wrong := suggestion(agent.Config, answer.Parameter, answer.Value, d.modelsFor(w.Workspace, rows))
	if wrong != "" {
		return wrong, nil
	}
	change.Agent = w.Asked.Agent
	e := w.Asked.Evidence
	analyst := events.RoleAgent(w.Asked.Role)
	// What it is worth nobody knows: it is held to a tenth of what fails today.
	gain := stats.Round((1 - e.Value) / 10)
	p := evidence.Proposal{
		Analyst: analyst, AnalystVersion: 1, Change: change, Claim: events.Claim{Subject: []string{"suggests", w.Asked.Agent, answer.Parameter, answer.Value}},
		Reason:   fmt.Sprintf("The role %s suggests it (%s): %s. Nothing on record tells what it does, so it is to be tried.", w.Asked.Role, fact.Model, w.Asked.Ground),
		Evidence: e, Expected: events.Expected{Metric: "success_rate", Change: gain, Low: -gain, High: 3 * gain},
	}
	refused, err := d.proposes(ctx, w, p.Wish(w.Workspace, w.At))
	if err == nil && refused == "" {
		fact.Improvement, fact.Candidates = p.ID(), 1
	}
	return refused, err
}

// suggestion is a change as a role names it, or what is wrong with it. It gives an agent no tool.
func suggestion(config events.AgentConfig, parameter, value string, models []string) (c events.Change, wrong string) {
	to := events.AgentConfig{}
	switch parameter {
	case parameterTemperature:
		c.Kind = events.ChangeTemperature
		t, err := strconv.ParseFloat(value, 64)
		if err != nil || !(t >= 0 && t <= 2) {
			return c, fmt.Sprintf("a temperature is a number from 0 to 2, and not %q", value)
		}
		if config.Temperature != nil && *config.Temperature == t {
			return c, "it has that temperature"
		}
		to.Temperature, c.Instruction = &t, fmt.Sprintf("Set the temperature to %v.", t)
	case parameterMaxTokens:
		c.Kind = events.ChangeTokenLimit
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return c, fmt.Sprintf("a limit is a whole number of tokens, and not %q", value)
		}
		if config.MaxTokens == n {
			return c, "it has that limit"
		}
		to.MaxTokens, c.Instruction = n, fmt.Sprintf("Set the limit of an answer to %d tokens.", n)
	case parameterEffort:
		c.Kind = events.ChangeEffort
		if !slices.Contains(events.Efforts(), value) {
			return c, fmt.Sprintf("an effort is one of %q, and not %q", events.Efforts(), value)
		}
		if config.Effort == value {
			return c, "it has that effort"
		}
		to.Effort, c.Instruction = value, fmt.Sprintf("Set the reasoning effort to %s.", value)
	case parameterModel:
		c.Kind = events.ChangeModel
		if !slices.Contains(models, value) {
			return c, fmt.Sprintf("%q is none of the models %q", value, models)
		}
		if config.Model == value {
			return c, "it has that model"
		}
		to.Model, c.Instruction = value, fmt.Sprintf("Use the model %s.", value)
	case parameterWithout:
		c.Kind = events.ChangeTools
		at := slices.Index(config.Tools, value)
		if at < 0 {
			return c, fmt.Sprintf("%q is none of its tools %q", value, config.Tools)
		}
		to.Tools, c.Instruction = slices.Delete(slices.Clone(config.Tools), at, at+1), fmt.Sprintf("Take the tool %s away.", value)
	default:
		return c, fmt.Sprintf("%q can't be suggested", parameter)
	}
	c.Config = &to
	return c, ""
}

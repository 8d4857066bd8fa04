package orchestrator

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/runbook"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// runbookAdviser drafts a runbook of a sequence that analysts propose to keep.
func runbookAdviser() adviser {
	return adviser{
		role: events.RoleRunbook,
		prompt: "You write runbooks. You are given a sequence of steps that goes with success, as a runbook in YAML, and the agents that there are. Write the runbook so that those agents can follow it: " +
			"keep its name, its workflow and each of its steps by its name and in its order; give steps an agent of those that are listed, where one fits, and an instruction that says what is to be done and what " +
			"comes of it; leave open what differs from task to task as {{slot}}; let a step depend only on those whose results it needs. You may add steps. Name no agent and no tool that is not listed.",
		schema: json.RawMessage(`{"type":"object","properties":{"yaml":{"type":"string"}},"required":["yaml"],"additionalProperties":false}`),
		ask: func(ctx context.Context, d *desk, workspace string, found Analysis) ([]question, error) {
			rows, err := d.runs.Models.In(workspace).Agents(ctx)
			if err != nil {
				return nil, err
			}
			type doer struct {
				Agent string   `json:"agent"`
				Role  string   `json:"role"`
				Tools []string `json:"tools"`
			}
			doers := []doer{}
			for _, r := range rows {
				if canTask(r) {
					doers = append(doers, doer{r.Agent, r.Role, r.Tools})
				}
			}
			var questions []question
			for _, p := range found.Proposals {
				if p.Change.Kind != events.ChangeRunbook || p.Change.Book != nil || p.Ended || p.Refused != "" {
					continue
				}
				// Its name is not the model's to choose, nor the workflow.
				yaml, err := runbook.FromPattern(draftName(p.ID()), p.Change.Workflow, p.Change.Steps).YAML()
				if err != nil {
					continue // steps that no runbook can hold
				}
				questions = append(questions, question{
					fact:  events.RoleAsked{Subject: proposalSubject(p.Proposal), Ground: string(yaml), Evidence: p.Evidence},
					given: map[string]any{"runbook": string(yaml), "agents": doers},
				})
			}
			return questions, nil
		},
		take: takeRunbook,
	}
}

func draftName(improvement string) string { return "draft-" + improvement }

// takeRunbook takes a draft, which is read as any runbook that a person wrote, keeps the steps that proved good, and names nobody and nothing
// that is not there.
func takeRunbook(ctx context.Context, d *desk, w managers.Answer, said string, fact *events.RoleAnswered) (string, error) {
	var answer struct {
		YAML string `json:"yaml"`
	}
	if err := answers.ReadStrict(said, &answer); err != nil {
		return err.Error(), nil
	}
	draft, err := runbook.Parse([]byte(answer.YAML))
	if err != nil {
		return err.Error(), nil
	}
	proved, err := runbook.Parse([]byte(w.Asked.Ground))
	if err != nil {
		return err.Error(), nil
	}
	rows, err := d.runs.Models.In(w.Workspace).Agents(ctx)
	if err != nil {
		return "", err
	}
	agents, tools := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		if canTask(r) {
			agents[r.Agent] = true
			for _, t := range r.Tools {
				tools[t] = true
			}
		}
	}
	next := 0
	for i, s := range draft.Steps {
		if next < len(proved.Steps) && s.Name == proved.Steps[next].Name {
			next++
		}
		for _, agent := range append(slices.Clone(s.Agents), s.Agent) {
			if agent != "" && !agents[agent] {
				return fmt.Sprintf("step %d names the agent %q, which nobody made", i, agent), nil
			}
		}
		if s.Tool != "" && !tools[s.Tool] {
			return fmt.Sprintf("step %d names the tool %q, which no agent is granted", i, s.Tool), nil
		}
		if s.Model != "" {
			return fmt.Sprintf("step %d names a model: agents have theirs", i), nil
		}
	}
	if next < len(proved.Steps) {
		return fmt.Sprintf("it lacks the step %q at its place, and what proved good is all of them in their order", proved.Steps[next].Name), nil
	}
	draft.Runbook, draft.Workflow, draft.Run = proved.Runbook, proved.Workflow, ""
	saved := draft.Saved()
	fact.Runbook = &saved
	return "", nil
}

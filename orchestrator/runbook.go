package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// errRunbook tells why a runbook can't be done as it is.
var errRunbook = errors.New("the runbook can't be done")

// Fills tells whether slots are what a runbook leaves open, all of it and nothing else.
func Fills(book projections.RunbookRow, slots map[string]string) error {
	open := map[string]bool{}
	for _, step := range book.Steps {
		for _, text := range []string{step.Instruction, step.Question, step.Params} {
			for _, mark := range events.SlotMark.FindAllStringSubmatch(text, -1) {
				open[mark[1]] = true
			}
		}
	}
	var marks, flags []string
	for _, name := range slices.Sorted(maps.Keys(open)) {
		if _, given := slots[name]; !given {
			marks, flags = append(marks, "{{"+name+"}}"), append(flags, "--set "+name+"=VALUE")
		}
	}
	if len(marks) > 0 {
		return fmt.Errorf("%w: it leaves %s open: give %s", errRunbook, strings.Join(marks, ", "), strings.Join(flags, " "))
	}
	for _, name := range slices.Sorted(maps.Keys(slots)) {
		if !open[name] {
			return fmt.Errorf("%w: it has no {{%s}}", errRunbook, name)
		}
	}
	return nil
}

// runbookTasks are the steps of a runbook as tasks: a step with arguments calls its tool, any other one is asked of an agent,
// by its instruction or else by its name.
func (p *planner) runbookTasks(ctx context.Context, workspace string, book projections.RunbookRow, slots map[string]string, known []string) ([]events.GoalTask, error) {
	rows, err := p.models.In(workspace).Agents(ctx)
	if err != nil {
		return nil, err
	}
	if err := Fills(book, slots); err != nil {
		return nil, err
	}
	fill := func(text string, quote func(string) string) string {
		return events.SlotMark.ReplaceAllStringFunc(text, func(mark string) string { return quote(slots[events.SlotMark.FindStringSubmatch(mark)[1]]) })
	}
	tasks, teams := make([]events.GoalTask, len(book.Steps)), map[string]teamOf{}
	for i, step := range book.Steps {
		if step.Instruction == events.Erased || step.Params == events.Erased {
			return nil, fmt.Errorf("%w: step %d was in the words of somebody who is forgotten: save it anew", errRunbook, i+1)
		}
		t := events.GoalTask{Task: fmt.Sprintf("step-%d", i+1), Title: step.Name}
		if slices.Contains(known, step.Agent) {
			t.Agent = step.Agent
		}
		for _, on := range step.DependsOn {
			t.DependsOn = append(t.DependsOn, fmt.Sprintf("step-%d", on+1))
		}
		if step.Params != "" {
			t.Tool, t.Params = step.Tool, fill(step.Params, inJSON)
			if at := slices.IndexFunc(rows, func(r projections.AgentRow) bool { return r.Agent == t.Agent }); at >= 0 && !slices.Contains(rows[at].Tools, step.Tool) {
				return nil, fmt.Errorf("%w: step %d calls the tool %q, which %s is not granted: `virtuous6 agents configure %[4]s --tools` grants it", errRunbook, i+1, step.Tool, t.Agent)
			}
			if t.Agent == "" {
				has := func(r projections.AgentRow) bool { return canTask(r) && slices.Contains(r.Tools, step.Tool) }
				at := slices.IndexFunc(rows, has)
				if at < 0 {
					return nil, fmt.Errorf("%w: no agent is granted the tool %q of step %d: `virtuous6 agents configure` grants it", errRunbook, step.Tool, i+1)
				}
				t.Agent = rows[at].Agent
			}
		}
		t.Instruction, t.Question = fill(step.Instruction, asItIs), fill(step.Question, asItIs)
		if t.Instruction == "" && t.Tool == "" && t.Question == "" {
			t.Instruction = step.Name
		}
		tasks[i], teams[t.Task] = t, teamOf{step.Team, step.Agents}
	}
	if tasks, err = formTeams(tasks, teams); err != nil {
		return nil, fmt.Errorf("%w: %w", errRunbook, err)
	}
	return tasks, nil
}

func asItIs(s string) string { return s }

// inJSON is a text as it stands within a JSON text.
func inJSON(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic("a text can always be JSON: " + err.Error())
	}
	return string(quoted[1 : len(quoted)-1])
}

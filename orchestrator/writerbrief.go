package orchestrator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// shown is a run as a writer is shown it.
type shown struct {
	Run    string   `json:"run"`
	Said   []said   `json:"said"`
	Error  string   `json:"error,omitempty"`
	Wished []string `json:"wished,omitempty"`
}

type said struct {
	Role string `json:"role"`
	Text string `json:"text"`
}

// attempt is an edit that was tried before.
type attempt struct {
	Instructions string `json:"instructions,omitempty"`
	Skill        string `json:"skill,omitempty"`
	Became       string `json:"became"`
}

// brief is what a writer is given.
type brief struct {
	Agent        string `json:"agent"`
	Instructions string `json:"instructions"`
	// Skill is one that runs which failed had loaded, nil for none.
	Skill     *shownSkill `json:"skill,omitempty"`
	Failed    []shown     `json:"failed"`
	Succeeded []shown     `json:"succeeded"`
	Tried     []attempt   `json:"tried,omitempty"`
}

// triedBefore are the latest edits of an agent that were tried and given up.
func (w writer) triedBefore(ctx context.Context, reader projections.Reader, workspace, agent string) (all []attempt, err error) {
	improvements, err := reader.Improvements(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, i := range improvements {
		if i.Analyst != events.Writer || i.Agent != agent || i.Change.Config == nil || len(all) == shownTried {
			continue
		}
		tried := attempt{Instructions: clipped(i.Change.Config.Prompt, shownText), Became: strings.ReplaceAll(i.Status, "_", " ")}
		if i.Change.Kind == events.ChangeSkills {
			tried.Instructions = ""
			if tried.Skill, err = w.draftOf(ctx, workspace, i.Change.Config.Skills); err != nil {
				return nil, err
			}
		}
		all = append(all, tried)
	}
	return all, nil
}

// brief shows the latest runs of the person whose runs fail most often: what one person said is forgotten with them, and so is what is asked here.
func (w writer) brief(ctx context.Context, reader projections.Reader, workspace, agent string, rated []projections.RunRow, q *RoleQuestion) (b brief, err error) {
	failing := map[string]int{}
	for _, row := range rated {
		if row.Result() == events.Failed {
			failing[row.Requester]++
		}
	}
	who := slices.MaxFunc(slices.Sorted(maps.Keys(failing)), func(a, c string) int { return cmp.Or(cmp.Compare(failing[a], failing[c]), cmp.Compare(c, a)) })
	b.Failed, b.Succeeded = []shown{}, []shown{}
	for _, row := range rated {
		into, most := &b.Failed, shownFailed
		if row.Result() != events.Failed {
			into, most = &b.Succeeded, shownSucceeded
		}
		if row.Requester != who || len(*into) == most {
			continue
		}
		run, ok, err := w.show(ctx, reader, workspace, agent, row)
		if err != nil {
			return b, err
		}
		if ok {
			*into = append(*into, run)
			q.Runs, q.Evidence.Positions = append(q.Runs, row.Run), append(q.Evidence.Positions, row.FirstPosition)
		}
	}
	slices.Sort(q.Evidence.Positions)
	if q.Requester = who; who != "" {
		q.Of = []string{who}
	}
	return b, nil
}

// show is a run as a writer is shown it. ok is false for one that was not answered by the agent as it is.
func (w writer) show(ctx context.Context, reader projections.Reader, workspace, agent string, row projections.RunRow) (run shown, ok bool, err error) {
	c := newConversation()
	if err := c.read(ctx, w.runs.Store, workspace, row.Run); err != nil {
		return run, false, err
	}
	if c.assigned == nil || c.assigned.Agent != agent || slices.ContainsFunc(c.assigned.Arms, func(a events.Arm) bool { return a.Tried() || a.Arm == events.FrozenArm }) {
		return run, false, nil
	}
	run = shown{Run: row.Run, Error: clipped(row.Error, shownText), Said: []said{}}
	if len(c.messages) == 0 { // the model never answered
		run.Said = append(run.Said, said{"user", clipped(c.started.Prompt, shownText)})
	}
	for _, m := range slices.Concat(c.messages, c.told()) {
		text := m.Content
		for _, call := range m.ToolCalls {
			text += fmt.Sprintf("\ncalls %s(%s)", call.Name, call.Arguments)
		}
		if text = strings.TrimSpace(text); m.Role != "system" && text != "" {
			run.Said = append(run.Said, said{m.Role, clipped(text, shownText)})
		}
	}
	if most := 8; len(run.Said) > most { // what was asked, and how it ended
		run.Said = append(run.Said[:1:1], run.Said[len(run.Said)-most+1:]...)
	}
	feedback, err := reader.Feedback(ctx, row.Run)
	if err != nil {
		return run, false, err
	}
	for _, f := range feedback {
		if f.User == row.Requester { // what others said is theirs
			for _, text := range []string{f.Text, f.Better, f.Wish} {
				if text != "" {
					run.Wished = append(run.Wished, clipped(text, shownText))
				}
			}
		}
	}
	return run, true, nil
}

// textsOf are the texts of the runs that a writer was shown.
func textsOf(prompt string) (texts []string) {
	var b brief
	if err := json.Unmarshal([]byte(prompt), &b); err != nil {
		return []string{prompt} // it was erased: nothing is repeated that way
	}
	for _, run := range slices.Concat(b.Failed, b.Succeeded) {
		for _, s := range run.Said {
			texts = append(texts, s.Text)
		}
		texts = append(append(texts, run.Error), run.Wished...)
	}
	return texts
}

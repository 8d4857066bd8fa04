package failure

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// View is all that the error analyst looks at.
type View struct {
	// Runs are the ended runs in the order of their first facts.
	Runs []Run
	// Feedback is what people wrote on runs, by position.
	Feedback []Feedback
	// Agents are those that can be asked, by name.
	Agents map[string]events.AgentConfig
}

// Run is one ended run.
type Run struct {
	Name, Workflow, Task, Requester string
	// Outcome is its verdict where it has one, else how it ended.
	Outcome events.Outcome
	// Broke tells that it ended in failure, whatever its verdict, and Error why.
	Broke bool
	Error string
	Steps []Step
	// Started is when it began, in Unix nanoseconds, 0 where that is not known.
	Started     int64
	First, Last uint64
}

// Step is one step of a run, in the order of their starts.
type Step struct {
	Name, Agent string
	Failed      bool
	// Thought tells that an agent of ours asked its model: what it did comes behind that.
	Thought bool
	// Explicit is what the source calls the error, Error what it says.
	Explicit, Error string
	Position        uint64
}

// Feedback is a reference to what a person wrote on a run.
type Feedback struct {
	Feedback, Run, User string
	// Advice is what it says is to be done, empty where it says nothing of the kind, or it was forgotten.
	Advice   string
	Position uint64
}

// instructs are words of a text that says what is to be done, beside those that say what was bad.
var instructs = regexp.MustCompile(`(?i)\b(?:should(?:n't)?|must|needs? to|ha(?:s|ve) to|instead|use|ask|check|look|try|retry|again|first|before|always|never|don't|do not|call|give|send|set)\b`)

// advice is what a feedback says is to be done: what it wishes for, and of a text beside a bad score only what instructs.
func advice(row *projections.FeedbackRow) string {
	text := cmp.Or(row.Wish, row.Better)
	if text == "" {
		liked, judged := events.Judged(row.Name, row.User, row.Score)
		if row.Score == nil || judged && !liked && instructs.MatchString(row.Text) {
			text = row.Text
		}
	}
	return strings.TrimSpace(readable(text))
}

// readable is a text as far as it can be read: one that is gone is no kind of error.
func readable(text string) string {
	if text == events.Erased {
		return ""
	}
	return text
}

// Load reads the view.
func Load(ctx context.Context, r projections.Reader) (View, error) {
	v := View{Agents: map[string]events.AgentConfig{}}
	agents, err := r.Agents(ctx)
	if err != nil {
		return v, fmt.Errorf("load agents: %w", err)
	}
	for _, row := range agents {
		if row.Askable() {
			v.Agents[row.Agent] = events.AgentConfig{Tools: row.Tools, Fixes: row.Fixes}
		}
	}
	runs, err := r.Observations(ctx)
	if err != nil {
		return v, fmt.Errorf("load runs: %w", err)
	}
	v.Runs = make([]Run, 0, len(runs))
	for _, o := range runs {
		if o.Outcome == projections.Running {
			continue
		}
		ended := Run{
			Name: o.Run, Workflow: o.Workflow, Task: o.Task, Requester: o.Requester, Outcome: o.Result(), Error: readable(o.Error), Broke: o.Outcome == events.Failed,
			First: o.FirstPosition, Last: o.LastPosition, Steps: make([]Step, len(o.Steps)), Started: o.Started,
		}
		for k := range o.Steps {
			s := &o.Steps[k]
			_, ours := v.Agents[s.Agent]
			ended.Steps[k] = Step{Name: s.Name, Agent: s.Agent, Failed: s.Failed, Thought: ours && s.Model != "", Position: s.Position}
		}
		for _, e := range o.Errors {
			ended.Steps[e.Step].Explicit, ended.Steps[e.Step].Error = readable(e.Explicit), readable(e.Text)
		}
		v.Runs = append(v.Runs, ended)
	}
	feedback, err := r.Feedback(ctx, "")
	if err != nil {
		return v, fmt.Errorf("load feedback: %w", err)
	}
	for i := range feedback {
		if f := &feedback[i]; f.Run != "" && (f.Text != "" || f.Better != "" || f.Wish != "") {
			v.Feedback = append(v.Feedback, Feedback{Feedback: f.Feedback, Run: f.Run, User: f.User, Advice: advice(f), Position: f.Position})
		}
	}
	return v, nil
}

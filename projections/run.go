package projections

import (
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/virtuous6/virtuous6/events"
)

var runTable = of("workflow_runs", spec[string, RunRow]{
	Table: Table{Cluster: "first_position", Settled: "last_position", Large: true},
	key:   func(r *RunRow) string { return r.Run },
	fresh: func(run string) RunRow { return RunRow{Run: run} },
	weigh: func(r *RunRow) int {
		n := len(r.Prompt) + len(r.Answer) + len(r.Error) + 64*len(r.Labels) + 16*cap(r.Trace) +
			16*(cap(r.Agents)+cap(r.Models)+cap(r.Tools)) + 128
		for i := range r.steps {
			s := &r.steps[i]
			n += int(unsafe.Sizeof(*s)) + len(s.Error) + 64*len(s.Labels) + 8*len(s.DependsOn)
		}
		return n
	},
	columns: []column[RunRow]{
		key(text("run", func(r *RunRow) *string { return &r.Run })),
		integer("first_position", func(r *RunRow) *uint64 { return &r.FirstPosition }),
		integer("last_position", func(r *RunRow) *uint64 { return &r.LastPosition }),
		symbol("workspace", func(r *RunRow) *string { return &r.Workspace }),
		symbol("workflow", func(r *RunRow) *string { return &r.Workflow }),
		symbol("task", func(r *RunRow) *string { return &r.Task }),
		symbol("requester", func(r *RunRow) *string { return &r.Requester }),
		symbol("outcome", func(r *RunRow) *events.Outcome { return &r.Outcome }),
		symbol("source", func(r *RunRow) *string { return &r.Source }),
		flag("scripted", func(r *RunRow) *bool { return &r.Scripted }),
		instant("started_at", func(r *RunRow) *time.Time { return &r.StartedAt }),
		instant("ended_at", func(r *RunRow) *time.Time { return &r.EndedAt }),
		integer("duration_ns", func(r *RunRow) *int64 { return &r.DurationNS }),
		integer("steps", func(r *RunRow) *int64 { return &r.Steps }),
		integer("failed_steps", func(r *RunRow) *int64 { return &r.FailedSteps }),
		integer("input_tokens", func(r *RunRow) *int64 { return &r.InputTokens }),
		integer("output_tokens", func(r *RunRow) *int64 { return &r.OutputTokens }),
		integer("cost_nanos", func(r *RunRow) *events.Nanos { return &r.CostNanos }),
		flag("unpriced", func(r *RunRow) *bool { return &r.Unpriced }),
		list("agents", func(r *RunRow) *[]string { return &r.Agents }),
		list("models", func(r *RunRow) *[]string { return &r.Models }),
		list("tools", func(r *RunRow) *[]string { return &r.Tools }),
		labels("labels", func(r *RunRow) *map[string]string { return &r.Labels }),
		text("error", func(r *RunRow) *string { return &r.Error }),
		list("trace", func(r *RunRow) *[]string { return &r.Trace }),
		text("prompt", func(r *RunRow) *string { return &r.Prompt }),
		text("answer", func(r *RunRow) *string { return &r.Answer }),
		stepList("step_list"), // the last one: withoutSteps
	},
})

// withoutSteps is how many columns stand before that of the steps.
var withoutSteps = len(runTable.columns) - 1

// foldRun keeps workflow_runs. It comes first: the others take the run and the step from it.
func foldRun(w *workingSet, f *fact) error {
	e, ok := f.Event.(events.Run)
	if !ok {
		return nil
	}
	if e, ok := e.(events.RunStarted); ok {
		return startRun(w, f, e)
	}
	r, err := w.runs.find(f.id)
	switch {
	case err != nil:
		return err
	case r == nil || r.Outcome != Running:
		// Which of the two it is can't be told: the fold forgets runs that have ended.
		return damaged("the run was never started, or it has ended before")
	}
	f.run = r
	switch e := e.(type) {
	case events.RunStarted, events.RunAssigned:
	case events.RunStepStarted:
		err = startStep(f, e)
	case events.RunStepFinished:
		err = finishStep(w, f, e)
	case events.RunLLMCalled, events.RunToolCalled:
		// Their data is not there: events.Table.Unread.
	case events.RunFinished:
		err = endRun(w, f, e.Outcome, e.Answer, "", e.CostNanos, e.Undated)
	case events.RunFailed:
		err = endRun(w, f, events.Failed, "", e.Error, e.CostNanos, e.Undated)
	case events.RunCancelled:
		err = endRun(w, f, events.Cancelled, "", e.Reason, e.CostNanos, e.Undated)
	}
	if err == nil {
		r.LastPosition = f.Envelope.Position
	}
	return err
}

func startRun(w *workingSet, f *fact, e events.RunStarted) error {
	if err := f.names(e.Run); err != nil {
		return err
	}
	row := RunRow{
		Run: e.Run, Workspace: f.Envelope.Workspace, Workflow: e.Workflow, Task: e.Task, Requester: e.Requester,
		Prompt: beginning(e.Prompt), Outcome: Running, Labels: e.Labels, DurationNS: -1,
		FirstPosition: f.Envelope.Position, LastPosition: f.Envelope.Position,
	}
	if e.Source != nil {
		row.Source = e.Source.Format
	}
	if !e.Undated {
		row.StartedAt = f.when
	}
	f.run = w.runs.start(row)
	return nil
}

func startStep(f *fact, e events.RunStepStarted) error {
	r := f.run
	if e.Step != len(r.steps) {
		return damaged("step %d starts, the next one is %d", e.Step, len(r.steps))
	}
	row := StepRow{
		Run: r.Run, Step: int64(e.Step), Workflow: r.Workflow, Name: e.Name, Type: e.Type, Agent: e.Agent, Tool: e.Tool,
		Model: e.Model, Parent: -1, DependsOn: e.DependsOn, Labels: e.Labels, Outcome: Running, DurationNS: -1,
		Position: f.Envelope.Position,
	}
	if e.Parent != nil {
		row.Parent = int64(*e.Parent)
	}
	if !e.Undated {
		row.StartedAt = f.when
	}
	r.steps = append(r.steps, row)
	f.step = &r.steps[e.Step]
	r.Steps++
	r.Trace = append(r.Trace, e.Name)
	r.Agents, f.newAgent = include(r.Agents, e.Agent)
	r.Models, _ = include(r.Models, e.Model)
	r.Tools, _ = include(r.Tools, e.Tool)
	if r.uses != nil {
		r.uses[e.Model]++
	}
	return nil
}

func finishStep(w *workingSet, f *fact, e events.RunStepFinished) error {
	r := f.run
	s := r.step(e.Step)
	switch {
	case s == nil:
		return damaged("step %d was never started", e.Step)
	case s.Outcome != Running:
		return damaged("step %d has finished before", e.Step)
	case !ends(e.Outcome):
		return damaged("step %d ends with the unknown outcome %q", e.Step, e.Outcome)
	case e.InputTokens < 0 || e.OutputTokens < 0 || e.CachedTokens < 0 || e.CostNanos < 0:
		return damaged("step %d has negative tokens or costs", e.Step)
	}
	f.step = s
	s.Outcome, s.Error, s.Position = e.Outcome, e.Error, f.Envelope.Position
	s.InputTokens, s.OutputTokens, s.CachedTokens = e.InputTokens, e.OutputTokens, e.CachedTokens
	s.CostNanos, s.Unpriced = e.CostNanos, e.Unpriced
	r.Unpriced = r.Unpriced || e.Unpriced
	if !e.Undated {
		f.day = w.days.of(f.when)
		s.EndedAt = f.when
		s.DurationNS = between(s.StartedAt, s.EndedAt)
	}
	if e.Model != "" && e.Model != s.Model {
		r.answered(s, e.Model)
	}
	if e.Outcome == events.Failed {
		r.FailedSteps++
	} else if s.Model == events.ScriptedModel {
		r.Scripted = true
	}
	r.InputTokens = saturate(r.InputTokens, e.InputTokens)
	r.OutputTokens = saturate(r.OutputTokens, e.OutputTokens)
	r.stepCost = saturate(r.stepCost, e.CostNanos)
	r.CostNanos = r.stepCost
	return nil
}

func endRun(w *workingSet, f *fact, o events.Outcome, answer, reason string, cost events.Nanos, undated bool) error {
	r := f.run
	if !ends(o) {
		return damaged("the run ends with the unknown outcome %q", o)
	}
	r.Outcome, r.Answer, r.Error = o, beginning(answer), reason
	r.CostNanos = max(r.stepCost, cost)
	if !undated {
		f.day = w.days.of(f.when)
		r.EndedAt = f.when
		r.DurationNS = between(r.StartedAt, r.EndedAt)
	}
	return nil
}

// ends tells whether an outcome is one of the closed vocabulary.
func ends(o events.Outcome) bool {
	switch o {
	case events.Succeeded, events.Failed, events.Cancelled, events.Unrated:
		return true
	}
	return false
}

// between is the duration from start to end, or -1 where one of them is not known or the end comes first.
func between(start, end time.Time) int64 {
	if start.IsZero() || end.IsZero() {
		return -1
	}
	return max(int64(end.Sub(start)), -1)
}

// ended tells whether a fact is the end of its run.
func (f *fact) ended() bool { return f.run != nil && f.run.Outcome != Running }

// TextBytes is how much of a prompt and an answer a run's row holds at most. The whole texts are in the log; two copies
// of them would be most of the read models.
const TextBytes = 240

// MayBeCut tells that a text of a row may be the beginning of a longer one.
func MayBeCut(text string) bool { return len(text) > TextBytes-utf8.UTFMax }

// beginning is what a row holds of a text. It keeps none of the longer one's memory.
func beginning(text string) string {
	if len(text) <= TextBytes {
		return text
	}
	end := TextBytes
	for end > TextBytes-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.Clone(text[:end])
}

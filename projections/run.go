package projections

import (
	"time"

	"github.com/virtuous6/virtuous6/events"
)

var runTable = of("workflow_runs", spec[string, RunRow]{
	Table: Table{Cluster: "first_position", Settled: "last_position"},
	key:   func(r *RunRow) string { return r.Run },
	fresh: func(run string) RunRow { return RunRow{Run: run} },
	weigh: func(r *RunRow) int {
		return len(r.Prompt) + len(r.Answer) + len(r.Error) + 64*len(r.Labels) + 16*cap(r.Trace) +
			16*(cap(r.Agents)+cap(r.Models)+cap(r.Tools)) + 128
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
	},
})

// stepKey is the key of run_steps.
type stepKey struct {
	run  string
	step int64
}

var stepTable = of("run_steps", spec[stepKey, StepRow]{
	Table: Table{Settled: "position"},
	key:   func(r *StepRow) stepKey { return stepKey{r.Run, r.Step} },
	fresh: func(k stepKey) StepRow { return StepRow{Run: k.run, Step: k.step} },
	weigh: func(r *StepRow) int { return len(r.Error) + 64*len(r.Labels) + 8*len(r.DependsOn) },
	columns: []column[StepRow]{
		key(symbol("run", func(r *StepRow) *string { return &r.Run })),
		key(integer("step", func(r *StepRow) *int64 { return &r.Step })),
		symbol("workflow", func(r *StepRow) *string { return &r.Workflow }),
		symbol("name", func(r *StepRow) *string { return &r.Name }),
		symbol("type", func(r *StepRow) *events.StepKind { return &r.Type }),
		symbol("agent", func(r *StepRow) *string { return &r.Agent }),
		symbol("tool", func(r *StepRow) *string { return &r.Tool }),
		symbol("model", func(r *StepRow) *string { return &r.Model }),
		integer("parent", func(r *StepRow) *int64 { return &r.Parent }),
		symbol("outcome", func(r *StepRow) *events.Outcome { return &r.Outcome }),
		instant("started_at", func(r *StepRow) *time.Time { return &r.StartedAt }),
		instant("ended_at", func(r *StepRow) *time.Time { return &r.EndedAt }),
		integer("duration_ns", func(r *StepRow) *int64 { return &r.DurationNS }),
		integer("input_tokens", func(r *StepRow) *int64 { return &r.InputTokens }),
		integer("output_tokens", func(r *StepRow) *int64 { return &r.OutputTokens }),
		integer("cached_tokens", func(r *StepRow) *int64 { return &r.CachedTokens }),
		integer("cost_nanos", func(r *StepRow) *events.Nanos { return &r.CostNanos }),
		flag("unpriced", func(r *StepRow) *bool { return &r.Unpriced }),
		integer("position", func(r *StepRow) *uint64 { return &r.Position }),
		numbers("depends_on", func(r *StepRow) *[]int { return &r.DependsOn }),
		labels("labels", func(r *StepRow) *map[string]string { return &r.Labels }),
		text("error", func(r *StepRow) *string { return &r.Error }),
	},
})

// foldRun keeps workflow_runs and run_steps. It comes first: the others take the run and the step from it.
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
	case events.RunStarted:
	case events.RunStepStarted:
		err = startStep(f, e)
	case events.RunStepFinished:
		err = finishStep(w, f, e)
	case events.RunLLMCalled:
		r.Scripted = r.Scripted || e.Scripted
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
		Prompt: e.Prompt, Outcome: Running, Labels: e.Labels, DurationNS: -1,
		FirstPosition: f.Envelope.Position, LastPosition: f.Envelope.Position,
	}
	if e.Source != nil {
		row.Source = e.Source.Format
	}
	if !e.Undated {
		row.StartedAt = f.Envelope.OccurredAt
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
		row.StartedAt = f.Envelope.OccurredAt
	}
	r.steps = append(r.steps, openStep{StepRow: row, dirty: true})
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
		f.day = w.days.of(f.Envelope.OccurredAt)
		s.EndedAt = f.Envelope.OccurredAt
		s.DurationNS = between(s.StartedAt, s.EndedAt)
	}
	if e.Model != "" && e.Model != s.Model {
		r.answered(s, e.Model)
	}
	if e.Outcome == events.Failed {
		r.FailedSteps++
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
	r.Outcome, r.Answer, r.Error = o, answer, reason
	r.CostNanos = max(r.stepCost, cost)
	if !undated {
		f.day = w.days.of(f.Envelope.OccurredAt)
		r.EndedAt = f.Envelope.OccurredAt
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

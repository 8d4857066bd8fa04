package projections

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

var runTable = readmodel.NewTable("workflow_runs", readmodel.TableOf[named, RunRow]{
	Table: readmodel.Table{
		Cluster: "first_position", Settled: "last_position", Large: true,
		Indexes: []readmodel.Index{
			// A list is of the latest ones. An agent's, and those of a period, are found by zones. None begins with the workspace:
			// what is asked of a whole one is read in the table's own order.
			{Name: "workflow_runs_by_workflow", Columns: []string{"workflow", "workspace", "first_position"}},
			{Name: "workflow_runs_by_workflow_outcome", Columns: []string{"workflow", "outcome", "workspace", "first_position"}},
			{Name: "workflow_runs_by_task", Columns: []string{"task", "workspace", "first_position"}},
			{Name: "workflow_runs_by_conversation", Columns: []string{"conversation", "workspace", "first_position"}},
			{Name: "workflow_runs_by_outcome", Columns: []string{"outcome", "workspace", "first_position"}},
		},
	},
	Key:    func(r *RunRow) named { return named{r.Run, r.Workspace} },
	Fresh:  func(k named, r *RunRow) { r.Run, r.Workspace = k.name, strings.Clone(k.workspace) },
	Share:  8,
	Ended:  func(r *RunRow) bool { return r.Outcome != Running },
	Open:   readmodel.Only("outcome", Running),
	Loaded: (*RunRow).loaded,
	Reuse:  (*RunRow).reuse,
	Weigh: func(r *RunRow) int {
		n := len(r.Prompt) + len(r.Answer) + len(r.Error) + len(r.Chosen) + 64*len(r.Labels) + 16*cap(r.Trace) +
			16*(cap(r.Agents)+cap(r.Models)+cap(r.Tools)+cap(r.Skills)) + 128
		for i := range r.steps {
			s := &r.steps[i]
			n += int(unsafe.Sizeof(*s)) + len(s.Error) + 64*len(s.Labels) + 8*len(s.DependsOn)
		}
		return n
	},
	Row: []readmodel.ColumnOf[RunRow]{
		readmodel.Key(readmodel.String("run", func(r *RunRow) *string { return &r.Run })),
		workspaceKey(func(r *RunRow) *string { return &r.Workspace }),
		readmodel.Int("first_position", func(r *RunRow) *uint64 { return &r.FirstPosition }),
		readmodel.Int("last_position", func(r *RunRow) *uint64 { return &r.LastPosition }),
		readmodel.Symbol("workflow", func(r *RunRow) *string { return &r.Workflow }),
		readmodel.Symbol("task", func(r *RunRow) *string { return &r.Task }),
		readmodel.Symbol("requester", func(r *RunRow) *string { return &r.Requester }),
		readmodel.Symbol("conversation", func(r *RunRow) *string { return &r.Conversation }),
		readmodel.Symbol("agent", func(r *RunRow) *string { return &r.Agent }),
		known("agent_revision", func(r *RunRow) *int64 { return &r.AgentRevision }),
		orNull(readmodel.String("chosen", func(r *RunRow) *string { return &r.Chosen })),
		readmodel.Symbol("outcome", func(r *RunRow) *events.Outcome { return &r.Outcome }),
		orNull(readmodel.Symbol("suspended", func(r *RunRow) *string { return &r.Suspended })),
		readmodel.Symbol("finish_reason", func(r *RunRow) *string { return &r.FinishReason }),
		readmodel.Symbol("source", func(r *RunRow) *string { return &r.Source }),
		readmodel.Bool("scripted", func(r *RunRow) *bool { return &r.Scripted }),
		readmodel.Bool("tried", func(r *RunRow) *bool { return &r.Tried }),
		readmodel.Time("started_at", func(r *RunRow) *time.Time { return &r.StartedAt }),
		readmodel.Time("ended_at", func(r *RunRow) *time.Time { return &r.EndedAt }),
		duration("duration_ns", func(r *RunRow) *int64 { return &r.DurationNS }),
		readmodel.Int("steps", func(r *RunRow) *int64 { return &r.Steps }),
		readmodel.Int("failed_steps", func(r *RunRow) *int64 { return &r.FailedSteps }),
		readmodel.Int("input_tokens", func(r *RunRow) *int64 { return &r.InputTokens }),
		readmodel.Int("output_tokens", func(r *RunRow) *int64 { return &r.OutputTokens }),
		money("cost_nanos", func(r *RunRow) *events.Nanos { return &r.CostNanos }),
		readmodel.Int("unpriced_calls", func(r *RunRow) *int64 { return &r.UnpricedCalls }),
		readmodel.Strings("agents", func(r *RunRow) *[]string { return &r.Agents }),
		readmodel.Strings("models", func(r *RunRow) *[]string { return &r.Models }),
		readmodel.Strings("tools", func(r *RunRow) *[]string { return &r.Tools }),
		readmodel.Strings("skills", func(r *RunRow) *[]string { return &r.Skills }),
		readmodel.Labels("labels", func(r *RunRow) *map[string]string { return &r.Labels }),
		readmodel.String("error", func(r *RunRow) *string { return &r.Error }),
		readmodel.Strings("trace", func(r *RunRow) *[]string { return &r.Trace }),
		readmodel.String("prompt", func(r *RunRow) *string { return &r.Prompt }),
		readmodel.String("answer", func(r *RunRow) *string { return &r.Answer }),
		stepList("step_list"), // the last one: withoutSteps
	},
})

// withoutSteps is how many columns stand before that of the steps.
var withoutSteps = len(runTable.Row) - 1

// runs keeps workflow_runs. It comes first: others go by the run and the step that it finds.
var runs = readmodel.Projection{
	Name: "runs", Version: 13, Tables: []readmodel.AnyTable{runTable, zoneTable, agentZoneTable, observationTable},
	Bind: bindRuns,
}

// factOfRun is what a fact of a run is about.
var factOfRun = &readmodel.Find[runFact]{Name: "the run of a fact"}

// runFact is what a fact of a run is about. row is nil for other facts, step but for the facts of a step.
type runFact struct {
	row  *RunRow
	step *StepRow
	// newAgent tells that the run had no step of the step's agent before.
	newAgent bool
	// day is when it occurred, empty for what is undated. Only the end of a run or of a step has one.
	day string
	// judged is the run that a verdict is on, not to be changed, nil where it is not known.
	judged *RunRow
}

// ended tells whether a fact is the end of its run.
func (f *runFact) ended() bool { return f.row != nil && f.row.Outcome != Running }

// runFold is the fold into workflow_runs.
type runFold struct {
	runs  *readmodel.Cache[named, RunRow]
	zones *readmodel.Cache[uint64, zoneRow]
	// agentZones are of the zones that runs of an agent began in.
	agentZones   *readmodel.Cache[agentZone, agentZoneRow]
	observations *readmodel.Cache[uint64, observationRow]
	*runFact
	days calendar
	// named are agents of history by what their runs call them.
	named map[agentOf]string
}

// agentOf is what a run of a source calls an agent.
type agentOf struct{ name, source string }

// maxNamed bounds how many names are remembered.
const maxNamed = 4096

// agentIn is what an agent of a run is called: that of an imported one by its source too.
func (w *runFold) agentIn(r *RunRow, name string) string {
	if r.Source == "" || name == "" {
		return name
	}
	full, ok := w.named[agentOf{name, r.Source}]
	if !ok {
		if len(w.named) >= maxNamed {
			clear(w.named)
		}
		full = events.AgentOfHistory(name, r.Source)
		w.named[agentOf{strings.Clone(name), strings.Clone(r.Source)}] = full
	}
	return full
}

func bindRuns(w *readmodel.WorkingSet) readmodel.Fold {
	return (&runFold{runs: runTable.In(w), zones: zoneTable.In(w), agentZones: agentZoneTable.In(w), observations: observationTable.In(w), runFact: factOfRun.Offer(w), named: make(map[agentOf]string)}).fold
}

func (w *runFold) fold(f *readmodel.Fact) error {
	*w.runFact = runFact{}
	if e, ok := f.Event.(events.VerdictGiven); ok {
		var err error
		w.judged, err = w.runs.Look(named{e.Run, f.Workspace})
		return err
	}
	e, ok := f.Event.(events.Run)
	if !ok {
		return nil
	}
	if e, ok := e.(events.RunStarted); ok {
		return w.start(f, e)
	}
	r, err := w.runs.Existing(keyOf(f))
	switch {
	case err != nil:
		return err
	case r == nil || r.Outcome != Running:
		// Which of the two it is can't be told: the fold forgets runs that have ended.
		return readmodel.Damaged("the run was never started, or it has ended before")
	}
	w.row = r
	switch e := e.(type) {
	case events.RunStarted:
	case events.RunAssigned:
		r.Agent, r.AgentRevision = e.Agent, int64(e.Revision)
		r.Tried = slices.ContainsFunc(e.Arms, events.Arm.Tried)
		if e.Choice != nil {
			r.Chosen = e.Choice.Reason
		}
	case events.RunStepStarted:
		err = w.startStep(f, e)
	case events.RunStepFinished:
		err = w.finishStep(f, e)
	case events.RunLLMCalled, events.RunToolCalled:
		// Their data is not there: events.Table.Unread.
	case events.RunFixKnown:
	case events.RunSkillLoaded:
		r.Skills, _ = include(r.Skills, events.SkillRef{Name: e.Skill, Digest: e.Digest}.String())
	case events.RunApprovalAsked, events.RunApprovalAnswered, events.RunSpecialistDrafted:
	case events.RunSuspended:
		r.Suspended = e.Budget
	case events.RunResumed:
		r.Suspended = ""
	case events.RunFinished:
		r.FinishReason = e.FinishReason
		err = w.end(f, e.Outcome, e.Answer, "", e.Cost(), e.Undated)
	case events.RunFailed:
		r.FinishReason = e.FinishReason
		err = w.end(f, events.Failed, "", e.Error, e.Cost(), e.Undated)
	case events.RunCancelled:
		err = w.end(f, events.Cancelled, "", e.Reason, e.Cost(), e.Undated)
	}
	if err != nil {
		return err
	}
	if r.LastPosition = f.Envelope.Position; r.Outcome != Running {
		w.observe(r)
	}
	return nil
}

func (w *runFold) start(f *readmodel.Fact, e events.RunStarted) error {
	if err := f.Opens(e.Run); err != nil {
		return err
	}
	r := w.runs.Insert(named{e.Run, f.Workspace})
	r.Workflow, r.Task, r.Requester = e.Workflow, e.Task, e.Requester
	r.Conversation, r.Agent, r.AgentRevision = e.Conversation, e.Agent, -1
	r.Prompt, r.Outcome, r.Labels, r.DurationNS = beginning(e.Prompt), Running, excerpts(e.Labels), -1
	r.FirstPosition, r.LastPosition = f.Envelope.Position, f.Envelope.Position
	if e.Source != nil {
		r.Source = e.Source.Format
	}
	if !e.Undated {
		r.StartedAt = f.When
	}
	w.row = r
	return w.opened(r, 1)
}

func (w *runFold) startStep(f *readmodel.Fact, e events.RunStepStarted) error {
	r := w.row
	if e.Step != len(r.steps) {
		return readmodel.Damaged("step %d starts, the next one is %d", e.Step, len(r.steps))
	}
	agent := w.agentIn(r, e.Agent)
	row := StepRow{
		Run: r.Run, Step: int64(e.Step), Workflow: r.Workflow, Name: e.Name, Type: e.Type, Agent: agent, Tool: e.Tool,
		Model: e.Model, Parent: -1, DependsOn: e.DependsOn, Labels: excerpts(e.Labels), Outcome: Running, DurationNS: -1,
		Position: f.Envelope.Position,
	}
	if e.Parent != nil {
		row.Parent = int64(*e.Parent)
	}
	if !e.Undated {
		row.StartedAt = f.When
	}
	r.steps = append(r.steps, row)
	w.step = &r.steps[e.Step]
	r.Steps++
	r.Trace = append(r.Trace, e.Name)
	r.Agents, w.newAgent = include(r.Agents, agent)
	r.Models, _ = include(r.Models, e.Model)
	r.Tools, _ = include(r.Tools, e.Tool)
	if r.uses != nil {
		r.uses[e.Model]++
	}
	if w.newAgent {
		return w.joined(r, agent)
	}
	return nil
}

func (w *runFold) finishStep(f *readmodel.Fact, e events.RunStepFinished) error {
	r := w.row
	s := r.step(e.Step)
	switch {
	case s == nil:
		return readmodel.Damaged("step %d was never started", e.Step)
	case s.Outcome != Running:
		return readmodel.Damaged("step %d has finished before", e.Step)
	case !ends(e.Outcome):
		return readmodel.Damaged("step %d ends with the unknown outcome %q", e.Step, e.Outcome)
	case e.InputTokens < 0 || e.OutputTokens < 0 || e.CachedTokens < 0 || e.CostNanos < 0:
		return readmodel.Damaged("step %d has negative tokens or costs", e.Step)
	}
	w.step = s
	s.Outcome, s.Error, s.Position = e.Outcome, excerpt(e.Error), f.Envelope.Position
	s.InputTokens, s.OutputTokens, s.CachedTokens = e.InputTokens, e.OutputTokens, e.CachedTokens
	s.CostNanos, s.Unpriced = e.CostNanos, e.Unpriced
	if !e.Undated {
		w.day = w.days.of(f.When)
		s.EndedAt = f.When
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
	r.InputTokens = events.Add(r.InputTokens, e.InputTokens)
	r.OutputTokens = events.Add(r.OutputTokens, e.OutputTokens)
	r.stepCost = r.stepCost.Plus(s.Spent())
	r.Cost = r.stepCost
	return nil
}

func (w *runFold) end(f *readmodel.Fact, o events.Outcome, answer, reason string, told events.Cost, undated bool) error {
	r := w.row
	if !ends(o) {
		return readmodel.Damaged("the run ends with the unknown outcome %q", o)
	}
	r.Outcome, r.Answer, r.Error, r.Suspended = o, beginning(answer), excerpt(reason), ""
	if r.Cost = r.stepCost.Plus(events.Cost{UnpricedCalls: told.UnpricedCalls}); told.CostNanos > r.CostNanos {
		r.Cost = told
	}
	if !undated {
		w.day = w.days.of(f.When)
		r.EndedAt = f.When
		r.DurationNS = between(r.StartedAt, r.EndedAt)
	}
	return w.opened(r, -1)
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

// maxFreeSteps is the greatest number of steps that a run may have room for, to be used again.
const maxFreeSteps = 32

// reuse empties a run but for the room of its lists.
func (r *RunRow) reuse() bool {
	if cap(r.steps) > maxFreeSteps || cap(r.Trace) > maxFreeSteps {
		return false
	}
	clear(r.steps)
	clear(r.Trace)
	clear(r.Agents)
	clear(r.Models)
	clear(r.Tools)
	clear(r.Skills)
	*r = RunRow{Trace: r.Trace[:0], Agents: r.Agents[:0], Models: r.Models[:0], Tools: r.Tools[:0], Skills: r.Skills[:0], steps: r.steps[:0]}
	return true
}

// loaded adds up what no column holds.
func (r *RunRow) loaded() {
	for i := range r.steps {
		r.stepCost = r.stepCost.Plus(r.steps[i].Spent())
	}
}

// step is a step of the run, to be changed, or nil where there is none of that number.
func (r *RunRow) step(number int) *StepRow {
	if number < 0 || number >= len(r.steps) {
		return nil
	}
	return &r.steps[number]
}

// answered changes the model of a step to the one that answered, and the run's set of models with it.
func (r *RunRow) answered(s *StepRow, model string) {
	if r.uses == nil {
		r.uses = make(map[string]int)
		for i := range r.steps {
			r.uses[r.steps[i].Model]++
		}
	}
	if r.uses[s.Model]--; r.uses[s.Model] == 0 {
		delete(r.uses, s.Model)
		if i, found := slices.BinarySearch(r.Models, s.Model); found {
			r.Models = slices.Delete(r.Models, i, i+1)
		}
	}
	s.Model = model
	r.uses[model]++
	r.Models, _ = include(r.Models, model)
}

// include puts a name into a sorted set. It tells whether it is new there. The empty name stands for none.
func include(set []string, name string) ([]string, bool) {
	if name == "" {
		return set, false
	}
	i, found := slices.BinarySearch(set, name)
	if found {
		return set, false
	}
	return slices.Insert(set, i, name), true
}

// calendar names days, and remembers the last one.
type calendar struct {
	day  int64
	name string
}

// of is the UTC day of a time, "2026-11-22", empty for one that is not known.
func (c *calendar) of(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	day := t.Unix() / 86400
	if c.name == "" || c.day != day || t.Unix() < 0 {
		c.day, c.name = day, t.UTC().Format(time.DateOnly)
	}
	return c.name
}

package ingest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

const simulateFormat = "simulate"

// SimulatedStart is how what WriteRuns writes begins.
const SimulatedStart = `{"run":"sim-`

// record turns the run into commands as an importer does.
func (r *simulatedRun) record() Record {
	id := events.NameID(r.started, simulateFormat+"\x00"+r.name)
	run := id.String()
	digest := sha256.Sum256([]byte(r.name))
	next := 0
	meta := func(at time.Time) commands.Meta {
		next++
		return commands.Meta{ID: events.DeriveID(id, next), At: at, Actor: "import:" + simulateFormat, Correlation: run}
	}
	rec := Record{Name: r.name, Run: make([]commands.Command, 0, r.facts())}
	rec.Run = append(rec.Run, commands.StartRun{
		Meta: meta(r.started), Run: run, Workflow: r.workflow, Task: r.task, Requester: r.requester, Prompt: r.prompt,
		Labels: map[string]string{"channel": r.channel, "region": r.region},
		Source: &events.Source{Format: simulateFormat, Record: r.name, Digest: hex.EncodeToString(digest[:])},
	})
	for i := range r.steps {
		rec.Run = r.steps[i].commands(rec.Run, run, i, meta)
	}
	switch end := meta(r.ended); r.outcome {
	case events.Succeeded:
		rec.Run = append(rec.Run, commands.FinishRun{Meta: end, Run: run, Outcome: events.Succeeded, Answer: r.answer})
	case events.Cancelled:
		rec.Run = append(rec.Run, commands.CancelRun{Meta: end, Run: run, Reason: "stopped by " + r.requester})
	default:
		rec.Run = append(rec.Run, commands.FailRun{Meta: end, Run: run, Error: r.failure})
	}
	if f := r.feedback; f != nil {
		score := f.score
		about := meta(f.at)
		rec.Feedback = []commands.GiveFeedback{{
			Meta: about, Feedback: about.ID.String(), Run: run, User: f.user, Score: &score, Text: f.text,
		}}
	}
	// Every record names its agent with the same command: the first one spawns it, the others are repeats.
	rec.Agents = []commands.SpawnAgent{{
		Meta:  commands.Meta{ID: r.world.agentID(r.agent), At: r.world.Start, Actor: "import:" + simulateFormat},
		Agent: events.AgentOfHistory(r.agent, simulateFormat), Imported: true,
	}}
	return rec
}

func (w *simulatedWorld) agentID(agent string) uuid.UUID {
	return events.NameID(w.Start, simulateFormat+"\x00agent\x00"+events.AgentOfHistory(agent, simulateFormat))
}

func (s *simulatedStep) commands(cmds []commands.Command, run string, i int, meta func(time.Time) commands.Meta) []commands.Command {
	start := commands.StartStep{Meta: meta(s.started), Run: run, Step: i, Name: s.step, Type: s.kind, Agent: s.agent, Model: s.model}
	if s.kind == events.ToolStep {
		start.Tool = s.step
	}
	if i > 0 {
		start.DependsOn = []int{i - 1}
	}
	cmds = append(cmds, start)
	if s.model != "" {
		step := i
		cmds = append(cmds, commands.RecordLLMCall{
			Meta: meta(s.ended), Run: run, Step: &step, Model: s.model, Provider: simulateFormat,
			Asked:    []events.Message{{Role: "user", Content: s.asked}},
			Answered: []events.Message{{Role: "assistant", Content: s.answered}}, FinishReason: "stop",
		})
	}
	finish := commands.FinishStep{
		Meta: meta(s.ended), Run: run, Step: i, Outcome: events.Succeeded,
		InputTokens: s.input, OutputTokens: s.output, CachedTokens: s.cached, CostNanos: s.cost,
	}
	if s.failure != "" {
		finish.Outcome, finish.Error = events.Failed, s.failure
	}
	return append(cmds, finish)
}

// simulatedLine is a run in the format "runs", one JSON value a line.
type simulatedLine struct {
	Run       string                  `json:"run"`
	Workflow  string                  `json:"workflow"`
	Task      string                  `json:"task"`
	Requester string                  `json:"requester"`
	StartedAt time.Time               `json:"started_at"`
	EndedAt   time.Time               `json:"ended_at"`
	Outcome   events.Outcome          `json:"outcome"`
	Error     string                  `json:"error,omitempty"`
	CostUSD   string                  `json:"cost_usd"`
	Labels    map[string]string       `json:"labels"`
	Steps     []simulatedLineStep     `json:"steps"`
	Feedback  []simulatedLineFeedback `json:"feedback,omitempty"`
}

type simulatedLineStep struct {
	Step         string         `json:"step"`
	Agent        string         `json:"agent"`
	Tool         string         `json:"tool,omitempty"`
	Model        string         `json:"model,omitempty"`
	StartedAt    time.Time      `json:"started_at"`
	EndedAt      time.Time      `json:"ended_at"`
	Outcome      events.Outcome `json:"outcome"`
	Error        string         `json:"error,omitempty"`
	InputTokens  int64          `json:"input_tokens,omitempty"`
	OutputTokens int64          `json:"output_tokens,omitempty"`
	CostUSD      string         `json:"cost_usd,omitempty"`
	DependsOn    []int          `json:"depends_on,omitempty"`
}

type simulatedLineFeedback struct {
	User  string    `json:"user"`
	Score float64   `json:"score"`
	Text  string    `json:"text"`
	At    time.Time `json:"at"`
}

// WriteRuns writes the history in the format "runs": JSON Lines, one run a line. What was asked of and answered by
// models has no place there.
func (s Simulation) WriteRuns(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	for _, r := range s.runs() {
		if err := enc.Encode(r.line()); err != nil {
			return fmt.Errorf("write simulated run %s: %w", r.name, err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write simulated runs: %w", err)
	}
	return nil
}

func (r *simulatedRun) line() simulatedLine {
	line := simulatedLine{
		Run: r.name, Workflow: r.workflow, Task: r.task, Requester: r.requester, StartedAt: r.started, EndedAt: r.ended,
		Outcome: r.outcome, Error: r.failure, Labels: map[string]string{"channel": r.channel, "region": r.region},
		Steps: make([]simulatedLineStep, len(r.steps)),
	}
	var cost events.Nanos
	for i, s := range r.steps {
		cost = events.Add(cost, s.cost)
		step := simulatedLineStep{
			Step: s.step, Agent: s.agent, Model: s.model, StartedAt: s.started, EndedAt: s.ended, Outcome: events.Succeeded,
			Error: s.failure, InputTokens: s.input, OutputTokens: s.output,
		}
		if s.kind == events.ToolStep {
			step.Tool = s.step
		} else {
			step.CostUSD = s.cost.String()
		}
		if s.failure != "" {
			step.Outcome = events.Failed
		}
		if i > 0 {
			step.DependsOn = []int{i - 1}
		}
		line.Steps[i] = step
	}
	line.CostUSD = cost.String()
	if f := r.feedback; f != nil {
		line.Feedback = []simulatedLineFeedback{{User: f.user, Score: f.score, Text: f.text, At: f.at}}
	}
	return line
}

package projections

import (
	"encoding/json"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/events/plainjson"
	"github.com/virtuous6/virtuous6/readmodel"
)

// storedStep is an element of the column step_list: a step's number is its place, its run and workflow are the row's, and
// its duration is the time between its start and its end. Times are Unix nanoseconds UTC. What is zero, empty or not
// known is left out.
//
// The steps of a run are written and read together and never found by anything else, so they are one column: a row for
// each of them cost more than half of a replay (docs/decisions/steps.md).
type storedStep struct {
	Name         string            `json:"name"`
	Type         events.StepKind   `json:"type"`
	Outcome      events.Outcome    `json:"outcome"`
	Agent        string            `json:"agent,omitempty"`
	Tool         string            `json:"tool,omitempty"`
	Model        string            `json:"model,omitempty"`
	Parent       *int64            `json:"parent,omitempty"`
	DependsOn    []int             `json:"depends_on,omitempty"`
	StartedAt    int64             `json:"started_at,omitempty"`
	EndedAt      int64             `json:"ended_at,omitempty"`
	InputTokens  int64             `json:"input_tokens,omitempty"`
	OutputTokens int64             `json:"output_tokens,omitempty"`
	CachedTokens int64             `json:"cached_tokens,omitempty"`
	CostNanos    events.Nanos      `json:"cost_nanos,omitempty"`
	Unpriced     bool              `json:"unpriced,omitempty"`
	Position     uint64            `json:"position"`
	Labels       map[string]string `json:"labels,omitempty"`
	Error        string            `json:"error,omitempty"`
}

// stepList is the column of a run's steps.
func stepList(name string) readmodel.ColumnOf[RunRow] {
	return readmodel.ColumnOf[RunRow]{
		Column: readmodel.Column{Name: name, Type: readmodel.Text},
		Put: func(r *RunRow, s readmodel.Sink) error {
			b := s.Scratch()
			*b = appendSteps((*b)[:0], r.steps)
			s.JSON(*b)
			return nil
		},
		Take: func(r *RunRow, s readmodel.Source, i int) (err error) {
			r.steps, err = takeSteps(r.Run, r.Workflow, s.Text(i))
			return readmodel.ColumnError(name, err)
		},
	}
}

// appendSteps appends steps byte for byte as encoding/json writes a list of storedStep.
func appendSteps(b []byte, steps []StepRow) []byte {
	b = append(b, '[')
	for i := range steps {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendStep(b, &steps[i])
	}
	return append(b, ']')
}

func appendStep(b []byte, s *StepRow) []byte {
	b = readmodel.AppendString(append(b, `{"name":`...), s.Name)
	b = readmodel.AppendString(append(b, `,"type":`...), string(s.Type))
	b = readmodel.AppendString(append(b, `,"outcome":`...), string(s.Outcome))
	b = appendTextField(b, `,"agent":`, s.Agent)
	b = appendTextField(b, `,"tool":`, s.Tool)
	b = appendTextField(b, `,"model":`, s.Model)
	if s.Parent >= 0 {
		b = strconv.AppendInt(append(b, `,"parent":`...), s.Parent, 10)
	}
	if len(s.DependsOn) > 0 {
		b = readmodel.AppendNumbers(append(b, `,"depends_on":`...), s.DependsOn)
	}
	b = appendIntField(b, `,"started_at":`, readmodel.UnixNanos(s.StartedAt))
	b = appendIntField(b, `,"ended_at":`, readmodel.UnixNanos(s.EndedAt))
	b = appendIntField(b, `,"input_tokens":`, s.InputTokens)
	b = appendIntField(b, `,"output_tokens":`, s.OutputTokens)
	b = appendIntField(b, `,"cached_tokens":`, s.CachedTokens)
	b = appendIntField(b, `,"cost_nanos":`, int64(s.CostNanos))
	if s.Unpriced {
		b = append(b, `,"unpriced":true`...)
	}
	b = strconv.AppendUint(append(b, `,"position":`...), s.Position, 10)
	if len(s.Labels) > 0 {
		b = appendObject(append(b, `,"labels":`...), s.Labels)
	}
	b = appendTextField(b, `,"error":`, s.Error)
	return append(b, '}')
}

func appendTextField(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return readmodel.AppendString(append(b, name...), s)
}

func appendIntField(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), n, 10)
}

// appendObject is appendLabels for any texts.
func appendObject(b []byte, labels map[string]string) []byte {
	b, ok := readmodel.AppendLabels(b, labels)
	if ok {
		return b
	}
	object, err := json.Marshal(labels)
	if err != nil {
		panic("texts can always be JSON: " + err.Error())
	}
	return append(b, object...)
}

var stepReader = plainjson.New[storedStep]()

// parseSteps reads the column step_list.
func parseSteps(text []byte) (steps []storedStep, err error) {
	if steps, ok := stepReader.List(text, nil); ok {
		return steps, nil
	}
	err = jsonv2.Unmarshal(text, &steps)
	return steps, err
}

// takeSteps reads the steps of a run.
func takeSteps(run, workflow, text string) ([]StepRow, error) {
	list, err := parseSteps([]byte(text))
	if len(list) == 0 || err != nil {
		return nil, err
	}
	steps := make([]StepRow, len(list))
	for i := range list {
		s := &list[i]
		steps[i] = StepRow{
			Run: run, Step: int64(i), Workflow: workflow, Name: s.Name, Type: s.Type, Agent: s.Agent, Tool: s.Tool, Model: s.Model,
			Parent: -1, DependsOn: s.DependsOn, Labels: s.Labels, Outcome: s.Outcome, Error: s.Error,
			StartedAt: readmodel.TimeOf(s.StartedAt), EndedAt: readmodel.TimeOf(s.EndedAt), DurationNS: s.duration(),
			InputTokens: s.InputTokens, OutputTokens: s.OutputTokens, CachedTokens: s.CachedTokens, CostNanos: s.CostNanos,
			Unpriced: s.Unpriced, Position: s.Position,
		}
		if s.Parent != nil {
			steps[i].Parent = *s.Parent
		}
	}
	return steps, nil
}

// duration is that of StepRow.
func (s *storedStep) duration() int64 {
	return between(readmodel.TimeOf(s.StartedAt), readmodel.TimeOf(s.EndedAt))
}

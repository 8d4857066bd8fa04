package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// writer writes one run's commands, each with an id that follows from the record.
type writer struct {
	meta     commands.Meta
	base     uuid.UUID
	count    int
	at       time.Time
	id       string
	format   string
	run      []commands.Command
	feedback []commands.GiveFeedback
	seen     map[[sha256.Size]byte]struct{}
	named    []string
	known    map[string]struct{} // the same, where they are many
}

// newWriter checks what all of a run's commands share. The ids follow from the record's content and from born, its own
// time, so that importing it again is a repeat.
func newWriter(d *draft, o Options, born time.Time) (*writer, *flaw) {
	if f := checkName("run", d.run); f != nil {
		return nil, f
	}
	if f := checkName("workflow", d.workflow); f != nil {
		return nil, f
	}
	return &writer{
		id: d.run, format: d.format,
		base: events.NameID(born, o.Workspace+"\x00"+d.format+"\x00"+d.name+"\x00"+d.digest),
		meta: commands.Meta{Actor: "import:" + d.format, Workspace: o.Workspace, Correlation: d.run},
	}, nil
}

// record is what was written.
func (w *writer) record(in *input, d *draft) Record {
	r := Record{File: in.name, Line: d.line, Name: d.name, Run: w.run, Feedback: w.feedback, Agents: w.agents()}
	if d.verdict != "" {
		m := w.meta
		m.At, m.ID = w.run[len(w.run)-1].About().At, events.NameID(w.at, w.base.String()+"\x00verdict")
		r.Verdict = &commands.GiveVerdict{Meta: m, Run: w.id, Verdict: d.verdict, From: events.BySource, By: d.format}
	}
	return r
}

// next is the meta data of the next command.
func (w *writer) next() commands.Meta {
	m := w.meta
	m.At = w.at
	m.ID = w.base
	if w.count > 0 {
		m.ID = events.DeriveID(w.base, w.count)
	}
	w.count++
	return m
}

func (w *writer) start(d *draft, undated bool) {
	w.run = append(w.run, commands.StartRun{
		Meta: w.next(), Run: w.id, Workflow: d.workflow, Task: d.task, Requester: d.requester, Prompt: d.prompt,
		Conversation: d.conversation,
		Labels:       d.labels, Source: &events.Source{Format: d.format, Record: d.name, Digest: d.digest}, Undated: undated,
	})
}

func (w *writer) startStep(ordinal int, s *draftStep, ordinals []int) {
	c := commands.StartStep{
		Meta: w.next(), Run: w.id, Step: ordinal, Name: s.name, Type: s.kind, Agent: s.agent, Tool: s.tool,
		Model: s.model, Labels: s.labels, Undated: s.started.IsZero(),
	}
	if s.parent >= 0 {
		parent := ordinals[s.parent]
		c.Parent = &parent
	}
	for _, on := range s.dependsOn {
		c.DependsOn = append(c.DependsOn, ordinals[on])
	}
	slices.Sort(c.DependsOn)
	c.DependsOn = slices.Compact(c.DependsOn)
	w.name(s.agent)
	w.run = append(w.run, c)
}

func (w *writer) finishStep(ordinal int, d *draft, p *plan) {
	s := &d.steps[p.order[ordinal]]
	w.at = p.finishAt[ordinal]
	w.calls(ordinal, s)
	w.finish(ordinal, s)
}

func (w *writer) finish(ordinal int, s *draftStep) {
	c := commands.FinishStep{
		Meta: w.next(), Run: w.id, Step: ordinal, Outcome: s.outcome, Error: s.err, InputTokens: s.input,
		OutputTokens: s.output, CachedTokens: s.cached, CostNanos: s.cost, Unpriced: s.unpriced,
		Undated: s.ended.IsZero(),
	}
	if s.answered != s.model {
		c.Model = s.answered
	}
	w.run = append(w.run, c)
}

// close ends the steps of which the source knows no end, the inner ones first: a run that ended has no open step, and
// nobody knows how these ended.
func (w *writer) close(d *draft, p *plan) {
	for ordinal, index := range slices.Backward(p.order) {
		if d.steps[index].open {
			w.finish(ordinal, &draftStep{outcome: events.Unrated})
		}
	}
}

func (w *writer) calls(ordinal int, s *draftStep) {
	for _, call := range s.calls {
		call.asked, call.answered = w.fresh(call.asked), w.fresh(call.answered)
		// A span around a call often tells all of it once more: it is one call.
		if len(call.asked)+len(call.answered) > 0 {
			w.call(&ordinal, call)
		}
	}
}

func (w *writer) call(step *int, c draftCall) {
	if step != nil {
		own := *step
		step = &own
	}
	w.run = append(w.run, commands.RecordLLMCall{
		Meta: w.next(), Run: w.id, Step: step, Model: c.model, Provider: c.provider, Asked: c.asked,
		Answered: c.answered, Params: c.params, FinishReason: c.finish,
	})
}

// fresh leaves out the messages that an earlier call of the run holds: tracers repeat the conversation in every call.
func (w *writer) fresh(all []events.Message) []events.Message {
	if w.seen == nil {
		w.seen = map[[sha256.Size]byte]struct{}{}
	}
	var out []events.Message
	for _, m := range all {
		key := digestOf(m)
		if _, known := w.seen[key]; !known {
			w.seen[key] = struct{}{}
			out = append(out, m)
		}
	}
	return out
}

func (w *writer) end(d *draft, undated bool) {
	switch d.outcome {
	case events.Failed:
		w.run = append(w.run, commands.FailRun{Meta: w.next(), Run: w.id, Error: d.err, CostNanos: d.cost, UnpricedCalls: d.unpriced, Undated: undated})
	case events.Cancelled:
		w.run = append(w.run, commands.CancelRun{Meta: w.next(), Run: w.id, Reason: d.err, CostNanos: d.cost, UnpricedCalls: d.unpriced, Undated: undated})
	default:
		w.run = append(w.run, commands.FinishRun{
			Meta: w.next(), Run: w.id, Outcome: d.outcome, Answer: d.answer, CostNanos: d.cost, UnpricedCalls: d.unpriced, Undated: undated,
		})
	}
}

// give turns the draft's judgements into feedback. An undated one is given when the run ended.
func (w *writer) give(d *draft, ordinals []int) *flaw {
	ended := w.at
	for i, f := range d.feedback {
		c := commands.GiveFeedback{
			Run: w.id, User: f.user, Name: f.name, Score: f.score, Label: f.label, Text: f.text, Better: f.better,
		}
		if f.step >= 0 {
			step := ordinals[f.step]
			c.Step = &step
		}
		if w.at = f.at; f.at.IsZero() {
			w.at = ended
		}
		score := ""
		if f.score != nil {
			score = strconv.FormatFloat(*f.score, 'g', -1, 64)
		}
		sum := digestStrings(d.run, strconv.Itoa(i), f.user, f.name, score, f.label, f.text, f.better, f.at.UTC().Format(time.RFC3339Nano))
		c.Feedback = w.id + "/" + hex.EncodeToString(sum[:4])
		if f := checkName("run", c.Feedback); f != nil {
			return flawed("run", "is too long to carry feedback: %d bytes are the most", maxName-9)
		}
		c.Meta = w.next()
		w.feedback = append(w.feedback, c)
	}
	return nil
}

// name notes an agent. Most runs name few of them.
func (w *writer) name(agent string) {
	const few = 16
	if agent == "" {
		return
	}
	if w.known == nil {
		if slices.Contains(w.named, agent) {
			return
		}
		if len(w.named) == few {
			w.known = make(map[string]struct{}, 2*few)
			for _, n := range w.named {
				w.known[n] = struct{}{}
			}
		}
	}
	if w.known != nil {
		if _, ok := w.known[agent]; ok {
			return
		}
		w.known[agent] = struct{}{}
	}
	w.named = append(w.named, agent)
}

// agents makes those known that the run names, each under its name and its source. Its id follows from these alone: it is made
// known once.
func (w *writer) agents() []commands.SpawnAgent {
	slices.Sort(w.named)
	at := w.run[0].About().At
	out := make([]commands.SpawnAgent, 0, len(w.named))
	for _, agent := range w.named {
		m := w.meta
		m.At, m.Correlation = at, ""
		agent = events.AgentOfHistory(agent, w.format)
		m.ID = events.NameID(time.Unix(0, 0), w.meta.Workspace+"\x00agent\x00"+agent)
		out = append(out, commands.SpawnAgent{Meta: m, Agent: agent, Imported: true})
	}
	return out
}

func digestOf(m events.Message) [sha256.Size]byte {
	parts := []string{m.Role, m.Name, m.Content, m.Thinking, m.ToolCallID}
	for _, c := range m.ToolCalls {
		parts = append(parts, c.ID, c.Name, c.Arguments)
	}
	return digestStrings(parts...)
}

// digestStrings is the SHA-256 of texts, told apart by their lengths.
func digestStrings(parts ...string) (sum [sha256.Size]byte) {
	h := sha256.New()
	var size [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		h.Write(size[:])
		h.Write([]byte(p))
	}
	h.Sum(sum[:0])
	return sum
}

package ingest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// span is a step of a trace before it found its place. Its step has no parent and depends on nothing yet.
type span struct {
	id, parent string
	step       draftStep
	// agent is the agent that the span itself names.
	agent string
	links []string
	// failed tells that the span itself failed, and prompt and answer are what it was asked and answered.
	failed         bool
	prompt, answer []events.Message
	// feedback is on the span, or on the run where the span is at the top.
	feedback []draftFeedback
	// content is the span's canonical form: the same span twice is one.
	content string
}

// assemble makes the run of a trace from its spans, in whatever order they came.
func (d *draft) assemble(spans []span, o Options) *flaw {
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(a.step.started.Compare(b.step.started), a.step.ended.Compare(b.step.ended),
			strings.Compare(a.id, b.id), strings.Compare(a.content, b.content))
	})
	spans = slices.CompactFunc(spans, func(a, b span) bool { return a.id == b.id && a.content == b.content })
	d.linked = true
	index := make(map[string]int, len(spans))
	for i, s := range spans {
		if _, twice := index[s.id]; twice {
			return flawed("id", "two steps have the id %s, with different content", clip(s.id))
		}
		index[s.id] = i
	}
	d.steps = make([]draftStep, len(spans))
	for i := range spans {
		s := &spans[i]
		d.steps[i] = s.step
		// What was used and what went wrong is told by the end, even of a span that was exported before it.
		if st := s.step; st.input+st.output+st.cached > 0 || st.cost > 0 || s.failed {
			d.steps[i].open = false
		}
		d.steps[i].parent = -1
		if parent, ok := index[s.parent]; ok && s.parent != "" {
			d.steps[i].parent = parent
		}
	}
	if _, f := depths(d); f != nil {
		return f
	}
	d.link(spans, index)
	d.inherit(spans, o)
	d.crown(spans)
	return nil
}

// link turns links between spans into dependencies.
func (d *draft) link(spans []span, index map[string]int) {
	for i, s := range spans {
		for _, link := range s.links {
			if on, ok := index[link]; ok && on != i && d.steps[i].parent != on {
				d.steps[i].dependsOn = append(d.steps[i].dependsOn, on)
			}
		}
	}
}

// inherit names each step's agent: the one it names itself, else the step's own name if it is an agent's, else that
// of the nearest step around it.
func (d *draft) inherit(spans []span, o Options) {
	const unknown = "\x00"
	named := make([]string, len(spans))
	for i := range named {
		named[i] = unknown
	}
	var chain []int
	for i := range spans {
		chain = chain[:0]
		at := i
		agent := clean(o.Agent, "")
		for ; at >= 0; at = d.steps[at].parent {
			if named[at] != unknown {
				agent = named[at]
				break
			}
			chain = append(chain, at)
		}
		for _, at := range slices.Backward(chain) {
			switch {
			case spans[at].agent != "":
				agent = clean(spans[at].agent, "")
			case d.steps[at].kind == events.AgentStep:
				agent = d.steps[at].name
			}
			named[at] = agent
		}
	}
	for i := range d.steps {
		d.steps[i].agent = named[i]
	}
}

// crown takes from the steps at the top what they tell of the whole run: how it ended, and what it was about. Their
// feedback is on the run.
func (d *draft) crown(spans []span) {
	d.outcome = events.Unrated
	for i, s := range spans {
		top := d.steps[i].parent < 0
		if top {
			switch {
			case s.failed && d.outcome != events.Failed:
				d.outcome, d.err = events.Failed, d.steps[i].err
			case d.outcome == events.Unrated:
				d.outcome = events.Succeeded
			}
		}
		for _, fb := range s.feedback {
			if fb.step = i; top {
				fb.step = -1
			}
			d.feedback = append(d.feedback, fb)
		}
	}
	d.speak(spans)
}

// speak fills in what the run was asked and what it answered. The top tells it best; where it does not, the first and
// the last call to a model do.
func (d *draft) speak(spans []span) {
	top := func(i int) bool { return d.steps[i].parent < 0 }
	chat := func(i int) bool { return d.steps[i].kind == events.ChatStep }
	for _, tells := range []func(int) bool{top, chat} {
		for i := range spans {
			if d.prompt == "" && tells(i) {
				d.prompt = said(spans[i].prompt, "user", false)
			}
		}
		for i := range slices.Backward(spans) {
			if d.answer == "" && tells(i) {
				d.answer = said(spans[i].answer, "assistant", true)
			}
		}
	}
}

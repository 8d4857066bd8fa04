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
	// failed tells that the span itself failed, and fine that it says of itself that it did not.
	failed, fine bool
	// transport tells that it only carries what others do: a request over HTTP, a socket.
	transport bool
	// known tells that it is a model's, an agent's or a tool's, and remote that its parent is in another program.
	known, remote bool
	// prompt and answer are what it was asked and answered.
	prompt, answer []events.Message
	// feedback is on the span, or on the run where the span is at the top.
	feedback []draftFeedback
	// content is the span's canonical form: the same span twice is one.
	content string
}

// assemble makes the run of a trace from its spans, in whatever order they came. It returns those that became steps.
func (d *draft) assemble(spans []span, o Options) ([]span, *flaw) {
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(a.step.started.Compare(b.step.started), a.step.ended.Compare(b.step.ended),
			strings.Compare(a.id, b.id), strings.Compare(a.content, b.content))
	})
	spans = slices.CompactFunc(spans, func(a, b span) bool { return a.id == b.id && a.content == b.content })
	d.linked = true
	all := make(map[string]*span, len(spans))
	for i := range spans {
		if _, twice := all[spans[i].id]; twice {
			return nil, flawed("id", "two steps have the id %s, with different content", clip(spans[i].id))
		}
		all[spans[i].id] = &spans[i]
	}
	d.lost = orphans(spans, all)
	steps := d.withoutTransport(spans, all)
	index := make(map[string]int, len(steps))
	for i := range steps {
		index[steps[i].id] = i
	}
	d.steps = make([]draftStep, len(steps))
	for i := range steps {
		s := &steps[i]
		s.step.name, s.agent = firstOf(withoutIDs(s.step.name), s.step.name), withoutIDs(s.agent)
		s.step.tool = firstOf(withoutIDs(s.step.tool), s.step.tool)
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
		return nil, f
	}
	d.countLeaves()
	d.link(steps, index)
	d.inherit(steps, o)
	d.crown(steps)
	return steps, nil
}

// orphans are the spans whose parent is not there.
func orphans(spans []span, all map[string]*span) map[string]bool {
	lost := map[string]bool{}
	for i := range spans {
		if s := &spans[i]; s.parent != "" && all[s.parent] == nil {
			lost[s.id] = true
		}
	}
	return lost
}

// withoutTransport leaves out the spans that only carry what others do: what lies in one lies in the step around it.
// Where one is at the top, it still tells when the run started and ended, and that it failed.
func (d *draft) withoutTransport(spans []span, all map[string]*span) []span {
	steps := make([]span, 0, len(spans))
	for _, s := range spans {
		if !s.transport {
			for range len(spans) { // bounded, for parents that go round in a circle
				around := all[s.parent]
				if around == nil || !around.transport {
					break
				}
				if s.parent = around.parent; d.lost[around.id] {
					d.lost[s.id] = true
				}
			}
			steps = append(steps, s)
			continue
		}
		if s.parent == "" {
			d.started, d.ended = s.step.started, s.step.ended
			if s.failed && d.outcome == "" {
				d.outcome, d.err = events.Failed, s.step.err
			}
		}
	}
	return steps
}

// countLeaves counts what was used where it was used: a step that has steps with usage beneath it only sums them up.
// The same holds for the cost, which may be told elsewhere.
func (d *draft) countLeaves() {
	usage, cost := make([]bool, len(d.steps)), make([]bool, len(d.steps))
	for i := range d.steps {
		s := &d.steps[i]
		for at := s.parent; at >= 0 && s.input+s.output > 0 && !usage[at]; at = d.steps[at].parent {
			usage[at] = true
		}
		for at := s.parent; at >= 0 && s.cost > 0 && !cost[at]; at = d.steps[at].parent {
			cost[at] = true
		}
	}
	for i := range d.steps {
		s := &d.steps[i]
		if usage[i] {
			s.input, s.output, s.cached = 0, 0, 0
		}
		if cost[i] {
			s.cost = 0
		}
	}
	for i := range d.steps {
		// Nobody knows what a call cost that tells neither a cost nor what it used, or has no price, and is in none that does.
		s := &d.steps[i]
		s.unpriced = s.costs() && !s.priced && !usage[i] && !cost[i]
		for at := s.parent; at >= 0 && s.unpriced; at = d.steps[at].parent {
			s.unpriced = d.steps[at].cost == 0
		}
	}
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
// feedback is on the run. A step whose parent never came is no top, unless there is no other.
func (d *draft) crown(spans []span) {
	// A top that had not ended when it was exported tells nothing of how the run did.
	fine, open := false, false
	for _, lost := range []bool{false, true} {
		for i, s := range spans {
			if d.steps[i].parent >= 0 || d.lost[s.id] != lost || lost && (open || d.outcome != "") {
				continue
			}
			fine = fine || s.fine
			switch {
			case s.failed && d.outcome != events.Failed:
				d.outcome, d.err = events.Failed, d.steps[i].err
			case d.steps[i].open:
				open = true
			case d.outcome == "":
				d.outcome = events.Succeeded
			}
		}
	}
	if d.outcome == "" {
		d.outcome = events.Unrated
	}
	if last := d.lastWord(spans); last >= 0 && d.outcome == events.Succeeded && !fine {
		d.outcome, d.err = events.Failed, d.steps[last].err
	}
	for i, s := range spans {
		for _, fb := range s.feedback {
			if fb.step = i; d.steps[i].parent < 0 && !d.lost[s.id] {
				fb.step = -1
			}
			d.feedback = append(d.feedback, fb)
		}
	}
	d.speak(spans)
}

// lastWord is the call to a model that failed with nothing behind it, or -1.
func (d *draft) lastWord(spans []span) int {
	found := -1
	for i := range spans {
		s := &d.steps[i]
		if s.kind == events.ChatStep && s.outcome == events.Failed && !s.ended.IsZero() && !d.hasChatBeneath(i) {
			if found < 0 || s.ended.After(d.steps[found].ended) {
				found = i
			}
		}
	}
	if found < 0 {
		return -1
	}
	around := map[int]bool{}
	for at := found; at >= 0; at = d.steps[at].parent {
		around[at] = true
	}
	failed := &d.steps[found]
	for i := range spans {
		s := &d.steps[i]
		if around[i] || around[s.parent] && s.parent == found {
			continue
		}
		if s.started.After(failed.started) || s.kind == events.ChatStep && s.outcome != events.Failed && s.ended.After(failed.ended) {
			return -1
		}
	}
	return found
}

func (d *draft) hasChatBeneath(i int) bool {
	for j := range d.steps {
		if d.steps[j].parent == i && d.steps[j].kind == events.ChatStep {
			return true
		}
	}
	return false
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

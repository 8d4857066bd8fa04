package ingest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// draft is a run as its source tells it, before it becomes commands. Times that are not known are zero.
type draft struct {
	format string
	line   int
	// name is the record's own name, digest the SHA-256 of its content in hex.
	name, digest string

	run, workflow, task, requester, prompt, conversation string
	// model is what answered in all of the run, where only the run tells.
	model          string
	labels         map[string]string
	started, ended time.Time

	outcome events.Outcome
	err     string
	answer  string
	cost    events.Nanos
	// priced tells that the source gives the cost of the whole run. unpriced counts the calls of a model that are in no step,
	// and of which it tells neither what they used nor what they cost.
	priced   bool
	unpriced int64
	// verdict is the source's own of whether the run was good (a reward), empty where it gives none.
	verdict events.Outcome

	steps    []draftStep
	feedback []draftFeedback
	// linked tells that dependsOn holds links between spans. One to a step that starts later is no dependency, and left
	// out; elsewhere it is a mistake, and refused.
	linked bool
	// lost are the spans whose parent is not there.
	lost map[string]bool
	// note is what a person should know of the run.
	note string
}

// draftStep is a step. parent and dependsOn are indexes into the draft's steps; parent is -1 at the top.
type draftStep struct {
	name               string
	kind               events.StepKind
	agent, tool, model string
	parent             int
	dependsOn          []int
	labels             map[string]string
	started, ended     time.Time
	// open tells that the source knows of no end.
	open    bool
	outcome events.Outcome
	err     string
	// answered is the model that answered, where it is another than the one asked.
	answered              string
	input, output, cached int64
	cost                  events.Nanos
	// priced tells that the source gives its cost, and unpriced that it cost something that nobody knows.
	priced, unpriced bool
	calls            []draftCall
}

// draftCall is a call to a model, made by the step that holds it.
type draftCall struct {
	model, provider string
	asked, answered []events.Message
	params          json.RawMessage
	finish          string
}

// draftFeedback is a judgement. step is an index into the draft's steps, -1 for the whole run.
type draftFeedback struct {
	step                            int
	user, name, label, text, better string
	score                           *float64
	at                              time.Time
}

// flaw is what is wrong with a record, at a key of it.
type flaw struct{ key, reason string }

func (f *flaw) Error() string { return f.reason }

func flawed(key, format string, args ...any) *flaw {
	return &flaw{key: key, reason: fmt.Sprintf(format, args...)}
}

// stepKey names a step by its place, where the format has one.
func stepKey(format string, index int) string {
	if format != "runs" {
		return ""
	}
	return fmt.Sprintf("steps[%d]", index)
}

// record turns a draft into commands.
func (d *draft) record(in *input, o Options) (Record, *flaw) {
	d.price()
	p, f := newPlan(d, o.Now)
	if f != nil {
		return Record{}, f
	}
	w, f := newWriter(d, o, p.born)
	if f != nil {
		return Record{}, f
	}
	w.run = slices.Grow(w.run, 2+2*len(d.steps))
	w.at = p.started
	w.start(d, p.undated)
	finishes := p.finishes
	for ordinal, index := range p.order {
		w.at = p.startAt[ordinal]
		w.startStep(ordinal, &d.steps[index], p.ordinal)
		if d.steps[index].open {
			w.calls(ordinal, &d.steps[index])
		}
		for len(finishes) > 0 && finishes[0].after <= ordinal {
			w.finishStep(finishes[0].ordinal, d, p)
			finishes = finishes[1:]
		}
	}
	w.at = p.ended
	w.close(d, p)
	w.end(d, p.endUndated)
	if f := w.give(d, p.ordinal); f != nil {
		return Record{}, f
	}
	return w.record(in, d), nil
}

// price marks the calls to a model, and whatever else used tokens, of which the source tells no cost, and neither does the run:
// nobody knows what they cost. Traces tell by their leaves.
func (d *draft) price() {
	if d.linked || d.priced {
		return
	}
	for i := range d.steps {
		s := &d.steps[i]
		s.unpriced = s.unpriced || s.costs() && !s.priced
	}
}

// costs tells that a step cost something: it used tokens, or is a call to a model that did not fail before it used any.
func (s *draftStep) costs() bool {
	return s.input+s.output > 0 || s.kind == events.ChatStep && s.outcome != events.Failed
}

// maxCount bounds a number of tokens: whole numbers beyond 2^53 lose digits in most programs.
const maxCount = 1 << 53

// checkSums refuses steps whose sums can't be kept.
func (d *draft) checkSums() *flaw {
	var input, output int64
	cost := d.cost
	for i := range d.steps {
		s := &d.steps[i]
		input, output = input+s.input, output+s.output
		if cost = events.Add(cost, s.cost); cost == math.MaxInt64 {
			return flawed("cost_usd", "the costs sum up beyond what can be kept (9.2 billion USD)")
		}
		if input > maxCount || output > maxCount {
			return flawed("input_tokens", "the tokens of the run sum up beyond 2^53")
		}
	}
	return nil
}

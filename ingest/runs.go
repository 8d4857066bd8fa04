package ingest

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/virtuous6/virtuous6/events"
)

// parseRuns reads our own JSON Lines, one run a line, as runs.schema.json describes them.
func parseRuns(in *input, o Options, yield yield) {
	l := &lines{in: in, max: o.MaxRecordBytes}
	doc, buffer := &document{}, []byte(nil)
	for {
		data, line, err := l.next()
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.Is(err, errTooLong):
			if !yield(Record{}, in.problem(line, "", "", "%s", tooLong(o.MaxRecordBytes))) {
				return
			}
			continue
		case err != nil:
			yield(Record{}, in.unreadable(line, "%s", readReason(err)))
			return
		case blank(data):
			continue
		}
		v, syntax := doc.parse(string(data))
		if syntax != nil {
			if !yield(Record{}, in.problem(line, "", syntax.path, "%s", syntax.reason)) {
				return
			}
			continue
		}
		d := draft{format: "runs", line: line, digest: v.digest(&buffer)}
		record, f := Record{}, d.readRun(v, o)
		if f == nil {
			record, f = d.record(in, o)
		}
		if f != nil {
			if !yield(Record{}, in.problem(line, d.run, f.key, "%s", f.reason)) {
				return
			}
			continue
		}
		if !yield(record, nil) {
			return
		}
	}
}

func blank(b []byte) bool {
	for _, c := range b {
		if !isSpace(c) {
			return false
		}
	}
	return true
}

func (d *draft) readRun(v value, o Options) *flaw {
	if v.kind() != object {
		return flawed("", "the line is %s, not a run", v.kind())
	}
	// The name comes first, so that every problem can tell it.
	d.run = v.get("run").text()
	d.name = d.run
	for key, m := range v.members() {
		if f := d.readMember(key, m); f != nil {
			return f
		}
	}
	if d.workflow == "" {
		d.workflow = o.Workflow
	}
	switch {
	case d.run == "":
		return flawed("run", "is missing; it names the run")
	case d.workflow == "":
		return flawed("workflow", "is missing; it names what the run is a run of")
	case d.outcome == "":
		return flawed("outcome", "is missing; it is succeeded, failed or cancelled")
	case v.get("steps").kind() != list:
		return flawed("steps", "is missing; it is a list, which may be empty")
	}
	return nil
}

func (d *draft) readMember(key string, v value) (f *flaw) {
	switch key {
	case "run":
		d.run, f = name(key, v)
	case "workflow":
		d.workflow, f = name(key, v)
	case "task":
		d.task, f = textOf(key, v)
	case "requester":
		d.requester, f = textOf(key, v)
	case "started_at":
		d.started, f = timeOf(key, v)
	case "ended_at":
		d.ended, f = timeOf(key, v)
	case "outcome":
		d.outcome, f = outcomeOf(key, v)
	case "error":
		d.err, f = textOf(key, v)
	case "cost_usd":
		if v.given() {
			d.cost, f = exactUSD(key, v)
			d.priced = true
		}
	case "labels":
		d.labels, f = labelsOf(key, v)
	case "steps":
		f = d.readSteps(v)
	case "feedback":
		f = d.readFeedback(v)
	default:
		f = flawed(key, "is no key of a run: those are run, workflow, task, requester, started_at, ended_at, outcome, error, cost_usd, labels, steps, feedback")
	}
	return f
}

func (d *draft) readSteps(v value) *flaw {
	if v.kind() != list {
		return flawed("steps", "is %s, not a list", v.kind())
	}
	d.steps = make([]draftStep, 0, v.length())
	byName := make(map[string]int, min(v.length(), 64))
	for i, step := range v.items() {
		s := draftStep{parent: -1, kind: events.ActivityStep}
		f := s.readStep(step, byName, i)
		if f != nil {
			f.key = joinKey(fmt.Sprintf("steps[%d]", i), f.key)
			return f
		}
		byName[s.name] = i
		d.steps = append(d.steps, s)
	}
	return nil
}

func joinKey(outer, inner string) string {
	if inner == "" {
		return outer
	}
	return outer + "." + inner
}

func (s *draftStep) readStep(v value, byName map[string]int, index int) *flaw {
	if v.kind() != object {
		return flawed("", "is %s, not a step", v.kind())
	}
	for key, m := range v.members() {
		if f := s.readMember(key, m, byName, index); f != nil {
			return f
		}
	}
	if s.name == "" {
		return flawed("step", "is missing; it names the step")
	}
	switch {
	case s.outcome == "" && s.err != "":
		s.outcome = events.Failed
	case s.outcome == "":
		s.outcome = events.Succeeded
	}
	switch {
	case s.tool != "":
		s.kind = events.ToolStep
	case s.model != "":
		s.kind = events.ChatStep
	}
	return nil
}

func (s *draftStep) readMember(key string, v value, byName map[string]int, index int) (f *flaw) {
	switch key {
	case "step":
		s.name, f = name(key, v)
	case "agent":
		if v.given() {
			s.agent, f = name(key, v)
		}
	case "tool":
		s.tool, f = textOf(key, v)
	case "model":
		s.model, f = textOf(key, v)
	case "started_at":
		s.started, f = timeOf(key, v)
	case "ended_at":
		s.ended, f = timeOf(key, v)
	case "outcome":
		s.outcome, f = outcomeOf(key, v)
	case "error":
		s.err, f = textOf(key, v)
	case "input_tokens":
		s.input, f = countOf(key, v)
	case "output_tokens":
		s.output, f = countOf(key, v)
	case "cost_usd":
		if v.given() {
			s.cost, f = exactUSD(key, v)
			s.priced = true
		}
	case "depends_on":
		s.dependsOn, f = dependsOf(key, v, byName, index)
	default:
		f = flawed(key, "is no key of a step: those are step, agent, tool, model, started_at, ended_at, outcome, error, input_tokens, output_tokens, cost_usd, depends_on")
	}
	return f
}

// dependsOf finds the steps that a step needed: a name is the nearest earlier step of that name, a whole number a
// step's place in the list, counted from 0.
func dependsOf(key string, v value, byName map[string]int, index int) ([]int, *flaw) {
	if !v.given() {
		return nil, nil
	}
	if v.kind() != list {
		return nil, flawed(key, "is %s, not a list", v.kind())
	}
	var out []int
	for _, item := range v.items() {
		switch item.kind() {
		case text:
			on, ok := byName[item.text()]
			if !ok {
				return nil, flawed(key, "no earlier step is named %q", clip(item.text()))
			}
			out = append(out, on)
		case number:
			on, err := strconv.Atoi(item.raw())
			if err != nil || on < 0 || on >= index {
				return nil, flawed(key, "%s is no earlier step; steps are counted from 0", clip(item.raw()))
			}
			out = append(out, on)
		default:
			return nil, flawed(key, "holds %s; a step is named by its name or its number", item.kind())
		}
	}
	return out, nil
}

func (d *draft) readFeedback(v value) *flaw {
	if !v.given() {
		return nil
	}
	if v.kind() != list {
		return flawed("feedback", "is %s, not a list", v.kind())
	}
	for i, item := range v.items() {
		fb, f := feedbackOf(item)
		if f != nil {
			f.key = joinKey(fmt.Sprintf("feedback[%d]", i), f.key)
			return f
		}
		d.feedback = append(d.feedback, fb)
	}
	return nil
}

func feedbackOf(v value) (fb draftFeedback, f *flaw) {
	fb.step = -1
	if v.kind() != object {
		return fb, flawed("", "is %s, not a feedback", v.kind())
	}
	for key, m := range v.members() {
		switch key {
		case "user":
			fb.user, f = textOf(key, m)
		case "score":
			if m.given() {
				if m.kind() != number {
					return fb, flawed(key, "is %s, not a number", m.kind())
				}
				fb.score, f = real(key, m.raw())
			}
		case "text":
			fb.text, f = textOf(key, m)
		case "at":
			fb.at, f = timeOf(key, m)
		default:
			f = flawed(key, "is no key of a feedback: those are user, score, text, at")
		}
		if f != nil {
			return fb, f
		}
	}
	if fb.score == nil && fb.text == "" {
		return fb, flawed("", "has neither a score nor a text")
	}
	return fb, nil
}

package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// logEvent is an entry of an event log: something that was done in a case, at one moment unless an end is given.
type logEvent struct {
	line               int
	activity, resource string
	// transition is XES's lifecycle:transition in lower case, and instance its concept:instance.
	transition, instance string
	at, ended            time.Time
	// sorted is the time that it is put in order by.
	sorted        time.Time
	model         string
	input, output int64
	cost          events.Nanos
	chat          bool
	outcome       events.Outcome
	// content is the digest of the whole entry.
	content [sha256.Size]byte
}

// logCase is a case of an event log: a run, of which each activity is a step.
type logCase struct {
	name    string
	line    int
	events  []logEvent
	outcome events.Outcome
}

// draft makes a run of a case. Events are put in the order of their times. A start and the next completion of the
// same activity are one step; any other event is a step of its own that takes no time.
func (c *logCase) draft(format string, in *input, o Options) *draft {
	// An event without a time stays behind the one that it stands behind.
	var last time.Time
	for i := range c.events {
		if e := &c.events[i]; !e.at.IsZero() {
			last = e.at
		}
		c.events[i].sorted = last
	}
	slices.SortStableFunc(c.events, func(a, b logEvent) int { return a.sorted.Compare(b.sorted) })
	workflow := clean(o.Workflow, workflowOf(in.name))
	d := &draft{
		format: format, line: c.line, name: c.name, workflow: workflow, run: workflow + "/" + c.name, task: "",
		outcome: c.outcome, steps: make([]draftStep, 0, len(c.events)),
	}
	if d.outcome == "" {
		d.outcome = events.Unrated
	}
	h := sha256.New()
	started := map[string][]int{}
	for i := range c.events {
		e := &c.events[i]
		h.Write(e.content[:])
		if e.outcome != "" && c.outcome == "" {
			d.outcome = e.outcome
		}
		key := e.activity + "\x00" + e.instance
		if open := started[key]; e.transition == "complete" && len(open) > 0 {
			started[key] = open[1:]
			s := &d.steps[open[0]]
			s.ended, s.open = e.at, false
			s.input, s.output, s.cost = s.input+e.input, s.output+e.output, s.cost+e.cost
			continue
		}
		d.steps = append(d.steps, e.step(o))
		if e.transition == "start" {
			started[key] = append(started[key], len(d.steps)-1)
		}
	}
	h.Write([]byte(c.outcome))
	d.digest = hex.EncodeToString(h.Sum(nil))
	return d
}

func (e *logEvent) step(o Options) draftStep {
	s := draftStep{
		name: clean(e.activity, "event"), kind: events.ActivityStep, agent: clean(firstOf(e.resource, o.Agent), ""),
		model: e.model, parent: -1, started: e.at, ended: e.ended, outcome: events.Succeeded,
		input: e.input, output: e.output, cost: e.cost,
	}
	if e.chat {
		s.kind = events.ChatStep
	}
	switch {
	case e.transition == "start":
		s.open = true
	case s.ended.IsZero():
		s.ended = e.at
	}
	if e.transition != "" && e.transition != "start" && e.transition != "complete" {
		s.labels = map[string]string{"lifecycle": e.transition}
	}
	return s
}

// verdicts are the words for outcomes that event logs use.
var verdicts = map[string]events.Outcome{
	"succeeded": events.Succeeded, "success": events.Succeeded, "true": events.Succeeded, "1": events.Succeeded,
	"failed": events.Failed, "failure": events.Failed, "false": events.Failed, "0": events.Failed,
	"cancelled": events.Cancelled, "canceled": events.Cancelled, "unrated": events.Unrated,
}

// verdict reads how a case ended. No text is no verdict.
func verdict(key, s string) (events.Outcome, *flaw) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	if o, ok := verdicts[strings.ToLower(s)]; ok {
		return o, nil
	}
	return "", flawed(key, "%q is no outcome; it is succeeded, failed or cancelled", clip(s))
}

package ingest

import (
	"cmp"
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
	priced        bool
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
// same activity are one step, with what it was scheduled for before and how long it was suspended; any other event is a step of its own that
// takes no time.
func (c *logCase) draft(format string, in *input, o Options) *draft {
	// An event without a time stays behind the one that it stands behind.
	var last time.Time
	for i := range c.events {
		if e := &c.events[i]; !e.at.IsZero() {
			last = e.at
		}
		c.events[i].sorted = last
	}
	// Equal times are no order: what starts stands before what ends, so that it can be ended.
	slices.SortStableFunc(c.events, func(a, b logEvent) int {
		return cmp.Or(a.sorted.Compare(b.sorted), cmp.Compare(a.rank(), b.rank()))
	})
	workflow := clean(o.Workflow, workflowOf(in.name))
	d := &draft{
		format: format, line: c.line, name: c.name, workflow: workflow, run: workflow + "/" + c.name, task: "",
		outcome: c.outcome, steps: make([]draftStep, 0, len(c.events)),
	}
	if d.outcome == "" {
		d.outcome = events.Unrated
	}
	h := sha256.New()
	started, scheduled := map[string][]openStart{}, map[string][]openStart{}
	for i := range c.events {
		e := &c.events[i]
		h.Write(e.content[:])
		if e.outcome != "" && c.outcome == "" {
			d.outcome = e.outcome
		}
		open, waiting := started[e.activity], scheduled[e.activity]
		if at := e.starts(open); at >= 0 {
			s := &d.steps[open[at].step]
			open[at].resume(s, e.at)
			started[e.activity] = slices.Delete(open, at, at+1)
			s.ended, s.open, s.outcome = e.at, false, endings[e.transition]
			s.input, s.output, s.cost = s.input+e.input, s.output+e.output, events.Add(s.cost, e.cost)
			s.priced = s.priced || e.priced
			continue
		}
		if at := e.of(open); at >= 0 && (e.transition == "suspend" || e.transition == "resume") {
			if o := &open[at]; e.transition == "resume" {
				o.resume(&d.steps[o.step], e.at)
			} else if o.suspended.IsZero() {
				o.suspended = e.at
			}
			continue
		}
		_, ends := endings[e.transition]
		at := e.of(waiting)
		switch {
		case at >= 0 && (e.transition == "start" || ends): // what was scheduled begins, or ends with its first sign of life
			step := waiting[at].step
			s := &d.steps[step]
			since := s.started
			scheduled[e.activity] = slices.Delete(waiting, at, at+1)
			*s = e.step(o)
			if s.labels = nil; !since.IsZero() {
				s.labels = map[string]string{"scheduled": since.UTC().Format(time.RFC3339Nano)}
			}
			if e.transition == "start" {
				started[e.activity] = append(open, openStart{step: step, instance: e.instance, resource: e.resource})
			}
			continue
		case at >= 0 && (e.transition == "assign" || e.transition == "reassign"):
			continue
		}
		d.steps = append(d.steps, e.step(o))
		switch e.transition {
		case "start":
			started[e.activity] = append(open, openStart{step: len(d.steps) - 1, instance: e.instance, resource: e.resource})
		case "schedule", "assign", "reassign":
			scheduled[e.activity] = append(waiting, openStart{step: len(d.steps) - 1, instance: e.instance, resource: e.resource})
		}
	}
	h.Write([]byte(c.outcome))
	d.digest = hex.EncodeToString(h.Sum(nil))
	return d
}

// endings are the transitions that end an activity (IEEE 1849's standard lifecycle), and how it ends by them.
var endings = map[string]events.Outcome{
	"complete": events.Succeeded, "withdraw": events.Cancelled, "abort": events.Cancelled, "abort_activity": events.Cancelled,
	"abort_case": events.Cancelled, "ate_abort": events.Cancelled, "pi_abort": events.Cancelled,
}

// openStart is a start that nothing has ended yet, or what is scheduled and has not started.
type openStart struct {
	step               int
	instance, resource string
	// suspended is since when it rests, zero where it is worked on, and rested how long it did before.
	suspended time.Time
	rested    time.Duration
}

// resume ends a rest, and notes on the step how long all of them were.
func (s *openStart) resume(step *draftStep, at time.Time) {
	if s.suspended.IsZero() || at.Before(s.suspended) {
		return
	}
	s.rested += at.Sub(s.suspended)
	s.suspended = time.Time{}
	if step.labels == nil {
		step.labels = map[string]string{}
	}
	step.labels["suspended"] = s.rested.String()
}

// rank is the order of events at the same time.
func (e *logEvent) rank() int {
	switch _, ends := endings[e.transition]; {
	case e.transition == "start":
		return 0
	case ends:
		return 2
	}
	return 1
}

// starts finds the start that an event ends, or -1: that of the same instance, then of the same resource, then the
// first. Two that name different instances are never a pair.
func (e *logEvent) starts(open []openStart) int {
	if _, ends := endings[e.transition]; !ends {
		return -1
	}
	return e.of(open)
}

// of finds what is open that an event belongs to, or -1.
func (e *logEvent) of(open []openStart) int {
	for _, fits := range []func(openStart) bool{
		func(s openStart) bool { return s.instance == e.instance && s.resource == e.resource },
		func(s openStart) bool { return s.instance == e.instance && e.instance != "" },
		func(s openStart) bool { return (s.instance == "" || e.instance == "") && s.resource == e.resource },
		func(s openStart) bool { return s.instance == "" || e.instance == "" },
	} {
		if at := slices.IndexFunc(open, fits); at >= 0 {
			return at
		}
	}
	return -1
}

func (e *logEvent) step(o Options) draftStep {
	s := draftStep{
		name: clean(e.activity, "event"), kind: events.ActivityStep, agent: clean(firstOf(e.resource, o.Agent), ""),
		model: e.model, parent: -1, started: e.at, ended: e.ended, outcome: events.Succeeded,
		input: e.input, output: e.output, cost: e.cost, priced: e.priced,
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
	if outcome := endings[e.transition]; outcome != "" {
		s.outcome = outcome
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

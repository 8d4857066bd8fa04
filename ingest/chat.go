package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// parseChat reads conversations of a tool-calling agent with a verdict, in tau-bench's shape (arXiv 2406.12045): an
// array, or one a line, of {task_id, trial, reward, traj}.
func parseChat(in *input, o Options, yield yield) {
	if o.Workflow == "" {
		o.Workflow = workflowOf(in.name)
	}
	if o.Agent == "" {
		o.Agent = "assistant"
	}
	eachElement(in, o, yield, func(v value, line int) (Record, string, *flaw) {
		return readChat(in, o, v, line)
	})
}

// eachElement hands over the JSON records of a file one by one.
func eachElement(in *input, o Options, yield yield, read func(v value, line int) (Record, string, *flaw)) {
	e, doc := newElements(in, o.MaxRecordBytes), &document{}
	for {
		data, line, err := e.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			var p *Problem
			if !yield(Record{}, err) || !errors.As(err, &p) {
				return
			}
			continue
		}
		v, syntax := doc.parse(string(data))
		if syntax != nil {
			in.broken++
			line += strings.Count(string(data[:min(syntax.offset, len(data))]), "\n")
			if !yield(Record{}, in.problem(line, "", syntax.path, "%s", syntax.reason)) {
				return
			}
			continue
		}
		record, name, f := read(v, line)
		if f != nil {
			if !yield(Record{}, in.problem(line, name, f.key, "%s", f.reason)) {
				return
			}
			continue
		}
		if record.Run != nil && !yield(record, nil) {
			return
		}
	}
}

// digest is the SHA-256 of a value's canonical form, in hex.
func digest(v value) string {
	sum := sha256.Sum256(v.appendCanonical(nil))
	return hex.EncodeToString(sum[:])
}

// conversation is a chat record on its way to commands. Its commands follow the order of the messages, which is all
// the time that most such files know.
type conversation struct {
	w *writer
	d *draft
	o Options
	// asked are the messages since the last answer.
	asked []events.Message
	// open are the calls of tools that no message has answered yet, first come first served, under each key that a
	// message may name them by.
	open  map[string][]*openCall
	steps int
	dated bool
}

type openCall struct {
	step int
	done bool
}

// callKeys are what a call of a tool, or the message that answers it, may be found by. A name alone finds a call only
// where one of the two has no id.
func callKeys(id, name string, answer bool) []string {
	byID, byName, anonymous := "id "+id, "name "+name, "anonymous "+name
	switch {
	case answer && id == "":
		return []string{byName}
	case answer:
		return []string{byID, anonymous}
	case id == "":
		return []string{byName, anonymous}
	}
	return []string{byID, byName}
}

func readChat(in *input, o Options, v value, line int) (Record, string, *flaw) {
	d := &draft{format: "chat", line: line, workflow: o.Workflow}
	if v.kind() != object {
		return Record{}, "", flawed("", "is %s; a conversation is an object with messages (or traj)", v.kind())
	}
	d.digest = digest(v)
	d.identify(v)
	key, messages := "", value{}
	for _, key = range []string{"traj", "messages", "conversation"} {
		if messages = v.get(key); messages.given() {
			break
		}
	}
	if messages.kind() != list {
		return Record{}, d.name, flawed("messages", "is missing; it is the list of messages, and may also be called traj or conversation")
	}
	if f := d.judge(v); f != nil {
		return Record{}, d.name, f
	}
	now, undated, f := d.chatTimes(v, messages, key, o)
	if f != nil {
		return Record{}, d.name, f
	}
	born := now
	if undated && d.ended.IsZero() {
		born = time.Unix(0, 0)
	}
	w, f := newWriter(d, o, born)
	if f != nil {
		return Record{}, d.name, f
	}
	c := &conversation{w: w, d: d, o: o, open: map[string][]*openCall{}}
	d.prompt, d.answer = spoken(messages)
	w.at = now
	w.start(d, undated)
	for i, m := range messages.items() {
		if f := c.take(m); f != nil {
			f.key = joinKey(key+"["+strconv.Itoa(i)+"]", f.key)
			return Record{}, d.name, f
		}
	}
	endUndated := d.ended.IsZero() && !c.dated
	if !d.ended.IsZero() {
		w.at = d.ended
	}
	w.end(d, endUndated)
	return w.record(in, d), d.name, nil
}

// spoken is the first text of the user and the last one of the assistant.
func spoken(messages value) (prompt, answer string) {
	for _, m := range messages.items() {
		if m.kind() != object {
			continue
		}
		one := []events.Message{message(m, "")}
		if prompt == "" {
			prompt = said(one, "user", false)
		}
		if s := said(one, "assistant", false); s != "" {
			answer = s
		}
	}
	return prompt, answer
}

// identify names the record by its workflow, task and trial; without a trial by its own id or its content, so that
// the name does not hang on the record's place in the file.
func (d *draft) identify(v value) {
	d.task = v.first("task_id", "task").scalar()
	trial := v.get("trial").scalar()
	id := v.first("run", "run_id", "id").scalar()
	parts := []string{d.workflow}
	switch {
	case id != "":
		parts = append(parts, id)
	case d.task != "" && trial != "":
		parts = append(parts, d.task, trial)
	case d.task != "":
		parts = append(parts, d.task, d.digest[:12])
	default:
		parts = append(parts, d.digest[:12])
	}
	if trial != "" {
		d.labels = map[string]string{"trial": trial}
	}
	d.run = strings.Join(parts, "-")
	d.name = d.run
}

// judge reads the verdict. tau-bench counts a run as a success when its reward is 1 within 1e-6.
func (d *draft) judge(v value) *flaw {
	d.outcome = events.Unrated
	switch verdict := v.first("outcome", "success", "reward", "score"); {
	case !verdict.given():
	case v.get("outcome").given():
		var f *flaw
		if d.outcome, f = outcomeOf("outcome", v.get("outcome")); f != nil {
			return f
		}
	case verdict.kind() == boolean:
		d.outcome = events.Failed
		if verdict.isTrue() {
			d.outcome = events.Succeeded
		}
	case verdict.kind() == number:
		reward, f := real("reward", verdict.raw())
		if f != nil {
			return f
		}
		d.outcome = events.Failed
		if *reward >= 1-1e-6 {
			d.outcome = events.Succeeded
		}
	default:
		return flawed("reward", "is %s; a verdict is a number, true or false, or an outcome", verdict.kind())
	}
	d.err, d.model = v.get("error").scalar(), v.get("model").text()
	return nil
}

// messageTimes are the keys that a message's time is seen under.
var messageTimes = []string{"timestamp", "created_at", "time", "created"}

// chatTimes finds when the conversation started: as the record says, else with its first dated message.
func (d *draft) chatTimes(v, messages value, key string, o Options) (now time.Time, undated bool, f *flaw) {
	if d.started, f = anyTime("started_at", v.first("started_at", "timestamp", "created_at")); f != nil {
		return now, false, f
	}
	if d.ended, f = anyTime("ended_at", v.get("ended_at")); f != nil {
		return now, false, f
	}
	now = d.started
	for i, m := range messages.items() {
		at, f := anyTime("timestamp", m.first(messageTimes...))
		if f != nil {
			f.key = joinKey(key+"["+strconv.Itoa(i)+"]", f.key)
			return now, false, f
		}
		if now.IsZero() {
			now = at
		}
		if !d.ended.IsZero() && at.After(d.ended) {
			return now, false, flawed("ended_at", "the conversation ends at %s, before its last message at %s", stamp(d.ended), stamp(at))
		}
	}
	if undated = now.IsZero(); !undated {
		if !d.ended.IsZero() && d.ended.Before(now) {
			return now, false, flawed("ended_at", "the conversation ends at %s, before it starts at %s", stamp(d.ended), stamp(now))
		}
		return now, false, nil
	}
	if now = d.ended; now.IsZero() {
		if o.Now == nil {
			return now, true, flawed("", "the record gives no time, and none was given for it")
		}
		now = o.Now().UTC()
	}
	return now, true, nil
}

// take goes on by one message.
func (c *conversation) take(v value) *flaw {
	if v.kind() != object {
		return flawed("", "is %s, not a message", v.kind())
	}
	role := v.get("role")
	if role.kind() != text || role.text() == "" {
		return flawed("role", "is missing")
	}
	at, f := anyTime("timestamp", v.first(messageTimes...))
	if f != nil {
		return f
	}
	dated := !at.IsZero()
	if dated {
		if at.Before(c.w.at) {
			return flawed("timestamp", "%s is before the message ahead of it", stamp(at))
		}
		c.w.at, c.dated = at, true
	}
	m := message(v, "")
	switch m.Role {
	case "assistant":
		c.answer(m, at)
	case "tool", "function":
		c.asked = append(c.asked, m)
		c.answerTool(m, dated)
	default:
		c.asked = append(c.asked, m)
	}
	return nil
}

// answer records what the model was asked and answered, and opens a step for each tool that it calls.
func (c *conversation) answer(m events.Message, at time.Time) {
	c.w.call(nil, draftCall{model: c.d.model, asked: c.asked, answered: []events.Message{m}})
	c.asked = nil
	for _, call := range m.ToolCalls {
		tool := clean(call.Name, "tool")
		s := draftStep{name: tool, kind: events.ToolStep, tool: tool, agent: clean(c.o.Agent, "assistant"), parent: -1, started: at}
		c.w.startStep(c.steps, &s, nil)
		opened := &openCall{step: c.steps}
		for _, key := range callKeys(call.ID, call.Name, false) {
			c.open[key] = append(c.open[key], opened)
		}
		c.steps++
	}
}

// answerTool finishes the step that a tool's message answers. A message that answers none is only a message.
func (c *conversation) answerTool(m events.Message, dated bool) {
	var found *openCall
	for _, key := range callKeys(m.ToolCallID, m.Name, true) {
		queue := c.open[key]
		for len(queue) > 0 && queue[0].done {
			queue = queue[1:]
		}
		if c.open[key] = queue; found == nil && len(queue) > 0 {
			found = queue[0]
		}
	}
	if found == nil {
		return
	}
	found.done = true
	s := draftStep{outcome: events.Succeeded}
	if strings.HasPrefix(m.Content, "Error") {
		s.outcome, s.err = events.Failed, m.Content
	}
	if dated {
		s.ended = c.w.at
	}
	c.w.finish(found.step, &s)
}

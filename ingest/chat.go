package ingest

import (
	"errors"
	"io"
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
	open map[string][]*openCall
	// calls are all of them, in their order.
	calls []*openCall
	steps int
	dated bool
	// whole tells that the usage is that of all calls together.
	whole bool
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
	d.digest = v.digest(new([]byte))
	d.identify(v)
	turns, f := chatTurns(v)
	if f != nil {
		return Record{}, d.name, f
	}
	if f := d.judge(v); f != nil {
		return Record{}, d.name, f
	}
	record, f := d.converse(in, o, v, turns)
	return record, d.name, f
}

// converse makes the run of a conversation.
func (d *draft) converse(in *input, o Options, v value, turns []chatTurn) (Record, *flaw) {
	whole, f := d.chatUsage(v, turns)
	if f != nil {
		return Record{}, f
	}
	now, undated, f := d.chatTimes(v, turns, o)
	if f != nil {
		return Record{}, f
	}
	born := now
	if undated && d.ended.IsZero() {
		born = time.Unix(0, 0)
	}
	w, f := newWriter(d, o, born)
	if f != nil {
		return Record{}, f
	}
	c := &conversation{w: w, d: d, o: o, whole: whole, open: map[string][]*openCall{}}
	d.prompt, d.answer = spoken(turns)
	if asked := v.get("question").text(); asked != "" && v.get("history").given() {
		d.prompt = asked
	}
	w.at = now
	w.start(d, undated)
	stepOf := map[int]int{}
	for i := range turns {
		if turns[i].message >= 0 {
			stepOf[turns[i].message] = c.steps
		}
		if f := c.take(&turns[i]); f != nil {
			f.key = joinKey(turns[i].key, f.key)
			return Record{}, f
		}
	}
	d.mistaken(v, stepOf, c.steps)
	endUndated := d.ended.IsZero() && !c.dated
	if !d.ended.IsZero() {
		w.at = d.ended
	}
	c.close()
	if f := d.checkSums(); f != nil {
		return Record{}, f
	}
	w.end(d, endUndated)
	ordinals := make([]int, c.steps)
	for i := range ordinals {
		ordinals[i] = i
	}
	if f := w.give(d, ordinals); f != nil {
		return Record{}, f
	}
	return w.record(in, d), nil
}

// spoken is the first text of the user and the last one of the assistant.
func spoken(turns []chatTurn) (prompt, answer string) {
	for _, t := range turns {
		one := []events.Message{t.Message}
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
	d.task = v.first("task_id", "task", "question_ID", "question_id").scalar()
	trial := v.get("trial").scalar()
	id := v.first("run", "run_id", "id").scalar()
	if v.get("object").text() == "eval.run.output_item" {
		id, d.task = v.get("id").scalar(), v.get("datasource_item_id").scalar()
		d.conversation = v.get("run_id").scalar()
	}
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
	d.requester = v.first("user_id", "requester").scalar()
	d.conversation = firstOf(d.conversation, v.first("conversation_id", "session_id", "thread_id").scalar())
	d.labels = givenLabels(map[string]string{
		"trial": trial, "termination": v.get("termination_reason").scalar(), "seed": v.get("seed").scalar(),
	})
	d.run = strings.Join(parts, "-")
	d.name = d.run
}

// judge reads how it ended, and the verdict. tau-bench counts a run as a success when its reward is 1 within 1e-6.
func (d *draft) judge(v value) *flaw {
	d.outcome = events.Unrated
	d.err, d.model = failureText(v.get("error")), v.first("model", "model_name").text()
	switch verdict := v.first("outcome", "success", "reward", "score", "is_correct", "is_corrected"); {
	case v.get("reward_info").kind() == object && !verdict.given():
		if reward := v.get("reward_info").get("reward"); reward.given() {
			return d.reward("reward_info.reward", reward)
		}
	case v.get("sample").kind() == object:
		return d.evaluated(v)
	case !verdict.given():
	case v.get("outcome").given():
		var f *flaw
		if d.outcome, f = outcomeOf("outcome", v.get("outcome")); f != nil {
			return f
		}
	case verdict.kind() == boolean:
		d.verdict = events.Failed
		if verdict.isTrue() {
			d.verdict = events.Succeeded
		}
	case verdict.kind() == number:
		return d.reward("reward", verdict)
	default:
		return flawed("reward", "is %s; a verdict is a number, true or false, or an outcome", verdict.kind())
	}
	return nil
}

func (d *draft) reward(key string, v value) *flaw {
	if v.kind() != number {
		return flawed(key, "is %s, not a number", v.kind())
	}
	reward, f := real(key, v.raw())
	if f != nil {
		return f
	}
	d.verdict = events.Failed
	if *reward >= 1-1e-6 {
		d.verdict = events.Succeeded
	}
	return nil
}

// messageTimes are the keys that a message's time is seen under.
var messageTimes = []string{"timestamp", "created_at", "time", "created"}

// chatTimes finds when the conversation started: as the record says, else with its first dated message.
func (d *draft) chatTimes(v value, turns []chatTurn, o Options) (now time.Time, undated bool, f *flaw) {
	if d.started, f = anyTime("started_at", v.first("started_at", "start_time", "timestamp", "created_at"), o.Location); f != nil {
		return now, false, f
	}
	if d.ended, f = anyTime("ended_at", v.first("ended_at", "end_time", "completed_at"), o.Location); f != nil {
		return now, false, f
	}
	now = d.started
	for i := range turns {
		t := &turns[i]
		if t.at, f = anyTime("timestamp", t.source.first(messageTimes...), o.Location); f != nil {
			f.key = joinKey(t.key, f.key)
			return now, false, f
		}
		if now.IsZero() {
			now = t.at
		}
		if !d.ended.IsZero() && t.at.After(d.ended) {
			return now, false, flawed("ended_at", "the conversation ends at %s, before its last message at %s", stamp(d.ended), stamp(t.at))
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
func (c *conversation) take(t *chatTurn) *flaw {
	before := c.w.at
	dated := !t.at.IsZero()
	if dated {
		if t.at.Before(c.w.at) && t.agent != "" {
			t.at = c.w.at // a subagent's clock
		}
		if t.at.Before(c.w.at) {
			return flawed("timestamp", "%s is before the message ahead of it", stamp(t.at))
		}
		c.w.at, c.dated = t.at, true
	}
	switch role := t.Role; {
	case t.prints:
		c.print(t)
	case role == "assistant":
		c.answer(t, before)
	case role == "tool" || role == "function":
		c.asked = append(c.asked, t.Message)
		c.answerTool(t, dated)
	default:
		c.asked = append(c.asked, t.Message)
	}
	return nil
}

// answer records what the model was asked and answered, and opens a step for each tool that it calls. Where it is told
// what the call used, the call is a step, too, which lasts since the message before.
func (c *conversation) answer(t *chatTurn, before time.Time) {
	var step *int
	call := draftCall{
		model: firstOf(t.source.first("model", "model_name").text(), c.d.model), asked: c.asked, answered: []events.Message{t.Message},
		finish: finishOf(t.source),
	}
	switch u := t.used; {
	case u != nil:
		u.name, u.kind, u.model, u.agent, u.parent = "chat", events.ChatStep, call.model, c.agent(t), -1
		u.outcome, u.ended, u.unpriced = events.Succeeded, t.at, !u.priced && !c.d.priced
		if t.named {
			u.name = clean(t.Name, "chat")
		}
		c.w.at = before
		c.w.startStep(c.steps, u, nil)
		c.w.at, step = later(before, t.at), &c.steps
		c.d.steps = append(c.d.steps, *u)
	case !c.d.priced && !c.whole:
		c.d.unpriced++
	}
	c.w.call(step, call)
	if step != nil {
		c.w.finish(c.steps, t.used)
		c.steps++
	}
	c.asked = nil
	for _, call := range t.ToolCalls {
		tool := clean(call.Name, "tool")
		s := draftStep{name: tool, kind: events.ToolStep, tool: tool, agent: c.agent(t), parent: -1, started: t.at}
		c.w.startStep(c.steps, &s, nil)
		opened := &openCall{step: c.steps}
		c.calls = append(c.calls, opened)
		for _, key := range callKeys(call.ID, call.Name, false) {
			c.open[key] = append(c.open[key], opened)
		}
		c.steps++
	}
}

func (c *conversation) agent(t *chatTurn) string {
	return clean(firstOf(t.agent, c.o.Agent), "assistant")
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// answerTool finishes the step that a tool's message answers. A message that answers none is only a message.
func (c *conversation) answerTool(t *chatTurn, dated bool) {
	var found *openCall
	for _, key := range callKeys(t.ToolCallID, t.Name, true) {
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
	if t.isFailure() {
		s.outcome, s.err = events.Failed, firstOf(t.Content, "error")
	}
	if dated {
		s.ended = c.w.at
	}
	c.w.finish(found.step, &s)
}

// close ends the steps that no message answered: nobody knows how they ended.
func (c *conversation) close() {
	for _, call := range c.calls {
		if !call.done {
			c.w.finish(call.step, &draftStep{outcome: events.Unrated})
		}
	}
}

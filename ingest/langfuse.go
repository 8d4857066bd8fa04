package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// parseLangfuse reads traces as Langfuse exports them: {"trace", "observations"}, a trace with its observations inside,
// or the rows of the table of observations, as they are exported from the page, the API and to a bucket.
func parseLangfuse(in *input, o Options, yield yield) {
	joined(in, o, yield, func(j *Joint, v value, line int) *flaw {
		return takeRow(j, in, o, "langfuse", v.first("traceId", "trace_id").scalar(), line, v)
	}, func(yield func(Record, error) bool, take func(value, int) *flaw) bool {
		whole := true
		eachElement(in, o, func(r Record, err error) bool {
			whole = yield(r, err)
			return whole
		}, func(v value, line int) (Record, string, *flaw) {
			if v.first("traceId", "trace_id").given() && !v.first("observations", "trace").given() {
				if !v.first("type", "startTime", "start_time").given() {
					return Record{}, v.get("id").scalar(), flawed("type", "is missing: it is no observation. Scores are read inside of their traces")
				}
				return Record{}, v.get("id").scalar(), take(v, line)
			}
			d := &draft{format: "langfuse", line: line}
			f := d.readTrace(in, v, o)
			if f != nil {
				return Record{}, d.name, f
			}
			record, f := d.record(in, o)
			return record, d.name, f
		})
		return whole
	})
}

func (d *draft) readTrace(in *input, v value, o Options) *flaw {
	if v.kind() != object {
		return flawed("", "is %s; a trace is an object", v.kind())
	}
	trace := v.get("trace").unwrapped()
	if !trace.given() {
		trace = v
	}
	d.run = trace.get("id").scalar()
	d.name = d.run
	if d.run == "" {
		return flawed("trace.id", "is missing; it names the run")
	}
	observations := v.get("observations").unwrapped()
	if observations.kind() != list {
		observations = trace.get("observations").unwrapped()
	}
	if observations.kind() != list {
		return flawed("observations", "is missing; it is the list of the trace's observations. Export the table of observations, or each trace from /api/public/traces/ID")
	}
	d.digest = traceDigest(v, trace, observations)
	d.requester = trace.first("userId", "user_id").scalar()
	d.conversation = trace.first("sessionId", "session_id").scalar()
	d.labels = traceLabels(trace)
	d.prompt = said(messagesOf(trace.get("input"), "user"), "user", false)
	d.answer = said(messagesOf(trace.get("output"), "assistant"), "assistant", true)
	at, f := langfuseTime("trace.timestamp", trace.get("timestamp"))
	if f != nil {
		return f
	}
	spans := make([]span, 0, observations.length())
	for i, item := range observations.items() {
		if item.kind() == text {
			return flawed("observations", "holds only ids, as the list of traces has them. Export the observations (/api/public/observations), or each trace from /api/public/traces/ID")
		}
		s, f := readObservation(item)
		if f != nil {
			f.key = joinKey("observations["+strconv.Itoa(i)+"]", f.key)
			return f
		}
		spans = append(spans, s)
	}
	if len(spans) == 0 {
		d.started = at
	}
	if spans, f = d.assemble(spans, o); f != nil {
		return f
	}
	if d.workflow = clean(firstOf(o.Workflow, withoutIDs(trace.get("name").scalar())), ""); d.workflow == "" {
		d.workflow = d.topName(workflowOf(in.name))
	}
	// The trace's own cost sums up all of its observations: it counts where none of them has one.
	costs := slices.ContainsFunc(d.steps, func(s draftStep) bool { return s.cost > 0 })
	if total := trace.first("totalCost", "total_cost"); total.given() && !costs {
		if d.cost, f = roundUSD("trace.totalCost", total.scalar()); f != nil {
			return f
		}
	}
	return d.readScores(v, trace, spans)
}

// topName is the name of the first step at the top.
func (d *draft) topName(otherwise string) string {
	for _, s := range d.steps {
		if s.parent < 0 {
			return s.name
		}
	}
	return otherwise
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// traceDigest is the same in whatever order the observations stand, since exports order them at will.
func traceDigest(v, trace, observations value) string {
	h := sha256.New()
	for _, part := range []value{v, trace} {
		var keys []string
		for key := range part.members() {
			if key != "observations" && key != "trace" {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			h.Write(append(part.get(key).appendCanonical(appendText(nil, key)), '\n'))
		}
		if v == trace {
			break
		}
	}
	var all []string
	for _, item := range observations.items() {
		all = append(all, string(item.appendCanonical(nil)))
	}
	slices.Sort(all)
	for _, item := range all {
		h.Write([]byte(item + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func traceLabels(trace value) map[string]string {
	labels := map[string]string{}
	for key, label := range map[string]string{
		"environment": "environment", "release": "release", "version": "version",
	} {
		if s := trace.get(key).scalar(); s != "" {
			labels[label] = s
		}
	}
	var tags []string
	for _, tag := range trace.get("tags").unwrapped().items() {
		tags = append(tags, tag.scalar())
	}
	if len(tags) > 0 {
		labels["tags"] = strings.Join(tags, ",")
	}
	if len(labels) == 0 {
		return nil
	}
	return labels
}

// langfuseTime reads RFC 3339, or the database's way of writing it in UTC.
func langfuseTime(key string, v value) (time.Time, *flaw) {
	if !v.given() {
		return time.Time{}, nil
	}
	return anyTime(key, v, time.UTC)
}

// observationKind turns the types of observations into kinds of steps. A span is what its attributes say.
func observationKind(kind string, a attributes) events.StepKind {
	if strings.EqualFold(kind, "SPAN") || kind == "" {
		if k := a.kind(); k != "" {
			return k
		}
		return events.WorkflowStep
	}
	if k, ok := spanKinds[strings.ToLower(kind)]; ok {
		return k
	}
	return events.WorkflowStep
}

func readObservation(v value) (span, *flaw) {
	if v.kind() != object {
		return span{}, flawed("", "is %s, not an observation", v.kind())
	}
	s := span{id: v.get("id").scalar(), parent: v.first("parentObservationId", "parent_observation_id").scalar(), content: string(v.appendCanonical(nil))}
	if s.id == "" {
		return s, flawed("id", "is missing")
	}
	a := attributes{}
	for key, m := range v.get("metadata").unwrapped().get("attributes").unwrapped().members() {
		a[key] = m.scalar()
	}
	kind := v.get("type").text()
	st := &s.step
	st.kind = observationKind(kind, a)
	st.name = clean(v.get("name").scalar(), strings.ToLower(firstOf(kind, "span")))
	if st.kind == events.ToolStep {
		st.tool = clean(a.tool(st.name), "")
	}
	st.model = v.first("model", "providedModelName", "provided_model_name", "internalModel").scalar()
	s.agent = a.agent()
	var f *flaw
	if st.started, f = langfuseTime("startTime", v.first("startTime", "start_time")); f != nil {
		return s, f
	}
	if st.ended, f = langfuseTime("endTime", v.first("endTime", "end_time")); f != nil {
		return s, f
	}
	if st.ended.IsZero() {
		// An event is over as it happens; anything else without an end had not ended when it was exported.
		if st.open = !strings.EqualFold(kind, "EVENT"); !st.open {
			st.ended = st.started
		}
	}
	st.outcome = events.Succeeded
	if s.failed = v.get("level").text() == "ERROR"; s.failed {
		st.outcome = events.Failed
		st.err = firstOf(v.first("statusMessage", "status_message").scalar(), "error")
	}
	if f := observationUsage(v, st); f != nil {
		return s, f
	}
	s.prompt, s.answer = messagesOf(v.get("input"), "user"), messagesOf(v.get("output"), "assistant")
	s.heed(hear(v.get("output"), "tool")...)
	if st.kind == events.ChatStep && len(s.prompt)+len(s.answer) > 0 {
		call := draftCall{model: st.model, provider: a.provider(), asked: s.prompt, answered: s.answer, finish: a.finishReason()}
		if p := v.first("modelParameters", "model_parameters").unwrapped(); p.kind() == object && len(p.raw()) > len("{}") {
			call.params = p.appendCanonical(nil)
		}
		st.calls = []draftCall{call}
	}
	return s, nil
}

// observationUsage reads the tokens and the cost. Beside input and output, Langfuse may list parts of them
// (input_cached_tokens, output_reasoning_tokens): the total shows which of these come on top.
func observationUsage(v value, s *draftStep) *flaw {
	if f := readUsage("usageDetails", v.first("usageDetails", "usage_details", "usage").unwrapped(), s); f != nil {
		return f
	}
	if s.input+s.output == 0 {
		// Some exports tell it of the observation itself.
		var r reported
		for _, told := range []struct {
			keys []string
			into *int64
		}{
			{[]string{"promptTokens", "prompt_tokens", "inputUsage", "input_usage"}, &r.Input},
			{[]string{"completionTokens", "completion_tokens", "outputUsage", "output_usage"}, &r.Output},
			{[]string{"totalTokens", "total_tokens", "totalUsage", "total_usage"}, &r.Total},
		} {
			if n := v.first(told.keys...); n.given() {
				counted, f := count(told.keys[0], n.scalar())
				if f != nil {
					return f
				}
				*told.into = counted
			}
		}
		if f := r.settle("usage", s); f != nil {
			return f
		}
	}
	for _, c := range []struct {
		key string
		v   value
	}{
		{"totalCost", v.get("totalCost")}, {"total_cost", v.get("total_cost")}, {"calculatedTotalCost", v.get("calculatedTotalCost")},
		{"costDetails.total", v.first("costDetails", "cost_details").unwrapped().get("total")},
	} {
		if c.v.given() {
			var f *flaw
			s.cost, f = roundUSD(c.key, c.v.scalar())
			s.priced = s.cost > 0 // a cost of 0 is also what a model without a price has
			return f
		}
	}
	return nil
}

// readScores turns the trace's scores into feedback: a score is a number, a category, or a yes or no.
func (d *draft) readScores(v, trace value, spans []span) *flaw {
	scores, key := trace.get("scores").unwrapped(), "trace.scores"
	if scores.kind() != list {
		scores, key = v.get("scores").unwrapped(), "scores"
	}
	index := make(map[string]int, len(spans))
	for i := range spans {
		index[spans[i].id] = i
	}
	for i, score := range scores.items() {
		fb, f := readScore(score)
		if f != nil {
			f.key = joinKey(key+"["+strconv.Itoa(i)+"]", f.key)
			return f
		}
		fb.step = -1
		if on := score.get("observationId").scalar(); on != "" {
			step, ok := index[on]
			if !ok {
				return flawed(key+"["+strconv.Itoa(i)+"].observationId", "no observation has the id %s", clip(on))
			}
			fb.step = step
		}
		d.feedback = append(d.feedback, fb)
	}
	return nil
}

func readScore(v value) (fb draftFeedback, f *flaw) {
	if v.kind() != object {
		return fb, flawed("", "is %s, not a score", v.kind())
	}
	fb.name, fb.text = v.get("name").scalar(), v.get("comment").scalar()
	fb.user = firstOf(v.get("authorUserId").scalar(), v.get("source").scalar())
	fb.label = v.get("stringValue").scalar()
	categorical := v.get("dataType").text() == "CATEGORICAL"
	switch value := v.get("value"); {
	case value.kind() == text:
		fb.label = firstOf(fb.label, value.text())
	case value.given() && !(categorical && fb.label != ""):
		if value.kind() == boolean {
			fb.label = value.raw()
			break
		}
		if fb.score, f = real("value", value.scalar()); f != nil {
			return fb, f
		}
	}
	if fb.score == nil && fb.label == "" && fb.text == "" {
		return fb, flawed("value", "is missing, and there is no comment either")
	}
	fb.at, f = langfuseTime("timestamp", v.get("timestamp"))
	return fb, f
}

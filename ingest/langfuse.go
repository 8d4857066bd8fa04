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

// parseLangfuse reads traces as Langfuse exports them: {"trace", "observations"}, or a trace with its observations
// inside, one or many of them.
func parseLangfuse(in *input, o Options, yield yield) {
	eachElement(in, o, yield, func(v value, line int) (Record, string, *flaw) {
		d := &draft{format: "langfuse", line: line}
		f := d.readTrace(in, v, o)
		if f != nil {
			return Record{}, d.name, f
		}
		record, f := d.record(in, o)
		return record, d.name, f
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
		return flawed("observations", "is missing; it is the list of the trace's observations")
	}
	d.digest = traceDigest(v, trace, observations)
	d.requester = trace.get("userId").scalar()
	d.labels = traceLabels(trace)
	d.prompt = said(messagesOf(trace.get("input"), "user"), "user", false)
	d.answer = said(messagesOf(trace.get("output"), "assistant"), "assistant", true)
	at, f := langfuseTime("trace.timestamp", trace.get("timestamp"))
	if f != nil {
		return f
	}
	spans := make([]span, 0, observations.length())
	for i, item := range observations.items() {
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
	if f := d.assemble(spans, o); f != nil {
		return f
	}
	if d.workflow = clean(firstOf(o.Workflow, trace.get("name").scalar()), ""); d.workflow == "" {
		d.workflow = d.topName(workflowOf(in.name))
	}
	if total := trace.get("totalCost"); total.given() {
		if d.cost, f = roundUSD("trace.totalCost", total.scalar()); f != nil {
			return f
		}
	}
	return d.readScores(v, trace, spans[:len(d.steps)])
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
		"sessionId": "session", "environment": "environment", "release": "release", "version": "version",
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
	if t, err := time.Parse("2006-01-02 15:04:05.999999999", v.text()); err == nil {
		return inRange(key, t)
	}
	return rfc3339(key, v.scalar())
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
	s := span{id: v.get("id").scalar(), parent: v.get("parentObservationId").scalar(), content: string(v.appendCanonical(nil))}
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
	st.model = v.get("model").scalar()
	s.agent = a.agent()
	var f *flaw
	if st.started, f = langfuseTime("startTime", v.get("startTime")); f != nil {
		return s, f
	}
	if st.ended, f = langfuseTime("endTime", v.get("endTime")); f != nil {
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
		st.err = firstOf(v.get("statusMessage").scalar(), "error")
	}
	if f := observationUsage(v, st); f != nil {
		return s, f
	}
	s.prompt, s.answer = messagesOf(v.get("input"), "user"), messagesOf(v.get("output"), "assistant")
	if st.kind == events.ChatStep && len(s.prompt)+len(s.answer) > 0 {
		call := draftCall{model: st.model, provider: a.provider(), asked: s.prompt, answered: s.answer, finish: a.finishReason()}
		if p := v.get("modelParameters").unwrapped(); p.kind() == object && len(p.raw()) > len("{}") {
			call.params = p.appendCanonical(nil)
		}
		st.calls = []draftCall{call}
	}
	return s, nil
}

// observationUsage reads the tokens and the cost. Beside input and output, Langfuse may list parts of them
// (input_cached_tokens, output_reasoning_tokens): where the total shows that these come on top, they are added.
func observationUsage(v value, s *draftStep) *flaw {
	if u := v.first("usageDetails", "usage").unwrapped(); u.kind() == object {
		if f := usageTokens(u, s); f != nil {
			return f
		}
	}
	for _, key := range []string{"totalCost", "calculatedTotalCost"} {
		if c := v.get(key); c.given() {
			var f *flaw
			s.cost, f = roundUSD(key, c.scalar())
			return f
		}
	}
	if c := v.get("costDetails").unwrapped().get("total"); c.given() {
		var f *flaw
		s.cost, f = roundUSD("costDetails.total", c.scalar())
		return f
	}
	return nil
}

func usageTokens(u value, s *draftStep) *flaw {
	var total, input, output, extraIn, extraOut int64
	for key, m := range u.members() {
		if !m.given() || m.kind() == text || m.kind() == object {
			continue
		}
		lower := strings.ToLower(key)
		if strings.Contains(lower, "cost") || lower == "unit" {
			continue
		}
		n, f := count("usageDetails."+clip(key), m.scalar())
		if f != nil {
			return f
		}
		switch {
		case lower == "total" || lower == "totaltokens" || lower == "total_tokens":
			total = max(total, n)
		case lower == "input" || lower == "prompttokens" || lower == "prompt_tokens" || lower == "input_tokens":
			input = max(input, n)
		case lower == "output" || lower == "completiontokens" || lower == "completion_tokens" || lower == "output_tokens":
			output = max(output, n)
		case strings.HasPrefix(lower, "output") || strings.HasPrefix(lower, "completion"):
			extraOut += n
		default:
			extraIn += n
			if strings.Contains(lower, "cached") || strings.Contains(lower, "cache_read") {
				s.cached += n
			}
		}
		if input > maxCount || output > maxCount || extraIn > maxCount || extraOut > maxCount {
			return flawed("usageDetails", "the tokens sum up beyond 2^53")
		}
	}
	if extraIn+extraOut > 0 && total == input+output+extraIn+extraOut {
		input, output = input+extraIn, output+extraOut
	}
	s.input, s.output = input, output
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

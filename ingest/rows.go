package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// takeRow keeps a row of a table of spans, which names its trace.
func takeRow(j *Joint, in *input, o Options, format, trace string, line int, v value) *flaw {
	if trace == "" {
		return flawed("trace_id", "is missing; it names the trace that the row belongs to")
	}
	if !j.weigh(len(v.raw()), o) {
		j.keep(in, o, format, trace, line, heldItem{raw: strings.Clone(v.raw())})
	}
	return nil
}

// rowSpans reads the rows of a trace, and makes its digest of them, in whatever order they came.
func (d *draft) rowSpans(t *heldTrace, read func(value) (span, *flaw)) ([]span, []value, *flaw) {
	var spans []span
	var rows []value
	var contents []string
	for _, item := range t.items {
		v, err := new(document).parse(item.raw)
		if err != nil {
			return nil, nil, flawed(err.path, "%s", err.reason)
		}
		s, f := read(v)
		if f != nil {
			f.key = joinKey(strings.TrimSpace("row "+clip(s.id)), f.key)
			return nil, nil, f
		}
		spans, rows, contents = append(spans, s), append(rows, v), append(contents, s.content)
	}
	slices.Sort(contents)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(contents), "\n")))
	d.digest = hex.EncodeToString(sum[:])
	// The rows at the top come first: they tell best what the run is.
	slices.SortStableFunc(rows, func(a, b value) int {
		inner := func(v value) int {
			if v.first("parentObservationId", "parent_observation_id", "parent_run_id").scalar() != "" {
				return 1
			}
			return 0
		}
		return inner(a) - inner(b)
	})
	return spans, rows, nil
}

// finding is the first text that one of several rows has under one of several keys.
func finding(rows []value) func(keys ...string) string {
	return func(keys ...string) string {
		for _, row := range rows {
			if s := row.first(keys...).scalar(); s != "" {
				return s
			}
		}
		return ""
	}
}

// readRows makes a run of rows of Langfuse's table of observations.
func (d *draft) readRows(t *heldTrace, j *Joint) (bool, *flaw) {
	spans, rows, f := d.rowSpans(t, readObservation)
	if f != nil {
		return false, f
	}
	if _, f = d.assemble(spans, t.o); f == nil {
		f = d.whole(spans, t, j)
	}
	if f != nil {
		return false, f
	}
	find := finding(rows)
	d.requester, d.conversation = find("userId", "user_id"), find("sessionId", "session_id")
	d.labels = givenLabels(map[string]string{
		"environment": find("environment"), "release": find("release", "traceRelease"), "version": find("version", "traceVersion"),
		"tags": plainList(find("traceTags", "trace_tags", "tags")),
	})
	if d.workflow = clean(firstOf(t.o.Workflow, withoutIDs(find("traceName", "trace_name"))), ""); d.workflow == "" {
		d.workflow = d.topName(workflowOf(t.in.name))
	}
	return true, nil
}

// parseLangSmith reads the runs of LangSmith: a table of them, or trees with the inner ones in child_runs.
func parseLangSmith(in *input, o Options, yield yield) {
	joined(in, o, yield, func(j *Joint, v value, line int) *flaw { return takeTree(j, in, o, v, "", line) }, elementsOf(in, o))
}

func takeTree(j *Joint, in *input, o Options, v value, trace string, line int) *flaw {
	if v.kind() != object {
		return flawed("", "is %s, not a run of LangSmith", v.kind())
	}
	if id := v.get("trace_id").scalar(); id != "" {
		trace = id
	}
	if trace == "" && v.get("parent_run_id").scalar() == "" {
		trace = v.get("id").scalar()
	}
	if f := takeRow(j, in, o, "langsmith", trace, line, v); f != nil {
		return f
	}
	for _, child := range v.get("child_runs").items() {
		if f := takeTree(j, in, o, child, trace, line); f != nil {
			return f
		}
	}
	return nil
}

// readTree makes a run of a trace of LangSmith's runs.
func (d *draft) readTree(t *heldTrace, j *Joint) (bool, *flaw) {
	spans, rows, f := d.rowSpans(t, readLangSmith)
	if f != nil {
		return false, f
	}
	if spans, f = d.assemble(spans, t.o); f == nil {
		f = d.whole(spans, t, j)
	}
	if f != nil {
		return false, f
	}
	var metadata []value
	for _, row := range rows {
		metadata = append(metadata, row.get("extra").unwrapped().get("metadata"))
	}
	find, about := finding(rows), finding(metadata)
	d.requester = about("user_id", "userId")
	d.conversation = firstOf(find("thread_id"), about("thread_id", "conversation_id", "session_id"))
	d.labels = givenLabels(map[string]string{"project": find("session_name"), "version": about("revision_id"), "tags": plainList(find("tags"))})
	if d.workflow = clean(t.o.Workflow, ""); d.workflow == "" {
		d.workflow = d.topName(workflowOf(t.in.name))
	}
	return true, d.readStats(spans, rows)
}

// readStats turns what LangSmith keeps of the feedback on each run, its means and its labels, into feedback.
func (d *draft) readStats(spans []span, rows []value) *flaw {
	step := make(map[string]int, len(spans))
	for i := range spans {
		step[spans[i].id] = i
	}
	seen := map[string]bool{}
	for _, row := range rows {
		id := row.get("id").scalar()
		if seen[id] {
			continue
		}
		seen[id] = true
		for name, stats := range row.get("feedback_stats").unwrapped().members() {
			fb := draftFeedback{step: -1, user: "langsmith", name: name}
			if row.get("parent_run_id").scalar() != "" {
				fb.step = step[id]
			}
			if mean := stats.get("avg"); mean.given() {
				var f *flaw
				if fb.score, f = real("feedback_stats."+name+".avg", mean.scalar()); f != nil {
					return f
				}
			} else if labels := slices.Collect(maps.Keys(maps.Collect(stats.get("values").members()))); len(labels) == 1 {
				fb.label = labels[0] // of several nobody knows which was the latest
			}
			if fb.score != nil || fb.label != "" {
				d.feedback = append(d.feedback, fb)
			}
		}
	}
	return nil
}

// runTypes turns LangSmith's types of runs into kinds of steps.
var runTypes = map[string]events.StepKind{
	"llm": events.ChatStep, "tool": events.ToolStep, "retriever": events.RetrievalStep, "embedding": events.RetrievalStep,
}

func readLangSmith(v value) (span, *flaw) {
	s := span{
		id: v.get("id").scalar(), parent: v.get("parent_run_id").scalar(), content: string(v.appendCanonical(nil)), known: true,
	}
	if s.id == "" {
		return s, flawed("id", "is missing")
	}
	st := &s.step
	if st.kind = runTypes[v.get("run_type").text()]; st.kind == "" {
		st.kind = events.WorkflowStep
	}
	st.name = clean(v.get("name").scalar(), firstOf(v.get("run_type").text(), "run"))
	if st.kind == events.ToolStep {
		st.tool = st.name
	}
	extra := v.get("extra").unwrapped()
	metadata, params := extra.get("metadata"), extra.get("invocation_params")
	s.agent = metadata.first("agent_name", "lc_agent_name").text()
	if st.kind == events.ChatStep {
		st.model = firstOf(metadata.get("ls_model_name").text(), params.first("model", "model_name").text())
	}
	var f *flaw
	if st.started, f = langfuseTime("start_time", v.get("start_time")); f != nil {
		return s, f
	}
	if st.ended, f = langfuseTime("end_time", v.get("end_time")); f != nil {
		return s, f
	}
	st.open = st.ended.IsZero()
	status := v.get("status").text()
	st.outcome = events.Succeeded
	if s.fine = status == "success"; !s.fine && (status == "error" || v.get("error").scalar() != "") {
		s.failed, st.outcome, st.err = true, events.Failed, firstOf(failureText(v.get("error")), "error")
	}
	if f := smithUsage(v, st); f != nil {
		return s, f
	}
	inputs, outputs := v.get("inputs").unwrapped(), v.get("outputs").unwrapped()
	s.prompt, s.answer = spokenIn(inputs, "user"), spokenIn(outputs, "assistant")
	s.heed(append(hear(outputs, "tool"), hear(outputs.get("output"), "tool")...)...)
	if st.kind == events.ChatStep && len(s.prompt)+len(s.answer) > 0 {
		call := draftCall{model: st.model, provider: metadata.get("ls_provider").text(), asked: s.prompt, answered: s.answer, finish: finishOf(outputs)}
		if params.kind() == object {
			call.params = params.appendCanonical(nil)
		}
		st.calls = []draftCall{call}
	}
	return s, nil
}

// smithUsage reads the counts beside the run, else those of its message or of the model's own answer.
func smithUsage(v value, s *draftStep) *flaw {
	var r reported
	outputs := v.get("outputs").unwrapped()
	// The message's own count tells more than the model's: what was read from the cache.
	told := []value{outputs.get("usage_metadata"), v.get("extra").unwrapped().get("metadata").get("usage_metadata")}
	var plain []value
	if s.kind == events.ChatStep {
		for _, h := range hear(outputs, "assistant") {
			told, plain = append(told, h.source.get("usage_metadata")), append(plain, h.source.get("response_metadata").get("token_usage"))
		}
	}
	told = append(append(told, outputs.get("llm_output").get("token_usage")), plain...)
	for _, u := range told {
		if f := r.read("usage", u, "", 0); f != nil {
			return f
		}
		if r.Input+r.Output > 0 {
			break
		}
	}
	for key, into := range map[string]*int64{"prompt_tokens": &r.Input, "completion_tokens": &r.Output, "total_tokens": &r.Total} {
		if n := v.get(key); n.given() {
			counted, f := count(key, n.scalar())
			if f != nil {
				return f
			}
			*into = max(*into, counted)
		}
	}
	for key, into := range map[string]*int64{"cache_read": &r.CacheRead, "cache_creation": &r.CacheWrite} {
		if n := v.get("prompt_token_details").get(key); n.given() {
			counted, f := count(key, n.scalar())
			if f != nil {
				return f
			}
			*into = max(*into, counted)
		}
	}
	if c := v.get("total_cost"); c.given() {
		var f *flaw
		if s.cost, f = roundUSD("total_cost", c.scalar()); f != nil {
			return f
		}
		s.priced = s.cost > 0
	}
	return r.settle("usage", s)
}

// spokenIn are the messages in what a run was given or gave back, where they are messages or one plain text.
func spokenIn(v value, role string) []events.Message {
	if v.kind() == object {
		if v.first("messages", "choices", "generations", "message", "content", "prompt", "role", "lc").given() {
			return messagesOf(v, role)
		}
		for _, m := range v.members() {
			if v.first("input", "output", "question", "answer", "query", "result").given() {
				m = v.first("input", "output", "question", "answer", "query", "result")
			}
			return messagesOf(m, role)
		}
		return nil
	}
	return messagesOf(v, role)
}

package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// heldSpan is a span as it stands in the file, with what its resource and its scope tell of it.
type heldSpan struct {
	raw      string
	resource *heldResource
	scope    string
}

type heldResource struct {
	attributes attributes
	content    string
}

// heldTrace is what of a trace was met so far. Its spans may lie scattered over the file.
type heldTrace struct {
	id    string
	line  int
	spans []heldSpan
}

// parseOTLP reads OTLP/JSON (opentelemetry-proto's ExportTraceServiceRequest), one or many in a file. A trace's spans
// may come in any number of pieces, so nothing is handed on before the file's end; what is held is bounded.
func parseOTLP(in *input, o Options, yield yield) {
	g := &gathering{in: in, o: o, traces: map[string]*heldTrace{}}
	stopped := false
	eachElement(in, o, func(r Record, err error) bool {
		stopped = !yield(r, err)
		return !stopped
	}, func(v value, line int) (Record, string, *flaw) {
		if g.full {
			return Record{}, "", nil
		}
		f := g.take(v, line)
		if f != nil {
			in.broken++
		}
		return Record{}, "", f
	})
	if stopped {
		return
	}
	if g.full {
		yield(Record{}, in.unreadable(0, "it holds more than %d bytes of spans, and a trace may lie scattered over all of them; split the file by trace", o.MaxHeldBytes))
		return
	}
	for _, t := range g.order {
		d := &draft{format: "otlp", line: t.line, name: t.id, run: t.id}
		record, f := Record{}, d.readSpans(in, t, o)
		if f == nil {
			record, f = d.record(in, o)
		}
		if f != nil {
			if !yield(Record{}, in.problem(t.line, t.id, f.key, "%s", f.reason)) {
				return
			}
		} else if !yield(record, nil) {
			return
		}
		delete(g.traces, t.id)
		t.spans = nil
	}
}

// gathering collects spans by trace.
type gathering struct {
	in     *input
	o      Options
	traces map[string]*heldTrace
	order  []*heldTrace
	held   int64
	full   bool
}

// take sorts one export's spans to their traces. It takes all of them or none.
func (g *gathering) take(v value, line int) *flaw {
	batches := v.first("resourceSpans", "resource_spans", "batches")
	if batches.kind() != list {
		return flawed("resourceSpans", "is missing; a file of traces holds OTLP/JSON exports")
	}
	if g.held += int64(len(v.raw())); g.held > g.o.MaxHeldBytes {
		g.full = true
		return nil
	}
	type found struct {
		trace string
		span  heldSpan
	}
	var all []found
	for i, batch := range batches.items() {
		resource := batch.get("resource")
		r := &heldResource{attributes: otlpAttributes(resource.get("attributes")), content: string(resource.appendCanonical(nil))}
		for j, scope := range batch.first("scopeSpans", "scope_spans", "instrumentationLibrarySpans").items() {
			name := scope.first("scope", "instrumentationLibrary").get("name").text()
			for k, s := range scope.get("spans").items() {
				id, ok := otlpID(s.first("traceId", "trace_id").text(), 16)
				if !ok || id == "" {
					return flawed("resourceSpans["+strconv.Itoa(i)+"].scopeSpans["+strconv.Itoa(j)+"].spans["+strconv.Itoa(k)+"].traceId",
						"%q is no trace id: 16 bytes in hex or base64", clip(s.first("traceId", "trace_id").scalar()))
				}
				all = append(all, found{id, heldSpan{raw: s.raw(), resource: r, scope: name}})
			}
		}
	}
	for _, f := range all {
		t := g.traces[f.trace]
		if t == nil {
			t = &heldTrace{id: f.trace, line: line}
			g.traces[f.trace] = t
			g.order = append(g.order, t)
		}
		t.spans = append(t.spans, f.span)
	}
	return nil
}

func (d *draft) readSpans(in *input, t *heldTrace, o Options) *flaw {
	spans := make([]span, 0, len(t.spans))
	all := make(map[string]attributes, len(t.spans))
	for _, held := range t.spans {
		v, err := new(document).parse(held.raw)
		if err != nil {
			return flawed(err.path, "%s", err.reason)
		}
		s, a, f := readSpan(v, held)
		if f != nil {
			f.key = joinKey(strings.TrimSpace("span "+s.id), f.key)
			return f
		}
		spans = append(spans, s)
		all[s.id] = a
	}
	if f := d.assemble(spans, o); f != nil {
		return f
	}
	spans = spans[:len(d.steps)]
	if in.broken > 0 {
		for i, s := range spans {
			if s.parent != "" && d.steps[i].parent < 0 {
				return flawed("", "the parent of span %s is missing, and parts of the file can't be read: the trace may be incomplete", s.id)
			}
		}
	}
	contents := make([]string, len(spans))
	for i, s := range spans {
		contents[i] = s.content
	}
	slices.Sort(contents)
	sum := sha256.Sum256([]byte(strings.Join(contents, "\n")))
	d.digest = hex.EncodeToString(sum[:])
	d.describe(spans, all, t.spans[0].resource.attributes, in, o)
	return nil
}

// describe fills in what the trace's attributes tell of the run, the top before what is beneath it.
func (d *draft) describe(spans []span, all map[string]attributes, resource attributes, in *input, o Options) {
	var order []attributes
	for _, top := range []bool{true, false} {
		for i, s := range spans {
			if (d.steps[i].parent < 0) == top {
				order = append(order, all[s.id])
			}
		}
	}
	order = append(order, resource)
	find := func(keys ...string) string {
		for _, a := range order {
			if s := a.first(keys...); s != "" {
				return s
			}
		}
		return ""
	}
	service := resource["service.name"]
	if strings.HasPrefix(service, "unknown_service") {
		service = ""
	}
	d.workflow = clean(firstOf(o.Workflow, find("langfuse.trace.name"), service), "")
	if d.workflow == "" {
		d.workflow = d.topName(workflowOf(in.name))
	}
	d.requester = find("user.id", "enduser.id", "langfuse.user.id")
	labels := map[string]string{
		"session":     find("session.id", "gen_ai.conversation.id", "langfuse.session.id"),
		"environment": find("langfuse.environment", "deployment.environment.name", "deployment.environment"),
		"release":     find("langfuse.release"),
		"version":     find("langfuse.version", "service.version"),
		"tags":        plainList(find("langfuse.trace.tags", "tag.tags")),
	}
	if clean(service, "") != d.workflow {
		labels["service"] = service
	}
	for key, s := range labels {
		if s == "" {
			delete(labels, key)
		}
	}
	if len(labels) > 0 {
		d.labels = labels
	}
}

// plainList writes a JSON list of texts with commas.
func plainList(s string) string {
	v, err := new(document).parse(s)
	if err != nil || v.kind() != list {
		return s
	}
	var out []string
	for _, item := range v.items() {
		out = append(out, item.scalar())
	}
	return strings.Join(out, ",")
}

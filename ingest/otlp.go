package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// parseOTLP reads OTLP (opentelemetry-proto's ExportTraceServiceRequest) in JSON or protobuf, one or many in a file. A
// trace's spans may come in any number of pieces, so nothing is handed on before all were read.
func parseOTLP(in *input, o Options, yield yield) {
	read := elementsOf(in, o)
	if isProtobuf(in.peek()) {
		read = protobufOf(in, o)
	}
	joined(in, o, yield, func(j *Joint, v value, line int) *flaw { return takeSpans(j, in, o, v, line) }, read)
}

// otlpAround are what answers have an export in: Tempo's of a trace, and Jaeger's.
var otlpAround = []string{"trace", "result"}

// takeSpans sorts one export's spans to their traces. It takes all of them or none.
func takeSpans(j *Joint, in *input, o Options, v value, line int) *flaw {
	for _, around := range otlpAround {
		if whole := v.get(around); whole.kind() == object {
			v = whole
		}
	}
	batches := v.first("resourceSpans", "resource_spans", "batches")
	if batches.kind() != list {
		for _, other := range []string{"resourceLogs", "resourceMetrics", "resource_logs", "resource_metrics", "resourceProfiles"} {
			if v.get(other).given() {
				in.others++
				return nil
			}
		}
		return flawed("resourceSpans", "is missing; a file of traces holds OTLP/JSON exports")
	}
	if j.weigh(len(v.raw()), o) {
		return nil
	}
	type found struct {
		trace string
		item  heldItem
	}
	var all []found
	for i, batch := range batches.items() {
		resource := batch.get("resource")
		r := &heldResource{attributes: otlpAttributes(resource.get("attributes")), content: string(resource.appendCanonical(nil))}
		for k, scope := range batch.first("scopeSpans", "scope_spans", "instrumentationLibrarySpans").items() {
			name := scope.first("scope", "instrumentationLibrary").get("name").text()
			for l, s := range scope.get("spans").items() {
				id, ok := otlpID(s.first("traceId", "trace_id").text(), 16)
				if !ok || id == "" {
					return flawed("resourceSpans["+strconv.Itoa(i)+"].scopeSpans["+strconv.Itoa(k)+"].spans["+strconv.Itoa(l)+"].traceId",
						"%q is no trace id: 16 bytes in hex or base64", clip(s.first("traceId", "trace_id").scalar()))
				}
				all = append(all, found{id, heldItem{raw: strings.Clone(s.raw()), resource: r, scope: name}})
			}
		}
	}
	for _, f := range all {
		j.keep(in, o, "otlp", f.trace, line, f.item)
	}
	return nil
}

func (d *draft) readSpans(t *heldTrace, j *Joint) (bool, *flaw) {
	spans := make([]span, 0, len(t.items))
	all := make(map[string]attributes, len(t.items))
	isRun, carries := false, false
	for _, held := range t.items {
		v, err := new(document).parse(held.raw)
		if err != nil {
			return false, flawed(err.path, "%s", err.reason)
		}
		s, a, f := readSpan(v, held)
		if f != nil {
			f.key = joinKey(strings.TrimSpace("span "+s.id), f.key)
			return false, f
		}
		isRun, carries = isRun || s.known, carries || s.transport || a.first("db.system", "db.system.name") != ""
		spans = append(spans, s)
		all[s.id] = a
	}
	if !isRun && carries {
		return false, nil
	}
	contents := make([]string, len(spans))
	for i, s := range spans {
		contents[i] = s.content
	}
	slices.Sort(contents)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(contents), "\n")))
	d.digest = hex.EncodeToString(sum[:])
	steps, f := d.assemble(spans, t.o)
	if f == nil {
		f = d.whole(spans, t, j)
	}
	if f != nil {
		return false, f
	}
	d.describe(steps, all, t.items[0].resource.attributes, t.in, t.o)
	return true, nil
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
	named := ""
	for i, s := range spans {
		if a := all[s.id]; d.steps[i].parent < 0 && a["gen_ai.operation.name"] == "invoke_workflow" {
			named = firstOf(named, a.first("gen_ai.workflow.name", "gen_ai.agent.name"))
		}
	}
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
	d.workflow = clean(firstOf(o.Workflow, withoutIDs(firstOf(find("langfuse.trace.name", "ai.telemetry.functionId"), named, service))), "")
	if d.workflow == "" {
		d.workflow = d.topName(workflowOf(in.name))
	}
	d.requester = find("user.id", "enduser.id", "langfuse.user.id", "ai.telemetry.metadata.userId", "traceloop.association.properties.user_id")
	d.conversation = find("gen_ai.conversation.id", "session.id", "langfuse.session.id", "ai.telemetry.metadata.sessionId",
		"traceloop.association.properties.session_id", "thread.id")
	labels := map[string]string{
		"environment": find("langfuse.environment", "deployment.environment.name", "deployment.environment"),
		"release":     find("langfuse.release"),
		"version":     find("langfuse.version", "service.version"),
		"tags":        plainList(find("langfuse.trace.tags", "tag.tags")),
	}
	if clean(withoutIDs(service), "") != d.workflow {
		labels["service"] = service
	}
	d.labels = givenLabels(labels)
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

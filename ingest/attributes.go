package ingest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// attributes are a span's attributes as text: numbers as written, lists and objects as JSON.
//
// Three generations of names are in use and all are read: OpenTelemetry's GenAI conventions (gen_ai.*, today's and
// the older ones), OpenInference (llm.*, openinference.span.kind, input.value), and what frameworks write beside them
// (traceloop.*, the Vercel AI SDK's ai.*, langfuse.*).
type attributes map[string]string

// first is the first of several attributes that is not empty.
func (a attributes) first(keys ...string) string {
	for _, k := range keys {
		if s := a[k]; s != "" {
			return s
		}
	}
	return ""
}

// operations turns the values of gen_ai.operation.name into kinds of steps.
var operations = map[string]events.StepKind{
	"chat": events.ChatStep, "text_completion": events.ChatStep, "generate_content": events.ChatStep,
	"completion": events.ChatStep, "execute_tool": events.ToolStep,
	"invoke_agent": events.AgentStep, "create_agent": events.AgentStep,
	"invoke_workflow": events.WorkflowStep, "plan": events.WorkflowStep,
	"retrieval": events.RetrievalStep, "embeddings": events.RetrievalStep,
}

// spanKinds turns the kinds of OpenInference, Langfuse and Traceloop, in lower case, into kinds of steps.
var spanKinds = map[string]events.StepKind{
	"llm": events.ChatStep, "generation": events.ChatStep, "tool": events.ToolStep, "agent": events.AgentStep,
	"chain": events.WorkflowStep, "workflow": events.WorkflowStep, "task": events.WorkflowStep,
	"evaluator": events.WorkflowStep, "guardrail": events.WorkflowStep,
	"retriever": events.RetrievalStep, "embedding": events.RetrievalStep, "reranker": events.RetrievalStep,
	"event": events.ActivityStep,
}

// kind is what the attributes say the step is, or empty.
func (a attributes) kind() events.StepKind {
	if k, ok := operations[a["gen_ai.operation.name"]]; ok {
		return k
	}
	for _, key := range []string{"langfuse.observation.type", "openinference.span.kind", "traceloop.span.kind"} {
		if k, ok := spanKinds[strings.ToLower(a[key])]; ok {
			return k
		}
	}
	switch a["llm.request.type"] {
	case "chat", "completion":
		return events.ChatStep
	case "embedding", "rerank":
		return events.RetrievalStep
	}
	switch op := a.first("ai.operationId"); {
	case op == "ai.toolCall":
		return events.ToolStep
	case strings.HasPrefix(op, "ai.embed"):
		return events.RetrievalStep
	case op != "":
		return events.ChatStep
	}
	switch {
	case a.first("gen_ai.tool.name", "gen_ai.tool.call.id") != "":
		return events.ToolStep
	case a.agent() != "":
		return events.AgentStep
	case a.first("gen_ai.request.model", "gen_ai.response.model", "llm.model_name") != "":
		return events.ChatStep
	case a["tool.name"] != "":
		return events.ToolStep
	}
	return ""
}

// transport tells that a span of no known kind only carries what others do: HTTP, calls to remote procedures, names,
// sockets. Instrumentations say so by their own name or by what they write.
func (a attributes) transport(scope string) bool {
	for _, prefix := range []string{
		"System.Net.", "Experimental.System.Net.", "Microsoft.AspNetCore", "@opentelemetry/instrumentation-http", "@opentelemetry/instrumentation-undici",
		"@opentelemetry/instrumentation-net", "@opentelemetry/instrumentation-dns", "@opentelemetry/instrumentation-grpc",
	} {
		if strings.HasPrefix(scope, prefix) {
			return true
		}
	}
	for _, key := range []string{
		"http.request.method", "http.method", "http.url", "http.route", "http.target", "http.status_code", "http.response.status_code",
		"rpc.system", "rpc.system.name", "rpc.method", "dns.question.name", "tls.protocol.version", "network.transport", "net.transport",
	} {
		if a[key] != "" {
			return true
		}
	}
	return a["db.system"] == "" && a["db.system.name"] == "" && a.first("network.peer.address", "net.peer.name") != ""
}

// agent is the name of the agent that the step is done by.
func (a attributes) agent() string {
	if a["gen_ai.operation.name"] == "invoke_workflow" {
		return "" // its agent's name is the workflow's
	}
	if s := a.first("gen_ai.agent.name", "agent.name", "agent_name"); s != "" {
		return s
	}
	if strings.EqualFold(a["traceloop.span.kind"], "agent") {
		return a["traceloop.entity.name"]
	}
	return ""
}

// tool is the name of the tool that a tool step calls.
func (a attributes) tool(step string) string {
	if s := a.first("gen_ai.tool.name", "tool.name", "tool_call.function.name", "ai.toolCall.name"); s != "" {
		return s
	}
	if strings.EqualFold(a["traceloop.span.kind"], "tool") && a["traceloop.entity.name"] != "" {
		return a["traceloop.entity.name"]
	}
	return strings.TrimPrefix(step, "execute_tool ")
}

// models are the model that was asked, and the one that answered.
func (a attributes) models() (asked, answered string) {
	asked = a.first("gen_ai.request.model", "llm.request.model", "ai.model.id", "embedding.model_name")
	answered = a.first("langfuse.observation.model.name", "gen_ai.response.model", "llm.model_name", "llm.response.model", "ai.response.model")
	if asked == "" {
		return answered, ""
	}
	return asked, answered
}

func (a attributes) provider() string {
	return a.first("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
}

// usage reads the tokens and the cost into a step.
func (a attributes) usage(s *draftStep) *flaw {
	var r reported
	for _, u := range []struct {
		into *int64
		keys []string
	}{
		{&r.Input, []string{
			"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens",
			"ai.usage.inputTokens", "ai.usage.promptTokens",
		}},
		{&r.Output, []string{
			"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens",
			"ai.usage.outputTokens", "ai.usage.completionTokens",
		}},
		{&r.Total, []string{"gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens", "ai.usage.totalTokens"}},
		{&r.CacheRead, []string{
			"gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.input_tokens.cached",
			"gen_ai.usage.details.cache_read_tokens", "llm.token_count.prompt_details.cache_read", "llm.usage.cache_read_input_tokens",
			"ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens",
		}},
		{&r.CacheWrite, []string{
			"gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write.input_tokens",
			"gen_ai.usage.details.cache_write_tokens", "llm.token_count.prompt_details.cache_write", "llm.usage.cache_creation_input_tokens",
			"ai.usage.inputTokenDetails.cacheWriteTokens",
		}},
		{&r.Reasoning, []string{
			"gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.output_tokens.reasoning",
			"gen_ai.usage.details.reasoning_tokens", "llm.token_count.completion_details.reasoning", "llm.usage.reasoning_tokens",
			"ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens",
		}},
	} {
		for _, key := range u.keys {
			if text := a[key]; text != "" {
				var f *flaw
				if *u.into, f = count(key, text); f != nil {
					return f
				}
				break
			}
		}
	}
	if f := r.settle("usage", s); f != nil {
		return f
	}
	for _, key := range []string{"gen_ai.usage.cost", "gen_ai.usage.total_cost", "llm.usage.total_cost", "llm.cost.total", "operation.cost"} {
		if text := a[key]; text != "" {
			var f *flaw
			s.cost, f = roundUSD(key, text)
			s.priced = true
			return f
		}
	}
	return a.langfuseUsage(s)
}

// langfuseUsage reads what Langfuse's own SDK writes: the usage and the cost as JSON.
func (a attributes) langfuseUsage(s *draftStep) *flaw {
	for _, d := range []struct{ attribute, member string }{
		{"langfuse.observation.usage_details", "usageDetails"}, {"langfuse.observation.cost_details", "costDetails"},
	} {
		text := a[d.attribute]
		if text == "" {
			continue
		}
		v, err := new(document).parse(`{"` + d.member + `":` + text + `}`)
		if err != nil {
			return flawed(d.attribute, "%s", err.reason)
		}
		if f := observationUsage(v, s); f != nil {
			f.key = d.attribute
			return f
		}
	}
	return nil
}

// finishReason is why the model stopped; it may be one text, or a list of which the first counts.
func (a attributes) finishReason() string {
	s := a.first("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.finish_reason", "ai.response.finishReason")
	if strings.HasPrefix(s, "[") {
		if v, err := new(document).parse(s); err == nil {
			for _, item := range v.items() {
				return item.scalar()
			}
			return ""
		}
	}
	return s
}

// params are the request's settings as a JSON object, or nothing.
func (a attributes) params() json.RawMessage {
	if s := a["llm.invocation_parameters"]; s != "" {
		if v, err := new(document).parse(s); err == nil && v.kind() == object {
			return v.appendCanonical(nil)
		}
	}
	var names []string
	for key := range a {
		if name, ok := strings.CutPrefix(key, "gen_ai.request."); ok && name != "model" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	b := []byte{'{'}
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		if v, err := new(document).parse(a["gen_ai.request."+name]); err == nil {
			b = v.appendCanonical(b)
		} else {
			b = appendText(b, a["gen_ai.request."+name])
		}
	}
	return append(b, '}')
}

// grouped collects the attributes that spell a list, "<prefix>.<index>.<rest>", in the order of the index.
func (a attributes) grouped(prefix string) []attributes {
	byIndex := map[int]attributes{}
	for key, value := range a {
		rest, ok := strings.CutPrefix(key, prefix+".")
		if !ok {
			continue
		}
		number, rest, _ := strings.Cut(rest, ".")
		index, err := strconv.Atoi(number)
		if err != nil || index < 0 {
			continue
		}
		if byIndex[index] == nil {
			byIndex[index] = attributes{}
		}
		byIndex[index][rest] = value
	}
	indexes := make([]int, 0, len(byIndex))
	for i := range byIndex {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	out := make([]attributes, len(indexes))
	for i, index := range indexes {
		out[i] = byIndex[index]
	}
	return out
}

// spelled reads messages that are spelled out over attributes, as OpenInference ("<prefix>.0.message.role") and
// Traceloop ("<prefix>.0.role") do.
func (a attributes) spelled(prefix, role string) []events.Message {
	var out []events.Message
	for _, g := range a.grouped(prefix) {
		s := speech{
			role: roleOf(g.first("message.role", "role"), role), name: g.first("message.name", "name"),
			id: g.first("message.tool_call_id", "tool_call_id"), whole: true,
		}
		s.add(g.first("message.content", "content"))
		s.think(g.first("message.reasoning", "reasoning"))
		for _, part := range g.grouped("message.contents") {
			if part["message_content.type"] == "reasoning" {
				s.think(part["message_content.text"])
				continue
			}
			s.add(part.first("message_content.text", "message_content.type"))
		}
		for _, call := range append(g.grouped("message.tool_calls"), g.grouped("tool_calls")...) {
			s.calls = append(s.calls, events.ToolCall{
				ID:        call.first("tool_call.id", "id"),
				Name:      call.first("tool_call.function.name", "name"),
				Arguments: call.first("tool_call.function.arguments", "arguments"),
			})
		}
		for _, h := range s.done() {
			out = append(out, h.Message)
		}
	}
	return out
}

// written reads messages out of one attribute, JSON or plain.
func (a attributes) written(role string, keys ...string) (out []events.Message) {
	for _, h := range a.heard(role, keys...) {
		out = append(out, h.Message)
	}
	return out
}

// heard is the same with what is said beside the words.
func (a attributes) heard(role string, keys ...string) []heard {
	s := a.first(keys...)
	if s == "" {
		return nil
	}
	if s[0] == '[' || s[0] == '{' || s[0] == '"' {
		if v, err := new(document).parse(s); err == nil {
			return hear(v, role)
		}
	}
	return []heard{{Message: events.Message{Role: role, Content: s}}}
}

// asked are the messages that went to the model.
func (a attributes) asked() []events.Message {
	if m := a.written("user", "gen_ai.input.messages"); m != nil {
		return append(a.written("system", "gen_ai.system_instructions"), m...)
	}
	if m := a.written("user", "gen_ai.prompt"); m != nil {
		return m
	}
	for _, prefix := range []string{"gen_ai.prompt", "llm.input_messages"} {
		if m := a.spelled(prefix, "user"); m != nil {
			return m
		}
	}
	return a.written("user", "ai.prompt.messages", "ai.prompt", "langfuse.observation.input", "input.value")
}

// answered are the messages that came from the model.
func (a attributes) answered() []events.Message {
	if m := a.written("assistant", "gen_ai.output.messages", "gen_ai.completion"); m != nil {
		return m
	}
	for _, prefix := range []string{"gen_ai.completion", "llm.output_messages"} {
		if m := a.spelled(prefix, "assistant"); m != nil {
			return m
		}
	}
	if m := append(a.written("assistant", "ai.response.text"), a.written("assistant", "ai.response.toolCalls")...); m != nil {
		return m
	}
	return a.written("assistant", "langfuse.observation.output", "output.value")
}

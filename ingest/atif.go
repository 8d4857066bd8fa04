package ingest

import (
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// parseATIF reads trajectories in the Agent Trajectory Interchange Format, versions 1.0 to 1.7, as conversations.
func parseATIF(in *input, o Options, yield yield) {
	eachElement(in, o, yield, func(v value, line int) (Record, string, *flaw) {
		return readATIF(in, o, v, line)
	})
}

func readATIF(in *input, o Options, v value, line int) (Record, string, *flaw) {
	agent := v.get("agent")
	d := &draft{format: "atif", line: line, workflow: clean(firstOf(o.Workflow, agent.get("name").text()), workflowOf(in.name))}
	if version := v.get("schema_version").text(); !strings.HasPrefix(version, "ATIF-v1.") {
		return Record{}, "", flawed("schema_version", "is %q; ATIF-v1.0 to ATIF-v1.7 are read", clip(version))
	}
	if v.get("steps").kind() != list {
		return Record{}, "", flawed("steps", "is missing; it is the list of the trajectory's steps")
	}
	d.digest = v.digest(new([]byte))
	d.conversation = v.get("session_id").scalar()
	d.run = d.workflow + "-" + firstOf(v.get("trajectory_id").scalar(), d.conversation, d.digest[:12])
	d.name = d.run
	d.labels = givenLabels(map[string]string{"version": agent.get("version").scalar()})
	if f := d.judge(v.get("extra")); f != nil {
		f.key = joinKey("extra", f.key)
		return Record{}, d.name, f
	}
	d.model = agent.get("model_name").text()
	t := trajectory{all: map[string]value{}}
	t.know(v)
	if f := t.read(v, firstOf(o.Agent, agent.get("name").text()), "", 0); f != nil {
		return Record{}, d.name, f
	}
	record, f := d.converse(in, o, v, t.turns)
	return record, d.name, f
}

// trajectory collects the turns of a trajectory and of those of its subagents.
type trajectory struct {
	turns []chatTurn
	// all are the subagents' trajectories that stand in the document, by their id, until they are read.
	all map[string]value
}

func (t *trajectory) know(v value) {
	for _, sub := range v.get("subagent_trajectories").items() {
		if id := sub.first("trajectory_id", "session_id").scalar(); id != "" {
			t.all[id] = sub
		}
		t.know(sub)
	}
}

func (t *trajectory) read(v value, agent, key string, depth int) *flaw {
	for i, step := range v.get("steps").items() {
		at := joinKey(key, "steps["+strconv.Itoa(i)+"]")
		if step.kind() != object {
			return flawed(at, "is %s, not a step", step.kind())
		}
		if step.get("is_copied_context").isTrue() {
			continue // told by the trajectory that it was copied from
		}
		s := speech{whole: true, source: step}
		switch source := step.get("source").text(); source {
		case "agent":
			s.role = "assistant"
		case "user", "system":
			s.role = source
		default:
			return flawed(at+".source", "is %q; it is user, agent or system", clip(source))
		}
		s.think(step.get("reasoning_content").text())
		s.content(step.get("message"))
		for _, call := range step.get("tool_calls").items() {
			s.calls = append(s.calls, toolCall(call))
		}
		calls := s.calls
		for _, h := range s.done() {
			t.turns = append(t.turns, chatTurn{heard: h, key: at, agent: agent})
		}
		for _, result := range step.get("observation").get("results").items() {
			for _, ref := range result.get("subagent_trajectory_ref").items() {
				id := ref.first("trajectory_id", "session_id").scalar()
				sub, known := t.all[id]
				if !known || depth > 8 {
					continue
				}
				delete(t.all, id)
				if f := t.read(sub, firstOf(sub.get("agent").get("name").text(), agent), at, depth+1); f != nil {
					return f
				}
			}
			m := events.Message{Role: "tool", Content: resultText(result.get("content")), ToolCallID: result.get("source_call_id").text()}
			if m.ToolCallID == "" && len(calls) == 1 {
				m.ToolCallID = calls[0].ID
			}
			failed := flagOf(result)
			if failed == nil {
				failed = flagOf(result.get("extra"))
			}
			t.turns = append(t.turns, chatTurn{heard: heard{Message: m, failed: failed, source: step}, key: at, agent: agent})
		}
	}
	return nil
}

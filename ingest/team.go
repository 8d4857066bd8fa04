package ingest

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// The log of a team is a conversation in which agents speak by their names, as in Who&When (arXiv 2505.00212): {history: [{name or role,
// content}], question, is_correct, mistake_agent, mistake_step}. Each message is a step of who speaks; what a terminal prints is a step of a tool.

var (
	// roles are those that say nobody's name.
	roles = map[string]bool{"": true, "user": true, "human": true, "assistant": true, "ai": true, "system": true, "developer": true, "tool": true, "function": true}
	// remark is what such logs write behind a name: whom it is for, or that it was only thought.
	remark = regexp.MustCompile(`\s*\((?:->.*|thoughts?|thinking|[a-z ]*condition)\)$`)
	// printer is a participant that only prints what came of another one's words, broke what it prints where that failed.
	printer = regexp.MustCompile(`(?i)terminal|executor`)
	broke   = regexp.MustCompile(`(?i)^\s*exitcode: [1-9]|execution failed`)
)

// speaker is who speaks in a team's log, empty where that is nobody in particular.
func speaker(message value) string {
	name := message.first("name", "agent", "speaker").text()
	if role := message.get("role").text(); name == "" && !roles[strings.ToLower(role)] {
		name = role
	}
	if name = remark.ReplaceAllString(name, ""); roles[strings.ToLower(name)] {
		return ""
	}
	return name
}

// isTeam tells that a list of messages is a team's log: at least two speak by their names, and nobody calls tools.
func isTeam(messages value) bool {
	first := ""
	two := false
	for _, m := range messages.items() {
		if m.kind() != object || m.first("tool_calls", "tool_call_id").given() {
			return false
		}
		switch who := speaker(m); {
		case who == "" || who == first:
		case first == "":
			first = who
		default:
			two = true
		}
	}
	return two
}

// teamTurns are the messages of a team's log, each agent's instructions ahead of its first one where they are told.
func teamTurns(v, messages value, key string) (turns []chatTurn) {
	told := map[string]bool{}
	before := ""
	for i, m := range messages.items() {
		t := chatTurn{key: key + "[" + strconv.Itoa(i) + "]", message: i}
		t.source = m
		for _, h := range hear(m.first("content", "text", "message"), "user") {
			t.Content = strings.TrimPrefix(t.Content+"\n"+h.Content, "\n")
		}
		who := speaker(m)
		switch {
		case who == "":
			t.Role = firstOf(strings.ToLower(m.get("role").text()), "user")
			if t.Role == "human" {
				t.Role = "user"
			}
		case printer.MatchString(who):
			t.Role, t.Name, t.prints, t.agent = "user", who, true, before
		default:
			if instructions := v.get("system_prompt").get(who).text(); instructions != "" && !told[who] {
				turns = append(turns, chatTurn{heard: heard{Message: events.Message{Role: "system", Name: who, Content: instructions}}, message: -1})
			}
			told[who] = true
			t.Role, t.Name, t.agent, before = "assistant", who, who, who
			t.used, t.named = &draftStep{}, true
		}
		turns = append(turns, t)
	}
	return turns
}

// print records what a terminal printed as a step of a tool.
func (c *conversation) print(t *chatTurn) {
	tool := clean(t.Name, "tool")
	s := draftStep{name: tool, kind: events.ToolStep, tool: tool, agent: c.agent(t), parent: -1, started: t.at, ended: t.at, outcome: events.Succeeded}
	if broke.MatchString(t.Content) {
		s.outcome, s.err = events.Failed, t.Content
	}
	c.w.startStep(c.steps, &s, nil)
	c.w.finish(c.steps, &s)
	c.steps++
	c.asked = append(c.asked, t.Message)
}

// mistaken is what whoever labelled a team's log says of where it went wrong first: feedback on that step.
func (d *draft) mistaken(v value, stepOf map[int]int, steps int) {
	agent, reason := v.get("mistake_agent").scalar(), v.get("mistake_reason").scalar()
	if agent == "" && reason == "" {
		return
	}
	fb := draftFeedback{step: -1, user: "annotation", name: "mistake", label: agent, text: reason}
	if at, err := strconv.Atoi(v.get("mistake_step").scalar()); err == nil {
		if step, ok := stepOf[at]; ok && step < steps {
			fb.step = step
		}
	}
	d.feedback = append(d.feedback, fb)
}

package apitest

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// CheckBlocks holds a list of blocks to Slack's limits: most is how many there may be. It returns what is wrong, or nothing.
func CheckBlocks(blocks string, most int) string {
	if blocks == "" || blocks == "null" {
		return ""
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(blocks), &list); err != nil {
		return "not a list of blocks: " + err.Error()
	}
	if len(list) > most {
		return fmt.Sprintf("%d blocks, at most %d", len(list), most)
	}
	c := &checker{ids: map[string]bool{}}
	for i, block := range list {
		if c.block(block); c.wrong != "" {
			return fmt.Sprintf("block %d: %s", i, c.wrong)
		}
	}
	if c.markdown > maxMarkdown {
		return fmt.Sprintf("%d characters of markdown, at most %d", c.markdown, maxMarkdown)
	}
	return ""
}

type checker struct {
	ids      map[string]bool
	markdown int
	wrong    string
}

func (c *checker) say(format string, args ...any) {
	if c.wrong == "" {
		c.wrong = fmt.Sprintf(format, args...)
	}
}

func str(m map[string]any, key string) string { s, _ := m[key].(string); return s }

func objects(v any) []map[string]any {
	var out []map[string]any
	list, _ := v.([]any)
	for _, e := range list {
		m, _ := e.(map[string]any)
		out = append(out, m)
	}
	return out
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

// text holds a text object to a limit, and to a type where one is given.
func (c *checker) text(where string, v any, most int, kind string) {
	m := object(v)
	n := utf8.RuneCountInString(str(m, "text"))
	switch t := str(m, "type"); {
	case m == nil || t != "plain_text" && t != "mrkdwn":
		c.say("%s is no text object", where)
	case kind != "" && t != kind:
		c.say("%s must be %s", where, kind)
	case n == 0 || n > most:
		c.say("%s has %d characters, 1 to %d", where, n, most)
	case t == "mrkdwn" && m["emoji"] != nil:
		c.say("%s: emoji goes with plain_text only", where)
	}
}

func (c *checker) block(b map[string]any) {
	if id := str(b, "block_id"); id != "" {
		if c.ids[id] || utf8.RuneCountInString(id) > 255 {
			c.say("block_id %q is there twice or too long", id)
		}
		c.ids[id] = true
	}
	switch kind := str(b, "type"); kind {
	case "section":
		fields := objects(b["fields"])
		if b["text"] == nil && len(fields) == 0 || len(fields) > 10 {
			c.say("a section has a text or up to 10 fields")
		}
		if b["text"] != nil {
			c.text("the section", b["text"], 3000, "")
		}
		for _, f := range fields {
			c.text("a field", f, 2000, "")
		}
		if accessory := object(b["accessory"]); accessory != nil {
			c.element("actions", accessory)
		}
	case "header":
		c.text("the header", b["text"], 150, "plain_text")
	case "markdown":
		n := utf8.RuneCountInString(str(b, "text"))
		if c.markdown += n; n == 0 {
			c.say("an empty markdown block")
		}
	case "divider":
	case "plan":
		if title := str(b, "title"); title == "" || utf8.RuneCountInString(title) > 200 {
			c.say("a plan has a title of up to 200 characters")
		}
		tasks := map[string]bool{}
		for _, t := range objects(b["tasks"]) {
			id, title := str(t, "task_id"), str(t, "title")
			if id == "" || tasks[id] || title == "" || utf8.RuneCountInString(title) > 200 {
				c.say("the task %q is there twice, or has no id or no title of up to 200 characters", id)
			}
			tasks[id] = true
			if s := str(t, "status"); s != "pending" && s != "in_progress" && s != "complete" && s != "error" {
				c.say("a task of status %q", s)
			}
			if details := object(t["details"]); details != nil && str(details, "type") != "rich_text" {
				c.say("the details of a task are rich text")
			}
		}
	case "context":
		elements := objects(b["elements"])
		if len(elements) == 0 || len(elements) > 10 {
			c.say("a context has 1 to 10 elements")
		}
		for _, e := range elements {
			c.text("an element", e, 3000, "")
		}
	case "actions", "context_actions":
		elements := objects(b["elements"])
		most := map[string]int{"actions": 25, "context_actions": 5}[kind]
		if len(elements) == 0 || len(elements) > most {
			c.say("%s has 1 to %d elements", kind, most)
		}
		actions := map[string]bool{}
		for _, e := range elements {
			if id := str(e, "action_id"); id == "" || len(id) > 255 || actions[id] {
				c.say("action_id %q is missing, there twice or too long", id)
			}
			actions[str(e, "action_id")] = true
			c.element(kind, e)
		}
	case "input":
		c.text("the label", b["label"], 2000, "plain_text")
		switch t := str(object(b["element"]), "type"); t {
		case "plain_text_input", "checkboxes":
		case "static_select":
			options := objects(object(b["element"])["options"])
			if len(options) == 0 || len(options) > 100 {
				c.say("a choice has 1 to 100 options")
			}
			for _, o := range options {
				c.text("an option", o["text"], 75, "plain_text")
				if v := str(o, "value"); v == "" || utf8.RuneCountInString(v) > 150 {
					c.say("an option has no value, or one that is too long")
				}
			}
		default:
			c.say("an input of type %q", t)
		}
	default:
		c.say("a block of type %q", kind)
	}
}

func (c *checker) element(within string, e map[string]any) {
	switch kind := str(e, "type"); {
	case kind == "button" && within == "actions":
		c.text("the button", e["text"], 75, "plain_text")
		if len(str(e, "value")) > 2000 {
			c.say("a button's value is too long")
		}
		if s := str(e, "style"); s != "" && s != "primary" && s != "danger" {
			c.say("a button of style %q", s)
		}
	case kind == "feedback_buttons" && within == "context_actions":
		for _, side := range []string{"positive_button", "negative_button"} {
			b := object(e[side])
			c.text(side, b["text"], 75, "plain_text")
			if v := str(b, "value"); v == "" || len(v) > 2000 {
				c.say("%s has no value, or one that is too long", side)
			}
		}
	default:
		c.say("an element of type %q in %s", kind, within)
	}
}

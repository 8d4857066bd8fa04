package orchestrator

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

var (
	// item is a line of a list.
	item = regexp.MustCompile(`^\s*(?:[-*•]|\d+[.)])\s+(.+)$`)
	// then stands between what comes one after the other.
	then = regexp.MustCompile(`(?i)\s*(?:,\s*(?:and\s+)?then|;\s*then|\.\s+then|->|→)\s+`)
)

// template makes tasks of a goal where no model can be asked, and names how: a list is done at once and put together, what
// stands one behind the other is done so, and anything else is looked into, done and checked.
func template(goal string) (name string, tasks []events.GoalTask) {
	task := func(title, instruction string, on ...string) {
		tasks = append(tasks, events.GoalTask{
			Task: fmt.Sprintf("step-%d", len(tasks)+1), Title: short(title), Instruction: instruction, DependsOn: on, Retries: 1,
		})
	}
	if items := itemsOf(goal); len(items) > 1 {
		var all []string
		for _, it := range items {
			task(it, it)
			all = append(all, tasks[len(tasks)-1].Task)
		}
		task("put it together", "Put the results together.", all...)
		return "list", tasks
	}
	if parts := then.Split(strings.TrimSpace(goal), -1); len(parts) > 1 {
		for i, part := range parts {
			if i == 0 {
				task(part, part)
			} else {
				task(part, part, tasks[i-1].Task)
			}
		}
		return "chain", tasks
	}
	task("look into it", "Find out what is needed for this: "+goal)
	task("do it", goal, "step-1")
	task("check it", "Check whether this was reached, and tell the result: "+goal, "step-2")
	return "look, do, check", tasks
}

// itemsOf are the items of a list: its lines, or what stands between semicolons.
func itemsOf(goal string) (items []string) {
	for line := range strings.Lines(goal) {
		if m := item.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
			items = append(items, m[1])
		}
	}
	if len(items) > 1 || then.MatchString(goal) {
		return items
	}
	items = nil
	for part := range strings.SplitSeq(goal, ";") {
		if part = strings.TrimSpace(part); part != "" {
			items = append(items, part)
		}
	}
	return items
}

// short is the beginning of a text, for a title.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

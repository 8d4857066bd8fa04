package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestTask(t *testing.T) {
	t.Parallel()
	opened := events.TaskOpened{Task: "t", Workflow: "checkout", Title: "Refund", Run: "r", Assignee: "clerk"}
	done := events.TaskUpdated{Status: events.TaskDone}
	update := func(status events.TaskStatus, note, assignee string) commands.Command {
		return commands.UpdateTask{Task: "t", Status: status, Note: note, Assignee: assignee}
	}
	all := scenarios{
		"open":           {when: commands.OpenTask{Task: "t", Workflow: "checkout", Title: "Refund", Run: "r", Assignee: "clerk"}, then: []events.Event{opened}},
		"open again":     {given: []events.Event{opened, done}, when: commands.OpenTask{Task: "t"}, err: aggregates.ErrExists},
		"update":         {given: []events.Event{opened}, when: update(events.TaskBlocked, "waits", "anna"), then: []events.Event{events.TaskUpdated{Status: events.TaskBlocked, Note: "waits", Assignee: "anna"}}},
		"note":           {given: []events.Event{opened}, when: update("", "waits", ""), then: []events.Event{events.TaskUpdated{Note: "waits"}}},
		"note again":     {given: []events.Event{opened, events.TaskUpdated{Note: "waits"}}, when: update("", "waits", ""), then: []events.Event{events.TaskUpdated{Note: "waits"}}},
		"update nothing": {given: []events.Event{opened}, when: update("", "", "")},
		"as it is":       {given: []events.Event{opened}, when: update(events.TaskOpen, "", "clerk")},
		"another's now":  {given: []events.Event{opened, events.TaskUpdated{Assignee: "anna"}}, when: update("", "", "anna")},
		"back to him":    {given: []events.Event{opened, events.TaskUpdated{Assignee: "anna"}}, when: update("", "", "clerk"), then: []events.Event{events.TaskUpdated{Assignee: "clerk"}}},
		"still his":      {given: []events.Event{opened, done}, when: update("", "", "clerk")},
		"done is kept":   {given: []events.Event{opened, done, events.TaskUpdated{Note: "n"}}, when: update(events.TaskDone, "", "")},
		"open once more": {given: []events.Event{opened, done}, when: update(events.TaskOpen, "", ""), then: []events.Event{events.TaskUpdated{Status: events.TaskOpen}}},
		"unknown status": {given: []events.Event{opened}, when: update("lost", "", ""), err: aggregates.ErrInvalid},
		"unknown task":   {when: update(events.TaskDone, "", ""), err: aggregates.ErrMissing},
	}
	for _, status := range []events.TaskStatus{events.TaskInProgress, events.TaskBlocked, events.TaskDone, events.TaskDropped} {
		all["to "+string(status)] = scenario{given: []events.Event{opened}, when: update(status, "", ""), then: []events.Event{events.TaskUpdated{Status: status}}}
	}
	all.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.OpenTask{Task: name} })
}

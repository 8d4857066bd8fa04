package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// toldWaiting is of how many tasks it is told that they wait for a greater share: where money is short, all of them do.
const toldWaiting = 3

// goalTeller tells what happens to a goal on out, and on err what it waits for a person to do, each once.
type goalTeller struct {
	out, err io.Writer
	goal     projections.GoalRow
	// told are the questions and the approvals that a person knows of.
	told map[string]bool
	// waiting counts the tasks that waited for a greater share.
	waiting int
}

// teller tells of a goal from here on, and what it waits for already.
func (a *app) teller(ctx context.Context, goal projections.GoalRow, asJSON bool) (*goalTeller, error) {
	t := &goalTeller{out: a.out, err: a.err, goal: goal, told: map[string]bool{}}
	if asJSON {
		t.out = io.Discard
	}
	asked, err := a.own().Approvals(ctx, projections.ApprovalAsked)
	if err != nil {
		return nil, err
	}
	for _, r := range asked {
		if runOf(goal.Goal, r.Run) {
			t.wants(events.RunApprovalAsked{Approval: r.Approval, Agent: r.Agent, Tool: r.Tool, Arguments: r.Arguments, Expires: r.ExpiresAt})
		}
	}
	return t, nil
}

// runOf tells of a run that it is one of a goal's, by its name.
func runOf(goal, run string) bool { return strings.HasPrefix(run, goal+".") }

// waits tells of a fact that a run of a goal waits for something.
func waits(e *events.Envelope, workspace, goal string) bool {
	switch e.Kind {
	case events.RunApprovalAsked{}.Kind(), events.RunSuspended{}.Kind():
		return e.Workspace == workspace && runOf(goal, events.Identity(e.Stream))
	}
	return false
}

// tell takes a fact of the goal, or what one of its runs waits for.
func (t *goalTeller) tell(e *events.Envelope, fact events.Event) {
	switch f := fact.(type) {
	case events.Goal:
		t.happens(f)
		t.goal = t.goal.After(f, e.OccurredAt)
		t.questions()
	case events.RunApprovalAsked:
		t.wants(f)
	case events.RunSuspended:
		if f.Budget != commands.GoalBudget(t.goal.Goal) { // the goal tells of that itself
			fmt.Fprintf(t.err, "virtuous6: run %s waits: %s\n", oneLine(events.Identity(e.Stream)), oneLine(f.Reason))
		}
	}
}

// questions tells what a person is asked by now.
func (t *goalTeller) questions() {
	for _, q := range t.goal.Questions() {
		if !t.told[q.Task] {
			t.told[q.Task] = true
			fmt.Fprintf(t.err, "virtuous6: the goal waits for a person: %s\n", questionOf(t.goal.Goal, q))
		}
	}
}

// wants tells which call a person is to decide on.
func (t *goalTeller) wants(asked events.RunApprovalAsked) {
	if !t.told[asked.Approval] {
		t.told[asked.Approval] = true
		tellWants(t.err, asked)
	}
}

// happens writes a fact, in one line.
func (t *goalTeller) happens(fact events.Event) {
	switch f := fact.(type) {
	case events.GoalPlanned:
		fmt.Fprintf(t.out, "planned: %d tasks by %s\n", len(f.Tasks), f.Source)
	case events.GoalTaskStarted:
		fmt.Fprintf(t.out, "%s: %s begins", f.Task, cmp.Or(oneLine(f.Agent), "whoever fits best"))
		if f.Attempt > 1 {
			fmt.Fprintf(t.out, " (attempt %d)", f.Attempt)
		}
		fmt.Fprintln(t.out)
	case events.GoalTasksAssigned:
		for _, g := range f.Tasks {
			fmt.Fprintf(t.out, "%s: for %s, by %s: %s\n", g.Task, cmp.Or(oneLine(g.Agent), "whoever fits best"), g.AssignedBy, short(g.Reason, 120))
		}
	case events.GoalTaskShort:
		switch t.waiting++; {
		case t.waiting <= toldWaiting:
			fmt.Fprintf(t.out, "%s: waits for a greater share of the money, $%s in all\n", f.Task, f.NeedsNanos)
		case t.waiting == toldWaiting+1:
			fmt.Fprintln(t.out, "others wait for a greater share too")
		}
	case events.GoalAgentAsked:
		fmt.Fprintf(t.out, "%s: %s asks %s: %s\n", f.Task, oneLine(f.From), oneLine(f.To), short(f.Text, 120))
	case events.GoalTaskHandedOver:
		fmt.Fprintf(t.out, "%s: %s hands it over to %s\n", f.Task, oneLine(f.From), oneLine(f.To))
	case events.GoalTaskFinished:
		fmt.Fprintf(t.out, "%s: done\n", f.Task)
	case events.GoalTaskFailed:
		fmt.Fprintf(t.out, "%s: failed, %s: %s\n", f.Task, f.Next, short(f.Reason, 200))
	case events.GoalTaskSkipped:
		fmt.Fprintf(t.out, "%s: skipped: %s\n", f.Task, short(f.Reason, 200))
	}
}

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// timelineWidth is how many characters the whole time of a goal is drawn on.
const timelineWidth = 32

// tasksOf lists a goal's tasks with a line of time each, a few where they are more: 0 for all.
func (a *app) tasksOf(g projections.GoalRow, few int) error {
	now := a.clock()
	from, to := time.Time{}, time.Time{}
	for _, t := range g.Tasks {
		if t.StartedAt != nil && (from.IsZero() || t.StartedAt.Before(from)) {
			from = *t.StartedAt
		}
		if t.EndedAt != nil && t.EndedAt.After(to) {
			to = *t.EndedAt
		}
		if t.Status.UnderWay() {
			to = now
		}
	}
	chosen, left := g.Tasks, ""
	if few > 0 && len(g.Tasks) > few {
		chosen, left = atWork(g.Tasks, few)
	}
	defer func() { fmt.Fprint(a.out, left) }()
	return table(a.out, "TASK|STATUS|AGENT|BY|TOOK|COST|TIME|NEEDS|TITLE", func(row func(...any)) {
		for _, t := range chosen {
			took, bar := "-", ""
			if t.StartedAt != nil {
				end := now
				if t.EndedAt != nil {
					end = *t.EndedAt
				}
				took, bar = secondsOf(max(end.Sub(*t.StartedAt), 0).Seconds()), timeline(*t.StartedAt, end, from, to)
			}
			what := cmp.Or(t.Title, t.Task)
			if t.Question != "" && !t.Status.Ended() {
				what = "asks: " + t.Question
			}
			if t.Reason != "" {
				what += ": " + t.Reason
			}
			row(t.Task, standing(t.Status), orDash(short(t.Agent, 20)), orDash(string(t.AssignedBy)), took, spent(t.Spent()), orDash(bar), orDash(needs(t.DependsOn)), short(what, 60))
		}
	})
}

// standing is a task's status in words.
func standing(s projections.GoalTaskStatus) string { return strings.ReplaceAll(string(s), "_", " ") }

// atWork are n of many tasks, in their order: those under way, what failed, what ended last and what comes next. left counts the others.
func atWork(tasks []projections.GoalTaskRow, n int) (chosen []projections.GoalTaskRow, left string) {
	type ranked struct {
		at, rank int
		ended    time.Time
	}
	all := make([]ranked, len(tasks))
	for i, t := range tasks {
		all[i] = ranked{at: i, rank: 3}
		switch {
		case t.Status.UnderWay():
			all[i].rank = 0
		case t.Status == projections.TaskFailed:
			all[i].rank = 1
		case t.Status.Ended() && t.EndedAt != nil:
			all[i].ended = *t.EndedAt
		}
	}
	// A third of the room is for what ended last.
	last := slices.Clone(all)
	slices.SortStableFunc(last, func(a, b ranked) int { return b.ended.Compare(a.ended) })
	for _, r := range last[:n/3] {
		if !r.ended.IsZero() {
			all[r.at].rank = 2
		}
	}
	for i, r := range all {
		if r.rank == 3 && tasks[i].Status.Ended() {
			all[i].rank = 4
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	shown, others := all[:n], map[projections.GoalTaskStatus]int{}
	for _, r := range all[n:] {
		others[tasks[r.at].Status]++
	}
	slices.SortFunc(shown, func(a, b ranked) int { return cmp.Compare(a.at, b.at) })
	for _, r := range shown {
		chosen = append(chosen, tasks[r.at])
	}
	var counts []string
	for _, status := range slices.Sorted(maps.Keys(others)) {
		counts = append(counts, fmt.Sprintf("%d %s", others[status], standing(status)))
	}
	return chosen, fmt.Sprintf("and %d more: %s\n", len(tasks)-n, strings.Join(counts, ", "))
}

// shownAssignments is how many reasons are told why agents do tasks.
const shownAssignments = 12

// assignments tells why agents do tasks for which the plan named nobody.
func (a *app) assignments(g projections.GoalRow) {
	type reason struct {
		agent string
		by    events.AssignedBy
		why   string
	}
	var order []reason
	of := map[reason][]string{}
	for _, t := range g.Tasks {
		switch t.AssignedBy {
		case events.AssignedByHistory, events.AssignedByModel, events.AssignedByWords:
			r := reason{t.Agent, t.AssignedBy, t.Assigned}
			if t.AssignedBy == events.AssignedByWords {
				r.agent = ""
			}
			if of[r] == nil {
				order = append(order, r)
			}
			of[r] = append(of[r], t.Task)
		case events.AssignedByPlan, events.AssignedByPerson, events.AssignedByAgent, events.AssignedByFailure:
		}
	}
	if len(order) > 0 {
		fmt.Fprintln(a.out)
	}
	for _, r := range order[:min(len(order), shownAssignments)] {
		fmt.Fprintf(a.out, "%s: for %s, by %s: %s\n", needs(of[r]), cmp.Or(oneLine(r.agent), "whoever fits best"), r.by, short(r.why, 200))
	}
	if more := len(order) - shownAssignments; more > 0 {
		fmt.Fprintf(a.out, "and %d more reasons: --json gives all\n", more)
	}
}

// shownNeeds is how many tasks are named in one place.
const shownNeeds = 4

// needs names tasks, as many as there is room for.
func needs(tasks []string) string {
	if n := len(tasks) - shownNeeds; n > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(tasks[:shownNeeds], " "), n)
	}
	return strings.Join(tasks, " ")
}

// timeline draws when something was, within the time of the whole.
func timeline(start, end, from, to time.Time) string {
	whole := to.Sub(from)
	if whole <= 0 {
		return strings.Repeat("#", 1)
	}
	at := func(t time.Time) int {
		return min(max(int(int64(timelineWidth)*int64(t.Sub(from))/int64(whole)), 0), timelineWidth)
	}
	first := min(at(start), timelineWidth-1)
	last := max(at(end), first+1)
	return strings.Repeat(".", first) + strings.Repeat("#", last-first) + strings.Repeat(".", timelineWidth-last)
}

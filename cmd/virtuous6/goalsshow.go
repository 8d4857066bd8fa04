package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

type goalsShowVerb struct {
	Goal  string `arg:"" help:"The goal."`
	Watch bool   `help:"Show it until it has ended."`
	JSON  bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives examples.
func (goalsShowVerb) Help() string {
	return "Examples:\n  virtuous6 goals show 019a\n  virtuous6 goals show 019a --watch"
}

// Run shows a goal.
func (v goalsShowVerb) Run(ctx context.Context, a *app) error {
	if v.Watch && (v.JSON || v.AsOf.given) {
		return usage("--watch: leave out --json and --as-of")
	}
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	goal, err := findGoal(ctx, reader, v.Goal)
	switch {
	case err != nil:
		return err
	case !v.Watch:
		return a.showGoal(ctx, goal, v.JSON, 0)
	}
	return a.watchGoal(ctx, goal)
}

// watchedTasks is how many tasks of a goal are shown in one place.
const watchedTasks = 14

// watchGoal shows a goal until it has ended.
func (a *app) watchGoal(ctx context.Context, goal projections.GoalRow) error {
	return a.watch(ctx, func() (at uint64, over bool, show func(bool) error, err error) {
		goal, err := findGoal(ctx, a.own(), goal.Goal)
		return goal.Position, goal.Status.Ended(), func(inPlace bool) error {
			few := 0
			if inPlace && !goal.Status.Ended() {
				few = watchedTasks
			}
			return a.showGoal(ctx, goal, false, few)
		}, err
	})
}

// goalReport is what `goals show --json` prints.
type goalReport struct {
	Goal     projections.GoalRow      `json:"goal"`
	Progress projections.GoalProgress `json:"progress"`
	// Result is the answer of the task that nothing else needs, where there is one and it is done.
	Result string `json:"result"`
	// Children are the goals that are a part of it.
	Children []string `json:"children"`
	// Estimate is what its open tasks will take, nil once it has ended or before it has a plan.
	Estimate *orchestrator.Estimate `json:"estimate"`
}

// showGoal shows a goal, of its tasks a few where they are more, 0 for all.
func (a *app) showGoal(ctx context.Context, g projections.GoalRow, asJSON bool, few int) error {
	report := goalReport{Goal: g, Progress: g.Progress(a.clock()), Children: []string{}}
	var err error
	if report.Result, err = a.resultOf(ctx, g); err != nil {
		return err
	}
	all, err := a.own().Goals(ctx)
	if err != nil {
		return err
	}
	children := map[string]projections.GoalRow{}
	for _, other := range all {
		if other.Parent == g.Goal {
			report.Children = append(report.Children, other.Goal)
			children[other.Goal] = other
		}
	}
	if len(g.Tasks) > 0 && !g.Status.Ended() {
		estimate, err := orchestrator.EstimateGoal(ctx, a.own(), g)
		if err != nil {
			return err
		}
		report.Estimate = &estimate
	}
	if asJSON {
		return a.json(report)
	}
	a.headGoal(g, report.Progress)
	a.estimate(report.Estimate)
	if !g.Status.Ended() {
		a.teams(g)
	}
	a.questions(g)
	talks, err := a.own().Talks(ctx, g.Goal)
	if err != nil {
		return err
	}
	if n := len(talks); n > 0 {
		fmt.Fprintf(a.out, "its agents spoke to one another (%d): `virtuous6 goals talk %s` shows what they said\n", n, g.Goal)
	}
	if len(g.Tasks) > 0 {
		fmt.Fprintln(a.out)
		if err := a.tasksOf(g, few); err != nil {
			return err
		}
		if few == 0 {
			a.assignments(g)
		}
	}
	for _, name := range report.Children {
		child := children[name]
		fmt.Fprintf(a.out, "part: %s %s, %d%%: %s\n", name, child.Status, child.Progress(a.clock()).Percent, short(child.Prompt, 60))
	}
	if report.Result != "" {
		fmt.Fprintf(a.out, "\n%s\n", report.Result)
	}
	return nil
}

func (a *app) headGoal(g projections.GoalRow, p projections.GoalProgress) {
	fmt.Fprintf(a.out, "%s: %s\n", g.Goal, short(g.Prompt, 200))
	line := []string{string(g.Level) + " goal, " + string(g.Status)}
	if n := len(g.Tasks); n > 0 {
		line = append(line, fmt.Sprintf("%d%%: %d of %d tasks done", p.Percent, p.Done, n))
	}
	for _, c := range []struct {
		n    int
		what string
	}{{p.Running, "under way"}, {p.Short, "waiting for budget"}, {p.Failed, "failed"}, {p.Skipped, "skipped"}} {
		if c.n > 0 {
			line = append(line, fmt.Sprint(c.n, " ", c.what))
		}
	}
	money := spent(g.Cost) + " spent"
	if g.Cost == (events.Cost{}) {
		money = "nothing spent"
	}
	if g.LimitNanos > 0 {
		money += " of $" + g.LimitNanos.String()
	}
	if !g.Whole() {
		money += ", " + g.Lacks()
	}
	fmt.Fprintln(a.out, strings.Join(append(line, money), ", "))
	if g.Reason != "" {
		fmt.Fprintf(a.out, "why: %s\n", short(g.Reason, 400))
	}
	paused := g.Status == projections.GoalPaused
	switch {
	case paused && strings.HasPrefix(g.Reason, aggregates.ErrBudget.Error()):
		fmt.Fprintf(a.out, "more money: `virtuous6 goals resume %s --limit USD`\n", g.Goal)
	case paused:
		fmt.Fprintf(a.out, "go on with it: `virtuous6 goals resume %s`\n", g.Goal)
	}
	if g.Approval != "" {
		fmt.Fprintf(a.out, "waits for approval: %s: `virtuous6 goals approve %s`\n", short(g.Approval, 200), g.Goal)
	}
	if g.PlanSource != "" {
		fmt.Fprintf(a.out, "plan: by %s", g.PlanSource)
		if g.PlanOf != "" {
			fmt.Fprintf(a.out, " (%s)", oneLine(g.PlanOf))
		}
		if g.Note != "" {
			fmt.Fprintf(a.out, ", %s", short(g.Note, 200))
		}
		fmt.Fprintln(a.out)
	}
	for _, arm := range g.Arms {
		fmt.Fprintf(a.out, "drawn as %s in %s, with a chance of %s\n", arm.Arm, oneLine(arm.Experiment), percent(int64(arm.Permille)))
	}
	if !g.StartedAt.IsZero() {
		fmt.Fprintf(a.out, "%s since its start, the longest chain in it %s", secondsOf(p.MakespanSeconds), secondsOf(p.CriticalSeconds))
		if p.RemainingSeconds != nil && !paused {
			fmt.Fprintf(a.out, ", about %s left", secondsOf(*p.RemainingSeconds))
		}
		switch {
		case paused:
		case p.Full:
			fmt.Fprintf(a.out, ", %d tasks at a time", g.Parallel)
		case p.Bottleneck != "":
			fmt.Fprintf(a.out, ", all waits for %s", p.Bottleneck)
		}
		fmt.Fprintln(a.out)
	}
}

// estimate tells what is to be expected of what is left.
func (a *app) estimate(e *orchestrator.Estimate) {
	switch {
	case e == nil || e.Tasks == 0:
	case e.Known == 0:
		fmt.Fprintln(a.out, "no estimate: it takes three runs of tasks with these titles, and there are fewer")
	default:
		fmt.Fprintf(a.out, "estimate, from %d runs of like tasks: %s along the longest chain, %s (80%% interval %s to %s), all at the first attempt in %.0f of 100 cases",
			e.Runs, secondsOf(e.Seconds), dollars(events.Nanos(e.Cost)), dollars(events.Nanos(e.CostLow)), dollars(events.Nanos(e.CostHigh)), 100*e.Chance)
		if e.Known < e.Tasks {
			fmt.Fprintf(a.out, "; of %d of the %d tasks nothing is known", e.Tasks-e.Known, e.Tasks)
		}
		if e.Unpriced > 0 {
			fmt.Fprintf(a.out, "; what %d of them cost is not known, and not in it", e.Unpriced)
		}
		fmt.Fprintln(a.out)
	}
}

// questions tells what a person is asked by now, and how it is answered.
func (a *app) questions(g projections.GoalRow) {
	for _, t := range g.Questions() {
		fmt.Fprintln(a.out, questionOf(g.Goal, t))
	}
}

// questionOf is the question that a task of a goal is, with the command that answers it.
func questionOf(goal string, t projections.GoalTaskRow) string {
	return fmt.Sprintf("%s asks: %s: `virtuous6 goals answer %s %[1]s \"...\"`", t.Task, short(t.Question, 200), goal)
}

// teams tells which tasks several agents do together, and what that costs.
func (a *app) teams(g projections.GoalRow) {
	var order []string
	of := map[string][]projections.GoalTaskRow{}
	for _, t := range g.Tasks {
		if t.Team == "" {
			continue
		}
		if of[t.Team] == nil {
			order = append(order, t.Team)
		}
		of[t.Team] = append(of[t.Team], t)
	}
	for _, team := range order {
		var sum events.Nanos
		unknown := 0
		for _, t := range of[team] {
			sum = events.Add(sum, events.Nanos(t.Estimate))
			if t.Estimate == 0 {
				unknown++
			}
		}
		cost := "about " + dollars(sum)
		switch {
		case unknown == len(of[team]):
			cost = "nobody knows at what cost"
		case unknown > 0:
			cost = fmt.Sprintf("%s and what %d of them cost that nobody knows", cost, unknown)
		}
		fmt.Fprintf(a.out, "team, %s: %d runs instead of one, %s\n", team, len(of[team]), cost)
	}
}

// resultOf is the answer of the task that no other one needs, where it is the only such one and is done.
func (a *app) resultOf(ctx context.Context, g projections.GoalRow) (string, error) {
	needed := map[string]bool{}
	for _, t := range g.Tasks {
		for _, on := range t.DependsOn {
			needed[on] = true
		}
	}
	var last []projections.GoalTaskRow
	for _, t := range g.Tasks {
		if !needed[t.Task] {
			last = append(last, t)
		}
	}
	if len(last) != 1 || last[0].Status != projections.TaskDone {
		return "", nil
	}
	run, _, err := a.own().Run(ctx, last[0].Run)
	if errors.Is(err, projections.ErrNotFound) {
		return "", nil
	}
	if err == nil {
		err = replay.Texts(ctx, a.store, &run)
	}
	return run.Answer, err
}

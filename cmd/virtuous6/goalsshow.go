package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

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
	if err != nil || !v.Watch {
		return errors.Join(err, a.showGoal(ctx, goal, v.JSON))
	}
	return a.watchGoal(ctx, goal)
}

// watchEvery is how often a goal that is watched is looked at.
const watchEvery = time.Second

// watchGoal shows a goal until it has ended: on a terminal in one place, elsewhere whenever something has changed.
func (a *app) watchGoal(ctx context.Context, goal projections.GoalRow) error {
	var terminal io.Writer
	if s, ok := a.out.(*screen); ok {
		if o, ok := s.to.(output); ok {
			if f, ok := o.Writer.(*os.File); ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb" {
				terminal = f
			}
		}
	}
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var shown uint64
	for {
		if terminal != nil || goal.Position != shown {
			shown = goal.Position
			if terminal != nil {
				fmt.Fprint(terminal, "\x1b[H\x1b[2J")
			}
			if err := a.showGoal(ctx, goal, false); err != nil {
				return err
			}
		}
		if goal.Status.Ended() {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := a.catchUp(ctx); err != nil {
			return err
		}
		var err error
		if goal, err = findGoal(ctx, a.own(), goal.Goal); err != nil {
			return err
		}
	}
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

func (a *app) showGoal(ctx context.Context, g projections.GoalRow, asJSON bool) error {
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
	a.teams(g)
	talks, err := a.own().Talks(ctx, g.Goal)
	if err != nil {
		return err
	}
	if n := len(talks); n > 0 {
		fmt.Fprintf(a.out, "its agents spoke to one another (%d): `virtuous6 goals talk %s` shows what they said\n", n, g.Goal)
	}
	if len(g.Tasks) > 0 {
		fmt.Fprintln(a.out)
		if err := a.tasksOf(g); err != nil {
			return err
		}
		a.assignments(g)
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
	}{{p.Running, "under way"}, {p.Failed, "failed"}, {p.Skipped, "skipped"}} {
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
	if !g.StartedAt.IsZero() {
		fmt.Fprintf(a.out, "%s since its start, the longest chain in it %s", secondsOf(p.MakespanSeconds), secondsOf(p.CriticalSeconds))
		if p.RemainingSeconds != nil {
			fmt.Fprintf(a.out, ", about %s left", secondsOf(*p.RemainingSeconds))
		}
		if p.Bottleneck != "" {
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
		fmt.Fprintln(a.out, "no estimate: it takes three runs of like tasks, and there are fewer")
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

// timelineWidth is how many characters the whole time of a goal is drawn on.
const timelineWidth = 32

// tasksOf lists a goal's tasks with a line of time each.
func (a *app) tasksOf(g projections.GoalRow) error {
	now := a.clock()
	from, to := time.Time{}, time.Time{}
	for _, t := range g.Tasks {
		if t.StartedAt != nil && (from.IsZero() || t.StartedAt.Before(from)) {
			from = *t.StartedAt
		}
		if t.EndedAt != nil && t.EndedAt.After(to) {
			to = *t.EndedAt
		}
		if t.Status == projections.TaskRunning {
			to = now
		}
	}
	return table(a.out, "TASK|STATUS|AGENT|BY|TOOK|COST|TIME|NEEDS|TITLE", func(row func(...any)) {
		for _, t := range g.Tasks {
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
			row(t.Task, t.Status, orDash(short(t.Agent, 20)), orDash(string(t.AssignedBy)), took, spent(t.Spent()), orDash(bar), orDash(needs(t.DependsOn)), short(what, 60))
		}
	})
}

// shownAssignments is how many reasons are told why agents do tasks.
const shownAssignments = 12

// assignments tells why agents do tasks for which the plan named nobody.
func (a *app) assignments(g projections.GoalRow) {
	type reason struct {
		by  events.AssignedBy
		why string
	}
	var order []reason
	of := map[reason][]string{}
	for _, t := range g.Tasks {
		switch t.AssignedBy {
		case events.AssignedByHistory, events.AssignedByModel, events.AssignedByWords:
			r := reason{t.AssignedBy, t.Assigned}
			if of[r] == nil {
				order = append(order, r)
			}
			of[r] = append(of[r], t.Task)
		case events.AssignedByPlan, events.AssignedByPerson, events.AssignedByAgent, events.AssignedByFailure:
		}
	}
	for _, r := range order[:min(len(order), shownAssignments)] {
		fmt.Fprintf(a.out, "%s by %s: %s\n", needs(of[r]), r.by, short(r.why, 200))
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

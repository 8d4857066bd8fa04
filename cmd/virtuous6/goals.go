package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// goalsVerb is the verb's own verbs. Without one it lists.
type goalsVerb struct {
	List    goalsListVerb    `cmd:"" default:"withargs" help:"List goals."`
	Create  goalsCreateVerb  `cmd:"" help:"Make a goal."`
	Plan    goalsPlanVerb    `cmd:"" help:"Have a goal broken into tasks, and see the plan."`
	Show    goalsShowVerb    `cmd:"" help:"Show how far a goal has come."`
	Talk    goalsTalkVerb    `cmd:"" help:"Show what agents of a goal said to one another."`
	Run     goalsRunVerb     `cmd:"" help:"Have a goal's tasks done, and wait for its end."`
	Approve goalsApproveVerb `cmd:"" help:"Let a plan be carried out that waits for a person's approval."`
	Pause   goalsPauseVerb   `cmd:"" help:"Let no more tasks of a goal begin."`
	Resume  goalsResumeVerb  `cmd:"" help:"Go on with a paused goal."`
	Tell    goalsTellVerb    `cmd:"" help:"Say something that all tasks of a goal are to heed from now on."`
	Answer  goalsAnswerVerb  `cmd:"" help:"Answer a question of a goal."`
	Change  goalsChangeVerb  `cmd:"" help:"Change what a task of a goal is, or who does it."`
	Skip    goalsSkipVerb    `cmd:"" help:"Leave a task of a goal out: what depends on it is done without its result."`
	Cancel  goalsCancelVerb  `cmd:"" help:"Give a goal up: its runs under way are cancelled."`
}

type goalsListVerb struct {
	Watch bool `help:"Show them until all have ended."`
	listFlags
}

// Help gives examples.
func (goalsListVerb) Help() string {
	return "Examples:\n  virtuous6 goals\n  virtuous6 goals --watch --limit 10\n  virtuous6 goals --json --limit 10"
}

// Run lists the goals, the latest first.
func (v goalsListVerb) Run(ctx context.Context, a *app) error {
	if !v.Watch {
		return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.GoalRow, error) { return reader.Goals(ctx) }, a.listGoals)
	}
	if v.JSON || v.AsOf.given {
		return usage("--watch: leave out --json and --as-of")
	}
	if _, err := a.readAll(ctx); err != nil {
		return err
	}
	return a.watch(ctx, func() (at uint64, over bool, show func(bool) error, err error) {
		goals, err := a.own().Goals(ctx)
		goals, over = limited(goals, v.Limit), true
		for _, g := range goals {
			at, over = max(at, g.Position), over && g.Status.Ended()
		}
		return at, over, func(bool) error { return a.listGoals(goals) }, err
	})
}

func (a *app) listGoals(goals []projections.GoalRow) error {
	return table(a.out, "GOAL|LEVEL|STATUS|DONE|COST|CREATED|WHAT", func(row func(...any)) {
		for _, g := range goals {
			row(g.Goal, g.Level, g.Status, fmt.Sprintf("%d%%", g.Progress(a.clock()).Percent), spent(g.Cost), when(g.CreatedAt), short(g.Prompt, 60))
		}
	})
}

type goalsCreateVerb struct {
	Prompt   string `arg:"" help:"What is to be reached."`
	Level    string `help:"strategic, tactical or operational." enum:"strategic,tactical,operational" default:"operational"`
	Parent   string `help:"The goal that it is a part of." placeholder:"GOAL"`
	Limit    string `help:"Dollars that may be spent for it. Default: no limit of its own." placeholder:"USD"`
	Parallel int    `help:"How many of its tasks are under way at a time." default:"8"`
	Talks    int    `help:"How often its agents may speak to one another. Default: 50." placeholder:"N"`
	JSON     bool   `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (goalsCreateVerb) Help() string {
	return "Nothing is done yet: `goals plan` has it broken into tasks, `goals run` has these done.\n\nExamples:\n" +
		"  virtuous6 goals create \"Find out why checkouts fail, then write it down\"\n  virtuous6 goals create \"Ship the changelog\" --limit 2.50"
}

// Run makes the goal and prints its name.
func (v goalsCreateVerb) Run(ctx context.Context, a *app) error {
	switch {
	case strings.TrimSpace(v.Prompt) == "":
		return usage("say what is to be reached")
	case len(v.Prompt) > maxPrompt || !utf8.ValidString(v.Prompt):
		return usage("the goal is longer than %d bytes, or not UTF-8", maxPrompt)
	}
	create := commands.CreateGoal{Prompt: v.Prompt, Level: events.GoalLevel(v.Level), Requester: "user:" + a.config.user(), Parallel: v.Parallel, Talks: v.Talks}
	if v.Limit != "" {
		var err error
		if create.LimitNanos, err = events.ParseUSD(v.Limit); err != nil {
			return usage("--limit: %w", err)
		}
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	if err := a.ready(ctx); err != nil {
		return err
	}
	if v.Parent != "" {
		if err := a.catchUp(ctx); err != nil {
			return err
		}
		parent, err := findGoal(ctx, a.own(), v.Parent)
		if err != nil {
			return err
		}
		create.Parent = parent.Goal
	}
	create.Meta = a.meta("")
	create.Goal = create.ID.String()
	if _, err := a.dispatcher().Dispatch(ctx, create); err != nil {
		return err
	}
	if v.JSON {
		return a.json(map[string]string{"goal": create.Goal})
	}
	fmt.Fprintln(a.out, create.Goal)
	a.note("virtuous6 goals plan %s shows how it can be reached, virtuous6 goals run %[1]s goes for it.", create.Goal)
	return nil
}

// findGoal looks a goal up by its id or by what only its id begins, or ends, with.
func findGoal(ctx context.Context, reader projections.Reader, id string) (projections.GoalRow, error) {
	goal, err := projections.FindGoal(ctx, reader, id)
	if errors.Is(err, projections.ErrNotFound) {
		err = fmt.Errorf("there is no goal %q: `virtuous6 goals` lists them", id)
	}
	return goal, err
}

// theGoal opens a store that must be there, and looks a goal up.
func (a *app) theGoal(ctx context.Context, name string) (projections.GoalRow, error) {
	reader, err := a.read(ctx)
	if err != nil {
		return projections.GoalRow{}, err
	}
	return findGoal(ctx, reader, name)
}

// dispatchGoal carries a wish about a goal out, and tells where the log holds it.
func (a *app) dispatchGoal(ctx context.Context, c commands.Command) (position uint64, err error) {
	receipt, err := a.dispatcher().Dispatch(ctx, c)
	switch {
	case errors.Is(err, aggregates.ErrEnded):
		return 0, fmt.Errorf("%w: `virtuous6 goals create` makes another one", err)
	case errors.Is(err, aggregates.ErrMissing):
		return 0, fmt.Errorf("%w: `virtuous6 goals show` lists the tasks of one that has a plan", err)
	}
	return receipt.Position, err
}

// steerGoal carries out what a person wishes of a goal that there is, and tells what comes of it.
func (a *app) steerGoal(ctx context.Context, name, done string, wish func(meta commands.Meta, goal, by string) commands.Command) error {
	goal, err := a.theGoal(ctx, name)
	if err != nil {
		return err
	}
	if _, err := a.dispatchGoal(ctx, wish(a.meta(""), goal.Goal, "user:"+a.config.user())); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, done)
	return err
}

type goalsPauseVerb struct {
	Goal   string `arg:"" help:"The goal."`
	Reason string `help:"Why."`
}

// Help gives an example.
func (goalsPauseVerb) Help() string {
	return "What is under way goes on.\n\nExample:\n  virtuous6 goals pause 019a --reason \"wait for the numbers\""
}

// Run pauses a goal.
func (v goalsPauseVerb) Run(ctx context.Context, a *app) error {
	return a.steerGoal(ctx, v.Goal, "The goal is paused: what is under way goes on, and nothing else begins.", func(meta commands.Meta, goal, by string) commands.Command {
		return commands.PauseGoal{Meta: meta, Goal: goal, By: by, Reason: v.Reason}
	})
}

type goalsCancelVerb struct {
	Goal   string `arg:"" help:"The goal."`
	Reason string `help:"Why."`
}

// Help gives an example.
func (goalsCancelVerb) Help() string { return "Example:\n  virtuous6 goals cancel 019a" }

// Run gives a goal up.
func (v goalsCancelVerb) Run(ctx context.Context, a *app) error {
	return a.steerGoal(ctx, v.Goal, "The goal is cancelled.", func(meta commands.Meta, goal, by string) commands.Command {
		return commands.CancelGoal{Meta: meta, Goal: goal, By: by, Reason: v.Reason}
	})
}

type goalsSkipVerb struct {
	Goal   string `arg:"" help:"The goal."`
	Task   string `arg:"" help:"The task, as goals show lists it."`
	Reason string `help:"Why."`
}

// Help gives an example.
func (goalsSkipVerb) Help() string {
	return "Example:\n  virtuous6 goals skip 019a step-2 --reason \"known already\""
}

// Run leaves a task out.
func (v goalsSkipVerb) Run(ctx context.Context, a *app) error {
	return a.steerGoal(ctx, v.Goal, oneLine(v.Task)+" is left out.", func(meta commands.Meta, goal, by string) commands.Command {
		return commands.SkipTask{Meta: meta, Goal: goal, Task: v.Task, By: by, Reason: v.Reason}
	})
}

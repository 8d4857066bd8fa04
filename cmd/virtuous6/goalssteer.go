package main

import (
	"context"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/orchestrator"
)

type goalsTellVerb struct {
	Goal string `arg:"" help:"The goal."`
	Text string `arg:"" help:"What is to be heeded."`
}

// Help gives an example.
func (goalsTellVerb) Help() string {
	return "Tasks under way go on as they are.\n\nExample:\n  virtuous6 goals tell 019a \"nothing that is older than a year\""
}

// Run tells a goal.
func (v goalsTellVerb) Run(ctx context.Context, a *app) error {
	return a.steerGoal(ctx, v.Goal, "Told: it is heeded by tasks that begin from now on.", func(meta commands.Meta, goal, by string) commands.Command {
		return commands.TellGoal{Meta: meta, Goal: goal, By: by, Text: v.Text}
	})
}

type goalsAnswerVerb struct {
	Goal   string `arg:"" help:"The goal."`
	Task   string `arg:"" help:"The task that is a question, as goals show lists it."`
	Answer string `arg:"" help:"The answer."`
}

// Help gives an example.
func (goalsAnswerVerb) Help() string {
	return "The tasks that wait for it get the answer as its result.\n\nExample:\n  virtuous6 goals answer 019a step-2 \"the blue one\""
}

// Run answers a question.
func (v goalsAnswerVerb) Run(ctx context.Context, a *app) error {
	return a.steerGoal(ctx, v.Goal, oneLine(v.Task)+" is answered.", func(meta commands.Meta, goal, by string) commands.Command {
		return commands.AnswerTask{Meta: meta, Goal: goal, Task: v.Task, By: by, Answer: v.Answer}
	})
}

type goalsChangeVerb struct {
	Goal        string `arg:"" help:"The goal."`
	Task        string `arg:"" help:"The task, as goals show lists it."`
	Instruction string `help:"What is to be done instead."`
	Agent       string `help:"Who is to do it instead."`
}

// Help gives examples.
func (goalsChangeVerb) Help() string {
	return "An attempt under way is given up, and another one begins.\n\nExamples:\n  virtuous6 goals change 019a step-2 --agent writer\n" +
		"  virtuous6 goals change 019a step-2 --instruction \"Write three lines, not ten.\""
}

// Run changes a task.
func (v goalsChangeVerb) Run(ctx context.Context, a *app) error {
	goal, err := a.theGoal(ctx, v.Goal)
	if err != nil {
		return err
	}
	agents, err := orchestrator.Askable(ctx, a.own())
	if err != nil {
		return err
	}
	_, err = a.dispatchGoal(ctx, commands.ChangeTask{
		Meta: a.meta(""), Goal: goal.Goal, Task: v.Task, By: "user:" + a.config.user(), Instruction: v.Instruction, Agent: v.Agent, Agents: agents,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, oneLine(v.Task)+" is changed.")
	return err
}

package main

import (
	"context"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
)

type feedbackVerb struct {
	ID     string   `arg:"" name:"run" help:"The run that it is about."`
	Better string   `help:"The answer that would have been better."`
	Score  *float64 `help:"A score, such as 1 or 0."`
	Text   string   `help:"What you think of it."`
	Name   string   `help:"What is judged, such as helpfulness. Default: the whole."`
	JSON   bool     `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (feedbackVerb) Help() string {
	return "Examples:\n  virtuous6 feedback RUN --better \"Just the number.\"\n  virtuous6 feedback RUN --score 1"
}

// Run records the feedback.
func (v feedbackVerb) Run(ctx context.Context, a *app) error {
	if v.ID == "" {
		return usage("give the run's name, as `virtuous6 runs` lists it")
	}
	if v.Better == "" && v.Text == "" && v.Score == nil {
		return usage("give --better, --score or --text")
	}
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	run, _, err := findRun(ctx, reader, v.ID)
	if err != nil {
		return err
	}
	meta := a.meta(run.Run)
	receipt, err := a.dispatcher().Dispatch(ctx, commands.GiveFeedback{
		Meta: meta, Feedback: meta.ID.String(), Run: run.Run, User: meta.Actor, Name: v.Name, Score: v.Score, Text: v.Text, Better: v.Better,
	})
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(map[string]any{"feedback": meta.ID, "run": run.Run, "position": receipt.Position})
	}
	_, err = fmt.Fprintf(a.out, "Recorded on run %s.\n", run.Run)
	return err
}

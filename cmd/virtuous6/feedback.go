package main

import (
	"context"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

type feedbackVerb struct {
	ID      string         `arg:"" name:"run" help:"The run that it is about, or what only its id begins with."`
	Outcome events.Outcome `help:"Your verdict on whether it was good: succeeded or failed; none takes yours back." enum:",succeeded,failed,none" default:""`
	Better  string         `help:"The answer that would have been better."`
	Wish    string         `help:"What you would rather have in an answer, such as \"shorter, with links\"."`
	Score   *float64       `help:"A score, such as 1 or 0."`
	Text    string         `help:"What you think of it."`
	Name    string         `help:"What is judged, such as helpfulness. Default: the whole."`
	JSON    bool           `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (feedbackVerb) Help() string {
	return "A score or a text is no verdict, but where a rule makes one of it (`virtuous6 verdicts set`).\n\nExamples:\n" +
		"  virtuous6 feedback RUN --outcome failed --text \"It refunded the wrong order.\"\n  virtuous6 feedback RUN --better \"Just the number.\"\n" +
		"  virtuous6 feedback RUN --wish \"shorter, with links\"\n  virtuous6 feedback RUN --score 1"
}

// Run records the feedback, and the verdict.
func (v feedbackVerb) Run(ctx context.Context, a *app) error {
	if v.ID == "" {
		return usage("give the run's name, as `virtuous6 runs` lists it")
	}
	said := v.Better != "" || v.Text != "" || v.Wish != "" || v.Score != nil
	if !said && v.Outcome == "" {
		return usage("give --outcome, --better, --wish, --score or --text")
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
	dispatch := orchestrator.Judge(reader, a.dispatcher().Dispatch)
	out := map[string]any{"run": run.Run}
	if said {
		receipt, err := dispatch(ctx, commands.GiveFeedback{
			Meta: meta, Feedback: meta.ID.String(), Run: run.Run, User: meta.Actor, Name: v.Name, Score: v.Score, Text: v.Text, Better: v.Better, Wish: v.Wish,
		})
		if err != nil {
			return err
		}
		out["feedback"], out["position"] = meta.ID, receipt.Position
	}
	if v.Outcome != "" {
		verdict := v.Outcome
		if verdict == "none" {
			verdict = events.Unrated
		}
		receipt, err := dispatch(ctx, commands.GiveVerdict{
			Meta: a.meta(run.Run), Run: run.Run, Verdict: verdict, From: events.ByPerson, By: meta.Actor,
		})
		if err != nil {
			return err
		}
		out["outcome"], out["position"] = v.Outcome, receipt.Position
	}
	if v.JSON {
		return a.json(out)
	}
	_, err = fmt.Fprintf(a.out, "Recorded on run %s.\n", run.Run)
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
)

// question is what a judge is asked of an answer.
type question struct {
	rater  evals.Rater
	about  evals.Recording
	answer string
}

// opinion is what a judge says, or why it says nothing.
type opinion struct {
	good     bool
	why      string
	err      error
	cost     events.Nanos
	unpriced bool
}

// opinions asks judges. Each question is a run of the agent that judges, so that it is recorded, priced and bounded by budgets. It goes to the one who asked for
// what is judged: what a person said stays where it is forgotten with the person.
func (a *app) opinions(ctx context.Context, questions []question) ([]opinion, error) {
	type asked struct {
		run      string
		position uint64
	}
	var runs []asked
	for _, q := range questions {
		prompt, err := q.rater.Question(q.about.Asked, q.answer)
		if err != nil {
			return nil, err
		}
		start := commands.StartRun{Workflow: "judge", Agent: q.rater.Agent, Requester: q.about.Requester, Prompt: prompt}
		start.Meta = a.meta("")
		start.Run = start.ID.String()
		start.Correlation = start.Run
		receipt, err := a.runs().Start(ctx, start)
		if err != nil {
			return nil, err
		}
		runs = append(runs, asked{start.Run, receipt.Position})
	}
	bar := a.progress("judge", int64(len(runs)), "answers")
	defer bar.done()
	all := make([]opinion, len(runs))
	err := a.driveUntil(ctx, driving{
		verb: "judges", what: "runs", onText: func(string, string) {},
		until: func(ctx context.Context) error {
			for i, r := range runs {
				end, err := a.runs().Follow(ctx, a.flags.Workspace, r.run, r.position, func(fact events.Event) {
					if waits, is := fact.(events.RunSuspended); is {
						fmt.Fprintf(a.err, "virtuous6: run %s of the judge waits: %s\n", r.run, oneLine(waits.Reason))
					}
				})
				if err != nil {
					return err
				}
				all[i] = opinionOf(end)
				bar.set(int64(i + 1))
			}
			return nil
		},
		left: func() error {
			ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), farewell)
			defer stop()
			for _, r := range runs {
				if _, err := a.runs().Cancel(ctx, commands.CancelRun{Meta: a.meta(r.run), Run: r.run, Reason: "the asker left"}); err != nil {
					return fmt.Errorf("cancel run %s: %w", r.run, err)
				}
			}
			return nil
		},
	})
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = a.catchUp(ctx)
	}
	if err != nil {
		return nil, err
	}
	for i, r := range runs {
		row, _, err := a.own().Run(ctx, r.run)
		if err != nil {
			return nil, err
		}
		all[i].cost, all[i].unpriced = row.CostNanos, !row.Whole()
	}
	return all, nil
}

// opinionOf reads what came of a run of a judge.
func opinionOf(end events.Run) (o opinion) {
	o.err = errors.New("the judge was not asked to its end")
	if done, ok := end.(events.RunFinished); ok {
		o.good, o.why, o.err = evals.ReadOpinion(done.Answer)
	} else if failed, ok := end.(events.RunFailed); ok {
		o.err = fmt.Errorf("the judge failed: %s", failed.Error)
	}
	return o
}

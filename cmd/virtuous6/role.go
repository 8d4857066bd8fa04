package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/replay"
)

// roleConfig is a model for something that the program does, with money of its own. Without a model it is not asked.
type roleConfig struct {
	Model string `yaml:"model"`
	// Limit is what it may cost in a period, in dollars. It has to be given. Period is day or month, default day.
	Limit  string              `yaml:"limit"`
	Period events.BudgetPeriod `yaml:"period"`
	// Every is how often it is looked whether there is anything to ask the writer. Default 6h. The others are asked when there is.
	Every time.Duration `yaml:"every"`
}

// mistake tells what is wrong with what a role is given, empty for nothing.
func (c roleConfig) mistake(role string) string {
	limit, err := events.ParseUSD(c.Limit)
	switch {
	case c == (roleConfig{}):
		return ""
	case c.Model == "":
		return "it should name a model, such as model: gpt-6-luna"
	case err != nil || limit <= 0:
		return "it should say what it may cost, in dollars, such as limit: \"0.50\""
	case c.Period != "" && c.Period != events.Daily && c.Period != events.Monthly:
		return "its period should be day or month"
	case c.Every != 0 && role != events.Writer:
		return "only the writer is asked every so often: the others are asked when there is something to ask"
	case c.Every < 0 || c.Every > 0 && c.Every < time.Minute:
		return "its every should be a duration of a minute or more, such as 6h"
	}
	return ""
}

// of is a role with the model and the money that the configuration gives it. It is not there without a model.
func (c roleConfig) of(role orchestrator.Role) (_ orchestrator.Role, there bool) {
	role.LimitNanos, _ = events.ParseUSD(c.Limit) // mistake has looked at it
	if role.Model, role.Period = c.Model, c.Period; role.Period == "" {
		role.Period = events.Daily
	}
	return role, c.Model != ""
}

// phrasing is what a run was given to find words for.
func (a *app) phrasing(ctx context.Context, workspace, run string) (events.Phrasing, error) {
	return replay.Phrasing(ctx, a.store, workspace, run)
}

// roleAnswer is what came of a run of a role: an answer, or why there is none.
type roleAnswer struct{ answer, failed string }

// answerOf drives a run of a role, where no other process does, until it has ended. One that waits for money, or longer than ctx, is
// cancelled. enough ends ctx.
func (a *app) answerOf(ctx context.Context, verb, run string, position uint64, enough func()) (of roleAnswer, err error) {
	err = a.driveUntil(ctx, driving{
		verb: verb, what: "run", onText: func(string, string) {},
		until: func(ctx context.Context) error {
			end, err := a.runs().Follow(ctx, a.flags.Workspace, run, position, func(fact events.Event) {
				if suspended, is := fact.(events.RunSuspended); is {
					of.failed = suspended.Reason
					enough()
				}
			})
			if finished, is := end.(events.RunFinished); is {
				of.answer = finished.Answer
			} else if failed, is := end.(events.RunFailed); is {
				of.failed = failed.Error
			} else if cancelled, is := end.(events.RunCancelled); is {
				of.failed = cmp.Or(of.failed, cancelled.Reason)
			}
			return err
		},
		left: func() error {
			ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), farewell)
			defer stop()
			_, err := a.runs().Cancel(ctx, commands.CancelRun{Meta: a.meta(run), Run: run, Reason: fmt.Sprintf("no words came within %s", wordsWithin)})
			return err
		},
	})
	return of, err
}

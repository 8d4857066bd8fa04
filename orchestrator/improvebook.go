package orchestrator

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// saving is the wish to give a runbook its next version.
func saving(b *events.RunbookSaved, about commands.Meta) commands.SaveRunbook {
	return commands.SaveRunbook{
		Meta: about, Runbook: b.Runbook, Workflow: b.Workflow, Run: b.Run, Steps: b.Steps, Notes: b.Notes, Requester: b.Requester, From: b.From,
	}
}

// tryBook plans the experiment on a runbook's version, and rejects one that was made from another version than there is by now, or of which an earlier
// experiment showed that it is worse.
func (i Improvements) tryBook(ctx context.Context, workspace, improvement string, p proposal) (harm string, err error) {
	about := func(index int) commands.Meta {
		return commands.Meta{ID: events.DeriveID(p.approval, index), At: p.at, Actor: p.by, Workspace: workspace, Causation: p.approval}
	}
	reject := func(reason string) (string, error) {
		_, err := i.Dispatch(ctx, commands.RejectImprovement{Meta: about(3), Improvement: improvement, By: "policy", Reason: reason})
		return reason, err
	}
	if x, err := i.Agents.Experiment(ctx, workspace, improvement); err == nil && x.Experiment != "" {
		return "", nil // planned before
	} else if err != nil && !errors.Is(err, aggregates.ErrMissing) {
		return "", err
	}
	now, err := i.Agents.Runbook(ctx, workspace, p.change.Book.Runbook)
	if err != nil {
		return "", err
	}
	if from := p.change.Book.From; now.Version != from {
		return reject(fmt.Sprintf("it was made from version %d of the runbook %s, which is at version %d by now", from, p.change.Book.Runbook, now.Version))
	}
	screen, err := answers.TellBookScreen(ctx, i.Models.In(workspace), *p.change.Book)
	if err != nil {
		return "", err
	}
	_, err = i.Dispatch(ctx, commands.PlanExperiment{
		Meta: about(2), Experiment: improvement, Improvement: improvement, Change: p.change.Kind, Book: p.change.Book, By: p.by, Screen: &screen,
	})
	switch {
	case errors.Is(err, aggregates.ErrWorse):
		return reject(err.Error())
	case errors.Is(err, aggregates.ErrExists), errors.Is(err, aggregates.ErrPolicy):
		err = nil // planned before, or the policy lets it reach too little to be tried
	}
	return "", err
}

package orchestrator

import (
	"context"
	"errors"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Promote gives all runs what was proved to be better, by a person's word. What only the policy let pass so far is approved
// with it, once it is clear that the promotion is possible.
func (d *Dispatcher) Promote(ctx context.Context, c commands.PromoteExperiment) (commands.Receipt, error) {
	x, err := d.Experiment(ctx, c.Workspace, c.Experiment)
	if err == nil {
		err = d.Would(ctx, c)
	}
	if err == nil && x.Improvement != "" {
		approve := commands.ApproveImprovement{Meta: c.Meta, Improvement: x.Improvement, By: c.By}
		approve.ID = events.DeriveID(c.ID, 1)
		if _, err = d.Dispatch(ctx, approve); errors.Is(err, aggregates.ErrState) {
			err = nil
		}
	}
	if err != nil {
		return commands.Receipt{}, err
	}
	return d.Dispatch(ctx, c)
}

package slack

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// experimentSays is what an experiment has come to, in a line.
func experimentSays(row projections.ExperimentRow) string {
	what := "The new " + strings.ReplaceAll(inert(cmp.Or(row.Kind, "change")), "_", " ") + " of *" + strings.ReplaceAll(inert(clip(oneLine(row.Subject()), 80)), "*", "") + "*"
	all := "all runs"
	if row.Runbook != "" {
		what, all = strings.Replace(what, " runbook of ", " version of the runbook ", 1), "all goals that are planned by it"
	}
	without := strings.ToUpper(all[:1]) + all[1:] + " are without it."
	switch row.Status {
	case projections.ExperimentProved:
		return ":chart_with_upwards_trend: " + what + " is proved to be better. Should " + all + " have it?"
	case projections.ExperimentPromoted:
		return ":white_check_mark: " + what + " is proved to be better: " + all + " have it."
	case projections.ExperimentRolledBack:
		return ":leftwards_arrow_with_hook: " + what + " is taken back: " + inert(cmp.Or(clip(oneLine(strings.TrimSuffix(row.Reason, ".")), 600), "it broke the guardrail of "+strings.ReplaceAll(row.Guardrail, "_", " "))) + "."
	case projections.ExperimentExpired:
		return ":heavy_minus_sign: " + what + " made no difference that could be shown. " + without
	case projections.ExperimentStopped:
		return ":no_entry_sign: " + what + " is not tried any longer. " + without
	}
	return ":test_tube: " + what + " is being tried."
}

// unitOf is what an experiment counts.
func unitOf(row projections.ExperimentRow) string {
	if row.Runbook != "" {
		return "goal"
	}
	return "run"
}

// experimentBlocks is what an experiment has found, with what decides on it where it waits for a person.
func experimentBlocks(row projections.ExperimentRow) []api.Block {
	blocks := []api.Block{section(experimentSays(row))}
	if row.Reason != "" && row.Status != projections.ExperimentRolledBack {
		blocks = append(blocks, section(">"+inert(clip(oneLine(row.Reason), 600))))
	}
	var fields []*api.TextBlockObject
	for _, arm := range row.Arms {
		name := map[string]string{events.ControlArm: "As it was", events.CandidateArm: "With the change"}[arm.Arm]
		n := max(arm.Runs, 1)
		fields = append(fields, field(cmp.Or(name, inert(arm.Arm)), fmt.Sprintf("%s\n%s and %s a %s",
			share(arm.Succeeded, arm.Runs-arm.Unrated), arm.Cost().Mark(dollars(arm.CostNanos/events.Nanos(n))), seconds(float64(arm.Milliseconds)/float64(1000*n)), unitOf(row))))
	}
	if len(fields) > 0 {
		blocks = append(blocks, api.NewSectionBlock(nil, fields, nil))
	}
	if p := row.Proof; p != nil {
		blocks = append(blocks, small(fmt.Sprintf("Success %+.1f points, between %+.1f and %+.1f, however often one looks  ·  log positions %d to %d  ·  experiment `%s`",
			100*p.Difference, 100*p.Low, 100*p.High, p.From, p.To, inert(row.Experiment))))
	}
	if row.Status == projections.ExperimentProved {
		promote := button(trialAction+string(Approve), row.Experiment, "Give it to all "+unitOf(row)+"s").WithStyle(api.StylePrimary)
		return append(blocks, api.NewActionBlock("", promote, button(trialAction+string(Reject), row.Experiment, "End the trial").WithStyle(api.StyleDanger)))
	}
	if row.DecidedBy != "" {
		blocks = append(blocks, small("Decided by "+person(row.DecidedBy)+" "+moment(row.EndedAt)))
	}
	return blocks
}

// Conclude shows what an experiment has found in the channel for what waits for a decision.
func (d *Door) Conclude(ctx context.Context, w managers.SlackExperiment) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	row, known, err := d.experiment(ctx, w.Workspace, w.Experiment())
	if err != nil {
		return err
	}
	c := card{channel: d.Proposals, text: bare(experimentSays(row)), blocks: experimentBlocks(row)}
	switch {
	case !known:
		c.late = "nobody knows it any more"
	case d.Now().Sub(w.Since) > managers.ProposalFor:
		c.late = "it is old"
	}
	return d.show(ctx, w.SlackCard, c)
}

// ConcludeGaveUp ends what could not be shown.
func (d *Door) ConcludeGaveUp(ctx context.Context, w managers.SlackExperiment, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}

func (d *Door) experiment(ctx context.Context, workspace, id string) (row projections.ExperimentRow, known bool, err error) {
	rows, err := d.Reader.In(workspace).Experiments(ctx, "")
	return firstOf(rows, err, func(row projections.ExperimentRow) bool { return row.Experiment == id })
}

// conclude records a person's decision on what was proved.
func (d *Door) conclude(ctx context.Context, r Request, id uuid.UUID, w Conclude) (done, error) {
	if err := d.reach(ctx); err != nil {
		return done{}, err
	}
	row, known, err := d.experiment(ctx, d.Workspace, w.Experiment)
	if err != nil {
		return done{}, err
	}
	allowed, err := d.groups.may(ctx, r.User, d.Approvers)
	switch {
	case err != nil:
		return done{}, err
	case !known:
		return refusal("I know no such experiment any more."), nil
	case !allowed:
		return notApprover(), nil
	case row.Status != projections.ExperimentProved:
		return refusal("That is decided already: the experiment is %s.", strings.ReplaceAll(row.Status, "_", " ")), nil
	}
	by, meta := "user:"+r.person(), d.meta(r, id, 0, "")
	if !w.Promote {
		receipt, err := d.Dispatch(ctx, commands.StopExperiment{Meta: meta, Experiment: w.Experiment, By: by, Reason: "ended in Slack"})
		return done{outcome: events.SlackRecorded, repeated: receipt.Repeated, reply: &Reply{Text: "Ended: all " + unitOf(row) + "s are without it."}}, err
	}
	receipt, err := d.Promote(ctx, commands.PromoteExperiment{Meta: meta, Experiment: w.Experiment, By: by})
	return done{outcome: events.SlackRecorded, repeated: receipt.Repeated, reply: &Reply{Text: map[string]string{"run": "Runs that start", "goal": "Goals that are planned by it"}[unitOf(row)] + " from now on have it."}}, err
}

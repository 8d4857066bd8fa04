package orchestrator

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Judge is a Dispatch that records, behind feedback on a run, the verdict that the rule of the run's workflow makes of it.
func Judge(reader projections.Reader, dispatch commands.Dispatch) commands.Dispatch {
	return func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
		receipt, err := dispatch(ctx, cmds...)
		for _, c := range cmds {
			if f, ok := c.(commands.GiveFeedback); ok && err == nil {
				err = byRule(ctx, reader.In(f.Workspace), dispatch, f)
			}
		}
		return receipt, err
	}
}

func byRule(ctx context.Context, reader projections.Reader, dispatch commands.Dispatch, f commands.GiveFeedback) error {
	rules, err := reader.Rules(ctx)
	if err != nil || len(rules) == 0 || f.Run == "" {
		return err
	}
	run, _, err := reader.Run(ctx, f.Run)
	if errors.Is(err, projections.ErrNotFound) {
		return nil // whoever sets the rule again, or imports the run, has it judged
	}
	if err != nil {
		return err
	}
	for _, r := range rules {
		if r.Workflow != run.Workflow || r.Rule == "" {
			continue
		}
		criterion, err := commands.ParseCriterion(r.Rule)
		if err != nil {
			return fmt.Errorf("the rule of workflow %s: %w", r.Workflow, err)
		}
		if verdict, ok := criterion.Of(f); ok {
			_, err := dispatch(ctx, ruled(f.Meta, verdict, r.Rule, f.Run, f.Feedback))
			return err
		}
	}
	return nil
}

// ruled is what a rule says of a run.
func ruled(m commands.Meta, verdict events.Outcome, rule, run, feedback string) commands.GiveVerdict {
	m.ID = events.NameID(m.At, m.ID.String()+"\x00verdict\x00"+run)
	m.Correlation = run
	return commands.GiveVerdict{Meta: m, Run: run, Verdict: verdict, From: events.ByRule, By: rule, Feedback: feedback}
}

// Judged counts what a rule says of the runs of a workflow. Said are the verdicts that were recorded now.
type Judged struct {
	Workflow  string `json:"workflow"`
	Rule      string `json:"rule"`
	Runs      int    `json:"runs"`
	Succeeded int    `json:"succeeded"`
	Failed    int    `json:"failed"`
	Said      int    `json:"said"`
}

// JudgeAll records what a workflow's rule says of its runs, by the latest judgement of each that the rule is about. A verdict
// that an earlier rule made, and of which this one says nothing, is taken back; an empty rule takes back all. Where it
// ends early, it can be done again.
func JudgeAll(ctx context.Context, reader projections.Reader, dispatch commands.Dispatch, m commands.Meta, workflow, rule string) (Judged, error) {
	sum := Judged{Workflow: workflow, Rule: rule}
	latest, err := judgements(ctx, reader, rule)
	if err != nil {
		return sum, err
	}
	var wishes []commands.GiveVerdict
	for run, err := range reader.Runs(ctx, projections.RunFilter{Workflow: workflow}) {
		if err != nil {
			return sum, err
		}
		sum.Runs++
		now, ok := latest[run.Run]
		switch now.verdict {
		case events.Succeeded:
			sum.Succeeded++
		case events.Failed:
			sum.Failed++
		}
		was := projections.VerdictRow{}
		if run.Verdict != nil {
			was = *run.Verdict
		}
		if ok && (was.Rule != now.verdict || was.RuleBy != rule) {
			wishes = append(wishes, ruled(m, now.verdict, rule, run.Run, now.feedback))
		} else if !ok && was.Rule != "" {
			wishes = append(wishes, ruled(m, events.Unrated, rule, run.Run, ""))
		}
	}
	for _, wish := range wishes {
		receipt, err := dispatch(ctx, wish)
		if err != nil {
			return sum, fmt.Errorf("judge run %s: %w", wish.Run, err)
		}
		sum.Said += receipt.Events
	}
	return sum, nil
}

// judgement is what a rule makes of a run's latest feedback that it is about.
type judgement struct {
	verdict  events.Outcome
	feedback string
}

func judgements(ctx context.Context, reader projections.Reader, rule string) (map[string]judgement, error) {
	latest := map[string]judgement{}
	if rule == "" {
		return latest, nil
	}
	criterion, err := commands.ParseCriterion(rule)
	if err != nil {
		return nil, err
	}
	rows, err := reader.Feedback(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, f := range rows {
		if f.Step >= 0 {
			continue
		}
		if v, ok := criterion.Of(commands.GiveFeedback{Run: f.Run, Name: f.Name, Score: f.Score, Label: f.Label}); ok {
			latest[f.Run] = judgement{v, f.Feedback}
		}
	}
	return latest, nil
}

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type evalsVerb struct {
	List evalsListVerb `cmd:"" default:"withargs" help:"List what evals came to."`
	Show evalsShowVerb `cmd:"" help:"Show an eval."`
}

type evalsListVerb struct {
	Agent string `arg:"" optional:"" help:"Only those of this agent."`
	listFlags
}

// Help gives examples.
func (evalsListVerb) Help() string {
	return "What `virtuous6 eval` found is kept, with what was asked and the dataset's version.\n\nExamples:\n  virtuous6 evals\n  virtuous6 evals clerk --json"
}

// Run lists evals.
func (v evalsListVerb) Run(ctx context.Context, a *app) error {
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.EvalRow, error) {
		return reader.Evals(ctx, v.Agent)
	}, func(rows []projections.EvalRow) error {
		if len(rows) == 0 {
			a.note("No evals: `virtuous6 eval AGENT --dataset NAME` asks recorded runs again.")
			return nil
		}
		return table(a.out, "EVAL|AGENT|VERSION|DATASET|PASS|AGAINST|DIFFERENCE|BETWEEN|ENDED|BY", func(row func(...any)) {
			for _, r := range rows {
				against, difference, between := "-", "-", "-"
				if p := r.Found.Against; p != nil {
					against, difference, between = fmt.Sprint(p.Version), fmt.Sprintf("%+.1f", 100*p.Difference), fmt.Sprintf("%+.1f and %+.1f", 100*p.Low, 100*p.High)
				}
				row(r.Eval, short(r.Agent, 32), versionOr(r.Found), fmt.Sprintf("%s@%d", short(r.Dataset, 32), r.DatasetAt), fmt.Sprintf("%d of %d", r.Passed, r.Runs), against, difference, between, when(r.EndedAt), short(r.By, 32))
			}
		})
	})
}

// versionOr names the version that was asked.
func versionOr(e events.EvalFinished) string {
	if e.Version == 0 {
		return "changed"
	}
	return fmt.Sprint(e.Version)
}

type evalsShowVerb struct {
	Eval string `arg:"" help:"The eval, or what only its id begins with."`
	JSON bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives an example.
func (evalsShowVerb) Help() string { return "Example:\n  virtuous6 evals show 06aacbda" }

// Run shows an eval.
func (v evalsShowVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	row, err := projections.FindEval(ctx, reader, v.Eval)
	if err != nil {
		return fmt.Errorf("%w: `virtuous6 evals` lists them", err)
	}
	if v.JSON {
		return a.json(row)
	}
	fmt.Fprintf(a.out, "eval %s at position %d, by %s, %s\n%s\n", row.Eval, row.Position, oneLine(row.By), when(row.EndedAt), evalText(row.Found))
	for _, c := range row.Found.Checks {
		fmt.Fprintf(a.out, "  %s: %d of %d\n", c.Kind, c.Passed, c.Held)
	}
	for _, j := range row.Found.Judged {
		fmt.Fprintln(a.out, "  "+judgedText(j))
	}
	if p := row.Found.Against; p != nil {
		for _, c := range answers.Changes(p.Config, row.Found.Config) {
			fmt.Fprintf(a.out, "  - %s: %s\n  + %[1]s: %s\n", c.Key, short(c.Was, 300), short(c.Is, 300))
		}
		if len(p.Lost) > 0 {
			fmt.Fprintf(a.out, "  passed, and fail now: %s\n", oneLine(strings.Join(p.Lost, " ")))
		}
	}
	return nil
}

// evalText says what an eval came to.
func evalText(e events.EvalFinished) string {
	what := "a changed " + oneLine(e.Agent)
	if e.Version > 0 {
		what = fmt.Sprintf("version %d of %s", e.Version, oneLine(e.Agent))
	}
	text := fmt.Sprintf("%s on %s as of position %d: %d of %d runs pass, %.1f%% to %.1f%%", what, oneLine(e.Dataset), e.DatasetAt, e.Passed, e.Runs, 100*e.Low, 100*e.High)
	if p := e.Against; p != nil {
		text += fmt.Sprintf("; %+.1f points (%+.1f to %+.1f) against version %d, %d gained, %d lost", 100*p.Difference, 100*p.Low, 100*p.High, p.Version, len(p.Gained), len(p.Lost))
	}
	return text
}

// note keeps what an eval came to.
func (v evalVerb) note(ctx context.Context, a *app, eval string, e evaluated, items []evals.Item, config events.AgentConfig) (string, error) {
	fact := events.EvalFinished{
		Eval: eval, Agent: e.Agent, Config: config, Dataset: e.Dataset, DatasetAt: e.Position, Runs: e.Runs, Passed: e.Passed, Low: e.Interval.Low, High: e.Interval.High,
		Confidence: .95, Checks: evals.Counts(items, e.Results), Judged: e.Judged, Missed: e.Missed, CostNanos: e.CostNanos, Unpriced: e.Unpriced, By: "user:" + a.config.user(),
	}
	agent, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, v.Agent)
	if err != nil {
		return "", err
	}
	for i, version := range agent.Versions {
		if len(answers.Changes(version.Config, config)) == 0 {
			fact.Version = i + 1
		}
	}
	if p := e.Paired; p != nil {
		fact.Against = &events.EvalAgainst{
			Version: e.Against, Config: agent.Versions[e.Against-1].Config, Passed: p.Passed, Difference: p.Difference, Low: p.Interval.Low, High: p.Interval.High, Gained: p.Gained, Lost: p.Lost,
		}
	}
	_, err = a.dispatcher().Dispatch(ctx, commands.FinishEval{Meta: a.meta(""), Fact: fact})
	return fact.Eval, err
}

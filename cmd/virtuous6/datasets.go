package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type datasetsVerb struct {
	List   datasetsListVerb   `cmd:"" default:"withargs" help:"List the runs of datasets."`
	Add    datasetsAddVerb    `cmd:"" help:"Put runs into a dataset, with what their answers are held to."`
	Export datasetsExportVerb `cmd:"" help:"Print a dataset, a line of JSON a run."`
}

type datasetsListVerb struct {
	Dataset string `arg:"" optional:"" help:"Only this dataset."`
	listFlags
}

// Help gives examples.
func (datasetsListVerb) Help() string {
	return "A dataset as of a log position is always the same: --as-of shows it.\n\nExamples:\n  virtuous6 datasets\n  virtuous6 datasets refunds --as-of 4000"
}

// Run lists the runs of datasets.
func (v datasetsListVerb) Run(ctx context.Context, a *app) error {
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.DatasetRow, error) {
		return reader.Datasets(ctx, v.Dataset)
	}, func(rows []projections.DatasetRow) error {
		if len(rows) == 0 {
			a.note("No datasets: `virtuous6 datasets add NAME RUN...` makes one of runs.")
			return nil
		}
		return table(a.out, "DATASET|RUN|HELD TO|ADDED|BY|POSITION", func(row func(...any)) {
			for _, r := range rows {
				row(short(r.Dataset, 40), short(r.Run, 40), short(checksText(r.Checks), 100), when(r.AddedAt), short(r.AddedBy, 32), r.Position)
			}
		})
	})
}

// checksText are checks as people write them.
func checksText(checks []events.Check) string {
	var out []string
	for _, c := range checks {
		text := string(c.Kind)
		if c.Text != "" {
			text += ":" + c.Text
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

type datasetsAddVerb struct {
	Dataset string   `arg:"" help:"The dataset."`
	Runs    []string `arg:"" name:"run" help:"The runs, or what only their ids begin with."`
	Check   []string `help:"What an answer is held to, once for each: exact, contains, regexp, schema, tools, cost, seconds, judge; what is wanted stands behind a colon. Default: exact, the answer that the run had." placeholder:"KIND:TEXT" sep:"none"`
}

// Help gives examples.
func (datasetsAddVerb) Help() string {
	return "The runs stay where they are; adding one again holds it to other checks. exact and contains without a text mean the answer that the " +
		"run had, tools without one those that it called. cost is in dollars.\n\nExamples:\n  virtuous6 datasets add refunds 06aacbda 06aacbdb\n" +
		"  virtuous6 datasets add refunds 06aacbda --check contains:refunded --check tools --check cost:0.02"
}

// Run adds runs to a dataset.
func (v datasetsAddVerb) Run(ctx context.Context, a *app) error {
	if len(v.Check) == 0 {
		v.Check = []string{string(events.ExactCheck)}
	}
	var checks []events.Check
	for _, text := range v.Check {
		c, err := evals.ParseCheck(text)
		if err != nil {
			return usage("--check: %v", err)
		}
		checks = append(checks, c)
	}
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	added := 0
	for _, id := range v.Runs {
		row, _, err := findRun(ctx, reader, id)
		if err != nil {
			return err
		}
		run := row.Run
		recording, err := evals.Record(ctx, a.store, a.flags.Workspace, run)
		if err != nil {
			return err
		}
		if recording.Answer == "" && slices.ContainsFunc(checks, func(c events.Check) bool {
			return c.Text == "" && (c.Kind == events.ExactCheck || c.Kind == events.ContainsCheck)
		}) {
			return fmt.Errorf("run %s has no answer that another could be held to: say with --check what is wanted", run)
		}
		var asked []string
		if row.Requester != "" {
			asked = []string{row.Requester}
		}
		done, err := a.dispatcher().Dispatch(ctx, commands.AddToDataset{Meta: a.meta(""), Dataset: v.Dataset, Run: run, Checks: checks, By: "user:" + a.config.user(), Of: asked})
		if err != nil {
			return err
		}
		added += done.Events
	}
	_, err = fmt.Fprintf(a.out, "%s added to %s: virtuous6 eval AGENT --dataset %[2]s\n", english.Plural(added, "run", ""), v.Dataset)
	return err
}

type datasetsExportVerb struct {
	Dataset string `arg:"" help:"The dataset."`
	pastFlag
}

// Help gives an example.
func (datasetsExportVerb) Help() string {
	return "Example:\n  virtuous6 datasets export refunds > refunds.jsonl"
}

// Run prints a dataset with its texts.
func (v datasetsExportVerb) Run(ctx context.Context, a *app) error {
	items, err := a.dataset(ctx, v.Dataset, v.pastFlag)
	if err != nil {
		return err
	}
	for _, i := range items.of {
		line, err := i.Export()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.out, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// dataset is a dataset as of a log position.
type dataset struct {
	of       []evals.Item
	position uint64
}

func (a *app) dataset(ctx context.Context, name string, at pastFlag) (d dataset, err error) {
	reader, err := a.readAt(ctx, at)
	if err != nil {
		return d, err
	}
	rows, err := reader.Datasets(ctx, name)
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("there is no dataset %q: `virtuous6 datasets` lists them, and `virtuous6 datasets add` makes one", name)
	}
	if err != nil {
		return d, err
	}
	for _, row := range rows {
		recording, err := evals.Record(ctx, a.store, a.flags.Workspace, row.Run)
		if err != nil {
			return d, err
		}
		d.position = max(d.position, row.Position)
		if item := (evals.Item{Recording: recording, Checks: row.Checks}); !item.Forgotten() {
			d.of = append(d.of, item)
		}
	}
	if gone := len(rows) - len(d.of); gone == len(rows) {
		return d, fmt.Errorf("all %d runs of %q were of people who are forgotten: `virtuous6 datasets add` puts others into it", gone, name)
	} else if gone > 0 {
		a.note("%d of the %d runs of %s are left out: they were of people who are forgotten.", gone, len(rows), name)
	}
	return d, nil
}

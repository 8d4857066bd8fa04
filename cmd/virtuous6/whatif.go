package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type whatIfVerb struct {
	Change string   `arg:"" name:"experiment|improvement" help:"The change, by the id of the experiment that tried it or of the improvement that asks for it."`
	Task   []string `help:"Only these tasks get the change; all others go on as they are. Default: all get it." placeholder:"NAME"`
	JSON   bool     `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help tells what it rests on.
func (whatIfVerb) Help() string {
	return "Estimates what success, cost and time of an agent's runs would have been, had all of them got a change, from those that were drawn for it " +
		"with a known chance. The interval holds at however many looks. Where no chance was recorded, or too few runs were drawn, it says so " +
		"and tells nothing: who got the change was then somebody's choice, which may be what made the difference.\n\nExamples:\n" +
		"  virtuous6 whatif 06aacbda1caacce8\n  virtuous6 whatif 06aacbda1caacce8 --task refund --task invoice --json"
}

// Run tells it.
func (v whatIfVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	q, err := answers.FindChange(ctx, reader, v.Change)
	if errors.Is(err, projections.ErrNotFound) {
		err = fmt.Errorf("no experiment or proposal is called %q: `virtuous6 experiments` and `virtuous6 improvements` list them", v.Change)
	}
	if err != nil {
		return err
	}
	q.Tasks = v.Task
	w, err := answers.TellWhatIf(ctx, reader, q)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(w)
	}
	of := "all the runs"
	if len(w.Tasks) > 0 {
		of = "the runs of " + strings.Join(w.Tasks, ", ")
	}
	change := "another " + strings.ReplaceAll(string(w.Kind), "_", " ")
	if w.Kind == "" {
		change = "all that was changed since a person made it, and not the version of then"
	}
	if len(w.Candidates) == 0 {
		w.Candidates = []answers.WhatIf{w}
	}
	for _, each := range w.Candidates {
		which := change
		if each.Arm != "" {
			which += ", as in the arm " + each.Arm
		}
		fmt.Fprintf(a.out, "If %s of %s had got %s:\n", of, oneLine(w.Agent), which)
		if err := a.tellWhatIf(each); err != nil {
			return err
		}
	}
	return nil
}

// tellWhatIf says what a change would have done.
func (a *app) tellWhatIf(w answers.WhatIf) error {
	if w.Unknown != "" {
		_, err := fmt.Fprintf(a.out, "Nothing is known: %s.\n", oneLine(w.Unknown))
		return err
	}
	err := table(a.out, "FIGURE|WITHOUT|WITH|DIFFERENCE|BETWEEN", func(row func(...any)) {
		for _, f := range []struct {
			name, format string
			by           float64
			c            *answers.Contrast
		}{{"succeed", "%.1f%%", 100, w.Success}, {"cost a run", "$%.6f", 1, w.Cost}, {"seconds a run", "%.2f", 1, w.Seconds}} {
			if c := f.c; c != nil {
				signed := strings.Replace(strings.TrimPrefix(f.format, "$"), "%.", "%+.", 1)
				row(f.name, fmt.Sprintf(f.format, f.by*c.Without), fmt.Sprintf(f.format, f.by*c.With), fmt.Sprintf(signed, f.by*c.Difference),
					fmt.Sprintf(signed+" and "+signed, f.by*c.Low, f.by*c.High))
			}
		}
	})
	if err == nil {
		_, err = fmt.Fprintf(a.out, "%d runs of experiment %s (%s), worth %.0f of equal weight in the smaller arm; log positions %d to %d.\n",
			w.Runs, oneLine(w.Experiment), w.Status, w.Effective, w.From, w.To)
	}
	return err
}

// screenText says what history and the latest eval said of a change before it was tried.
func screenText(s *events.Screen) string {
	if s == nil {
		return ""
	}
	text := "; history tells nothing of it: " + s.Reason
	if s.Reason == "" {
		text = fmt.Sprintf("; %d runs of experiment %s say %+.1f points of success (%+.1f to %+.1f)", s.Runs, s.Experiment, 100*s.Difference, 100*s.Low, 100*s.High)
	}
	if e := s.Eval; e != nil {
		text += fmt.Sprintf("; the %d runs of eval %s say %+.1f points (%+.1f to %+.1f)", e.Runs, e.Eval, 100*e.Difference, 100*e.Low, 100*e.High)
	}
	return text
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type reportVerb struct {
	Period answers.Period `arg:"" enum:"daily,weekly" help:"daily, or weekly."`
	onFlag
	JSON bool `name:"json" help:"Print one JSON value."`
	pastFlag
}

// onFlag is what verbs take that look at a day and those before it.
type onFlag struct {
	On day `placeholder:"DAY" help:"The UTC day, the last one of a week. Default: today, or the day of the latest run where that is earlier."`
}

// Help gives examples.
func (reportVerb) Help() string {
	return "The daily check, or the weekly review, as Markdown. Of a comparison in time it says since when; because of what only where runs were " +
		"held back or a trial measured it. What is wanted of the figures stands under `targets:` in the configuration.\n\n" +
		"Examples:\n  virtuous6 report daily\n  virtuous6 report weekly --on 2026-11-22 > week.md\n  virtuous6 report weekly --json | jq .targets"
}

// day is the one that a verb looks at, none where no run of a history has a time.
func (v onFlag) day(ctx context.Context, a *app, r projections.Reader) (time.Time, error) {
	if v.On != "" {
		return time.Parse(time.DateOnly, string(v.On))
	}
	today := a.clock().UTC().Truncate(24 * time.Hour)
	latest, runs, err := answers.Latest(ctx, r)
	switch {
	case err != nil || runs == 0:
		return today, err
	case latest.IsZero():
		a.note("No run has a time: all of them are looked at.")
		return latest, nil
	case latest.Before(today):
		a.note("The latest run that ended is of %s: that is the day looked at.", latest.Format(time.DateOnly))
		return latest, nil
	}
	return today, nil
}

// Run prints the review.
func (v reportVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	on, err := v.day(ctx, a, reader)
	if err != nil {
		return err
	}
	review, err := answers.NewReview(ctx, reader, v.Period, on, a.config.Targets.targets())
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(review)
	}
	_, err = io.WriteString(a.out, markdown(review))
	return err
}

// markdown is a review as a page.
func markdown(r answers.Review) string {
	var b strings.Builder
	switch {
	case r.Since == "":
		fmt.Fprint(&b, "# All of a history without times\n\n")
	case r.Period == answers.Daily:
		fmt.Fprintf(&b, "# %s\n\n", r.Since)
	default:
		fmt.Fprintf(&b, "# The week from %s to %s\n\n", r.Since, r.Until)
	}
	checks := func(list []answers.Check) {
		for _, c := range list {
			mark := "-"
			if c.Met != nil {
				mark = "- [ ]"
				if *c.Met {
					mark = "- [x]"
				}
			}
			fmt.Fprintf(&b, "%s %s: %s", mark, oneLine(c.Name), oneLine(c.Actual))
			if c.Target != "" {
				fmt.Fprintf(&b, " (wanted: %s)", oneLine(c.Target))
			}
			b.WriteByte('\n')
		}
	}
	lines := func(title, none string, list []answers.Line) {
		fmt.Fprintf(&b, "\n## %s\n\n", title)
		if len(list) == 0 {
			fmt.Fprintln(&b, none)
		}
		for _, l := range list {
			fmt.Fprintf(&b, "- %s%s\n", oneLine(l.Text), grounds(l))
		}
	}
	checks(r.Checks)
	if r.Period == answers.Daily {
		return b.String()
	}
	nothing := "Nothing that the figures carry."
	if r.Since == "" {
		nothing = "Nothing that can be told: no run has a time, so that there is no week before."
	} else if r.Before == 0 {
		nothing = "Nothing that can be told: no run ended in the week before, which this one is compared with."
	}
	lines("What worked", nothing, r.Worked)
	lines("What did not", nothing, r.DidNot)
	fmt.Fprint(&b, "\n## Targets\n\n")
	checks(r.Targets)
	fmt.Fprint(&b, "\n## What waits\n\n")
	if len(r.Blockers) == 0 {
		fmt.Fprintln(&b, "Nothing.")
	} else {
		fmt.Fprint(&b, "| what | impact | action | owner | due |\n|---|---|---|---|---|\n")
		for _, x := range r.Blockers {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", oneLine(x.What), oneLine(x.Impact), oneLine(x.Action), oneLine(x.Owner), x.Due)
		}
	}
	lines("Next", "No proposal is open.", r.Next)
	fmt.Fprint(&b, "\n## How it builds itself\n\n")
	for _, i := range r.Status {
		fmt.Fprintf(&b, "- %s: %s; %s: %d", i.Name, oneLine(i.Says), i.Of, i.Now)
		if r.Since != "" {
			fmt.Fprintf(&b, ", in the week before %d", i.Before)
		}
		fmt.Fprintln(&b)
	}
	if len(r.Milestones) > 0 {
		fmt.Fprint(&b, "\n## Milestones\n\n")
		for _, m := range r.Milestones {
			fmt.Fprintf(&b, "- %s, %s: %s\n", m.At.UTC().Format(time.DateOnly), m.Name, oneLine(m.Effect))
		}
	}
	return b.String()
}

// grounds tells what a line rests on.
func grounds(l answers.Line) string {
	switch {
	case l.Improvement != "":
		return " (`virtuous6 why " + oneLine(l.Improvement) + "`)"
	case len(l.Runs) > 0:
		return " (`virtuous6 runs " + oneLine(l.Runs[0]) + "`)"
	}
	return ""
}

// targetsConfig is what people want of the figures. See answers.Targets for the defaults.
type targetsConfig struct {
	Runs              int64         `yaml:"runs"`
	Patterns          int64         `yaml:"patterns"`
	Specialists       int64         `yaml:"specialists"`
	Feedback          int64         `yaml:"feedback"`
	Automated         int64         `yaml:"automated"`
	ActiveSpecialists int64         `yaml:"active_specialists"`
	ImprovementsADay  int64         `yaml:"improvements_a_day"`
	SuccessPermille   int64         `yaml:"success_permille"`
	ErrorsPermille    int64         `yaml:"errors_permille"`
	Median            time.Duration `yaml:"median"`
	Response          time.Duration `yaml:"response"`
	// Cost is dollars a run.
	Cost string `yaml:"cost"`
}

// mistake tells the key of a value that can't be, and what it should be.
func (t targetsConfig) mistake() (key, says string) {
	for _, v := range []struct {
		key string
		n   int64
	}{
		{"runs", t.Runs}, {"patterns", t.Patterns}, {"specialists", t.Specialists}, {"feedback", t.Feedback}, {"automated", t.Automated},
		{"active_specialists", t.ActiveSpecialists}, {"improvements_a_day", t.ImprovementsADay}, {"median", int64(t.Median)}, {"response", int64(t.Response)},
	} {
		if v.n < 0 {
			return "targets." + v.key, "it should not be negative"
		}
	}
	for _, v := range []struct {
		key string
		n   int64
	}{{"success_permille", t.SuccessPermille}, {"errors_permille", t.ErrorsPermille}} {
		if v.n < 0 || v.n > 1000 {
			return "targets." + v.key, "it should be 0 to 1000"
		}
	}
	if cost, err := events.ParseUSD(cmp.Or(t.Cost, "0")); err != nil || cost < 0 {
		return "targets.cost", "it should be dollars, such as 0.015"
	}
	return "", ""
}

func (t targetsConfig) targets() answers.Targets {
	cost, _ := events.ParseUSD(cmp.Or(t.Cost, "0")) // mistake has looked at it
	return answers.Targets{
		Runs: t.Runs, Patterns: t.Patterns, Specialists: t.Specialists, Feedback: t.Feedback, Automated: t.Automated, ActiveSpecialists: t.ActiveSpecialists,
		ImprovementsADay: t.ImprovementsADay, SuccessPermille: t.SuccessPermille, ErrorsPermille: t.ErrorsPermille, Median: t.Median, Response: t.Response, Cost: cost,
	}
}

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/projections"
)

type metricsVerb struct {
	JSON  bool  `name:"json" help:"Print one JSON value."`
	Since day   `placeholder:"DAY" help:"Only runs that ended on this UTC day or later."`
	Until day   `placeholder:"DAY" help:"Only runs that ended on this UTC day or before."`
	Limit count `placeholder:"N" help:"Rows of each table, 0 for all." default:"15"`
	pastFlag
}

// Help gives examples.
func (metricsVerb) Help() string {
	return "Examples:\n  virtuous6 metrics\n  virtuous6 metrics --json | jq .by_workflow\n  virtuous6 metrics --since 2026-11-01 --until 2026-11-07"
}

// Run prints the report.
func (v metricsVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	report, err := reader.Report(ctx, projections.MetricsFilter{Since: string(v.Since), Until: string(v.Until)})
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(report)
	}
	m := report.Metrics
	fmt.Fprintf(a.out, "%s: %d succeeded, %d failed", english.Plural(int(m.Runs), "run", ""), m.Succeeded, m.Failed)
	for _, other := range []struct {
		n    int64
		what string
	}{{m.Cancelled, "cancelled"}, {m.Unrated, "unrated"}, {m.Running, "running"}} {
		if other.n > 0 {
			fmt.Fprintf(a.out, ", %d %s", other.n, other.what)
		}
	}
	fmt.Fprintf(a.out, " (%s success%s)\n", rate(m.Succeeded, m.Failed), judgedOf(m.Judged, m.Runs-m.Running))
	tokens := fmt.Sprintf("%d input and %d output tokens", m.InputTokens, m.OutputTokens)
	if untold(m.InputTokens, m.OutputTokens, m.Cost) {
		tokens = "tokens unknown"
	}
	fmt.Fprintf(a.out, "%s (%d failed), %s, %s, p50 %s, p95 %s\n", english.Plural(int(m.Steps), "step", ""), m.FailedSteps,
		tokens, spentInWords(m.Cost), optionalSeconds(m.Duration.P50), optionalSeconds(m.Duration.P95))
	if len(m.PassHat) > 1 {
		var parts []string
		for k, p := range m.PassHat[:min(len(m.PassHat), 5)] {
			part := fmt.Sprintf("%d: %.1f%%", k+1, 100*p)
			if k == 0 || m.PassHatTasks[k] != m.PassHatTasks[k-1] {
				part += fmt.Sprintf(" (%d task%s)", m.PassHatTasks[k], map[bool]string{true: "s"}[m.PassHatTasks[k] != 1])
			}
			parts = append(parts, part)
		}
		fmt.Fprintf(a.out, "the chance that so many trials of one task all succeed (pass^k): %s\n", strings.Join(parts, ", "))
	}
	for _, t := range []struct {
		title string
		by    map[string]projections.Metrics
	}{{"WORKFLOW", report.ByWorkflow}, {"AGENT", report.ByAgent}, {"MODEL", report.ByModel}, {"TOOL", report.ByTool}} {
		if err := v.print(a, t.title, t.by); err != nil {
			return err
		}
	}
	return nil
}

// print lists the greatest first.
func (v metricsVerb) print(a *app, title string, by map[string]projections.Metrics) error {
	if len(by) == 0 {
		return nil
	}
	names := slices.SortedFunc(maps.Keys(by), func(x, y string) int {
		if d := by[y].Runs - by[x].Runs; d != 0 {
			return int(d)
		}
		return strings.Compare(x, y)
	})
	fmt.Fprintln(a.out)
	more := 0
	if v.Limit > 0 && len(names) > int(v.Limit) {
		more = len(names) - int(v.Limit)
		names = names[:v.Limit]
	}
	err := table(a.out, title+"|RUNS|SUCCESS|JUDGED|STEPS|FAILED|IN|OUT|COST|P50|P95", func(row func(...any)) {
		for _, name := range names {
			m := by[name]
			in, out := fmt.Sprint(m.InputTokens), fmt.Sprint(m.OutputTokens)
			if untold(m.InputTokens, m.OutputTokens, m.Cost) {
				in, out = "?", "?"
			}
			row(short(name, 48), m.Runs, rate(m.Succeeded, m.Failed), m.Judged, m.Steps, m.FailedSteps, in, out,
				spent(m.Cost), optionalSeconds(m.Duration.P50), optionalSeconds(m.Duration.P95))
		}
	})
	if more > 0 {
		fmt.Fprintf(a.out, "... and %d more (--limit 0 shows all)\n", more)
	}
	return err
}

// judgedOf tells how many of the runs that ended have a verdict: the others count by how they ended.
func judgedOf(judged, ended int64) string {
	if ended == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of %d judged", judged, ended)
}

// day is a UTC day, such as 2026-11-22.
type day string

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *day) UnmarshalText(text []byte) error {
	if _, err := time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("%q is no day: write it as 2026-11-22", text)
	}
	*d = day(text)
	return nil
}

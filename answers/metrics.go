package answers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Span is what figures are about.
type Span string

// The spans of figures.
const (
	All        Span = "all"
	Today      Span = "today"
	Week       Span = "week"
	ByAgent    Span = "agent"
	ByWorkflow Span = "workflow"
)

// Health is how well runs go, in a word.
type Health string

// Health goes by the share of rated runs that succeeded: from 95 % on it is good, from 80 % on fair.
const (
	Good    Health = "good"
	Fair    Health = "fair"
	Poor    Health = "poor"
	Unknown Health = "unknown"
)

// Figures tell how runs went.
type Figures struct {
	Span Span
	// Since is the first moment of a span that has one.
	Since time.Time
	Group
	Health Health
	// Groups are the agents or workflows, those with the most runs first, and Left how many more there are.
	Groups []Group
	Left   int
	// Liked and Judged count the judgements that people gave.
	Liked, Judged int64
	// Trend is the last days, the oldest first.
	Trend []Day
	// Patterns are the most frequent ways that runs took.
	Patterns []Pattern
}

// Group is the figures of all runs, or of one agent or workflow.
type Group struct {
	Name                                        string
	Runs, Succeeded, Failed, Cancelled, Running int64
	events.Cost
	// P50 and P95 are seconds, nil where none is known. An agent's are those of its steps.
	P50, P95 *float64
}

// Rated counts the runs that succeeded or failed.
func (g Group) Rated() int64 { return g.Succeeded + g.Failed }

// Rate is the share of rated runs that succeeded, in permille, -1 where none is rated.
func (g Group) Rate() int64 {
	if g.Rated() == 0 {
		return -1
	}
	return 1000 * g.Succeeded / g.Rated()
}

func (g Group) health() Health {
	switch rate := g.Rate(); {
	case rate < 0:
		return Unknown
	case rate >= 950:
		return Good
	case rate >= 800:
		return Fair
	}
	return Poor
}

// Day is how the runs went that ended on a day.
type Day struct {
	Day                     string
	Runs, Succeeded, Failed int64
	events.Cost
}

// Pattern is a way that runs took.
type Pattern struct {
	Workflow                string
	Steps                   []string
	Runs, Succeeded, Failed int64
}

// The bounds of what figures list.
const (
	trendDays   = 14
	maxGroups   = 10
	maxPatterns = 3
)

// Metrics are the figures of a span.
func Metrics(ctx context.Context, r projections.Reader, now time.Time, span Span) (Figures, error) {
	f := Figures{Span: span}
	midnight := now.UTC().Truncate(24 * time.Hour)
	switch span {
	case Today:
		f.Since = midnight
	case Week:
		f.Since = midnight.AddDate(0, 0, -6)
	case All, ByAgent, ByWorkflow:
	default:
		return f, fmt.Errorf("there are no figures by %q", span)
	}
	if err := f.whole(ctx, r); err != nil {
		return f, err
	}
	f.Health = f.health()
	if err := f.judged(ctx, r); err != nil {
		return f, err
	}
	if err := f.trend(ctx, r, midnight); err != nil {
		return f, err
	}
	return f, f.patterns(ctx, r)
}

// whole takes the figures from the report.
func (f *Figures) whole(ctx context.Context, r projections.Reader) error {
	var filter projections.MetricsFilter
	if !f.Since.IsZero() {
		filter.Since = f.Since.Format(time.DateOnly)
	}
	report, err := r.Report(ctx, filter)
	if err != nil {
		return err
	}
	f.Group = groupOf("", report.Metrics)
	by := map[Span]map[string]projections.Metrics{ByAgent: report.ByAgent, ByWorkflow: report.ByWorkflow}[f.Span]
	for name, m := range by {
		f.Groups = append(f.Groups, groupOf(name, m))
	}
	slices.SortFunc(f.Groups, func(a, b Group) int { return cmp.Or(cmp.Compare(b.Runs, a.Runs), cmp.Compare(a.Name, b.Name)) })
	f.Left = max(0, len(f.Groups)-maxGroups)
	f.Groups = f.Groups[:len(f.Groups)-f.Left]
	return nil
}

func groupOf(name string, m projections.Metrics) Group {
	return Group{
		Name: name, Runs: m.Runs, Succeeded: m.Succeeded, Failed: m.Failed, Cancelled: m.Cancelled, Running: m.Running, Cost: m.Cost,
		P50: m.Duration.P50, P95: m.Duration.P95,
	}
}

// judged counts what people said of the answers. The last word of a person on a run counts.
func (f *Figures) judged(ctx context.Context, r projections.Reader) error {
	rows, err := r.Feedback(ctx, "")
	if err != nil {
		return err
	}
	f.Liked, f.Judged = satisfaction(rows, func(at time.Time) bool { return !at.Before(f.Since) })
	return nil
}

// satisfaction counts the answers that people judged in a time, and those that they liked.
func satisfaction(rows []projections.FeedbackRow, in func(time.Time) bool) (liked, judged int64) {
	liked, judged, _ = stats.Judged(func(yield func(stats.Judgement) bool) {
		for _, row := range slices.Backward(rows) {
			if good, is := events.Judged(row.Name, row.User, row.Score); is && in(row.GivenAt) && !yield(stats.Judgement{User: row.User, Run: row.Run, Liked: good}) {
				return
			}
		}
	})
	return liked, judged
}

// trend adds up the days.
func (f *Figures) trend(ctx context.Context, r projections.Reader, midnight time.Time) error {
	rows, err := r.Daily(ctx, projections.ByWorkflow)
	if err != nil {
		return err
	}
	at := map[string]*Day{}
	f.Trend = make([]Day, trendDays)
	for i := range f.Trend {
		f.Trend[i].Day = midnight.AddDate(0, 0, i-trendDays+1).Format(time.DateOnly)
		at[f.Trend[i].Day] = &f.Trend[i]
	}
	for _, row := range rows {
		if day := at[row.Day]; day != nil {
			day.Runs += row.Runs
			day.Succeeded += row.Succeeded
			day.Failed += row.Failed
			day.Cost = day.Plus(row.Cost)
		}
	}
	return nil
}

func (f *Figures) patterns(ctx context.Context, r projections.Reader) error {
	var all []Pattern
	for row, err := range r.Patterns(ctx, projections.VariantPattern, "", 0) {
		if err != nil {
			return err
		}
		if row.Runs > 1 {
			all = append(all, Pattern{Workflow: row.Workflow, Steps: row.Steps, Runs: row.Runs, Succeeded: row.Succeeded, Failed: row.Failed})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Runs > all[j].Runs })
	f.Patterns = all[:min(len(all), maxPatterns)]
	return nil
}

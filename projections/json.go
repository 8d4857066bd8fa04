package projections

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The shapes below are what programs read (docs/cli.md): the columns' names, times in RFC 3339 with nanoseconds in
// UTC, durations in seconds, money as exact decimal text in dollars, and null for what is not known.

func jsonTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func jsonSeconds(ns int64) *float64 {
	if ns < 0 {
		return nil
	}
	s := seconds(ns)
	return &s
}

func jsonNumber(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func jsonList[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func jsonLabels(labels map[string]string) map[string]string {
	if labels == nil {
		return map[string]string{}
	}
	return labels
}

// USD is an amount inside of a column's JSON, where it is written as in all JSON: as exact text in dollars.
type USD events.Nanos

// MarshalText writes it.
func (u USD) MarshalText() ([]byte, error) { return []byte(events.Nanos(u).String()), nil }

// UnmarshalText reads it.
func (u *USD) UnmarshalText(text []byte) error {
	n, err := events.ParseUSD(string(text))
	*u = USD(n)
	return err
}

// money is a column of nano-dollars, shown as exact decimal text in dollars.
func money[R any](name string, field func(*R) *events.Nanos) readmodel.ColumnOf[R] {
	return readmodel.As(readmodel.Int(name, field), strings.Replace(name, "_nanos", "_usd", 1), func(r *R) any { return field(r).String() })
}

// duration is a column of nanoseconds, -1 where they are not known, shown in seconds.
func duration[R any](name string, field func(*R) *int64) readmodel.ColumnOf[R] {
	return readmodel.As(readmodel.Int(name, field), strings.Replace(name, "_ns", "_seconds", 1), func(r *R) any { return jsonSeconds(*field(r)) })
}

// known is a column of numbers of which -1 stands for none.
func known[R any](name string, field func(*R) *int64) readmodel.ColumnOf[R] {
	return readmodel.As(readmodel.Int(name, field), name, func(r *R) any { return jsonNumber(*field(r)) })
}

// orNull shows an empty text as null.
func orNull[R any](c readmodel.ColumnOf[R]) readmodel.ColumnOf[R] {
	show := c.Show
	return readmodel.As(c, c.Name, func(r *R) any {
		if v := show(r); v != "" {
			return v
		}
		return nil
	})
}

// MarshalJSON writes the columns, and the verdict behind them.
func (r RunRow) MarshalJSON() ([]byte, error) {
	line := runTable.Line(&r)
	line.Keys, line.Values = append(slices.Clip(line.Keys), "verdict"), append(line.Values, r.Verdict)
	return line.MarshalJSON()
}

// MarshalJSON writes the columns.
func (r AgentRow) MarshalJSON() ([]byte, error) { return agentTable.JSON(&r) }

// MarshalJSON writes the columns.
func (r TaskRow) MarshalJSON() ([]byte, error) { return taskTable.JSON(&r) }

// MarshalJSON writes the columns.
func (r FeedbackRow) MarshalJSON() ([]byte, error) { return feedbackTable.JSON(&r) }

// MarshalJSON writes the columns.
func (r PatternRow) MarshalJSON() ([]byte, error) { return patternTable.JSON(&r) }

// MarshalJSON writes the columns.
func (r CostRow) MarshalJSON() ([]byte, error) { return costTable.JSON(&r) }

// MarshalJSON writes the columns.
func (r ImprovementRow) MarshalJSON() ([]byte, error) { return improvementTable.JSON(&r) }

// MarshalJSON writes the columns.
func (r ExperimentRow) MarshalJSON() ([]byte, error) { return experimentTable.JSON(&r) }

// MarshalJSON writes the columns.
func (r RunbookRow) MarshalJSON() ([]byte, error) { return runbookTable.JSON(&r) }

// MarshalJSON writes the columns.
func (r BudgetRow) MarshalJSON() ([]byte, error) { return budgetTable.JSON(&r) }

// MarshalJSON writes the columns.
func (r TokenRow) MarshalJSON() ([]byte, error) { return tokenTable.JSON(&r) }

// MarshalJSON writes the columns.
func (m MetricRow) MarshalJSON() ([]byte, error) { return metricTable.JSON(&m) }

// MarshalJSON writes the documented shape.
func (r StepRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Run          string            `json:"run"`
		Step         int64             `json:"step"`
		Workflow     string            `json:"workflow"`
		Name         string            `json:"name"`
		Type         events.StepKind   `json:"type"`
		Agent        string            `json:"agent"`
		Tool         string            `json:"tool"`
		Model        string            `json:"model"`
		Parent       *int64            `json:"parent"`
		DependsOn    []int             `json:"depends_on"`
		Labels       map[string]string `json:"labels"`
		Outcome      events.Outcome    `json:"outcome"`
		Error        string            `json:"error"`
		StartedAt    *time.Time        `json:"started_at"`
		EndedAt      *time.Time        `json:"ended_at"`
		Duration     *float64          `json:"duration_seconds"`
		InputTokens  int64             `json:"input_tokens"`
		OutputTokens int64             `json:"output_tokens"`
		CachedTokens int64             `json:"cached_tokens"`
		CostUSD      string            `json:"cost_usd"`
		Unpriced     bool              `json:"unpriced"`
		Position     uint64            `json:"position"`
	}{
		r.Run, r.Step, r.Workflow, r.Name, r.Type, r.Agent, r.Tool, r.Model, jsonNumber(r.Parent), jsonList(r.DependsOn),
		jsonLabels(r.Labels), r.Outcome, r.Error, jsonTime(r.StartedAt), jsonTime(r.EndedAt), jsonSeconds(r.DurationNS),
		r.InputTokens, r.OutputTokens, r.CachedTokens, r.CostNanos.String(), r.Unpriced, r.Position,
	})
}

// MarshalJSON writes the columns.
func (r GoalRow) MarshalJSON() ([]byte, error) { return goalTable.JSON(&r) }

package evals

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// ParseCheck reads a check as people write it: KIND, or KIND:TEXT.
func ParseCheck(text string) (events.Check, error) {
	kind, rest, _ := strings.Cut(text, ":")
	c := events.Check{Kind: events.CheckKind(kind), Text: rest}
	if !slices.Contains(events.CheckKinds(), c.Kind) {
		return c, fmt.Errorf("%q is no check: give one of %q, and what is wanted behind a colon, such as contains:refund", text, events.CheckKinds())
	}
	if c.Kind == events.SchemaCheck {
		if c.Text == "" {
			return c, fmt.Errorf("the check %q: its schema stands behind a colon", text)
		}
		if err := agents.CheckSchema(json.RawMessage(c.Text)); err != nil {
			return c, fmt.Errorf("the check %q: %w", text, err)
		}
	}
	return c, nil
}

// fails tells why an attempt does not pass a check, empty where it does.
func fails(c events.Check, r Recording, a Attempt) string {
	answer, want := strings.TrimSpace(a.Answer), strings.TrimSpace(c.Text)
	if want == "" {
		want = strings.TrimSpace(r.Answer)
	}
	said := func(ok bool, why string) string {
		if ok {
			return ""
		}
		return fmt.Sprintf("%s: %s", c.Kind, why)
	}
	switch c.Kind {
	case events.ExactCheck:
		return said(answer == want, "it answers something else")
	case events.ContainsCheck:
		return said(strings.Contains(answer, want), "the answer lacks it")
	case events.RegexpCheck:
		pattern, err := regexp.Compile(c.Text)
		return said(err == nil && pattern.MatchString(a.Answer), "the answer does not match")
	case events.SchemaCheck:
		why, err := agents.Unmet(json.RawMessage(c.Text), a.Answer)
		if err != nil {
			why = err.Error()
		}
		return said(why == "", why)
	case events.ToolsCheck:
		wanted := slices.Clone(r.Called)
		if c.Text != "" {
			wanted = strings.Split(c.Text, ",")
		}
		return said(slices.Equal(sorted(wanted), sorted(a.Called)), fmt.Sprintf("it calls %q", a.Called))
	case events.CostCheck:
		bound, err := strconv.ParseFloat(c.Text, 64)
		return said(err == nil && !a.Unpriced && float64(a.CostNanos) <= bound*1e9, "it costs more, or nobody knows what")
	case events.SecondsCheck:
		bound, err := strconv.ParseFloat(c.Text, 64)
		return said(err == nil && a.Seconds <= bound, fmt.Sprintf("it takes %.2f", a.Seconds))
	}
	if c.Kind == events.JudgeCheck {
		return "" // Heard takes in what the judge says
	}
	return said(false, "there is no such check")
}

// sorted are the names without spaces and repeats.
func sorted(names []string) []string {
	var out []string
	for _, n := range names {
		if n = strings.TrimSpace(n); n != "" {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

package workflow

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Pattern is a step sequence of a workflow, as `patterns --json` prints it.
type Pattern struct {
	Workflow string   `json:"workflow"`
	Steps    []string `json:"steps"`
	Length   int      `json:"length"`
	// Support counts the ended runs that hold the sequence, Runs all ended runs of the workflow.
	Support   int64 `json:"support"`
	Runs      int64 `json:"runs"`
	Succeeded int64 `json:"succeeded"`
	Failed    int64 `json:"failed"`
	// SuccessRate is of the runs that succeeded or failed, with its 95% Wilson interval; null where there are none.
	SuccessRate *float64        `json:"success_rate"`
	Interval    *stats.Interval `json:"interval"`
	// MinSupport is how many runs a sequence of the workflow needed, MaxLength the most steps that it could have; Raised tells that
	// the first is more than was asked for, or the second less, since there are too many.
	MinSupport int64 `json:"min_support"`
	MaxLength  int   `json:"max_length"`
	Raised     bool  `json:"raised"`
	// Closed tells that no longer sequence around it has the same support.
	Closed        bool   `json:"closed"`
	FirstPosition uint64 `json:"first_position"`
	LastPosition  uint64 `json:"last_position"`
}

// Patterns mines the frequent step sequences of a workflow, or of each one where it is empty: by workflow, then support
// descending, then the longer first, then by steps. Where a workflow has too many, the support that they need is raised, and each
// says so. It returns mining.ErrOptions as the miner does.
func Patterns(ctx context.Context, r projections.Reader, workflow string, o mining.Options) ([]Pattern, error) {
	byWorkflow := map[string][]mining.Variant{}
	var names []string
	for row, err := range r.Patterns(ctx, projections.VariantPattern, workflow, 0) {
		if err != nil {
			return nil, fmt.Errorf("read variants: %w", err)
		}
		if byWorkflow[row.Workflow] == nil {
			names = append(names, row.Workflow)
		}
		byWorkflow[row.Workflow] = append(byWorkflow[row.Workflow], mining.Variant{
			Steps: row.Steps, Runs: row.Runs, Succeeded: row.Succeeded, Failed: row.Failed,
			First: row.FirstPosition, Last: row.LastPosition,
		})
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []Pattern
	for _, name := range names {
		res, raised, err := mineRaised(ctx, byWorkflow[name], o)
		if err != nil {
			return nil, fmt.Errorf("workflow %s: %w", name, err)
		}
		for _, p := range res.Patterns {
			pattern := newPattern(name, res.Runs, p)
			pattern.MinSupport, pattern.MaxLength, pattern.Raised = res.MinSupport, res.MaxLength, raised
			all = append(all, pattern)
		}
	}
	return all, nil
}

func newPattern(workflow string, runs int64, p mining.Pattern) Pattern {
	pattern := Pattern{
		Workflow: workflow, Steps: p.Steps, Length: len(p.Steps), Support: p.Support, Runs: runs,
		Succeeded: p.Succeeded, Failed: p.Failed, Closed: p.Closed, FirstPosition: p.First, LastPosition: p.Last,
	}
	if rated := p.Succeeded + p.Failed; rated > 0 {
		rate := stats.Round(float64(p.Succeeded) / float64(rated))
		i := stats.Wilson(p.Succeeded, rated, confidence)
		pattern.SuccessRate, pattern.Interval = &rate, &stats.Interval{Low: stats.Round(i.Low), High: stats.Round(i.High)}
	}
	return pattern
}

// patterns are the findings on the most frequent sequences of two steps or more.
func (c *cohort) patterns(o Options) []evidence.Finding {
	var frequent []mining.Pattern
	for _, p := range c.mined.Patterns {
		if len(p.Steps) > 1 {
			frequent = append(frequent, p)
		}
	}
	var findings []evidence.Finding
	for _, p := range frequent[:min(len(frequent), o.Top)] {
		text := fmt.Sprintf("%s is in %d of %s of %s%s", arrows(p.Steps), p.Support, counted(c.mined.Runs, "run"), c.Name, c.outcome(p.Succeeded, p.Failed))
		if c.raised {
			text += fmt.Sprintf("; only sequences in at least %d runs were looked at, since there are more than %d below", c.mined.MinSupport, o.MaxPatterns)
		}
		findings = append(findings, evidence.Finding{
			Kind: "pattern", Workflow: c.Name, Subject: p.Steps, Text: text + ".", Of: len(frequent),
			Evidence: rateEvidence(p.Succeeded, p.Failed, p.Support, c.mined.Runs, p.First, p.Last),
		})
	}
	return findings
}

// outcome tells how runs ended, for the end of a sentence.
func (c *cohort) outcome(succeeded, failed int64) string {
	rated := succeeded + failed
	if rated == 0 {
		return "; none of them is rated"
	}
	i := stats.Wilson(succeeded, rated, confidence)
	return fmt.Sprintf("; %d of %d rated ones succeeded (%s, 95%% interval %s to %s)",
		succeeded, rated, percent(float64(succeeded)/float64(rated)), percent(i.Low), percent(i.High))
}

// rateEvidence is a success rate with Wilson's interval or, where no run is rated, the share of runs.
func rateEvidence(succeeded, failed, support, runs int64, first, last uint64) events.Evidence {
	e := events.Evidence{
		From: first, To: last, Confidence: confidence, N: succeeded + failed, Statistic: "success rate, Wilson's interval",
		Counts: map[string]int64{"runs": runs, "support": support, "succeeded": succeeded, "failed": failed},
	}
	n, of := succeeded, e.N
	if of == 0 {
		e.Statistic, e.N = "share of runs, Wilson's interval", runs
		n, of = support, runs
	}
	i := stats.Wilson(n, of, confidence)
	e.Value, e.Low, e.High = stats.Round(float64(n)/float64(of)), stats.Round(i.Low), stats.Round(i.High)
	return e
}

// variantsAndFollows are the findings on the most frequent whole traces, and on the most frequent neighbours.
func (c *cohort) variantsAndFollows(o Options) []evidence.Finding {
	variants := mining.Top(slices.Values(c.variants), o.Top, func(a, b mining.Variant) int {
		return cmp.Or(cmp.Compare(b.Runs, a.Runs), slices.Compare(a.Steps, b.Steps))
	})
	var findings []evidence.Finding
	for _, v := range variants {
		trace := "no step at all"
		if len(v.Steps) > 0 {
			trace = "exactly " + arrows(v.Steps)
		}
		findings = append(findings, evidence.Finding{
			Kind: "variant", Workflow: c.Name, Subject: v.Steps,
			Text: fmt.Sprintf("%d of %s of %s took %s%s.", v.Runs, counted(c.mined.Runs, "run"), c.Name, trace,
				c.outcome(v.Succeeded, v.Failed)),
			Of:       len(c.variants),
			Evidence: rateEvidence(v.Succeeded, v.Failed, v.Runs, c.mined.Runs, v.First, v.Last),
		})
	}
	follows, of := c.coded.DirectlyFollows(o.Top)
	for _, f := range follows {
		e := rateEvidence(f.Succeeded, f.Failed, f.Runs, c.mined.Runs, f.First, f.Last)
		e.Counts["occurrences"] = f.Count
		findings = append(findings, evidence.Finding{
			Kind: "follows", Workflow: c.Name, Subject: []string{f.From, f.To},
			Text: fmt.Sprintf("%s comes directly after %s %s, in %d of %s of %s%s.", f.To, f.From, counted(f.Count, "time"), f.Runs,
				counted(c.mined.Runs, "run"), c.Name, c.outcome(f.Succeeded, f.Failed)),
			Of:       of,
			Evidence: e,
		})
	}
	return findings
}

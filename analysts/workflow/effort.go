package workflow

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// efforts are the findings on where the workflow's time and money go: the slowest and the costliest steps, by their
// share of all steps. They are counts of all there is, no samples: value and bounds are the same.
func (c *cohort) efforts(o Options) []evidence.Finding {
	slow := c.effort("slow_step", "time", o, func(s projections.StepStat) int64 { return s.TotalNS },
		func(s projections.StepStat) string {
			return fmt.Sprintf("%s in %s; half take %s or less, one in twenty %s or more",
				lasting(s.TotalNS), counted(s.Timed, "timed step"), lasting(s.P50NS), lasting(s.P95NS))
		})
	costly := c.effort("costly_step", "cost", o, func(s projections.StepStat) int64 { return int64(s.CostNanos) },
		func(s projections.StepStat) string {
			return fmt.Sprintf("%s USD in %s, %d input and %d output tokens",
				s.CostNanos, counted(s.Steps, "step"), s.InputTokens, s.OutputTokens)
		})
	return append(slow, costly...)
}

func (c *cohort) effort(kind, of string, o Options, amount func(projections.StepStat) int64, words func(projections.StepStat) string) []evidence.Finding {
	steps := slices.DeleteFunc(slices.Clone(c.Steps), func(s projections.StepStat) bool { return amount(s) <= 0 })
	slices.SortFunc(steps, func(a, b projections.StepStat) int {
		return cmp.Or(cmp.Compare(amount(b), amount(a)), cmp.Compare(a.Name, b.Name))
	})
	var total float64 // a sum of many years' nanoseconds may pass int64
	for _, s := range steps {
		total += float64(amount(s))
	}
	var findings []evidence.Finding
	for _, s := range steps[:min(len(steps), o.Top)] {
		share := float64(amount(s)) / total
		findings = append(findings, evidence.Finding{
			Kind: kind, Workflow: c.Name, Subject: []string{s.Name},
			Text: fmt.Sprintf("%s takes %s of the %s of %s's steps: %s.", s.Name, percent(share), of, c.Name, words(s)),
			Of:   len(steps),
			Evidence: events.Evidence{
				From: s.FirstPosition, To: s.LastPosition, Statistic: "share of the " + of + " of all steps",
				Value: stats.Round(share), Low: stats.Round(share), High: stats.Round(share), Confidence: 1, N: s.Runs,
				Counts: map[string]int64{
					"steps": s.Steps, "failed": s.Failed, "timed": s.Timed, "total_ns": s.TotalNS, "p50_ns": s.P50NS, "p95_ns": s.P95NS,
					"cost_nanos": int64(s.CostNanos), "input_tokens": s.InputTokens, "output_tokens": s.OutputTokens,
				},
			},
		})
	}
	return findings
}

// loop is a step that runs do again.
type loop struct {
	step                    string
	runs, extra             int64
	succeeded, failed       int64
	once, onceGood, onceBad int64
	first, last             uint64
}

// rework are the findings on steps that occur more than once in a run, those with the most extra occurrences first. How
// the runs ended is told beside it; only a factor claims that one has to do with the other.
func (c *cohort) rework(o Options) []evidence.Finding {
	loops := map[int32]*loop{} // of steps that some run does again
	counts := map[int32]int64{}
	for v := range c.variants {
		clear(counts)
		for _, s := range c.coded.Trace(v) {
			if counts[s]++; counts[s] > 1 && loops[s] == nil {
				loops[s] = &loop{step: c.coded.Names[s]}
			}
		}
	}
	for i, v := range c.variants {
		clear(counts)
		for _, s := range c.coded.Trace(i) {
			if loops[s] != nil {
				counts[s]++
			}
		}
		for s, n := range counts {
			l := loops[s]
			if n == 1 {
				l.once += v.Runs
				l.onceGood += v.Succeeded
				l.onceBad += v.Failed
				continue
			}
			if l.runs == 0 || v.First < l.first {
				l.first = v.First
			}
			l.last = max(l.last, v.Last)
			l.runs += v.Runs
			l.extra += (n - 1) * v.Runs
			l.succeeded += v.Succeeded
			l.failed += v.Failed
		}
	}
	var all []*loop
	for _, l := range loops {
		if l.extra > 0 {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b *loop) int { return cmp.Or(cmp.Compare(b.extra, a.extra), cmp.Compare(a.step, b.step)) })
	var findings []evidence.Finding
	for _, l := range all[:min(len(all), o.Top)] {
		e := rateEvidence(l.succeeded, l.failed, l.runs, int64(len(c.Runs)), l.first, l.last)
		e.Counts["extra_occurrences"] = l.extra
		e.Counts["once_runs"], e.Counts["once_succeeded"], e.Counts["once_failed"] = l.once, l.onceGood, l.onceBad
		text := fmt.Sprintf("%s is done again in %d of %s of %s, %s in all", l.step, l.runs, counted(int64(len(c.Runs)), "run"), c.Name, counted(l.extra, "extra time"))
		if l.succeeded+l.failed > 0 {
			text += fmt.Sprintf("; %d of %d rated ones failed, against %d of %d that do it once", l.failed, l.succeeded+l.failed, l.onceBad, l.onceGood+l.onceBad)
		}
		findings = append(findings, evidence.Finding{
			Kind: "rework", Workflow: c.Name, Subject: []string{l.step}, Text: text + ".",
			Of:       len(all),
			Evidence: e,
		})
	}
	return findings
}

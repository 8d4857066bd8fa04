// Package data looks at whether the history can be believed: runs that came twice, spans that are missing, what contradicts itself,
// rates that can't be, and since when it is another history than before.
package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// Name is the analyst's.
const Name = "data"

const (
	version    = 1
	alpha      = 0.05
	confidence = 0.95
	// fewest is how many runs it takes for something to be more than a slip.
	fewest = 5
)

// The kinds of findings.
const (
	Duplicates    = "duplicate_runs"
	Gap           = "gap"
	Contradiction = "contradiction"
	Impossible    = "impossible_rate"
	Drift         = "drift"
	// Latest tells that the history is longer than what is looked at.
	Latest = "latest_runs"
)

// New is the analyst of the data itself. It proposes nothing: what it tells is to be looked at where the data is made.
func New() evidence.Analyst[View] {
	return evidence.Analyst[View]{Name: Name, Version: version, Load: Load, Propose: propose}
}

func propose(v View) evidence.Result {
	res := evidence.Result{Proposals: []evidence.Proposal{}, Findings: v.latest()}
	by := map[string][]*Run{}
	var workflows []string
	for i := range v.Runs {
		r := &v.Runs[i]
		if by[r.Workflow] == nil {
			workflows = append(workflows, r.Workflow)
		}
		by[r.Workflow] = append(by[r.Workflow], r)
	}
	slices.Sort(workflows)
	for _, w := range workflows {
		res.Findings = append(res.Findings, duplicates(w, by[w])...)
		res.Findings = append(res.Findings, gaps(w, by[w])...)
		res.Findings = append(res.Findings, contradictions(w, by[w])...)
	}
	res.Findings = append(res.Findings, v.impossible()...)
	res.Findings = append(res.Findings, drifts(workflows, by)...)
	for i := range res.Findings {
		res.Findings[i].Analyst, res.Findings[i].Severity = Name, events.SeverityMedium
	}
	return res
}

// latest tells that older runs are not looked at.
func (v *View) latest() []evidence.Finding {
	n := int64(len(v.Runs))
	if v.Of <= n {
		return []evidence.Finding{}
	}
	share := stats.Round(float64(n) / float64(v.Of))
	return []evidence.Finding{{
		Kind: Latest, Subject: []string{"runs"},
		Text: fmt.Sprintf("Of %d runs analysts look at the latest %d: older ones count in figures, patterns and costs, and not in what is compared.", v.Of, n),
		Evidence: events.Evidence{
			From: v.Runs[0].First, To: v.Runs[n-1].Last, Positions: []uint64{v.Runs[0].First}, Statistic: "share of the runs", Value: share, Low: share, High: share, Confidence: confidence, N: n,
			Counts: map[string]int64{"runs": v.Of},
		},
	}}
}

// share is the evidence of what some of the runs have.
func share(some []*Run, of int, all []*Run) events.Evidence {
	i := stats.Wilson(int64(len(some)), int64(of), confidence)
	e := events.Evidence{
		From: all[0].First, To: all[len(all)-1].Last, Statistic: "share of the runs, Wilson's interval", Confidence: confidence, N: int64(of),
		Value: stats.Round(float64(len(some)) / float64(of)), Low: stats.Round(i.Low), High: stats.Round(i.High), Counts: map[string]int64{"runs": int64(len(some))},
	}
	for _, r := range some[:min(len(some), fewest)] {
		e.Positions = append(e.Positions, r.First)
	}
	return e
}

// duplicates are runs that are equal to an earlier one, to the times of all their steps.
func duplicates(workflow string, runs []*Run) []evidence.Finding {
	first := map[uint64]*Run{}
	var again []*Run
	for _, r := range runs {
		switch {
		case r.Same == 0:
		case first[r.Same] == nil:
			first[r.Same] = r
		default:
			again = append(again, r)
		}
	}
	if len(again) == 0 {
		return nil
	}
	return []evidence.Finding{{
		Kind: Duplicates, Workflow: workflow, Subject: []string{workflow}, Evidence: share(again, len(runs), runs), Example: again[0].Name,
		Text: fmt.Sprintf("%d of %d runs of %s are equal to an earlier one in all but their name, such as %s to %s: they count twice.",
			len(again), len(runs), workflow, again[0].Name, first[again[0].Same].Name),
	}}
}

const (
	day = int64(24 * time.Hour)
	// sameWeekdays is how many days of a weekday tell how many runs one has.
	sameWeekdays = 4
	// manyRuns is how many runs a day has on which none would not be chance.
	manyRuns = 10
)

// gaps are days without a run where the same weekday has many, and runs that never ended.
func gaps(workflow string, runs []*Run) []evidence.Finding {
	var findings []evidence.Finding
	of := map[int64]int{}
	var first, last int64
	for _, r := range runs {
		if r.Started > 0 {
			d := r.Started / day
			if of[d]++; len(of) == 1 || d < first {
				first = d
			}
			last = max(last, d)
		}
	}
	const longest = 100 * 366 // a clock that was never set is no span of days
	if days := last - first + 1; len(of) > 0 && days <= longest {
		usual := [7][]int{}
		for d := first; d <= last; d++ {
			usual[d%7] = append(usual[d%7], of[d])
		}
		var missing []int64
		runsMissing := 0
		for d := first; d <= last; d++ {
			if of[d] == 0 && len(usual[d%7]) >= sameWeekdays && median(usual[d%7]) >= manyRuns {
				missing = append(missing, d)
				runsMissing += median(usual[d%7])
			}
		}
		if len(missing) > 0 {
			name := func(d int64) string { return time.Unix(0, d*day).UTC().Format(time.DateOnly) }
			named := []string{}
			for _, d := range missing[:min(len(missing), 3)] {
				named = append(named, name(d))
			}
			if len(missing) > 3 {
				named = append(named, fmt.Sprintf("%d more", len(missing)-3))
			}
			e := share(nil, int(days), runs)
			i := stats.Wilson(int64(len(missing)), days, confidence)
			e.Statistic, e.Value, e.Low, e.High = "share of the days, Wilson's interval", stats.Round(float64(len(missing))/float64(days)), stats.Round(i.Low), stats.Round(i.High)
			e.Counts = map[string]int64{"days": int64(len(missing))}
			findings = append(findings, evidence.Finding{
				Kind: Gap, Workflow: workflow, Subject: []string{workflow, "days"}, Evidence: e,
				Text: fmt.Sprintf("No run of %s began on %s, where the same weekdays have about %d: was something not recorded, or not imported?",
					workflow, strings.Join(named, ", "), runsMissing/len(missing)),
			})
		}
	}
	var open []*Run
	latest := int64(0)
	for _, r := range runs {
		latest = max(latest, r.Started, r.Until)
	}
	for _, r := range runs {
		if !r.Ended && r.Started > 0 && r.Started < latest-7*day {
			open = append(open, r)
		}
	}
	if len(open) > 0 {
		findings = append(findings, evidence.Finding{
			Kind: Gap, Workflow: workflow, Subject: []string{workflow, "ends"}, Evidence: share(open, len(runs), runs), Example: open[0].Name,
			Text: fmt.Sprintf("%d of %d runs of %s began more than a week before the latest and have no end, such as %s: they count nowhere.", len(open), len(runs), workflow, open[0].Name),
		})
	}
	return findings
}

func median(list []int) int {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// contradictions are what a run says here and otherwise there.
func contradictions(workflow string, runs []*Run) []evidence.Finding {
	var findings []evidence.Finding
	for _, c := range []struct {
		what, text string
		of, is     func(r *Run) bool
		least      int
	}{
		{"ends before it begins", "%d of %d runs of %s end before they begin, such as %s: two clocks were read, and no duration of theirs counts.",
			func(r *Run) bool { return r.Started != 0 && r.Until != 0 }, func(r *Run) bool { return r.Until < r.Started }, 1},
		{"steps outside of it", "%d of %d runs of %s have steps before their start or behind their end, such as %s: the times of the whole and of its parts differ.",
			func(r *Run) bool { return r.Started != 0 && r.Until != 0 }, func(r *Run) bool { return r.Outside }, 1},
		{"cost", "%d of %d runs of %s cost more as a whole than all of their calls, by what the source says of each, such as %s: calls are missing, or counted otherwise.",
			func(r *Run) bool { return r.Ended }, func(r *Run) bool { return r.More }, 1},
		{"verdict", "%d of %d judged runs of %s were judged otherwise than they ended, such as %s: only the verdicts count.",
			func(r *Run) bool { return rated(r.Own) && rated(r.Outcome) }, func(r *Run) bool { return r.Own != r.Outcome }, fewest},
		{"last step", "%d of %d runs of %s that count as succeeded end with a step that failed, such as %s: who says that they went well?",
			func(r *Run) bool { return r.Ended && r.Outcome == events.Succeeded }, func(r *Run) bool { return r.LastFailed }, fewest},
	} {
		var some []*Run
		of := 0
		for _, r := range runs {
			if c.of(r) {
				if of++; c.is(r) {
					some = append(some, r)
				}
			}
		}
		if len(some) < c.least || c.least > 1 && len(some)*oftenOf < of {
			continue
		}
		findings = append(findings, evidence.Finding{
			Kind: Contradiction, Workflow: workflow, Subject: []string{workflow, c.what}, Evidence: share(some, of, runs), Example: some[0].Name,
			Text: fmt.Sprintf(c.text, len(some), of, workflow, some[0].Name),
		})
	}
	return findings
}

// oftenOf is one in how many runs has to do what some may do for once.
const oftenOf = 10

func rated(o events.Outcome) bool { return o == events.Succeeded || o == events.Failed }

// manyAlike is how many runs of an agent have to end alike for it to be looked at.
const manyAlike = 30

// impossible are agents all of whose runs ended alike where those of others on like tasks do not: once in 10,000 would one of all
// agents be so lucky that does as they do.
func (v *View) impossible() []evidence.Finding {
	type stratum struct{ workflow, task string }
	type count struct{ good, n float64 }
	all, mine := map[stratum]count{}, map[string]map[stratum]count{}
	runs := map[string][]*Run{}
	for i := range v.Runs {
		r := &v.Runs[i]
		if !r.Ended || !rated(r.Outcome) || len(r.Agents) != 1 {
			continue
		}
		s, a := stratum{r.Workflow, r.Task}, r.Agents[0]
		if mine[a] == nil {
			mine[a] = map[stratum]count{}
		}
		runs[a] = append(runs[a], r)
		for _, m := range []map[stratum]count{all, mine[a]} {
			c := m[s]
			c.n++
			if r.Outcome == events.Succeeded {
				c.good++
			}
			m[s] = c
		}
	}
	names := make([]string, 0, len(runs))
	for a := range runs {
		names = append(names, a)
	}
	slices.Sort(names)
	var findings []evidence.Finding
	for _, a := range names {
		good, n, others, othersGood := 0.0, 0.0, 0.0, 0.0
		for s, c := range mine[a] {
			good, n = good+c.good, n+c.n
			others, othersGood = others+all[s].n-c.n, othersGood+all[s].good-c.good
		}
		if n < manyAlike || others < manyAlike || good > 0 && good < n {
			continue
		}
		luck := 0.0
		for _, r := range runs[a] {
			s := stratum{r.Workflow, r.Task}
			p := (all[s].good - mine[a][s].good + 1) / (all[s].n - mine[a][s].n + 2)
			if good == 0 {
				p = 1 - p
			}
			luck += math.Log(p)
		}
		if luck > math.Log(1e-4/float64(len(names))) {
			continue
		}
		word, likewise := "succeeded", othersGood
		if good == 0 {
			word, likewise = "failed", others-othersGood
		}
		i := stats.Wilson(int64(good), int64(n), confidence)
		e := share(nil, int(n), runs[a])
		e.Statistic, e.Value, e.Low, e.High = "success rate, Wilson's interval", stats.Round(good/n), stats.Round(i.Low), stats.Round(i.High)
		e.Counts = map[string]int64{"others": int64(others), "others_succeeded": int64(othersGood)}
		findings = append(findings, evidence.Finding{
			Kind: Impossible, Subject: []string{"agent", a}, Evidence: e, Example: runs[a][0].Name,
			Text: fmt.Sprintf("All %.0f runs of %s %s, where %.0f of %.0f of others do on like tasks: is that measured, or only said?", n, a, word, likewise, others),
		})
	}
	return findings
}

package workflow

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// The kinds of a factor's finding. A factor is a claim; a candidate is told to be none.
const (
	SuccessFactor    = "success_factor"
	FailureFactor    = "failure_factor"
	SuccessCandidate = "success_candidate"
	FailureCandidate = "failure_candidate"
)

// harms tells a failure factor from a success factor.
func (f factor) harms() bool { return f.difference < 0 }

// factors are the findings on what comes with success and with failure, each the strongest first.
func (c *cohort) factors(all []factor, o Options) []evidence.Finding {
	var findings []evidence.Finding
	for _, kind := range []string{FailureFactor, SuccessFactor} {
		of := slices.DeleteFunc(slices.Clone(all), func(f factor) bool { return f.harms() != (kind == FailureFactor) })
		for _, f := range of[:min(len(of), o.Top)] {
			findings = append(findings, evidence.Finding{
				Kind: kind, Workflow: c.Name, Subject: f.Subject(), Text: f.told(), People: f.people(), Of: len(of), Evidence: f.evidence(),
				Strength: f.strength(), Worth: f.worth(), NoInstruction: f.noInstruction(),
			})
		}
	}
	return findings
}

// told is the claim, with why it is only a claim where something keeps it from being an instruction.
func (f factor) told() string {
	if why := f.noInstruction(); why != "" {
		return f.reason() + " No instruction: " + why + "."
	}
	return f.reason()
}

// noInstruction is why the claim is no more than one, empty where it may be an instruction or can't be any.
func (f factor) noInstruction() string {
	if !f.feature.ofSteps() {
		return ""
	}
	return f.gated.why
}

// candidateFindings tell the strongest effects that the history does not prove.
func (c *cohort) candidateFindings(all claims, o Options) []evidence.Finding {
	var findings []evidence.Finding
	for _, f := range c.candidates(all, o) {
		kind := SuccessCandidate
		if f.harms() {
			kind = FailureCandidate
		}
		findings = append(findings, evidence.Finding{
			Kind: kind, Workflow: c.Name, Subject: f.Subject(), People: f.people(), Evidence: f.evidence(),
			Text: fmt.Sprintf("Not proven, may be chance (one of %d comparisons; a claim would take %s times the evidence): %s",
				all.tested, times(f.needs()), f.reason()),
		})
	}
	slices.SortStableFunc(findings, func(a, b evidence.Finding) int { return cmp.Compare(a.Kind, b.Kind) })
	return findings
}

// needs is the logarithm of how many times more evidence a claim would take, 0 or less for a claim.
func (f factor) needs() float64 {
	return f.claims.threshold - f.logE - f.weight
}

// sidesInWords are the runs with the feature, and those that they are compared with.
func (h *hypothesis) sidesInWords() (have, others string) {
	s := h.subject
	switch h.feature {
	case contains:
		return "that include " + s[0], "those without it"
	case repeats:
		return "that repeat " + s[0], "those that do it once"
	case precedes:
		return fmt.Sprintf("that go directly from %s to %s", s[0], s[1]), "those that come to both otherwise"
	case fails:
		return "with a failed " + s[0], "those in which it does not fail"
	case usesAgent:
		return "by agent " + s[0], "those by others"
	case usesModel:
		return "that use model " + s[0], "those that use others"
	case usesTool:
		return "that use tool " + s[0], "those that do not"
	case hasLabel:
		return fmt.Sprintf("labelled %s=%s", s[0], s[1]), "others"
	case sequence:
		return "that go " + arrows(s) + " (with anything in between)", "those that do not"
	case switches:
		return fmt.Sprintf("in which %s uses %s", s[0], s[1]), "those in which it uses " + s[2]
	}
	return "with " + string(h.feature), "those without"
}

// reason says the claim in a sentence, with the counts behind it.
func (f factor) reason() string {
	have, others := f.sidesInWords()
	t, i := f.strata.Total, f.interval
	verb, a, b := "succeed", t.WithSucceeded, t.WithoutSucceeded
	if f.harms() {
		verb, a, b, i = "fail", t.With-a, t.Without-b, i.Negated()
	}
	within := ""
	if f.strata.Informative > 1 {
		within = ", compared within the same task"
		plain := float64(t.WithSucceeded)/float64(max(t.With, 1)) - float64(t.WithoutSucceeded)/float64(max(t.Without, 1))
		if f.harms() {
			plain = -plain
		}
		if math.Abs(plain-math.Abs(f.difference)) >= othersThan {
			within += fmt.Sprintf("; %+.0f points whatever the task", 100*plain)
		}
	}
	return fmt.Sprintf("Runs of %s %s %s %s more often than %s (%d of %d against %d of %d; 95%% interval %.0f to %.0f%s).",
		f.cohort.Name, have, verb, points(f.difference), others, a, t.With, b, t.Without, i.Low*100, i.High*100, within)
}

// othersThan is by how much the plain difference has to be another one than that within tasks to be told beside it.
const othersThan = .03

// maxPositions is how many runs a piece of evidence points at.
const maxPositions = 5

// evidence is what the claim rests on. Its positions are the first runs that show it: with the feature, and ended as
// the claim says.
func (f factor) evidence() events.Evidence {
	e := evidenceOf(f.cohort, f.sides(), f.harms())
	method := "risk difference, Newcombe's interval"
	if f.strata.Informative > 1 {
		method = "risk difference within tasks (Mantel-Haenszel), Sato's interval"
	}
	t := f.strata.Total
	verdict := "claimed"
	if !f.claimed {
		verdict = "not claimed"
	}
	e.Statistic = fmt.Sprintf("%s; %s at a share of false claims of %g, hypotheses tested: %d", method, verdict, f.claims.alpha, f.claims.tested)
	e.Value, e.Low, e.High = stats.Round(f.difference), stats.Round(f.interval.Low), stats.Round(f.interval.High)
	e.Confidence = confidence
	e.N = t.With + t.Without
	e.Counts = map[string]int64{
		"with_runs": t.With, "with_succeeded": t.WithSucceeded,
		"without_runs": t.Without, "without_succeeded": t.WithoutSucceeded,
		"strata": int64(f.strata.Informative), "hypotheses": int64(f.claims.tested),
	}
	return e
}

// evidenceOf spans the compared runs, and points at a few of those with the feature.
func evidenceOf(c *cohort, sides []int8, harms bool) events.Evidence {
	var e events.Evidence
	for place, side := range sides {
		if side == out {
			continue
		}
		r := &c.Runs[c.rated[place]]
		if e.From == 0 || r.First < e.From {
			e.From = r.First
		}
		e.To = max(e.To, r.Last)
		if side == with && (c.succeeded[place] == 1) != harms {
			e.Positions = append(e.Positions, r.First)
		}
	}
	slices.Sort(e.Positions)
	e.Positions = e.Positions[:min(len(e.Positions), maxPositions)]
	return e
}

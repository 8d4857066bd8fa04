// Package feedback looks at what people say of runs: how satisfied they are, and what they ask for again and again.
package feedback

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

const (
	// Name is the analyst's.
	Name       = "feedback"
	version    = 2
	confidence = 0.95
	// perPerson is how many wishes of one person count for a subject, the latest.
	perPerson = stats.PerPerson
	// top is how many wishes are told of a workflow.
	top = 5
)

// The kinds of findings.
const (
	Satisfaction = "satisfaction"
	Wish         = "wish"
)

// New is the analyst of feedback. What people wrote is counted and never followed: a proposal names the words that they share and
// where they said them, and a person writes what is to be done.
func New() evidence.Analyst[View] {
	return evidence.Analyst[View]{Name: Name, Version: version, Load: Load, Propose: propose}
}

func propose(v View) evidence.Result {
	res := evidence.Result{Proposals: []evidence.Proposal{}, Findings: v.satisfaction()}
	lessons, taught := v.lessons()
	for _, w := range workflowsOf(v.Said) {
		said := inWorkflow(v.Said, w, 0)
		all := wishes(said)
		for _, x := range all[:min(len(all), top)] {
			switch {
			case x.taughtAlready(taught), v.advised(x): // said once, where it can be acted on
			case x.asks():
				res.Proposals = append(res.Proposals, x.proposal(w, said))
			case len(x.people) > 1:
				res.Findings = append(res.Findings, evidence.Finding{
					Kind: Wish, Workflow: w, Subject: x.subject(), Text: x.reason(w), Of: len(all), Evidence: x.evidence(said), Strength: events.Weak,
				})
			}
		}
	}
	res.Proposals = append(append(append(res.Proposals, v.examples()...), v.spoiled()...), lessons...)
	for i := range res.Findings {
		res.Findings[i].Analyst = Name
	}
	res.Weigh = v.weigh
	return res
}

// weigh answers for a claim: how a wish stands by all that was said, or by what was said behind a position.
func (v *View) weigh(c events.Claim, after uint64) (evidence.Standing, bool) {
	if len(c.Subject) > 2 && c.Subject[0] == Examples {
		return v.weighExamples(c, after)
	}
	if len(c.Subject) > 2 && c.Subject[0] == Spoiled {
		return v.weighSpoiled(c, after)
	}
	if len(c.Subject) > 3 && c.Subject[0] == Lessons {
		return v.weighLesson(c, after)
	}
	if len(c.Subject) != 2 || c.Subject[0] != Wish {
		return evidence.Standing{}, false
	}
	said := inWorkflow(v.Said, c.Workflow, after)
	x := wish{term: c.Subject[1], word: c.Subject[1]}
	for _, known := range wishes(said) {
		if known.term == x.term {
			x = *known
		}
	}
	if len(said) == 0 {
		return evidence.Standing{}, false
	}
	s := events.Gone
	if x.asks() && !v.advised(&x) {
		s = x.strength(said)
	}
	return evidence.Standing{Strength: s, Reason: x.reason(c.Workflow), Evidence: x.evidence(said), Expected: x.expected(said)}, true
}

func workflowsOf(said []Said) []string {
	names := map[string]bool{}
	for i := range said {
		if said[i].Run != "" {
			names[said[i].Workflow] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// inWorkflow is what was said of a workflow behind a position.
func inWorkflow(all []Said, workflow string, after uint64) []*Said {
	var said []*Said
	for i := range all {
		if all[i].Run != "" && all[i].Workflow == workflow && all[i].Position > after {
			said = append(said, &all[i])
		}
	}
	return said
}

// satisfaction tells how satisfied people are, from 0 to 10, in each workflow, with each agent and in the latest weeks.
func (v *View) satisfaction() []evidence.Finding {
	type key struct{ kind, workflow, name string }
	groups := map[key][]*Said{}
	var weeks []string
	for i := range v.Said {
		s := &v.Said[i]
		if s.Liked == nil {
			continue
		}
		add := func(k key) { groups[k] = append(groups[k], s) }
		if s.Run != "" {
			add(key{"workflow", s.Workflow, s.Workflow})
		}
		for _, a := range s.Agents {
			add(key{"agent", "", a})
		}
		if s.Week != "" {
			weeks = append(weeks, s.Week)
			add(key{"week", "", s.Week})
		}
	}
	slices.Sort(weeks)
	weeks = slices.Compact(weeks)
	recent := weeks[max(0, len(weeks)-4):]
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b key) int {
		return slices.Compare([]string{a.workflow, a.kind, a.name}, []string{b.workflow, b.kind, b.name})
	})
	var findings []evidence.Finding
	for _, k := range keys {
		if k.kind == "week" && !slices.Contains(recent, k.name) {
			continue
		}
		liked, of, people := judged(groups[k])
		i := stats.Wilson(liked, of, confidence)
		where := map[string]string{"workflow": "in " + k.name, "agent": "with " + k.name, "week": "in the week of " + k.name}[k.kind]
		first, last := groups[k][0], groups[k][len(groups[k])-1]
		findings = append(findings, evidence.Finding{
			Kind: Satisfaction, Workflow: k.workflow, Subject: []string{k.kind, k.name},
			Text: fmt.Sprintf("People are satisfied %s at %.1f of 10 (95%% interval %.1f to %.1f; %s by %s).", where,
				10*float64(liked)/float64(of), 10*i.Low, 10*i.High, count(of, "judgement", "judgements"), count(people, "person", "people")),
			Evidence: events.Evidence{
				From: first.Position, To: last.Position, Positions: []uint64{last.Position}, Confidence: confidence, N: of,
				Statistic: "ten times the share of liked answers, Wilson's interval, at most ten judgements of a person",
				Value:     stats.Round(10 * float64(liked) / float64(of)), Low: stats.Round(10 * i.Low), High: stats.Round(10 * i.High),
				Counts: map[string]int64{"liked": liked, "judged": of, "people": people},
			},
		})
	}
	return findings
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// judged counts judgements, and who made them.
func judged(said []*Said) (liked, of, people int64) {
	return stats.Judged(func(yield func(stats.Judgement) bool) {
		for _, s := range slices.Backward(said) {
			if !yield(stats.Judgement{User: s.User, Run: cmp.Or(s.Run, " "+strings.Join(s.Agents, " ")), Liked: *s.Liked}) {
				return
			}
		}
	})
}

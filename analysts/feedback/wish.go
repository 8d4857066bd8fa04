package feedback

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// The least that makes a wish one that is asked for again and again.
const (
	fewestPeople = 3
	fewestWishes = 5
	// manyPeople, with wishes in both halves of the time, make it a strong one.
	manyPeople = 10
)

// wish is what several wishes of a workflow share: a word, or two that follow one another.
type wish struct {
	// term is their stems, word how they are written most often.
	term, word string
	said       []*Said
	// people is how often each person wished for it.
	people map[string]int64
}

// wishes puts the wishes of a workflow together by the words that they share.
func wishes(said []*Said) (list []*wish) {
	var wished []*Said
	var texts []mining.Text
	for _, s := range said {
		if s.Wish != "" {
			wished, texts = append(wished, s), append(texts, mining.Text{By: s.User, Says: s.Wish})
		}
	}
	for _, t := range mining.Themes(texts, perPerson, nil) {
		x := &wish{term: t.Term, word: t.Word, people: t.People}
		for _, i := range t.Texts {
			x.said = append(x.said, wished[i])
		}
		list = append(list, x)
	}
	return list
}

// asks tells whether enough people wish for it.
func (x *wish) asks() bool { return len(x.people) >= fewestPeople && len(x.said) >= fewestWishes }

func (x *wish) subject() []string { return []string{Wish, x.term} }

func (x *wish) agents() []string {
	names := map[string]bool{}
	for _, s := range x.said {
		for _, a := range s.Agents {
			names[a] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (x *wish) reason(workflow string) string {
	if len(x.said) == 0 {
		return fmt.Sprintf("Nobody wishes for “%s” in %s any more.", x.word, workflow)
	}
	text := fmt.Sprintf("%d people wished for “%s” in %s, %d times", len(x.people), x.word, workflow, len(x.said))
	if agents := x.agents(); len(agents) > 0 {
		text += ", of runs with " + strings.Join(agents[:min(len(agents), 3)], ", ")
	}
	return text + "; the latest is of " + x.latest() + "."
}

// latest is what was last spoken of.
func (x *wish) latest() string {
	s := x.said[len(x.said)-1]
	if s.Run == "" {
		return s.Agents[0] + " as a whole"
	}
	return "run " + s.Run
}

// of is what was spoken of: a run, or what one feedback says of an agent as a whole.
func (s *Said) of() string { return cmp.Or(s.Run, " "+s.Feedback) }

// share is in how many of the runs that people spoke of it is wished for.
func (x *wish) share(said []*Said) (with, of int64) {
	runs, all := map[string]bool{}, map[string]bool{}
	for _, s := range x.said {
		runs[s.of()] = true
	}
	for _, s := range said {
		all[s.of()] = true
	}
	return int64(len(runs)), int64(len(all))
}

func (x *wish) evidence(said []*Said) events.Evidence {
	with, of := x.share(said)
	i := stats.Wilson(with, of, confidence)
	e := events.Evidence{
		From: said[0].Position, To: said[len(said)-1].Position, Confidence: confidence, N: of,
		Statistic: "share of the runs that people spoke of, Wilson's interval",
		Value:     stats.Round(float64(with) / float64(of)), Low: stats.Round(i.Low), High: stats.Round(i.High),
		Counts: map[string]int64{"wishes": int64(len(x.said)), "people": int64(len(x.people)), "runs": with},
	}
	for _, s := range x.said {
		e.Positions = append(e.Positions, s.Position)
	}
	e.Positions = e.Positions[max(0, len(e.Positions)-20):]
	return e
}

// expected is that the wish is heard no more.
func (x *wish) expected(said []*Said) events.Expected {
	with, of := x.share(said)
	i := stats.Wilson(with, of, confidence)
	return events.Expected{Metric: "share_of_runs_with_the_wish", Change: -stats.Round(float64(with) / float64(of)), Low: -stats.Round(i.High)}
}

// strength is moderate, and strong where many people wish for it in both halves of what was said.
func (x *wish) strength(said []*Said) events.Strength {
	middle := said[len(said)/2].Position
	early := 0
	for _, s := range x.said {
		if s.Position < middle {
			early++
		}
	}
	if len(x.people) >= manyPeople && early >= fewestPeople && len(x.said)-early >= fewestPeople {
		return events.Strong
	}
	return events.Moderate
}

func (x *wish) proposal(workflow string, said []*Said) evidence.Proposal {
	return evidence.Proposal{
		Analyst: Name, AnalystVersion: version,
		Change: events.Change{
			Kind: events.ChangeWorkflow, Workflow: workflow,
			Instruction: fmt.Sprintf("Read what was said with “%s” of %s, and write into its agents' prompts what is to be different.", x.word, workflow),
		},
		Claim: events.Claim{Workflow: workflow, Subject: x.subject()}, Strength: x.strength(said), Reason: x.reason(workflow),
		Evidence: x.evidence(said), Expected: x.expected(said),
	}
}

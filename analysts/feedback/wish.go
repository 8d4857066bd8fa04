package feedback

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"

	"github.com/virtuous6/virtuous6/analysts/evidence"
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

// wishes puts the wishes of a workflow together by the words that they share: the term that most people use first, then the one
// that most of the others do. A wish is in one of them. Those of one person alone are left out.
func wishes(said []*Said) []*wish {
	type use struct {
		term string
		said *Said
	}
	by := map[string]*wish{}
	var uses []use
	spelled := map[string]map[string]int{}
	counted := map[string]int{}
	for _, s := range slices.Backward(said) {
		if s.Wish == "" {
			continue
		}
		if counted[s.User]++; counted[s.User] > perPerson {
			continue
		}
		for term, word := range terms(s.Wish) {
			uses = append(uses, use{term, s})
			if spelled[term] == nil {
				spelled[term] = map[string]int{}
			}
			spelled[term][word]++
		}
	}
	taken := map[*Said]bool{}
	var list []*wish
	for {
		clear(by)
		for _, u := range uses {
			if taken[u.said] {
				continue
			}
			x := by[u.term]
			if x == nil {
				x = &wish{term: u.term, people: map[string]int64{}}
				by[u.term] = x
			}
			x.said = append(x.said, u.said)
			x.people[u.said.User]++
		}
		var best *wish
		for _, x := range by {
			if len(x.people) > 1 && (best == nil || better(x, best) < 0) {
				best = x
			}
		}
		if best == nil {
			return list
		}
		for _, s := range best.said {
			taken[s] = true
		}
		slices.SortFunc(best.said, func(a, b *Said) int { return cmp.Compare(a.Position, b.Position) })
		words := spelled[best.term]
		best.word = slices.MinFunc(slices.Collect(maps.Keys(words)), func(a, b string) int {
			return cmp.Or(cmp.Compare(words[b], words[a]), cmp.Compare(a, b))
		})
		list = append(list, best)
	}
}

// better orders wishes: by people, by how often, two words before one, then by the alphabet.
func better(a, b *wish) int {
	pair := func(x *wish) int { return strings.Count(x.term, " ") }
	return cmp.Or(
		cmp.Compare(len(b.people), len(a.people)), cmp.Compare(len(b.said), len(a.said)), cmp.Compare(pair(b), pair(a)), cmp.Compare(a.term, b.term),
	)
}

// maxWish is how much of a wish is looked at, in bytes: more is an answer, or a pasted document.
const maxWish = 2000

// terms are the words of a text that mean something, and those that follow one another, by their stems (Porter2), with how they
// are written.
func terms(text string) map[string]string {
	if len(text) > maxWish {
		text = strings.ToValidUTF8(text[:maxWish], "")
	}
	found := map[string]string{}
	before, written := "", ""
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' }) {
		word = strings.Trim(word, "'")
		if english.IsStopWord(word) || len(word) < 3 || len(word) > 40 {
			continue
		}
		stem := english.Stem(word, false)
		found[stem] = word
		if before != "" {
			found[before+" "+stem] = written + " " + word
		}
		before, written = stem, word
	}
	return found
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
	return text + "; the latest is of run " + x.said[len(x.said)-1].Run + "."
}

// share is in how many of the runs that people spoke of it is wished for.
func (x *wish) share(said []*Said) (with, of int64) {
	runs, all := map[string]bool{}, map[string]bool{}
	for _, s := range x.said {
		runs[s.Run] = true
	}
	for _, s := range said {
		all[s.Run] = true
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

package failure

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

const (
	// fewestAdvisers is of how many people the words must be that are proposed as what to do about an error.
	fewestAdvisers = 3
	// quoted is how many of them are quoted.
	quoted = 3
	// Advised is the kind of claim that people write what to do about an error.
	Advised = evidence.Advised
)

// advised is what several people wrote of runs with an error at a step: the same, and more often than of runs in which the step works.
type advised struct {
	landmark
	id, term, word string
	// said are the texts that share the term, by position, agent who met the error most often.
	said  []*Feedback
	agent string
	// people wrote them, of runs with the error; met is how many of those there are, rated and failed of them, of runs with the step.
	people                 map[string]int64
	met, rated, failed, of int64
	// others are the runs without the error of which somebody wrote so, and spoken those of which anything was written; saidOf and spokenOf
	// are the same of runs with the error.
	others, spoken, saidOf, spokenOf int64
	first, last                      uint64
	logE                             float64
	claimed                          bool
}

// placed is a run at a landmark: whether it met the error there.
type placed struct {
	*Run
	agent string
	with  bool
}

// advice is all that people wrote of errors, in a fixed order. What is said behind a position alone counts, where one is given.
func (h *history) advice(after uint64) (all []*advised) {
	written := map[string][]*wrote{}
	for i := range h.Feedback {
		if f := &h.Feedback[i]; f.Advice != "" && f.User != "" && f.Position > after {
			written[f.Run] = append(written[f.Run], &wrote{f, mining.Terms(f.Advice)})
		}
	}
	if len(written) < fewestAdvisers {
		return nil
	}
	spoken := map[string]map[string]map[string]map[string]bool{} // who wrote, by workflow, step and error
	for i := range h.Runs {
		r := &h.Runs[i]
		if len(written[r.Name]) == 0 {
			continue
		}
		for k := range r.Steps {
			id, step := h.id(i, k), r.Steps[k].Name
			if id == "" {
				continue
			}
			if spoken[r.Workflow] == nil {
				spoken[r.Workflow] = map[string]map[string]map[string]bool{}
			}
			if spoken[r.Workflow][step] == nil {
				spoken[r.Workflow][step] = map[string]map[string]bool{}
			}
			if spoken[r.Workflow][step][id] == nil {
				spoken[r.Workflow][step][id] = map[string]bool{}
			}
			for _, w := range written[r.Name] {
				spoken[r.Workflow][step][id][w.User] = true
			}
		}
	}
	runs := map[landmark][]int{}
	for i := range h.Runs {
		r := &h.Runs[i]
		steps := spoken[r.Workflow]
		if steps == nil {
			continue
		}
		for k := range r.Steps {
			at := landmark{r.Workflow, r.Steps[k].Name}
			if known := runs[at]; steps[at.step] != nil && (len(known) == 0 || known[len(known)-1] != i) {
				runs[at] = append(known, i)
			}
		}
	}
	asked := 0
	for at, indexes := range runs {
		var said []*wrote
		for _, i := range indexes {
			said = append(said, written[h.Runs[i].Name]...)
		}
		slices.SortFunc(said, func(a, b *wrote) int { return cmp.Compare(a.Position, b.Position) })
		questions := severalUse(said)
		for id, by := range spoken[at.workflow][at.step] {
			if asked += questions; len(by) >= fewestAdvisers {
				all = append(all, h.adviceOn(at, id, indexes, said)...)
			}
		}
	}
	slices.SortFunc(all, func(a, b *advised) int {
		return slices.Compare([]string{a.workflow, a.step, a.id, a.term}, []string{b.workflow, b.step, b.id, b.term})
	})
	// What several people wrote of any runs could all have come out as advice, and counts among what was asked.
	logE := make([]float64, max(len(all), asked))
	for i := range logE {
		if logE[i] = math.Inf(-1); i < len(all) {
			logE[i] = all[i].logE
		}
	}
	claimed, _ := stats.EBH(logE, alpha)
	for _, i := range claimed {
		all[i].claimed = all[i].specific()
	}
	return all
}

// specific tells that it is said of runs with the error at least twice as often as of the others that people wrote of: what is said of all
// failures is no advice on one of them.
func (a *advised) specific() bool { return a.saidOf*a.spoken >= 2*a.others*a.spokenOf }

// wrote is a text with its words.
type wrote struct {
	*Feedback
	terms map[string]string
}

// severalUse counts the words that several people use. Those that stand in the same texts are one.
func severalUse(said []*wrote) int {
	users, in := map[string]map[string]bool{}, map[string][]byte{}
	for i, f := range said {
		for term := range f.terms {
			if users[term] == nil {
				users[term] = map[string]bool{}
			}
			users[term][f.User] = true
			in[term] = binary.AppendUvarint(in[term], uint64(i))
		}
	}
	words := map[string]bool{}
	for term, by := range users {
		if len(by) >= fewestAdvisers {
			words[string(in[term])] = true
		}
	}
	return len(words)
}

// adviceOn is what people wrote of one error at a step. said is all that they wrote of the runs with the step, by position.
func (h *history) adviceOn(at landmark, id string, runs []int, said []*wrote) (all []*advised) {
	whole := advised{landmark: at, id: id}
	met := map[string]int64{}
	type stratum struct{ with, of float64 }
	strata, place := map[string]*stratum{}, map[string]placed{}
	spoken := map[string]bool{}
	for _, f := range said {
		spoken[f.Run] = true
	}
	for _, i := range runs {
		p := placed{Run: &h.Runs[i]}
		for k := range p.Steps {
			if h.id(i, k) == id && p.Steps[k].Name == at.step {
				p.with, p.agent = true, p.Steps[k].Agent
				break
			}
		}
		s := strata[p.Task]
		if s == nil {
			s = &stratum{}
			strata[p.Task] = s
		}
		s.of++
		whole.of++
		if p.with {
			s.with++
			whole.met++
			met[p.agent]++
			if rated(p.Run) {
				whole.rated++
			}
			if p.Outcome == events.Failed {
				whole.failed++
			}
		}
		if spoken[p.Name] {
			place[p.Name] = p
			if p.with {
				whole.spokenOf++
			} else {
				whole.spoken++
			}
		}
	}
	var with []*Feedback
	var texts []mining.Text
	for _, f := range said {
		if place[f.Run].with {
			with, texts = append(with, f.Feedback), append(texts, mining.Text{By: f.User, Says: f.Advice})
		}
	}
	// What the error says itself, and where, is no advice.
	known := map[string]bool{}
	for term := range mining.Terms(strings.Join([]string{h.fingerprints.Text(id), strings.NewReplacer("_", " ", "-", " ").Replace(at.step), at.workflow}, " ")) {
		known[term] = true
	}
	for _, theme := range mining.Themes(texts, stats.PerPerson, known) {
		if len(theme.People) < fewestAdvisers {
			continue
		}
		a := whole
		a.term, a.people, a.agent = theme.Term, theme.People, mostOften(met)
		share := func(f *wrote) float64 { s := strata[place[f.Run].Task]; return s.with / s.of }
		heard, of, others := map[string]bool{}, map[string]bool{}, map[string]bool{}
		var bets [len(odds)]float64
		bet := func(f *wrote, with bool) {
			// Each person counts once: what one says again and again proves nothing more.
			if heard[f.User] {
				return
			}
			heard[f.User] = true
			p0 := share(f)
			for i, o := range odds {
				p := float64(o*p0) / (1 - p0 + float64(o*p0))
				if with {
					bets[i] += math.Log(p / p0)
				} else {
					bets[i] += math.Log((1 - p) / (1 - p0))
				}
			}
		}
		for _, i := range theme.Texts {
			a.said = append(a.said, with[i])
			of[with[i].Run] = true
		}
		for _, f := range said {
			if _, is := f.terms[a.term]; !is {
				continue
			}
			with := place[f.Run].with
			bet(f, with)
			if !with {
				others[f.Run] = true
			}
		}
		// The first one's spelling stays the same as more come.
		a.word = mining.Terms(a.said[0].Advice)[a.term]
		a.saidOf, a.others = int64(len(of)), int64(len(others))
		a.first, a.last = a.said[0].Position, a.said[len(a.said)-1].Position
		a.logE = stats.LogMean(bets[:])
		all = append(all, &a)
	}
	return all
}

// odds are by how much likelier it may be that what is written is of a run with the error than of any other: each is bet on.
var odds = [...]float64{2, 4, 8, 16, 64}

func mostOften(times map[string]int64) (name string) {
	for _, n := range slices.Sorted(maps.Keys(times)) {
		if name == "" || times[n] > times[name] {
			name = n
		}
	}
	return name
}

func (a *advised) subject() []string {
	subject := []string{Advised, a.id, a.step, a.term}
	for _, s := range a.sayings() {
		subject = append(subject, s.Feedback)
	}
	return subject
}

// sayings are what the first few people wrote, by reference.
func (a *advised) sayings() (list []events.Saying) {
	for _, f := range a.said {
		of := func(s events.Saying) bool { return s.User == f.User }
		if len(f.Advice) <= mining.MaxText && len(list) < quoted && !slices.ContainsFunc(list, of) {
			list = append(list, events.Saying{Feedback: f.Feedback, Run: f.Run, User: f.User})
		}
	}
	return list
}

func (a *advised) reason(text string) string {
	if len(a.said) == 0 {
		return fmt.Sprintf("Nobody writes “%s” of runs with %q in %s any more.", a.word, text, a.step)
	}
	return fmt.Sprintf("%d people wrote “%s” of %d of %d runs of %s with %q in %s, and of %d of %d runs in which that does not happen; the latest is of run %s. What it brings to do so is to be tried.",
		len(a.people), a.word, a.saidOf, a.met, a.workflow, text, a.step, a.others, a.of-a.met, a.said[len(a.said)-1].Run)
}

func (a *advised) evidence() events.Evidence {
	e := events.Evidence{
		From: a.first, To: a.last, Confidence: confidence, N: a.met,
		Statistic: fmt.Sprintf("share of the runs with the error, Wilson's interval; bets on whose runs people write so of, each person once, e-BH at %g", alpha),
		Value:     stats.Round(float64(a.saidOf) / float64(max(a.met, 1))),
		Counts: map[string]int64{
			"people": int64(len(a.people)), "texts": int64(len(a.said)), "with_runs": a.met, "with_said": a.saidOf, "without_runs": a.of - a.met, "without_said": a.others,
		},
	}
	i := stats.Wilson(a.saidOf, a.met, confidence)
	e.Low, e.High = stats.Round(i.Low), stats.Round(i.High)
	for _, f := range a.said {
		e.Positions = append(e.Positions, f.Position)
	}
	e.Positions = e.Positions[max(0, len(e.Positions)-20):]
	return e
}

// expected is what it may bring. Nobody knows before it is tried: that a tenth of the runs that fail with the error would succeed.
func (a *advised) expected(rated int64) events.Expected {
	gain := stats.Round(float64(a.failed) / float64(max(rated, 1)) / 10)
	return events.Expected{Metric: "success_rate", Change: gain, Low: 0 - gain, High: stats.Round(3 * gain)}
}

// advises proposes what people wrote to agents of ours that meet the error, and to a person elsewhere. Where the record itself tells
// what to do, that is proposed alone.
func (a *analysis) advises(proposed []evidence.Proposal) (proposals []evidence.Proposal) {
	for _, x := range a.advised {
		text := a.fingerprints.Text(x.id)
		if !x.claimed || a.knows(x, text) || slices.ContainsFunc(proposed, func(p evidence.Proposal) bool {
			return p.Claim.Workflow == x.workflow && len(p.Claim.Subject) > 2 && p.Claim.Subject[1] == x.id && p.Claim.Subject[2] == x.step
		}) {
			continue
		}
		said := x.sayings()
		subject := x.subject()
		change := events.Change{
			Kind: events.ChangeWorkflow, Workflow: x.workflow, Steps: []string{x.step},
			Instruction: fmt.Sprintf("Read what people wrote with “%s” of %q in %s (feedback %s), and write where the work is defined what is to be done then.", x.word, text, x.step, strings.Join(subject[4:], ", ")),
		}
		if config, ours := a.Agents[x.agent]; ours && slices.Contains(config.Tools, x.step) {
			change = events.Change{
				Kind: events.ChangeFixes, Agent: x.agent, Workflow: x.workflow,
				Config:      &events.AgentConfig{Fixes: []events.Fix{{ID: x.id, Error: text, Of: a.wordsOf(x.id), Tool: x.step, Said: said}}},
				Instruction: fmt.Sprintf("Tell %s after %q of %s what people wrote of it (“%s”), in the words of the feedback %s.", x.agent, text, x.step, x.word, strings.Join(subject[4:], ", ")),
			}
		}
		expected := x.expected(a.rated[x.workflow])
		worth := evidence.Successes(expected.Change, expected.Low, expected.High, a.monthly[x.workflow], a.all)
		proposals = append(proposals, evidence.Proposal{
			Analyst: name, AnalystVersion: version, Change: change, Claim: events.Claim{Workflow: x.workflow, Subject: subject}, Strength: events.Moderate,
			Reason: x.reason(text), Of: a.wordsOf(x.id), Evidence: x.evidence(), Worth: &worth, Expected: expected,
		})
	}
	return proposals
}

// knows tells that the agent is told of a fix already.
func (a *analysis) knows(x *advised, text string) bool {
	return slices.ContainsFunc(a.Agents[x.agent].Fixes, func(f events.Fix) bool {
		return (f.Tool == "" || f.Tool == x.step) && (f.ID == x.id || Fingerprint{ID: f.ID, Text: f.Error}.Is(text))
	})
}

// weighAdvice tells how it stands with what people wrote: where one who is quoted was forgotten, or the agent is told by now, it is gone.
func (a *analysis) weighAdvice(c events.Claim, after uint64) (evidence.Standing, bool) {
	id, step, term := c.Subject[1], c.Subject[2], c.Subject[3]
	all := a.advised
	if after > 0 {
		all = a.history.advice(after)
	}
	text := a.fingerprints.Text(id)
	x := &advised{landmark: landmark{c.Workflow, step}, id: id, term: term, word: term}
	for _, known := range all {
		if known.landmark == x.landmark && known.id == id && known.term == term {
			x = known
		}
	}
	s := events.Gone
	if ok := x.claimed || after > 0 && x.logE >= math.Log(1/alpha) && x.specific(); ok && !a.knows(x, text) {
		s = events.Moderate
	}
	for _, feedback := range c.Subject[4:] {
		if !slices.ContainsFunc(a.Feedback, func(f Feedback) bool { return f.Feedback == feedback && f.Advice != "" }) {
			s = events.Gone
		}
	}
	if x.met == 0 && after > 0 {
		return evidence.Standing{}, false // nothing was said of it since
	}
	return evidence.Standing{Strength: s, Reason: x.reason(text), Of: a.wordsOf(id), Evidence: x.evidence(), Expected: x.expected(a.rated[c.Workflow])}, true
}

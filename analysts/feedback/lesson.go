package feedback

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Pupil is a live agent that can be told what people ask of its answers.
type Pupil struct {
	Agent string
	// Knows are the subjects of the lessons that it is told.
	Knows []string
	// Monthly is how many of its runs succeed or fail in 30 days, of All.
	Monthly, All float64
}

// pupils are the agents that can be asked.
func pupils(rows []projections.AgentRow, runs []*projections.Observation) (all []Pupil) {
	var starts []int64
	var rated []*projections.Observation
	for _, o := range runs {
		if result := o.Result(); result == events.Succeeded || result == events.Failed {
			rated, starts = append(rated, o), append(starts, o.Started)
		}
	}
	monthly, total := map[string]float64{}, 0.0
	for i, weight := range evidence.Monthly(starts) {
		total += weight
		for _, agent := range rated[i].Agents {
			monthly[agent] += weight
		}
	}
	for _, row := range rows {
		if !row.Askable() {
			continue
		}
		p := Pupil{Agent: row.Agent, Monthly: monthly[row.Agent], All: total}
		for _, l := range row.Lessons {
			p.Knows = append(p.Knows, l.Subject)
		}
		all = append(all, p)
	}
	return all
}

// knows tells whether it is told already what a wish is about.
func (p *Pupil) knows(term string) bool {
	return slices.ContainsFunc(p.Knows, func(subject string) bool { _, is := mining.Terms(subject)[term]; return is })
}

// quoted is how many people a lesson quotes.
const quoted = 3

// Lessons is the kind of claim that people ask for the same in an agent's answers.
const Lessons = "lessons"

// heard is what was said of runs that the agent answered alone, behind a position: of others nobody knows whose answer was meant.
func (v *View) heard(agent string, after uint64) (said []*Said) {
	for i := range v.Said {
		if s := &v.Said[i]; s.Position > after && len(s.Agents) == 1 && s.Agents[0] == agent {
			said = append(said, s)
		}
	}
	return said
}

// lesson is the wish as it is told to an agent: what the first few people said, by reference.
func (x *wish) lesson() events.Lesson {
	l := events.Lesson{Subject: mining.Terms(x.said[0].Wish)[x.term]}
	for _, s := range x.said {
		of := func(o events.Saying) bool { return o.User == s.User }
		if s.Feedback != "" && len(s.Wish) <= mining.MaxText && !slices.ContainsFunc(l.Said, of) && len(l.Said) < quoted {
			l.Said = append(l.Said, events.Saying{Feedback: s.Feedback, Run: s.Run, User: s.User})
		}
	}
	return l
}

// better is what a lesson is expected to bring. Nobody knows before it is tried: that a tenth of the runs of which it is wished for would
// be called good.
func (x *wish) better(said []*Said) events.Expected {
	with, of := x.share(said)
	gain := stats.Round(float64(with) / float64(of) / 10)
	return events.Expected{Metric: "success_rate", Change: gain, Low: -gain, High: stats.Round(3 * gain)}
}

// lessons proposes to tell agents what people ask for in their answers again and again, and tells which wishes it is about.
func (v *View) lessons() (proposals []evidence.Proposal, about []*wish) {
	for i := range v.Pupils {
		p := &v.Pupils[i]
		said := v.heard(p.Agent, 0)
		all := wishes(said)
		for _, x := range all[:min(len(all), top)] {
			if !x.asks() || v.advised(x) {
				continue
			}
			if about = append(about, x); p.knows(x.term) {
				continue
			}
			l := x.lesson()
			claim := events.Claim{Subject: []string{Lessons, p.Agent, x.term}}
			for _, s := range l.Said {
				claim.Subject = append(claim.Subject, s.Feedback)
			}
			expected := x.better(said)
			proposal := evidence.Proposal{
				Analyst: Name, AnalystVersion: version, Claim: claim, Strength: x.strength(said), Reason: x.told(p.Agent), Evidence: x.evidence(said), Expected: expected,
				Change: events.Change{
					Kind: events.ChangeLessons, Agent: p.Agent, Config: &events.AgentConfig{Lessons: []events.Lesson{l}},
					Instruction: fmt.Sprintf("Tell %s that people ask for “%s”, in the words of the feedback %s.", p.Agent, l.Subject, strings.Join(claim.Subject[3:], ", ")),
				},
				Worth: v.worth(p.Agent, expected),
			}
			proposals = append(proposals, proposal)
		}
	}
	return proposals, about
}

// worth is what a change of an agent's success brings, nil where none of its runs succeeds or fails.
func (v *View) worth(agent string, e events.Expected) *events.Worth {
	i := slices.IndexFunc(v.Pupils, func(p Pupil) bool { return p.Agent == agent })
	if i < 0 || v.Pupils[i].Monthly == 0 {
		return nil
	}
	w := evidence.Successes(e.Change, e.Low, e.High, v.Pupils[i].Monthly, v.Pupils[i].All)
	return &w
}

func (x *wish) told(agent string) string {
	if len(x.said) == 0 {
		return fmt.Sprintf("Nobody wishes for “%s” in the answers of %s any more.", x.word, agent)
	}
	return fmt.Sprintf("%d people wished for “%s” in the answers of %s, %d times; the latest is of %s. It can be told so in their words, without a copy of them. What that brings is to be tried.",
		len(x.people), x.word, agent, len(x.said), x.latest())
}

// taughtAlready tells of a wish that it is said with a lesson: at least half of it.
func (x *wish) taughtAlready(about []*wish) bool {
	of := map[*Said]bool{}
	for _, l := range about {
		if l.term == x.term {
			for _, s := range l.said {
				of[s] = true
			}
		}
	}
	n := 0
	for _, s := range x.said {
		if of[s] {
			n++
		}
	}
	return n > 0 && 2*n >= len(x.said)
}

// advised tells of a wish that at least half of it is about an error, and said with what is to be done there.
func (v *View) advised(x *wish) bool {
	n := 0
	for _, s := range x.said {
		if v.Advised[s.Position] {
			n++
		}
	}
	return n > 0 && 2*n >= len(x.said)
}

// weighLesson tells how it stands with a lesson. Where one of those that it quotes was forgotten, or it is told by now, it is gone.
func (v *View) weighLesson(c events.Claim, after uint64) (evidence.Standing, bool) {
	agent, term := c.Subject[1], c.Subject[2]
	said := v.heard(agent, after)
	if len(said) == 0 {
		return evidence.Standing{}, false
	}
	x := &wish{term: term, word: term}
	for _, known := range wishes(said) {
		if known.term == term {
			x = known
		}
	}
	i := slices.IndexFunc(v.Pupils, func(p Pupil) bool { return p.Agent == agent })
	ok := x.asks() && !v.advised(x) && i >= 0 && !v.Pupils[i].knows(term)
	for _, feedback := range c.Subject[3:] {
		ok = ok && slices.ContainsFunc(v.Said, func(s Said) bool { return s.Feedback == feedback && s.Wish != "" })
	}
	s := events.Gone
	if ok {
		s = x.strength(said)
	}
	return evidence.Standing{Strength: s, Reason: x.told(agent), Evidence: x.evidence(said), Expected: x.better(said)}, true
}

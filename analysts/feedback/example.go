package feedback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// The bounds of what is shown to an agent as examples.
const (
	// fewestJudged is how many of its runs people must have judged, and fewestBad how many of those they did not like: else there is
	// nothing to be learned.
	fewestJudged = 20
	fewestBad    = 3
	// fewestShown and mostShown are how many examples are proposed, at most perRequester of one person's, of at least two people.
	fewestShown  = 3
	mostShown    = 4
	perRequester = 2
	// mostLooked is how many well judged runs of an agent are looked at, the earliest first: a choice that stays the same as more come.
	mostLooked = 100
)

// Taught is an agent that could be shown examples.
type Taught struct {
	Agent string
	// Judged are the runs that people judged, by position.
	Judged []JudgedRun
	// Candidates are well judged runs that could be shown, the earliest first.
	Candidates []Candidate
	// Shows tells that it is shown examples already.
	Shows bool
}

// JudgedRun is whether people called a run's answer good, as they said at a position.
type JudgedRun struct {
	Run      string
	Good     bool
	Position uint64
}

// Candidate is a run that could be shown as an example: what was asked, as far as the read models hold it, and by whom.
type Candidate struct {
	Run, Requester, Prompt string
}

// taught loads the agents that could be shown examples. A run counts that one agent answered alone and without tools, at the beginning of
// its conversation: another one would be shown without what it rests on.
func taught(ctx context.Context, r projections.Reader, rows []projections.AgentRow, runs func() ([]*projections.Observation, error), said []Said) ([]Taught, []Showing, error) {
	judged := map[string]*JudgedRun{}
	judge := func(run string, good bool, position uint64) {
		j := judged[run]
		if j == nil {
			judged[run] = &JudgedRun{run, good, position}
			return
		}
		// What one person does not like is no example.
		j.Good, j.Position = j.Good && good, max(j.Position, position)
	}
	for v, err := range r.Verdicts(ctx, 0) {
		if err != nil {
			return nil, nil, fmt.Errorf("load verdicts: %w", err)
		}
		if v.Person == events.Succeeded || v.Person == events.Failed {
			judge(v.Run, v.Person == events.Succeeded, v.Position)
		}
	}
	for i := range said {
		if s := &said[i]; s.Liked != nil && s.User != "" && s.Run != "" {
			judge(s.Run, *s.Liked, s.Position)
		}
	}
	showing := showing(rows, judged)
	if len(judged) < fewestJudged {
		return nil, showing, nil
	}
	observed, err := runs()
	if err != nil {
		return nil, nil, err
	}
	of := map[string][]*projections.Observation{}
	for _, o := range observed {
		if judged[o.Run] != nil && len(o.Agents) == 1 {
			of[o.Agents[0]] = append(of[o.Agents[0]], o)
		}
	}
	var all []Taught
	for _, row := range rows {
		if !row.Askable() || len(of[row.Agent]) < fewestJudged {
			continue
		}
		t := Taught{Agent: row.Agent, Shows: len(row.Examples) > 0}
		for _, o := range of[row.Agent] {
			j := judged[o.Run]
			t.Judged = append(t.Judged, *j)
			if !j.Good || len(o.Tools) > 0 || o.Result() != events.Succeeded || len(t.Candidates) == mostLooked {
				continue
			}
			run, _, err := r.Run(ctx, o.Run)
			if errors.Is(err, projections.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, nil, fmt.Errorf("load run %s: %w", o.Run, err)
			}
			alone := run.Conversation == "" || run.Conversation == run.Run
			if told := readable(run.Prompt) && readable(run.Answer); told && alone && run.Source == "" && !run.Scripted {
				t.Candidates = append(t.Candidates, Candidate{run.Run, run.Requester, run.Prompt})
			}
		}
		slices.SortStableFunc(t.Judged, func(a, b JudgedRun) int { return cmp.Compare(a.Position, b.Position) })
		all = append(all, t)
	}
	return all, showing, nil
}

func readable(text string) bool { return strings.TrimSpace(text) != "" && text != events.Erased }

// shown chooses the examples: the earliest that differ in their words.
func (t *Taught) shown() []Candidate {
	var chosen []Candidate
	of := map[string]int{}
	for _, c := range t.Candidates {
		if of[c.Requester] == perRequester || slices.ContainsFunc(chosen, func(o Candidate) bool { return alike(o.Prompt, c.Prompt) }) {
			continue
		}
		of[c.Requester]++
		if chosen = append(chosen, c); len(chosen) == mostShown {
			break
		}
	}
	if len(chosen) < fewestShown || len(of) < 2 {
		return nil
	}
	return chosen
}

// alike tells of two questions that they share more than half of their words.
func alike(a, b string) bool {
	words, others := mining.Terms(a), mining.Terms(b)
	both := 0
	for w := range words {
		if _, is := others[w]; is {
			both++
		}
	}
	return 2*both > len(words)+len(others)-both
}

// Examples is the kind of claim that runs teach an agent.
const Examples = "examples"

// ground is what the judged runs behind a position say: ok is false where they are too few, or too good to be taught anything.
func (t *Taught) ground(after uint64) (e events.Evidence, ok bool) {
	var good, of int64
	e = events.Evidence{Statistic: "share of the judged runs that people called good, Wilson's interval", Confidence: confidence}
	for _, j := range t.Judged {
		if j.Position <= after {
			continue
		}
		if of++; e.From == 0 {
			e.From = j.Position
		}
		e.To = j.Position
		if j.Good {
			good++
		}
	}
	if of == 0 {
		return e, false
	}
	i := stats.Wilson(good, of, confidence)
	e.N, e.Value, e.Low, e.High = of, stats.Round(float64(good)/float64(of)), stats.Round(i.Low), stats.Round(i.High)
	e.Counts = map[string]int64{"good": good, "judged": of}
	return e, of >= fewestJudged && of-good >= fewestBad
}

// taughtBy is what examples are expected to bring. Nobody knows before they are tried: a tenth of what people do not like.
func taughtBy(e events.Evidence) events.Expected {
	gain := stats.Round((1 - e.Value) / 10)
	return events.Expected{Metric: "success_rate", Change: gain, Low: -gain, High: stats.Round(3 * gain)}
}

func (t *Taught) reason(e events.Evidence, examples int) string {
	return fmt.Sprintf("People called %d of %d judged answers of %s good. %d of those can be shown to it as examples, without a copy of what they say. What that brings is to be tried.",
		e.Counts["good"], e.Counts["judged"], t.Agent, examples)
}

// examples proposes to show agents what they did well.
func (v *View) examples() (proposals []evidence.Proposal) {
	for i := range v.Taught {
		t := &v.Taught[i]
		e, ok := t.ground(0)
		chosen := t.shown()
		if !ok || t.Shows || chosen == nil {
			continue
		}
		change := events.Change{Kind: events.ChangeExamples, Agent: t.Agent, Config: &events.AgentConfig{}}
		claim := events.Claim{Subject: []string{Examples, t.Agent}}
		for _, c := range chosen {
			change.Config.Examples = append(change.Config.Examples, events.Example{Run: c.Run, Requester: c.Requester})
			claim.Subject = append(claim.Subject, c.Run)
		}
		change.Instruction = fmt.Sprintf("Show %s the runs %s as examples.", t.Agent, strings.Join(claim.Subject[2:], ", "))
		proposals = append(proposals, evidence.Proposal{
			Analyst: Name, AnalystVersion: version, Change: change, Claim: claim, Strength: events.Moderate, Reason: t.reason(e, len(chosen)), Evidence: e, Expected: taughtBy(e),
			Worth: v.worth(t.Agent, taughtBy(e)),
		})
	}
	return proposals
}

// weighExamples tells how it stands with examples. Where one of them is called bad by now, or whoever asked was forgotten, it is gone.
func (v *View) weighExamples(c events.Claim, after uint64) (evidence.Standing, bool) {
	i := slices.IndexFunc(v.Taught, func(t Taught) bool { return t.Agent == c.Subject[1] })
	if i < 0 {
		return evidence.Standing{}, false
	}
	t := &v.Taught[i]
	e, ok := t.ground(after)
	if e.N == 0 {
		return evidence.Standing{}, false
	}
	s := events.Moderate
	for _, run := range c.Subject[2:] {
		ok = ok && slices.ContainsFunc(t.Candidates, func(c Candidate) bool { return c.Run == run })
	}
	if !ok || t.Shows {
		s = events.Gone
	}
	return evidence.Standing{Strength: s, Reason: t.reason(e, len(c.Subject)-2), Evidence: e, Expected: taughtBy(e)}, true
}

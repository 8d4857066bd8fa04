package feedback

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Spoiled is the kind of claim that people call bad by now what an agent is shown as an example.
const Spoiled = "spoiled"

// Showing is an agent that is shown examples.
type Showing struct {
	Agent    string
	Examples []events.Example
	// Bad are those of their runs that somebody called bad.
	Bad []JudgedRun
}

func showing(rows []projections.AgentRow, judged map[string]*JudgedRun) (all []Showing) {
	for _, row := range rows {
		if !row.Askable() || len(row.Examples) == 0 {
			continue
		}
		s := Showing{Agent: row.Agent, Examples: row.Examples}
		for _, e := range row.Examples {
			if j := judged[e.Run]; j != nil && !j.Good {
				s.Bad = append(s.Bad, *j)
			}
		}
		all = append(all, s)
	}
	return all
}

// isBad tells of a run that it was called bad behind a position.
func (s *Showing) isBad(run string, after uint64) bool {
	return slices.ContainsFunc(s.Bad, func(j JudgedRun) bool { return j.Run == run && j.Position > after })
}

// spoiled proposes to show no longer what people call bad by now.
func (v *View) spoiled() (proposals []evidence.Proposal) {
	for i := range v.Showing {
		s := &v.Showing[i]
		if len(s.Bad) == 0 {
			continue
		}
		config, subject := &events.AgentConfig{}, []string{Spoiled, s.Agent}
		for _, e := range s.Examples {
			if s.isBad(e.Run, 0) {
				subject = append(subject, e.Run)
			} else {
				config.Examples = append(config.Examples, e)
			}
		}
		e := s.evidence(subject[2:], 0)
		proposals = append(proposals, evidence.Proposal{
			Analyst: Name, AnalystVersion: version, Claim: events.Claim{Subject: subject, Harms: true}, Strength: events.Moderate, Reason: s.reason(subject[2:], 0), Evidence: e,
			Change: events.Change{
				Kind: events.ChangeExamples, Agent: s.Agent, Config: config,
				Instruction: fmt.Sprintf("Show %s the runs %s no longer as examples.", s.Agent, strings.Join(subject[2:], ", ")),
			},
			Expected: notShown(e), Worth: v.worth(s.Agent, notShown(e)),
		})
	}
	return proposals
}

func (s *Showing) reason(runs []string, after uint64) string {
	n := 0
	for _, run := range runs {
		if s.isBad(run, after) {
			n++
		}
	}
	return fmt.Sprintf("Of %s that %s is shown, people call %d bad by now: %s. It is not shown where a person's verdict says so; it can be taken out.", count(int64(len(s.Examples)), "example", "examples"), s.Agent, n, strings.Join(runs, ", "))
}

func (s *Showing) evidence(runs []string, after uint64) events.Evidence {
	var bad int64
	e := events.Evidence{Statistic: "share of the examples that people call bad, Wilson's interval", Confidence: confidence, N: int64(len(s.Examples))}
	for _, j := range s.Bad {
		if !slices.Contains(runs, j.Run) || j.Position <= after {
			continue
		}
		bad++
		if e.Positions = append(e.Positions, j.Position); e.From == 0 || j.Position < e.From {
			e.From = j.Position
		}
		e.To = max(e.To, j.Position)
	}
	slices.Sort(e.Positions)
	i := stats.Wilson(bad, e.N, confidence)
	e.Value, e.Low, e.High = stats.Round(float64(bad)/float64(e.N)), stats.Round(i.Low), stats.Round(i.High)
	e.Counts = map[string]int64{"bad": bad, "examples": e.N}
	return e
}

// notShown is what it is expected to bring. Nobody knows before it is tried: a point for each tenth of the examples.
func notShown(e events.Evidence) events.Expected {
	gain := stats.Round(e.Value / 10)
	return events.Expected{Metric: "success_rate", Change: gain, Low: -gain, High: stats.Round(3 * gain)}
}

// weighSpoiled tells how it stands: what is called good again, or shown no longer, is gone.
func (v *View) weighSpoiled(c events.Claim, after uint64) (evidence.Standing, bool) {
	i := slices.IndexFunc(v.Showing, func(s Showing) bool { return s.Agent == c.Subject[1] })
	if i < 0 {
		return evidence.Standing{}, false
	}
	s := &v.Showing[i]
	runs := c.Subject[2:]
	e := s.evidence(runs, after)
	if after > 0 && len(e.Positions) == 0 {
		return evidence.Standing{}, false
	}
	standing := evidence.Standing{Strength: events.Moderate, Reason: s.reason(runs, after), Evidence: e, Expected: notShown(e)}
	for _, run := range runs {
		if shown := slices.ContainsFunc(s.Examples, func(e events.Example) bool { return e.Run == run }); !shown || !s.isBad(run, 0) {
			standing.Strength = events.Gone
		}
	}
	return standing, true
}

package aggregates

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// verdictState is the latest that was said of a run, by origin.
type verdictState struct{ person, source, rule events.VerdictGiven }

// of is what was said last from an origin.
func (s *verdictState) of(o events.VerdictOrigin) *events.VerdictGiven {
	switch o {
	case events.ByPerson:
		return &s.person
	case events.BySource:
		return &s.source
	case events.ByRule:
		return &s.rule
	}
	return nil
}

func verdict() Decider[verdictState, commands.Verdict, events.Verdict] {
	return Decider[verdictState, commands.Verdict, events.Verdict]{
		Initial: func() verdictState { return verdictState{} },
		Decide:  decideVerdict,
		Evolve: func(s verdictState, e events.Verdict) verdictState {
			switch e := e.(type) {
			case events.VerdictGiven:
				if latest := s.of(e.From); latest != nil {
					*latest = e
				}
			}
			return s
		},
	}
}

func decideVerdict(c commands.Verdict, s verdictState) ([]events.Verdict, error) {
	switch c := c.(type) {
	case commands.GiveVerdict:
		if err := checkName("run", c.Run); err != nil {
			return nil, err
		}
		latest := s.of(c.From)
		switch {
		case latest == nil:
			return nil, fmt.Errorf("%w: a verdict is from a person, a source or a rule, not from %q", ErrInvalid, c.From)
		case c.Verdict != events.Succeeded && c.Verdict != events.Failed && c.Verdict != events.Unrated:
			return nil, fmt.Errorf("%w: a verdict is succeeded, failed or, to take one back, unrated; not %q", ErrInvalid, c.Verdict)
		case c.Verdict == events.Unrated && latest.Verdict != events.Succeeded && latest.Verdict != events.Failed:
			return nil, fmt.Errorf("run %s has no verdict from a %s to take back: %w", c.Run, c.From, ErrState)
		}
		given := events.VerdictGiven{Run: c.Run, Verdict: c.Verdict, From: c.From, By: c.By, Feedback: c.Feedback}
		if *latest == given {
			return nil, nil // it stands already
		}
		return []events.Verdict{given}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

package aggregates

import (
	"fmt"
	"maps"
	"math"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// analystState is what an analyst's forecasts came to.
type analystState struct {
	scored map[string]bool
	doubt  float64
	bound  bool
}

func analyst() Decider[analystState, commands.Analyst, events.Analyst] {
	return Decider[analystState, commands.Analyst, events.Analyst]{
		Initial: func() analystState { return analystState{scored: map[string]bool{}, doubt: 1} },
		Decide:  decideAnalyst,
		Evolve: func(s analystState, e events.Analyst) analystState {
			switch e := e.(type) {
			case events.AnalystScored:
				s.scored = maps.Clone(s.scored)
				s.scored[e.Improvement] = true
				s.doubt = e.Doubt
			case events.AnalystBound:
				s.bound = true
			case events.AnalystFreed:
				s.bound = false
			}
			return s
		},
	}
}

// The doubt in an analyst is a CUSUM of likelihood ratios (Page, Biometrika 1954, 41:100): each forecast that came true, or did not, is weighed
// by how probable a coin makes that against how probable the analyst made it. One whose forecasts hold reaches mostDoubt once in mostDoubt forecasts
// at most, on average (Lorden, Annals of Mathematical Statistics 1971, 42:1897). It is trusted again when the doubt has gone back to none.
const (
	noDoubt   = 1.0
	mostDoubt = 100.0
	// sure bounds what a forecast counts as: no analyst is surer than 19 in 20.
	sure = .95
)

func decideAnalyst(c commands.Analyst, s analystState) ([]events.Analyst, error) {
	switch c := c.(type) {
	case commands.ScoreForecast:
		if err := checkName("analyst", c.Analyst); err != nil {
			return nil, err
		}
		if err := checkEvidence(c.Found); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Stream(), err)
		}
		if !finite(c.Foretold.Change, c.Foretold.Low, c.Foretold.High) || c.Foretold.Change == 0 {
			return nil, fmt.Errorf("%s: %w: nothing was foretold of %s", c.Stream(), ErrInvalid, c.Improvement)
		}
		if s.scored[c.Improvement] {
			return nil, nil
		}
		return scoreForecast(c, s), nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

func scoreForecast(c commands.ScoreForecast, s analystState) []events.Analyst {
	chance := chanceOfHalf(c.Foretold)
	scored := events.AnalystScored{
		Analyst: c.Analyst, Improvement: c.Improvement, Foretold: c.Foretold, Found: c.Found, Chance: chance,
		CameTrue: math.Copysign(1, c.Foretold.Change)*c.Found.Value >= math.Abs(c.Foretold.Change)/2,
	}
	came, likely := 0.0, 1-chance
	if scored.CameTrue {
		came, likely = 1, chance
	}
	scored.Brier = sixDigits(float64((chance - came) * (chance - came)))
	scored.Doubt = sixDigits(min(mostDoubt, max(noDoubt, s.doubt*.5/likely)))
	facts := []events.Analyst{scored}
	switch n := len(s.scored) + 1; {
	case !s.bound && scored.Doubt == mostDoubt:
		facts = append(facts, events.AnalystBound{Reason: fmt.Sprintf("its forecasts do not come true: after %d a coin explains what came %g times as well", n, mostDoubt)})
	case s.bound && scored.Doubt == noDoubt:
		facts = append(facts, events.AnalystFreed{Reason: fmt.Sprintf("its forecasts came true again, after %d in all", n)})
	}
	return facts
}

// chanceOfHalf is how probable a forecast makes it that at least half of it comes true, taking its bounds as those of a normal distribution at 95%.
func chanceOfHalf(f events.Expected) float64 {
	deviation := (f.High - f.Low) / (2 * 1.959964)
	if !(deviation > 0) {
		return sure
	}
	p := math.Erfc(-math.Abs(f.Change)/2/deviation/math.Sqrt2) / 2
	return sixDigits(min(sure, max(1-sure, p)))
}

func sixDigits(x float64) float64 { return math.Round(float64(x*1e6)) / 1e6 }

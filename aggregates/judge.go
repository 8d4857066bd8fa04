package aggregates

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// judgeState is nothing: a judge can be measured as often as anybody likes, and the latest counts.
type judgeState struct{}

func judge() Decider[judgeState, commands.Judge, events.Judge] {
	return Decider[judgeState, commands.Judge, events.Judge]{
		Initial: func() judgeState { return judgeState{} },
		Decide:  decideJudge,
		Evolve: func(s judgeState, e events.Judge) judgeState {
			switch e.(type) {
			case events.JudgeMeasured:
			}
			return s
		},
	}
}

func decideJudge(c commands.Judge, _ judgeState) ([]events.Judge, error) {
	switch c := c.(type) {
	case commands.MeasureJudge:
		f := c.Fact
		for what, name := range map[string]string{"judge": f.Judge, "agent": f.Agent} {
			if err := checkName(what, name); err != nil {
				return nil, err
			}
		}
		switch {
		case f.Both < 0 || f.OnlyJudge < 0 || f.OnlyPeople < 0 || f.Neither < 0 || f.Unread < 0 || f.Both+f.OnlyJudge+f.OnlyPeople+f.Neither == 0:
			return nil, fmt.Errorf("%w: it was measured on no run, or on less", ErrInvalid)
		case !within(f.Low, f.High, -1, 1) || !within(-1, f.Kappa, -1, 1) || !within(0, f.Base, 0, 1) || !open(f.Confidence):
			return nil, fmt.Errorf("%w: kappa %g, between %g and %g, of a base rate of %g", ErrInvalid, f.Kappa, f.Low, f.High, f.Base)
		case f.CostNanos < 0:
			return nil, fmt.Errorf("%w: it cost %s", ErrInvalid, f.CostNanos)
		}
		return []events.Judge{f}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

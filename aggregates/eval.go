package aggregates

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// evalState tells whether an eval has finished.
type evalState struct{ finished bool }

func eval() Decider[evalState, commands.Eval, events.Eval] {
	return Decider[evalState, commands.Eval, events.Eval]{
		Initial: func() evalState { return evalState{} },
		Decide:  decideEval,
		Evolve: func(s evalState, e events.Eval) evalState {
			switch e.(type) {
			case events.EvalFinished:
				s.finished = true
			}
			return s
		},
	}
}

func decideEval(c commands.Eval, s evalState) ([]events.Eval, error) {
	switch c := c.(type) {
	case commands.FinishEval:
		f := c.Fact
		for what, name := range map[string]string{"eval": f.Eval, "agent": f.Agent, "dataset": f.Dataset} {
			if err := checkName(what, name); err != nil {
				return nil, err
			}
		}
		switch {
		case s.finished:
			return nil, fmt.Errorf("eval %s has finished: %w", f.Eval, ErrExists)
		case f.Runs <= 0 || f.Passed < 0 || f.Passed > f.Runs || !within(f.Low, f.High, 0, 1) || !open(f.Confidence):
			return nil, fmt.Errorf("%w: %d of %d runs pass, between %g and %g", ErrInvalid, f.Passed, f.Runs, f.Low, f.High)
		case f.CostNanos < 0:
			return nil, fmt.Errorf("%w: it cost %s", ErrInvalid, f.CostNanos)
		}
		if a := f.Against; a != nil && (a.Version < 1 || a.Passed < 0 || a.Passed > f.Runs || !within(a.Low, a.High, -1, 1) || !within(-1, a.Difference, -1, 1)) {
			return nil, fmt.Errorf("%w: against version %d %g more pass, between %g and %g", ErrInvalid, a.Version, a.Difference, a.Low, a.High)
		}
		for _, j := range f.Judged {
			if j.Good < 0 || j.Good > j.Answers || !within(j.Low, j.High, 0, 1) || !within(0, j.Rate, 0, 1) {
				return nil, fmt.Errorf("%w: a judge calls %d of %d answers good, and %g to %g are", ErrInvalid, j.Good, j.Answers, j.Low, j.High)
			}
		}
		for _, k := range f.Checks {
			if k.Passed < 0 || k.Passed > k.Held {
				return nil, fmt.Errorf("%w: %d of %d answers pass the check %q", ErrInvalid, k.Passed, k.Held, k.Kind)
			}
		}
		return []events.Eval{f}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

// within tells that two numbers are in their order, and within bounds. No number is not.
func within(low, high, least, most float64) bool { return low >= least && low <= high && high <= most }

// open tells that a number lies between 0 and 1, and is neither.
func open(x float64) bool { return x > 0 && x < 1 }

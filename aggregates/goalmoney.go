package aggregates

import (
	"fmt"
	"math/bits"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// needsApproval is why a person has to approve a plan before anything of it is done, empty where nobody has to. A goal's limit
// bounds what nobody knows.
func (p Policy) needsApproval(e *events.GoalEstimate, limit events.Nanos) string {
	if p.GoalNanos == nil {
		return ""
	}
	known := e != nil && e.Known == e.Tasks && e.Unpriced == 0
	switch {
	case limit > 0 && limit <= *p.GoalNanos || known && e.HighNanos <= *p.GoalNanos:
		return ""
	case known:
		return fmt.Sprintf("it can cost %s USD, and plans above %s need approval", e.HighNanos, *p.GoalNanos)
	}
	return fmt.Sprintf("nobody knows what it costs, and plans above %s USD need approval", *p.GoalNanos)
}

// weights say how a goal's money is divided over its tasks: by what they are estimated to cost, else by how long they will take, else
// alike. One without an estimate counts as the mean of those that have one. Without a model nothing is spent.
func (s Goal) weights() []int64 {
	by := func(of func(events.GoalTask) int64) []int64 {
		w := make([]int64, len(s.tasks))
		var sum, known int64
		for i, t := range s.tasks {
			if w[i] = of(t.plan); w[i] > 0 {
				sum, known = events.Add(sum, w[i]), known+1
			}
		}
		if known == 0 {
			return nil
		}
		for i, t := range s.tasks {
			switch {
			case t.plan.Tool != "" || t.plan.Question != "":
				w[i] = 0
			case w[i] <= 0:
				w[i] = max(sum/known, 1)
			}
		}
		return w
	}
	for _, of := range []func(events.GoalTask) int64{
		func(t events.GoalTask) int64 { return int64(t.EstimateNanos) },
		func(t events.GoalTask) int64 { return t.EstimateSeconds },
	} {
		if w := by(of); w != nil {
			return w
		}
	}
	return by(func(events.GoalTask) int64 { return 1 })
}

// part is a share of an amount, as one weight among others.
func part(n events.Nanos, weight, sum int64) events.Nanos {
	if n <= 0 || weight <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(n), uint64(weight))
	share, _ := bits.Div64(hi, lo, uint64(max(sum, weight)))
	return events.Nanos(share) //nolint:gosec // it is no more than n
}

// rest is what is neither spent nor the share of an attempt under way.
func (s Goal) rest() events.Nanos {
	rest := s.limit - s.spent
	for _, t := range s.tasks {
		if t.run != "" {
			rest -= t.share
		}
	}
	return rest
}

// claims tells that a task will still need money that it does not have.
func (t goalTask) claims() bool { return !t.ended() && (t.run == "" || t.short) }

// share is what an attempt at a task may cost that begins now: its part of the rest, by the weights of all that are still to come, so that
// what others left over flows on. It is never nothing: one that has no money waits for it.
func (s Goal) share(name string) events.Nanos {
	at := s.task(name)
	if s.limit <= 0 || s.tasks[at].plan.Tool != "" {
		return 0
	}
	weights, sum := s.weights(), int64(0)
	for i, t := range s.tasks {
		if t.claims() {
			sum = events.Add(sum, weights[i])
		}
	}
	return max(part(s.rest(), weights[at], sum), 1)
}

func shortTask(c commands.ShortTask, s Goal) ([]events.Goal, error) {
	t, err := s.attempted(c.Task, c.Run, c.SpentNanos, 0)
	switch {
	case err != nil:
		return nil, err
	case s.limit <= 0 || t.short || c.NeedsNanos <= t.share:
		return nil, fmt.Errorf("%w: run %s has what it needs, or waits for it", ErrState, c.Run)
	}
	return s.settled(events.GoalTaskShort{Task: c.Task, Run: c.Run, SpentNanos: c.SpentNanos, NeedsNanos: c.NeedsNanos}), nil
}

// settled is a fact, and behind it what follows for the attempts that wait for money.
func (s Goal) settled(fact events.Goal) []events.Goal {
	return append([]events.Goal{fact}, evolveGoal(s, fact).allot()...)
}

// allot gives attempts that wait for money a greater share. While others go on, only what these leave over is given. Where all wait,
// what those need that come later is lent to them, and where not even that is enough, the goal is paused.
func (s Goal) allot() (facts []events.Goal) {
	weights, sum := s.weights(), int64(0)
	for _, w := range weights {
		sum = events.Add(sum, w)
	}
	waits, free := "", s.rest()
	if s.goesOn() {
		for i, t := range s.tasks {
			if !t.ended() && t.run == "" {
				free -= part(s.limit, weights[i], sum)
			}
		}
	}
	var given []int
	for i, t := range s.tasks {
		if t.run == "" || !t.short || t.ended() {
			continue
		}
		more := t.needs - t.share
		if more > free {
			if waits == "" {
				waits = fmt.Sprintf("%s: %s of %s USD spent or set aside, and the next call of task %s can cost %s", ErrBudget, s.limit-s.rest(), s.limit, t.plan.Task, more)
			}
			continue
		}
		free -= more
		given = append(given, i)
	}
	for _, i := range given {
		t := s.tasks[i]
		allotted := events.GoalTaskAllotted{Task: t.plan.Task, Run: t.run, ShareNanos: events.Add(t.needs, part(free, weights[i], sum))}
		facts = append(facts, allotted)
		s = evolveGoal(s, allotted)
	}
	if waits != "" && !s.Paused && !s.goesOn() {
		facts = append(facts, events.GoalPaused{By: "budget", Reason: waits})
	}
	return facts
}

// goesOn tells that something is under way that does not wait for money, or can begin.
func (s Goal) goesOn() bool {
	under, ready := 0, false
	for _, t := range s.tasks {
		switch {
		case t.ended():
		case t.run != "" && !t.short:
			return true
		case t.run != "":
			under++
		default:
			ready = ready || t.plan.Question == "" && s.waitsFor(t) == ""
		}
	}
	return ready && s.Started && !s.Paused && s.Approval == "" && under < s.Created.Parallel
}

// waitsFor is a task whose end another one waits for, empty where there is none.
func (s Goal) waitsFor(t goalTask) string {
	for _, on := range t.plan.DependsOn {
		if i := s.task(on); i >= 0 && !s.tasks[i].ended() {
			return on
		}
	}
	return ""
}

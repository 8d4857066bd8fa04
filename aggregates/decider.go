package aggregates

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// The reasons why a decider refuses. Each error it returns wraps one of them.
var (
	// ErrExists refuses to make what is there already.
	ErrExists = errors.New("exists already")
	// ErrMissing refuses a wish about what does not exist.
	ErrMissing = errors.New("does not exist")
	// ErrEnded refuses a wish that comes after the end.
	ErrEnded = errors.New("has ended")
	// ErrInvalid refuses a wish whose content makes no sense.
	ErrInvalid = errors.New("invalid")
	// ErrPolicy refuses what the policy does not allow.
	ErrPolicy = errors.New("not allowed by the policy")
	// ErrWorse refuses to try what was tried before and shown to be worse.
	ErrWorse = errors.New("history shows that this change does harm")
	// ErrEvidence refuses a claim without evidence.
	ErrEvidence = errors.New("no sound evidence")
	// ErrState refuses a wish that does not fit the state, such as applying what nobody approved.
	ErrState = errors.New("not possible now")
)

// Refused tells a decider's refusal, which concerns one wish alone, from a failure to carry it out.
func Refused(err error) bool {
	for _, reason := range []error{ErrExists, ErrMissing, ErrEnded, ErrInvalid, ErrPolicy, ErrWorse, ErrEvidence, ErrState, ErrBudget, ErrRoom} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// Decider is the one shape of everything that decides (Chassaing's functional event sourcing). Decide refuses with
// an error; Evolve is total, since history can't be refused.
type Decider[S any, C commands.Command, E events.Event] struct {
	Initial func() S
	Decide  func(C, S) ([]E, error)
	Evolve  func(S, E) S
}

// Aggregate is a decider of which the types are hidden, as the dispatcher needs it.
type Aggregate struct {
	// Category is the first part of its streams' names.
	Category string
	// New is an instance before its first fact.
	New func() Instance
	// Latest tells that a stream's last fact alone makes the state: nothing before it has to be read.
	Latest bool
}

// Instance is one aggregate in memory: its decider and its state.
type Instance interface {
	// Decide tells what a command would become. It does not change the state.
	Decide(commands.Command) ([]events.Event, error)
	// Evolve takes a fact in. It fails only for a fact of another aggregate, which means a damaged log.
	Evolve(events.Event) error
	// Clone is one that goes its own way from here on.
	Clone() Instance
	// State is a decider's state, such as Agent.
	State() any
}

type instance[S any, C commands.Command, E events.Event] struct {
	decider Decider[S, C, E]
	state   S
}

func (i *instance[S, C, E]) Decide(cmd commands.Command) ([]events.Event, error) {
	c, ok := cmd.(C)
	if !ok {
		return nil, fmt.Errorf("%T to stream %s: %w command for this aggregate", cmd, cmd.Stream(), ErrInvalid)
	}
	facts, err := i.decider.Decide(c, i.state)
	if err != nil {
		return nil, err
	}
	out := make([]events.Event, len(facts))
	for n, f := range facts {
		out[n] = f
	}
	return out, nil
}

func (i *instance[S, C, E]) Evolve(event events.Event) error {
	e, ok := event.(E)
	if !ok {
		return fmt.Errorf("a fact %s stands in another aggregate's stream", event.Kind())
	}
	i.state = i.decider.Evolve(i.state, e)
	return nil
}

// Clone needs no copy of what the state holds: no decider changes it.
func (i *instance[S, C, E]) Clone() Instance {
	clone := *i
	return &clone
}

func (i *instance[S, C, E]) State() any { return i.state }

func aggregate[S any, C commands.Command, E events.Event](category string, d Decider[S, C, E]) Aggregate {
	return Aggregate{Category: category, New: func() Instance {
		return &instance[S, C, E]{decider: d, state: d.Initial()}
	}}
}

// latest marks an aggregate whose state is what its last fact says.
func latest(a Aggregate) Aggregate {
	a.Latest = true
	return a
}

// maxName bounds names that end up in stream names and keys, in bytes.
const maxName = 512

// checkName refuses a name that can't be part of a stream's name.
func checkName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: %s is empty", ErrInvalid, what)
	case len(name) > maxName:
		return fmt.Errorf("%w: %s is longer than %d bytes", ErrInvalid, what, maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: %s is not UTF-8", ErrInvalid, what)
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return fmt.Errorf("%w: %s holds the control character %U", ErrInvalid, what, r)
		}
	}
	return nil
}

// finite tells that none of the figures is NaN or infinite: JSON can't hold those.
func finite(figures ...float64) bool {
	return !slices.ContainsFunc(figures, func(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) })
}

package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// unsettled is how long a call that no run makes has to be settled by whoever makes it: by then all that was set aside counts.
const unsettled = time.Hour

// Aside sets aside in budgets what calls of a model can take that no run makes, such as those of an eval, and settles what they took. They count
// to all that calls of a run by the agent would count to.
type Aside struct {
	Dispatch commands.Dispatch
	Clock    Clock
	// Holder is this process, and AllowUnpriced lets calls through a budget whose cost is not known.
	Holder        string
	AllowUnpriced bool
	// Drives tells that this process drives: whoever drives after it settles what it left, and need not wait for that.
	Drives bool
	// Workspace and Agent are whose budgets it is, and Name what the calls are for.
	Workspace, Agent, Name string
	caps                   *caps
	calls                  atomic.Int64
}

// Know reads which budgets there are, for a process that does not drive.
func (a *Aside) Know(ctx context.Context, models *projections.Models) error {
	a.caps = &caps{}
	return a.caps.start(ctx, models)
}

// Call sets aside what a call can take at most, or tells why it can't be made. settle is to be called with what came of it.
func (a *Aside) Call(ctx context.Context, runner agents.Runner, config events.AgentConfig, conversation []events.Message) (settle func(agents.Turn, error) error, err error) {
	cost, priced := runner.MaxCost(config, conversation)
	most := runner.Most(config, conversation)
	budgets, bounds := a.caps.of(a.Workspace, "", a.Agent, a.Name, most)
	if bounds.money && !priced && !a.AllowUnpriced {
		return nil, fmt.Errorf("%w, %q, and a budget is set: give it a price (`prices:` in the configuration), or set `unpriced: allow` there", ErrUnpriced, config.Model)
	}
	began, call := a.Clock(), int(a.calls.Add(1))
	var aside []commands.ReserveBudget
	settle = func(done agents.Turn, failed error) error {
		// What was asked has cost, whoever waits for it.
		ctx := context.WithoutCancel(ctx)
		now := a.Clock()
		for _, r := range aside {
			s := commands.SettleBudget{Budget: r.Budget, Reservation: r.Reservation, Nanos: done.Answer.CostNanos, Unknown: failed != nil && !agents.Unbilled(failed) || failed == nil && !done.Answer.Priced && !done.Answer.Scripted}
			s.Meta = a.meta(now, "settled", r.Reservation)
			s.Took = events.Resources{Tokens: events.Add(done.Answer.InputTokens, done.Answer.OutputTokens), TimeMS: max(now.Sub(began).Milliseconds(), 1)}
			if _, err := a.Dispatch(ctx, s); err != nil && !errors.Is(err, aggregates.ErrEnded) {
				return fmt.Errorf("settle what %s took: %w", a.Name, err)
			}
		}
		return nil
	}
	for _, b := range budgets {
		r := commands.ReserveBudget{Budget: b, Run: a.Name, Step: call, Nanos: cost, Most: most, Holder: a.Holder, Begun: true}
		if !a.Drives {
			r.Until = began.Add(unsettled)
		}
		r.Meta = a.meta(began, "reserved", fmt.Sprint(b, call))
		r.Reservation = r.ID.String()
		err := untilRoom(ctx, func() error {
			r.At = a.Clock()
			_, err := a.Dispatch(ctx, r)
			return err
		})
		if err != nil {
			unmade := settle(agents.Turn{Answer: agents.Answer{Priced: true}}, nil) // the others let it through, and it is not made
			return nil, errors.Join(err, unmade)
		}
		aside = append(aside, r)
	}
	return settle, nil
}

func (a *Aside) meta(at time.Time, what, of string) commands.Meta {
	return commands.Meta{ID: events.NameID(at, a.Workspace+" "+a.Name+" "+a.Holder+" "+what+" "+of), At: at, Actor: "agent:" + a.Agent, Workspace: a.Workspace, Correlation: a.Name}
}

// untilRoom tries to set something aside until there is room for it.
func untilRoom(ctx context.Context, try func() error) error {
	for look := firstLook; ; look = min(2*look, lastLook) {
		err := try()
		if !errors.Is(err, aggregates.ErrRoom) {
			return err
		}
		wait := time.NewTimer(look)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// ErrUnpriced tells that a budget can't hold a call whose cost nobody knows.
var ErrUnpriced = errors.New("no price is known for the model")

// The waits for a call under way to be settled.
const (
	firstLook = 20 * time.Millisecond
	lastLook  = 500 * time.Millisecond
)

// reserve sets aside in every budget what a step can take at most, and tells how much time it has, 0 for as much as it takes.
// Where all that is left is set aside for calls under way it waits for one of them. What was set aside is settled by the manager of
// spending.
func (t *turn) reserve(ctx context.Context, of commands.ReserveBudget, priced bool) (time.Duration, error) {
	cost, most := of.Nanos, of.Most
	budgets, bounds := t.caps.of(t.wish.Workspace, t.conversation.started.Goal, t.agent, t.wish.Run, most)
	if bounds.money && !priced && !t.allowUnpriced {
		models := append([]string{t.config.Model}, t.config.Fallbacks...)
		return 0, fmt.Errorf("%w, one of %q, and a budget is set: give each a price (`prices:` in the configuration), or set `unpriced: allow` there", ErrUnpriced, models)
	}
	if share := t.conversation.share; most.Tokens > 0 && share > 0 && cost > share-t.conversation.cost.CostNanos {
		return 0, &shareSpent{budget: commands.GoalBudget(t.conversation.started.Goal), share: share, spent: t.conversation.cost.CostNanos, needs: cost}
	}
	var within time.Duration
	for _, b := range budgets {
		id, reserve := t.reservationID(b, of.Step), of
		reserve.Budget, reserve.Reservation, reserve.Run, reserve.Holder, reserve.Most = b, id.String(), t.wish.Run, t.holder, most
		for {
			err := untilRoom(ctx, func() error {
				reserve.Meta = t.meta(0, t.clock())
				reserve.ID = id
				_, err := t.dispatch(ctx, reserve)
				return err
			})
			if err == nil {
				break
			}
			var over *aggregates.Exceeded
			if errors.As(err, &over) {
				// Less time than it may take is enough to begin with: it is cut off then.
				if left := over.Limit - over.Used; over.Unit == events.InTime && left >= leastTime.Milliseconds() && left < reserve.Most.TimeMS {
					reserve.Most.TimeMS, most.TimeMS = left, left
					within = time.Duration(left) * time.Millisecond
					continue
				}
				return 0, t.waits(b, err)
			}
			return 0, err
		}
	}
	return within, nil
}

// mayReserve tells whether a reservation would be refused for good.
func (t *turn) mayReserve(ctx context.Context, of commands.ReserveBudget) error {
	budgets, _ := t.caps.of(t.wish.Workspace, t.conversation.started.Goal, t.agent, t.wish.Run, of.Most)
	for _, b := range budgets {
		of.Meta, of.Budget, of.Run, of.Holder = t.meta(0, t.clock()), b, t.wish.Run, t.holder
		of.Reservation = t.reservationID(b, of.Step).String()
		if err := t.agents.Would(ctx, of); err != nil && !errors.Is(err, aggregates.ErrRoom) && !errors.Is(err, aggregates.ErrExists) {
			return err
		}
	}
	return nil
}

// shareSpent tells that a run's next call could cost more than its share of its goal's money has left. It is an errSuspended.
type shareSpent struct {
	budget              string
	share, spent, needs events.Nanos
}

func (e *shareSpent) Error() string {
	return fmt.Sprintf("%s of its share of %s USD of %s spent, and this call can cost %s", e.spent, e.share, e.budget, e.needs)
}

func (e *shareSpent) Unwrap() error { return errSuspended }

// waits has a run wait for a budget that has too little, unless it is to fail: then it is the error as it is. The runs of a goal
// do, and the goal waits.
func (t *turn) waits(budget string, err error) error {
	var over *aggregates.Exceeded
	if errors.As(err, &over) && !over.Set.Fails && !strings.HasPrefix(budget, commands.GoalBudget("")) {
		return fmt.Errorf("%w: %w", errSuspended, err)
	}
	return err
}

// leastTime is what a budget of time must have left for a call to begin.
const leastTime = time.Second

// errTime cuts off what a budget has no more time for.
var errTime = errors.New("a budget has no more time for it")

// timed is a context that ends when the time is up, with errTime. 0 is for as much as it takes.
func timed(ctx context.Context, within time.Duration) (context.Context, context.CancelFunc) {
	if within == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, within, errTime)
}

// suspend has the run wait for a budget, with what comes before that in the same append. It goes on once the budget is another one, or
// its next period begins: the manager of funding sees to that. One that waits for a greater share of its goal's money gets that from the goal.
func (t *turn) suspend(ctx context.Context, why error, before ...commands.Command) error {
	suspend := commands.SuspendRun{Meta: t.meta(0, t.clock()), Run: t.wish.Run}
	var over *aggregates.Exceeded
	var short *shareSpent
	switch {
	case errors.As(why, &short):
		suspend.Fact = events.RunSuspended{Budget: short.budget, Nanos: short.needs, Period: events.Total, LimitNanos: short.share, Reason: short.Error()}
	case errors.As(why, &over):
		suspend.Fact = events.RunSuspended{
			Budget: over.Set.Budget, Period: over.Set.Period, LimitNanos: over.Set.LimitNanos, AnyCost: over.Set.AnyCost, Limits: over.Set.Limits,
			Unit: over.Unit, Starting: over.Starting, Reason: over.Error(),
		}
		if over.Unit == events.InMoney {
			suspend.Fact.Unit, suspend.Fact.Nanos = "", events.Nanos(over.Need)
		}
	default:
		return nil // a person is to decide on a call, and was asked
	}
	made := time.Unix(t.wish.ID.Time().UnixTime())
	suspend.ID = events.NameID(made, fmt.Sprintf("suspension %d of %s", t.conversation.suspensions, t.wish.ID))
	_, err := t.dispatch(ctx, append(before, suspend)...)
	return err
}

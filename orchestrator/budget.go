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

// reserve sets aside in every budget what the call can cost at most. Where all that is left is set aside for calls under
// way it waits for one of them. What was set aside is settled by the manager of spending.
func (t *turn) reserve(ctx context.Context, step int, begun bool, sent []events.Message) error {
	budgets := t.caps.of(t.wish.Workspace, t.conversation.started.Goal, t.agent)
	if len(budgets) == 0 {
		return nil
	}
	most, known := t.runner.MaxCost(t.config, sent)
	if !known && !t.allowUnpriced {
		models := append([]string{t.config.Model}, t.config.Fallbacks...)
		return fmt.Errorf("%w, one of %q, and a budget is set: give each a price (`prices:` in the configuration), or set `unpriced: allow` there", ErrUnpriced, models)
	}
	if share := t.conversation.share; share > 0 && most > share-t.conversation.spent {
		return &shareSpent{budget: commands.GoalBudget(t.conversation.started.Goal), share: share, spent: t.conversation.spent, needs: most}
	}
	for _, b := range budgets {
		id := t.reservationID(b)
		reserve := commands.ReserveBudget{
			Budget: b, Reservation: id.String(), Run: t.wish.Run, Step: step, Nanos: most, Holder: t.holder, Begun: begun,
		}
		for look := firstLook; ; look = min(2*look, lastLook) {
			reserve.Meta = t.meta(0, t.clock())
			reserve.ID = id
			_, err := t.dispatch(ctx, reserve)
			if err == nil {
				break
			}
			var broke *aggregates.NoMoney
			if errors.As(err, &broke) && !broke.Set.Fails && !strings.HasPrefix(b, commands.GoalBudget("")) {
				return fmt.Errorf("%w: %w", errSuspended, err)
			}
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

// suspend has the run wait for money, with what comes before that in the same append. It goes on once the budget is another one, or
// its next period begins: the manager of funding sees to that. One that waits for a greater share of its goal's money gets that from the goal.
func (t *turn) suspend(ctx context.Context, why error, before ...commands.Command) error {
	suspend := commands.SuspendRun{Meta: t.meta(0, t.clock()), Run: t.wish.Run}
	var broke *aggregates.NoMoney
	var short *shareSpent
	switch {
	case errors.As(why, &short):
		suspend.Fact = events.RunSuspended{Budget: short.budget, Nanos: short.needs, Period: events.Total, LimitNanos: short.share, Reason: short.Error()}
	case errors.As(why, &broke):
		suspend.Fact = events.RunSuspended{
			Budget: broke.Set.Budget, Nanos: broke.Nanos, Period: broke.Set.Period, LimitNanos: broke.Set.LimitNanos, Starting: broke.Starting,
			Reason: broke.Error(),
		}
	default:
		return why
	}
	made := time.Unix(t.wish.ID.Time().UnixTime())
	suspend.ID = events.NameID(made, fmt.Sprintf("suspension %d of %s", t.conversation.suspensions, t.wish.ID))
	_, err := t.dispatch(ctx, append(before, suspend)...)
	return err
}

package replay

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// keepLook is how long a look is given again: a page asks for many things of one moment.
const keepLook = time.Minute

// Lookback gives the read models of moments to many who ask at once, such as the requests to a server. One look is built
// at a time, since that can take the whole log, and the last one is kept for a minute. Its methods may be called concurrently.
type Lookback struct {
	store  eventstore.Store
	models *projections.Models
	empty  func(ctx context.Context) (readmodel.Engine, error)
	log    *slog.Logger

	// building is full while a look is sought or built.
	building chan struct{}

	mu   sync.Mutex
	kept *look
	over bool
}

// look is the read models of a moment.
type look struct {
	past   *projections.Past
	moment Moment
	// head is where the log ended when it was built: what is known of a time changes with it.
	head uint64
	// users are those that were given it, and the Lookback while it keeps it. The last one closes it.
	users int
	timer *time.Timer
}

// NewLookback looks back at a log. models are the live ones, empty makes an engine for each look, which its Close throws away.
// log takes what goes wrong where nobody waits for it.
func NewLookback(store eventstore.Store, models *projections.Models, empty func(context.Context) (readmodel.Engine, error), log *slog.Logger) *Lookback {
	return &Lookback{store: store, models: models, empty: empty, log: log, building: make(chan struct{}, 1)}
}

// At gives the read models of a moment until done is called. It returns ErrBeyond where the log does not reach there yet.
func (l *Lookback) At(ctx context.Context, m Moment) (r projections.Reader, done func(), err error) {
	select {
	case l.building <- struct{}{}:
		defer func() { <-l.building }()
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait for another look back: %w", ctx.Err())
	}
	head, err := l.store.Head(ctx)
	if err != nil {
		return nil, nil, err
	}
	k := l.again(m, head)
	if k == nil {
		if k, err = l.build(ctx, m, head); err != nil {
			return nil, nil, err
		}
	}
	return k.past, sync.OnceFunc(func() { l.leave(k) }), nil
}

// again is the look that is kept, where it is of that moment.
func (l *Lookback) again(m Moment, head uint64) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.kept
	if k == nil || k.moment != m || !m.OccurredBy.IsZero() && k.head != head {
		return nil
	}
	k.users++
	return k
}

// build builds a look for one user, and keeps it instead of the one before.
func (l *Lookback) build(ctx context.Context, m Moment, head uint64) (*look, error) {
	empty, err := l.empty(ctx)
	if err != nil {
		return nil, err
	}
	past, err := At(ctx, l.store, l.models, empty, m, nil)
	if err != nil {
		return nil, err
	}
	k := &look{past: past, moment: m, head: head, users: 1}
	l.mu.Lock()
	before := l.kept
	if !l.over {
		k.users++
		l.kept = k
		k.timer = time.AfterFunc(keepLook, func() { l.drop(k) })
	}
	l.mu.Unlock()
	l.drop(before)
	return k, nil
}

// drop keeps a look no longer.
func (l *Lookback) drop(k *look) {
	if k == nil {
		return
	}
	l.mu.Lock()
	if l.kept == k {
		l.kept = nil
	}
	// The timer is stopped once: by who drops the look first.
	first := k.timer != nil
	if first {
		k.timer.Stop()
		k.timer = nil
	}
	l.mu.Unlock()
	if first {
		l.leave(k)
	}
}

// leave has one user less. The last one closes the look.
func (l *Lookback) leave(k *look) {
	l.mu.Lock()
	k.users--
	last := k.users == 0
	l.mu.Unlock()
	if !last {
		return
	}
	if err := k.past.Close(); err != nil {
		l.log.Warn("a look back was not closed", "moment", k.moment.String(), "error", err)
	}
}

// Close keeps nothing any more. Looks that are in use are closed with their last use.
func (l *Lookback) Close() {
	l.mu.Lock()
	l.over = true
	k := l.kept
	l.mu.Unlock()
	l.drop(k)
}

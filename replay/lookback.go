package replay

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// keepLook is how long a look is given again: a page asks for many things of one moment.
const keepLook = time.Minute

// keepLooks is how many are kept at a time: each has a file of its own.
const keepLooks = 4

// Lookback gives the read models of moments to many who ask at once, such as the requests to a server. One look is built
// at a time, since that can take the whole log, and the last four are kept for a minute each. Its methods may be called
// concurrently.
type Lookback struct {
	store  eventstore.Store
	models *projections.Models
	empty  func(ctx context.Context) (readmodel.Engine, error)
	log    *slog.Logger

	// building is full while a look is sought or built. life ends what is built, and builds waits for it.
	building chan struct{}
	life     context.Context
	end      context.CancelFunc
	builds   sync.WaitGroup

	mu sync.Mutex
	// kept are the last ones that were asked for, the latest one last.
	kept []*look
}

// look is the read models of a moment.
type look struct {
	past   *projections.Past
	moment Moment
	// head is how far the log was seen for it: what is known of a time can change with what comes behind. Who holds building
	// changes it.
	head uint64
	// users are those that were given it, and the Lookback while it keeps it. The last one closes it.
	users int
	timer *time.Timer
}

// NewLookback looks back at a log. models are the live ones, empty makes an engine for each look, which its Close throws away.
// log takes what goes wrong where nobody waits for it.
func NewLookback(store eventstore.Store, models *projections.Models, empty func(context.Context) (readmodel.Engine, error), log *slog.Logger) *Lookback {
	l := &Lookback{store: store, models: models, empty: empty, log: log, building: make(chan struct{}, 1)}
	l.life, l.end = context.WithCancel(context.Background())
	return l
}

// At gives the read models of a moment until done is called. It returns ErrBeyond where the log does not reach there yet. What is
// under way for somebody who has gone is built to its end: else a look that takes longer than anybody waits would be begun
// again and again.
func (l *Lookback) At(ctx context.Context, m Moment) (r projections.Reader, done func(), err error) {
	select {
	case l.building <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait for another look back: %w", ctx.Err())
	}
	type found struct {
		*look
		err error
	}
	answer, gone := make(chan found), make(chan struct{})
	defer close(gone)
	l.builds.Go(func() {
		k, err := l.find(l.life, m)
		<-l.building
		select {
		case answer <- found{k, err}:
		case <-gone:
			if err == nil {
				l.leave(k)
			}
		}
	})
	select {
	case f := <-answer:
		if f.err != nil {
			return nil, nil, f.err
		}
		return f.past, sync.OnceFunc(func() { l.leave(f.look) }), nil
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("look back at %s: it is being built, ask again in a while: %w", m, ctx.Err())
	}
}

// find is the look of a moment, for one user: one that is kept, or else a new one.
func (l *Lookback) find(ctx context.Context, m Moment) (*look, error) {
	head, err := l.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	k, err := l.again(ctx, m, head)
	if err == nil && k == nil {
		k, err = l.build(ctx, m, head)
	}
	return k, err
}

// again is the look of a moment that is kept, if nothing came behind it that belongs to the moment.
func (l *Lookback) again(ctx context.Context, m Moment, head uint64) (*look, error) {
	k := l.take(m)
	if k == nil || m.OccurredBy.IsZero() || k.head == head {
		return k, nil
	}
	w, err := wayTo(ctx, l.store, l.models, m)
	more := false
	if err == nil && w.to > k.head {
		more, err = occurred(ctx, l.store, k.head, w.to, m.OccurredBy)
	}
	if err == nil && !more {
		k.head = max(head, w.to)
		return k, nil
	}
	l.drop(k)
	l.leave(k)
	return nil, err
}

// take is a look that is kept, for one user more.
func (l *Lookback) take(m Moment) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.kept, func(k *look) bool { return k.moment == m })
	if i < 0 {
		return nil
	}
	k := l.kept[i]
	l.kept = append(slices.Delete(l.kept, i, i+1), k)
	k.users++
	return k
}

// build builds a look for one user, and keeps it instead of that which was not asked for for longest.
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
	var before *look
	l.mu.Lock()
	if len(l.kept) == keepLooks {
		before = l.kept[0]
	}
	k.users++
	l.kept = append(l.kept, k)
	k.timer = time.AfterFunc(keepLook, func() { l.drop(k) })
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
	l.kept = slices.DeleteFunc(l.kept, func(other *look) bool { return other == k })
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

// Close breaks off what is built, and keeps nothing any more. Looks that are in use are closed with their last use. Nobody may ask
// any more.
func (l *Lookback) Close() {
	l.end()
	l.builds.Wait()
	l.mu.Lock()
	kept := slices.Clone(l.kept)
	l.mu.Unlock()
	for _, k := range kept {
		l.drop(k)
	}
}

package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// PoolConfig bounds calls to models. The zero value works.
type PoolConfig struct {
	// Provider is who answers, by name.
	Provider string
	// Most is how many calls of one model are under way at a time, and Models has other bounds by the model's name. Default 64.
	Most   int
	Models map[string]int
}

// Pool bounds the calls that are under way at a time, for each model by itself, so that a slow or refusing one keeps no places
// from others. Where the provider says that it is too much (429), only half as many are let through, and none before the time
// that it asked for; each round of answers then lets one more through, up to the bound. Those who wait are served in turn. It
// may be used concurrently, and outlives the leases under which calls are made.
type Pool struct {
	c PoolConfig

	mu    sync.Mutex
	lanes map[string]*lane
}

// Nothing is sent for leastPause after a refusal that tells no time, or one beyond mostPause: calls then fail by themselves and
// tell when to come again, and agents' other models are asked.
const (
	leastPause = time.Second
	mostPause  = time.Minute
)

// errEnding tells that the program stops, and a call that waits for its turn is not made.
var errEnding = errors.New("the program stops")

// NewPool makes a pool in which nothing is under way.
func NewPool(c PoolConfig) *Pool {
	c.Most = cmp.Or(c.Most, 64)
	return &Pool{c: c, lanes: map[string]*lane{}}
}

// caller is who wants to call a model.
type caller struct {
	workspace, agent string
	// share is the path by which those who wait take turns.
	share string
}

// waiter is a call that waits for its turn.
type waiter struct {
	caller
	since   time.Time
	granted chan struct{}
}

// lane is what is known of one model.
type lane struct {
	most int
	// limit is how many calls are let through at a time, until the time before which none is.
	limit   float64
	until   time.Time
	timer   *time.Timer
	waiting fair[*waiter]

	busy, allowed meter
	agents        map[caller]*meter
	waits         Waits
	throttled     int64
}

// Waits tells how long calls have waited for their turn.
type Waits struct {
	Count int64
	Sum   time.Duration
	// Within counts those that waited no longer than each of WaitBounds.
	Within [6]int64
}

// WaitBounds are what Waits counts by.
var WaitBounds = [6]time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute}

func (w *Waits) add(d time.Duration) {
	w.Count++
	w.Sum += d
	for i, bound := range WaitBounds {
		if d <= bound {
			w.Within[i]++
		}
	}
}

func (p *Pool) lane(model string) *lane {
	l := p.lanes[model]
	if l == nil {
		most := cmp.Or(p.c.Models[model], p.c.Most)
		l = &lane{most: most, limit: float64(most), agents: map[caller]*meter{}}
		l.allowed.set(time.Now(), most)
		p.lanes[model] = l
	}
	return l
}

// enter waits for a call's turn. lend is called before it has to wait, and gives what is called once that is over. The call
// must leave.
func (p *Pool) enter(ctx context.Context, ending <-chan struct{}, model string, who caller, lend func() (regain func())) error {
	p.mu.Lock()
	l := p.lane(model)
	w := &waiter{caller: who, since: time.Now(), granted: make(chan struct{})}
	l.waiting.add(who.share, w)
	l.serve()
	p.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	default:
	}
	defer lend()()
	var err error
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-ending:
		err = errEnding
	}
	p.mu.Lock()
	waits := l.waiting.remove(who.share, w)
	p.mu.Unlock()
	if !waits { // it was its turn at that very moment
		p.leave(model, who, false)
	}
	return err
}

// leave ends a call. answered tells that it was let through and answered.
func (p *Pool) leave(model string, who caller, answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, now := p.lane(model), time.Now()
	if answered && l.limit < float64(l.most) && l.busy.n >= int(l.limit) {
		l.limit = min(l.limit+1/l.limit, float64(l.most))
		l.allowed.set(now, int(l.limit))
	}
	l.busy.set(now, l.busy.n-1)
	if m := l.agents[who.key()]; m != nil {
		m.set(now, m.n-1)
	}
	l.serve()
}

// key is what loads are told apart by.
func (c caller) key() caller { return caller{workspace: c.workspace, agent: c.agent} }

// serve lets through as many as may be. It is called with the lock held.
func (l *lane) serve() {
	now := time.Now()
	if wait := l.until.Sub(now); wait > 0 {
		return // the timer serves
	}
	for l.waiting.len() > 0 && l.busy.n < int(l.limit) {
		w := l.waiting.next()
		l.waits.add(now.Sub(w.since))
		l.busy.set(now, l.busy.n+1)
		m := l.agents[w.key()]
		if m == nil {
			l.forget(now)
			m = &meter{}
			l.agents[w.key()] = m
		}
		m.set(now, m.n+1)
		close(w.granted)
	}
}

// maxLoads is of how many agents the loads are kept at most, for each model.
const maxLoads = 1000

// forget makes room for one more agent: those that did nothing lately are left out.
func (l *lane) forget(now time.Time) {
	if len(l.agents) < maxLoads {
		return
	}
	for of, m := range l.agents {
		if m.run(now); m.n == 0 && m.recent() == 0 {
			delete(l.agents, of)
		}
	}
	for of, m := range l.agents { // all of them are busy these minutes
		if len(l.agents) < maxLoads {
			return
		}
		if m.n == 0 {
			delete(l.agents, of)
		}
	}
}

// Throttled hears that the provider refused a call of a model for there being too many, and how long it asked to wait, 0 where
// it did not say. Refusals of calls that were under way when the first one came count as one.
func (p *Pool) Throttled(model string, retryAfter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, now := p.lane(model), time.Now()
	l.throttled++
	if !now.Before(l.until) {
		l.limit = float64(max(1, min(int(l.limit), l.busy.n)/2))
		l.allowed.set(now, int(l.limit))
	}
	if retryAfter > mostPause {
		retryAfter = 0
	}
	until := now.Add(max(retryAfter, leastPause))
	if !until.After(l.until) {
		return
	}
	l.until = until
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(until.Sub(now), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		l.serve()
	})
}

// Load is how busy one model is, as this process sees it.
type Load struct {
	Provider, Model string
	// Busy calls are under way and Waiting ones wait for their turn. Limit is how many are let through at a time by now, Most how many may be at best.
	Busy, Waiting, Limit, Most int
	// Paused is for how much longer nothing is sent, since the provider asked for that.
	Paused time.Duration
	// Throttled counts the refusals for there being too much.
	Throttled int64
	Waits     Waits
	// BusyTime and AllowedTime add up Busy and Limit over time, since the start.
	BusyTime, AllowedTime time.Duration
	// Utilisation is the busy share of what is allowed, over this minute and the one before, in permille.
	Utilisation int
	Agents      []AgentLoad
}

// AgentLoad is an agent's part of a model's load.
type AgentLoad struct {
	Workspace, Agent string
	Busy             int
	BusyTime         time.Duration
	// Utilisation is its busy share of what the model allows, in permille.
	Utilisation int
}

// Load tells how busy the models are, by their names.
func (p *Pool) Load() []Load {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var all []Load
	for model, l := range p.lanes {
		l.busy.run(now)
		l.allowed.run(now)
		load := Load{
			Provider: p.c.Provider, Model: model, Busy: l.busy.n, Waiting: l.waiting.len(), Limit: int(l.limit), Most: l.most, Paused: max(0, l.until.Sub(now)),
			Throttled: l.throttled, Waits: l.waits, BusyTime: l.busy.total, AllowedTime: l.allowed.total, Utilisation: share(&l.busy, &l.allowed),
		}
		for of, m := range l.agents {
			m.run(now)
			load.Agents = append(load.Agents, AgentLoad{of.workspace, of.agent, m.n, m.total, share(m, &l.allowed)})
		}
		slices.SortFunc(load.Agents, func(a, b AgentLoad) int {
			return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Agent, b.Agent))
		})
		all = append(all, load)
	}
	slices.SortFunc(all, func(a, b Load) int { return cmp.Compare(a.Model, b.Model) })
	return all
}

func share(of, whole *meter) int {
	if whole.recent() <= 0 {
		return 0
	}
	return int(1000 * of.recent() / whole.recent())
}

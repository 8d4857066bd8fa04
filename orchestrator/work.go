package orchestrator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/managers"
)

// Handler does one kind of work.
type Handler struct {
	kind    string
	perform func(ctx context.Context, payload []byte) error
	// gaveUp hears of work that failed for good.
	gaveUp func(ctx context.Context, payload []byte, reason string) error
}

// Handle makes a handler of work of one type. perform is called again where it fails, and gaveUp hears of what failed for good.
func Handle[W managers.Work](perform func(context.Context, W) error, gaveUp func(context.Context, W, string) error) Handler {
	var zero W
	decode := func(payload []byte) (w W, err error) {
		if err := json.Unmarshal(payload, &w); err != nil {
			return w, fmt.Errorf("read what is to be done, %s: %w", zero.Kind(), err)
		}
		return w, nil
	}
	return Handler{
		kind: zero.Kind(),
		perform: func(ctx context.Context, payload []byte) error {
			w, err := decode(payload)
			if err != nil {
				return err
			}
			return perform(ctx, w)
		},
		gaveUp: func(ctx context.Context, payload []byte, reason string) error {
			w, err := decode(payload)
			if err != nil {
				return err
			}
			return gaveUp(ctx, w, reason)
		},
	}
}

// work has what managers want done by a bounded number at a time. What waits for its place waits here, and those who share
// the places are served in turn; what has a place goes over Watermill to its handler. It is never the only copy of
// anything: what is wanted is wanted again at the next start.
type work struct {
	bus    *gochannel.GoChannel
	router *message.Router
	log    *slog.Logger

	mu sync.Mutex
	// inside is where this room's own work is done. What a door does has places of its own: it may wait for its service as long as that is away.
	inside, doors places
	at            map[string]*places // by the kind of work
	// lent are the places that those gave back who wait for their model meanwhile.
	lent int
	jobs map[uuid.UUID]*job
	// closed tells that nothing begins any more, stopped that nobody does what has a place: the router is gone.
	closed, stopped bool
	// ending ends with the time in which something may begin.
	ending chan struct{}
	idle   *sync.Cond
}

// places are as many as may be at work at a time.
type places struct {
	all, free int
	// waiting are those that have none yet.
	waiting fair[*job]
}

// job is work that is wanted.
type job struct {
	id      uuid.UUID
	kind    string
	share   string
	at      *places
	payload []byte
	ctx     context.Context
	cancel  context.CancelFunc
	placed  bool
}

// poisonTopic holds work that could not be done however often it was tried.
const poisonTopic = "work.poison"

// tries is how often work is tried again, and after what waits.
var tries = middleware.Retry{MaxRetries: 5, InitialInterval: 100 * time.Millisecond, MaxInterval: 5 * time.Second, Multiplier: 2}

// newWork builds the router. Work is tried again with a growing wait, for as long as the store is away; what fails for
// good goes to the poison queue, where its handler hears of it. So many of the handlers' work are done at a time, and as many of the doors'.
func newWork(most int, log *slog.Logger, handlers, doors []Handler) (*work, error) {
	// What the router tells of its own starting and stopping is nothing to an operator.
	logger := watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
	w := &work{
		bus: gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: int64(most)}, logger), log: log,
		inside: places{all: most, free: most}, doors: places{all: most, free: most}, at: map[string]*places{}, jobs: map[uuid.UUID]*job{}, ending: make(chan struct{}),
	}
	w.idle = sync.NewCond(&w.mu)
	var err error
	if w.router, err = message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, logger); err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	poison, err := middleware.PoisonQueue(w.bus, poisonTopic)
	if err != nil {
		return nil, fmt.Errorf("poison queue: %w", err)
	}
	retry := tries
	retry.Logger = logger
	for _, h := range doors {
		w.at[h.kind] = &w.doors
	}
	byKind := make(map[string]Handler, len(handlers)+len(doors))
	for _, h := range slices.Concat(handlers, doors) {
		if _, dup := byKind[h.kind]; dup {
			panic("orchestrator: two handlers for work of kind " + h.kind)
		}
		byKind[h.kind] = h
		w.router.AddConsumerHandler(h.kind, topic(h.kind), w.bus, func(m *message.Message) error { return w.perform(m, h) }).
			AddMiddleware(w.done, tried(poison, retry))
	}
	w.router.AddConsumerHandler("poison", poisonTopic, w.bus, func(m *message.Message) error {
		h, known := byKind[m.Metadata.Get("kind")]
		if !known {
			return fmt.Errorf("nobody does work of kind %q", m.Metadata.Get("kind"))
		}
		return h.gaveUp(m.Context(), m.Payload, m.Metadata.Get(middleware.ReasonForPoisonedKey))
	})
	return w, nil
}

func topic(kind string) string { return "work." + kind }

// perform does a job for as long as it is wanted.
func (w *work) perform(m *message.Message, h Handler) error {
	j := w.job(m)
	if j == nil || j.ctx.Err() != nil {
		return nil
	}
	err := patiently(j.ctx, w.log, h.kind, func() error { return h.perform(j.ctx, m.Payload) })
	if j.ctx.Err() != nil || errors.Is(err, errEnding) {
		return nil // nobody wants it any more, or the program stops and it is wanted again at the next start
	}
	return err
}

// tried has work tried again, and goes to the poison queue with what fails for good.
func tried(poison message.HandlerMiddleware, retry middleware.Retry) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return poison(unlessOver(retry.Middleware(middleware.Recoverer(next))))
	}
}

// unlessOver keeps work out of the poison queue that waits for its next try as the router ends: it has not failed for good,
// and is wanted again at the next start. The end reaches the poison queue a moment later than the work.
func unlessOver(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		made, err := next(m)
		if m.Context().Err() != nil {
			return nil, nil
		}
		return made, err
	}
}

// done frees a job's place when all tries are over.
func (w *work) done(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		defer w.leave(m)
		return next(m)
	}
}

func (w *work) job(m *message.Message) *job {
	id, err := uuid.Parse(m.UUID)
	if err != nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.jobs[id]
}

func (w *work) leave(m *message.Message) {
	j := w.job(m)
	w.mu.Lock()
	defer w.mu.Unlock()
	if j != nil {
		j.at.free++
		j.cancel()
		delete(w.jobs, j.id)
	}
	w.place()
}

// want takes work that is to be done. Work that is wanted already is not taken twice.
func (w *work) want(id uuid.UUID, what managers.Work) error {
	payload, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("want %s: %w", what.Kind(), err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.jobs[id]; known || w.closed {
		return nil
	}
	j := &job{id: id, kind: what.Kind(), share: what.Share(), at: cmp.Or(w.at[what.Kind()], &w.inside), payload: payload}
	j.ctx, j.cancel = context.WithCancel(context.Background())
	w.jobs[id] = j
	j.at.waiting.add(j.share, j)
	w.place()
	return nil
}

// call off what is no longer wanted: a job under way hears of it by its context.
func (w *work) callOff(id uuid.UUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	j := w.jobs[id]
	if j == nil {
		return
	}
	j.cancel()
	if j.placed {
		return
	}
	delete(w.jobs, id)
	j.at.waiting.remove(j.share, j)
}

// place gives free places to those who wait. It is called with the lock held.
func (w *work) place() {
	w.fill(&w.inside)
	w.fill(&w.doors)
	if w.taken() == 0 {
		w.idle.Broadcast()
	}
}

// taken are the places that somebody has. It is called with the lock held.
func (w *work) taken() int { return w.inside.all - w.inside.free + w.doors.all - w.doors.free }

func (w *work) fill(p *places) {
	for p.free > 0 && p.waiting.len() > 0 && !w.closed {
		j := p.waiting.next()
		m := message.NewMessage(j.id.String(), j.payload)
		m.Metadata.Set("kind", j.kind)
		if err := w.bus.Publish(topic(j.kind), m); err != nil {
			w.log.Error("work was not handed on: it is wanted again at the next start", "kind", j.kind, "error", err)
			delete(w.jobs, j.id)
			continue
		}
		j.placed = true
		p.free--
	}
}

// lend gives a place to others while who has it waits for its model, and gives what takes it back. As many may be lent as are
// kept in mind; beyond that who waits keeps its place.
func (w *work) lend() (regain func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lent >= keptConversations*w.inside.all {
		return func() {}
	}
	w.lent++
	w.inside.free++
	w.place()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lent--
		w.inside.free-- // it may be owed for a moment: nothing is placed then
	}
}

// running is closed once all work is heard.
func (w *work) running() <-chan struct{} { return w.router.Running() }

// drain lets nothing begin any more, and waits for what is under way as long as that may take.
func (w *work) drain(most time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	close(w.ending)
	if placed := w.taken(); placed > 0 && most > 0 {
		w.log.Info("waiting for calls under way before stopping", "calls", placed, "at most", most)
	}
	over := time.AfterFunc(max(most, 0), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, j := range w.jobs {
			j.cancel()
		}
	})
	defer over.Stop()
	for w.taken() > 0 && !w.stopped {
		w.idle.Wait()
	}
}

func (w *work) run(ctx context.Context) error {
	err := w.router.Run(ctx)
	if cerr := w.bus.Close(); err == nil {
		err = cerr
	}
	// What was handed on, and not begun, is dropped with the router.
	w.mu.Lock()
	w.closed, w.stopped = true, true
	w.idle.Broadcast()
	w.mu.Unlock()
	return err
}

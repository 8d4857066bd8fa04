package postgres

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/virtuous6/virtuous6/eventstore"
)

// listener wakes the store's subscriptions when any process has appended. It has a connection and a goroutine of its
// own from the first subscription on. A wake-up may get lost with the connection: the subscriptions also poll.
type listener struct {
	config Config
	dial   func(context.Context) (*pgconn.PgConn, error)
	grown  *eventstore.Broadcast
	ctx    context.Context
	stop   context.CancelFunc

	once    sync.Once
	stopped chan struct{}
}

func newListener(c Config, dial func(context.Context) (*pgconn.PgConn, error), grown *eventstore.Broadcast) *listener {
	l := &listener{config: c, dial: dial, grown: grown, stopped: make(chan struct{})}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// start is for every subscription to call.
func (l *listener) start() {
	l.once.Do(func() {
		go func() {
			defer close(l.stopped)
			l.run()
		}()
	})
}

// close ends the listener and waits for it. A subscription that begins later starts none.
func (l *listener) close() {
	l.stop()
	l.once.Do(func() { close(l.stopped) })
	<-l.stopped
}

// run listens, and connects again at a tick after the connection was lost.
func (l *listener) run() {
	ticks, stop := l.config.Ticker(l.config.Poll)
	defer stop()
	for l.ctx.Err() == nil {
		l.listen()
		select {
		case <-ticks:
		case <-l.ctx.Done():
		}
	}
}

// listen returns when the connection is lost, or can't be made. The subscriptions meet the reason in their own reads.
func (l *listener) listen() {
	conn, err := l.dial(l.ctx)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(l.ctx) }()
	if _, err := conn.Exec(l.ctx, "LISTEN "+Channel).ReadAll(); err != nil {
		return
	}
	for {
		l.grown.Wake() // first for what was appended before it listened
		if err := conn.WaitForNotification(l.ctx); err != nil {
			return
		}
	}
}

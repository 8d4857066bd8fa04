package sqlite

import (
	"context"
	"errors"
	"sync"

	"zombiezen.com/go/sqlite"
)

// connection is a connection with what scans over it keep.
type connection struct {
	*sqlite.Conn
	engine *Engine
	// symbols are texts seen before, so that equal ones share their memory.
	symbols map[string]string
	buffer  []byte
}

func newConnection(c *sqlite.Conn, e *Engine) *connection {
	return &connection{Conn: c, engine: e, symbols: make(map[string]string)}
}

// pool lends connections, opened as they are needed.
type pool struct {
	open  func() (*connection, error)
	slots chan struct{}

	mu     sync.Mutex
	idle   []*connection
	closed bool
}

func newPool(size int, open func() (*connection, error)) *pool {
	return &pool{open: open, slots: make(chan struct{}, size)}
}

func (p *pool) take(ctx context.Context) (*connection, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	switch n := len(p.idle); {
	case p.closed:
		err = errClosed
	case n > 0:
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return c, nil
	default:
		var c *connection
		if c, err = p.open(); err == nil {
			return c, nil
		}
	}
	<-p.slots
	return nil, err
}

func (p *pool) give(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close() // it only read
	} else {
		p.idle = append(p.idle, c)
	}
	<-p.slots
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var err error
	for _, c := range p.idle {
		err = errors.Join(err, c.Close())
	}
	p.idle = nil
	return err
}

// discard frees a connection that failed.
func (p *pool) discard(c *connection) {
	_ = c.Close() // it only read
	<-p.slots
}

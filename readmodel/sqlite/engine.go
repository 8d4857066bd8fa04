// Package sqlite keeps the read models in a SQLite file, which may be the log's own.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/readmodel"
)

// Options tune the engine. The zero value works.
type Options struct {
	// BusyTimeout is how long to wait for another connection's transaction; 0 means 10 s.
	BusyTimeout time.Duration
	// Readers is the greatest number of snapshots open at a time; 0 means 8. More wait.
	Readers int
	// Now is the engine's clock. Default time.Now.
	Now func() time.Time
	// Scratch gives up durability for speed: for a file that is thrown away, such as the one verify rebuilds into.
	Scratch bool
}

// Engine is a readmodel.Engine on a SQLite file in WAL mode: one connection that writes, some that read.
type Engine struct {
	path    string
	is      os.FileInfo // the file that was opened
	busy    time.Duration
	now     func() time.Time
	readers *pool

	mu     sync.Mutex
	writer *connection
	puts   map[put]*binder
	closed bool
}

var _ readmodel.Engine = (*Engine)(nil)

// flags leave out SQLite's URIs: a path is a path, whatever characters are in it.
const flags = sqlite.OpenReadWrite | sqlite.OpenCreate | sqlite.OpenWAL

// Open opens or creates a file.
func Open(ctx context.Context, path string, o Options) (*Engine, error) {
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 10 * time.Second
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open read models %s: %w", path, err)
	}
	e := &Engine{path: path, busy: o.BusyTimeout, now: o.Now, puts: make(map[put]*binder)}
	// A commit of the read models need not outlive a power failure: rows and checkpoint are lost together, and are
	// folded again from the log. The log's own connection is the one that waits for the disk.
	synchronous := "synchronous=NORMAL"
	if o.Scratch {
		synchronous = "synchronous=OFF"
	}
	// Only its owner reads a file that is made here; SQLite would let the umask decide. What hinders it SQLite tells next.
	if f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil { //nolint:gosec // it is where the user says
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("open read models: %w", err)
		}
	}
	// 64 MiB of pages, and room for a few batches between two checkpoints of the WAL. What is deleted is overwritten where its
	// page is written anyway; Overwrite does the rest. What a statement would undo, and what is sorted, goes to temporary files
	// where it is much: a table that a rebuild drops would be in memory whole.
	writer, err := e.connect(synchronous, "secure_delete=FAST", "cache_size=-65536", "wal_autocheckpoint=16000", "temp_store=FILE")
	if err != nil {
		return nil, fmt.Errorf("open read models: %w", err)
	}
	e.writer = writer
	if e.is, err = os.Stat(path); err != nil {
		return nil, errors.Join(fmt.Errorf("open read models: %w", err), writer.Close())
	}
	e.readers = newPool(o.Readers, func() (*connection, error) {
		if err := e.check(); err != nil {
			return nil, err
		}
		return e.connect("query_only=1", "cache_size=-16384", "temp_store=FILE")
	})
	return e, nil
}

func (e *Engine) connect(pragmas ...string) (*connection, error) {
	c, err := sqlite.OpenConn(e.path, flags)
	if err != nil {
		return nil, e.explain(context.Background(), err)
	}
	c.SetBusyTimeout(e.busy)
	for _, p := range pragmas {
		if err := sqlitex.ExecuteTransient(c, "PRAGMA "+p, nil); err != nil {
			return nil, errors.Join(e.explain(context.Background(), err), c.Close())
		}
	}
	return newConnection(c, e), nil
}

// check tells whether the file is still the one that was opened: another one's pages would be mixed with its write-ahead log.
func (e *Engine) check() error {
	if now, err := os.Stat(e.path); err == nil && os.SameFile(e.is, now) {
		return nil
	}
	return fmt.Errorf("%w: %s was deleted or replaced while it was open: stop the programs that have it open, put the right file there, and start them again", readmodel.ErrUnavailable, e.path)
}

// Finish implements readmodel.Engine: the tables are complete as they are.
func (e *Engine) Finish(context.Context, *readmodel.Table) error { return nil }

// Close waits for a write under way and frees the connections. A snapshot that is still open frees its own.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.dropPuts()
	err := errors.Join(e.readers.close(), e.writer.Close())
	if err != nil {
		return fmt.Errorf("close read models: %w", err)
	}
	return nil
}

var errClosed = fmt.Errorf("%w: they are closed", readmodel.ErrUnavailable)

// explain turns SQLite's errors into those a user can act on. An interrupt is the end of ctx.
func (e *Engine) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var hint string
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked:
		hint = "another process is writing to it; try again when that is done"
	case sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultAuth:
		hint = "it can't be written to; check the permissions of the file and of its folder"
	case sqlite.ResultFull:
		hint = "the disk is full; free some space and try again"
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		hint = "it is damaged or no SQLite file; restore it from a copy"
	case sqlite.ResultCantOpen:
		hint = "it can't be opened; check that the folder exists and may be written to"
	case sqlite.ResultIOErr:
		hint = "the disk fails"
	default:
		return err
	}
	return fmt.Errorf("%w: %s: %s (%w)", readmodel.ErrUnavailable, e.path, hint, err)
}

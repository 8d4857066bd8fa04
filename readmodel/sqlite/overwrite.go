package sqlite

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/readmodel"
)

// overwriteBytes bounds what one transaction of Overwrite writes, so that other writers get in between.
const overwriteBytes = 16 << 20

// Overwrite implements readmodel.Engine. With secure_delete=FAST what was deleted stays in pages of the file that are free to
// be used again (https://www.sqlite.org/pragma.html#pragma_secure_delete). A table of zeros takes all of these; then the
// write-ahead log is emptied, which waits for readers.
func (e *Engine) Overwrite(ctx context.Context, _ []*readmodel.Table) error {
	if err := e.execute(ctx, "DROP TABLE IF EXISTS overwritten"); err != nil { // what one that was cut off has left
		return err
	}
	err := e.execute(ctx, "CREATE TABLE overwritten (zeros BLOB NOT NULL) STRICT")
	for done := false; err == nil && !done; {
		done, err = e.overwriteSome(ctx)
	}
	err = errors.Join(err, e.execute(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS overwritten"))
	if err != nil {
		return err
	}
	return e.emptyWAL(ctx)
}

func (e *Engine) execute(ctx context.Context, sql string) error {
	return e.Update(ctx, func(readmodel.Tx) error { return e.explain(ctx, sqlitex.Execute(e.writer.Conn, sql, nil)) })
}

// overwriteSome takes some of the free pages. It tells whether there was none.
func (e *Engine) overwriteSome(ctx context.Context) (done bool, err error) {
	err = e.Update(ctx, func(readmodel.Tx) error {
		var free int64
		err := sqlitex.Execute(e.writer.Conn, "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size",
			&sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error { free = s.ColumnInt64(0); return nil }})
		if done = free == 0; err == nil && !done {
			err = sqlitex.Execute(e.writer.Conn, "INSERT INTO overwritten VALUES (zeroblob(?))",
				&sqlitex.ExecOptions{Args: []any{min(free, overwriteBytes)}})
		}
		return e.explain(ctx, err)
	})
	return done, err
}

// emptyWAL moves the write-ahead log into the file, and truncates it.
func (e *Engine) emptyWAL(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	e.writer.SetInterrupt(ctx.Done())
	defer e.writer.SetInterrupt(nil)
	busy := false
	err := sqlitex.ExecuteTransient(e.writer.Conn, "PRAGMA wal_checkpoint(TRUNCATE)", &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error { busy = s.ColumnInt(0) != 0; return nil },
	})
	if err == nil && busy {
		return fmt.Errorf("%w: %s: somebody reads what stands in its write-ahead log; try again when that is done", readmodel.ErrUnavailable, e.path)
	}
	return e.explain(ctx, err)
}

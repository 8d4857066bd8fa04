package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/eventstore"
)

// How often a file is looked at for what was copied onto it, and how long a write that no checkpoint explains is taken for
// one under way: a checkpoint writes the file first and is noted then.
const (
	lookEvery = time.Second
	lookTwice = 5 * time.Second
)

// overwritten finds out that something was copied onto the file of a running program. It is the same file still, and SQLite
// would lay its write-ahead log over pages that it does not know. In WAL mode only checkpoints write the file, each of which
// shows in the log's index or, once the log begins anew, in its salts: a time of modification that moves without is no
// checkpoint's. What the file holds then tells whether anything was changed: somebody may have touched it.
type overwritten struct {
	path string
	// now tells the time since some moment.
	now func() time.Duration

	mu sync.Mutex
	// looked is when that was last, where begun tells that it was. seen is the checkpoint and modified the time of modification
	// known then.
	begun    bool
	looked   time.Duration
	seen     checkpoint
	modified time.Time
	// holds is what the file held behind that checkpoint, nil where it was written to while that was read.
	holds *contents
	// odd is a time of modification that nothing explains yet, since then.
	odd   time.Time
	since time.Duration
	found bool
}

// checkpoint is how far the write-ahead log is in the file: its salts, and the frames that were moved.
type checkpoint struct {
	salts [8]byte
	moved int64
}

// look returns ErrUnavailable where the file was written over.
func (o *overwritten) look(conn *sqlite.Conn) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if !o.found && (!o.begun || now-o.looked >= lookEvery) {
		o.looked = now
		if err := o.compare(conn, now); err != nil {
			return err
		}
	}
	if !o.found {
		return nil
	}
	return fmt.Errorf("%w: something else was written onto %[2]s while it was open, as by a backup that was copied there: stop the programs that have it open. To go on from the backup, delete %[2]s-wal and %[2]s-shm, copy it there again and run `virtuous6 replay`; to keep what was there, bring it into a new file with `virtuous6 copy`, and look at that with `virtuous6 verify`", eventstore.ErrUnavailable, o.path)
}

func (o *overwritten) compare(conn *sqlite.Conn, now time.Duration) error {
	at, err := checkpointOf(conn, o.path)
	if err != nil {
		return err
	}
	// It is looked at behind the checkpoint, which writes it before it is noted.
	info, err := os.Stat(o.path)
	if err != nil {
		return err
	}
	modified := info.ModTime()
	switch {
	case !o.begun || at != o.seen:
		o.begun, o.seen, o.modified, o.odd, o.holds = true, at, modified, time.Time{}, nil
		return o.remember(conn)
	case modified.Equal(o.modified):
		o.odd = time.Time{}
		if o.holds == nil {
			return o.remember(conn)
		}
	case !modified.Equal(o.odd):
		o.odd, o.since = modified, now
	case now-o.since >= lookTwice:
		holds, err := contentsOf(o.path)
		if o.found = err != nil || o.holds == nil || holds != *o.holds; !o.found {
			o.modified, o.odd = modified, time.Time{}
		}
	}
	return nil
}

// remember notes what the file holds, unless it is written to meanwhile.
func (o *overwritten) remember(conn *sqlite.Conn) error {
	holds, read := contentsOf(o.path)
	at, err := checkpointOf(conn, o.path)
	if err != nil {
		return err
	}
	info, err := os.Stat(o.path)
	if err != nil {
		return err
	}
	if read == nil && at == o.seen && info.ModTime().Equal(o.modified) {
		o.holds = &holds
	}
	return nil
}

// contents is what tells one state of a log's file from another: its last event, and its size.
type contents struct {
	last                string
	pages, free, schema int64
}

// contentsOf reads the file alone, without its write-ahead log. SQLite opens it, which knows what locks the process has on it.
func contentsOf(path string) (c contents, err error) {
	at := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "immutable=1"}
	conn, err := sqlite.OpenConn(at.String(), sqlite.OpenReadOnly, sqlite.OpenURI)
	if err != nil {
		return c, err
	}
	err = sqlitex.ExecuteTransient(conn, "SELECT (SELECT hex(id) FROM events ORDER BY position DESC LIMIT 1), page_count, freelist_count, schema_version FROM pragma_page_count, pragma_freelist_count, pragma_schema_version",
		&sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
			c = contents{stmt.ColumnText(0), stmt.ColumnInt64(1), stmt.ColumnInt64(2), stmt.ColumnInt64(3)}
			return nil
		}})
	return c, errors.Join(err, conn.Close())
}

func checkpointOf(conn *sqlite.Conn, path string) (c checkpoint, err error) {
	// The log itself is never locked: closing it takes no lock away from SQLite, as closing the file would.
	wal, err := os.Open(path + "-wal") //nolint:gosec // the store is where the user says
	if err == nil {
		_, _ = wal.ReadAt(c.salts[:], 16) // an empty log has none
		err = wal.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	err = sqlitex.ExecuteTransient(conn, "PRAGMA wal_checkpoint(NOOP)", &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		c.moved = stmt.ColumnInt64(2)
		return nil
	}})
	return c, err
}

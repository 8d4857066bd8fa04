package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitemigration"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/migrations"
)

// ApplicationID marks a file as ours ("vir6"), in SQLite's header field of that name.
const ApplicationID int32 = 0x76697236

// checkpointPages is how many pages the write-ahead log takes in before they are moved to the file: 64 MB, so that
// appends seldom pay for it.
const checkpointPages = 16_000

// OpenConn opens one more connection to the file at path, for the rooms that keep their tables in it. The file is made
// if it is not there, its tables are brought up to date, and the connection has the store's settings: WAL,
// synchronous=FULL, foreign keys, and c's busy timeout. A connection is for one goroutine at a time; its owner closes
// it.
//
// It returns ErrUnavailable, ErrCorrupt or ErrSchema, each with what to do.
func OpenConn(ctx context.Context, path string, c Config) (*driver.Conn, error) {
	conn, err := connect(ctx, path, c.filled(), true)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, explain(path, err))
	}
	return conn, nil
}

// Begin begins a transaction that writes, and waits for as long as c's busy timeout where another connection writes. It
// asks every millisecond: SQLite's own waiting asks ever more seldom, and then hardly ever meets the short gaps that a
// busy writer leaves. Whoever writes to the file beside the store should begin like this. The caller ends it with
// COMMIT or ROLLBACK.
func Begin(ctx context.Context, conn *driver.Conn, c Config) error {
	c = c.filled()
	conn.SetBusyTimeout(time.Millisecond)
	defer conn.SetBusyTimeout(c.BusyTimeout)
	stmt, err := conn.Prepare("BEGIN IMMEDIATE")
	if err != nil {
		return err
	}
	for waited := time.Duration(0); ; waited += time.Millisecond {
		err := done(stmt)
		if driver.ErrCode(err).ToPrimary() != driver.ResultBusy || waited >= c.BusyTimeout {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// connect opens, checks and migrates. Nothing is written to a file before it is known to be ours, or to be empty.
func connect(ctx context.Context, path string, c Config, create bool) (_ *driver.Conn, err error) {
	if path == "" || path == ":memory:" {
		return nil, fmt.Errorf("%w: %q is no file: name one, such as sqlite:virtuous6.db", eventstore.ErrUnavailable, path)
	}
	flags := driver.OpenReadWrite
	if create && !c.Existing {
		flags |= driver.OpenCreate
		if err := private(path); err != nil {
			return nil, err
		}
	}
	conn, err := driver.OpenConn(path, flags)
	if err != nil {
		if _, missing := os.Stat(path); c.Existing && errors.Is(missing, fs.ErrNotExist) {
			return nil, eventstore.ErrNoLog
		}
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, conn.Close())
		}
	}()
	conn.SetBusyTimeout(c.BusyTimeout)
	there, current, err := identify(conn, path)
	switch {
	case err != nil:
		return nil, err
	case !there && c.Existing:
		return nil, eventstore.ErrNoLog
	case there && !current && c.KeepSchema:
		return nil, fmt.Errorf("%w: the tables of %s are older than version %d, which this program needs: make a backup, then leave out --keep-schema, and they are brought up to date", eventstore.ErrSchema, path, len(migrations.SQLite()))
	}
	if err := writable(conn); err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(c.BusyTimeout)
	mode, err := text(conn, "PRAGMA journal_mode = wal")
	if err != nil {
		return nil, err
	}
	if mode != "wal" {
		return nil, fmt.Errorf("%w: %s can't be put into WAL mode: choose a folder on a local disk", eventstore.ErrUnavailable, path)
	}
	for _, pragma := range []string{
		"PRAGMA synchronous = full",
		"PRAGMA foreign_keys = on",
		fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", checkpointPages),
		fmt.Sprintf("PRAGMA journal_size_limit = %d", checkpointPages*4096),
	} {
		if err := sqlitex.ExecuteTransient(conn, pragma, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", pragma, err)
		}
	}
	if current {
		return conn, nil
	}
	schema := sqlitemigration.Schema{AppID: ApplicationID, Migrations: migrations.SQLite()}
	if err := sqlitemigration.Migrate(ctx, conn, schema); err != nil {
		return nil, err
	}
	return conn, nil
}

// private makes a file that is not there yet so that only its owner reads it: SQLite would let the umask decide, and
// gives the files beside it the same rights. What hinders it is SQLite's to tell, but a file that is there is fine.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the store is where the user says
	if err != nil {
		return nil //nolint:nilerr // opening it fails next, with the reason
	}
	return f.Close()
}

// identify refuses what is not ours, or what a newer program made, and tells whether there are tables, and whether they
// are up to date.
func identify(conn *driver.Conn, path string) (there, current bool, err error) {
	tables, err := number(conn, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return false, false, err
	}
	id, err := number(conn, "PRAGMA application_id")
	if err != nil {
		return false, false, err
	}
	version, err := number(conn, "PRAGMA user_version")
	if err != nil {
		return false, false, err
	}
	known := int64(len(migrations.SQLite()))
	switch {
	case id != int64(ApplicationID) && (id != 0 || tables > 0):
		return false, false, fmt.Errorf("%w: %s is a SQLite file of another program (application_id %#x): choose another file", eventstore.ErrSchema, path, id)
	case version > known:
		return false, false, fmt.Errorf("%w: %s has schema version %d, this program knows up to %d: upgrade virtuous6, or open a file of its own", eventstore.ErrSchema, path, version, known)
	}
	return tables > 0, id == int64(ApplicationID) && version == known, nil
}

// writable finds a file that SQLite opened for reading only, as it does by itself where that is all it may, before the
// first append would. Such a file can begin a transaction but not write in it. That another connection is writing is
// fine.
func writable(conn *driver.Conn) error {
	conn.SetBusyTimeout(0)
	err := sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil)
	switch {
	case driver.ErrCode(err).ToPrimary() == driver.ResultBusy:
		return nil
	case err != nil:
		return err
	}
	err = sqlitex.ExecuteTransient(conn, "PRAGMA user_version = 0", nil)
	return errors.Join(err, sqlitex.ExecuteTransient(conn, "ROLLBACK", nil))
}

// text runs a query that yields one text.
func text(conn *driver.Conn, query string) (s string, err error) {
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(row *driver.Stmt) error {
		s = row.ColumnText(0)
		return nil
	}})
	return s, err
}

// number runs a query that yields one integer.
func number(conn *driver.Conn, query string) (int64, error) {
	s, err := text(conn, query)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(s, 10, 64)
}

// done runs a prepared statement that yields no row.
func done(stmt *driver.Stmt) error {
	if _, err := stmt.Step(); err != nil {
		return err
	}
	return stmt.Reset()
}

// Package sqlite keeps the keys of people in a file of its own.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/veil"
)

// Keys are in one file, which is made for the first of them. It has no write-ahead log, and what is deleted is overwritten: a
// key that was destroyed is nowhere in it.
type Keys struct {
	path string

	mu   sync.Mutex
	conn *driver.Conn
}

var _ veil.Keys = (*Keys)(nil)

// Open takes the keys in a file, which need not be there yet.
func Open(path string) *Keys { return &Keys{path: path} }

const schema = `CREATE TABLE IF NOT EXISTS person_keys (
	id TEXT NOT NULL PRIMARY KEY,
	name TEXT UNIQUE,
	key BLOB,
	since INTEGER NOT NULL,
	erased INTEGER,
	CHECK ((key IS NULL) = (name IS NULL) AND (key IS NULL) = (erased IS NOT NULL))
) STRICT`

// wait bounds how long another process's write is waited for.
const wait = 10 * time.Second

// use has f use the file. Where it is not there, and is not to be made, it returns ErrNoPerson.
func (k *Keys) use(ctx context.Context, create bool, f func(*driver.Conn) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.open(create); err != nil {
		if errors.Is(err, veil.ErrNoPerson) {
			return err
		}
		return fmt.Errorf("%s: %w", k.path, err)
	}
	k.conn.SetInterrupt(ctx.Done())
	if err := f(k.conn); err != nil {
		if errors.Is(err, veil.ErrNoPerson) {
			return err
		}
		return fmt.Errorf("%s: %w", k.path, err)
	}
	return nil
}

func (k *Keys) open(create bool) error {
	if k.conn != nil {
		return nil
	}
	flags := driver.OpenReadWrite
	if create {
		flags |= driver.OpenCreate
		// Nobody else reads it, whatever the umask is.
		file, err := os.OpenFile(k.path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	} else if _, err := os.Stat(k.path); errors.Is(err, fs.ErrNotExist) {
		return veil.ErrNoPerson
	}
	conn, err := driver.OpenConn(k.path, flags)
	if err != nil {
		return err
	}
	conn.SetBusyTimeout(wait)
	for _, sql := range []string{"PRAGMA journal_mode = delete", "PRAGMA synchronous = extra", "PRAGMA secure_delete = on", schema} {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			return errors.Join(err, conn.Close())
		}
	}
	k.conn = conn
	return nil
}

// Of implements veil.Keys.
func (k *Keys) Of(ctx context.Context, fresh veil.Person) (found veil.Person, err error) {
	err = k.use(ctx, true, func(conn *driver.Conn) error {
		if found, err = one(conn, "name = ?", fresh.Name); !errors.Is(err, veil.ErrNoPerson) {
			return err
		}
		err := sqlitex.Execute(conn, "INSERT INTO person_keys (id, name, key, since) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
			&sqlitex.ExecOptions{Args: []any{fresh.ID, fresh.Name, fresh.Key, fresh.Since.Unix()}})
		if err != nil {
			return err
		}
		found, err = one(conn, "name = ?", fresh.Name)
		return err
	})
	return found, err
}

// Person implements veil.Keys.
func (k *Keys) Person(ctx context.Context, id string) (found veil.Person, err error) {
	err = k.use(ctx, false, func(conn *driver.Conn) error {
		found, err = one(conn, "id = ?", id)
		return err
	})
	return found, err
}

// Named implements veil.Keys.
func (k *Keys) Named(ctx context.Context, name string) (found veil.Person, err error) {
	err = k.use(ctx, false, func(conn *driver.Conn) error {
		found, err = one(conn, "name = ?", name)
		return err
	})
	return found, err
}

// All implements veil.Keys.
func (k *Keys) All(ctx context.Context) (all []veil.Person, err error) {
	err = k.use(ctx, false, func(conn *driver.Conn) error {
		all, err = people(conn, "TRUE")
		return err
	})
	if errors.Is(err, veil.ErrNoPerson) {
		return nil, nil
	}
	return all, err
}

// Erase implements veil.Keys.
func (k *Keys) Erase(ctx context.Context, id string, at time.Time) error {
	return k.use(ctx, false, func(conn *driver.Conn) error {
		if _, err := one(conn, "id = ?", id); err != nil {
			return err
		}
		return sqlitex.Execute(conn, "UPDATE person_keys SET name = NULL, key = NULL, erased = ? WHERE id = ? AND key IS NOT NULL",
			&sqlitex.ExecOptions{Args: []any{at.Unix(), id}})
	})
}

// Close implements veil.Keys.
func (k *Keys) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn == nil {
		return nil
	}
	k.conn.SetInterrupt(nil)
	err := k.conn.Close()
	k.conn = nil
	return err
}

func one(conn *driver.Conn, where string, arg string) (veil.Person, error) {
	all, err := people(conn, where, arg)
	if err == nil && len(all) == 0 {
		err = veil.ErrNoPerson
	}
	if err != nil {
		return veil.Person{}, err
	}
	return all[0], nil
}

func people(conn *driver.Conn, where string, args ...any) ([]veil.Person, error) {
	var all []veil.Person
	err := sqlitex.Execute(conn, "SELECT id, name, key, since, erased FROM person_keys WHERE "+where+" ORDER BY since, id", &sqlitex.ExecOptions{
		Args: args,
		ResultFunc: func(stmt *driver.Stmt) error {
			p := veil.Person{ID: stmt.ColumnText(0), Name: stmt.ColumnText(1), Since: time.Unix(stmt.ColumnInt64(3), 0).UTC()}
			if n := stmt.ColumnLen(2); n > 0 {
				p.Key = make([]byte, n)
				stmt.ColumnBytes(2, p.Key)
			}
			if !stmt.ColumnIsNull(4) {
				p.Erased = time.Unix(stmt.ColumnInt64(4), 0).UTC()
			}
			all = append(all, p)
			return nil
		},
	})
	return all, err
}

// Package postgres keeps the keys of people in a table of PostgreSQL.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/virtuous6/virtuous6/veil"
)

// Keys are in the table person_keys, which is made for the first of them.
type Keys struct{ pool *pgxpool.Pool }

var _ veil.Keys = (*Keys)(nil)

// Open takes the keys in a database. It connects when the first one is wanted. Its error does not hold the URL.
func Open(url string) (*Keys, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the URL of the keys can't be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE with what is special in it percent-encoded")
	}
	config.MaxConns, config.MinConns = 4, 0
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("the keys of people: %w", err)
	}
	return &Keys{pool}, nil
}

// makeLock keeps two processes from making the table at once. It is "virtuouk" in ASCII.
const makeLock int64 = 0x76697274756f756b

const schema = `CREATE TABLE IF NOT EXISTS person_keys (
	id text NOT NULL PRIMARY KEY,
	name text UNIQUE,
	key bytea,
	since timestamptz NOT NULL,
	erased timestamptz,
	CHECK ((key IS NULL) = (name IS NULL) AND (key IS NULL) = (erased IS NOT NULL))
)`

// absent tells that the table was not made yet.
func absent(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42P01"
}

const columns = "id, coalesce(name, ''), key, since, coalesce(erased, 'epoch')"

func scan(row pgx.Row) (p veil.Person, err error) {
	err = row.Scan(&p.ID, &p.Name, &p.Key, &p.Since, &p.Erased)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || absent(err):
		return veil.Person{}, veil.ErrNoPerson
	case err != nil:
		return veil.Person{}, err
	}
	p.Since, p.Erased = p.Since.UTC(), p.Erased.UTC()
	if p.Key != nil {
		p.Erased = time.Time{}
	}
	return p, nil
}

// Of implements veil.Keys.
func (k *Keys) Of(ctx context.Context, fresh veil.Person) (veil.Person, error) {
	found, err := k.Named(ctx, fresh.Name)
	if !errors.Is(err, veil.ErrNoPerson) {
		return found, err
	}
	err = pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", makeLock); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, schema); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO person_keys (id, name, key, since) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
			fresh.ID, fresh.Name, fresh.Key, fresh.Since)
		return err
	})
	if err != nil {
		return veil.Person{}, err
	}
	return k.Named(ctx, fresh.Name)
}

// Person implements veil.Keys.
func (k *Keys) Person(ctx context.Context, id string) (veil.Person, error) {
	return scan(k.pool.QueryRow(ctx, "SELECT "+columns+" FROM person_keys WHERE id = $1", id))
}

// Named implements veil.Keys.
func (k *Keys) Named(ctx context.Context, name string) (veil.Person, error) {
	return scan(k.pool.QueryRow(ctx, "SELECT "+columns+" FROM person_keys WHERE name = $1", name))
}

// All implements veil.Keys.
func (k *Keys) All(ctx context.Context) ([]veil.Person, error) {
	rows, err := k.pool.Query(ctx, "SELECT "+columns+" FROM person_keys ORDER BY since, id")
	var all []veil.Person
	if err == nil {
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (veil.Person, error) { return scan(row) })
	}
	if absent(err) {
		return nil, nil
	}
	return all, err
}

// Erase implements veil.Keys. The row is written anew, and what it was before is vacuumed.
func (k *Keys) Erase(ctx context.Context, id string, at time.Time) error {
	if _, err := k.Person(ctx, id); err != nil {
		return err
	}
	_, err := k.pool.Exec(ctx, "UPDATE person_keys SET name = NULL, key = NULL, erased = $2 WHERE id = $1 AND key IS NOT NULL", id, at.UTC())
	if err != nil {
		return err
	}
	_, err = k.pool.Exec(ctx, "VACUUM (FULL) person_keys")
	return err
}

// Close implements veil.Keys.
func (k *Keys) Close() error {
	k.pool.Close()
	return nil
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/migrations"
)

// The advisory locks of a database: who appends holds the first, who brings the tables up to date the second. They are
// "virtuous" and "virtuou6" in ASCII.
const (
	appendLock  int64 = 0x76697274756f7573
	migrateLock int64 = 0x76697274756f7536
)

// versionTable is where goose notes which scripts have run.
const versionTable = "event_migrations"

// keepAlive finds out within seconds that the server's machine is gone. The server looks after its clients alike.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}

// settings are what every connection of a store begins with. Statements are planned once, and go by an index in
// its order always, also where the plan was made while the log was empty. READ COMMITTED shows a statement what was committed before it began: after it
// waited for the lock, too. What a client that hangs has begun ends by itself, after stall.
const settings = `
SET default_transaction_isolation = 'read committed';
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
SET jit = off;
SET idle_in_transaction_session_timeout = '5s';
SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;
SELECT set_config('transaction_timeout', '120s', false) WHERE current_setting('transaction_timeout', true) IS NOT NULL;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`

// parse reads a URL. pgx's own errors could hold the password, so that none of their words is passed on.
func parse(url string, c Config) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil || misread(url) {
		return nil, fmt.Errorf("%w: the URL of the log can't be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE with what is special in it percent-encoded, as %%40 for @, and check its parameters", eventstore.ErrUnavailable)
	}
	config.MaxConns = int32(min(c.Readers, 1000)) //nolint:gosec // bounded
	config.MinConns, config.MinIdleConns = 0, 0
	if config.ConnConfig.ConnectTimeout <= 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	config.ConnConfig.DialFunc = (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext
	next := config.ConnConfig.AfterConnect
	config.ConnConfig.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if next != nil {
			if err := next(ctx, conn); err != nil {
				return err
			}
		}
		_, err := conn.Exec(ctx, settings).ReadAll()
		return err
	}
	return config, nil
}

// misread tells that something of a password would be taken for the host, the database or a parameter, which errors hold:
// one with an @ or / that is not percent-encoded ends there, and leaves an @ behind.
func misread(url string) bool {
	scheme, rest, _ := strings.Cut(url, "://")
	behind := strings.IndexAny(rest, "@/") + 1
	return scheme != "postgres" && scheme != "postgresql" || strings.Contains(rest[behind:], "@")
}

// label names a server and a database for people, without any secret.
func label(c *pgx.ConnConfig) string {
	return fmt.Sprintf("%s@%s:%d/%s", c.User, c.Host, c.Port, c.Database)
}

// identify refuses a database that can't hold the log, or whose tables are of a newer program, and tells whether there
// are tables, and whether they are up to date.
func identify(ctx context.Context, pool *pgxpool.Pool) (there, current bool, err error) {
	var encoding string
	var events, versions bool
	const query = "SELECT current_setting('server_encoding'), to_regclass('events') IS NOT NULL, to_regclass('" + versionTable + "') IS NOT NULL"
	if err := pool.QueryRow(ctx, query).Scan(&encoding, &events, &versions); err != nil {
		return false, false, err
	}
	var version int64
	if versions {
		if err := pool.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versionTable+" WHERE is_applied").Scan(&version); err != nil {
			return false, false, err
		}
	}
	_, known := migrations.Postgres()
	switch {
	case encoding != "UTF8":
		return false, false, fmt.Errorf("%w: the database is encoded in %s: make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", eventstore.ErrSchema, encoding)
	case events && !versions:
		return false, false, fmt.Errorf("%w: the database has a table events of another program: choose another database, or a schema of its own with ?search_path=NAME", eventstore.ErrSchema)
	case version > known:
		return false, false, fmt.Errorf("%w: the log has schema version %d, this program knows up to %d: upgrade virtuous6, or choose another database", eventstore.ErrSchema, version, known)
	}
	return events, version == known, nil
}

// makeSchema makes the schema that search_path in the URL names, where there is none.
func makeSchema(ctx context.Context, pool *pgxpool.Pool) error {
	var schema *string
	var path string
	if err := pool.QueryRow(ctx, "SELECT current_schema()::text, current_setting('search_path')").Scan(&schema, &path); err != nil || schema != nil {
		return err
	}
	first, _, _ := strings.Cut(path, ",")
	if first = strings.Trim(strings.TrimSpace(first), `"`); first == "$user" {
		first = pool.Config().ConnConfig.User
	}
	_, err := pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{first}.Sanitize())
	return err
}

// migrate brings the tables up to date. Of many processes that try one does it, and the others wait for it.
func migrate(ctx context.Context, pool *pgxpool.Pool, c Config) (err error) {
	folder, _ := migrations.Postgres()
	waits := uint64(max(c.Patience/time.Second, 1))
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrateLock), lock.WithLockTimeout(1, waits))
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, folder,
		goose.WithTableName(versionTable), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// milliseconds is a duration as PostgreSQL's settings take it.
func milliseconds(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }

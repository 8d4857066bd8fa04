// Package postgres keeps the read models in tables of a PostgreSQL database, which may be the log's own.
package postgres

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/virtuous6/virtuous6/readmodel"
)

// Options tune the engine. The zero value works.
type Options struct {
	// Patience is how long a statement waits for what others hold: a swap for readers, a write for another process's.
	// 0 means 30 s.
	Patience time.Duration
	// Grace is how long an answer may take that waits for nobody. 0 means 5 s.
	Grace time.Duration
	// Readers is the greatest number of snapshots open at a time; 0 means 8. More wait.
	Readers int
}

// Engine is a readmodel.Engine on a schema of a PostgreSQL database: the first one of the connection's search_path.
type Engine struct {
	where    string
	patience time.Duration
	grace    time.Duration
	readers  *pgxpool.Pool
	writers  *pgxpool.Pool

	mu      sync.Mutex    // one write transaction of this process at a time
	waited  time.Duration // a swap, for readers
	closed  atomic.Bool
	filling atomic.Pointer[filling]
}

var _ readmodel.Engine = (*Engine)(nil)

// keepAlive finds out within seconds that the server's machine is gone. The server looks after its clients alike.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}

// settings are what every connection begins with. A commit of the read models need not outlive a crash of the server:
// rows and checkpoint are lost together, and are folded again from the log. No other schema's tables are ever met.
const settings = `
SET synchronous_commit = off;
SET jit = off;
SET idle_in_transaction_session_timeout = '5s';
SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;
SELECT set_config('search_path', quote_ident(current_schema()), false) WHERE current_schema() IS NOT NULL;
SET lock_timeout = `

// Open connects to the database that a URL names, as postgres://USER:PASSWORD@HOST:PORT/DATABASE?search_path=SCHEMA. The
// schema is made where it is missing. No error holds the password.
func Open(ctx context.Context, url string, o Options) (*Engine, error) {
	if o.Patience <= 0 {
		o.Patience = 30 * time.Second
	}
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil || misread(url) {
		// Its words could hold the password.
		return nil, fmt.Errorf("open read models: %w: their URL can't be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE with what is special in it percent-encoded, as %%40 for @", readmodel.ErrUnavailable)
	}
	if config.ConnConfig.ConnectTimeout <= 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	config.ConnConfig.DialFunc = (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext
	config.MinConns, config.MinIdleConns = 0, 0
	// Whatever the URL says: rows are read in the binary format.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	config.ConnConfig.StatementCacheCapacity = 512
	c := config.ConnConfig
	e := &Engine{where: fmt.Sprintf("%s@%s:%d/%s", c.User, c.Host, c.Port, c.Database), patience: o.Patience, grace: o.Grace}
	if err := e.prepare(ctx, c.Copy()); err != nil {
		return nil, fmt.Errorf("open read models: %w", e.explain(ctx, err))
	}
	// The fold asks while it writes, and several rebuilds may wait for one another. It asks by keys, of which one plan is as good as
	// another; how rare the value is that a reader asks for makes the difference between an index and a whole table.
	for _, pool := range []struct {
		into  *(*pgxpool.Pool)
		size  int
		plans string
	}{{&e.readers, o.Readers, "force_custom_plan"}, {&e.writers, 4, "force_generic_plan"}} {
		sized := config.Copy()
		sized.ConnConfig.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
			_, err := conn.Exec(ctx, fmt.Sprintf("%s%d; SET plan_cache_mode = %s", settings, o.Patience.Milliseconds(), pool.plans)).ReadAll()
			return err
		}
		sized.MaxConns = int32(min(pool.size, 1000)) //nolint:gosec // bounded
		if *pool.into, err = pgxpool.NewWithConfig(ctx, sized); err != nil {
			err = e.explain(ctx, err)
			e.close()
			return nil, fmt.Errorf("open read models: %w", err)
		}
	}
	return e, nil
}

// misread tells that something of a password would be taken for the host, the database or a parameter, which errors hold:
// one with an @ or / that is not percent-encoded ends there, and leaves an @ behind.
func misread(url string) bool {
	scheme, rest, _ := strings.Cut(url, "://")
	behind := strings.IndexAny(rest, "@/") + 1
	return scheme != "postgres" && scheme != "postgresql" || strings.Contains(rest[behind:], "@")
}

// prepare checks the database, and makes the schema where it is missing.
func (e *Engine) prepare(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var encoding, path string
	var schema *string
	const query = "SELECT current_setting('server_encoding'), current_schema()::text, current_setting('search_path')"
	if err := conn.QueryRow(ctx, query).Scan(&encoding, &schema, &path); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("%w: %s: the database is encoded in %s: make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0", readmodel.ErrUnavailable, e.where, encoding)
	}
	if schema != nil {
		return nil
	}
	first, _, _ := strings.Cut(path, ",")
	if first = strings.Trim(strings.TrimSpace(first), `"`); first == "$user" {
		first = config.User
	}
	_, err = conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+quote(first))
	return err
}

// Close waits for what is under way and frees the connections.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.close()
	return nil
}

var errClosed = fmt.Errorf("%w: they are closed", readmodel.ErrUnavailable)

func (e *Engine) close() {
	e.closed.Store(true)
	for _, p := range []*pgxpool.Pool{e.writers, e.readers} {
		if p != nil {
			p.Close()
		}
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

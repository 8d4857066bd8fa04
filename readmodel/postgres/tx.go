package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/virtuous6/virtuous6/readmodel"
)

// transaction is a write transaction.
type transaction struct {
	*Engine
	ctx  context.Context
	conn *pgxpool.Conn
	// fresh is what is known of the tables beside, where this transaction made them. keyed are those that it gave a key.
	fresh *filling
	keyed map[string]bool
	// dropped tells that it dropped those that were beside.
	dropped bool
}

// One process at a time writes the read models of a schema. The lock is "v6rm" in ASCII, with the schema's hash.
const beginWriting = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(1983279725, hashtext(current_schema()))"

// Update implements readmodel.Engine. What f does is never done again: an error of it, or of the commit, is
// returned, and who goes on looks at the checkpoint, which tells what became of a commit whose answer was lost.
func (e *Engine) Update(ctx context.Context, f func(readmodel.Tx) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	conn, err := e.begin(ctx, e.writers, beginWriting)
	if err != nil {
		return err
	}
	// The pool closes a connection that comes back within a transaction.
	defer conn.Release()
	tx := &transaction{Engine: e, ctx: ctx, conn: conn, keyed: make(map[string]bool)}
	if err = f(tx); err == nil {
		err = ctx.Err()
	}
	// What is decided is carried out, whatever becomes of ctx.
	limited, stop := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer stop()
	if err != nil {
		if !conn.Conn().IsClosed() {
			_ = say(limited, conn.Conn(), "ROLLBACK") // the cause counts; what is left of it ends with the connection
		}
		return err
	}
	err = e.commit(limited, conn)
	tx.settle(err)
	return err
}

// commitPatience is how long a commit may take.
const commitPatience = 30 * time.Second

// errUndone tells that a statement had failed, and f did not say so.
var errUndone = errors.New("postgres: a write transaction went on after an error")

func (e *Engine) commit(ctx context.Context, conn *pgxpool.Conn) error {
	results, err := conn.Conn().PgConn().Exec(ctx, "COMMIT").ReadAll()
	if err != nil {
		return e.explain(context.Background(), err)
	}
	if results[0].CommandTag.String() != "COMMIT" {
		return errUndone
	}
	return nil
}

// limit bounds the wait for an answer that is due as soon as nobody holds what it needs. A server or a network that has
// fallen silent is then told from one that is at work.
func (e *Engine) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, e.patience+e.grace)
}

// begin takes a connection and begins a transaction on it. A connection that turns out to be dead, as all are that
// outlived a restart of the server, is replaced once.
func (e *Engine) begin(ctx context.Context, pool *pgxpool.Pool, sql string) (*pgxpool.Conn, error) {
	limited, stop := e.limit(ctx)
	defer stop()
	for again := false; ; again = true {
		if e.closed.Load() {
			return nil, errClosed
		}
		conn, err := pool.Acquire(limited)
		if err != nil {
			return nil, e.explain(ctx, err)
		}
		if err = say(limited, conn.Conn(), sql); err == nil {
			return conn, nil
		}
		dead := conn.Conn().IsClosed()
		conn.Release()
		if !dead || again || limited.Err() != nil {
			return nil, e.explain(ctx, err)
		}
		pool.Reset()
	}
}

func (tx *transaction) exec(sql string, args ...any) (int64, error) {
	done, err := tx.conn.Exec(tx.ctx, sql, args...)
	return done.RowsAffected(), tx.explain(tx.ctx, err)
}

// run sends statements that have no parameters, together.
func (tx *transaction) run(sql string) error {
	return tx.explain(tx.ctx, say(tx.ctx, tx.conn.Conn(), sql))
}

// define makes, changes or drops tables. That stands after a crash of the server: rows that are lost are folded again, a table
// that is lost is missed by every statement from then on.
func (tx *transaction) define(sql string) error {
	if err := tx.Durable(); err != nil {
		return err
	}
	return tx.run(sql)
}

// exists tells whether the schema has a table of a name.
func (tx *transaction) exists(name string) (made bool, err error) {
	err = tx.conn.QueryRow(tx.ctx, "SELECT to_regclass(quote_ident(current_schema()) || '.' || quote_ident($1)) IS NOT NULL", name).Scan(&made)
	return made, tx.explain(tx.ctx, err)
}

// Checkpoint implements readmodel.Tx.
func (tx *transaction) Checkpoint(side readmodel.Side) (readmodel.Checkpoint, error) {
	made, err := tx.exists("projection_checkpoints")
	if err != nil || !made {
		return readmodel.Checkpoint{}, err
	}
	at, err := tx.checkpoint(tx.ctx, tx.conn, side)
	if at.Shape == "" {
		at = readmodel.Checkpoint{}
	}
	return at, err
}

// Advance implements readmodel.Tx.
func (tx *transaction) Advance(side readmodel.Side, from, to readmodel.Checkpoint) error {
	n, err := tx.exec(`UPDATE projection_checkpoints SET shape = $1, generation = $2, position = $3
		WHERE name = $4 AND shape = $5 AND generation = $6 AND position = $7`,
		to.Shape, to.Generation, int64(to.Position), sideNames[side], from.Shape, from.Generation, int64(from.Position))
	if err == nil && n == 0 {
		return readmodel.ErrCheckpointMoved
	}
	return err
}

// On implements readmodel.Tx.
func (tx *transaction) On(side readmodel.Side) readmodel.Scanner {
	return &scanner{Engine: tx.Engine, ctx: tx.ctx, from: tx.conn, side: side, key: tx.key}
}

// Delete implements readmodel.Tx.
func (tx *transaction) Delete(t *readmodel.Table, where []readmodel.Condition) error {
	_, err := tx.exec("DELETE FROM "+quote(t.Name)+whereSQL(where), arguments(t, where)...)
	return err
}

// Ensure implements readmodel.Tx.
func (tx *transaction) Ensure(tables []*readmodel.Table) error {
	for _, t := range tables {
		made, err := tx.exists(t.Name)
		if err != nil {
			return err
		}
		if made {
			continue
		}
		if err := tx.define(createSQL(t, readmodel.Live)); err != nil {
			return err
		}
	}
	return nil
}

// Durable implements readmodel.Tx.
func (tx *transaction) Durable() error { return tx.run("SET LOCAL synchronous_commit = on") }

// Now implements readmodel.Tx: it is the server's clock, which all processes share.
func (tx *transaction) Now() (now time.Time, err error) {
	err = tx.conn.QueryRow(tx.ctx, "SELECT clock_timestamp()").Scan(&now)
	return now, tx.explain(tx.ctx, err)
}

// Create implements readmodel.Tx.
func (tx *transaction) Create(side readmodel.Side, shape string, tables []*readmodel.Table) (readmodel.Checkpoint, error) {
	none := readmodel.Checkpoint{}
	if err := tx.define(checkpointTable); err != nil {
		return none, err
	}
	if err := tx.Drop(side, tables); err != nil {
		return none, err
	}
	var sql strings.Builder
	for _, t := range tables {
		sql.WriteString(createSQL(t, side))
	}
	if err := tx.run(sql.String()); err != nil {
		return none, err
	}
	at, err := tx.renew(side, shape, 0)
	if err == nil && side == readmodel.Beside {
		tx.fresh = newFilling(at.Generation, tables)
	}
	return at, err
}

// renew begins a side's next generation.
func (tx *transaction) renew(side readmodel.Side, shape string, position uint64) (readmodel.Checkpoint, error) {
	_, err := tx.exec(`INSERT INTO projection_checkpoints AS c (name, shape, generation, position) VALUES ($1, $2, 1, $3)
		ON CONFLICT (name) DO UPDATE SET shape = excluded.shape, generation = c.generation + 1, position = excluded.position`,
		sideNames[side], shape, int64(position))
	if err != nil {
		return readmodel.Checkpoint{}, err
	}
	return tx.checkpoint(tx.ctx, tx.conn, side)
}

// Drop implements readmodel.Tx.
func (tx *transaction) Drop(side readmodel.Side, tables []*readmodel.Table) error {
	at, err := tx.Checkpoint(side)
	if err != nil {
		return err
	}
	found, err := tx.found(side, tables)
	if err != nil {
		return err
	}
	if side == readmodel.Beside {
		tx.forgetBeside()
	}
	if len(found) > 0 {
		if err := tx.define("DROP TABLE " + strings.Join(found, ", ")); err != nil {
			return err
		}
	}
	if at.Shape == "" {
		return nil
	}
	_, err = tx.renew(side, "", 0)
	return err
}

func (tx *transaction) forgetBeside() {
	tx.fresh, tx.dropped = nil, true
	clear(tx.keyed)
}

var errForeign = errors.New("a table is another program's")

// found are the names, quoted, of those of a side's tables that are there. It fails where one of them is another
// program's.
func (tx *transaction) found(side readmodel.Side, tables []*readmodel.Table) ([]string, error) {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = tableName(t, side)
	}
	rows, err := tx.conn.Query(tx.ctx, `SELECT relname::text, coalesce(obj_description(oid, 'pg_class') = $2, false) FROM pg_class
		WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relname = ANY ($1) ORDER BY relname`, names, mark)
	if err != nil {
		return nil, tx.explain(tx.ctx, err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var name string
		var ours bool
		if err := rows.Scan(&name, &ours); err != nil {
			return nil, tx.explain(tx.ctx, err)
		}
		if !ours {
			return nil, fmt.Errorf("%w: %s: %w: %s: choose another database, or a schema of its own with ?search_path=NAME", readmodel.ErrUnavailable, tx.where, errForeign, quote(name))
		}
		found = append(found, quote(name))
	}
	return found, tx.explain(tx.ctx, rows.Err())
}

// Forget implements readmodel.Tx.
func (tx *transaction) Forget(names []string) error {
	for _, name := range names {
		found, err := tx.found(readmodel.Live, []*readmodel.Table{{Name: name}})
		if errors.Is(err, errForeign) || err == nil && len(found) == 0 {
			continue
		}
		if err != nil {
			return err
		}
		if err := tx.define("DROP TABLE " + quote(name)); err != nil {
			return err
		}
	}
	return nil
}

// Promote implements readmodel.Tx. What takes long is done before the readers have to wait.
func (tx *transaction) Promote(tables []*readmodel.Table) (readmodel.Checkpoint, error) {
	none := readmodel.Checkpoint{}
	beside, err := tx.Checkpoint(readmodel.Beside)
	if err != nil {
		return none, err
	}
	var before, swap strings.Builder
	for _, t := range tables {
		if late(t) {
			before.WriteString(keySQL(t))
			before.WriteString(indexSQL(t, readmodel.Beside))
		}
		swap.WriteString(promoteSQL(t))
	}
	if err := tx.run(before.String()); err != nil {
		return none, err
	}
	live, err := tx.found(readmodel.Live, tables)
	if err != nil {
		return none, err
	}
	if err := tx.lockOut(append([]string{"projection_checkpoints"}, live...)); err != nil {
		return none, err
	}
	if err := tx.define(swap.String()); err != nil {
		return none, err
	}
	tx.forgetBeside()
	if _, err := tx.renew(readmodel.Beside, "", 0); err != nil {
		return none, err
	}
	return tx.renew(readmodel.Live, beside.Shape, beside.Position)
}

// While a swap waits for readers, new ones wait for it, and so do other processes that write. It lets them through every
// so often, so that one that reads for long keeps only the swap waiting.
const oneTry = 500 * time.Millisecond

// lockOut keeps readers out, or tells that they are to be let through first. It gives up when the engine's patience ends.
func (tx *transaction) lockOut(tables []string) error {
	try := min(oneTry, tx.patience)
	err := tx.run(fmt.Sprintf("SET LOCAL lock_timeout = %d; LOCK TABLE %s IN ACCESS EXCLUSIVE MODE; SET LOCAL lock_timeout = %d",
		try.Milliseconds(), strings.Join(tables, ", "), tx.patience.Milliseconds()))
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "55P03" {
		if tx.waited += try; tx.waited < tx.patience {
			return readmodel.ErrReaders
		}
	}
	tx.waited = 0
	return err
}

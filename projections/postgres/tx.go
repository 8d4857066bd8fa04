package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/virtuous6/virtuous6/projections"
)

// transaction is a write transaction.
type transaction struct {
	*Engine
	ctx  context.Context
	conn *pgxpool.Conn
}

// One process at a time writes the read models of a schema. The lock is "v6rm" in ASCII, with the schema's hash.
const beginWriting = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(1983279725, hashtext(current_schema()))"

// Update implements projections.Engine.
func (e *Engine) Update(ctx context.Context, f func(projections.Tx) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return errClosed
	}
	conn, err := e.writers.Acquire(ctx)
	if err != nil {
		return e.explain(ctx, err)
	}
	// The pool closes a connection that comes back within a transaction.
	defer conn.Release()
	if err := say(ctx, conn.Conn(), beginWriting); err != nil {
		return e.explain(ctx, err)
	}
	// What is decided is carried out, whatever becomes of ctx.
	whole := context.WithoutCancel(ctx)
	if err := f(&transaction{Engine: e, ctx: ctx, conn: conn}); err != nil {
		if !conn.Conn().IsClosed() {
			_ = say(whole, conn.Conn(), "ROLLBACK") // the cause counts; what is left of it ends with the connection
		}
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, stop := context.WithTimeout(whole, commitPatience)
	defer stop()
	return e.explain(whole, say(limited, conn.Conn(), "COMMIT"))
}

// commitPatience is how long a commit may take. What became of one that took longer is found out by who looks at the
// checkpoint.
const commitPatience = 30 * time.Second

func (tx *transaction) exec(sql string, args ...any) (int64, error) {
	done, err := tx.conn.Exec(tx.ctx, sql, args...)
	return done.RowsAffected(), tx.explain(tx.ctx, err)
}

func (tx *transaction) run(statements ...string) error {
	for _, sql := range statements {
		if err := say(tx.ctx, tx.conn.Conn(), sql); err != nil {
			return tx.explain(tx.ctx, err)
		}
	}
	return nil
}

// exists tells whether the schema has a table of a name.
func (tx *transaction) exists(name string) (made bool, err error) {
	err = tx.conn.QueryRow(tx.ctx, "SELECT to_regclass(quote_ident(current_schema()) || '.' || quote_ident($1)) IS NOT NULL", name).Scan(&made)
	return made, tx.explain(tx.ctx, err)
}

// Checkpoint implements projections.Tx.
func (tx *transaction) Checkpoint(side projections.Side) (projections.Checkpoint, error) {
	made, err := tx.exists("projection_checkpoints")
	if err != nil || !made {
		return projections.Checkpoint{}, err
	}
	at, err := tx.checkpoint(tx.ctx, tx.conn, side)
	if at.Shape == "" {
		at = projections.Checkpoint{}
	}
	return at, err
}

// Advance implements projections.Tx.
func (tx *transaction) Advance(side projections.Side, from, to projections.Checkpoint) error {
	n, err := tx.exec(`UPDATE projection_checkpoints SET shape = $1, generation = $2, position = $3
		WHERE name = $4 AND shape = $5 AND generation = $6 AND position = $7`,
		to.Shape, to.Generation, int64(to.Position), sideNames[side], from.Shape, from.Generation, int64(from.Position))
	if err == nil && n == 0 {
		return projections.ErrCheckpointMoved
	}
	return err
}

// On implements projections.Tx.
func (tx *transaction) On(side projections.Side) projections.Scanner {
	return &scanner{Engine: tx.Engine, ctx: tx.ctx, from: tx.conn, side: side}
}

// Delete implements projections.Tx.
func (tx *transaction) Delete(t *projections.Table, where []projections.Condition) error {
	_, err := tx.exec("DELETE FROM "+quote(t.Name)+whereSQL(where), arguments(t, where)...)
	return err
}

// Ensure implements projections.Tx.
func (tx *transaction) Ensure(tables []*projections.Table) error {
	for _, t := range tables {
		made, err := tx.exists(t.Name)
		if err != nil {
			return err
		}
		if made {
			continue
		}
		if err := tx.run(append([]string{createSQL(t, projections.Live)}, indexes(t)...)...); err != nil {
			return err
		}
	}
	return nil
}

// Now implements projections.Tx: it is the server's clock, which all processes share.
func (tx *transaction) Now() (now time.Time, err error) {
	err = tx.conn.QueryRow(tx.ctx, "SELECT clock_timestamp()").Scan(&now)
	return now, tx.explain(tx.ctx, err)
}

// Create implements projections.Tx.
func (tx *transaction) Create(side projections.Side, shape string, tables []*projections.Table) (projections.Checkpoint, error) {
	none := projections.Checkpoint{}
	if err := tx.run(checkpointTable); err != nil {
		return none, err
	}
	at, err := tx.Checkpoint(side)
	if err != nil {
		return none, err
	}
	// Tables under these names without a checkpoint are another program's. They stay, and the CREATE below fails.
	if side == projections.Beside || at.Shape != "" {
		if err := tx.Drop(side, tables); err != nil {
			return none, err
		}
	}
	for _, t := range tables {
		statements := []string{createSQL(t, side)}
		if side == projections.Live {
			statements = append(statements, indexes(t)...)
		}
		if err := tx.run(statements...); err != nil {
			return none, err
		}
	}
	return tx.renew(side, shape, 0)
}

// renew begins a side's next generation.
func (tx *transaction) renew(side projections.Side, shape string, position uint64) (projections.Checkpoint, error) {
	_, err := tx.exec(`INSERT INTO projection_checkpoints AS c (name, shape, generation, position) VALUES ($1, $2, 1, $3)
		ON CONFLICT (name) DO UPDATE SET shape = excluded.shape, generation = c.generation + 1, position = excluded.position`,
		sideNames[side], shape, int64(position))
	if err != nil {
		return projections.Checkpoint{}, err
	}
	return tx.checkpoint(tx.ctx, tx.conn, side)
}

// Drop implements projections.Tx.
func (tx *transaction) Drop(side projections.Side, tables []*projections.Table) error {
	at, err := tx.Checkpoint(side)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := tx.run("DROP TABLE IF EXISTS " + quote(tableName(t, side))); err != nil {
			return err
		}
	}
	if at.Shape == "" {
		return nil
	}
	_, err = tx.renew(side, "", 0)
	return err
}

// Promote implements projections.Tx. It waits for the readers, and new ones wait for it.
func (tx *transaction) Promote(tables []*projections.Table) (projections.Checkpoint, error) {
	none := projections.Checkpoint{}
	beside, err := tx.Checkpoint(projections.Beside)
	if err != nil {
		return none, err
	}
	if err := tx.run(lockSwapping); err != nil {
		return none, err
	}
	for _, t := range tables {
		live, rebuilt := quote(t.Name), quote(tableName(t, projections.Beside))
		statements := []string{
			"DROP TABLE IF EXISTS " + live,
			"ALTER TABLE " + rebuilt + " RENAME TO " + live,
			"ALTER INDEX IF EXISTS " + quote(tableName(t, projections.Beside)+"_pkey") + " RENAME TO " + quote(t.Name+"_pkey"),
		}
		if err := tx.run(append(statements, indexes(t)...)...); err != nil {
			return none, err
		}
	}
	if _, err := tx.renew(projections.Beside, "", 0); err != nil {
		return none, err
	}
	return tx.renew(projections.Live, beside.Shape, beside.Position)
}

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/readmodel"
)

// transaction is a write transaction on the writing connection. Its engine is locked.
type transaction struct {
	*Engine
	ctx context.Context
}

// Update implements readmodel.Engine.
func (e *Engine) Update(ctx context.Context, f func(readmodel.Tx) error) (err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return err
	}
	c := e.writer
	c.SetInterrupt(ctx.Done())
	defer c.SetInterrupt(nil)
	if err := e.begin(); err != nil {
		return e.explain(ctx, err)
	}
	err = f(&transaction{Engine: e, ctx: ctx})
	// What is decided is carried out, whatever becomes of ctx.
	c.SetInterrupt(nil)
	if err == nil {
		err = e.explain(context.Background(), sqlitex.Execute(c.Conn, "COMMIT", nil))
	}
	if err == nil {
		return nil
	}
	// After an error a statement's bindings aren't what its binder remembers.
	e.dropPuts()
	// Some errors have ended the transaction already.
	if !c.AutocommitEnabled() {
		if undo := sqlitex.Execute(c.Conn, "ROLLBACK", nil); undo != nil {
			return fmt.Errorf("%w (and the transaction can't be undone: %w)", err, undo)
		}
	}
	return err
}

// begin takes the lock now, so that no later statement can find itself behind another writer. It asks every millisecond:
// SQLite's own waiting asks ever more seldom, and then hardly ever meets the short gaps that a busy log leaves.
func (e *Engine) begin() error {
	e.writer.SetBusyTimeout(time.Millisecond)
	defer e.writer.SetBusyTimeout(e.busy)
	for waited := time.Duration(0); ; waited += time.Millisecond {
		err := sqlitex.Execute(e.writer.Conn, "BEGIN IMMEDIATE", nil)
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || waited >= e.busy {
			return err
		}
	}
}

func (tx *transaction) exec(sql string, args ...any) error {
	return tx.explain(tx.ctx, sqlitex.Execute(tx.writer.Conn, sql, &sqlitex.ExecOptions{Args: args}))
}

// Checkpoint implements readmodel.Tx.
func (tx *transaction) Checkpoint(side readmodel.Side) (readmodel.Checkpoint, error) {
	at, err := tx.writer.checkpoint(tx.ctx, side)
	if at.Shape == "" {
		at = readmodel.Checkpoint{}
	}
	return at, err
}

// Advance implements readmodel.Tx.
func (tx *transaction) Advance(side readmodel.Side, from, to readmodel.Checkpoint) error {
	err := tx.exec(`UPDATE projection_checkpoints SET shape = ?, generation = ?, position = ?
		WHERE name = ? AND shape = ? AND generation = ? AND position = ?`,
		to.Shape, to.Generation, int64(to.Position), sideNames[side], from.Shape, from.Generation, int64(from.Position))
	if err == nil && tx.writer.Changes() == 0 {
		return readmodel.ErrCheckpointMoved
	}
	return err
}

// On implements readmodel.Tx.
func (tx *transaction) On(side readmodel.Side) readmodel.Scanner {
	return &scanner{connection: tx.writer, ctx: tx.ctx, side: side}
}

// Delete implements readmodel.Tx.
func (tx *transaction) Delete(t *readmodel.Table, where []readmodel.Condition) error {
	stmt, err := tx.writer.Prepare("DELETE FROM " + quote(t.Name) + whereSQL(where))
	if err != nil {
		return tx.explain(tx.ctx, err)
	}
	bindWhere(stmt, t, where)
	_, err = stmt.Step()
	return tx.explain(tx.ctx, errors.Join(err, stmt.Reset()))
}

// Ensure implements readmodel.Tx.
func (tx *transaction) Ensure(tables []*readmodel.Table) error {
	for _, t := range tables {
		made, err := tx.writer.exists(tx.ctx, t.Name)
		if err != nil {
			return err
		}
		if made {
			continue
		}
		if err := tx.exec(createSQL(t, readmodel.Live)); err != nil {
			return err
		}
		if err := tx.index([]*readmodel.Table{t}); err != nil {
			return err
		}
	}
	return nil
}

// Durable implements readmodel.Tx. What crashes without losing it is the process; who shares the file crashes with the
// machine.
func (tx *transaction) Durable() error { return nil }

// Now implements readmodel.Tx. The processes that share a file share a clock.
func (tx *transaction) Now() (time.Time, error) { return tx.now(), nil }

// Create implements readmodel.Tx.
func (tx *transaction) Create(side readmodel.Side, shape string, tables []*readmodel.Table) (readmodel.Checkpoint, error) {
	none := readmodel.Checkpoint{}
	if err := tx.exec(checkpointTable); err != nil {
		return none, err
	}
	if err := tx.unoccupied(tables); err != nil {
		return none, err
	}
	if err := tx.Drop(side, tables); err != nil {
		return none, err
	}
	for _, t := range tables {
		if err := tx.exec(createSQL(t, side)); err != nil {
			return none, err
		}
	}
	if side == readmodel.Live {
		if err := tx.index(tables); err != nil {
			return none, err
		}
	}
	return tx.renew(side, shape, 0)
}

// unoccupied checks, where read models were never in this file, that no other program has tables of their names.
func (tx *transaction) unoccupied(tables []*readmodel.Table) error {
	at, err := tx.writer.checkpoint(tx.ctx, readmodel.Live)
	if err != nil || at.Generation > 0 {
		return err
	}
	for _, t := range tables {
		there, err := tx.writer.exists(tx.ctx, t.Name)
		if err != nil {
			return err
		}
		if there {
			return fmt.Errorf("%w: %s: a table is another program's: %s: name another file", readmodel.ErrUnavailable, tx.path, quote(t.Name))
		}
	}
	return nil
}

// renew begins a side's next generation.
func (tx *transaction) renew(side readmodel.Side, shape string, position uint64) (readmodel.Checkpoint, error) {
	err := tx.exec(`INSERT INTO projection_checkpoints (name, shape, generation, position) VALUES (?, ?, 1, ?)
		ON CONFLICT (name) DO UPDATE SET shape = excluded.shape, generation = generation + 1, position = excluded.position`,
		sideNames[side], shape, int64(position))
	if err != nil {
		return readmodel.Checkpoint{}, err
	}
	return tx.writer.checkpoint(tx.ctx, side)
}

func (tx *transaction) index(tables []*readmodel.Table) error {
	for _, t := range tables {
		for _, i := range t.Indexes {
			if err := tx.exec(indexSQL(t, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Drop implements readmodel.Tx.
func (tx *transaction) Drop(side readmodel.Side, tables []*readmodel.Table) error {
	tx.dropPuts()
	for _, t := range tables {
		if err := tx.exec("DROP TABLE IF EXISTS " + quote(tableName(t, side))); err != nil {
			return err
		}
	}
	at, err := tx.Checkpoint(side)
	if err != nil || at.Shape == "" {
		return err
	}
	_, err = tx.renew(side, "", 0)
	return err
}

// Forget implements readmodel.Tx. All tables of the file are virtuous6's.
func (tx *transaction) Forget(names []string) error {
	for _, name := range names {
		if err := tx.exec("DROP TABLE IF EXISTS " + quote(name)); err != nil {
			return err
		}
	}
	return nil
}

// Promote implements readmodel.Tx.
func (tx *transaction) Promote(tables []*readmodel.Table) (readmodel.Checkpoint, error) {
	none := readmodel.Checkpoint{}
	beside, err := tx.Checkpoint(readmodel.Beside)
	if err != nil {
		return none, err
	}
	tx.dropPuts()
	for _, t := range tables {
		if err := tx.promote(t); err != nil {
			return none, err
		}
	}
	if err := tx.index(tables); err != nil {
		return none, err
	}
	if _, err := tx.renew(readmodel.Beside, "", 0); err != nil {
		return none, err
	}
	return tx.renew(readmodel.Live, beside.Shape, beside.Position)
}

// promote puts a table in the live one's place. To rename one costs a reading of the whole schema, a hundred times what it
// takes to copy one that is small.
func (tx *transaction) promote(t *readmodel.Table) error {
	live, beside := quote(tableName(t, readmodel.Live)), quote(tableName(t, readmodel.Beside))
	steps := []string{"DROP TABLE IF EXISTS " + live}
	if t.Large {
		steps = append(steps, "ALTER TABLE "+beside+" RENAME TO "+live)
	} else {
		steps = append(steps, createSQL(t, readmodel.Live), "INSERT INTO "+live+" SELECT * FROM "+beside, "DROP TABLE "+beside)
	}
	for _, sql := range steps {
		if err := tx.exec(sql); err != nil {
			return err
		}
	}
	return nil
}

package readmodel

import (
	"context"
	"time"
)

// Side tells the tables that are read from those that a rebuild fills beside them.
type Side uint8

// The two sides.
const (
	Live Side = iota
	Beside
)

// Checkpoint tells what the tables of a side hold. The zero value stands for no tables.
type Checkpoint struct {
	// Shape fingerprints the tables and the projections that filled them.
	Shape string
	// Generation rises whenever the tables are made anew, swapped or dropped.
	Generation int64
	// Position is the log position that the tables have seen everything up to.
	Position uint64
}

// Op compares a column with a value.
type Op uint8

// The comparisons.
const (
	Equal Op = iota
	NotEqual
	AtLeast
	Below
)

// Condition narrows a query. Text or Int counts, by the column's type.
type Condition struct {
	Column string
	Op     Op
	Text   string
	Int    int64
}

// Order sorts a query.
type Order struct {
	Column     string
	Descending bool
}

// Query is what the projections ask of an engine.
type Query struct {
	Table *Table
	// Columns are those wanted, nil for all in the table's order.
	Columns []string
	Where   []Condition
	// Order sorts the rows, nil for no order. Texts compare byte by byte.
	Order []Order
	// Limit is the greatest number of rows, 0 for all.
	Limit int
}

// Scanner answers queries. An error of each ends the scan and is returned as it is. A scanner may remember a query by
// its address: only the values in its conditions may change from scan to scan.
type Scanner interface {
	Scan(q *Query, each func(Source) error) error
}

// Snapshot reads the live side as it was at one moment. It is for one goroutine, and one scan at a
// time.
type Snapshot interface {
	Scanner
	Checkpoint() (Checkpoint, error)
	Close()
}

// Tx is a write transaction. No other one is open on the tables meanwhile, in any process.
type Tx interface {
	Checkpoint(side Side) (Checkpoint, error)
	// Advance moves a side's checkpoint if it stands at from, else it returns ErrCheckpointMoved.
	Advance(side Side, from, to Checkpoint) error
	// On answers queries about a side, with this transaction's own writes.
	On(side Side) Scanner
	// Put writes n rows, each over that of the same key, if there is one. It asks for them in order, once each; a row
	// is good until the next one is asked for. No two have the same key.
	Put(side Side, t *Table, n int, row func(i int) Row) error
	// Delete drops the rows of the live side's table that meet the conditions, all of them where there are none.
	Delete(t *Table, where []Condition) error
	// Ensure makes those tables of the live side that are not there yet. They belong to no generation: Create, Drop and
	// Promote leave them alone.
	Ensure(tables []*Table) error
	// Durable has the transaction stand after a crash of the engine once it has been committed. Without it rows and
	// checkpoints may be lost together.
	Durable() error
	// Now is the engine's clock, the same for all processes that share it.
	Now() (time.Time, error)
	// Create makes a side's tables, empty, in place of what is there, with a checkpoint of the next generation. It
	// returns that.
	Create(side Side, shape string, tables []*Table) (Checkpoint, error)
	// Drop drops a side's tables.
	Drop(side Side, tables []*Table) error
	// Forget drops tables of the live side that earlier versions made, where they are there. Another program's stay.
	Forget(names []string) error
	// Promote puts the tables beside in the live ones' place, checkpoint included, as the live side's next generation.
	// It returns the live checkpoint, or ErrReaders where readers are to be let through first.
	Promote(tables []*Table) (Checkpoint, error)
}

// Engine keeps the tables. Its methods may be called concurrently. Errors that a user can act on wrap ErrUnavailable.
type Engine interface {
	// Snapshot begins to read. The caller closes it. The end of ctx ends its scans.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Update runs f in one transaction, which others see when Update returns nil: see Tx.Durable. An error of f undoes everything and
	// is returned.
	Update(ctx context.Context, f func(Tx) error) error
	// Loader answers a fold's queries about a side, as of the latest commit.
	Loader(ctx context.Context, side Side) Scanner
	// Finish prepares a table beside for Promote where that takes long: hardly a row is written to it any more. Other tables
	// may be written meanwhile.
	Finish(ctx context.Context, t *Table) error
	// Overwrite has nothing be left in the engine's files of what was deleted or replaced before. kept are the tables that no
	// rebuild makes anew.
	Overwrite(ctx context.Context, kept []*Table) error
	Close() error
}

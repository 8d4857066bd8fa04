package readmodel

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrLeaseHeld tells that another holder has a lease, which is not over.
var ErrLeaseHeld = errors.New("another process holds the lease")

// ErrFenced tells that a lease is another's by now, or was given back. What was to be done under it was not done.
var ErrFenced = errors.New("the lease is no longer held")

// ErrLeaseTime tells that a lease was asked for longer than MaxLease.
var ErrLeaseTime = errors.New("a lease lasts at most " + MaxLease.String())

// MaxLease is the longest time that a lease is given for. One that lasts longer from now was given before the engine's clock
// was set back, and counts as over.
const MaxLease = time.Minute

// Lease is the right of one process at a time to do what its name stands for.
type Lease struct {
	Name   string
	Holder string
	// Epoch rises whenever the lease is taken: it tells a holder from one that only thinks that it still is.
	Epoch int64
	// Until is when another may take it, by the engine's clock.
	Until time.Time
}

// leaseRow is a row of leases. The row of a lease that was given back stays, without a holder, for its epoch.
type leaseRow struct {
	name   string
	holder string
	epoch  int64
	until  int64
}

// leaseTable belongs to no generation: who may fold does not depend on which tables are folded into.
var leaseTable = NewTable("leases", TableOf[string, leaseRow]{
	Key:   func(r *leaseRow) string { return r.name },
	Fresh: func(name string, r *leaseRow) { r.name = name },
	Row: []ColumnOf[leaseRow]{
		Key(String("name", func(r *leaseRow) *string { return &r.name })),
		String("holder", func(r *leaseRow) *string { return &r.holder }),
		Int("epoch", func(r *leaseRow) *int64 { return &r.epoch }),
		Int("until", func(r *leaseRow) *int64 { return &r.until }),
	},
})

func (r *leaseRow) lease() Lease {
	return Lease{Name: r.name, Holder: r.holder, Epoch: r.epoch, Until: time.Unix(0, r.until).UTC()}
}

// of tells whether a row is still that of a lease.
func (r *leaseRow) of(l Lease) bool { return r.holder == l.Holder && r.epoch == l.Epoch }

// Acquire takes a lease that is over or that nobody has, for a time from now by the engine's clock, and raises its
// epoch. Where somebody has it, it returns that one's lease with ErrLeaseHeld.
func (m *Models) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (Lease, error) {
	return m.holdLease(ctx, name, ttl, func(row *leaseRow, now time.Time) error {
		if row.until > now.UnixNano() && row.until <= now.Add(MaxLease).UnixNano() {
			return ErrLeaseHeld
		}
		row.holder = holder
		row.epoch++
		return nil
	})
}

// Renew prolongs a lease, for a time from now by the engine's clock. One that is over goes on where nobody was quicker;
// else it returns ErrFenced.
func (m *Models) Renew(ctx context.Context, l Lease, ttl time.Duration) (Lease, error) {
	return m.holdLease(ctx, l.Name, ttl, func(row *leaseRow, _ time.Time) error {
		if !row.of(l) {
			return ErrFenced
		}
		return nil
	})
}

// holdLease writes a lease if check agrees. Where it does not, the lease is returned as it is.
func (m *Models) holdLease(ctx context.Context, name string, ttl time.Duration, check func(row *leaseRow, now time.Time) error) (held Lease, err error) {
	if ttl > MaxLease {
		return held, fmt.Errorf("lease %s for %s: %w", name, ttl, ErrLeaseTime)
	}
	err = m.engine.Update(ctx, func(tx Tx) error {
		if err := tx.Ensure([]*Table{&leaseTable.Table}); err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		row, err := storedLease(tx, name)
		if err != nil {
			return err
		}
		held = row.lease()
		if err := check(&row, now); err != nil {
			return err
		}
		row.until = now.Add(ttl).UnixNano()
		held = row.lease()
		return row.write(tx)
	})
	if err != nil {
		return held, fmt.Errorf("lease %s: %w", name, err)
	}
	return held, nil
}

// Release gives a lease back, so that another can take it at once. One that is another's by now stays that.
func (m *Models) Release(ctx context.Context, l Lease) error {
	err := m.engine.Update(ctx, func(tx Tx) error {
		row, err := storedLease(tx, l.Name)
		if err != nil || !row.of(l) {
			return err
		}
		row.holder, row.until = "", 0
		return row.write(tx)
	})
	if err != nil {
		return fmt.Errorf("release lease %s: %w", l.Name, err)
	}
	return nil
}

// Lease tells who has a lease. Its Holder is empty where nobody does.
func (m *Models) Lease(ctx context.Context, name string) (held Lease, err error) {
	err = m.engine.Update(ctx, func(tx Tx) error {
		if err := tx.Ensure([]*Table{&leaseTable.Table}); err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		row, err := storedLease(tx, name)
		if held = row.lease(); !held.Until.After(now) {
			held.Holder = ""
		}
		return err
	})
	if err != nil {
		return held, fmt.Errorf("lease %s: %w", name, err)
	}
	return held, nil
}

// storedLease reads a lease. One that was never taken is nobody's, at epoch 0.
func storedLease(tx Tx, name string) (leaseRow, error) {
	row := leaseRow{name: name}
	q := Query{Table: &leaseTable.Table, Where: []Condition{{Column: "name", Text: name}}}
	err := Scan(tx.On(Live), leaseTable, &q, func(r *leaseRow) error {
		row = *r
		return nil
	})
	return row, err
}

// write writes a lease. An epoch that was given must never be given again, so that it outlives a crash.
func (r *leaseRow) write(tx Tx) error {
	if err := tx.Durable(); err != nil {
		return err
	}
	row := record[leaseRow]{columns: leaseTable.Row, row: r}
	return tx.Put(Live, &leaseTable.Table, 1, func(int) Row { return &row })
}

// check returns ErrFenced unless the lease is still its holder's. No lease asks for nothing.
func (l *Lease) check(tx Tx) error {
	if l == nil {
		return nil
	}
	row, err := storedLease(tx, l.Name)
	if err == nil && !row.of(*l) {
		err = fmt.Errorf("%w: %s", ErrFenced, l.Name)
	}
	return err
}

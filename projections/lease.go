package projections

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxLease is the longest time that a lease is given for. One that lasts longer than that from now was given before the
// engine's clock was set back, and counts as over.
const MaxLease = time.Minute

// ErrLeaseHeld is matched by every *LeaseHeldError.
var ErrLeaseHeld = errors.New("another process holds the lease")

// ErrFenced tells that a lease is over, or another's by now. What was to be done under it was not done.
var ErrFenced = errors.New("the lease is over")

// ErrLeaseTime tells that a lease was asked for no time, or for more than MaxLease.
var ErrLeaseTime = errors.New("a lease lasts from a moment to " + MaxLease.String())

// LeaseHeldError tells who holds a lease, and until when, by the engine's clock, where it is not renewed.
type LeaseHeldError struct {
	Name   string
	Holder string
	Until  time.Time
}

func (e *LeaseHeldError) Error() string {
	return fmt.Sprintf("lease %s: %s holds it until %s", e.Name, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLeaseHeld) true.
func (e *LeaseHeldError) Is(target error) bool { return target == ErrLeaseHeld }

// Lease is the right of one process at a time to do what its name stands for.
type Lease struct {
	Name   string
	Holder string
	// Epoch rises whenever the lease is taken: it tells a holder from one that only thinks that it still is.
	Epoch int64
	// Until is when it ends, by the engine's clock.
	Until time.Time
}

// leaseRow is a row of leases. A lease that was given back is over since 1970; its row stays for its epoch.
type leaseRow struct {
	name   string
	holder string
	epoch  int64
	until  int64
}

// leaseTable belongs to no generation: who may fold does not depend on which tables are folded into.
var leaseTable = of("leases", spec[string, leaseRow]{
	key:   func(r *leaseRow) string { return r.name },
	fresh: func(name string) leaseRow { return leaseRow{name: name} },
	columns: []column[leaseRow]{
		key(text("name", func(r *leaseRow) *string { return &r.name })),
		text("holder", func(r *leaseRow) *string { return &r.holder }),
		integer("epoch", func(r *leaseRow) *int64 { return &r.epoch }),
		integer("until", func(r *leaseRow) *int64 { return &r.until }),
	},
})

// over tells whether a lease has ended.
func (r *leaseRow) over(now time.Time) bool {
	return r.until <= now.UnixNano() || r.until > now.Add(MaxLease).UnixNano()
}

// ours tells whether a row is still that of a lease.
func (r *leaseRow) ours(l Lease) bool { return r.holder == l.Holder && r.epoch == l.Epoch }

func (r *leaseRow) lease() Lease {
	return Lease{Name: r.name, Holder: r.holder, Epoch: r.epoch, Until: time.Unix(0, r.until).UTC()}
}

// Acquire takes a lease that nobody holds, for a time from now by the engine's clock, and raises its epoch. Holders have
// different names; one that takes its own lease once more is fenced under the old epoch. It returns a *LeaseHeldError
// where another one holds it, or ErrLeaseTime.
func (m *Models) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (Lease, error) {
	return m.hold(ctx, name, ttl, func(tx Tx, row *leaseRow, now time.Time) error {
		if row.holder != holder && !row.over(now) {
			return &LeaseHeldError{Name: name, Holder: row.holder, Until: row.lease().Until}
		}
		row.holder = holder
		row.epoch++
		return nil
	})
}

// Renew prolongs a lease, for a time from now by the engine's clock. It returns ErrFenced where the lease ran out or is
// another's: it must be acquired anew then.
func (m *Models) Renew(ctx context.Context, l Lease, ttl time.Duration) (Lease, error) {
	return m.hold(ctx, l.Name, ttl, func(_ Tx, row *leaseRow, now time.Time) error {
		if !row.ours(l) || row.over(now) {
			return ErrFenced
		}
		return nil
	})
}

// Release gives a lease back, so that another can take it at once. One that is another's by now stays that.
func (m *Models) Release(ctx context.Context, l Lease) error {
	err := m.engine.Update(ctx, func(tx Tx) error {
		row, err := readLease(tx, l.Name)
		if err != nil || !row.ours(l) {
			return err
		}
		row.until = 0
		return row.put(tx)
	})
	if err != nil {
		return fmt.Errorf("release lease %s: %w", l.Name, err)
	}
	return nil
}

// hold writes a lease that take agrees to.
func (m *Models) hold(ctx context.Context, name string, ttl time.Duration, take func(Tx, *leaseRow, time.Time) error) (held Lease, err error) {
	if ttl <= 0 || ttl > MaxLease {
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
		row, err := readLease(tx, name)
		if err != nil {
			return err
		}
		if err := take(tx, &row, now); err != nil {
			return err
		}
		row.until = now.Add(ttl).UnixNano()
		held = row.lease()
		return row.put(tx)
	})
	if err != nil {
		return Lease{}, fmt.Errorf("lease %s: %w", name, err)
	}
	return held, nil
}

// readLease reads a lease. One that was never taken is that of nobody, at epoch 0, and over.
func readLease(tx Tx, name string) (leaseRow, error) {
	row := leaseTable.fresh(name)
	q := Query{Table: &leaseTable.Table, Where: []Condition{{Column: "name", Text: name}}}
	err := scan(tx.On(Live), leaseTable, &q, func(r *leaseRow) error {
		row = *r
		return nil
	})
	return row, err
}

func (r *leaseRow) put(tx Tx) error {
	row := record[leaseRow]{columns: leaseTable.columns, row: r}
	return tx.Put(Live, &leaseTable.Table, 1, func(int) Row { return &row })
}

// fence returns ErrFenced unless a lease is still its holder's. One that ran out and that nobody took is.
func (l Lease) fence(tx Tx) error {
	row, err := readLease(tx, l.Name)
	if err == nil && !row.ours(l) {
		err = fmt.Errorf("%w: %s took %s", ErrFenced, row.holder, l.Name)
	}
	return err
}

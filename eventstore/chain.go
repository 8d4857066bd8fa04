package eventstore

import (
	"errors"
	"sync/atomic"
)

// ErrBroken tells that an append was not made because one that it was to follow had failed or was withdrawn.
var ErrBroken = errors.New("an append that it was to follow has failed")

// Chain ties submissions together: they are appended in their order, and once one of them has failed or was withdrawn,
// those behind it fail with ErrBroken. So what a chain leaves behind is always a beginning of it. The zero value is a
// chain without any.
type Chain struct {
	broken atomic.Bool
	// failed is a request whose failure can still turn out well: its transaction is tried again.
	failed atomic.Pointer[Request]
}

// Break has all that comes later fail. It does nothing to a nil chain.
func (c *Chain) Break() {
	if c != nil {
		c.broken.Store(true)
	}
}

// Broken is false for a nil chain.
func (c *Chain) Broken() bool { return c != nil && (c.broken.Load() || c.failed.Load() != nil) }

// Blocked tells that a request must not be carried out, since one before it in its chain was not.
func (r *Request) Blocked() bool {
	if r.Chain == nil {
		return false
	}
	failed := r.Chain.failed.Load()
	return r.Chain.broken.Load() || failed != nil && failed != r
}

// Settle notes how a request ended, so far: its transaction may fail and be tried again.
func (r *Request) Settle(a Appended, err error) {
	r.Appended, r.Err = a, err
	switch {
	case r.Chain == nil:
	case err != nil:
		r.Chain.failed.CompareAndSwap(nil, r)
	default:
		r.Chain.failed.CompareAndSwap(r, nil)
	}
}

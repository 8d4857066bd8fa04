package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"github.com/virtuous6/virtuous6/projections"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// ErrLeaseLost tells that the lease was over before it could be renewed: another process may drive by now. What was to
// be done is the next driver's.
var ErrLeaseLost = errors.New("the lease is over")

// DefaultLease is how long a driver may be silent before another one takes over.
const DefaultLease = 5 * time.Second

// DriverLease names the one lease that a store needs: it covers the pump into the read models, the run's manager with
// those who perform its turns, the analysts' schedule and the seals.
const DriverLease = "driver"

// DriveConfig says who wants to drive a store.
type DriveConfig struct {
	// Name is the lease's. Default DriverLease.
	Name string
	// Holder tells people who drives.
	Holder string
	// TTL is how long the lease lasts where it is not renewed. Default DefaultLease.
	TTL time.Duration
	// Every is how often it is renewed. Default a fifth of TTL.
	Every time.Duration
	// Clock is the process's own, with a monotonic reading. Default time.Now.
	Clock Clock
	// OnStandby, if any, hears who drives, once each time that it is another process.
	OnStandby func(readmodel.Lease)
	// Log hears what an operator should know. Default: discarded.
	Log *slog.Logger
}

// Lease is a lease that this process drives under.
type Lease struct {
	held  readmodel.Lease
	clock Clock
	// until is when it is over by the process's own clock, in time since start: earlier than the engine says.
	start time.Time
	until atomic.Int64
}

// Check returns ErrLeaseLost where the lease is over by this process's own clock. A process that was stopped and goes on
// finds out by it, before anything that it does: ask right before. What slips through between is a repeat or refused,
// since the ids of a driver's commands are derived. Where there is no lease nobody else can drive.
func (l *Lease) Check() error {
	if l != nil && l.since(l.clock()) >= time.Duration(l.until.Load()) {
		return ErrLeaseLost
	}
	return nil
}

// since is the time since the start. The monotonic reading stands still while the machine sleeps, and the wall clock may
// be set back: the one that went further counts.
func (l *Lease) since(now time.Time) time.Duration {
	return max(now.Sub(l.start), now.Round(0).Sub(l.start.Round(0)))
}

// prolong moves the end to a time after begun, which lies before the engine's own moment.
func (l *Lease) prolong(begun time.Time, ttl time.Duration) {
	l.until.Store(int64(l.since(begun) + ttl))
}

// apply is how a driver writes read models: fenced, so that one that lost its lease unawares writes nothing.
func (l *Lease) apply(models *projections.Models) replay.Applying {
	if l == nil {
		return models.Apply
	}
	return func(ctx context.Context, after uint64, batch []readmodel.Entry) error {
		return models.ApplyUnder(ctx, l.held, after, batch)
	}
}

// heldLease is what writes of a driver are fenced by.
func (l *Lease) heldLease() *readmodel.Lease {
	if l == nil {
		return nil
	}
	return &l.held
}

// guard lets commands through while the lease is held.
func (l *Lease) guard(dispatch commands.Dispatch) commands.Dispatch {
	if l == nil {
		return dispatch
	}
	return func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
		if err := l.Check(); err != nil {
			return commands.Receipt{}, err
		}
		return dispatch(ctx, cmds...)
	}
}

// Drive waits until this process may drive a store and lets run drive it then. run's context ends when the lease can't be
// renewed in time; once run has ended too, Drive stands by again, as it does where the log or the read models are gone
// for a while. It returns what run returns otherwise, and nil where ctx is done. At its end it releases the lease, so that
// a successor starts at once.
func Drive(ctx context.Context, models *projections.Models, c DriveConfig, run func(context.Context, *Lease) error) error {
	c.setDefaults()
	d := driver{DriveConfig: c, models: models}
	for {
		lease, err := d.acquire(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("drive: %w", err)
		}
		c.Log.Info("driving", "lease", c.Name, "epoch", lease.held.Epoch)
		lost, err := d.drive(ctx, lease, run)
		switch {
		case ctx.Err() == nil && Away(err):
			c.Log.Warn("no longer driving: the store does not answer, trying again", "epoch", lease.held.Epoch, "error", err)
			d.pause(ctx)
		case lost:
			c.Log.Warn("no longer driving: the lease is over", "lease", c.Name, "epoch", lease.held.Epoch)
		default:
			return err
		}
	}
}

// pause waits as long as from one try for the lease to the next.
func (d *driver) pause(ctx context.Context) {
	wait := time.NewTimer(min(time.Second, d.Every))
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-wait.C:
	}
}

func (c *DriveConfig) setDefaults() {
	if c.Name == "" {
		c.Name = DriverLease
	}
	if c.TTL <= 0 {
		c.TTL = DefaultLease
	}
	if c.Every <= 0 {
		c.Every = c.TTL / 5
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.OnStandby == nil {
		c.OnStandby = func(readmodel.Lease) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// driver is a process that drives, or would.
type driver struct {
	DriveConfig
	models *projections.Models
}

// acquire waits for the lease.
func (d *driver) acquire(ctx context.Context) (*Lease, error) {
	poll := time.NewTicker(min(time.Second, d.Every))
	defer poll.Stop()
	var told readmodel.Lease
	down := false
	for {
		begun := d.Clock()
		held, err := d.models.Acquire(ctx, d.Name, d.Holder, d.TTL)
		switch {
		case err == nil:
			l := &Lease{held: held, clock: d.Clock, start: begun}
			l.prolong(begun, d.TTL)
			return l, nil
		case errors.Is(err, readmodel.ErrLeaseHeld):
			if told.Epoch != held.Epoch {
				d.OnStandby(held)
			}
			told, down = held, false
		case errors.Is(err, readmodel.ErrUnavailable):
			if !down {
				d.Log.Warn("waiting for the read models", "error", err)
			}
			down = true
		default:
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-poll.C:
		}
	}
}

// drive runs under a lease. It returns once run has ended, and tells whether that was for the end of the lease.
func (d *driver) drive(ctx context.Context, l *Lease, run func(context.Context, *Lease) error) (lost bool, err error) {
	running, end := context.WithCancelCause(ctx)
	// It is kept until run has ended, which may take its time once it is told to stop.
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		d.keep(keeping, l, end)
	}()
	err = run(running, l)
	stopKeeping()
	over := errors.Is(context.Cause(running), ErrLeaseLost) || l.Check() != nil
	end(nil)
	<-kept
	over = over || errors.Is(err, ErrLeaseLost) || errors.Is(err, readmodel.ErrFenced)
	lost = ctx.Err() == nil && over
	// Whoever waits need not wait for the end of the lease. Where it is lost, this changes nothing.
	releasing, stop := context.WithTimeout(context.WithoutCancel(ctx), d.TTL)
	defer stop()
	if rerr := d.models.Release(releasing, l.held); rerr != nil {
		d.Log.Warn("the lease was not released: the next driver waits for its end", "error", rerr)
	}
	if ctx.Err() != nil && (over || errors.Is(err, ctx.Err())) {
		err = nil
	}
	return lost, err
}

// keep renews the lease until ctx is done. It ends ctx where the lease is over before that was possible.
func (d *driver) keep(ctx context.Context, l *Lease, end context.CancelCauseFunc) {
	// A renewal may hang: the end of the lease does not wait for it.
	over := time.AfterFunc(time.Duration(l.until.Load())-l.since(d.Clock()), func() { end(ErrLeaseLost) })
	defer over.Stop()
	tick := time.NewTicker(d.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// A process that was stopped finds its lease over when it goes on.
		if err := l.Check(); err != nil {
			end(err)
			return
		}
		begun := d.Clock()
		_, err := d.models.Renew(ctx, l.held, d.TTL)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, readmodel.ErrFenced):
			end(fmt.Errorf("%w: %w", ErrLeaseLost, err))
			return
		case err != nil:
			d.Log.Warn("the lease could not be renewed yet", "error", err)
		default:
			l.prolong(begun, d.TTL)
			over.Reset(d.TTL - d.Clock().Sub(begun))
		}
	}
}

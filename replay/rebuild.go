package replay

import (
	"context"
	"errors"
	"iter"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// rebuildBatch bounds a batch in a rebuild, which writes when it likes: small batches leave the processor's caches and the
// garbage collector alone.
const rebuildBatch = 2_048

// rebuildGC is the collector's pace in a rebuild, in percent of what is in use. Nearly all that a rebuild allocates is
// garbage after the next batch, and at the usual pace looking for it costs a tenth of the work.
const rebuildGC = 400

// RebuildModels folds the whole log beside the live read models and swaps the result in: all of it, or the tables of the
// projections that are named. The garbage collector works less often meanwhile, unless GOGC has turned it down already.
//
// One process rebuilds at a time: others wait. It returns readmodel.ErrRebuildLost where this one hung for so long that
// another took over.
func RebuildModels(ctx context.Context, store eventstore.Store, models *projections.Models, progress func(position uint64), names ...string) error {
	return exclusively(ctx, models, func() error { return rebuild(ctx, store, models, progress, names) })
}

// rebuildOutdated rebuilds read models of another shape, unless another process does.
func rebuildOutdated(ctx context.Context, store eventstore.Store, models *projections.Models, progress func(uint64)) error {
	for {
		if _, err := models.Position(ctx); !errors.Is(err, readmodel.ErrOutdated) {
			return err
		}
		err := exclusively(ctx, models, func() error {
			if _, err := models.Position(ctx); !errors.Is(err, readmodel.ErrOutdated) {
				return err // another process was quicker
			}
			return rebuild(ctx, store, models, progress, nil)
		})
		if err != nil && !errors.Is(err, readmodel.ErrRebuildLost) {
			return err
		}
	}
}

// Sweep drops what a rebuild that never ended left behind, unless a process rebuilds right now. A server does so when it
// starts.
func Sweep(ctx context.Context, models *projections.Models) error {
	held, err := models.Acquire(ctx, RebuildLease, uuid.NewString(), rebuildTTL)
	if errors.Is(err, readmodel.ErrLeaseHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(models.Sweep(ctx), models.Release(context.WithoutCancel(ctx), held))
}

// RebuildLease is that of the process that rebuilds. Each rebuild has the tables beside the live ones to itself.
const RebuildLease = "rebuild"

// A rebuild may write for seconds in one transaction, and can't renew its lease meanwhile.
const (
	rebuildTTL  = 15 * time.Second
	rebuildPoll = 200 * time.Millisecond
)

// exclusively does something under the lease of rebuilds.
func exclusively(ctx context.Context, models *projections.Models, f func() error) error {
	held, err := awaitRebuild(ctx, models)
	if err != nil {
		return err
	}
	renewing, stop := context.WithCancel(ctx)
	var renewal sync.WaitGroup
	renewal.Go(func() {
		tick := time.NewTicker(rebuildTTL / 5)
		defer tick.Stop()
		for {
			select {
			case <-renewing.Done():
				return
			case <-tick.C:
			}
			// Where it fails for long, another rebuild may begin, and this one is lost.
			_, _ = models.Renew(renewing, held, rebuildTTL)
		}
	})
	err = f()
	stop()
	renewal.Wait()
	// Where it can't be given back, the next one waits for its end.
	releasing, done := context.WithTimeout(context.WithoutCancel(ctx), rebuildTTL)
	defer done()
	_ = models.Release(releasing, held)
	return err
}

func awaitRebuild(ctx context.Context, models *projections.Models) (readmodel.Lease, error) {
	holder := uuid.NewString()
	poll := time.NewTicker(rebuildPoll)
	defer poll.Stop()
	for {
		held, err := models.Acquire(ctx, RebuildLease, holder, rebuildTTL)
		if !errors.Is(err, readmodel.ErrLeaseHeld) {
			return held, err
		}
		select {
		case <-ctx.Done():
			return held, ctx.Err()
		case <-poll.C:
		}
	}
}

// relaxed counts the rebuilds of this process that go on at rebuildGC: the pace is the whole process's.
var relaxed struct {
	sync.Mutex
	rebuilds, usual int
}

// relaxGC turns the collector's pace down, until restore is called, unless it is turned down further already.
func relaxGC() (restore func()) {
	relaxed.Lock()
	defer relaxed.Unlock()
	if relaxed.rebuilds++; relaxed.rebuilds == 1 {
		relaxed.usual = debug.SetGCPercent(rebuildGC)
		if relaxed.usual < 0 || relaxed.usual > rebuildGC {
			debug.SetGCPercent(relaxed.usual)
		}
	}
	return func() {
		relaxed.Lock()
		defer relaxed.Unlock()
		if relaxed.rebuilds--; relaxed.rebuilds == 0 {
			debug.SetGCPercent(relaxed.usual)
		}
	}
}

// rebuild is RebuildModels under the lease.
func rebuild(ctx context.Context, store eventstore.Store, models *projections.Models, progress func(position uint64), names []string) error {
	defer relaxGC()()
	// What managers remember of another log is forgotten with the read models of it.
	before := Belong(ctx, store, models)
	if before != nil && (len(names) > 0 || !foreign(before)) {
		return before
	}
	first, err := firstID(ctx, store)
	if err != nil {
		return err
	}
	r, err := models.BeginRebuild(ctx, names...)
	if err != nil {
		return err
	}
	err = func() error {
		if err := r.Run(ctx, batches(ctx, store, 0, logEnd, rebuildBatch), progress); err != nil {
			return err
		}
		if len(names) > 0 {
			// The other tables must have seen what the rebuilt ones have.
			if err := follow(ctx, store, models, models.Apply, nil); err != nil {
				return err
			}
		}
		err := r.Swap(ctx, func(from uint64) iter.Seq2[[]readmodel.Entry, error] {
			return batches(ctx, store, from, logEnd, MaxBatch)
		})
		if len(names) == 0 && errors.Is(err, readmodel.ErrOrder) {
			return r.Replace(ctx) // the live ones hold more than the log does
		}
		return err
	}()
	if err != nil {
		// The cause counts; what could not be dropped now is swept at the next start.
		_ = r.Discard(context.WithoutCancel(ctx))
		return err
	}
	if before != nil {
		if err := models.ForgetManaged(ctx); err != nil {
			return err
		}
	}
	if len(names) > 0 || first == "" {
		return nil
	}
	return models.SetOrigin(ctx, readmodel.Origin{Log: first})
}

// Retry rebuilds the read models that streams are parked for, and no others. What still can't be folded is parked again.
func Retry(ctx context.Context, store eventstore.Store, models *projections.Models, progress func(position uint64)) error {
	parked, err := models.Parked(ctx)
	if err != nil || len(parked) == 0 {
		return err
	}
	var names []string
	for _, p := range parked {
		if p.Projection == readmodel.Everything {
			names = nil
			break
		}
		if !slices.Contains(names, p.Projection) {
			names = append(names, p.Projection)
			names = append(names, models.BuiltOn(p.Projection)...)
		}
	}
	return RebuildModels(ctx, store, models, progress, names...)
}

package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The bounds of what is folded and written at once, in events and in the bytes that they take: large enough that writing a
// row once pays, small enough that memory stays bounded.
const (
	MaxBatch   = 65_536
	BatchBytes = 8 << 20
)

// entryBytes is about what an event takes in memory beside its fact: its envelope, and what it is decoded into.
const entryBytes = 512

// The bounds of what waits while what came before it is folded: events, and the bytes that they take.
const (
	pending      = 4_096
	pendingBytes = 64 << 20
)

// readAhead is how many batches are read before they are wanted: an engine reads page by page, and a page is a few batches.
// Those on their way hold readAheadBytes; a batch of one larger fact goes alone.
const (
	readAhead      = 4
	readAheadBytes = 6 * BatchBytes
)

// CatchUp folds the log into the read models up to where it ends. progress, if any, hears the position after each
// batch. Several processes may do so at once: the read models' checkpoint lets only one of them apply a batch. It returns
// ErrOtherLog, ErrAhead, ErrReplaced or ErrBuilt for read models that are not this log's.
func CatchUp(ctx context.Context, store eventstore.Store, models *projections.Models, progress func(position uint64)) error {
	return CatchUpBy(ctx, store, models, models.Apply, progress)
}

// Applying is Models.Apply, or that of a lease's holder.
type Applying func(ctx context.Context, after uint64, batch []readmodel.Entry) error

// CatchUpBy is CatchUp that writes by apply.
func CatchUpBy(ctx context.Context, store eventstore.Store, models *projections.Models, apply Applying, progress func(uint64)) error {
	if err := rebuildOutdated(ctx, store, models, progress); err != nil {
		return err
	}
	if err := belong(ctx, store, models); err != nil {
		return err
	}
	return follow(ctx, store, models, apply, progress)
}

// follow is CatchUpBy for read models of this program's shape.
func follow(ctx context.Context, store eventstore.Store, models *projections.Models, apply Applying, progress func(uint64)) error {
	for {
		err := catchUpOnce(ctx, store, models, apply, progress)
		if !errors.Is(err, readmodel.ErrCheckpointMoved) {
			return err
		}
	}
}

func catchUpOnce(ctx context.Context, store eventstore.Store, models *projections.Models, apply Applying, progress func(uint64)) error {
	position, err := models.Position(ctx)
	if err != nil {
		return err
	}
	for batch, err := range batches(ctx, store, position, logEnd, MaxBatch) {
		if err != nil {
			return err
		}
		if err := apply(ctx, position, batch); err != nil {
			return fmt.Errorf("fold after position %d: %w", position, err)
		}
		position = batch[len(batch)-1].Envelope.Position
		if progress != nil {
			progress(position)
		}
	}
	return nil
}

// belongEvery is how often the pump looks whether the log is still the one that it follows: a backup can be put in its place
// underneath, and what is appended then never comes to a position that is read already.
const belongEvery = 5 * time.Second

// Pump keeps the read models up with the log until ctx is done, and writes by apply. It returns nil then, and an error
// where it can't go on by itself, as ErrReplaced. seen, if any, is what this process has seen of the log before.
func Pump(ctx context.Context, store eventstore.Store, models *projections.Models, apply Applying, seen *Seen) error {
	if seen == nil {
		seen = new(Seen)
	}
	for {
		err := pumpOnce(ctx, store, models, seen.by(apply), seen)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, readmodel.ErrCheckpointMoved), errors.Is(err, readmodel.ErrOutdated):
			// Another process folded the same log or rebuilt the read models: go on from where they are now.
		case err != nil:
			return fmt.Errorf("pump: %w", err)
		}
	}
}

func pumpOnce(ctx context.Context, store eventstore.Store, models *projections.Models, apply Applying, seen *Seen) error {
	if err := seen.check(ctx, store); err != nil {
		return err
	}
	if err := CatchUpBy(ctx, store, models, apply, nil); err != nil {
		return err
	}
	position, err := models.Position(ctx)
	if err != nil {
		return err
	}
	mark, err := models.Mark(ctx)
	if err != nil {
		return err
	}
	seen.set(mark)
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	var replaced error
	wait.Go(func() {
		if replaced = watch(ctx, store, models, seen); replaced != nil {
			cancel()
		}
	})
	arrived := make(chan readmodel.Entry, pending)
	room := semaphore.NewWeighted(pendingBytes)
	var ended error
	wait.Go(func() {
		defer close(arrived)
		for m, err := range store.Subscribe(ctx, position) {
			if err != nil {
				ended = err
				return
			}
			if m.CaughtUp {
				continue
			}
			e := EntryOf(m.Event)
			if ended = room.Acquire(ctx, weight(&e)); ended != nil {
				return
			}
			select {
			case arrived <- e:
			case <-ctx.Done():
				ended = ctx.Err()
				return
			}
		}
	})
	var batch []readmodel.Entry
	for e := range arrived {
		// What arrives while a batch is folded makes up the next one: waiting for the log's end would be waiting for ever
		// where events come as fast as they are read.
		batch = append(batch[:0], e)
		for range len(arrived) {
			batch = append(batch, <-arrived)
		}
		if err := apply(ctx, position, batch); err != nil {
			return err
		}
		position = batch[len(batch)-1].Envelope.Position
		for i := range batch {
			room.Release(weight(&batch[i]))
		}
	}
	cancel()
	wait.Wait()
	return cmp.Or(replaced, ended)
}

// watch looks whether the log is still the one that the read models follow, until ctx is done. It returns nil then, and where
// it is not what is wrong. A log or read models that don't answer are for others to tell of.
func watch(ctx context.Context, store eventstore.Store, models *projections.Models, seen *Seen) error {
	tick := time.NewTicker(belongEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := Belong(ctx, store, models)
		if err == nil {
			err = seen.check(ctx, store)
		}
		if foreign(err) {
			return err
		}
	}
}

// weight is what an entry takes of pendingBytes. One that is larger has all of it to itself.
func weight(e *readmodel.Entry) int64 {
	return min(entryBytes+int64(len(e.Envelope.Data)), pendingBytes)
}

// unread are the kinds whose data no fold reads, most of a log's bytes.
var unread = events.Known.Unread()

// EntryOf decodes an event for the fold, and lets go of what the fold does not read.
func EntryOf(e events.Envelope) readmodel.Entry {
	entry := readmodel.Entry{Envelope: e}
	decode(&entry)
	if slices.Contains(unread, e.Kind) {
		entry.Envelope.Data = nil
	}
	return entry
}

// decode decodes an entry for the fold. What can't be decoded goes there too, with the reason.
func decode(e *readmodel.Entry) {
	e.Event, e.Err = events.Known.Brief(e.Envelope.Kind, e.Envelope.Version, e.Envelope.Data)
}

// logEnd is a position that no event has: up to there is all of the log.
const logEnd = math.MaxUint64

// batches reads the log after a position and up to another, decoded, in log order, up to size entries or BatchBytes at a
// time. Reading, decoding and the caller's own work run on different cores. A batch is good until the next one is asked
// for.
func batches(ctx context.Context, store eventstore.Store, after, upTo uint64, size int) iter.Seq2[[]readmodel.Entry, error] {
	return func(yield func([]readmodel.Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var wait sync.WaitGroup
		defer wait.Wait()
		defer cancel()

		decoders := max(1, runtime.GOMAXPROCS(0)-1)
		read := &chunks{
			size:  size,
			work:  make(chan *chunk, readAhead),
			order: make(chan *chunk, readAhead),
			free:  make(chan *chunk, readAhead+decoders+2),
			room:  semaphore.NewWeighted(readAheadBytes),
		}
		wait.Go(func() {
			defer close(read.work)
			defer close(read.order)
			read.all(ctx, store, after, upTo)
		})
		for range decoders {
			wait.Go(func() {
				for c := range read.work {
					c.decode()
				}
			})
		}
		for c := range read.order {
			select {
			case <-c.decoded:
			case <-ctx.Done():
				// What was put in order just as ctx ended is decoded by nobody.
				yield(nil, context.Cause(ctx))
				return
			}
			if len(c.entries) > 0 && !yield(c.entries, nil) {
				return
			}
			if c.err != nil {
				yield(nil, c.err)
				return
			}
			read.room.Release(c.held())
			c.reset()
			select {
			case read.free <- c:
			default:
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(nil, err)
		}
	}
}

// chunk is a part of the log on its way: read, then decoded, then handed on in order.
type chunk struct {
	entries []readmodel.Entry
	bytes   int
	err     error
	decoded chan struct{}
}

// held is what a chunk takes of readAheadBytes.
func (c *chunk) held() int64 { return min(int64(c.bytes), readAheadBytes) }

// reset makes a chunk ready to be used again.
func (c *chunk) reset() {
	clear(c.entries)
	c.entries, c.bytes = c.entries[:0], 0
}

// chunks are what the parts of a log go through.
type chunks struct {
	size              int
	order, work, free chan *chunk
	room              *semaphore.Weighted
}

func (cs *chunks) next() *chunk {
	select {
	case c := <-cs.free:
		return c
	default:
		return &chunk{decoded: make(chan struct{}, 1)}
	}
}

func (cs *chunks) send(ctx context.Context, c *chunk) bool {
	if cs.room.Acquire(ctx, c.held()) != nil {
		return false
	}
	for _, to := range []chan<- *chunk{cs.order, cs.work} {
		select {
		case to <- c:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// forFolds reads the log after a position, without what no fold reads.
func forFolds(after uint64) eventstore.ReadOptions {
	return eventstore.ReadOptions{From: after, Brief: true, Dataless: unread}
}

func (cs *chunks) all(ctx context.Context, store eventstore.Store, after, upTo uint64) {
	c := cs.next()
	for e, err := range store.ReadAll(ctx, forFolds(after)) {
		if err != nil {
			c.err = err
			break
		}
		if e.Position > upTo {
			break
		}
		c.entries = append(c.entries, readmodel.Entry{Envelope: e})
		c.bytes += entryBytes + len(e.Data)
		if len(c.entries) == cs.size || c.bytes >= BatchBytes {
			if !cs.send(ctx, c) {
				return
			}
			c = cs.next()
		}
	}
	if len(c.entries) > 0 || c.err != nil {
		cs.send(ctx, c)
	}
}

func (c *chunk) decode() {
	for i := range c.entries {
		decode(&c.entries[i])
	}
	c.decoded <- struct{}{}
}

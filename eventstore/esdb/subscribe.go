package esdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/virtuous6/virtuous6/eventstore"
)

// errLeft tells that the consumer left its loop.
var errLeft = errors.New("the consumer left")

// subscription follows the log over any number of connections.
type subscription struct {
	store *Store
	yield func(eventstore.Message, error) bool
	// at is the position up to which all was yielded; told that the consumer knows it has caught up there.
	at   uint64
	told bool
	// head is a position that the log had reached at some time.
	head uint64
	// resume is where the server reads on, exclusive: the last event or checkpoint, 0 for the start. It is behind at
	// where that is no position of an event.
	resume position
}

// position is a place in the log as the server has it. A checkpoint's two parts can differ.
type position struct{ commit, prepare uint64 }

// Subscribe implements eventstore.Store. It reconnects by itself for as long as the store is open; wrong credentials
// and missing rights end it.
func (s *Store) Subscribe(ctx context.Context, after uint64) iter.Seq2[eventstore.Message, error] {
	return func(yield func(eventstore.Message, error) bool) {
		ctx, cancel := bind(ctx, s.reading)
		defer cancel()
		sub := &subscription{store: s, yield: yield, at: after, resume: position{after, after}}
		for pause := firstPause; ; pause = min(2*pause, lastPause) {
			at := sub.at
			err := sub.follow(ctx)
			if errors.Is(err, errLeft) {
				return
			}
			if sub.at > at {
				pause = firstPause
			}
			if ctx.Err() == nil && (passing(err) || errors.Is(err, errPause)) && s.config.Wait(ctx, pause) == nil {
				continue
			}
			if err = s.explain(err); ctx.Err() != nil {
				err = ended(ctx)
			}
			yield(eventstore.Message{}, fmt.Errorf("subscribe: %w", err))
			return
		}
	}
}

// errNamed tells that the log has streams of which the server was not asked.
var errNamed = errors.New("the log has other streams too")

// errPause tells that a call of its own patience ended without an answer.
var errPause = errors.New("no answer yet")

// follow yields what comes over one connection, until another node is the leader.
func (sub *subscription) follow(ctx context.Context) (err error) {
	s := sub.store
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := sub.look(ctx); err != nil {
		return err
	}
	// The server can't read from beyond the end. From the end on it yields all that is beyond, and more. Where all is
	// yielded that is known, what others wrote behind it is not looked through again.
	known, err := s.edges(ctx)
	if err != nil {
		return err
	}
	if sub.resume.commit >= known.Last && sub.resume.commit < known.End || sub.resume.commit > known.End {
		sub.resume = position{known.End, known.End}
	}
	if err := s.learnNames(ctx); err != nil {
		return err
	}
	n, err := s.cluster.use(ctx, s.config.Timeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.cluster.give(n)) }()
	for {
		switch err = sub.receive(ctx, n); {
		case misplaced(err) && sub.resume.commit > 0:
			sub.resume = position{} // it was no position of an event: at tells what to leave out
			continue
		case errors.Is(err, errNamed):
			continue
		}
		break
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errLeft) {
		err = errors.Join(err, s.cluster.failed(n, err))
	}
	return err
}

func (sub *subscription) receive(ctx context.Context, n *node) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	defer func() { <-ended }()
	defer cancel()
	go func() {
		defer close(ended)
		select {
		case <-n.left:
			cancel()
		case <-ctx.Done():
		}
	}()
	s := sub.store
	options := s.logRequest(eventstore.Forwards, sub.resume.commit, nil)
	if p := options.GetAll().GetPosition(); p != nil {
		p.PreparePosition = sub.resume.prepare
	}
	options.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	// Only the first answer must come in time: the log may be quiet for long.
	late := time.AfterFunc(s.config.Timeout, cancel)
	defer late.Stop()
	stream, err := streams.NewStreamsClient(n.conn).Read(onLeader(ctx), &streams.ReadReq{Options: options})
	if err != nil {
		return failed(err, nil)
	}
	for first := true; ; first = false {
		answer, err := stream.Recv()
		if err != nil {
			return failed(err, stream.Trailer())
		}
		if first && !late.Stop() { // it came in the moment in which patience ended
			return errPause
		}
		switch {
		case answer.GetCheckpoint() != nil:
			c := answer.GetCheckpoint()
			sub.resume = position{c.GetCommitPosition(), c.GetPreparePosition()}
		case answer.GetEvent().GetEvent() != nil:
			row := answer.GetEvent().GetEvent()
			if err := sub.event(ctx, row); err != nil {
				return err
			}
			if wider, err := widens(row, options); err != nil {
				return err
			} else if wider {
				if err := s.widen(ctx, row); err != nil {
					return err
				}
				return errNamed
			}
		}
		// Whether servers send CaughtUp, and when again, depends on their version. The end of the log tells on all.
		if err := sub.look(ctx); err != nil {
			return err
		}
	}
}

func (sub *subscription) event(ctx context.Context, row *streams.ReadResp_ReadEvent_RecordedEvent) error {
	sub.resume = position{row.GetCommitPosition(), row.GetPreparePosition()}
	if row.GetCommitPosition() <= sub.at {
		return nil
	}
	e, ours, err := decode(row, sub.store.prefix)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case !ours:
		return nil
	}
	sub.at, sub.told = e.Position, false
	if !sub.yield(eventstore.Message{Event: e, Position: e.Position}, nil) {
		return errLeft
	}
	return nil
}

// look tells the consumer that it has caught up, if that is so and it does not know. The log's end is asked for only
// once the last one known was reached.
func (sub *subscription) look(ctx context.Context) error {
	if sub.told || sub.at < sub.head {
		return nil
	}
	head, err := sub.store.Head(ctx)
	if err != nil {
		if errors.Is(err, eventstore.ErrUnavailable) && !errors.Is(err, errClosed) && !refused(err) {
			return errors.Join(errPause, err)
		}
		return err
	}
	if sub.head = head; head > sub.at {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	sub.told = true
	if !sub.yield(eventstore.Message{CaughtUp: true, Position: sub.at}, nil) {
		return errLeft
	}
	return nil
}

package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// request is an append, ready to be sent.
type request struct {
	stream   string
	expected eventstore.Expected
	ids      []uuid.UUID
	messages []*streams.AppendReq
	chain    *eventstore.Chain

	appended eventstore.Appended
	err      error
	done     chan struct{}
}

// request checks and encodes a batch, so that the caller may use it again at once.
func (s *Store) request(stream string, expected eventstore.Expected, batch []events.Envelope) (*request, error) {
	if err := eventstore.Validate(stream, expected, batch); err != nil {
		return nil, err
	}
	if s.system(stream) {
		return nil, fmt.Errorf("%w: append to %s: streams whose name starts with $ are the server's own: choose another name", eventstore.ErrInvalid, stream)
	}
	r := &request{stream: stream, expected: expected, done: make(chan struct{})}
	for i := range batch {
		e := &batch[i]
		if strings.HasPrefix(e.Kind, "$") {
			return nil, fmt.Errorf("%w: append to %s: event %d of the batch: kinds that start with $ are the server's own: %s needs another name", eventstore.ErrInvalid, stream, i, e.Kind)
		}
		m, err := encode(e, s.prefix)
		if err != nil {
			return nil, fmt.Errorf("%w: append to %s: %w", eventstore.ErrInvalid, stream, err)
		}
		r.ids, r.messages = append(r.ids, e.ID), append(r.messages, m)
	}
	return r, nil
}

// append finds out how a request ends.
//
// The server recognises a repeat only where it is sent with the same revision as before, or while it still has the ids
// in a cache; the port asks for more. So the ids of a stream are known here, and every append that is sent expects
// exactly the revision up to which they are known. If it is taken, no id of it stood in the stream before. If it is
// refused, the rest of the stream is read, and the question is put again.
//
// That also makes it safe to send an append again when its reply was lost: at one revision it can be taken once.
func (s *Store) append(ctx context.Context, r *request) (eventstore.Appended, error) {
	if len(r.ids) > 0 {
		if err := s.sayName(ctx, r.stream); err != nil {
			return eventstore.Appended{}, err
		}
	}
	k, err := s.memory.take(ctx, r.stream)
	if err != nil {
		return eventstore.Appended{}, err
	}
	defer s.memory.give(k)
	select {
	case s.slots <- struct{}{}: // behind the stream's turn: who waits for that takes no one's place
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return eventstore.Appended{}, ctx.Err()
	}
	// The usual way to begin a stream needs no read: if the server takes it, there was nothing to know.
	current := false
	creating := r.expected == eventstore.NoStream && len(r.ids) > 0
	for {
		if !k.read && !creating {
			if err := s.catchUp(ctx, k); err != nil {
				return eventstore.Appended{}, err
			}
			current = true
		}
		standing, ordered, last := k.find(r.ids)
		switch {
		case standing > 0 && standing == len(r.ids) && ordered:
			a, err := s.locate(ctx, r.stream, last, r.ids[len(r.ids)-1])
			a.Repeated = err == nil
			return a, err
		case (standing > 0 || !r.expected.Holds(k.last)) && current:
			return eventstore.Appended{}, &eventstore.ConflictError{Stream: r.stream, Expected: r.expected, Actual: k.last}
		case len(r.ids) == 0 && current:
			if k.last == eventstore.NoStream {
				return eventstore.Appended{}, nil
			}
			return s.locate(ctx, r.stream, uint64(k.last), uuid.Nil)
		case standing == 0 && len(r.ids) > 0 && r.expected.Holds(k.last):
			a, taken, err := s.write(ctx, k, r)
			if err != nil || taken {
				return a, err
			}
			// Somebody else was faster. What the server refuses an append for may show to readers a moment later.
			before := k.last
			moved, err := s.patiently(ctx, func() (bool, error) {
				err := s.catchUp(ctx, k)
				return k.last != before, err
			})
			if err != nil {
				return eventstore.Appended{}, err
			}
			if !moved {
				return eventstore.Appended{}, fmt.Errorf("%w: the server refuses revision %s as the last one of %s, and shows no later one: events of it were deleted, or its metadata limits it by $maxAge, $maxCount or $tb; a log keeps all, so take that back", eventstore.ErrCorrupt, before, r.stream)
			}
			current = true
		default:
			if err := s.catchUp(ctx, k); err != nil {
				return eventstore.Appended{}, err
			}
			current = true
		}
		creating = false
	}
}

// write sends a batch as what follows the last revision that is known. It is not taken where that is no longer the last.
func (s *Store) write(ctx context.Context, k *known, r *request) (a eventstore.Appended, taken bool, err error) {
	options := &streams.AppendReq_Options{StreamIdentifier: s.identifier(r.stream)}
	if k.last == eventstore.NoStream {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
	} else {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(k.last)}
	}
	var answer *streams.AppendResp
	trusted := len(r.ids) == 1
	err = s.call(ctx, func(ctx context.Context, n *node) (err error) {
		if answer, err = send(ctx, n.conn, options, r.messages); err == nil && !trusted {
			trusted = n.tellsLast(ctx)
		}
		return err
	})
	if err != nil {
		return a, false, err
	}
	success := answer.GetSuccess()
	if success == nil {
		return a, false, nil
	}
	a.Revision = success.GetCurrentRevision()
	first := a.Revision + 1 - uint64(len(r.ids))
	for i, id := range r.ids {
		k.learn(id, first+uint64(i)) //nolint:gosec // i is no negative number
	}
	k.read = true
	if p := success.GetPosition(); p != nil && trusted {
		a.Position = p.GetCommitPosition()
		return a, true, nil
	}
	// Which position older servers answer for a batch, and whether any for a repeat, is not laid down: the log tells.
	a, err = s.locate(ctx, r.stream, a.Revision, r.ids[len(r.ids)-1])
	return a, true, err
}

// send makes one call of an append. The server takes what it has for the whole batch when the client closes its half, so
// that is done only where all was sent; and gRPC must not begin the call anew on its own, as it does with what was sent
// until then.
func send(ctx context.Context, conn *grpc.ClientConn, options *streams.AppendReq_Options, messages []*streams.AppendReq) (*streams.AppendResp, error) {
	stream, err := streams.NewStreamsClient(conn).Append(ctx, grpc.MaxRetryRPCBufferSize(0))
	if err != nil {
		return nil, failed(err, nil)
	}
	err = stream.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: options}})
	for i := 0; err == nil && i < len(messages); i++ {
		err = stream.Send(messages[i])
	}
	switch {
	case errors.Is(err, io.EOF):
		// The server's reason to end the call early, such as a batch that is too large, comes as its answer.
		answer := new(streams.AppendResp)
		if err = stream.RecvMsg(answer); err == nil && answer.GetWrongExpectedVersion() != nil {
			return answer, nil
		}
		if err == nil || errors.Is(err, io.EOF) {
			err = status.Error(codes.Unavailable, "the call ended before the batch was sent")
		}
		return nil, failed(err, stream.Trailer())
	case err != nil:
		return nil, failed(err, nil)
	}
	answer, err := stream.CloseAndRecv()
	return answer, failed(err, stream.Trailer())
}

// catchUp reads the ids of a stream from where they are known.
func (s *Store) catchUp(ctx context.Context, k *known) error {
	from := uint64(0)
	if k.last != eventstore.NoStream {
		from = uint64(k.last) + 1
	}
	for p := (&pages{}); ; {
		err := s.page(ctx, s.streamRequest(k.name, eventstore.Forwards, &from), p)
		if errors.Is(err, eventstore.ErrNoStream) {
			k.forget()
			k.read = true
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range p.rows {
			id, err := readID(e.GetId())
			if err != nil {
				return fmt.Errorf("%w: event %d of %s has no readable id (%w): restore a backup", eventstore.ErrCorrupt, e.GetStreamRevision(), k.name, err)
			}
			k.learn(id, e.GetStreamRevision())
			from = e.GetStreamRevision() + 1
		}
		if p.ended {
			k.read = true
			return nil
		}
	}
}

// locate looks up where the event at a revision stands, which has that id (any for uuid.Nil).
func (s *Store) locate(ctx context.Context, stream string, revision uint64, id uuid.UUID) (a eventstore.Appended, err error) {
	p := &pages{limit: 1}
	found, err := s.patiently(ctx, func() (bool, error) {
		err := s.page(ctx, s.streamRequest(stream, eventstore.Forwards, &revision), p)
		return err == nil && len(p.rows) == 1, err
	})
	if err != nil {
		return a, err
	}
	if found && p.rows[0].GetStreamRevision() == revision {
		if at, err := readID(p.rows[0].GetId()); err == nil && (id == uuid.Nil || at == id) {
			return eventstore.Appended{Revision: revision, Position: p.rows[0].GetCommitPosition()}, nil
		}
	}
	return a, fmt.Errorf("%w: revision %d of %s does not hold what was appended there: events of it were deleted, or somebody else changed it; restore a backup", eventstore.ErrCorrupt, revision, stream)
}

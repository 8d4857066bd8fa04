package esdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcmetadata "google.golang.org/grpc/metadata"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// ErrGroupExists tells that a group is there already.
var ErrGroupExists = errors.New("group exists")

// ErrNoGroup tells that a group does not exist.
var ErrNoGroup = errors.New("group does not exist")

// Group is a persistent subscription to the log: the server hands each event to one of the workers that consume it,
// remembers what they acknowledged, and hands out again what they did not. Events may come out of order and more than
// once, so it is for work, not for projections.
type Group struct {
	store *Store
	name  string
}

// Group is the group of that name, whether it exists or not.
func (s *Store) Group(name string) *Group { return &Group{store: s, name: name} }

// GroupOptions set up a group. The zero value hands out all events from the log's start.
type GroupOptions struct {
	// From is the position to begin after, which must be that of an event.
	From uint64
	// Kinds, if any, are the only kinds wanted.
	Kinds []string
	// Retries is how often an event is handed out again before it is parked. Default 10.
	Retries int32
	// Hold is how long a worker may take before an event is handed to another. Default 30 s.
	Hold time.Duration
}

// Create makes the group. It returns ErrGroupExists where it is there, whatever its options are.
func (g *Group) Create(ctx context.Context, o GroupOptions) error {
	if o.Retries <= 0 {
		o.Retries = 10
	}
	if o.Hold <= 0 {
		o.Hold = 30 * time.Second
	}
	regex, prefix := g.store.expression(o.Kinds)
	e := &persistent.CreateReq_AllOptions_FilterOptions_Expression{Regex: regex, Prefix: prefix}
	filter := &persistent.CreateReq_AllOptions_FilterOptions{
		Filter:                       &persistent.CreateReq_AllOptions_FilterOptions_StreamIdentifier{StreamIdentifier: e},
		Window:                       &persistent.CreateReq_AllOptions_FilterOptions_Max{Max: searchWindow},
		CheckpointIntervalMultiplier: 1,
	}
	if len(o.Kinds) > 0 {
		filter.Filter = &persistent.CreateReq_AllOptions_FilterOptions_EventType{EventType: e}
	}
	all := &persistent.CreateReq_AllOptions{
		AllOption:    &persistent.CreateReq_AllOptions_Start{Start: &shared.Empty{}},
		FilterOption: &persistent.CreateReq_AllOptions_Filter{Filter: filter},
	}
	if o.From > 0 {
		all.AllOption = &persistent.CreateReq_AllOptions_Position{Position: &persistent.CreateReq_Position{CommitPosition: o.From, PreparePosition: o.From}}
	}
	return g.unary(ctx, "create", func(ctx context.Context, c persistent.PersistentSubscriptionsClient, opts ...grpc.CallOption) error {
		_, err := c.Create(ctx, &persistent.CreateReq{Options: &persistent.CreateReq_Options{
			GroupName:    g.name,
			StreamOption: &persistent.CreateReq_Options_All{All: all},
			// The sizes are the server's defaults.
			Settings: &persistent.CreateReq_Settings{
				MaxRetryCount: o.Retries, MinCheckpointCount: 10, MaxCheckpointCount: 1000, LiveBufferSize: 500, ReadBatchSize: 20,
				HistoryBufferSize: 500, ConsumerStrategy: "RoundRobin",
				MessageTimeout:  &persistent.CreateReq_Settings_MessageTimeoutMs{MessageTimeoutMs: int32(min(o.Hold.Milliseconds(), 1<<31-1))}, //nolint:gosec // bounded
				CheckpointAfter: &persistent.CreateReq_Settings_CheckpointAfterMs{CheckpointAfterMs: 2000},
			},
		}}, opts...)
		return err
	})
}

// Delete ends the group and forgets what it knew. It returns ErrNoGroup where there is none.
func (g *Group) Delete(ctx context.Context) error {
	return g.unary(ctx, "delete", func(ctx context.Context, c persistent.PersistentSubscriptionsClient, opts ...grpc.CallOption) error {
		_, err := c.Delete(ctx, &persistent.DeleteReq{Options: &persistent.DeleteReq_Options{
			GroupName: g.name, StreamOption: &persistent.DeleteReq_Options_All{All: &shared.Empty{}},
		}}, opts...)
		return err
	})
}

// ReplayParked hands out again all that was parked.
func (g *Group) ReplayParked(ctx context.Context) error {
	return g.unary(ctx, "replay what is parked in", func(ctx context.Context, c persistent.PersistentSubscriptionsClient, opts ...grpc.CallOption) error {
		_, err := c.ReplayParked(ctx, &persistent.ReplayParkedReq{Options: &persistent.ReplayParkedReq_Options{
			GroupName:    g.name,
			StreamOption: &persistent.ReplayParkedReq_Options_All{All: &shared.Empty{}},
			StopAtOption: &persistent.ReplayParkedReq_Options_NoLimit{NoLimit: &shared.Empty{}},
		}}, opts...)
		return err
	})
}

func (g *Group) unary(ctx context.Context, what string, f func(context.Context, persistent.PersistentSubscriptionsClient, ...grpc.CallOption) error) error {
	ctx, cancel := bind(ctx, g.store.reading)
	defer cancel()
	err := g.store.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		var trailer grpcmetadata.MD
		err := f(ctx, persistent.NewPersistentSubscriptionsClient(conn), grpc.Trailer(&trailer))
		return g.known(failed(err, trailer))
	})
	if err != nil {
		return fmt.Errorf("%s group %s: %w", what, g.name, err)
	}
	return nil
}

// known names the errors that only groups have.
func (g *Group) known(err error) error {
	switch code(err) {
	case codes.AlreadyExists:
		return fmt.Errorf("%w (%w)", ErrGroupExists, err)
	case codes.NotFound:
		return fmt.Errorf("%w: create it first (%w)", ErrNoGroup, err)
	}
	return err
}

// Delivery is an event that was handed to this worker. It must be answered once, within GroupOptions.Hold, by one of
// its methods; the server does not confirm the answer.
type Delivery struct {
	Event events.Envelope
	// Retries is how often the event was handed out before.
	Retries int

	id     *shared.UUID
	stream persistent.PersistentSubscriptions_ReadClient
	group  []byte
}

// Ack tells that the work is done.
func (d *Delivery) Ack() error {
	return d.answer(&persistent.ReadReq{Content: &persistent.ReadReq_Ack_{Ack: &persistent.ReadReq_Ack{Id: d.group, Ids: []*shared.UUID{d.id}}}})
}

// Retry asks for the event to be handed out again, to this worker or another. After GroupOptions.Retries it is parked.
func (d *Delivery) Retry(reason string) error { return d.nack(persistent.ReadReq_Nack_Retry, reason) }

// Park puts the event aside until Group.ReplayParked.
func (d *Delivery) Park(reason string) error { return d.nack(persistent.ReadReq_Nack_Park, reason) }

func (d *Delivery) nack(a persistent.ReadReq_Nack_Action, reason string) error {
	return d.answer(&persistent.ReadReq{Content: &persistent.ReadReq_Nack_{Nack: &persistent.ReadReq_Nack{
		Id: d.group, Ids: []*shared.UUID{d.id}, Action: a, Reason: reason,
	}}})
}

func (d *Delivery) answer(r *persistent.ReadReq) error {
	if err := d.stream.Send(r); err != nil {
		return fmt.Errorf("answer for event %s: %w: the connection is gone, and the event will be handed out again (%w)", d.Event.ID, eventstore.ErrUnavailable, err)
	}
	return nil
}

// Consume yields what the server hands to this worker, at most buffer events unanswered at a time, until ctx is done;
// it then yields ctx's error and ends. It reconnects by itself; what was not answered then comes again. A Delivery is
// answered within its loop; an answer given just before the loop is left may not reach the server, so that the event
// comes again.
func (g *Group) Consume(ctx context.Context, buffer int32) iter.Seq2[*Delivery, error] {
	return func(yield func(*Delivery, error) bool) {
		ctx, cancel := bind(ctx, g.store.reading)
		defer cancel()
		for pause := firstPause; ; pause = min(2*pause, lastPause) {
			worked, err := g.consume(ctx, max(buffer, 1), yield)
			if errors.Is(err, errLeft) {
				return
			}
			if worked {
				pause = firstPause
			}
			if ctx.Err() == nil && passing(err) && g.store.config.Wait(ctx, pause) == nil {
				continue
			}
			if err = g.store.explain(err); ctx.Err() != nil {
				err = ended(ctx)
			}
			yield(nil, fmt.Errorf("consume group %s: %w", g.name, err))
			return
		}
	}
}

func (g *Group) consume(ctx context.Context, buffer int32, yield func(*Delivery, error) bool) (worked bool, err error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	conn, err := g.store.cluster.connection(ctx, g.store.config.Timeout)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	late := time.AfterFunc(g.store.config.Timeout, cancel)
	defer late.Stop()
	fail := func(err error, trailer grpcmetadata.MD) (bool, error) {
		err = g.known(failed(err, trailer))
		if ctx.Err() != nil {
			return worked, err
		}
		return worked, errors.Join(err, g.store.cluster.failed(conn, err))
	}
	stream, err := persistent.NewPersistentSubscriptionsClient(conn).Read(onLeader(ctx))
	if err != nil {
		return fail(err, nil)
	}
	// A failed Send shows with its reason in Recv.
	_ = stream.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
		GroupName: g.name, BufferSize: buffer,
		StreamOption: &persistent.ReadReq_Options_All{All: &shared.Empty{}},
		UuidOption:   &persistent.ReadReq_Options_UUIDOption{Content: &persistent.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
	}}})
	var id []byte
	for {
		answer, err := stream.Recv()
		late.Stop()
		if err != nil {
			return fail(err, stream.Trailer())
		}
		if c := answer.GetSubscriptionConfirmation(); c != nil {
			id = []byte(c.GetSubscriptionId())
			continue
		}
		row := answer.GetEvent().GetEvent()
		if row == nil {
			continue
		}
		d := &Delivery{Retries: int(answer.GetEvent().GetRetryCount()), id: row.GetId(), stream: stream, group: id}
		e, ours, err := decode(row, g.store.config.Prefix)
		switch {
		case err != nil:
			// It would come back for ever.
			if err := d.Park(err.Error()); err != nil {
				return worked, err
			}
			continue
		case !ours:
			if err := d.Ack(); err != nil {
				return worked, err
			}
			continue
		}
		d.Event, worked = e, true
		if !yield(d, nil) {
			return worked, errLeft
		}
	}
}

package esdb

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// late is a subscription's stream whose first answer is on its way for as long as there is patience.
type late struct {
	grpc.ClientStream
	subscribes bool
	first      *atomic.Bool
}

func (l *late) SendMsg(m any) error {
	req, ok := m.(*streams.ReadReq)
	l.subscribes = ok && req.GetOptions().GetSubscription() != nil
	return l.ClientStream.SendMsg(m)
}

func (l *late) RecvMsg(m any) error {
	err := l.ClientStream.RecvMsg(m)
	if err == nil && l.subscribes && l.first.CompareAndSwap(true, false) {
		<-l.Context().Done()
	}
	return err
}

func TestASubscriptionGoesOnWhereItsFirstAnswerComesTooLate(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{Timeout: 200 * time.Millisecond})
	batch := facts("a", 3)
	if _, err := s.Append(t.Context(), "run-1", eventstore.NoStream, batch); err != nil {
		t.Fatal(err)
	}
	var first atomic.Bool
	first.Store(true)
	s.cluster.options = append(s.cluster.options, grpc.WithStreamInterceptor(
		func(ctx context.Context, d *grpc.StreamDesc, conn *grpc.ClientConn, method string, next grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
			stream, err := next(ctx, d, conn, method, o...)
			return &late{ClientStream: stream, first: &first}, err
		}))
	// The connection that is there has the old options.
	told := &failure{err: eventstore.ErrUnavailable, exception: notLeader, leader: server.Address()}
	n, err := s.cluster.use(t.Context(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.cluster.failed(n, told), s.cluster.give(n)); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for m, err := range s.Subscribe(t.Context(), 0) {
		if err != nil {
			t.Fatalf("after %d events: %v", seen, err)
		}
		if m.CaughtUp {
			break
		}
		seen++
	}
	if seen != len(batch) || first.Load() {
		t.Errorf("got %d events, want %d; an answer was late: %t", seen, len(batch), !first.Load())
	}
}

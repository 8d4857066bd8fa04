package esdbtest

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// group is a persistent subscription to $all. Its user holds the server's lock. Time-outs of workers are left out: what
// a worker holds comes back when it goes.
type group struct {
	filter  *filter
	retries int
	next    int // index into the log
	waiting []*work
	parked  []*work
	workers []*worker
	turn    int
}

// work is an event that is to be done.
type work struct {
	record  *record
	retries int
}

// worker is a consumer that is connected.
type worker struct {
	out    chan *work
	buffer int
	held   []*work
}

// dispatch takes in what is new and hands it to the workers in turn, as far as their buffers go.
func (g *group) dispatch(l *log) {
	for ; g.next < len(l.records); g.next++ {
		if r := l.records[g.next]; g.filter.passes(r) {
			g.waiting = append(g.waiting, &work{record: r})
		}
	}
	for len(g.waiting) > 0 {
		w := g.idle()
		if w == nil {
			return
		}
		w.held = append(w.held, g.waiting[0])
		w.out <- g.waiting[0] // it holds as many as the buffer
		g.waiting = g.waiting[1:]
	}
}

// idle is the next worker with room, by turns.
func (g *group) idle() *worker {
	for range g.workers {
		g.turn++
		if w := g.workers[g.turn%len(g.workers)]; len(w.held) < w.buffer {
			return w
		}
	}
	return nil
}

// release takes back the work of a worker that answered or went.
func (w *worker) release(id uuid.UUID) *work {
	i := slices.IndexFunc(w.held, func(x *work) bool { return x.record.id == id })
	if i < 0 {
		return nil
	}
	x := w.held[i]
	w.held = slices.Delete(w.held, i, i+1)
	return x
}

func (g *group) again(x *work) {
	if x.retries++; x.retries > g.retries {
		g.parked = append(g.parked, x)
		return
	}
	g.waiting = append([]*work{x}, g.waiting...)
}

// drop forgets the workers, as a restart does.
func (g *group) drop() {
	for _, w := range g.workers {
		g.waiting = append(w.held, g.waiting...)
	}
	g.workers = nil
}

type groupsServer struct {
	persistent.UnimplementedPersistentSubscriptionsServer
	*Server
}

func (s *groupsServer) Create(_ context.Context, req *persistent.CreateReq) (*persistent.CreateResp, error) {
	o := req.GetOptions()
	all := o.GetAll()
	if all == nil {
		return nil, status.Error(codes.Unimplemented, "the double has groups on $all only")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[o.GetGroupName()] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "Subscription group %s on stream $all exists.", o.GetGroupName())
	}
	g := &group{retries: int(o.GetSettings().GetMaxRetryCount())}
	if f := all.GetFilter(); f != nil {
		var err error
		if g.filter, err = newFilter(f.GetEventType(), f.GetStreamIdentifier(), f.GetEventType() != nil); err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
	}
	switch at := all.GetAllOption().(type) {
	case *persistent.CreateReq_AllOptions_Position:
		i, found := s.log.search(at.Position.GetCommitPosition())
		if !found {
			return nil, status.Error(codes.Internal, "the position is none of an event")
		}
		g.next = i + 1
	case *persistent.CreateReq_AllOptions_End:
		g.next = len(s.log.records)
	}
	s.groups[o.GetGroupName()] = g
	// Older servers give this event a type without $.
	s.log.system("$persistentSubscriptionConfig", "PersistentConfig1")
	s.grown.Wake()
	return &persistent.CreateResp{}, nil
}

func (s *groupsServer) Delete(_ context.Context, req *persistent.DeleteReq) (*persistent.DeleteResp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := req.GetOptions().GetGroupName()
	if s.groups[name] == nil {
		return nil, missing(name)
	}
	delete(s.groups, name)
	return &persistent.DeleteResp{}, nil
}

func (s *groupsServer) ReplayParked(_ context.Context, req *persistent.ReplayParkedReq) (*persistent.ReplayParkedResp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := req.GetOptions().GetGroupName()
	g := s.groups[name]
	if g == nil {
		return nil, missing(name)
	}
	for _, x := range g.parked {
		x.retries = 0
		g.waiting = append(g.waiting, x)
	}
	g.parked = nil
	g.dispatch(s.log)
	return &persistent.ReplayParkedResp{}, nil
}

func missing(name string) error {
	return status.Errorf(codes.NotFound, "Subscription group %s on stream $all does not exist.", name)
}

func (s *groupsServer) Read(call persistent.PersistentSubscriptions_ReadServer) error {
	first, err := call.Recv()
	if err != nil {
		return err
	}
	o := first.GetOptions()
	if o.GetAll() == nil || o.GetBufferSize() < 1 || o.GetBufferSize() > 10_000 {
		return status.Error(codes.InvalidArgument, "the double has groups on $all only, with a buffer of at least 1")
	}
	w := &worker{out: make(chan *work, o.GetBufferSize()), buffer: int(o.GetBufferSize())}
	id := uuid.NewString()
	confirmation := &persistent.ReadResp_SubscriptionConfirmation{SubscriptionId: id}
	if err := call.Send(&persistent.ReadResp{Content: &persistent.ReadResp_SubscriptionConfirmation_{SubscriptionConfirmation: confirmation}}); err != nil {
		return err
	}
	s.mu.Lock()
	g := s.groups[o.GetGroupName()]
	if g != nil {
		g.workers = append(g.workers, w)
		g.dispatch(s.log)
	}
	s.mu.Unlock()
	if g == nil {
		return missing(o.GetGroupName())
	}
	defer s.leave(g, w)
	answers := make(chan error, 1)
	go func() {
		for {
			req, err := call.Recv()
			if err == nil {
				err = s.answer(g, w, id, req)
			}
			if err != nil {
				answers <- err
				return
			}
		}
	}()
	for {
		select {
		case x := <-w.out:
			if err := call.Send(delivery(x)); err != nil {
				return err
			}
		case err := <-answers:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func (s *Server) leave(g *group, w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(g.workers, w); i >= 0 {
		g.workers = slices.Delete(g.workers, i, i+1)
		for _, x := range slices.Backward(w.held) {
			g.again(x)
		}
		g.dispatch(s.log)
	}
}

func (s *Server) answer(g *group, w *worker, id string, req *persistent.ReadReq) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ack, nack := req.GetAck(), req.GetNack()
	ids := append(ack.GetIds(), nack.GetIds()...)
	if string(ack.GetId())+string(nack.GetId()) != id {
		return status.Error(codes.InvalidArgument, "the answer names another subscription")
	}
	for _, wire := range ids {
		of, err := readID(wire)
		if err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		x := w.release(of)
		switch {
		case x == nil, ack != nil, nack.GetAction() == persistent.ReadReq_Nack_Skip:
		case nack.GetAction() == persistent.ReadReq_Nack_Park:
			g.parked = append(g.parked, x)
		default:
			g.again(x)
		}
	}
	g.dispatch(s.log)
	return nil
}

func delivery(x *work) *persistent.ReadResp {
	r := x.record.wire()
	return &persistent.ReadResp{Content: &persistent.ReadResp_Event{Event: &persistent.ReadResp_ReadEvent{
		Event: &persistent.ReadResp_ReadEvent_RecordedEvent{
			Id: r.GetId(), StreamIdentifier: r.GetStreamIdentifier(), StreamRevision: r.GetStreamRevision(),
			CommitPosition: r.GetCommitPosition(), PreparePosition: r.GetPreparePosition(),
			Metadata: r.GetMetadata(), CustomMetadata: r.GetCustomMetadata(), Data: r.GetData(),
		},
		Position: &persistent.ReadResp_ReadEvent_CommitPosition{CommitPosition: r.GetCommitPosition()},
		Count:    &persistent.ReadResp_ReadEvent_RetryCount{RetryCount: int32(x.retries)}, //nolint:gosec // few
	}}}
}

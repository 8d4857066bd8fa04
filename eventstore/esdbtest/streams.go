package esdbtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type streamsServer struct {
	streams.UnimplementedStreamsServer
	*Server
}

// systemEvery is after how many appends the server writes an event of its own.
const systemEvery = 5

func (s *streamsServer) Append(call streams.Streams_AppendServer) error {
	first, err := call.Recv()
	if err != nil {
		return err
	}
	options := first.GetOptions()
	if options == nil {
		return status.Error(codes.InvalidArgument, "the first message must hold the options")
	}
	name := string(options.GetStreamIdentifier().GetStreamName())
	var batch []*record
	for size := 0; ; {
		m, err := call.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		r, err := proposed(m.GetProposedMessage())
		if err != nil {
			return err
		}
		if size += len(r.data) + len(r.custom); size > s.config.MaxAppend {
			call.SetTrailer(metadata.Pairs("exception", "maximum-append-size-exceeded", "max-append-size", strconv.Itoa(s.config.MaxAppend)))
			return status.Errorf(codes.InvalidArgument, "Maximum Append Size of %d Exceeded.", s.config.MaxAppend)
		}
		batch = append(batch, r)
	}
	if err := s.gathers(call.Context()); err != nil {
		return err
	}
	if err := takes(call.Context(), s.config.AppendTime); err != nil {
		return err
	}
	answer, drop := s.append(name, expectedRevision(options), batch)
	if drop {
		return status.Error(codes.Unavailable, "the connection broke")
	}
	return call.SendAndClose(answer)
}

func expectedRevision(o *streams.AppendReq_Options) expectation {
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_Revision:
		return expectation(e.Revision) //nolint:gosec // a revision
	case *streams.AppendReq_Options_NoStream:
		return noStream
	case *streams.AppendReq_Options_StreamExists:
		return streamExists
	}
	return anyRevision
}

func proposed(m *streams.AppendReq_ProposedMessage) (*record, error) {
	id, err := readID(m.GetId())
	if err != nil || m.GetMetadata()["type"] == "" || m.GetMetadata()["content-type"] == "" {
		return nil, status.Errorf(codes.InvalidArgument, "an event needs an id, a type and a content-type (%v)", err)
	}
	return &record{id: id, metadata: m.GetMetadata(), custom: m.GetCustomMetadata(), data: m.GetData()}, nil
}

// append stores a batch if it is to be, and tells whether its answer gets lost.
func (s *Server) append(name string, expected expectation, batch []*record) (answer *streams.AppendResp, drop bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Appends++
	d, last := s.log.decide(name, expected, batch)
	switch d {
	case wrong:
		w := &streams.AppendResp_WrongExpectedVersion{CurrentRevisionOption: &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}}}
		if n := len(s.log.streams[name]); n > 0 {
			w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(n - 1)}
		}
		return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: w}}, false
	case take:
		s.log.write(name, batch)
		last = uint64(len(s.log.streams[name]) - 1)
		if s.appended++; s.appended%systemEvery == 0 {
			s.log.system("$stats-"+s.address, "$statsCollected")
		}
		s.grown.Wake()
		if s.faults.droppedReply > 0 {
			s.faults.droppedReply--
			return nil, true
		}
	}
	success := &streams.AppendResp_Success{CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: last}}
	switch tells := s.since(23, 10, 6); {
	case d == repeat && !tells:
		success.PositionOption = &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}}
	default:
		// As it was seen at 23.10.6 the last event's, for a repeat too. Where it was not seen, a batch is answered with where
		// it begins, to keep clients from relying on more than is known.
		at := int(last)
		if !tells {
			at -= len(batch) - 1
		}
		p := s.log.streams[name][at].position
		success.PositionOption = &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{CommitPosition: p, PreparePosition: p}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: success}}, false
}

// Delete hides a stream from readers of it. As at a real server its events stand in the log until that is scavenged.
func (s *streamsServer) Delete(_ context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := string(req.GetOptions().GetStreamIdentifier().GetStreamName())
	if len(s.log.streams[name]) == 0 {
		return nil, status.Errorf(codes.FailedPrecondition, "there is no stream %s", name)
	}
	s.log.deleted[name] = true
	return &streams.DeleteResp{}, nil
}

func (s *streamsServer) Read(req *streams.ReadReq, call streams.Streams_ReadServer) error {
	o := req.GetOptions()
	var f *filter
	if wanted := o.GetFilter(); wanted != nil {
		if wanted.GetCheckpointIntervalMultiplier() == 0 {
			return status.Error(codes.InvalidArgument, "checkpointIntervalMultiplier must be greater than 0")
		}
		var err error
		if f, err = newFilter(wanted.GetEventType(), wanted.GetStreamIdentifier(), wanted.GetEventType() != nil); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
	}
	switch {
	case o.GetSubscription() != nil && o.GetAll() != nil:
		return s.subscribe(o, f, call)
	case o.GetSubscription() != nil:
		return status.Error(codes.Unimplemented, "the double subscribes to $all only")
	}
	wait := s.config.ReadTime
	if f != nil {
		wait = s.config.SearchTime
	}
	if err := takes(call.Context(), wait); err != nil {
		return err
	}
	s.mu.Lock()
	s.counts.Reads++
	rows, err := s.rows(o, f)
	s.mu.Unlock()
	switch {
	case err != nil:
		return err
	case rows == nil:
		return call.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{StreamNotFound: &streams.ReadResp_StreamNotFound{
			StreamIdentifier: o.GetStream().GetStreamIdentifier(),
		}}})
	}
	for _, r := range rows {
		s.count(func(c *Counts) { c.Rows++ })
		if err := call.Send(event(r)); err != nil {
			return err
		}
	}
	return nil
}

func event(r *record) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: r.wire(), Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: r.position},
	}}}
}

// rows is what a read yields, nil for a stream that does not exist.
func (s *Server) rows(o *streams.ReadReq_Options, f *filter) ([]*record, error) {
	if o.GetCount() == 0 {
		return nil, status.Error(codes.InvalidArgument, "count must be greater than 0")
	}
	backwards := o.GetReadDirection() == streams.ReadReq_Options_Backwards
	of := s.visible()
	if stream := o.GetStream(); stream != nil {
		of = s.log.streams[string(stream.GetStreamIdentifier().GetStreamName())]
		for len(of) > 0 && of[len(of)-1].position >= s.shown() {
			of = of[:len(of)-1]
		}
		if len(of) == 0 || s.log.deleted[string(stream.GetStreamIdentifier().GetStreamName())] {
			return nil, nil
		}
		if at, ok := stream.GetRevisionOption().(*streams.ReadReq_Options_StreamOptions_Revision); ok {
			if backwards {
				if at.Revision >= uint64(len(of)) {
					return nil, status.Error(codes.Internal, "how far a server reads backwards from beyond a stream's end is not laid down")
				}
				of = of[:at.Revision+1]
			} else {
				of = of[min(at.Revision, uint64(len(of))):]
			}
		}
	} else if at := o.GetAll().GetPosition(); at != nil {
		if !s.log.boundary(at.GetCommitPosition()) || at.GetPreparePosition() > at.GetCommitPosition() {
			return nil, s.misplaced()
		}
		i, _ := s.log.search(at.GetCommitPosition())
		if i = min(i, len(of)); backwards {
			of = of[:i]
		} else {
			of = of[i:]
		}
	}
	rows := make([]*record, 0, min(o.GetCount(), uint64(len(of))))
	for i := range of {
		r := of[i]
		if backwards {
			r = of[len(of)-1-i]
		}
		if uint64(len(rows)) == o.GetCount() {
			break
		}
		s.counts.Searched++
		if f.passes(r) {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

func (s *Server) misplaced() error {
	if s.config.OldPositions {
		return status.Error(codes.Unknown, "Unexpected FilteredReadAllResult: Error")
	}
	return status.Error(codes.InvalidArgument, "Trying to read from an invalid position.")
}

// shown is the position up to which readers see the log.
func (s *Server) shown() uint64 {
	if n := s.faults.hidden; n > 0 && n <= len(s.log.records) {
		return s.log.records[len(s.log.records)-n].position
	}
	return s.log.end
}

func (s *Server) visible() []*record {
	i, _ := s.log.search(s.shown())
	return s.log.records[:i]
}

// subscribe sends what is behind a position, then what comes. With a filter it sends a checkpoint whenever it has
// looked through a window of events, and where it ends up.
func (s *streamsServer) subscribe(o *streams.ReadReq_Options, f *filter, call streams.Streams_ReadServer) error {
	s.mu.Lock()
	s.counts.Reads++
	next := 0
	switch at := o.GetAll().GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		p := at.Position.GetCommitPosition()
		if !s.log.boundary(p) {
			s.mu.Unlock()
			return s.misplaced()
		}
		i, found := s.log.search(p)
		if next = i; found {
			next++
		}
	case *streams.ReadReq_Options_AllOptions_End:
		next = len(s.visible())
	}
	s.mu.Unlock()
	confirmation := &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()}
	if err := call.Send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{Confirmation: confirmation}}); err != nil {
		return err
	}
	window := int(max(o.GetFilter().GetMax(), 1))
	live := false
	for searched := 0; ; {
		grown := s.grown.Next()
		s.mu.Lock()
		rows := s.visible() // what stands in it never changes
		s.mu.Unlock()
		for ; next < len(rows); next++ {
			r := rows[next]
			passes := f.passes(r)
			s.count(func(c *Counts) {
				c.Searched++
				if passes {
					c.Rows++
				}
			})
			if passes {
				if err := call.Send(event(r)); err != nil {
					return err
				}
			}
			if searched++; f != nil && searched >= window {
				searched = 0
				if err := call.Send(checkpoint(r.position)); err != nil {
					return err
				}
			}
		}
		if !live {
			live = true
			if f != nil && next > 0 {
				if err := call.Send(checkpoint(rows[next-1].position)); err != nil {
					return err
				}
			}
			if s.since(23, 10) {
				if err := call.Send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}}); err != nil {
					return err
				}
			}
		}
		select {
		case <-grown:
		case <-call.Context().Done():
			return status.FromContextError(call.Context().Err()).Err()
		}
	}
}

func checkpoint(position uint64) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: position, PreparePosition: position}}}
}

// since tells whether the server is of that release or a later one.
func (s *Server) since(release ...int) bool {
	for i, part := range strings.SplitN(s.config.Version, ".", len(release)) {
		if n, err := strconv.Atoi(part); err != nil || n != release[i] {
			return err == nil && n > release[i]
		}
	}
	return true
}

// takes is over after d.
func takes(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func wireID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])), //nolint:gosec // the bits matter, not the number
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])), //nolint:gosec // likewise
	}}}
}

func readID(wire *shared.UUID) (id uuid.UUID, err error) {
	if wire == nil {
		return id, fmt.Errorf("it has none")
	}
	if s := wire.GetStructured(); s != nil {
		binary.BigEndian.PutUint64(id[:8], uint64(s.GetMostSignificantBits()))  //nolint:gosec // the bits matter, not the number
		binary.BigEndian.PutUint64(id[8:], uint64(s.GetLeastSignificantBits())) //nolint:gosec // likewise
		return id, nil
	}
	return uuid.Parse(wire.GetString_())
}

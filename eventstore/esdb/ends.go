package esdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/eventstore"
)

// edges are where the log begins and ends among what else the server holds. Behind End nothing is known. Below it nothing
// changes: the server only ever adds behind its last event.
type edges struct {
	// First and Last are the positions of the log's first and last event, 0 where none is known.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// End is a position of the server's own log: up to there, Last is the last one.
	End uint64 `json:"end"`
}

// ends is what a store knows of its log's edges.
type ends struct {
	mu     sync.Mutex
	loaded bool
	known  edges
	marked edges // what stands at the server
}

// markStream begins the names of the streams, one of each log, in which its edges are noted for those who open it next.
// Looking for a log's end behind a million events of other programs takes the server many seconds.
const markStream = "virtuous6-mark/"

// markEvery is how many bytes of the server's log are worth a mark.
const markEvery = 8 << 20

// Head implements eventstore.Store.
func (s *Store) Head(ctx context.Context) (uint64, error) {
	ctx, cancel := bind(ctx, s.reading)
	defer cancel()
	e, err := s.edges(ctx)
	if err != nil {
		return 0, fmt.Errorf("head of the log: %w", err)
	}
	return e.Last, nil
}

// Crowded tells that there is no event of the log yet, no prefix that keeps it apart, and events of other programs.
func (s *Store) Crowded(ctx context.Context) (bool, error) {
	ctx, cancel := bind(ctx, s.reading)
	defer cancel()
	e, err := s.edges(ctx)
	if err != nil || e.Last > 0 || s.prefix != "" {
		return false, err
	}
	p := &pages{limit: 2}
	o := s.logRequest(eventstore.Backwards, 0, nil)
	o.FilterOption = &streams.ReadReq_Options_Filter{Filter: s.filter(nil, nil)}
	err = s.page(ctx, o, p)
	return slices.ContainsFunc(p.rows, func(row *streams.ReadResp_ReadEvent_RecordedEvent) bool {
		return string(row.GetStreamIdentifier().GetStreamName()) != namesStream
	}), err
}

// edges finds the log's end. Only what the server's log has taken in since the last time is looked through.
func (s *Store) edges(ctx context.Context) (edges, error) {
	if ctx.Err() != nil {
		return edges{}, ended(ctx)
	}
	known, err := s.noted(ctx)
	if err != nil {
		return edges{}, err
	}
	before := known
	p := &pages{limit: 1}
	if err := s.page(ctx, unfiltered(s.logRequest(eventstore.Backwards, 0, nil)), p); err != nil {
		return edges{}, err
	}
	if len(p.rows) == 0 {
		return edges{}, nil
	}
	row := p.rows[0]
	end := row.GetCommitPosition()
	if end == known.End {
		return known, nil
	}
	if end < known.End { // an older backup was put in its place
		known = edges{}
		s.names.forget()
	}
	_, ours, err := decode(row, s.prefix)
	if err != nil {
		return edges{}, err
	}
	last := end
	if !ours {
		if last, err = s.last(ctx, &known, end); err != nil {
			return edges{}, err
		}
	}
	known.Last, known.End = last, max(end, last)
	s.note(ctx, before, known)
	return known, nil
}

// last looks for the log's last event behind what is known, up to the server's last one or beyond.
func (s *Store) last(ctx context.Context, known *edges, end uint64) (uint64, error) {
	if err := s.learnNames(ctx); err != nil {
		return 0, err
	}
	p := &pages{}
	if known.End > 0 {
		// The server looks through little here, and tells of all that is new where that is little too.
		p.until = end
		err := s.page(ctx, s.logRequest(eventstore.Forwards, known.End, nil), p)
		if err != nil && !misplaced(err) {
			return 0, err
		}
		if err != nil { // another log stands there now
			*known = edges{}
			s.names.forget()
		}
		last := known.Last
		for _, row := range p.rows {
			_, ours, err := decode(row, s.prefix)
			if err != nil {
				return 0, err
			}
			if ours && row.GetCommitPosition() <= end { // what came since may be a part of its batch
				last = row.GetCommitPosition()
			}
		}
		if known.End > 0 && (p.ended || len(p.rows) > 0 && p.rows[len(p.rows)-1].GetCommitPosition() >= end) {
			return last, nil
		}
	}
	p = &pages{}
	for from := uint64(0); ; {
		if err := s.page(ctx, s.logRequest(eventstore.Backwards, from, nil), p); err != nil {
			return 0, err
		}
		for _, row := range p.rows {
			if from = row.GetCommitPosition(); from <= known.End && known.End > 0 {
				return known.Last, nil
			}
			_, ours, err := decode(row, s.prefix)
			if err != nil {
				return 0, err
			}
			if ours {
				return from, nil
			}
		}
		if p.ended {
			return known.Last, nil
		}
	}
}

// note remembers edges, unless others learnt more meanwhile, and marks them at the server where finding them again would
// take it long.
func (s *Store) note(ctx context.Context, before, e edges) {
	s.ends.mu.Lock()
	marked := s.ends.marked
	worth := s.ends.known == before && (e.End > max(e.Last, marked.End)+markEvery || e.First > markEvery && e.First != marked.First)
	if s.ends.known == before {
		s.ends.known = e
	}
	if worth {
		s.ends.marked = e
	}
	s.ends.mu.Unlock()
	if worth {
		// It only saves time: who may not write goes without.
		_ = s.mark(ctx, e)
	}
}

// began notes where the log begins.
func (s *Store) began(ctx context.Context, first uint64) {
	s.ends.mu.Lock()
	before := s.ends.known
	s.ends.mu.Unlock()
	e := before
	e.First = first
	s.note(ctx, before, e)
}

func (s *Store) mark(ctx context.Context, e edges) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	options := &streams.AppendReq_Options{
		StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(markStream + s.prefix)},
		ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
	}
	message := &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id:       wireID(uuid.New()),
		Metadata: map[string]string{keyType: "log.marked", keyContentType: "application/json"},
		Data:     data,
	}}}
	return s.once(ctx, s.config.Timeout, func(ctx context.Context, n *node) error {
		_, err := send(ctx, n.conn, options, []*streams.AppendReq{message})
		return err
	})
}

// noted is what is known already, at first what the log's mark tells. A mark whose last event is not where it says is of a
// log that was changed by hand, and is passed over.
func (s *Store) noted(ctx context.Context) (edges, error) {
	s.ends.mu.Lock()
	known, loaded := s.ends.known, s.ends.loaded
	s.ends.mu.Unlock()
	if loaded {
		return known, nil
	}
	o := readOptions(eventstore.Backwards)
	o.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(markStream + s.prefix)},
		RevisionOption:   &streams.ReadReq_Options_StreamOptions_End{End: &shared.Empty{}},
	}}
	p := &pages{limit: 1}
	switch err := s.page(ctx, o, p); {
	case errors.Is(err, eventstore.ErrNoStream) || err == nil && len(p.rows) == 0:
	case err != nil:
		return edges{}, err
	case json.Unmarshal(p.rows[0].GetData(), &known) != nil:
		known = edges{}
	}
	for _, at := range []uint64{known.First, known.Last} {
		if at == 0 {
			continue
		}
		p = &pages{limit: 1}
		err := s.page(ctx, s.logRequest(eventstore.Forwards, at, nil), p)
		if err != nil && !misplaced(err) {
			return edges{}, err
		}
		if err != nil || len(p.rows) == 0 || p.rows[0].GetCommitPosition() != at {
			known = edges{}
			break
		}
	}
	s.ends.mu.Lock()
	defer s.ends.mu.Unlock()
	if !s.ends.loaded {
		s.ends.loaded, s.ends.known, s.ends.marked = true, known, known
	}
	return s.ends.known, nil
}

// unfiltered asks for what is others' too.
func unfiltered(o *streams.ReadReq_Options) *streams.ReadReq_Options {
	o.FilterOption = &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}}
	return o
}

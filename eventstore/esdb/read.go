package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// The bounds of a page: what is read by one call. No call stays open while a consumer is at work, since the server
// allows a hundred at a time on a connection. The first page is small, for consumers that leave early.
const (
	firstRows = 64
	pageRows  = 4096
	pageBytes = 4 << 20
)

// pages is a read under way. Its rows are those of the last page.
type pages struct {
	rows []*streams.ReadResp_ReadEvent_RecordedEvent
	// ended tells that the server had no more than these rows.
	ended bool
	size  int
	// limit is how many rows are wanted, 0 for all there are. Pages of the log that follow the first one grow all the same:
	// where that held too little, there is much of others' between.
	limit int
	// until ends a page at a position, since the server would go on to the end of its log to fill it. 0 is no such position.
	until uint64
}

// page reads the next rows that a request asks for. The event at which a forward page of the log begins is known already,
// and weighs nothing: behind a large one there is always another.
func (s *Store) page(ctx context.Context, options *streams.ReadReq_Options, p *pages) error {
	switch {
	case p.size > 0:
		p.size = min(4*p.size, pageRows)
	case p.limit > 0:
		p.size = min(p.limit, firstRows)
	default:
		p.size = firstRows
	}
	rows := p.size
	if options.GetStream() != nil && p.limit > 0 {
		rows = min(rows, p.limit)
	}
	timeout := s.config.Timeout
	if options.GetAll() != nil && options.GetNoFilter() == nil {
		timeout = s.config.Search
	}
	from := options.GetAll().GetPosition().GetCommitPosition()
	var wider *streams.ReadResp_ReadEvent_RecordedEvent
	options.CountOption = &streams.ReadReq_Options_Count{Count: uint64(rows)} //nolint:gosec // between 1 and pageRows
	err := s.callFor(ctx, s.config.Patience, timeout, func(ctx context.Context, n *node) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		p.rows, p.ended, wider = p.rows[:0], false, nil
		stream, err := streams.NewStreamsClient(n.conn).Read(ctx, &streams.ReadReq{Options: options})
		if err != nil {
			return failed(err, nil)
		}
		for bytes := 0; len(p.rows) < rows && bytes < pageBytes; {
			answer, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				p.ended = true
				return nil
			}
			if err != nil {
				return failed(err, stream.Trailer())
			}
			if answer.GetStreamNotFound() != nil {
				return eventstore.ErrNoStream
			}
			// Newer servers also tell where the stream begins and ends.
			if e := answer.GetEvent().GetEvent(); e != nil {
				p.rows = append(p.rows, e)
				if e.GetCommitPosition() != from {
					bytes += len(e.GetData())
				}
				if p.until > 0 && e.GetCommitPosition() >= p.until {
					return nil
				}
				if more, err := widens(e, options); more || err != nil {
					wider = e
					return err
				}
			}
		}
		return nil
	})
	if err != nil || wider == nil {
		return err
	}
	return s.widen(ctx, wider) // the next page is asked for by more names
}

func readOptions(d eventstore.Direction) *streams.ReadReq_Options {
	o := &streams.ReadReq_Options{
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
	}
	if d == eventstore.Backwards {
		o.ReadDirection = streams.ReadReq_Options_Backwards
	}
	return o
}

// streamRequest reads a stream from a revision on, inclusive, or from its start or end where that is nil.
func (s *Store) streamRequest(name string, d eventstore.Direction, from *uint64) *streams.ReadReq_Options {
	o := readOptions(d)
	at := &streams.ReadReq_Options_StreamOptions{StreamIdentifier: s.identifier(name)}
	switch {
	case from != nil:
		at.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: *from}
	case d == eventstore.Backwards:
		at.RevisionOption = &streams.ReadReq_Options_StreamOptions_End{End: &shared.Empty{}}
	default:
		at.RevisionOption = &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}}
	}
	o.StreamOption = &streams.ReadReq_Options_Stream{Stream: at}
	return o
}

// logRequest reads the log from a position, which the server takes as inclusive forwards and as exclusive backwards; 0
// is the start or the end.
func (s *Store) logRequest(d eventstore.Direction, from uint64, kinds []string) *streams.ReadReq_Options {
	o := readOptions(d)
	at := &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}
	switch {
	case from > 0:
		at.AllOption = &streams.ReadReq_Options_AllOptions_Position{Position: &streams.ReadReq_Options_Position{CommitPosition: from, PreparePosition: from}}
	case d == eventstore.Backwards:
		at.AllOption = &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}}
	}
	o.StreamOption = &streams.ReadReq_Options_All{All: at}
	o.FilterOption = &streams.ReadReq_Options_Filter{Filter: s.filter(kinds, s.names.prefixes())}
	return o
}

// searchWindow is how many events the server looks through before it tells how far it is.
const searchWindow = 1024

// filter keeps at the server what a reader does not want: the server's own streams, other prefixes and names, or all but some
// kinds. It can't do both at once; decode does the other. A prefix goes first: there can be any number of other logs
// that hold the same kinds. By stream is better than the usual "no event type with $": older servers keep events of
// other types in their own streams. In .NET, where a pattern is read, $ also stands before a last line feed, \z does
// not; RE2 knows both.
func (s *Store) filter(kinds, begins []string) *streams.ReadReq_Options_FilterOptions {
	f := &streams.ReadReq_Options_FilterOptions{
		Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: searchWindow},
		CheckpointIntervalMultiplier: 1,
	}
	byStream := func(e *streams.ReadReq_Options_FilterOptions_Expression) *streams.ReadReq_Options_FilterOptions {
		f.Filter = &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: e}
		return f
	}
	switch {
	case s.prefix != "":
		return byStream(&streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{s.prefix}})
	case len(kinds) == 0 && begins != nil:
		return byStream(&streams.ReadReq_Options_FilterOptions_Expression{Prefix: begins})
	case len(kinds) == 0:
		return byStream(&streams.ReadReq_Options_FilterOptions_Expression{Regex: `^[^$]`})
	}
	quoted := make([]string, len(kinds))
	for i, kind := range kinds {
		quoted[i] = regexp.QuoteMeta(kind)
	}
	f.Filter = &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{
		Regex: `^(?:` + strings.Join(quoted, "|") + `)\z`,
	}}
	return f
}

// ReadStream implements eventstore.Store.
func (s *Store) ReadStream(ctx context.Context, stream string, o eventstore.StreamOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		ctx, cancel := bind(ctx, s.reading)
		defer cancel()
		if err := s.readStream(ctx, stream, o, yield); err != nil {
			yield(events.Envelope{}, fmt.Errorf("read %s: %w", stream, err))
		}
	}
}

func (s *Store) readStream(ctx context.Context, stream string, o eventstore.StreamOptions, yield func(events.Envelope, error) bool) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	// Names that no append takes; the server may not like to be asked for them.
	if stream == "" || len(stream) > eventstore.MaxName || !utf8.ValidString(stream) || strings.IndexByte(stream, 0) >= 0 || s.system(stream) {
		return eventstore.ErrNoStream
	}
	from := o.From
	if from != nil && (o.Direction == eventstore.Backwards || *from > math.MaxInt32) {
		// How servers read from beyond a stream's end differs from one to the other: ask where it is.
		p := &pages{limit: 1}
		if err := s.page(ctx, s.streamRequest(stream, eventstore.Backwards, nil), p); err != nil {
			return err
		}
		if len(p.rows) == 0 {
			return nil
		}
		last := p.rows[0].GetStreamRevision()
		if o.Direction == eventstore.Forwards && *from > last {
			return nil
		}
		first := min(*from, last)
		from = &first
	}
	for p, left := (&pages{}), o.Limit; ; {
		p.limit = max(left, 0)
		if err := s.page(ctx, s.streamRequest(stream, o.Direction, from), p); err != nil {
			return err
		}
		for _, row := range p.rows {
			e, ours, err := decode(row, s.prefix)
			switch {
			case ctx.Err() != nil:
				return ended(ctx)
			case err != nil:
				return err
			case !ours:
				return fmt.Errorf("%w: revision %d was written by another program: give the log a database or a prefix of its own", eventstore.ErrCorrupt, row.GetStreamRevision())
			case !yield(e, nil):
				return nil
			}
		}
		if left -= len(p.rows); p.ended || len(p.rows) == 0 || left == 0 && o.Limit > 0 {
			return nil
		}
		next := p.rows[len(p.rows)-1].GetStreamRevision()
		if o.Direction == eventstore.Backwards {
			if next == 0 {
				return nil
			}
			next--
		} else {
			next++
		}
		from = &next
	}
}

// ReadAll implements eventstore.Store. A position that is not one of an event costs a read from the log's start or end.
func (s *Store) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		ctx, cancel := bind(ctx, s.reading)
		defer cancel()
		if err := s.readAll(ctx, o, yield); err != nil {
			yield(events.Envelope{}, fmt.Errorf("read the log: %w", err))
		}
	}
}

func (s *Store) readAll(ctx context.Context, o eventstore.ReadOptions, yield func(events.Envelope, error) bool) error {
	known, err := s.edges(ctx)
	forwards := o.Direction == eventstore.Forwards
	if err != nil || known.Last == 0 || forwards && o.From >= known.Last {
		return err
	}
	if err := s.learnNames(ctx); err != nil {
		return err
	}
	r := &reading{ctx: ctx, store: s, o: o, at: o.From, cursor: o.From, left: o.Limit, begins: known.First == 0 && o.From == 0 && len(o.Kinds) == 0 && forwards, yield: yield}
	switch {
	case forwards:
		r.cursor = max(r.cursor, known.First)
	case o.From == 0 || o.From > known.Last:
		// The server reads backwards what stands before a position: the last event comes by itself.
		p := &pages{limit: 1}
		if err := s.page(ctx, s.logRequest(eventstore.Forwards, known.Last, nil), p); err != nil {
			return err
		}
		if more, err := r.take(p.rows); !more {
			return err
		}
		r.at, r.cursor = known.Last, known.Last
	}
	p := &pages{}
	if o.Limit > 0 {
		p.limit = o.Limit + 1 // forwards, the server begins with what was there already
	}
	for {
		if forwards {
			p.until = known.Last
		}
		err := s.page(ctx, s.logRequest(o.Direction, r.cursor, o.Kinds), p)
		if err != nil && !r.moved && r.cursor > 0 && misplaced(err) {
			if r.cursor > known.First && forwards {
				r.cursor = known.First
			} else {
				r.cursor = 0
			}
			continue
		}
		if err != nil {
			return err
		}
		r.moved = false
		if more, err := r.take(p.rows); !more {
			return err
		}
		if forwards && r.cursor >= known.Last {
			// More can have come meanwhile.
			if known, err = s.edges(ctx); err != nil || known.Last <= r.cursor {
				return err
			}
			continue
		}
		if p.ended && (!r.moved || !forwards) {
			return nil
		}
	}
}

// reading is a read of the log under way.
type reading struct {
	ctx   context.Context
	store *Store
	o     eventstore.ReadOptions
	yield func(events.Envelope, error) bool
	// at is the last position taken, cursor that of the last row seen.
	at, cursor uint64
	left       int
	// moved tells that the last page brought something, begins that what is yielded next is the log's first event.
	moved, begins bool
}

// take yields what is wanted of a page's rows. It is false where the read is over.
func (r *reading) take(rows []*streams.ReadResp_ReadEvent_RecordedEvent) (bool, error) {
	for _, row := range rows {
		r.cursor = row.GetCommitPosition()
		if r.o.Direction == eventstore.Forwards && r.cursor <= r.at || r.o.Direction == eventstore.Backwards && r.at > 0 && r.cursor >= r.at {
			continue
		}
		r.at, r.moved = r.cursor, true
		e, ours, err := decode(row, r.store.prefix)
		switch {
		case r.ctx.Err() != nil:
			return false, ended(r.ctx)
		case err != nil:
			return false, err
		case !ours, len(r.o.Kinds) > 0 && !slices.Contains(r.o.Kinds, e.Kind):
			continue
		}
		if r.begins {
			r.begins = false
			r.store.began(r.ctx, e.Position)
		}
		if !r.yield(e, nil) {
			return false, nil
		}
		if r.left--; r.left == 0 && r.o.Limit > 0 {
			return false, nil
		}
	}
	return true, nil
}

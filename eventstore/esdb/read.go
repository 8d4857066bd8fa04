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
	"google.golang.org/grpc"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// The bounds of a page: what is read by one call. No call stays open while a consumer is at work, since the server
// allows a hundred at a time on a connection. The first page is small, for consumers that leave early.
const (
	firstRows = 64
	pageRows  = 1024
	pageBytes = 4 << 20
)

// pages is a read under way. Its rows are those of the last page.
type pages struct {
	rows []*streams.ReadResp_ReadEvent_RecordedEvent
	// ended tells that the server had no more than these rows.
	ended bool
	size  int
	// limit is the greatest number of rows of a page, 0 for the usual.
	limit int
}

// page reads the next rows that a request asks for. The event at which a forward page of the log begins is known already,
// and weighs nothing: behind a large one there is always another.
func (s *Store) page(ctx context.Context, options *streams.ReadReq_Options, p *pages) error {
	p.size = min(max(2*p.size, firstRows), pageRows)
	rows := p.size
	if p.limit > 0 {
		rows = min(rows, p.limit)
	}
	from := options.GetAll().GetPosition().GetCommitPosition()
	options.CountOption = &streams.ReadReq_Options_Count{Count: uint64(rows)} //nolint:gosec // between 1 and pageRows
	return s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		p.rows, p.ended = p.rows[:0], false
		stream, err := streams.NewStreamsClient(conn).Read(ctx, &streams.ReadReq{Options: options})
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
			}
		}
		return nil
	})
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
	o.FilterOption = &streams.ReadReq_Options_Filter{Filter: s.filter(kinds)}
	return o
}

// searchWindow is how many events the server looks through before it tells how far it is.
const searchWindow = 1024

// filter keeps at the server what a reader does not want: the server's own streams or other prefixes, or all but some
// kinds. It can't do both at once; decode does the other. A prefix goes first: there can be any number of other logs
// that hold the same kinds. By stream is better than the usual "no event type with $": older servers keep events of
// other types in their own streams. In .NET, where a pattern is read, $ also stands before a last line feed, \z does
// not; RE2 knows both.
func (s *Store) filter(kinds []string) *streams.ReadReq_Options_FilterOptions {
	f := &streams.ReadReq_Options_FilterOptions{
		Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: searchWindow},
		CheckpointIntervalMultiplier: 1,
	}
	byStream := func(e *streams.ReadReq_Options_FilterOptions_Expression) *streams.ReadReq_Options_FilterOptions {
		f.Filter = &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: e}
		return f
	}
	switch {
	case s.config.Prefix != "":
		return byStream(&streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{s.config.Prefix}})
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
			e, ours, err := decode(row, s.config.Prefix)
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
	if ctx.Err() != nil {
		return ended(ctx)
	}
	at, cursor, left := o.From, o.From, o.Limit
	if at > math.MaxInt64 { // no position is
		if o.Direction == eventstore.Forwards {
			return nil
		}
		at, cursor = 0, 0
	}
	beyond := func(position uint64) bool {
		if o.Direction == eventstore.Backwards {
			return at == 0 || position < at
		}
		return position > at
	}
	for p := (&pages{}); ; {
		p.limit = 0
		if o.Limit > 0 {
			p.limit = left + 1 // forwards, the server begins with what was there already
		}
		err := s.page(ctx, s.logRequest(o.Direction, cursor, o.Kinds), p)
		if err != nil && cursor == o.From && cursor > 0 && misplaced(err) {
			if o.Direction == eventstore.Forwards {
				if head, err := s.Head(ctx); err != nil || head <= at {
					return err
				}
			}
			cursor = 0
			continue
		}
		if err != nil {
			return err
		}
		moved := false
		for _, row := range p.rows {
			if cursor = row.GetCommitPosition(); !beyond(cursor) {
				continue
			}
			at, moved = cursor, true
			e, ours, err := decode(row, s.config.Prefix)
			switch {
			case ctx.Err() != nil:
				return ended(ctx)
			case err != nil:
				return err
			case !ours, len(o.Kinds) > 0 && !slices.Contains(o.Kinds, e.Kind):
				continue
			case !yield(e, nil):
				return nil
			}
			if left--; left == 0 && o.Limit > 0 {
				return nil
			}
		}
		// Forwards, only a page with nothing new tells that the end is reached: more can have come since the one before.
		if p.ended && (!moved || o.Direction == eventstore.Backwards) {
			return nil
		}
	}
}

// Head implements eventstore.Store.
func (s *Store) Head(ctx context.Context) (uint64, error) {
	for e, err := range s.ReadAll(ctx, eventstore.ReadOptions{Direction: eventstore.Backwards, Limit: 1}) {
		if err != nil {
			return 0, fmt.Errorf("head of the log: %w", err)
		}
		return e.Position, nil
	}
	return 0, nil
}

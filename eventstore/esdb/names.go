package esdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/eventstore"
)

// namesStream holds what the names of a log's streams begin with, where no prefix keeps the log apart. Who is about to
// write a stream that begins in another way says so there first. So whoever knows what stands there up to a position can
// have the server filter by it up to that position: nothing of the log is passed over, also of what a newer program writes.
const namesStream = "virtuous6-names"

// maxNames is how many beginnings are told apart. With more of them the server is no longer asked to filter by them.
const maxNames = 200

// names is what a store knows of that stream. A log that began before there was such a stream has none.
type names struct {
	mu sync.Mutex
	// begins are the beginnings; every tells that they don't tell the log apart, and there they stay as they are.
	begins map[string]struct{}
	every  bool
	// lost tells that events of it are missing: nobody knows what they said.
	lost bool
	// next is the revision from which the stream is not known.
	next uint64
}

// named is the data of an event of the stream of names.
type named struct {
	Begins []string `json:"begins,omitempty"`
	Every  bool     `json:"every,omitempty"`
}

// beginning is what a stream's name begins with, as far as its first mark: "run-" of "run-1", "run@" of "run@team:1".
func beginning(stream string) string {
	if i := strings.IndexAny(stream, "-@"); i >= 0 {
		return stream[:i+1]
	}
	return stream
}

// prefixes are what the server filters by, nil where every stream may be one of the log's, as far as is known.
func (n *names) prefixes() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.every || n.lost || n.next == 0 {
		return nil
	}
	return append(slices.Sorted(maps.Keys(n.begins)), namesStream)
}

// covers tells that a stream's beginning was said, or need not be.
func (n *names) covers(stream string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, known := n.begins[beginning(stream)]
	return n.every || known
}

// heard is what an event of the stream of names holds.
func heard(row *streams.ReadResp_ReadEvent_RecordedEvent) (out named, err error) {
	if err := json.Unmarshal(row.GetData(), &out); err != nil {
		return out, fmt.Errorf("%w: event %d of %s can't be read (%w): someone else wrote it; restore a backup", eventstore.ErrCorrupt, row.GetStreamRevision(), namesStream, err)
	}
	return out, nil
}

// learn takes in the next event of the stream of names.
func (n *names) learn(row *streams.ReadResp_ReadEvent_RecordedEvent) error {
	said, err := heard(row)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if row.GetStreamRevision() != n.next {
		return nil // another reader was faster
	}
	n.next++
	for _, begins := range said.Begins {
		if n.begins == nil {
			n.begins = map[string]struct{}{}
		}
		n.begins[begins] = struct{}{}
	}
	n.every = n.every || said.Every
	return nil
}

func (n *names) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begins, n.every, n.lost, n.next = nil, false, false, 0
}

// lose takes in that events are missing before a revision.
func (n *names) lose(before uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost, n.next = true, max(n.next, before)
}

// widens tells that a row of the log names what the server was not asked for: what it sends behind that may lack something.
func widens(row *streams.ReadResp_ReadEvent_RecordedEvent, asked *streams.ReadReq_Options) (bool, error) {
	begins := asked.GetFilter().GetStreamIdentifier().GetPrefix()
	if !slices.Contains(begins, namesStream) || string(row.GetStreamIdentifier().GetStreamName()) != namesStream {
		return false, nil
	}
	said, err := heard(row)
	return err == nil && (said.Every || slices.ContainsFunc(said.Begins, func(b string) bool { return !slices.Contains(begins, b) })), err
}

// widen has the server asked for what a row names, from now on.
func (s *Store) widen(ctx context.Context, row *streams.ReadResp_ReadEvent_RecordedEvent) error {
	if err := s.names.learn(row); err != nil {
		return err
	}
	return s.learnNames(ctx)
}

// learnNames reads what is new in the stream of names.
func (s *Store) learnNames(ctx context.Context) error {
	if s.prefix != "" {
		return nil
	}
	for p := (&pages{}); ; {
		s.names.mu.Lock()
		from, every := s.names.next, s.names.every
		s.names.mu.Unlock()
		if every {
			return nil
		}
		o := readOptions(eventstore.Forwards)
		o.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(namesStream)},
			RevisionOption:   &streams.ReadReq_Options_StreamOptions_Revision{Revision: from},
		}}
		switch err := s.page(ctx, o, p); {
		case errors.Is(err, eventstore.ErrNoStream):
			return nil
		case err != nil:
			return err
		}
		for _, row := range p.rows {
			if revision := row.GetStreamRevision(); revision != from {
				s.names.lose(revision)
				from = revision
			}
			from++
			if err := s.names.learn(row); err != nil {
				return err
			}
		}
		if p.ended || len(p.rows) == 0 {
			return nil
		}
	}
}

// sayName sees to it that a stream's beginning stands in the stream of names before an event of it stands in the log.
func (s *Store) sayName(ctx context.Context, stream string) error {
	if s.prefix != "" || s.names.covers(stream) {
		return nil
	}
	for {
		if err := s.learnNames(ctx); err != nil || s.names.covers(stream) {
			return err
		}
		s.names.mu.Lock()
		next, many := s.names.next, len(s.names.begins) >= maxNames || s.names.lost
		s.names.mu.Unlock()
		said := named{Begins: []string{beginning(stream)}}
		switch {
		case many:
			said = named{Every: true}
		case next == 0:
			known, err := s.edges(ctx)
			if err != nil {
				return err
			}
			if known.Last > 0 { // what stands there was written without a word
				said = named{Every: true}
			}
		}
		taken, err := s.say(ctx, next, said)
		if err == nil && !taken {
			err = s.hear(ctx, next)
		}
		if err != nil {
			return fmt.Errorf("say what streams the log has: %w", err)
		}
	}
}

// hear waits for what somebody else has said: what the server refuses an append for may show to readers a moment later.
func (s *Store) hear(ctx context.Context, next uint64) error {
	more, err := s.patiently(ctx, func() (bool, error) {
		if err := s.learnNames(ctx); err != nil {
			return false, err
		}
		s.names.mu.Lock()
		defer s.names.mu.Unlock()
		return s.names.next != next || s.names.every, nil
	})
	if err == nil && !more {
		err = fmt.Errorf("%w: the server refuses revision %d of %s, and shows nothing there: events of it were deleted, or its metadata limits it by $maxAge, $maxCount or $tb; a log keeps all, so take that back", eventstore.ErrCorrupt, next, namesStream)
	}
	return err
}

// say appends to the stream of names. It is not taken where somebody else did so meanwhile.
func (s *Store) say(ctx context.Context, next uint64, said named) (taken bool, err error) {
	data, err := json.Marshal(said)
	if err != nil {
		return false, err
	}
	options := &streams.AppendReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(namesStream)}}
	options.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
	if next > 0 {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: next - 1}
	}
	message := &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id:       wireID(uuid.New()),
		Metadata: map[string]string{keyType: "log.named", keyContentType: "application/json"},
		Data:     data,
	}}}
	err = s.call(ctx, func(ctx context.Context, n *node) error {
		answer, err := send(ctx, n.conn, options, []*streams.AppendReq{message})
		taken = answer.GetSuccess() != nil
		return err
	})
	return taken, err
}

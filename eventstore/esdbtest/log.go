package esdbtest

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

// record is an event in the log.
type record struct {
	id       uuid.UUID
	stream   string
	revision uint64
	position uint64
	metadata map[string]string
	created  string
	custom   []byte
	data     []byte
}

func (r *record) kind() string { return r.metadata["type"] }

// log is what one server stores. Its user holds the server's lock.
type log struct {
	records []*record
	streams map[string][]*record
	// deleted are streams that only the log still shows. What an append to one gives is left out.
	deleted map[string]bool
	// cached are the ids that the server would still hold in its cache of committed events.
	cached map[uuid.UUID]*record
	end    uint64
	clock  func() time.Time
}

func newLog(clock func() time.Time) *log {
	l := &log{streams: make(map[string][]*record), deleted: make(map[string]bool), cached: make(map[uuid.UUID]*record), clock: clock}
	l.system("$users", "$User")
	l.system("$settings", "$>settings")
	return l
}

// system writes an event of the server's own, such as every server has between those of its users.
func (l *log) system(stream, kind string) {
	l.write(stream, []*record{{id: uuid.New(), metadata: map[string]string{"type": kind, "content-type": "application/json"}, data: []byte("{}")}})
}

// write appends without a check. A position is the offset of the record in the log's file, so that there are gaps.
func (l *log) write(stream string, batch []*record) {
	created := strconv.FormatInt(l.clock().UnixNano()/100, 10)
	for _, r := range batch {
		r.stream, r.revision, r.position, r.created = stream, uint64(len(l.streams[stream])), l.end, created
		l.end += uint64(64 + len(stream) + len(r.kind()) + len(r.data) + len(r.custom))
		l.records = append(l.records, r)
		l.streams[stream] = append(l.streams[stream], r)
		l.cached[r.id] = r
	}
}

// expectation is an expected revision, or one of the constants, which have the server's own numbers.
type expectation int64

const (
	noStream     expectation = -1
	anyRevision  expectation = -2
	streamExists expectation = -4
)

// decision is how the server judges an append.
type decision int

const (
	take decision = iota
	wrong
	repeat
)

// decide follows the server's check of a commit: with any revision a batch is a repeat if its ids are cached for the
// stream, with a revision if it stands right behind that.
func (l *log) decide(stream string, expected expectation, batch []*record) (d decision, last uint64) {
	of := l.streams[stream]
	current := expectation(len(of)) - 1
	switch {
	case expected == streamExists && len(of) == 0:
		return wrong, 0
	case expected == streamExists || expected == anyRevision:
		for i, r := range batch {
			old := l.cached[r.id]
			if (old == nil || old.stream != stream) && i == 0 {
				return take, 0
			}
			if old == nil || old.stream != stream {
				return wrong, 0
			}
			last = old.revision
		}
		if len(batch) == 0 {
			return take, 0
		}
		return repeat, last
	case expected < current:
		for i, r := range batch {
			at := int(expected) + 1 + i
			if at >= len(of) || of[at].id != r.id {
				return wrong, 0
			}
			last = uint64(at)
		}
		if len(batch) == 0 {
			return wrong, 0
		}
		return repeat, last
	case expected > current:
		return wrong, 0
	}
	return take, 0
}

// boundary tells whether a record begins at a position. The server can read from nowhere else.
func (l *log) boundary(position uint64) bool {
	_, found := l.search(position)
	return found || position == l.end
}

// search is the index of the first record at or behind a position.
func (l *log) search(position uint64) (int, bool) {
	return slices.BinarySearchFunc(l.records, position, func(r *record, p uint64) int {
		switch {
		case r.position < p:
			return -1
		case r.position > p:
			return 1
		}
		return 0
	})
}

// forget empties the cache of ids, as a restart or a million other events do.
func (l *log) forget() { clear(l.cached) }

// filter is a server-side filter; nil lets all pass.
type filter struct {
	byKind   bool
	prefixes []string
	regex    *regexp.Regexp
}

type expression interface {
	GetRegex() string
	GetPrefix() []string
}

func newFilter(kind, stream expression, byKind bool) (*filter, error) {
	e := stream
	if byKind {
		e = kind
	}
	f := &filter{byKind: byKind, prefixes: e.GetPrefix()}
	if e.GetRegex() == "" {
		return f, nil
	}
	var err error
	f.regex, err = regexp.Compile(e.GetRegex())
	return f, err
}

func (f *filter) passes(r *record) bool {
	if f == nil {
		return true
	}
	text := r.stream
	if f.byKind {
		text = r.kind()
	}
	if f.regex != nil {
		return f.regex.MatchString(text)
	}
	return slices.ContainsFunc(f.prefixes, func(p string) bool { return strings.HasPrefix(text, p) })
}

func (r *record) wire() *streams.ReadResp_ReadEvent_RecordedEvent {
	metadata := maps.Clone(r.metadata)
	metadata["created"] = r.created
	return &streams.ReadResp_ReadEvent_RecordedEvent{
		Id:               wireID(r.id),
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.stream)},
		StreamRevision:   r.revision,
		CommitPosition:   r.position,
		PreparePosition:  r.position,
		Metadata:         metadata,
		CustomMetadata:   bytes.Clone(r.custom),
		Data:             bytes.Clone(r.data),
	}
}

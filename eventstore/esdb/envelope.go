package esdb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// metadata is what an event of ours carries beside its data, as JSON. The names with a $ are those that the server's
// own projections and its UI know.
type metadata struct {
	Version     int    `json:"version"`
	OccurredAt  string `json:"occurred_at"` // RFC 3339 in UTC with nanoseconds
	Causation   string `json:"$causationId,omitempty"`
	Correlation string `json:"$correlationId,omitempty"`
	Actor       string `json:"actor,omitempty"`
	Workspace   string `json:"workspace,omitempty"`
	// Prefix is the log's, so that no other one takes the event for its own, whose prefix is shorter or none.
	Prefix string `json:"prefix,omitempty"`
}

// The keys of what the server keeps beside an event.
const (
	keyType        = "type"
	keyContentType = "content-type"
	keyCreated     = "created" // 100 ns since 1970
)

func encode(e *events.Envelope, prefix string) (*streams.AppendReq, error) {
	m := metadata{
		Version:     e.Version,
		OccurredAt:  e.OccurredAt.UTC().Format(time.RFC3339Nano),
		Correlation: e.Correlation,
		Actor:       e.Actor,
		Workspace:   e.Workspace,
		Prefix:      prefix,
	}
	if e.Causation != uuid.Nil {
		m.Causation = e.Causation.String()
	}
	custom, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the metadata of %s: %w", e.ID, err)
	}
	// The server's UI and projections read what is called JSON as such, so nothing else may be called so.
	content := "application/octet-stream"
	if json.Valid(e.Data) {
		content = "application/json"
	}
	return &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id:             wireID(e.ID),
		Metadata:       map[string]string{keyType: e.Kind, keyContentType: content},
		CustomMetadata: custom,
		Data:           append([]byte{}, e.Data...),
	}}}, nil
}

func wireID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])), //nolint:gosec // the bits matter, not the number
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])), //nolint:gosec // likewise
	}}}
}

func readID(wire *shared.UUID) (id uuid.UUID, err error) {
	if s := wire.GetStructured(); s != nil {
		binary.BigEndian.PutUint64(id[:8], uint64(s.GetMostSignificantBits()))  //nolint:gosec // the bits matter, not the number
		binary.BigEndian.PutUint64(id[8:], uint64(s.GetLeastSignificantBits())) //nolint:gosec // likewise
		return id, nil
	}
	return uuid.Parse(wire.GetString_())
}

// decode is false for an event that is not of this log: the server's own, one of another program, or of another
// prefix. It returns ErrCorrupt for one of ours that does not hold what encode writes.
func decode(r *streams.ReadResp_ReadEvent_RecordedEvent, prefix string) (e events.Envelope, ours bool, err error) {
	name, inLog := strings.CutPrefix(string(r.GetStreamIdentifier().GetStreamName()), prefix)
	kind := r.GetMetadata()[keyType]
	if !inLog || prefix == "" && strings.HasPrefix(name, "$") || strings.HasPrefix(kind, "$") {
		return e, false, nil
	}
	var m metadata
	if json.Unmarshal(r.GetCustomMetadata(), &m) != nil || m.Version < 1 || m.OccurredAt == "" || m.Prefix != prefix {
		return e, false, nil
	}
	corrupt := func(what string, err error) (events.Envelope, bool, error) {
		return events.Envelope{}, false, fmt.Errorf("%w: event %d of stream %s at position %d has no readable %s (%w): someone else wrote or changed it; restore a backup", eventstore.ErrCorrupt, r.GetStreamRevision(), name, r.GetCommitPosition(), what, err)
	}
	e = events.Envelope{
		Stream:      name,
		Revision:    r.GetStreamRevision(),
		Position:    r.GetCommitPosition(),
		Kind:        kind,
		Version:     m.Version,
		Correlation: m.Correlation,
		Actor:       m.Actor,
		Workspace:   m.Workspace,
		Data:        r.GetData(),
	}
	if e.ID, err = readID(r.GetId()); err != nil {
		return corrupt("id", err)
	}
	if m.Causation != "" {
		if e.Causation, err = uuid.Parse(m.Causation); err != nil {
			return corrupt("$causationId", err)
		}
	}
	occurred, err := time.Parse(time.RFC3339Nano, m.OccurredAt)
	if err != nil {
		return corrupt("occurred_at", err)
	}
	e.OccurredAt = occurred.UTC()
	ticks, err := strconv.ParseInt(r.GetMetadata()[keyCreated], 10, 64)
	if err != nil {
		return corrupt("time of its recording", err)
	}
	e.RecordedAt = time.Unix(ticks/1e7, ticks%1e7*100).UTC()
	return e, true, nil
}

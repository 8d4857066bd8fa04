package esdbtest

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Stored is an event as a node keeps it, and Custom the metadata that came with it.
type Stored struct {
	ID           uuid.UUID
	Stream       string
	Revision     uint64
	Custom, Data []byte

	metadata map[string]string
}

// Tamper has someone write anew what is stored, behind the back of every client. Revisions stay as they are given;
// positions follow from the order, since the server's own events between them are gone.
func (s *Server) Tamper(change func(all []Stored) []Stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Stored
	for _, r := range s.log.records {
		if !strings.HasPrefix(r.stream, "$") {
			all = append(all, Stored{ID: r.id, Stream: r.stream, Revision: r.revision, Custom: r.custom, Data: r.data, metadata: r.metadata})
		}
	}
	s.log = newLog(s.config.Clock)
	for _, e := range change(all) {
		r := &record{id: e.ID, metadata: e.metadata, custom: e.Custom, data: e.Data}
		s.log.write(e.Stream, []*record{r})
		r.revision = e.Revision
	}
	s.grown.Wake()
}

// Share has another program write n events, without metadata, into streams of its own.
func (s *Server) Share(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data := []byte(`{"order":"` + strings.Repeat("x", 100) + `"}`)
	kind := map[string]string{"type": "order.placed", "content-type": "application/json"}
	const size = 500
	for ; n > 0; n -= size {
		batch := make([]*record, min(n, size))
		for i := range batch {
			batch[i] = &record{id: uuid.New(), metadata: kind, data: data}
		}
		s.log.write(fmt.Sprintf("order-%d", len(s.log.records)/size), batch)
	}
	s.grown.Wake()
}

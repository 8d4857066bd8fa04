package storetest

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// readBrief reads in each way with and without what Brief and Dataless leave out: what is left out is empty or right, the
// rest is the same.
func (s *suite) readBrief(t *testing.T, ctx context.Context) {
	store := s.open(t)
	log := mixed(t, ctx, store, 20)
	for _, o := range []eventstore.ReadOptions{
		{},
		{From: log[2].Position, Limit: 4},
		{Direction: eventstore.Backwards},
		{Direction: eventstore.Backwards, From: log[6].Position, Limit: 3},
		{Kinds: []string{"kind.1", "kind.2"}},
		{Direction: eventstore.Backwards, Kinds: []string{"kind.1"}, Limit: 2},
	} {
		want := all(t, ctx, store, o)
		for _, brief := range []bool{true, false} {
			for _, dataless := range [][]string{nil, {"kind.2"}, {"kind.1", "kind.none", "kind.\x00\xff"}} {
				o.Brief, o.Dataless = brief, dataless
				got := all(t, ctx, store, o)
				if len(want) == 0 || len(got) != len(want) {
					t.Fatalf("%+v yields %d events, without either %d", o, len(got), len(want))
				}
				for i := range got {
					if len(got[i].Data) == 0 && slices.Contains(dataless, got[i].Kind) {
						got[i].Data = want[i].Data
					}
					if !briefly(got[i], want[i]) || !brief && got[i].ID != want[i].ID {
						t.Errorf("%+v yields %+v, want %+v", o, got[i], want[i])
					}
				}
			}
		}
	}
}

// briefly tells whether a brief envelope is that of an event.
func briefly(got, want events.Envelope) bool {
	return got.Position == want.Position && got.Stream == want.Stream && got.Revision == want.Revision && got.Kind == want.Kind &&
		got.Version == want.Version && got.OccurredAt.Equal(want.OccurredAt) && got.Workspace == want.Workspace && got.Actor == want.Actor &&
		bytes.Equal(got.Data, want.Data) &&
		(got.ID == want.ID || got.ID == uuid.Nil) && (got.Causation == want.Causation || got.Causation == uuid.Nil) &&
		(got.Correlation == want.Correlation || got.Correlation == "") &&
		(got.RecordedAt.Equal(want.RecordedAt) || got.RecordedAt.IsZero())
}

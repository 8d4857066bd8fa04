package esdb

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// What a caller gave up is a gap that nothing behind it in its chain may jump.
func TestAWithdrawnSubmissionBreaksItsChain(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	batch := func() []events.Envelope {
		return []events.Envelope{{ID: uuid.New(), Kind: "k", Version: 1, OccurredAt: time.Unix(1, 0), Data: []byte("{}")}}
	}
	server.Silence(true)
	var chain eventstore.Chain
	first := s.Submit(t.Context(), &chain, "a", eventstore.Any, batch())
	ctx, cancel := context.WithCancel(t.Context())
	second := s.Submit(ctx, &chain, "b", eventstore.Any, batch())
	third := s.Submit(t.Context(), &chain, "c", eventstore.Any, batch())
	for { // until the first is on its way
		s.mu.Lock()
		n := len(s.chains[&chain])
		s.mu.Unlock()
		if n == 2 {
			break
		}
	}
	cancel()
	if _, err := second(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	server.Silence(false)
	_, _ = first()
	if _, err := third(); !errors.Is(err, eventstore.ErrBroken) {
		t.Errorf("what followed a withdrawn submission: %v", err)
	}
}

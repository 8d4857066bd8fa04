package main

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// What an import took and the read models can't show is told, and only that.
func TestWhatIsTakenAndCannotBeShownIsCounted(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{out: &out, err: &out, flags: &verbs{Store: "sqlite:" + filepath.Join(t.TempDir(), "log.db")}, clock: time.Now, ids: orchestrator.NewID}
	if err := a.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close() })
	unread := events.Envelope{ID: a.ids(), Stream: "run-r", Kind: "run.started", Version: 99, OccurredAt: time.Now(), Data: []byte("{}")}
	at, err := a.store.Append(t.Context(), unread.Stream, eventstore.NoStream, []events.Envelope{unread})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for since, want := range map[uint64]int{0: 1, at.Position: 0} {
		if got, err := a.parkedSince(t.Context(), since); err != nil || got != want {
			t.Errorf("since position %d: %d, %v, want %d", since, got, err, want)
		}
	}
}

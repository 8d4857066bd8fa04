package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// An append says which revision it was decided on. Another one's append in between is a conflict, the same one again is not.
func ExampleStore() {
	ctx, noon := context.Background(), time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	store := eventstore.NewMemory(func() time.Time { return noon })
	defer func() { _ = store.Close() }()
	fact := func(name string, e events.Event) events.Envelope {
		kind, version, data, err := events.Encode(e)
		if err != nil {
			panic(err)
		}
		return events.Envelope{ID: events.NameID(noon, name), Kind: kind, Version: version, Data: data, OccurredAt: noon, Actor: "user:anna"}
	}
	started := []events.Envelope{fact("start", events.RunStarted{Run: "r1"})}
	at, err := store.Append(ctx, "run-r1", eventstore.NoStream, started)
	fmt.Println(at.Revision, err)
	at, err = store.Append(ctx, "run-r1", eventstore.NoStream, started)
	fmt.Println(at.Revision, err)
	_, err = store.Append(ctx, "run-r1", eventstore.NoStream, []events.Envelope{fact("end", events.RunFailed{Error: "no"})})
	fmt.Println(errors.Is(err, eventstore.ErrConflict))
	// Output:
	// 0 <nil>
	// 0 <nil>
	// true
}

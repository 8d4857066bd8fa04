package events_test

import (
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// A fact is encoded once, under the kind that it has for ever, and decoded by any later program.
func ExampleEncode() {
	kind, version, data, err := events.Encode(events.RunFinished{Outcome: events.Succeeded, Answer: "42"})
	if err != nil {
		panic(err)
	}
	fmt.Println(kind, version, string(data))
	fact, err := events.Decode(events.Envelope{Kind: kind, Version: version, Data: data})
	if err != nil {
		panic(err)
	}
	fmt.Println(fact.(events.RunFinished).Answer)
	// Output:
	// run.finished 1 {"outcome":"succeeded","answer":"42"}
	// 42
}

// The id of what comes of a thing derives from it, so that doing it again is a repeat.
func ExampleDeriveID() {
	parent := events.NameID(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), "a delivery")
	first, second := events.DeriveID(parent, 0), events.DeriveID(parent, 1)
	fmt.Println(first == second, first == events.DeriveID(parent, 0))
	// Output: false true
}

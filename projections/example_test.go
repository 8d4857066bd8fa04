package projections_test

import (
	"context"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Read models are folded from entries of the log, a batch at a time, and read through one Reader.
func ExampleOpen() {
	ctx, noon := context.Background(), time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	models, err := projections.Open(ctx, readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		panic(err)
	}
	defer func() { _ = models.Close() }()
	var batch []readmodel.Entry
	for i, fact := range []events.Event{
		events.RunStarted{Run: "r1", Workflow: "checkout"},
		events.RunFinished{Outcome: events.Succeeded, Answer: "Done."},
	} {
		batch = append(batch, readmodel.Entry{Event: fact, Envelope: events.Envelope{
			ID: events.NameID(noon, fmt.Sprint(i)), Stream: "run-r1", Revision: uint64(i), Position: uint64(i + 1), Kind: fact.Kind(),
			OccurredAt: noon.Add(time.Duration(i) * time.Second), Correlation: "r1",
		}})
	}
	if err := models.Apply(ctx, 0, batch); err != nil {
		panic(err)
	}
	run, _, err := models.Run(ctx, "r1")
	if err != nil {
		panic(err)
	}
	fmt.Println(run.Workflow, run.Outcome, time.Duration(run.DurationNS))
	// Output: checkout succeeded 1s
}

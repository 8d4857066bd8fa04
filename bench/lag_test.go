package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// lagTime is how long one measurement of the lag lasts.
const lagTime = 4 * time.Second

// lags measures how long after the acknowledgement of its append a run can be read.
func lags(b *testing.B, e engine, t *table) {
	for _, perSecond := range []int{200, 1000} {
		latencies := lag(b, e, perSecond)
		r := row{name: fmt.Sprintf("projection lag at %d/s", perSecond), note: fmt.Sprintf("%d appends", len(latencies))}
		r.p50, r.p99 = quantiles(latencies)
		t.rows = append(t.rows, r)
	}
}

type acknowledged struct {
	position uint64
	at       time.Time
}

func lag(b *testing.B, e engine, perSecond int) (latencies []time.Duration) {
	place := e.place(b)
	store, models := e.log(b, place), e.models(b, place, readmodel.Options{})
	defer store.Close()
	defer models.Close()
	ctx, cancel := context.WithCancel(b.Context())
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	wait.Go(func() {
		if err := replay.Pump(ctx, store, models, models.Apply, nil); err != nil {
			b.Error(err)
		}
	})
	acks := make(chan acknowledged, 1<<16)
	wait.Go(func() {
		defer close(acks)
		began := time.Now()
		for i := range perSecond * int(lagTime/time.Second) {
			time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))))
			run := fmt.Sprint("r", i)
			kind, version, data, err := events.Encode(events.RunStarted{Run: run, Workflow: "bench"})
			if err != nil {
				b.Error(err)
				return
			}
			at, err := store.Append(ctx, "run-"+run, eventstore.NoStream, []events.Envelope{{
				ID: orchestrator.NewID(), Kind: kind, Version: version, Data: data, OccurredAt: time.Now(), Correlation: run, Actor: "user:bench",
			}})
			if err != nil {
				b.Error(err)
				return
			}
			acks <- acknowledged{at.Position, time.Now()}
		}
	})
	visible, seen := uint64(0), time.Now()
	for a := range acks {
		for visible < a.position {
			var err error
			if visible, err = models.Position(ctx); err != nil {
				b.Fatal(err)
			}
			if seen = time.Now(); visible < a.position {
				time.Sleep(100 * time.Microsecond)
			}
		}
		latencies = append(latencies, max(seen.Sub(a.at), 0))
	}
	return latencies
}

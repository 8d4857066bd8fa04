package bench

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/readmodel"
)

// looks measures what one look of all analysts takes over logs of each size, and the greatest heap meanwhile. What they propose
// goes into a log of its own.
func looks(b *testing.B, e engine, t *table) {
	for _, size := range sizesWanted(b) {
		place := t.history(b, e, size)
		store, models := e.log(b, place), e.models(b, place, readmodel.Options{})
		rebuilt(b, store, models)
		var took []time.Duration
		var heap, made uint64
		alternate(*rounds, func() sample {
			aside := eventstore.NewMemory(time.Now)
			defer aside.Close()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			watch := watchHeap()
			s := measure(func() int {
				_, err := orchestrator.Analyze(b.Context(), models, "", newDispatcher(aside).Dispatch, time.Now, analysts.Configured(analysts.Options{Workers: runtime.GOMAXPROCS(0)}))
				must(b, err)
				return size
			})
			heap = max(heap, watch()-min(before.HeapAlloc, heap))
			runtime.ReadMemStats(&after)
			made = after.TotalAlloc - before.TotalAlloc
			took = append(took, s.wall)
			return s
		})
		r := row{name: fmt.Sprintf("a look of all analysts at %d", size), p50: slices.Sorted(slices.Values(took))[len(took)/2], p99: slices.Max(took)}
		r.note = fmt.Sprintf("greatest heap %d MB, allocated %d MB", heap>>20, made>>20)
		t.rows = append(t.rows, r)
		must(b, store.Close())
		must(b, models.Close())
	}
}

// watchHeap begins to look how much memory is in use, until what it returns is called, which tells the most that was seen.
func watchHeap() (most func() uint64) {
	stop, seen := make(chan struct{}), make(chan uint64)
	go func() {
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		objects := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		var greatest uint64
		for {
			metrics.Read(objects)
			greatest = max(greatest, objects[0].Value.Uint64())
			select {
			case <-stop:
				seen <- greatest
				return
			case <-ticker.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		return <-seen
	}
}

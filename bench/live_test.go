package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/readmodel"
)

// dispatches measures commands on one stream beside commands on as many as there are writers, and on a long stream beside a
// short one.
func dispatches(b *testing.B, e engine, t *table) {
	const writers, each = 32, 60
	round := func(streams int) func() sample {
		return func() sample {
			store := e.log(b, e.place(b))
			defer store.Close()
			d := newDispatcher(store)
			for i := range streams {
				openTask(b, d, fmt.Sprint("t", i))
			}
			return measure(func() int {
				var wait sync.WaitGroup
				for w := range writers {
					wait.Go(func() {
						for i := range each {
							noteTask(b, d, fmt.Sprint("t", w%streams), fmt.Sprint(w, " ", i))
						}
					})
				}
				wait.Wait()
				return writers * each
			})
		}
	}
	taken := alternate(*rounds, round(writers), round(1))
	t.rows = append(t.rows, row{
		name: "dispatch, 32 writers: one stream / own streams", raw: median(taken[0], sample.perSecond), ours: median(taken[1], sample.perSecond), target: .5,
	})
	at := func(length int) func() sample {
		store := e.log(b, e.place(b))
		b.Cleanup(func() { must(b, store.Close()) })
		d := newDispatcher(store)
		openTask(b, d, "t")
		for n := 0; n < length; {
			var batch []commands.Command
			for ; len(batch) < 500 && n < length; n++ {
				batch = append(batch, commands.UpdateTask{Meta: newMeta(), Task: "t", Note: fmt.Sprint(n)})
			}
			_, err := d.Dispatch(b.Context(), batch...)
			must(b, err)
		}
		return func() sample {
			return measure(func() int {
				for i := range 200 {
					noteTask(b, d, "t", fmt.Sprint("again ", i, " ", time.Now().UnixNano()))
				}
				return 200
			})
		}
	}
	taken = alternate(*rounds, at(20), at(50_000))
	t.rows = append(t.rows, row{
		name: "dispatch on a stream of 50,000 / of 20", raw: median(taken[0], sample.perSecond), ours: median(taken[1], sample.perSecond), target: .5,
	})
}

func newDispatcher(store eventstore.Store) *orchestrator.Dispatcher {
	return orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
}

func newMeta() commands.Meta {
	return commands.Meta{ID: orchestrator.NewID(), At: time.Now(), Actor: "user:bench"}
}

func openTask(b *testing.B, d *orchestrator.Dispatcher, task string) {
	_, err := d.Dispatch(b.Context(), commands.OpenTask{Meta: newMeta(), Task: task, Workflow: "bench", Title: "Do it"})
	must(b, err)
}

func noteTask(b *testing.B, d *orchestrator.Dispatcher, task, note string) {
	if _, err := d.Dispatch(b.Context(), commands.UpdateTask{Meta: newMeta(), Task: task, Note: note}); err != nil {
		b.Error(err)
	}
}

// modelTime is how long the model of the paced runs takes: what is measured is what comes on top.
const modelTime = 50 * time.Millisecond

// steady is a model that takes modelTime.
type steady struct{}

func (steady) Chat(ctx context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	timer := time.NewTimer(modelTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return agents.Answer{}, ctx.Err()
	}
	return agents.Answer{Message: events.Message{Role: "assistant", Content: "Done."}, Model: r.Model, FinishReason: "stop"}, nil
}

// paces asks for runs in an open loop, and measures what a run takes from the asking to its recorded end, less what the bare calls take
// at the same pace: each quantile less that of theirs. Beside it stands what the log alone adds: calls with a run's appends
// around them, and nothing else.
func paces(b *testing.B, e engine, t *table) {
	for _, perSecond := range []int{50, 200, 500} {
		none := func(string, int, int) {}
		bare50, bare99 := quantiles(calls(b.Context(), perSecond, none))
		log50, log99 := quantiles(logged(b, e, perSecond))
		latencies := pace(b, e, perSecond)
		r := row{
			name: fmt.Sprintf("added to a call of %s at %d runs/s", modelTime, perSecond),
			note: fmt.Sprintf("%d runs; bare calls: %s, %s; the log alone adds %s, %s", len(latencies), latency(bare50), latency(bare99), latency(log50-bare50), latency(log99-bare99)),
		}
		r.p50, r.p99 = quantiles(latencies)
		r.p50, r.p99 = r.p50-bare50, r.p99-bare99
		t.rows = append(t.rows, r)
	}
}

// logged makes the calls with the appends of a run around them, each behind the one before: it was started, it was assigned, and
// with the answer it has ended.
func logged(b *testing.B, e engine, perSecond int) []time.Duration {
	store := e.log(b, e.place(b))
	defer store.Close()
	return calls(b.Context(), perSecond, func(stream string, revision, n int) {
		expected := eventstore.NoStream
		if revision > 0 {
			expected = eventstore.Exactly(uint64(revision - 1))
		}
		if _, err := store.Append(b.Context(), stream, expected, newEvents(n)); err != nil {
			b.Error(err)
		}
	})
}

// calls makes calls at a pace, with what add appends to a stream each: n events behind a revision.
func calls(ctx context.Context, perSecond int, add func(stream string, revision, n int)) []time.Duration {
	latencies := make([]time.Duration, perSecond*int(lagTime/time.Second))
	var wait sync.WaitGroup
	start := time.Now()
	for i := range latencies {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		wait.Go(func() {
			stream := fmt.Sprint("run-", i)
			add(stream, 0, 1)
			add(stream, 1, 1)
			_, _ = steady{}.Chat(ctx, agents.Request{}, nil)
			add(stream, 2, 2)
			latencies[i] = time.Since(due)
		})
	}
	wait.Wait()
	return latencies
}

// warmRuns is how many runs at 50 a second go before those that count: connections are opened and statements prepared by then.
const warmRuns = 50

func pace(b *testing.B, e engine, perSecond int) (latencies []time.Duration) {
	place := e.place(b)
	store, models := e.log(b, place), e.models(b, place, readmodel.Options{})
	defer store.Close()
	defer models.Close()
	ctx, cancel := context.WithCancel(b.Context())
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	d := newDispatcher(store)
	runs := orchestrator.Runs{Store: store, Dispatch: d.Dispatch, Agents: d, Models: models}
	must(b, runs.Prepare(ctx, newMeta()))
	wait.Go(func() {
		err := orchestrator.New(orchestrator.Config{
			Store: store, Models: models, Dispatch: d.Dispatch, Agents: d, Runner: agents.Runner{Model: steady{}}, Model: events.ScriptedModel, SealEvery: -1,
		}).Run(ctx)
		if err != nil {
			b.Error(err)
		}
	})
	warm := warmRuns * perSecond / 50
	asked := warm + perSecond*int(lagTime/time.Second)
	began := make([]time.Time, asked)
	ended := make(chan int, asked)
	head, err := store.Head(ctx)
	must(b, err)
	wait.Go(func() {
		for m, err := range store.Subscribe(ctx, head) {
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				b.Error(err)
				return
			}
			var run int
			if !m.CaughtUp && m.Event.Kind == "run.finished" {
				if _, err := fmt.Sscanf(m.Event.Stream, "run-r%d", &run); err == nil {
					ended <- run
				}
			}
		}
	})
	start := time.Now()
	wait.Go(func() {
		for i := range asked {
			due := start.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			time.Sleep(time.Until(due))
			began[i] = due
			wait.Go(func() {
				meta := newMeta()
				meta.Correlation = fmt.Sprint("r", i)
				if _, err := runs.Start(ctx, commands.StartRun{Meta: meta, Run: meta.Correlation, Workflow: "bench", Prompt: "Go.", Agent: events.Assistant}); err != nil {
					b.Error(err)
				}
			})
		}
	})
	for range asked {
		select {
		case run := <-ended:
			if run >= warm {
				latencies = append(latencies, time.Since(began[run]))
			}
		case <-time.After(30 * time.Second):
			b.Fatalf("at %d runs a second %d of %d have ended", perSecond, len(latencies), asked)
		}
	}
	return latencies
}

package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/readmodel"
)

// registered is how many agents a large registry has.
const registered = 10_000

// registries measures what a registry of so many agents takes beside one of ten: from the start of a server to its first
// answer, the first run that names no agent, what is in memory then, and what a run of an agent takes that is not in memory.
func registries(b *testing.B, e engine, t *table) {
	for _, n := range []int{10, registered} {
		start, first, cold, warm, routed := registry(b, e, n)
		name := fmt.Sprintf("%d agents: ", n)
		for _, r := range []struct {
			name string
			beginning
		}{{"start to first answer", start}, {"the first run that names none", first}} {
			t.rows = append(t.rows, row{name: name + r.name, p50: r.took, note: fmt.Sprintf("%.1f MB more in memory than before", float64(r.memory)/(1<<20))})
		}
		for _, r := range []struct {
			name  string
			taken []time.Duration
		}{{"a run of one that is not in memory", cold}, {"a run of one that is", warm}, {"a run that names none", routed}} {
			of := row{name: name + r.name}
			of.p50, of.p99 = quantiles(r.taken)
			t.rows = append(t.rows, of)
		}
	}
}

// instant is a model that takes no time.
type instant struct{}

func (instant) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	return agents.Answer{Message: events.Message{Role: "assistant", Content: "Done."}, Model: r.Model, FinishReason: "stop"}, nil
}

// beginning is what is done once and what is in memory since.
type beginning struct {
	took   time.Duration
	memory int64
}

func registry(b *testing.B, e engine, n int) (start, first beginning, cold, warm, routed []time.Duration) {
	place := e.place(b)
	store, models := e.log(b, place), e.models(b, place, readmodel.Options{})
	defer store.Close()
	defer models.Close()
	spawnAgents(b, newDispatcher(store), n)
	d := newDispatcher(store) // that one keeps what it spawned
	rebuilt(b, store, models)
	runs := orchestrator.Runs{Store: store, Dispatch: d.Dispatch, Agents: d, Models: models}
	must(b, runs.Prepare(b.Context(), newMeta()))
	before := heap()
	ctx, cancel := context.WithCancel(b.Context())
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	began := time.Now()
	wait.Go(func() {
		err := orchestrator.New(orchestrator.Config{
			Store: store, Models: models, Dispatch: d.Dispatch, Agents: d, Runner: agents.Runner{Model: instant{}}, Model: events.ScriptedModel, SealEvery: -1,
		}).Run(ctx)
		if err != nil {
			b.Error(err)
		}
	})
	asked := 0
	ask := func(agent, prompt string) time.Duration {
		asked++
		at, meta := time.Now(), newMeta()
		meta.Correlation = fmt.Sprint("r", asked)
		receipt, err := runs.Start(ctx, commands.StartRun{Meta: meta, Run: meta.Correlation, Workflow: "bench", Prompt: prompt, Agent: agent})
		must(b, err)
		_, err = runs.Follow(ctx, "", meta.Correlation, receipt.Position, func(events.Event) {})
		must(b, err)
		return time.Since(at)
	}
	ask(events.Assistant, "Go.")
	start.took = time.Since(began)
	start.memory = heap() - before
	first.took = ask("", prose(uint64(n/2), 12)) // the words of all prompts are read
	first.memory = heap() - before - start.memory
	for i := range 200 {
		agent := fmt.Sprint("agent", i*n/200)
		cold = append(cold, ask(agent, "Go."))
		warm = append(warm, ask(agent, "Go."))
		routed = append(routed, ask("", prose(uint64(i*n/200), 12)))
	}
	return start, first, cold, warm, routed
}

// spawnAgents spawns agents whose prompts are of 150 words out of a few thousand.
func spawnAgents(b *testing.B, d *orchestrator.Dispatcher, n int) {
	var wait sync.WaitGroup
	for w := range 32 {
		wait.Go(func() {
			for i := w; i < n; i += 32 {
				_, err := d.Dispatch(b.Context(), commands.SpawnAgent{
					Meta: newMeta(), Agent: fmt.Sprint("agent", i), Role: prose(uint64(i), 6), Config: events.AgentConfig{Prompt: prose(uint64(i), 150)},
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// prose is a text of words as they are spread in one: a few are everywhere, most are rare.
func prose(seed uint64, words int) string {
	r := rand.New(rand.NewPCG(seed, 1))
	spread := rand.NewZipf(r, 1.1, 10, 5000)
	var text strings.Builder
	for range words {
		n := spread.Uint64()
		for range 3 {
			text.WriteString([]string{"ka", "lo", "mi", "ne", "ru", "sta", "ti", "vo", "we", "za", "fra", "pel", "gon", "dur", "bi", "qua", "hy", "jo"}[n%18])
			n /= 18
		}
		text.WriteByte(' ')
	}
	return text.String()
}

// heap is what is in memory by now.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

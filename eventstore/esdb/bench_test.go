package esdb

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// The double keeps all in memory, so that these show what this package and gRPC cost, and nothing of a real server.

func benchStore(b *testing.B) (*esdbtest.Server, *Store) {
	b.Helper()
	server, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Close)
	s, err := Open(context.Background(), server.URL(), Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return server, s
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ writers, batch int }{{1, 1}, {32, 1}, {1, 100}} {
		b.Run(fmt.Sprintf("%d writers x %d", c.writers, c.batch), func(b *testing.B) {
			_, s := benchStore(b)
			var n atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for w := range c.writers {
				wg.Go(func() {
					for k := 0; n.Add(int64(c.batch)) <= int64(b.N+c.batch-1); k++ {
						if _, err := s.Append(context.Background(), fmt.Sprintf("run-%d-%d", w, k/20), eventstore.Any, facts(fmt.Sprintf("%d/%d", w, k), c.batch)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkReadAll reads beside the official client, which holds one stream open and does not decode envelopes.
func BenchmarkReadAll(b *testing.B) {
	const size = 50_000
	server, s := benchStore(b)
	for i := range size / 500 {
		if _, err := s.Append(context.Background(), fmt.Sprintf("run-%d", i%10), eventstore.Any, facts(fmt.Sprint(i), 500)); err != nil {
			b.Fatal(err)
		}
	}
	rate := func(b *testing.B) {
		b.Helper()
		b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	}
	b.Run("store", func(b *testing.B) {
		for b.Loop() {
			var e events.Envelope
			var err error
			n := 0
			for e, err = range s.ReadAll(context.Background(), eventstore.ReadOptions{}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != size || e.Kind == "" {
				b.Fatalf("%d events", n)
			}
		}
		rate(b)
	})
	b.Run("official client", func(b *testing.B) {
		config, err := client.ParseConnectionString(server.URL())
		if err != nil {
			b.Fatal(err)
		}
		config.Logger = client.NoopLogging()
		cl, err := client.NewClient(config)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = cl.Close() }()
		for b.Loop() {
			stream, err := cl.ReadAll(context.Background(), client.ReadAllOptions{}, 1<<40)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for ; ; n++ {
				if _, err := stream.Recv(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
			stream.Close()
			if n < size {
				b.Fatalf("%d events", n)
			}
		}
		rate(b)
	})
}

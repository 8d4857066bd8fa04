package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// payload is about what an event of a run holds: 410 bytes.
var payload = []byte(`{"step":3,"name":"tool: get_reservation_details","type":"tool","agent":"airline-agent","tool":"get_reservation_details","model":"gpt-4o-2024-08-06","depends_on":[2],"labels":{"domain":"airline","trial":"0","split":"test"},"arguments":"{\"reservation_id\":\"4WQ150\"}","note":"The customer asks to change the flight to an earlier one on the same day, and to add a bag; the agent looks the reservation up first."}`)

// fact is the n-th event of a benchmark. Ids rise, as UUIDv7s do.
func fact(n int64, run string) events.Envelope {
	e := events.Envelope{
		Kind: "run.step_started", Version: 1, OccurredAt: time.Unix(1_700_000_000, n), Correlation: run,
		Actor: "import:runs", Workspace: "default", Data: payload,
	}
	binary.BigEndian.PutUint64(e.ID[:8], uint64(n)<<16|0x7000)
	binary.BigEndian.PutUint64(e.ID[8:], uint64(n)|0x8000_0000_0000_0000)
	e.Causation = e.ID
	return e
}

// BenchmarkAppend measures events a second: writers times events in a batch. "raw" are as many connections that insert
// the same rows into the same table by bare prepared statements, one transaction a batch, and take no lock and check
// nothing. "ratio" is the store's rate over theirs, from rounds that alternate on one server.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ writers, batch int }{{1, 1}, {32, 1}, {64, 1}, {1, 100}, {4, 100}} {
		b.Run(fmt.Sprintf("%dx%d", c.writers, c.batch), func(b *testing.B) {
			const rounds = 5
			ctx := context.Background()
			store, raw := open(b, database(b), Config{}), newRaw(b, c.writers, c.batch)
			var next [2]atomic.Int64
			var took [2][]time.Duration
			appendStore := func(w int, run string, list []events.Envelope, revision int64) error {
				_, err := store.Append(ctx, "run-"+run, eventstore.Any, list)
				return err
			}
			var rates [2][]float64
			b.ResetTimer()
			for range rounds {
				for i, add := range []appender{appendStore, raw.append} {
					size := max(b.N/rounds/c.batch, c.writers)
					start := time.Now()
					took[i] = append(took[i], spread(b, &next[i], c.writers, c.batch, size, add)...)
					rates[i] = append(rates[i], float64(size*c.batch)/time.Since(start).Seconds())
				}
			}
			b.StopTimer()
			b.ReportMetric(median(rates[0]), "store/s")
			b.ReportMetric(median(rates[1]), "raw/s")
			b.ReportMetric(median(rates[0])/median(rates[1]), "ratio")
			for i, name := range []string{"store", "raw"} {
				slices.Sort(took[i])
				b.ReportMetric(took[i][len(took[i])/2].Seconds()*1e3, name+"-p50-ms")
				b.ReportMetric(took[i][len(took[i])*99/100].Seconds()*1e3, name+"-p99-ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// appender appends a batch to a run that is at revision-1.
type appender func(writer int, run string, list []events.Envelope, revision int64) error

// spread has writers append that many batches, in runs of 20 events or one batch, and returns how long each took.
func spread(b *testing.B, next *atomic.Int64, writers, batch, batches int, add appender) (took []time.Duration) {
	var left atomic.Int64
	left.Store(int64(batches))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			list := make([]events.Envelope, batch)
			var mine []time.Duration
			for working := true; working; {
				run := ""
				for at := 0; at < max(20, batch); at += batch {
					if working = left.Add(-1) >= 0; !working {
						break
					}
					first := next.Add(int64(batch)) - int64(batch)
					if at == 0 {
						run = uuid.UUID(fact(first, "").ID).String()
					}
					for k := range list {
						list[k] = fact(first+int64(k), run)
					}
					start := time.Now()
					if err := add(w, run, list, int64(at)); err != nil {
						b.Error(err)
						return
					}
					mine = append(mine, time.Since(start))
				}
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return took
}

// raw is the baseline: connections with one prepared insert.
type raw struct {
	conns    []*pgx.Conn
	position atomic.Int64
}

const rawInsert = `INSERT INTO events (position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation, actor, workspace, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

func newRaw(b *testing.B, writers, batch int) *raw {
	b.Helper()
	ctx := context.Background()
	r, url := &raw{}, database(b)
	for range writers {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close(ctx) })
		r.conns = append(r.conns, conn)
		text := rawInsert
		if batch > 1 {
			text = insertRows
		}
		if _, err := conn.Prepare(ctx, "insert", text); err != nil {
			b.Fatal(err)
		}
	}
	return r
}

func (r *raw) append(w int, run string, list []events.Envelope, revision int64) error {
	ctx, position, now := context.Background(), r.position.Add(int64(len(list))), time.Now().UnixNano()
	if len(list) == 1 {
		e := &list[0]
		_, err := r.conns[w].Exec(ctx, "insert", position, e.ID, "run-"+run, revision, e.Kind, e.Version, e.OccurredAt.UnixNano(),
			now, e.Causation, e.Correlation, e.Actor, e.Workspace, e.Data)
		return err
	}
	var ids, causes []uuid.UUID
	var streams, kinds, correlations, actors, workspaces, data []string
	var revisions, occurred []int64
	var versions []int32
	for i := range list {
		e := &list[i]
		ids, causes = append(ids, e.ID), append(causes, e.Causation)
		streams, kinds = append(streams, "run-"+run), append(kinds, e.Kind)
		correlations, actors, workspaces = append(correlations, e.Correlation), append(actors, e.Actor), append(workspaces, e.Workspace)
		data = append(data, string(e.Data))
		revisions, occurred = append(revisions, revision+int64(i)), append(occurred, e.OccurredAt.UnixNano())
		versions = append(versions, int32(e.Version))
	}
	_, err := r.conns[w].Exec(ctx, "insert", position-int64(len(list)), now, ids, streams, revisions, kinds, versions, occurred, causes,
		correlations, actors, workspaces, data)
	return err
}

// BenchmarkRead reads a log of 200,000 events, or as many as the benchmark's N. "raw" scans every column into
// variables, page by page as the store and in one query.
func BenchmarkRead(b *testing.B) {
	const size = 200_000
	ctx := context.Background()
	s := open(b, database(b), Config{})
	var waits []func() (eventstore.Appended, error)
	for n := int64(0); n < size; n += 20 {
		list := make([]events.Envelope, 20)
		run := uuid.UUID(fact(n, "").ID).String()
		for i := range list {
			list[i] = fact(n+int64(i), run)
		}
		waits = append(waits, s.Submit(ctx, nil, "run-"+run, eventstore.NoStream, list))
	}
	for _, wait := range waits {
		if _, err := wait(); err != nil {
			b.Fatal(err)
		}
	}
	conn, err := pgx.Connect(ctx, where(s))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "VACUUM ANALYZE events"); err != nil {
		b.Fatal(err)
	}
	count := func(n *int) {
		for _, err := range s.ReadAll(ctx, eventstore.ReadOptions{}) {
			if err != nil {
				b.Fatal(err)
			}
			*n++
		}
	}
	scan := func(n *int) {
		rows, err := conn.Query(ctx, columns+" FROM events ORDER BY position")
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			var e events.Envelope
			var position, revision, occurred, recorded int64
			var causation *uuid.UUID
			if err := rows.Scan(&position, &e.ID, &e.Stream, &revision, &e.Kind, &e.Version, &occurred, &recorded, &causation,
				&e.Correlation, &e.Actor, &e.Workspace, &e.Data); err != nil {
				b.Fatal(err)
			}
			*n++
		}
		if err := rows.Err(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	var rates [2][]float64
	for b.Loop() {
		for i, read := range []func(*int){count, scan} {
			n, start := 0, time.Now()
			if read(&n); n != size {
				b.Fatal(n)
			}
			rates[i] = append(rates[i], size/time.Since(start).Seconds())
		}
	}
	b.ReportMetric(median(rates[0]), "store/s")
	b.ReportMetric(median(rates[1]), "raw/s")
	b.ReportMetric(median(rates[0])/median(rates[1]), "ratio")
	b.ReportMetric(0, "ns/op")
}

package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	driver "zombiezen.com/go/sqlite"

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

func benchStore(b *testing.B) *Store {
	b.Helper()
	s, err := Open(context.Background(), filepath.Join(b.TempDir(), "log.db"), Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkAppend measures events a second: writers times events in a batch. "raw" is the same rows by a bare
// prepared INSERT on one connection, in transactions of as many events as the store can group.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ writers, batch int }{{1, 1}, {32, 1}, {64, 1}, {1, 100}, {4, 100}} {
		b.Run(fmt.Sprintf("store/%dx%d", c.writers, c.batch), func(b *testing.B) { appendStore(b, c.writers, c.batch) })
		b.Run(fmt.Sprintf("raw/%dx%d", c.writers, c.batch), func(b *testing.B) { appendRaw(b, c.writers*c.batch) })
	}
}

func appendStore(b *testing.B, writers, batch int) {
	s := benchStore(b)
	ctx := context.Background()
	var n, runs atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			list := make([]events.Envelope, batch)
			for n.Load() < int64(b.N) {
				// A run has 20 events: then the next stream begins.
				run := uuid.UUID(fact(runs.Add(1), "").ID).String()
				for i := 0; i < 20; i += batch {
					first := n.Add(int64(batch)) - int64(batch)
					if first >= int64(b.N) {
						return
					}
					for k := range list {
						list[k] = fact(first+int64(k), run)
					}
					if _, err := s.Append(ctx, "run-"+run, eventstore.Any, list); err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func appendRaw(b *testing.B, group int) {
	conn, err := OpenConn(context.Background(), filepath.Join(b.TempDir(), "raw.db"), Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	run := func(query string) {
		if err := done(conn.Prep(query)); err != nil {
			b.Fatal(err)
		}
	}
	run("PRAGMA foreign_keys = off")
	insert := func(stmt *driver.Stmt, n int64) {
		e := fact(n, "")
		stmt.BindInt64(1, n+1)
		stmt.BindBytes(2, e.ID[:])
		stmt.BindInt64(3, n/20)
		stmt.BindInt64(4, n%20)
		stmt.BindInt64(5, 1)
		stmt.BindInt64(6, 1)
		stmt.BindInt64(7, e.OccurredAt.UnixNano())
		stmt.BindInt64(8, e.OccurredAt.UnixNano())
		stmt.BindBytes(9, e.Causation[:])
		stmt.BindText(10, "018bcfe5-6800-7000-8000-000000000001")
		stmt.BindText(11, e.Actor)
		stmt.BindText(12, e.Workspace)
		stmt.BindBytes(13, e.Data)
		if err := done(stmt); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for n := int64(0); n < int64(b.N); {
		run("BEGIN IMMEDIATE")
		for i := 0; i < group && n < int64(b.N); i++ {
			insert(conn.Prep(insertEvent), n)
			n++
		}
		run("COMMIT")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkRead reads logs of 200,000 events. "raw" scans every column into reused memory.
func BenchmarkRead(b *testing.B) {
	const size = 200_000
	s := benchStore(b)
	ctx := context.Background()
	for n := int64(0); n < size; n += 20 {
		list := make([]events.Envelope, 20)
		run := uuid.UUID(fact(n, "").ID).String()
		for i := range list {
			list[i] = fact(n+int64(i), run)
		}
		if _, err := s.Append(ctx, "run-"+run, eventstore.NoStream, list); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("store", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			n := 0
			for _, err := range s.ReadAll(ctx, eventstore.ReadOptions{}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != size {
				b.Fatal(n)
			}
		}
		b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("raw", func(b *testing.B) {
		conn, err := OpenConn(ctx, s.path, Config{})
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		b.ReportAllocs()
		b.ResetTimer()
		buf := make([]byte, 4096)
		for range b.N {
			stmt := conn.Prep(columns + "ORDER BY position")
			for {
				found, err := stmt.Step()
				if err != nil {
					b.Fatal(err)
				}
				if !found {
					break
				}
				for _, col := range []int{0, 2, 3, 4, 5, 6, 7} {
					_ = stmt.ColumnInt64(col)
				}
				for _, col := range []int{1, 8, 9, 10, 11, 12} {
					_ = stmt.ColumnBytes(col, buf)
				}
			}
		}
		b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "events/s")
	})
}

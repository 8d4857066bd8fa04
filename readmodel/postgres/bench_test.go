package postgres_test

import (
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/eventstore/postgres"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
	"github.com/virtuous6/virtuous6/replay"
)

func models(tb testing.TB, url string) *projections.Models {
	tb.Helper()
	m, err := projections.Open(tb.Context(), open(tb, url), readmodel.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// BenchmarkApply folds and writes facts, decoded before, into live tables that hold some already.
func BenchmarkApply(b *testing.B) {
	entries := enginetest.Simulated(1, 10_000)
	for _, size := range []int{1, 100, 1_000, 5_000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			m := models(b, database(b))
			if err := m.Apply(b.Context(), 0, entries[:10_000]); err != nil {
				b.Fatal(err)
			}
			at := 10_000
			for b.Loop() {
				batch := entries[at:min(at+size, len(entries))]
				if err := m.Apply(b.Context(), uint64(at), batch); err != nil {
					b.Fatal(err)
				}
				at += len(batch)
				if at == len(entries) {
					b.Fatal("the history is too short for so many rounds: give a smaller -benchtime")
				}
			}
			b.ReportMetric(float64(at-10_000)/b.Elapsed().Seconds(), "facts/s")
		})
	}
}

// BenchmarkRebuild rebuilds the read models of about 240,000 facts, decoded before, beside the live ones, and swaps
// them in.
func BenchmarkRebuild(b *testing.B) {
	entries := enginetest.Simulated(1, 20_000)
	m := models(b, database(b))
	rows := 0
	for b.Loop() {
		r, err := m.BeginRebuild(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Run(b.Context(), chunks(entries, 2_048), nil); err != nil {
			b.Fatal(err)
		}
		if err := r.Swap(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
		rows++
	}
	b.StopTimer()
	d, err := m.Digest(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	written := 0
	for _, t := range d.Tables {
		written += int(t.Rows) * rows
	}
	b.ReportMetric(float64(rows*len(entries))/b.Elapsed().Seconds(), "facts/s")
	b.ReportMetric(float64(written)/b.Elapsed().Seconds(), "rows/s")
}

func chunks(entries []readmodel.Entry, size int) iter.Seq2[[]readmodel.Entry, error] {
	return func(yield func([]readmodel.Entry, error) bool) {
		for batch := range slices.Chunk(entries, size) {
			if !yield(batch, nil) {
				return
			}
		}
	}
}

// chunksBehind are the entries behind a position, in batches.
func chunksBehind(entries []readmodel.Entry, size int) func(from uint64) iter.Seq2[[]readmodel.Entry, error] {
	return func(from uint64) iter.Seq2[[]readmodel.Entry, error] { return chunks(entries[from:], size) }
}

// BenchmarkReplay rebuilds the read models from a log in the same database, as `virtuous6 replay` does, in turns with a
// plain scan of the log on one goroutine.
func BenchmarkReplay(b *testing.B) {
	const size = 100_000
	url := database(b)
	store, err := postgres.Open(b.Context(), url, postgres.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	records := func(yield func(ingest.Record, error) bool) {
		for r := range (ingest.Simulation{Seed: 1, Events: size}).Records() {
			if !yield(r, nil) {
				return
			}
		}
	}
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	if _, err := orchestrator.Import(b.Context(), d, records, func(*ingest.Problem) {}); err != nil {
		b.Fatal(err)
	}
	m := models(b, url)
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	var scans, replays []time.Duration
	events := scan(b, conn)
	for b.Loop() {
		begun := time.Now()
		scan(b, conn)
		scanned := time.Now()
		if err := replay.RebuildModels(b.Context(), store, m, nil); err != nil {
			b.Fatal(err)
		}
		scans, replays = append(scans, scanned.Sub(begun)), append(replays, time.Since(scanned))
	}
	perSecond := func(all []time.Duration) float64 {
		slices.Sort(all)
		return float64(events) / all[len(all)/2].Seconds()
	}
	b.ReportMetric(perSecond(scans), "scanned/s")
	b.ReportMetric(perSecond(replays), "replayed/s")
	b.ReportMetric(perSecond(replays)/perSecond(scans), "ratio")
}

// scan reads every column of the log into Go values, as most programs would.
func scan(b *testing.B, conn *pgx.Conn) (n int) {
	rows, err := conn.Query(b.Context(), `SELECT position, id, stream, revision, kind, version, occurred_at, recorded_at, causation,
		correlation, actor, workspace, data::text FROM events ORDER BY position`)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var position, revision, version, occurred, recorded int64
	var id [16]byte
	var causation *[16]byte
	var stream, kind, correlation, actor, workspace, data string
	for rows.Next() {
		err := rows.Scan(&position, &id, &stream, &revision, &kind, &version, &occurred, &recorded, &causation, &correlation, &actor,
			&workspace, &data)
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return n
}

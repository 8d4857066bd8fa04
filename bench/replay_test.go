package bench

import (
	"database/sql"
	"fmt"
	"iter"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver of the plain scan
	driver "zombiezen.com/go/sqlite"

	"github.com/virtuous6/virtuous6/aggregates"
	logsqlite "github.com/virtuous6/virtuous6/eventstore/sqlite"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/projections/sqlite"
)

const everyColumn = `SELECT position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation, actor,
	workspace, data FROM events ORDER BY position`

// replays compares a rebuild of all read models, as `virtuous6 replay` does it, with scans of the events alone.
func replays(b *testing.B, t *table) {
	for _, size := range sizesWanted(b) {
		path := filepath.Join(b.TempDir(), "replay.db")
		store, models := open(b, path)
		simulate(b, store, size)
		taken := alternate(*rounds,
			func() sample { return measure(func() int { return plainScan(b, path) }) },
			func() sample { return measure(func() int { return leanScan(b, path) }) },
			func() sample {
				return measure(func() int {
					if err := orchestrator.RebuildModels(b.Context(), store, models, nil); err != nil {
						b.Fatal(err)
					}
					head, err := store.Head(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					return int(head)
				})
			},
		)
		plain, lean, ours := median(taken[0], sample.perSecond), median(taken[1], sample.perSecond), median(taken[2], sample.perSecond)
		seconds := func(s []sample) float64 { return median(s, func(s sample) float64 { return s.cpu.Seconds() }) }
		t.rows = append(t.rows,
			row{
				name: fmt.Sprintf("full replay of %d / database/sql scan", size), raw: plain, ours: ours,
				note: fmt.Sprintf("CPU seconds: scan %.2f, replay %.2f", seconds(taken[0]), seconds(taken[2])),
			},
			row{
				name: fmt.Sprintf("full replay of %d / low-level scan", size), raw: lean, ours: ours,
				note: fmt.Sprintf("CPU seconds: scan %.2f", seconds(taken[1])),
			})
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		if err := models.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// open opens a log and its read models in one file.
func open(b *testing.B, path string) (*logsqlite.Store, *projections.Models) {
	store, err := logsqlite.Open(b.Context(), path, logsqlite.Config{})
	if err != nil {
		b.Fatal(err)
	}
	engine, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	models, err := projections.Open(b.Context(), engine, projections.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return store, models
}

func simulate(b *testing.B, store *logsqlite.Store, size int) {
	records := func(yield func(ingest.Record, error) bool) {
		for r := range (ingest.Simulation{Seed: 1, Events: size}).Records() {
			if !yield(r, nil) {
				return
			}
		}
	}
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Policy{}))
	if _, err := orchestrator.Import(b.Context(), d, iter.Seq2[ingest.Record, error](records), func(*ingest.Problem) {}); err != nil {
		b.Fatal(err)
	}
}

// plainScan reads every column into a Go value, as most programs would.
func plainScan(b *testing.B, path string) (n int) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(b.Context(), everyColumn)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var position, stream, revision, kind, version, occurred, recorded int64
	var id, causation []byte
	var correlation, actor, workspace, data string
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

// leanScan reads every column by the driver that the product uses, with buffers that are used again where they can be.
func leanScan(b *testing.B, path string) (n int) {
	conn, err := driver.OpenConn(path, driver.OpenReadOnly)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	stmt, _, err := conn.PrepareTransient(everyColumn)
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Finalize()
	var id, causation [16]byte
	var numbers [7]int64
	var texts [4]string
	for {
		more, err := stmt.Step()
		if err != nil {
			b.Fatal(err)
		}
		if !more {
			return n
		}
		for i, column := range []int{0, 2, 3, 4, 5, 6, 7} {
			numbers[i] = stmt.ColumnInt64(column)
		}
		stmt.ColumnBytes(1, id[:])
		stmt.ColumnBytes(8, causation[:])
		for i, column := range []int{9, 10, 11, 12} {
			texts[i] = stmt.ColumnText(column)
		}
		n++
	}
}

package bench

import (
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver of the plain scan
	driver "zombiezen.com/go/sqlite"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/sqlite"
	"github.com/virtuous6/virtuous6/replay"
)

const everyColumn = `SELECT position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation, actor,
	workspace, data FROM events ORDER BY position`

// replays compares a rebuild of all read models, as `virtuous6 replay` does it, with scans of the events alone. On the
// largest log it measures what snapshots cost and how fast past moments are reached, and copies the smallest one.
func replays(b *testing.B, e engine, t *table) {
	wanted := sizesWanted(b)
	for _, size := range wanted {
		place := t.history(b, e, size)
		store, models := e.log(b, place), e.models(b, place, readmodel.Options{})
		bare := e.models(b, place, readmodel.Options{SnapshotEvery: -1})
		rebuild := func(m *projections.Models) sample {
			return measure(func() int { return rebuilt(b, store, m) })
		}
		all := []func() sample{
			func() sample { return measure(func() int { return e.plain(b, place) }) },
			func() sample { return measure(func() int { return e.lean(b, place) }) },
			func() sample { return rebuild(models) },
		}
		if size == slices.Max(wanted) {
			all = slices.Insert(all, 2, func() sample { return rebuild(bare) })
		}
		taken := alternate(*rounds, all...)
		ours := taken[len(taken)-1]
		seconds := func(s []sample) float64 { return median(s, func(s sample) float64 { return s.cpu.Seconds() }) }
		r := row{
			name: fmt.Sprintf("full replay of %d / plain scan", size), target: 1,
			raw: median(taken[0], sample.perSecond), ours: median(ours, sample.perSecond),
			note: fmt.Sprintf("CPU seconds here: scan %.2f, replay %.2f", seconds(taken[0]), seconds(ours)),
		}
		if e.name == "PostgreSQL" {
			r.target = .7
		}
		lean := row{name: fmt.Sprintf("full replay of %d / low-level scan", size), raw: median(taken[1], sample.perSecond), ours: r.ours}
		t.rows = append(t.rows, r, lean)
		if size == slices.Max(wanted) {
			t.rows = append(t.rows, row{
				name: fmt.Sprintf("replay of %d / without snapshots", size), raw: median(taken[2], sample.perSecond), ours: r.ours,
				note: fmt.Sprintf("CPU seconds: without %.2f, with %.2f", seconds(taken[2]), seconds(ours)),
			}, jumps(b, store, models))
		}
		if size == slices.Min(wanted) {
			t.rows = append(t.rows, t.copies(b, e, size))
		}
		must(b, store.Close())
		must(b, models.Close())
		must(b, bare.Close())
	}
}

func rebuilt(b *testing.B, store eventstore.Store, models *projections.Models) (events int) {
	must(b, replay.RebuildModels(b.Context(), store, models, nil))
	head, err := store.Head(b.Context())
	must(b, err)
	return int(head)
}

// growth compares what an event costs in replays of each size with what it costs in those of the smallest, in turns and
// over the same number of events.
func growth(b *testing.B, e engine, t *table) {
	wanted := slices.Sorted(slices.Values(sizesWanted(b)))
	var all []func() sample
	for _, size := range wanted {
		place := t.history(b, e, size)
		store, models := e.log(b, place), e.models(b, place, readmodel.Options{})
		defer store.Close()
		defer models.Close()
		all = append(all, func() sample {
			return measure(func() (events int) {
				for range wanted[len(wanted)-1] / size {
					events += rebuilt(b, store, models)
				}
				return events
			})
		})
	}
	alternate(1, all...) // the first one of a log reads from the disk, and makes its file larger
	taken := alternate(*rounds, all...)
	micros := func(s sample) float64 { return float64(s.cpu.Microseconds()) / float64(s.events) }
	for i, size := range wanted[1:] {
		t.rows = append(t.rows, row{
			name: fmt.Sprintf("full replay of %d / of %d", size, wanted[0]), target: .9,
			raw: median(taken[0], sample.perSecond), ours: median(taken[i+1], sample.perSecond),
			note: fmt.Sprintf("CPU microseconds here, an event: %.2f, %.2f", median(taken[0], micros), median(taken[i+1], micros)),
		})
	}
}

// history is a place with a simulated log: simulated once on SQLite, and copied for other engines.
func (t *table) history(b *testing.B, e engine, size int) string {
	if _, made := t.histories[size]; !made {
		t.histories[size] = onSQLite.place(b)
		store := onSQLite.log(b, t.histories[size])
		simulate(b, store, size)
		must(b, store.Close())
	}
	if e.fill == nil {
		return t.histories[size]
	}
	place := e.place(b)
	must(b, e.log(b, place).Close()) // makes the table
	from := onSQLite.log(b, t.histories[size])
	defer from.Close()
	e.fill(b, from, place)
	return place
}

// jumps measures how long it takes to get the read models of a past position.
func jumps(b *testing.B, store eventstore.Store, models *projections.Models) row {
	head, err := store.Head(b.Context())
	must(b, err)
	var took []time.Duration
	for range *rounds {
		for i := range uint64(8) {
			began := time.Now()
			scratch, err := sqlite.Open(b.Context(), onSQLite.place(b), sqlite.Options{Scratch: true})
			must(b, err)
			past, err := replay.At(b.Context(), store, models, scratch, replay.Moment{Position: head * (2*i + 1) / 16}, nil)
			must(b, err)
			_, err = past.Position(b.Context())
			must(b, err)
			took = append(took, time.Since(began))
			must(b, past.Close())
		}
	}
	r := row{name: fmt.Sprintf("read models as of a position, of %d", head), note: "8 positions between sixteenths"}
	r.p50, r.p99 = quantiles(took)
	return r
}

// copies measures `virtuous6 copy` from SQLite, the check of both sides included.
func (t *table) copies(b *testing.B, e engine, size int) row {
	from := onSQLite.log(b, t.history(b, onSQLite, size))
	defer from.Close()
	taken := alternate(*rounds, func() sample {
		to := e.log(b, e.place(b))
		defer to.Close()
		return measure(func() int {
			done, err := audit.Copy(b.Context(), from, to, nil)
			must(b, err)
			return int(done.Events)
		})
	})
	return row{name: fmt.Sprintf("copy of %d from SQLite, checked", size), ours: median(taken[0], sample.perSecond)}
}

func simulate(b *testing.B, store eventstore.Store, size int) {
	records := func(yield func(ingest.Record, error) bool) {
		for r := range (ingest.Simulation{Seed: 1, Events: size}).Records() {
			if !yield(r, nil) {
				return
			}
		}
	}
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	_, err := orchestrator.Import(b.Context(), d, iter.Seq2[ingest.Record, error](records), func(*ingest.Problem) {})
	must(b, err)
}

// scanSQLite reads every column into a Go value, as most programs would.
func scanSQLite(b *testing.B, path string) (n int) {
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

// leanSQLite reads every column by the driver that the product uses, with buffers that are used again where they can be.
func leanSQLite(b *testing.B, path string) (n int) {
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

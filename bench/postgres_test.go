package bench

import (
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
)

// The statements of the raw rows: one event, and many by unnest.
const (
	rawInsert = `INSERT INTO events (position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation,
		actor, workspace, data) VALUES ($1, $2, $3, $4, 'run.step_started', 1, $5, $6, $7, $8, $9, '', $10)`
	rawUnnest = `INSERT INTO events (position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation,
		actor, workspace, data) SELECT $1 + n, id, $2, $3 + n, 'run.step_started', 1, occurred, $4, causation, $5, $6, '', data
		FROM unnest($7::uuid[], $8::bigint[], $9::uuid[], $10::text[]) WITH ORDINALITY AS e (id, occurred, causation, data, n)`
)

// rawPostgres has as many connections as writers insert into the log's own table, one transaction a batch. They take no
// lock and check nothing.
func rawPostgres(b *testing.B, s *pgtest.Server, writers, size int) sample {
	url, err := s.Create(b.Context(), "")
	must(b, err)
	e := onPostgres(s)
	must(b, e.log(b, url).Close()) // makes the table
	var conns []*pgx.Conn
	for range writers {
		conn := dial(b, url)
		defer conn.Close(b.Context())
		conns = append(conns, conn)
	}
	var position atomic.Int64
	return spread(b, writers, size, func(w int, stream string, batch []events.Envelope, revision int64) error {
		now, first := time.Now().UnixNano(), position.Add(int64(len(batch)))-int64(len(batch))
		if len(batch) == 1 {
			e := &batch[0]
			_, err := conns[w].Exec(b.Context(), rawInsert, first+1, e.ID, stream, revision, e.OccurredAt.UnixNano(), now, e.Causation,
				e.Correlation, e.Actor, string(e.Data))
			return err
		}
		var ids, causes []uuid.UUID
		var occurred []int64
		var data []string
		for i := range batch {
			ids, causes = append(ids, batch[i].ID), append(causes, batch[i].Causation)
			occurred, data = append(occurred, batch[i].OccurredAt.UnixNano()), append(data, string(batch[i].Data))
		}
		_, err := conns[w].Exec(b.Context(), rawUnnest, first, stream, revision-1, now, batch[0].Correlation, batch[0].Actor, ids, occurred,
			causes, data)
		return err
	})
}

// spread has writers append batches for a while, each to a stream of its own.
func spread(b *testing.B, writers, size int, add func(writer int, stream string, batch []events.Envelope, revision int64) error) sample {
	latencies := make([][]time.Duration, writers)
	s := measure(func() (n int) {
		var wait sync.WaitGroup
		end := time.Now().Add(appendTime)
		for w := range writers {
			wait.Go(func() {
				stream := fmt.Sprint("run-", w)
				for revision := int64(0); time.Now().Before(end); revision += int64(size) {
					batch := newEvents(size)
					began := time.Now()
					if err := add(w, stream, batch, revision); err != nil {
						b.Error(err)
						return
					}
					latencies[w] = append(latencies[w], time.Since(began))
				}
			})
		}
		wait.Wait()
		for _, l := range latencies {
			n += len(l) * size
		}
		return n
	})
	for _, l := range latencies {
		s.latencies = append(s.latencies, l...)
	}
	return s
}

// scanPostgres reads every column into a Go value, as most programs would.
func scanPostgres(b *testing.B, url string) (n int) {
	conn := dial(b, url)
	defer conn.Close(b.Context())
	rows, err := conn.Query(b.Context(), everyColumn)
	must(b, err)
	for rows.Next() {
		var e events.Envelope
		var position, revision, occurred, recorded int64
		var causation *uuid.UUID
		must(b, rows.Scan(&position, &e.ID, &e.Stream, &revision, &e.Kind, &e.Version, &occurred, &recorded, &causation, &e.Correlation,
			&e.Actor, &e.Workspace, &e.Data))
		n++
	}
	must(b, rows.Err())
	return n
}

// leanPostgres only takes the rows off the wire.
func leanPostgres(b *testing.B, url string) (n int) {
	conn := dial(b, url)
	defer conn.Close(b.Context())
	rows, err := conn.Query(b.Context(), everyColumn)
	must(b, err)
	for rows.Next() {
		_ = rows.RawValues()
		n++
	}
	must(b, rows.Err())
	return n
}

// fillPostgres brings a log into an empty table of events by COPY.
func fillPostgres(b *testing.B, from eventstore.Store, url string) {
	next, stop := iter.Pull2(from.ReadAll(b.Context(), eventstore.ReadOptions{}))
	defer stop()
	conn := dial(b, url)
	defer conn.Close(b.Context())
	_, err := conn.CopyFrom(b.Context(), pgx.Identifier{"events"}, []string{
		"position", "id", "stream", "revision", "kind", "version", "occurred_at", "recorded_at", "causation", "correlation", "actor",
		"workspace", "data",
	}, pgx.CopyFromFunc(func() ([]any, error) {
		e, err, ok := next()
		if !ok || err != nil {
			return nil, err
		}
		return []any{
			int64(e.Position), e.ID, e.Stream, int64(e.Revision), e.Kind, int32(e.Version), e.OccurredAt.UnixNano(),
			e.RecordedAt.UnixNano(), e.Causation, e.Correlation, e.Actor, e.Workspace, string(e.Data),
		}, nil
	}))
	must(b, err)
	// The first reader would write hint bits into every page.
	_, err = conn.Exec(b.Context(), "VACUUM ANALYZE events")
	must(b, err)
}

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/virtuous6/virtuous6/eventstore/pgtest"
	"github.com/virtuous6/virtuous6/eventstore/proxytest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
	"github.com/virtuous6/virtuous6/readmodel/postgres"
)

func modelsOn(t *testing.T, e readmodel.Engine) *projections.Models {
	t.Helper()
	m, err := projections.Open(t.Context(), e, readmodel.Options{SnapshotEvery: 300})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// digestOf is what entries fold to.
func digestOf(t *testing.T, entries []readmodel.Entry) string {
	t.Helper()
	m := modelsOn(t, readmodel.NewMemory())
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	return sum(t, m)
}

func sum(t *testing.T, m *projections.Models) string {
	t.Helper()
	d, err := m.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d.SHA256
}

// goOn applies a log from where models are, as a pump does, until all is in.
func goOn(t *testing.T, m *projections.Models, entries []readmodel.Entry, step func()) {
	t.Helper()
	failures := 0
	for {
		position, err := m.Position(t.Context())
		if err == nil && position == uint64(len(entries)) {
			return
		}
		if err == nil {
			step()
			err = m.Apply(t.Context(), position, entries[position:min(int(position)+50, len(entries))])
		}
		switch {
		case err == nil, errors.Is(err, readmodel.ErrCheckpointMoved):
		case errors.Is(err, readmodel.ErrUnavailable) && failures < 100:
			failures++
		default:
			t.Fatal(err)
		}
	}
}

// Tables that were made stand, however soon the server is killed: without them nothing could be folded again.
func TestTablesOutliveAServerThatIsKilledRightAfter(t *testing.T) {
	t.Parallel()
	own, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	at, err := own.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	entries := enginetest.Simulated(41, 20)
	m := modelsOn(t, open(t, at))
	for _, then := range []func(){
		func() {}, // the first tables
		func() { // those of a rebuild, swapped in
			r, err := m.BeginRebuild(t.Context())
			if err == nil {
				err = errors.Join(r.Apply(t.Context(), 0, entries[:10]), r.Swap(t.Context(), nil))
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		then()
		if err := own.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := own.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		goOn(t, m, entries[:10], func() {})
		if got, want := sum(t, m), digestOf(t, entries[:10]); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A server that is killed may lose what it has not written to its disk yet: rows and checkpoint together.
func TestAServerThatIsKilledLosesRowsAndCheckpointTogether(t *testing.T) {
	t.Parallel()
	own, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	at, err := own.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	entries := enginetest.Simulated(41, 60)
	e := open(t, at)
	m := modelsOn(t, e)
	// A server that is killed soon enough each time would lose each time all that came since: it is left alone in the end.
	steps, kills := 0, 0
	goOn(t, m, entries, func() {
		if steps++; steps%4 != 0 || kills == 12 {
			return
		}
		kills++
		if err := own.Kill(); err != nil {
			t.Error(err)
		}
		if position, err := m.Position(t.Context()); !errors.Is(err, readmodel.ErrUnavailable) {
			t.Errorf("of a server that is gone it says %d, %v", position, err)
		}
		if err := own.Restart(t.Context()); err != nil {
			t.Error(err)
		}
	})
	err = e.Update(t.Context(), func(tx readmodel.Tx) error {
		from, err := tx.Checkpoint(readmodel.Live)
		if err != nil {
			return err
		}
		to := from
		to.Position += 1_000
		return errors.Join(tx.Advance(readmodel.Live, from, to), own.Kill())
	})
	if !errors.Is(err, readmodel.ErrUnavailable) || !strings.Contains(err.Error(), "try again") {
		t.Errorf("killed midway through a write: got %v", err)
	}
	if err := own.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	goOn(t, m, entries, func() {})
	rebuildUnderFire(t, own, m, enginetest.Simulated(41, 4_000))
	if got, want := sum(t, m), digestOf(t, entries); got != want || steps < 4 {
		t.Errorf("got %s after %d steps, want %s", got, steps, want)
	}
}

// rebuildUnderFire kills the server while a rebuild writes. The rebuild ends, and the live read models stay.
func rebuildUnderFire(t *testing.T, own *pgtest.Server, m *projections.Models, entries []readmodel.Entry) {
	t.Helper()
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var killed sync.WaitGroup
	err = r.Run(t.Context(), func(yield func([]readmodel.Entry, error) bool) {
		n := 0
		for batch := range chunks(entries, 500) {
			if n++; n == 20 {
				killed.Go(func() {
					if err := own.Kill(); err != nil {
						t.Error(err)
					}
				})
			}
			if n == 60 {
				killed.Wait()
			}
			if !yield(batch, nil) {
				return
			}
		}
	}, nil)
	killed.Wait()
	if !errors.Is(err, readmodel.ErrUnavailable) {
		t.Errorf("killed under a rebuild: got %v, want ErrUnavailable", err)
	}
	if err := own.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
}

// A commit whose answer is lost took effect or not: the checkpoint tells.
func TestACommitWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	p := proxytest.Start(t, "unix", server.Server(t).Socket())
	entries := enginetest.Simulated(43, 30)
	m := modelsOn(t, open(t, p.URL(database(t))))
	restore := p.Add(proxytest.Downstream, &proxytest.Cut{At: []string{"COMMIT\x00"}, N: 1})
	if err := m.Apply(t.Context(), 0, entries[:50]); !errors.Is(err, readmodel.ErrUnavailable) {
		t.Fatalf("got %v, want ErrUnavailable", err)
	}
	// It did take effect, so that the same batch comes too late.
	if err := m.Apply(t.Context(), 0, entries[:50]); !errors.Is(err, readmodel.ErrCheckpointMoved) {
		t.Fatalf("got %v, want ErrCheckpointMoved", err)
	}
	goOn(t, m, entries, func() {})
	restore()
	if got, want := sum(t, m), digestOf(t, entries); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Nothing waits for a silent server for longer than the engine's patience, and all goes on when it speaks again.
func TestASilentNetwork(t *testing.T) {
	t.Parallel()
	p := proxytest.Start(t, "unix", server.Server(t).Socket())
	e, err := postgres.Open(t.Context(), p.URL(database(t)), postgres.Options{Patience: 300 * time.Millisecond, Grace: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	entries := enginetest.Simulated(53, 20)
	m := modelsOn(t, e)
	if err := m.Apply(t.Context(), 0, entries[:100]); err != nil {
		t.Fatal(err)
	}
	open, err := e.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	restore := p.Add(proxytest.Downstream, &proxytest.Silent{})
	open.Close() // says goodbye, and waits for no answer
	rows := readmodel.Query{Table: &readmodel.Table{Name: "agents", Columns: []readmodel.Column{{Name: "agent", Type: readmodel.Text}}}}
	if err := e.Loader(t.Context(), readmodel.Live).Scan(&rows, nil); !errors.Is(err, readmodel.ErrUnavailable) {
		t.Errorf("loading: got %v, want ErrUnavailable", err)
	}
	if _, err := m.Position(t.Context()); !errors.Is(err, readmodel.ErrUnavailable) {
		t.Errorf("reading: got %v, want ErrUnavailable", err)
	}
	if err := m.Apply(t.Context(), 100, entries[100:]); !errors.Is(err, readmodel.ErrUnavailable) || !strings.Contains(err.Error(), "took too long") {
		t.Errorf("writing: got %v, want ErrUnavailable that says that it took too long", err)
	}
	restore()
	goOn(t, m, entries, func() {})
	if got, want := sum(t, m), digestOf(t, entries); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeOpenedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	good := database(t)
	for name, c := range map[string]struct {
		url  string
		says string
	}{
		"no URL":           {"postgres://anna:secret@[broken", "percent-encoded"},
		"a cut password":   {"postgres://anna:7/secret@127.0.0.1:1/x", "percent-encoded"},
		"no server":        {"postgres://anna:secret@127.0.0.1:1/x?sslmode=disable", "can't be reached"},
		"no database":      {strings.Replace(good, "/test", "/none", 1), "does not exist"},
		"another's user":   {strings.Replace(good, "postgres@", "anna:secret@", 1), "the user or the password"},
		"another's tables": {good + "&search_path=occupied", "another program's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "another's tables" {
				occupy(t, good)
			}
			e, err := postgres.Open(t.Context(), c.url, postgres.Options{})
			if err == nil {
				_, err = projections.Open(t.Context(), e, readmodel.Options{})
				_ = e.Close()
			}
			if !errors.Is(err, readmodel.ErrUnavailable) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want ErrUnavailable that says %q and no password", err, c.says)
			}
		})
	}
}

// A swap that waits for a reader keeps nobody from writing, such as one who renews a lease.
func TestASwapThatWaitsLetsOthersWrite(t *testing.T) {
	t.Parallel()
	at := database(t)
	entries := enginetest.Simulated(47, 20)
	m, driver := modelsOn(t, open(t, at)), modelsOn(t, open(t, at))
	held, err := driver.Acquire(t.Context(), "driver", "d", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	reading, err := open(t, at).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	var swapping sync.WaitGroup
	swapping.Go(func() {
		if err := r.Swap(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for waits := false; !waits; {
		const query = "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
		if err := conn.QueryRow(t.Context(), query).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	for _, who := range []*projections.Models{driver, m} { // in another process, and in the same one
		if _, err := who.Renew(t.Context(), held, time.Minute); err != nil {
			t.Error(err)
		}
	}
	reading.Close()
	swapping.Wait()
	if got, want := sum(t, m), digestOf(t, entries); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The epoch of a lease is never given twice, whatever a crash takes back.
func TestALeaseOutlivesACrash(t *testing.T) {
	t.Parallel()
	own, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	at, err := own.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	m := modelsOn(t, open(t, at))
	for round := range 3 {
		held, err := m.Acquire(t.Context(), "driver", fmt.Sprint(round), time.Millisecond)
		for errors.Is(err, readmodel.ErrLeaseHeld) {
			held, err = m.Acquire(t.Context(), "driver", fmt.Sprint(round), time.Millisecond)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(own.Kill(), own.Restart(t.Context())); err != nil {
			t.Fatal(err)
		}
		if now, err := m.Lease(t.Context(), "driver"); err != nil || now.Epoch != held.Epoch || now.Epoch != int64(round+1) {
			t.Errorf("after the crash: %+v, %v, want epoch %d", now, err, held.Epoch)
		}
	}
}

// occupy makes another program's table under a name that the read models want.
func occupy(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{"CREATE SCHEMA occupied", "CREATE TABLE occupied.tasks (what text)"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

// A reader keeps a swap waiting, and no longer than its patience.
func TestASwapWaitsForReaders(t *testing.T) {
	t.Parallel()
	at := database(t)
	entries := enginetest.Simulated(47, 20)
	e, err := postgres.Open(t.Context(), at, postgres.Options{Patience: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	m := modelsOn(t, e)
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	reading, err := open(t, at).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	if err := r.Swap(t.Context(), nil); !errors.Is(err, readmodel.ErrUnavailable) || !strings.Contains(err.Error(), "busy") {
		t.Errorf("got %v, want that others keep them busy", err)
	}
	reading.Close()
	if err := r.Swap(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if got, want := sum(t, m), digestOf(t, entries); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

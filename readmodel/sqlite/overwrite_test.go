package sqlite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/readmodel"
)

// said is a row with what somebody said.
type said int

var saidTable = &readmodel.Table{
	Name: "said", Keys: 1, Large: true,
	Columns: []readmodel.Column{{Name: "id", Type: readmodel.Integer, Key: true}, {Name: "text", Type: readmodel.Text}},
}

const marker = "what nobody is to read again"

func (s said) Encode(_ int, to readmodel.Sink) error {
	to.Int(int64(s))
	to.Text(marker)
	return nil
}

// replace swaps a table with so many rows in.
func replace(t *testing.T, e *Engine, rows int) {
	t.Helper()
	tables := []*readmodel.Table{saidTable}
	err := e.Update(t.Context(), func(tx readmodel.Tx) error {
		if _, err := tx.Create(readmodel.Beside, "shape", tables); err != nil {
			return err
		}
		err := tx.Put(readmodel.Beside, saidTable, rows, func(i int) readmodel.Row { return said(i) })
		if err != nil {
			return err
		}
		_, err = tx.Promote(tables)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// found tells which files of a database hold the marker.
func found(t *testing.T, path string) (in []string) {
	t.Helper()
	for _, name := range []string{path, path + "-wal"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(marker)) {
			in = append(in, filepath.Base(name))
		}
	}
	return in
}

func TestOverwrittenIsNowhereInTheFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "models.db")
	e, err := Open(t.Context(), path, Options{BusyTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	replace(t, e, 5_000)
	if err := e.emptyWAL(t.Context()); err != nil { // they are in the file itself
		t.Fatal(err)
	}
	replace(t, e, 5_000)
	replace(t, e, 0)
	if in := found(t, path); len(in) != 2 {
		t.Fatalf("before it is overwritten the text is in %v: nothing is tested", in)
	}

	snapshot, err := e.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if err := e.Overwrite(t.Context(), nil); !errors.Is(err, readmodel.ErrUnavailable) {
		t.Errorf("with a reader: %v", err)
	}
	snapshot.Close()

	cut, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Overwrite(cut, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cut off: %v", err)
	}
	if err := e.Overwrite(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if in := found(t, path); len(in) > 0 {
		t.Errorf("the text is still in %v", in)
	}
	// All of it can be used again.
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, e, 5_000)
	if err := e.emptyWAL(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(path); err != nil || after.Size() > before.Size() {
		t.Errorf("the file grew from %d to %d (%v)", before.Size(), after.Size(), err)
	}
}

package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/virtuous6/virtuous6/readmodel"
)

// Another file that is put over the one of a running program is neither written to nor mixed with it.
func TestAReplacedFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "models.db")
	e, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := e.Update(t.Context(), func(readmodel.Tx) error { return nil }); !errors.Is(err, readmodel.ErrUnavailable) {
		t.Errorf("writing: got %v, want ErrUnavailable", err)
	}
	if _, err := e.Snapshot(context.Background()); !errors.Is(err, readmodel.ErrUnavailable) {
		t.Errorf("reading: got %v, want ErrUnavailable", err)
	}
	if is, err := os.Stat(path); err != nil || is.Size() > 0 {
		t.Errorf("the other file was written to: %v, %v", is, err)
	}
}

package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/veil"
	"github.com/virtuous6/virtuous6/veil/keystest"
	"github.com/virtuous6/virtuous6/veil/sqlite"
)

func opened(t *testing.T, path string) *sqlite.Keys {
	keys := sqlite.Open(path)
	t.Cleanup(func() {
		if err := keys.Close(); err != nil {
			t.Error(err)
		}
	})
	return keys
}

func TestKeysInAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	keystest.Run(t, func(t *testing.T) veil.Keys { return opened(t, path) })
}

// What was destroyed is nowhere in the folder, and nobody else may read the file.
func TestADestroyedKeyIsNowhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.db")
	keys := opened(t, path)
	if _, err := keys.Named(t.Context(), "anna"); err == nil {
		t.Error("found")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("looking made the file")
	}
	secret := bytes.Repeat([]byte("k7"), 16)
	p, err := keys.Of(t.Context(), veil.Person{ID: "p1", Name: "slack:T1:UANNA", Key: secret, Since: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	holds := func(what []byte) bool {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			data, err := os.ReadFile(filepath.Join(dir, file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			found = found || bytes.Contains(data, what)
		}
		return found
	}
	if !holds(secret) {
		t.Fatal("the key is not in the file: this test can't tell")
	}
	if err := keys.Erase(t.Context(), p.ID, time.Unix(2, 0)); err != nil {
		t.Fatal(err)
	}
	if holds(secret) || holds([]byte("UANNA")) {
		t.Error("the key or the name is still there")
	}
}

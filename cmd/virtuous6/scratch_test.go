//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	sqlitemodels "github.com/virtuous6/virtuous6/readmodel/sqlite"
)

// TestSweepRemovesOnlyWhatDeadProcessesLeft has folders of every sort side by side.
func TestSweepRemovesOnlyWhatDeadProcessesLeft(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	folder := func(name string, files ...string) string {
		dir := filepath.Join(temp, scratchPrefix+name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	dead := folder("dead", scratchFiles...)
	alive := folder("alive", scratchLock, scratchFile)
	others := folder("own", scratchLock, scratchFile, "notes.txt")
	older := folder("unlocked", scratchFile)
	plain := filepath.Join(temp, scratchPrefix+"file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Open(filepath.Join(alive, scratchLock))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close() //nolint:errcheck // nothing was written to it
	if err := tryLock(lock); err != nil {
		t.Fatal(err)
	}
	sweepScratch(temp, time.Now())
	if _, err := os.Stat(dead); err != nil {
		t.Errorf("a folder that its maker may not have locked yet is gone: %v", err)
	}
	sweepScratch(temp, time.Now().Add(2*unsettled))
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a dead process left is still there: %v", err)
	}
	for _, kept := range []string{filepath.Join(alive, scratchFile), filepath.Join(others, scratchFile), filepath.Join(older, scratchFile), plain} {
		if _, err := os.Stat(kept); err != nil {
			t.Errorf("swept: %v", err)
		}
	}
}

// TestScratchIsLockedWhileItIsOpen has a sweep come by.
func TestScratchIsLockedWhileItIsOpen(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	engine, err := scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := engine.(thrownAway).dir
	sweepScratch(os.TempDir(), time.Now().Add(2*unsettled))
	if _, err := os.Stat(filepath.Join(dir, scratchFile)); err != nil {
		t.Errorf("swept while it is open: %v", err)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

// TestStoreFilesAreTheirOwnersOnly looks at all files of a store and of read models of their own, while they are open.
func TestStoreFilesAreTheirOwnersOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := &app{flags: &verbs{}, clock: time.Now}
	log, err := a.openLog(t.Context(), address{sqliteEngine, filepath.Join(dir, "log.db")}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // nothing was written to it
	models, err := sqlitemodels.Open(t.Context(), filepath.Join(dir, "read-models.db"), sqlitemodels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer models.Close() //nolint:errcheck // nothing was written to it
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		is, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if is.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), is.Mode())
		}
	}
}

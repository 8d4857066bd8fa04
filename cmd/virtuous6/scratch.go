package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	sqlitemodels "github.com/virtuous6/virtuous6/readmodel/sqlite"
)

// The files of a folder of read models that are thrown away. Its maker holds the lock for as long as it lives.
const (
	scratchPrefix = "virtuous6-"
	scratchLock   = "virtuous6.lock"
	scratchFile   = "read-models.db"
)

// scratchFiles is all that a sweep removes: a folder with anything else in it is somebody's own.
var scratchFiles = []string{scratchFile, scratchFile + "-wal", scratchFile + "-shm", scratchLock}

// unsettled is how young a folder may be whose maker has not come to lock it yet.
const unsettled = time.Minute

// scratch is an empty engine that is thrown away when it is closed. It sweeps away first what processes left behind that
// were killed.
func scratch(ctx context.Context) (_ readmodel.Engine, err error) {
	sweepScratch(os.TempDir(), time.Now())
	dir, err := os.MkdirTemp("", scratchPrefix)
	if err != nil {
		return nil, fmt.Errorf("a folder for read models that are thrown away: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	lock, err := os.OpenFile(filepath.Join(dir, scratchLock), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("a folder for read models that are thrown away: %w", err)
	}
	if err := tryLock(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", lock.Name(), err), lock.Close())
	}
	engine, err := sqlitemodels.Open(ctx, filepath.Join(dir, scratchFile), sqlitemodels.Options{Scratch: true})
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return thrownAway{engine, dir, lock}, nil
}

// thrownAway is an engine in a folder that goes with it.
type thrownAway struct {
	readmodel.Engine
	dir  string
	lock *os.File
}

// Close removes the folder, too.
func (e thrownAway) Close() error {
	return errors.Join(e.Engine.Close(), os.RemoveAll(e.dir), e.lock.Close())
}

// sweepScratch removes the folders of processes that are gone. What can't be read or removed is another user's, or is
// left for the next one who looks.
func sweepScratch(temp string, now time.Time) {
	dirs, err := filepath.Glob(filepath.Join(temp, scratchPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		if is, err := os.Lstat(dir); err != nil || !is.IsDir() || now.Sub(is.ModTime()) < unsettled {
			continue
		}
		sweepOne(dir)
	}
}

func sweepOne(dir string) {
	names, err := os.ReadDir(dir)
	if err != nil || slices.ContainsFunc(names, func(e os.DirEntry) bool { return !slices.Contains(scratchFiles, e.Name()) }) {
		return
	}
	lock, err := os.OpenFile(filepath.Join(dir, scratchLock), os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer func() { _ = lock.Close() }() // nothing was written to it
	if tryLock(lock) != nil {
		return // its maker lives
	}
	for _, name := range scratchFiles {
		_ = os.Remove(filepath.Join(dir, name))
	}
	_ = os.Remove(dir)
}

// scratchModels are empty read models that are thrown away when the verb ends.
func (a *app) scratchModels(ctx context.Context) (*projections.Models, error) {
	engine, err := scratch(ctx)
	if err != nil {
		return nil, err
	}
	models, err := projections.Open(ctx, engine, readmodel.Options{SnapshotEvery: -1})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read models that are thrown away: %w", err), engine.Close())
	}
	a.closers = append(a.closers, models.Close)
	return models, nil
}

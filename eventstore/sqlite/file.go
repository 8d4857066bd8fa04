package sqlite

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/virtuous6/virtuous6/eventstore"
)

// file is the one that a store was opened on. SQLite would go on with it where it is deleted, and would mix another one's
// pages with its write-ahead log where it is replaced (How To Corrupt An SQLite Database File, sections 1.3 and 2.4). One that
// is copied over it is the same file by name and number, but shorter: a log only grows. Where it is not shorter, overwritten
// finds it.
type file struct {
	path string
	is   os.FileInfo
	size *atomic.Int64 // the greatest so far
	over *overwritten
}

func fileAt(path string) (f file, err error) {
	opened := time.Now()
	f.path, f.size = path, new(atomic.Int64)
	f.over = &overwritten{path: path, now: func() time.Duration { return time.Since(opened) }}
	f.is, err = os.Stat(path)
	return f, err
}

// check tells whether the file is still there.
func (f file) check() error {
	before := f.size.Load() // looked up first: the file only grows
	now, err := os.Stat(f.path)
	if err == nil && os.SameFile(f.is, now) && now.Size() >= before {
		f.size.CompareAndSwap(before, now.Size())
		return nil
	}
	return fmt.Errorf("%w: %s was deleted or replaced while it was open, so that what is written to it would be lost: stop the programs that have it open, put the right file there, and start them again", eventstore.ErrUnavailable, f.path)
}

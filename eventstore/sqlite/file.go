package sqlite

import (
	"fmt"
	"os"

	"github.com/virtuous6/virtuous6/eventstore"
)

// file is the one that a store was opened on. SQLite would go on with it where it is deleted, and would mix another one's
// pages with its write-ahead log where it is replaced (How To Corrupt An SQLite Database File, sections 1.3 and 2.4).
type file struct {
	path string
	is   os.FileInfo
}

func fileAt(path string) (f file, err error) {
	f.path = path
	f.is, err = os.Stat(path)
	return f, err
}

// check tells whether the file is still there.
func (f file) check() error {
	if now, err := os.Stat(f.path); err == nil && os.SameFile(f.is, now) {
		return nil
	}
	return fmt.Errorf("%w: %s was deleted or replaced while it was open, so that what is written to it would be lost: stop the programs that have it open, put the right file there, and start them again", eventstore.ErrUnavailable, f.path)
}

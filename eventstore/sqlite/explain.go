package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "zombiezen.com/go/sqlite"

	"github.com/virtuous6/virtuous6/eventstore"
)

// explain turns SQLite's errors into the port's, and says what to do.
func explain(path string, err error) error {
	is := func(kind error, advice string, args ...any) error {
		return fmt.Errorf("%w: "+advice+" (%v)", append(append([]any{kind}, args...), err)...)
	}
	code := driver.ErrCode(err)
	switch {
	case err == nil, code == driver.ResultOK,
		errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrCorrupt), errors.Is(err, eventstore.ErrSchema), errors.Is(err, eventstore.ErrNoLog),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	switch code.ToPrimary() {
	case driver.ResultNotADB:
		return is(eventstore.ErrCorrupt, "%s is not a SQLite file, or its start was overwritten: name another file, or restore a backup", path)
	case driver.ResultCorrupt:
		return is(eventstore.ErrCorrupt, "%s is damaged: stop what writes to it, keep a copy, then restore a backup or save what can be read with `sqlite3 %s .recover`", path, path)
	case driver.ResultConstraint:
		return is(eventstore.ErrCorrupt, "%s breaks its own rules: stop what writes to it, keep a copy, and run `virtuous6 verify`", path)
	case driver.ResultBusy, driver.ResultLocked, driver.ResultProtocol:
		return is(eventstore.ErrUnavailable, "another program keeps %s locked: end it, or wait and try again", path)
	case driver.ResultFull:
		return is(eventstore.ErrUnavailable, "the disk that holds %s is full: free some space and try again", path)
	case driver.ResultReadOnly, driver.ResultPerm, driver.ResultAuth:
		return is(eventstore.ErrUnavailable, "%s can't be written: give this user write permission on the file and on its folder", path)
	case driver.ResultCantOpen:
		return is(eventstore.ErrUnavailable, "%s can't be opened: see that its folder exists, that it is a file and no folder, and that this user may write to it", path)
	case driver.ResultIOErr:
		return is(eventstore.ErrUnavailable, "reading or writing %s failed: see that its disk is there and healthy, then try again", path)
	case driver.ResultInterrupt:
		return is(context.Canceled, "%s", path)
	}
	return is(eventstore.ErrUnavailable, "SQLite refused to work on %s: try again, and report this if it stays", path)
}

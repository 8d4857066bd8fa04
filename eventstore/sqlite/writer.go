package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	driver "zombiezen.com/go/sqlite"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// cachedStreams bounds how many streams the writer remembers the end of: about 16 MB.
const cachedStreams = 1 << 16

// writer is the store's only connection that appends, owned by one goroutine. It puts the appends that wait into one
// transaction, so that they share the price of making it durable.
type writer struct {
	file   file
	conn   *driver.Conn
	config Config
	queue  *eventstore.Queue
	grown  *eventstore.Broadcast

	// What is known of the log. It holds as long as head is still the log's head, since nothing in the log changes;
	// another process that appended moves the head, and then all is forgotten.
	head    int64
	streams map[string]tail
	kinds   map[string]int64

	insertion insertion
}

// tail is where a stream ends. Its id is 0 where it does not exist.
type tail struct {
	id       int64
	revision int64
	position int64
}

func (t tail) expected() eventstore.Expected {
	if t.id == 0 {
		return eventstore.NoStream
	}
	return eventstore.Expected(t.revision)
}

func (t tail) appended() eventstore.Appended {
	if t.id == 0 {
		return eventstore.Appended{}
	}
	return eventstore.Appended{Revision: uint64(t.revision), Position: uint64(t.position)}
}

// run writes groups until the queue is closed and empty.
func (w *writer) run() {
	w.forget()
	for group := w.queue.Take(nil); len(group) > 0; group = w.queue.Take(group[:0]) {
		before := w.head
		if err := w.transact(&group); err != nil {
			w.forget()
			err = explain(w.file.path, err)
			for _, r := range group {
				r.Settle(eventstore.Appended{}, fmt.Errorf("append to %s: %w", r.Stream, err))
			}
		}
		if w.head != before {
			w.grown.Wake()
		}
		for i, r := range group {
			r.Done()
			group[i] = nil
		}
	}
}

func (w *writer) forget() {
	w.head, w.streams, w.kinds = 0, make(map[string]tail), make(map[string]int64)
}

// transact answers each request of a group in one transaction, and those that come before it has ended. An error is of
// the whole transaction: nothing of it stands.
func (w *writer) transact(group *[]*eventstore.Request) (err error) {
	if err := errors.Join(w.file.check(), w.file.over.look(w.conn)); err != nil {
		return err
	}
	if err := Begin(context.Background(), w.conn, w.config); err != nil {
		return err
	}
	defer func() {
		// Some errors have SQLite roll back by itself.
		if err != nil && !w.conn.AutocommitEnabled() {
			if undo := w.exec("ROLLBACK"); undo != nil {
				err = fmt.Errorf("%w; then rolling back: %w", err, undo)
			}
		}
	}()
	head, _, err := w.find("SELECT max(position) FROM events")
	if err != nil {
		return err
	}
	if head != w.head || len(w.streams) > cachedStreams {
		w.forget()
		w.head = head
	}
	recorded := w.config.Now().UnixNano()
	for n := 0; n < len(*group); *group = w.queue.More(*group) {
		for ; n < len(*group); n++ {
			r := (*group)[n]
			if r.Blocked() {
				r.Settle(eventstore.Appended{}, fmt.Errorf("append to %s: %w", r.Stream, eventstore.ErrBroken))
				continue
			}
			a, refused, err := w.append(r, recorded)
			if err != nil {
				return err
			}
			r.Settle(a, refused)
		}
	}
	return w.exec("COMMIT")
}

// append carries out one request. refused is for that request alone and leaves no trace of it; err fails the group.
func (w *writer) append(r *eventstore.Request, recorded int64) (a eventstore.Appended, refused, err error) {
	end, err := w.tail(r.Stream)
	switch {
	case err != nil:
		return a, nil, err
	case !r.Expected.Holds(end.expected()):
		return w.repeat(r, end)
	case len(r.Batch) == 0:
		return end.appended(), nil, nil
	}
	// Only what may leave something behind when it is refused at its n-th event needs a way back.
	undoable := end.id == 0 || len(r.Batch) > 1
	if undoable {
		if err := w.exec("SAVEPOINT request"); err != nil {
			return a, nil, err
		}
	}
	next, added, err := w.insert(r, end, recorded)
	if err != nil {
		return a, nil, err
	}
	if !added && undoable {
		clear(w.kinds) // a kind that came with this request is gone with it
		if err := w.exec("ROLLBACK TO request"); err != nil {
			return a, nil, err
		}
	}
	if undoable {
		if err := w.exec("RELEASE request"); err != nil {
			return a, nil, err
		}
	}
	if !added {
		return w.repeat(r, end)
	}
	w.streams[r.Stream], w.head = next, next.position
	return next.appended(), nil, nil
}

// insert adds a batch behind a stream's end. It is false at the first event whose id the log knows already.
func (w *writer) insert(r *eventstore.Request, end tail, recorded int64) (_ tail, added bool, err error) {
	if end.id == 0 {
		end.revision = -1
		if end.id, err = w.name("INSERT INTO streams (name) VALUES (?1)", r.Stream); err != nil {
			return end, false, err
		}
	}
	end.position = w.head
	for i := range r.Batch {
		e := &r.Batch[i]
		kind, err := w.kind(e.Kind)
		if err != nil {
			return end, false, err
		}
		end.revision++
		end.position++
		if added, err = w.event(e, end, kind, recorded); err != nil || !added {
			return end, false, err
		}
	}
	return end, true, nil
}

const insertEvent = `INSERT INTO events (position, id, stream, revision, kind, version, occurred_at, recorded_at,
	causation, correlation, actor, workspace, data)
	VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, CAST(?13 AS TEXT)) ON CONFLICT (id) DO NOTHING`

// insertion is the prepared insertEvent, with what its rows share: a binding stays until another takes its place, and to
// bind a text costs more than to compare it.
type insertion struct {
	stmt   *driver.Stmt
	shared [3]string
}

func (w *writer) event(e *events.Envelope, at tail, kind, recorded int64) (added bool, err error) {
	if w.insertion.stmt == nil {
		stmt, err := w.conn.Prepare(insertEvent)
		if err != nil {
			return false, err
		}
		w.insertion = insertion{stmt: stmt}
		for i := range w.insertion.shared {
			stmt.BindText(10+i, "")
		}
	}
	stmt := w.insertion.stmt
	stmt.BindInt64(1, at.position)
	stmt.BindBytes(2, e.ID[:])
	stmt.BindInt64(3, at.id)
	stmt.BindInt64(4, at.revision)
	stmt.BindInt64(5, kind)
	stmt.BindInt64(6, int64(e.Version))
	stmt.BindInt64(7, e.OccurredAt.UnixNano())
	stmt.BindInt64(8, recorded)
	if e.Causation == uuid.Nil {
		stmt.BindNull(9)
	} else {
		stmt.BindBytes(9, e.Causation[:])
	}
	for i, text := range [...]string{e.Correlation, e.Actor, e.Workspace} {
		if w.insertion.shared[i] != text {
			stmt.BindText(10+i, text)
			w.insertion.shared[i] = strings.Clone(text)
		}
	}
	stmt.BindBytes(13, e.Data)
	if err := done(stmt); err != nil {
		w.insertion.stmt = nil
		return false, err
	}
	return w.conn.Changes() == 1, nil
}

// repeat answers a request that can't be appended: with where its events stand if they all do, in their order; else it
// is refused.
func (w *writer) repeat(r *eventstore.Request, end tail) (a eventstore.Appended, refused, err error) {
	conflict := &eventstore.ConflictError{Stream: r.Stream, Expected: r.Expected, Actual: end.expected()}
	missing := len(r.Batch) == 0
	last := int64(-1)
	for i := range r.Batch {
		stmt, err := w.conn.Prepare("SELECT e.position, e.revision, s.name FROM events e JOIN streams s ON s.id = e.stream WHERE e.id = ?1")
		if err != nil {
			return a, nil, err
		}
		stmt.BindBytes(1, r.Batch[i].ID[:])
		found, err := stmt.Step()
		if err != nil {
			return a, nil, err
		}
		if !found {
			missing = true
			continue
		}
		position, revision, stream := stmt.ColumnInt64(0), stmt.ColumnInt64(1), stmt.ColumnText(2)
		if err := stmt.Reset(); err != nil {
			return a, nil, err
		}
		if stream != r.Stream {
			return a, fmt.Errorf("%w: append to %s: event %s stands in %s already", eventstore.ErrTaken, r.Stream, r.Batch[i].ID, stream), nil
		}
		missing = missing || revision <= last
		last = revision
		a = eventstore.Appended{Revision: uint64(revision), Position: uint64(position), Repeated: true}
	}
	if missing {
		return eventstore.Appended{}, conflict, nil
	}
	return a, nil, nil
}

// tail looks up where a stream ends.
func (w *writer) tail(stream string) (tail, error) {
	if t, ok := w.streams[stream]; ok {
		return t, nil
	}
	stmt, err := w.conn.Prepare("SELECT stream, revision, position FROM events WHERE stream = (SELECT id FROM streams WHERE name = ?1) ORDER BY revision DESC LIMIT 1")
	if err != nil {
		return tail{}, err
	}
	stmt.BindText(1, stream)
	found, err := stmt.Step()
	if err != nil || !found {
		return tail{}, err
	}
	t := tail{id: stmt.ColumnInt64(0), revision: stmt.ColumnInt64(1), position: stmt.ColumnInt64(2)}
	w.streams[stream] = t
	return t, stmt.Reset()
}

// kind is the number of a kind's name.
func (w *writer) kind(name string) (int64, error) {
	if id, ok := w.kinds[name]; ok {
		return id, nil
	}
	if _, err := w.name("INSERT INTO kinds (name) VALUES (?1) ON CONFLICT (name) DO NOTHING", name); err != nil {
		return 0, err
	}
	id, _, err := w.find("SELECT id FROM kinds WHERE name = ?1", name)
	if err != nil {
		return 0, err
	}
	w.kinds[name] = id
	return id, nil
}

func (w *writer) name(insert, name string) (id int64, err error) {
	stmt, err := w.conn.Prepare(insert)
	if err != nil {
		return 0, err
	}
	stmt.BindText(1, name)
	if err := done(stmt); err != nil {
		return 0, err
	}
	return w.conn.LastInsertRowID(), nil
}

// find is the integer that a query yields.
func (w *writer) find(query string, args ...string) (n int64, found bool, err error) {
	stmt, err := w.conn.Prepare(query)
	if err != nil {
		return 0, false, err
	}
	for i, arg := range args {
		stmt.BindText(i+1, arg)
	}
	if found, err = stmt.Step(); err != nil || !found {
		return 0, false, err
	}
	n = stmt.ColumnInt64(0)
	return n, true, stmt.Reset()
}

func (w *writer) exec(statement string) error {
	stmt, err := w.conn.Prepare(statement)
	if err != nil {
		return err
	}
	return done(stmt)
}

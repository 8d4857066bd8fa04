package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/virtuous6/virtuous6/eventstore"
)

// Channel is the NOTIFY channel that tells of appends. Its messages are empty: who hears one reads the log.
const Channel = "virtuous6_events"

// The writer's prepared statements, by name.
const (
	insertRows = `INSERT INTO events (position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation, actor, workspace, data)
SELECT $1::bigint + n, id, stream, revision, kind, version, occurred_at, $2::bigint, causation, correlation, actor, workspace, data
FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::int[], $8::bigint[], $9::uuid[], $10::text[], $11::text[], $12::text[], $13::text[])
WITH ORDINALITY AS e (id, stream, revision, kind, version, occurred_at, causation, correlation, actor, workspace, data, n)`

	readHead = `SELECT coalesce(max(position), 0) FROM events`

	// All three are looked up once, before the first row is inserted.
	onlyIf = ` WHERE $1 = (` + readHead + `)
AND NOT EXISTS (SELECT FROM events WHERE id = ANY ($3))
AND NOT EXISTS (SELECT FROM events WHERE stream = ANY ($14::text[]))`

	// insertOne is insertRows and onlyIf for a single row, which is what most appends of a busy system are: without arrays
	// it costs the server a third less.
	insertOne = `INSERT INTO events (position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation, actor, workspace, data)
SELECT $1::bigint + 1, $3::uuid, $4::text, $5::bigint, $6::text, $7::int, $8::bigint, $2::bigint, $9::uuid, $10::text, $11::text, $12::text, $13::text
WHERE $1 = (` + readHead + `)
AND NOT EXISTS (SELECT FROM events WHERE id = $3)
AND NOT EXISTS (SELECT FROM events WHERE stream = ANY ($14::text[]))`

	readTails = `SELECT s.name, e.revision, e.position FROM unnest($1::text[]) AS s (name)
CROSS JOIN LATERAL (SELECT revision, position FROM events WHERE stream = s.name ORDER BY revision DESC LIMIT 1) e`

	readIDs = `SELECT id, stream, revision, position FROM events WHERE id = ANY ($1::uuid[])`
)

var statements = [...]struct{ name, text string }{
	{"begin", "BEGIN ISOLATION LEVEL READ COMMITTED"},
	{"stall", "SELECT set_config('idle_in_transaction_session_timeout', $1, true)"},
	{"lock", "SELECT pg_advisory_xact_lock($1)"},
	{"head", readHead},
	{"tails", readTails},
	{"ids", readIDs},
	{"insert", insertRows},
	{"insert if", insertRows + onlyIf},
	{"insert one if", insertOne},
	{"commit", "COMMIT"},
}

// session speaks the writer's few sentences on one connection. Each sentence is one round trip: its statements are sent
// together, and PostgreSQL skips what comes after one that failed.
type session struct {
	conn *pgconn.PgConn
	// patience and stall are the writer's.
	patience, stall time.Duration
	known           map[string]*pgconn.StatementDescription
	lock            [][]byte
	arrays          [len(rowTypes)]array
	fresh           array
	params          [len(rowTypes) + 3][]byte
	bigint          [2][8]byte
}

// binaryFormat asks for all parameters and columns in binary.
var binaryFormat = []int16{pgtype.BinaryFormatCode}

// newSession prepares the statements. patience is how long the writer is after an append, which for the most part may be
// spent waiting for the append lock; stall is how long the server waits for a chunk.
func newSession(ctx context.Context, conn *pgconn.PgConn, patience, stall time.Duration) (*session, error) {
	s := &session{conn: conn, patience: patience, stall: stall, known: make(map[string]*pgconn.StatementDescription), lock: [][]byte{binary.BigEndian.AppendUint64(nil, uint64(appendLock))}}
	limits := "SET lock_timeout = " + milliseconds(patience*3/4) + "; SET idle_in_transaction_session_timeout = " + milliseconds(stall)
	if _, err := conn.Exec(ctx, limits).ReadAll(); err != nil {
		return nil, err
	}
	for _, st := range statements {
		described, err := conn.Prepare(ctx, st.name, st.text, nil)
		if err != nil {
			return nil, err
		}
		s.known[st.name] = described
	}
	return s, nil
}

func (s *session) close() {
	// It says goodbye to a server that is there. To one that is not, it gives up soon.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
}

// sentence collects statements, and reads their results in the same order.
type sentence struct {
	p     *pgconn.Pipeline
	known map[string]*pgconn.StatementDescription
	err   error
}

func (s *session) say(ctx context.Context) *sentence {
	return &sentence{p: s.conn.StartPipeline(ctx), known: s.known}
}

func (q *sentence) add(statement string, params ...[]byte) {
	q.p.SendQueryStatement(q.known[statement], params, binaryFormat, binaryFormat)
}

// send ends the sentence. What was added since the last send and is in no explicit transaction is one transaction.
func (q *sentence) send() { q.err = q.p.Sync() }

// sent reads that all of a send but the last was taken up.
func (q *sentence) sent() {
	if q.err != nil {
		return
	}
	result, err := q.p.GetResults()
	if _, ok := result.(*pgconn.PipelineSync); err == nil && !ok {
		err = fmt.Errorf("PostgreSQL answered with %T where a chunk's end was due", result)
	}
	q.err = err
}

// next reads one statement's result. row may be nil; what it is given is valid until it returns.
func (q *sentence) next(row func(columns [][]byte) error) (affected int64) {
	if q.err != nil {
		return 0
	}
	result, err := q.p.GetResults()
	if err != nil {
		q.err = err
		return 0
	}
	rows, ok := result.(*pgconn.ResultReader)
	if !ok {
		q.err = fmt.Errorf("PostgreSQL answered with %T where rows were due", result)
		return 0
	}
	for rows.NextRow() {
		if row == nil || q.err != nil {
			continue
		}
		q.err = row(rows.Values())
	}
	tag, err := rows.Close()
	if q.err == nil {
		q.err = err
	}
	return tag.RowsAffected()
}

// end waits for the sentence to have taken effect.
func (q *sentence) end() error {
	err := q.p.Close() // it reads up to the server's last word, errors of a commit included
	if q.err != nil {
		return q.err
	}
	return err
}

// insertIf appends a plan's rows, all of them if the log is as the plan takes it to be, or none. It takes the lock, and
// is a transaction of its own.
func (s *session) insertIf(ctx context.Context, p *plan, recorded int64) (added int64, err error) {
	s.fresh.begin(pgtype.TextOID)
	for _, stream := range p.fresh {
		s.fresh.text(stream)
	}
	q := s.say(ctx)
	q.add("lock", s.lock...)
	if len(p.rows) == 1 {
		q.add("insert one if", append(s.encodeOne(p.rows, p.head, recorded), s.fresh.end())...)
	} else {
		q.add("insert if", append(s.encode(p.rows, p.head, recorded), s.fresh.end())...)
	}
	q.send()
	q.next(nil)
	added = q.next(nil)
	return added, q.end()
}

// begin opens a transaction with the append lock, and reads what a group needs to know into an empty plan: the log's
// head, which of the group's ids stand, and where its streams end. Whatever is known of streams may be out of date, so
// that all are read.
func (s *session) begin(ctx context.Context, group []*eventstore.Request, known map[string]tail, p *plan) (head int64, err error) {
	p.reset(0, known)
	streams, ids := &s.arrays[1], &s.arrays[0]
	streams.begin(pgtype.TextOID)
	ids.begin(pgtype.UUIDOID)
	largest := 0
	for _, r := range group {
		if _, seen := p.tails[r.Stream]; !seen {
			p.tails[r.Stream] = tail{}
			streams.text(r.Stream)
		}
		for i := range r.Batch {
			ids.bytes(r.Batch[i].ID[:])
			largest = max(largest, weight(&r.Batch[i]))
		}
	}
	q := s.say(ctx)
	q.add("begin")
	if largest > chunkBytes {
		q.add("stall", []byte(milliseconds(s.allowance(largest))))
	}
	q.add("lock", s.lock...)
	q.add("head")
	q.add("tails", streams.end())
	q.add("ids", ids.end())
	q.send()
	q.next(nil)
	if largest > chunkBytes {
		q.next(nil)
	}
	q.next(nil)
	q.next(func(c [][]byte) error {
		head = number(c[0])
		return nil
	})
	q.next(func(c [][]byte) error {
		p.tails[string(c[0])] = tail{revision: number(c[1]), position: number(c[2])}
		return nil
	})
	q.next(func(c [][]byte) error {
		id, err := uuid.FromBytes(c[0])
		p.standing[id] = place{stream: string(c[1]), tail: tail{revision: number(c[2]), position: number(c[3])}}
		return err
	})
	return head, q.end()
}

// allowance is how long the server is to wait for a chunk of that many bytes: not for longer than the client would.
func (s *session) allowance(size int) time.Duration {
	return min(s.stall*time.Duration((size+chunkBytes-1)/chunkBytes), max(s.patience, s.stall))
}

// finish inserts a plan's rows into the transaction that begin opened, and commits it. The server looks at the time that
// a chunk takes from the end of the send before it on, so that each is a send of its own.
func (s *session) finish(ctx context.Context, p *plan, recorded int64) error {
	q := s.say(ctx)
	chunks := 0
	for done := 0; done < len(p.rows); chunks++ {
		if chunks > 0 {
			if q.send(); q.err != nil {
				return q.end()
			}
		}
		n, size := 0, 0
		for done+n < len(p.rows) && n < chunkRows && (n == 0 || size+weight(p.rows[done+n].event) <= chunkBytes) {
			size += weight(p.rows[done+n].event)
			n++
		}
		q.add("insert", s.encode(p.rows[done:done+n], p.head+int64(done), recorded)...)
		done += n
	}
	q.add("commit")
	q.send()
	for i := range chunks {
		if i > 0 {
			q.sent()
		}
		q.next(nil)
	}
	q.next(nil)
	return q.end()
}

// encode makes the insert's parameters of rows that come behind position head.
func (s *session) encode(rows []row, head, recorded int64) [][]byte {
	for i := range s.arrays {
		s.arrays[i].begin(rowTypes[i])
	}
	for i := range rows {
		r := &rows[i]
		e := r.event
		s.arrays[0].bytes(e.ID[:])
		s.arrays[1].text(r.stream)
		s.arrays[2].int64(r.revision)
		s.arrays[3].text(e.Kind)
		s.arrays[4].int32(int32(e.Version)) //nolint:gosec // Validate bounds it
		s.arrays[5].int64(e.OccurredAt.UnixNano())
		if e.Causation == uuid.Nil {
			s.arrays[6].null()
		} else {
			s.arrays[6].bytes(e.Causation[:])
		}
		s.arrays[7].text(e.Correlation)
		s.arrays[8].text(e.Actor)
		s.arrays[9].text(e.Workspace)
		s.arrays[10].bytes(e.Data)
	}
	binary.BigEndian.PutUint64(s.bigint[0][:], uint64(head))
	binary.BigEndian.PutUint64(s.bigint[1][:], uint64(recorded))
	params := append(s.params[:0], s.bigint[0][:], s.bigint[1][:])
	for i := range s.arrays {
		params = append(params, s.arrays[i].end())
	}
	return params
}

// encodeOne makes the parameters of the insert of one row. Each value is the only element of its array.
func (s *session) encodeOne(rows []row, head, recorded int64) [][]byte {
	params := s.encode(rows, head, recorded)
	const element = arrayHeader + 4 // behind the value's length
	for i := range s.arrays {
		if params[i+2] = s.arrays[i].buf[element:]; s.arrays[i].buf[7] == 1 {
			params[i+2] = nil // null
		}
	}
	return params
}

func number(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

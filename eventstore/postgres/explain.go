package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/virtuous6/virtuous6/eventstore"
)

// explain turns PostgreSQL's and the network's errors into the port's, and says what to do. where names the database.
func explain(where string, err error) error {
	switch {
	case err == nil,
		errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrCorrupt), errors.Is(err, eventstore.ErrSchema), errors.Is(err, eventstore.ErrNoLog),
		errors.Is(err, context.Canceled):
		return err
	}
	advice, kind := advise(err)
	return fmt.Errorf("%w: "+advice+" (%s: %v)", kind, where, err)
}

func advise(err error) (advice string, kind error) {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return adviseCode(refused.Code)
	}
	var connecting *pgconn.ConnectError
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return "the server's host name is not known: check the host in the URL", eventstore.ErrUnavailable
	case errors.As(err, &connecting):
		return "the server can't be reached: see that it runs, and check host, port and sslmode in the URL", eventstore.ErrUnavailable
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return "the server took too long to answer: see that it is at work, then try again", eventstore.ErrUnavailable
	}
	return "the connection to the server was lost: see that it runs, then try again", eventstore.ErrUnavailable
}

// adviseCode knows the codes of PostgreSQL's manual, appendix A.
func adviseCode(code string) (advice string, kind error) {
	switch code {
	case "28P01", "28000":
		return "the server refused the user or the password: check both in the URL, and pg_hba.conf on the server", eventstore.ErrUnavailable
	case "3D000":
		return "the database does not exist: make it with createdb, or check its name in the URL", eventstore.ErrUnavailable
	case "42501":
		return "the user may not do this: grant it SELECT and INSERT on the log's tables and CREATE on their schema, or have their owner open the log once", eventstore.ErrUnavailable
	case "25006":
		return "the server takes no writes: it is a standby or set read-only, name the primary in the URL", eventstore.ErrUnavailable
	case "53300":
		return "the server has no connection left: raise its max_connections, or run fewer programs on it", eventstore.ErrUnavailable
	case "53100":
		return "the server's disk is full: free some space and try again", eventstore.ErrUnavailable
	case "55P03":
		return "another session keeps the log locked: end it (pg_locks with locktype 'advisory' shows it), or wait and try again", eventstore.ErrUnavailable
	case "57P01", "57P02", "57P03":
		return "the server is stopping or starting: wait and try again", eventstore.ErrUnavailable
	case "25P03":
		return "the server waited too long for what was to be appended: append fewer or smaller events at once, or see that the line to it carries 1 MiB a second", eventstore.ErrUnavailable
	case "57014":
		return "the server ended the statement: raise statement_timeout for this user, then try again", eventstore.ErrUnavailable
	case "42P01", "42703", "3F000":
		return "the log's tables are missing or were changed: check the database and search_path in the URL, or restore a backup", eventstore.ErrSchema
	}
	switch {
	case code == "08P01":
		return "a pooler before the server takes no search_path: leave it out of the URL and set it for the user (ALTER ROLE ... SET search_path), or give the server's own address", eventstore.ErrUnavailable
	case strings.HasPrefix(code, "XX"):
		return "the database is damaged: stop what writes to it, keep a copy, then restore a backup", eventstore.ErrCorrupt
	case strings.HasPrefix(code, "23"):
		return "the log breaks its own rules: something else writes to its table; stop that, and run `virtuous6 verify`", eventstore.ErrCorrupt
	}
	return "PostgreSQL refused: try again, and report this if it stays", eventstore.ErrUnavailable
}

// passing tells whether the same may succeed on a new connection: the server was not reached, went away or is about to
// come back.
func passing(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return !errors.Is(err, eventstore.ErrUnavailable)
	}
	switch refused.Code {
	case "57P01", "57P02", "57P03", "25P03", "25P04", "53300", "40001", "40P01":
		return true
	}
	return strings.HasPrefix(refused.Code, "08")
}

// alone tells whether an error can be the fault of one request of a group: of what it holds, not of the server.
func alone(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code[:min(2, len(refused.Code))] {
	case "22", "23", "54": // data exceptions, broken constraints, limits of the program
		return true
	}
	return false
}

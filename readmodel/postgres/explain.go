package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/virtuous6/virtuous6/readmodel"
)

// explain turns PostgreSQL's and the network's errors into those a user can act on. The end of ctx ends a statement.
func (e *Engine) explain(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.Is(err, readmodel.ErrUnavailable), errors.Is(err, readmodel.ErrCheckpointMoved):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case e.closed.Load():
		return errClosed
	}
	return fmt.Errorf("%w: %s: %s (%w)", readmodel.ErrUnavailable, e.where, advice(err), err)
}

func advice(err error) string {
	var refused *pgconn.PgError
	var connecting *pgconn.ConnectError
	switch {
	case errors.As(err, &refused):
		return adviceFor(refused.Code)
	case errors.As(err, &connecting):
		return "the server can't be reached: see that it runs, and check host, port and sslmode in the URL"
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return "the server took too long to answer: see that it is at work, then try again"
	}
	return "the connection to the server was lost: see that it runs, then try again"
}

// adviceFor knows the codes of PostgreSQL's manual, appendix A.
func adviceFor(code string) string {
	switch code {
	case "28P01", "28000":
		return "the server refused the user or the password: check both in the URL, and pg_hba.conf on the server"
	case "3D000":
		return "the database does not exist: make it with createdb, or check its name in the URL"
	case "42501":
		return "the user may not do this: grant it CREATE on the schema"
	case "25006":
		return "the server takes no writes: it is a standby or set read-only, name the primary in the URL"
	case "53300":
		return "the server has no connection left: raise its max_connections, or run fewer programs on it"
	case "53100":
		return "the server's disk is full: free some space and try again"
	case "55P03":
		return "others keep the read models busy: wait until they are done, and try again"
	case "57P01", "57P02", "57P03":
		return "the server is stopping or starting: wait and try again"
	case "57014":
		return "the server ended the statement: raise statement_timeout for this user, then try again"
	case "42P01", "42703", "42804", "42P07":
		return "their tables are missing or another program's: name another database or search_path, or drop them and run `virtuous6 replay`"
	}
	if strings.HasPrefix(code, "XX") {
		return "the database is damaged: drop the read models' tables and run `virtuous6 replay`, and look after the server"
	}
	return "PostgreSQL refused: try again, and report this if it stays"
}

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/virtuous6/virtuous6/eventstore"
)

// errPooled refuses a pooler that lends a server's connection for one transaction: settings, prepared statements and
// notifications are lost between two.
var errPooled = fmt.Errorf("%w: the URL is that of a connection pooler in transaction mode, which loses what a session knows: "+
	"give the server's own address, or the pooler's in session mode (Supabase: the direct connection or the session pooler, port 5432, not 6543; PgBouncer: pool_mode = session)", eventstore.ErrUnavailable)

// unpooled returns errPooled where two connections share one of the server's.
func unpooled(ctx context.Context, dial func(context.Context) (*pgconn.PgConn, error)) error {
	one, err := dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = one.Close(context.WithoutCancel(ctx)) }()
	// A pooler gives its clients numbers of its own.
	pid, err := backend(ctx, one, "SELECT pg_backend_pid()")
	if err != nil || pid == fmt.Sprint(one.PID()) {
		return err
	}
	other, err := dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = other.Close(context.WithoutCancel(ctx)) }()
	lent, err := backend(ctx, other, "BEGIN; SELECT pg_backend_pid()")
	if err != nil {
		return err
	}
	now, err := backend(ctx, one, "SELECT pg_backend_pid()")
	if err != nil {
		return err
	}
	if lent == pid || now != pid {
		return errPooled
	}
	return nil
}

// backend is the number of the server's process that answers the last of the statements.
func backend(ctx context.Context, conn *pgconn.PgConn, sql string) (string, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return "", err
	}
	last := results[len(results)-1]
	if len(last.Rows) != 1 {
		return "", errors.New("the server does not tell its process")
	}
	return string(last.Rows[0][0]), nil
}

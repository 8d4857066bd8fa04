package pgtest

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
)

// Shared is one server for all tests of a package, started by the first that asks for it. The zero value works.
// TestMain calls Stop when all tests have run.
type Shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Server returns the server. Where no PostgreSQL is installed it skips the test, or fails it where CI=true.
func (s *Shared) Server(t testing.TB) *Server {
	t.Helper()
	s.once.Do(func() { s.server, s.err = Start(context.Background()) })
	Need(t, s.err)
	return s.server
}

// Need ends a test that got no server: it is skipped where no PostgreSQL is installed, and failed for any other reason
// and where CI=true.
func Need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && os.Getenv("CI") != "true":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// Stop ends the server, if one was started.
func (s *Shared) Stop() error {
	if s.server == nil {
		return nil
	}
	return s.server.Stop()
}

package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/virtuous6/virtuous6/eventstore/pgtest"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
	"github.com/virtuous6/virtuous6/readmodel/postgres"
)

// server is the one PostgreSQL of all tests here that don't break theirs.
var server pgtest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// database returns the URL of an empty database.
func database(t testing.TB) string {
	t.Helper()
	url, err := server.Server(t).Create(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func open(t testing.TB, url string) *postgres.Engine {
	t.Helper()
	e, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestEngine(t *testing.T) {
	t.Parallel()
	// A schema is made faster than a database.
	shared := database(t)
	var schemas atomic.Int64
	enginetest.Run(t, 3, func(t *testing.T) enginetest.Storage {
		url := fmt.Sprintf("%s&search_path=engine%d", shared, schemas.Add(1))
		return func() readmodel.Engine { return open(t, url) }
	})
}

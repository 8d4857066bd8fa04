package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/storetest"
)

func open(t *testing.T, path string, c Config) *Store {
	t.Helper()
	s, err := Open(context.Background(), path, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t,
		func(t *testing.T) eventstore.Store { return open(t, filepath.Join(t.TempDir(), "log.db"), Config{}) },
		storetest.WithPayload(pageBytes+1),
		storetest.WithReopen(func(t *testing.T, closed eventstore.Store) eventstore.Store {
			return open(t, closed.(*Store).path, Config{})
		}),
		storetest.WithPeer(func(t *testing.T, s eventstore.Store) eventstore.Store {
			return open(t, s.(*Store).path, Config{})
		}),
	)
}

package postgres_test

import (
	"os"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/eventstore/pgtest"
	"github.com/virtuous6/virtuous6/veil"
	"github.com/virtuous6/virtuous6/veil/keystest"
	"github.com/virtuous6/virtuous6/veil/postgres"
)

var server pgtest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Stop(); err != nil {
		code = 1
	}
	os.Exit(code)
}

func TestKeysInPostgreSQL(t *testing.T) {
	t.Parallel()
	url, err := server.Server(t).Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	keystest.Run(t, func(t *testing.T) veil.Keys {
		keys, err := postgres.Open(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = keys.Close() })
		return keys
	})
}

func TestAnAddressIsNotShown(t *testing.T) {
	t.Parallel()
	if _, err := postgres.Open("postgres://anna:hunter2@host:port/x"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

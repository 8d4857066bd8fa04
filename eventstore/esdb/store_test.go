package esdb

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
	"github.com/virtuous6/virtuous6/eventstore/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// realServer names the environment variable with the URL of a real server that the suite is to run against.
const realServer = "VIRTUOUS6_ESDB_URL"

func start(t *testing.T, c esdbtest.Config) *esdbtest.Server {
	t.Helper()
	s, err := esdbtest.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func open(t *testing.T, url string, c Config) *Store {
	t.Helper()
	s, err := Open(context.Background(), url, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// under is the URL of a log with that prefix, or without one.
func under(url, prefix string) string {
	switch {
	case prefix == "":
		return url
	case strings.Contains(url, "?"):
		return url + "&prefix=" + prefix
	}
	return url + "?prefix=" + prefix
}

// TestConformance runs the whole suite against the double, or against a real server that VIRTUOUS6_ESDB_URL names.
// There each log gets a prefix of its own, so that the server may hold anything else; its streams stay there.
func TestConformance(t *testing.T) {
	url := os.Getenv(realServer)
	if url != "" {
		conformance(t, func(t *testing.T) *Store {
			return open(t, under(url, "conformance/"+uuid.NewString()+"/"), Config{})
		}, storetest.WithPayload(512<<10)) // a server takes 1 MiB at once, unless its MaxAppendSize is raised
		return
	}
	payload := pageBytes + 1
	if racing {
		payload = 512 << 10
	}
	for _, c := range []struct {
		name   string
		server esdbtest.Config
		prefix string
		config Config
	}{
		{"current server", esdbtest.Config{MaxAppend: 16 << 20}, "", Config{}},
		{"server without CaughtUp, with a prefix and little memory", esdbtest.Config{Version: "22.10.5", OldPositions: true, MaxAppend: 16 << 20}, "north/", Config{Remembered: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if racing && c.prefix != "" {
				t.Skip("the race detector makes the suite ten times as slow, and has seen this code in the run before")
			}
			// Started before the suite looks for goroutines that are left.
			servers := make(chan *esdbtest.Server, 64)
			for range cap(servers) {
				servers <- start(t, c.server)
			}
			var of sync.Map // a store's server
			conformance(t, func(t *testing.T) *Store {
				var server *esdbtest.Server
				select {
				case server = <-servers:
				default:
					server = start(t, c.server)
				}
				s := open(t, under(server.URL(), c.prefix), c.config)
				of.Store(s, server)
				return s
			}, storetest.WithPayload(payload), storetest.WithCut(func(t *testing.T, s eventstore.Store) {
				server, _ := of.Load(s)
				if err := server.(*esdbtest.Server).Restart(); err != nil {
					t.Error(err)
				}
			}))
		})
	}
}

func conformance(t *testing.T, fresh func(t *testing.T) *Store, options ...storetest.Option) {
	again := func(t *testing.T, s eventstore.Store) eventstore.Store {
		old := s.(*Store)
		url := os.Getenv(realServer)
		if url == "" {
			url = "esdb://" + strings.Join(old.cluster.seeds, ",") + "?tls=false"
		}
		return open(t, under(url, old.prefix), Config{Remembered: old.config.Remembered})
	}
	storetest.Run(t, func(t *testing.T) eventstore.Store { return fresh(t) }, append(options,
		storetest.WithReopen(again),
		storetest.WithPeer(again),
		storetest.WithIDsPerStream(),
	)...)
}

// TestKindsAtTheServer shows that the server reads the pattern for kinds as it is meant. It needs no empty log.
func TestKindsAtTheServer(t *testing.T) {
	url := os.Getenv(realServer)
	if url == "" {
		url = start(t, esdbtest.Config{}).URL()
	}
	s := open(t, url, Config{})
	name := uuid.NewString()
	at := put(t, s, "run-"+name, fact("first "+name))
	wanted := []string{name + ".a", name + ".(b|c)"}
	var want []events.Envelope
	for i, kind := range []string{wanted[0], name + "xa", wanted[0] + "\n", wanted[0] + "b", name + ".b", wanted[1], "x" + wanted[0], wanted[0]} {
		e := fact(fmt.Sprint(i, name))
		e.Kind = kind
		put(t, s, "run-"+name, e)
		if slices.Contains(wanted, kind) {
			want = append(want, e)
		}
	}
	p := &pages{}
	if err := s.page(t.Context(), s.logRequest(eventstore.Forwards, at.Position, wanted), p); err != nil {
		t.Fatal(err)
	}
	for i, row := range p.rows {
		e, ours, err := decode(row, "")
		if err != nil || !ours || i >= len(want) || e.ID != want[i].ID {
			t.Errorf("the server sends %q, %v", e.Kind, err)
		}
	}
	if len(p.rows) != len(want) {
		t.Errorf("the server sends %d events, want %d", len(p.rows), len(want))
	}
}

package esdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
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

// suitePrefix begins the prefix of every log that the suite makes at a real server.
var suitePrefix = "conformance/" + uuid.NewString() + "/"

// sweep deletes the streams whose names begin with a prefix, and the marks of the logs there.
func sweep(ctx context.Context, url, prefix string) (deleted int, err error) {
	s, err := Open(ctx, under(url, prefix), Config{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	names := make(map[string]bool)
	for _, begins := range []string{prefix, markStream + prefix} {
		there := &Store{own: own{prefix: begins}, config: s.config, cluster: s.cluster}
		from := uint64(0)
		for p := (&pages{}); !p.ended; {
			if err := there.page(ctx, there.logRequest(eventstore.Forwards, from, nil), p); err != nil {
				return 0, err
			}
			for _, row := range p.rows {
				names[string(row.GetStreamIdentifier().GetStreamName())] = true
				from = row.GetCommitPosition()
			}
		}
	}
	plain := &Store{config: s.config, cluster: s.cluster} // the names are whole already
	for name := range names {
		switch err := plain.page(ctx, plain.streamRequest(name, eventstore.Forwards, nil), &pages{limit: 1}); {
		case errors.Is(err, eventstore.ErrNoStream):
			continue
		case err != nil:
			return deleted, err
		}
		err := s.call(ctx, func(ctx context.Context, n *node) error {
			_, err := streams.NewStreamsClient(n.conn).Delete(ctx, &streams.DeleteReq{Options: &streams.DeleteReq_Options{
				StreamIdentifier:       plain.identifier(name),
				ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}},
			}})
			return err
		})
		if err != nil {
			return deleted, err
		}
		deleted++
	}
	return deleted, nil
}

// sweptAtEnd has what a test leaves at a real server be deleted when it ends.
func sweptAtEnd(t *testing.T, url string) {
	t.Logf("all streams of this run begin with %s", suitePrefix)
	t.Cleanup(func() {
		n, err := sweep(context.Background(), url, suitePrefix)
		if err != nil {
			t.Errorf("streams that begin with %s are left at the server: %v", suitePrefix, err)
		}
		t.Logf("%d streams that begin with %s were deleted; their events take room until the server is scavenged", n, suitePrefix)
	})
}

// TestConformance runs the whole suite against the double, or against a real server that VIRTUOUS6_ESDB_URL names.
// There each log gets a prefix of its own, so that the server may hold anything else; its streams are deleted at the end.
func TestConformance(t *testing.T) {
	url := os.Getenv(realServer)
	if url != "" {
		sweptAtEnd(t, url)
		conformance(t, func(t *testing.T) *Store {
			return open(t, under(url, suitePrefix+uuid.NewString()+"/"), Config{})
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
		storetest.WithSilentRepeats(),
	)...)
}

// TestKindsAtTheServer shows that the server reads the pattern for kinds as it is meant. It needs no empty log.
func TestKindsAtTheServer(t *testing.T) {
	url := os.Getenv(realServer)
	if url == "" {
		url = start(t, esdbtest.Config{}).URL()
	} else {
		sweptAtEnd(t, url)
	}
	// Written under the suite's prefix, so that no log without one takes it for its own.
	written, s := open(t, under(url, suitePrefix+"kinds/"), Config{}), open(t, url, Config{})
	name := uuid.NewString()
	at := put(t, written, "run-"+name, fact("first "+name))
	wanted := []string{name + ".a", name + ".(b|c)"}
	var want []events.Envelope
	for i, kind := range []string{wanted[0], name + "xa", wanted[0] + "\n", wanted[0] + "b", name + ".b", wanted[1], "x" + wanted[0], wanted[0]} {
		e := fact(fmt.Sprint(i, name))
		e.Kind = kind
		put(t, written, "run-"+name, e)
		if slices.Contains(wanted, kind) {
			want = append(want, e)
		}
	}
	p := &pages{}
	if err := s.page(t.Context(), s.logRequest(eventstore.Forwards, at.Position, wanted), p); err != nil {
		t.Fatal(err)
	}
	for i, row := range p.rows {
		e, ours, err := decode(row, suitePrefix+"kinds/")
		if err != nil || !ours || i >= len(want) || e.ID != want[i].ID {
			t.Errorf("the server sends %q, %v", e.Kind, err)
		}
	}
	if len(p.rows) != len(want) {
		t.Errorf("the server sends %d events, want %d", len(p.rows), len(want))
	}
}

// What the suite wrote is deleted by its prefix, and nothing else is.
func TestTheSuiteSweepsUp(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	mine, kept := open(t, under(server.URL(), "conformance/a/1/"), Config{}), open(t, server.URL(), Config{})
	put(t, mine, "run-1", facts("a", 2)...)
	put(t, mine, "run-2", facts("b", 2)...)
	put(t, kept, "run-1", facts("c", 2)...)
	if err := mine.mark(t.Context(), edges{}); err != nil {
		t.Fatal(err)
	}
	if n, err := sweep(t.Context(), server.URL(), "conformance/a/"); err != nil || n != 3 {
		t.Errorf("%d streams were deleted, %v, want 3", n, err)
	}
	for s, gone := range map[*Store]bool{mine: true, kept: false} {
		for _, err := range s.ReadStream(t.Context(), "run-1", eventstore.StreamOptions{}) {
			if errors.Is(err, eventstore.ErrNoStream) != gone {
				t.Errorf("prefix %q: %v", s.prefix, err)
			}
		}
	}
	if n, err := sweep(t.Context(), server.URL(), "conformance/a/"); err != nil || n != 0 {
		t.Errorf("again: %d streams, %v", n, err)
	}
}

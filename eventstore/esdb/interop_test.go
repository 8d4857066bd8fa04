package esdb

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// official is the client library's own client: a witness that what is on the wire is what others write and read.
func official(t *testing.T, server *esdbtest.Server) *client.Client {
	t.Helper()
	c, err := client.ParseConnectionString(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	c.Logger = client.NoopLogging()
	cl, err := client.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cl.Close() })
	return cl
}

func TestTheOfficialClientReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s, witness := open(t, server.URL(), Config{}), official(t, server)
	e := fact("a")
	e.Version, e.Causation, e.Correlation, e.Actor, e.Workspace = 3, fact("cause").ID, "run-1", "user:anna", "north"
	opaque := fact("opaque")
	opaque.Data = []byte("{")
	at, err := s.Append(t.Context(), "run-1", eventstore.NoStream, []events.Envelope{e, opaque})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := witness.ReadStream(t.Context(), "run-1", client.ReadStreamOptions{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	first, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	r := first.Event
	if r.EventID != e.ID || r.EventType != e.Kind || r.ContentType != "application/json" || r.StreamID != "run-1" || r.EventNumber != 0 || string(r.Data) != string(e.Data) {
		t.Errorf("the official client reads %+v", r)
	}
	var m map[string]any
	if err := json.Unmarshal(r.UserMetadata, &m); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"version": 3.0, "occurred_at": "2026-11-01T09:30:00Z", "$causationId": e.Causation.String(), "$correlationId": "run-1",
		"actor": "user:anna", "workspace": "north",
	}
	if len(m) != len(want) {
		t.Errorf("metadata %v, want %v", m, want)
	}
	for k := range want {
		if m[k] != want[k] {
			t.Errorf("metadata %s is %v, want %v", k, m[k], want[k])
		}
	}
	second, err := stream.Recv()
	if err != nil || second.Event.ContentType != "application/octet-stream" || second.Event.Position.Commit != at.Position {
		t.Errorf("the official client reads %+v, %v, at %d", second, err, at.Position)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}
}

// The double treats the official client as a real server does, as far as that client can tell.
func TestTheDoubleServesTheOfficialClient(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	witness := official(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	data := func(n int) (list []client.EventData) {
		for range n {
			list = append(list, client.EventData{EventID: uuid.New(), EventType: "billed", ContentType: client.ContentTypeJson, Data: []byte("{}")})
		}
		return list
	}
	put := func(expected client.ExpectedRevision, batch ...client.EventData) error {
		_, err := witness.AppendToStream(ctx, "bill-1", client.AppendToStreamOptions{ExpectedRevision: expected}, batch...)
		return err
	}
	wrong := func(err error) bool {
		var e *client.Error
		return errors.As(err, &e) && e.Code() == client.ErrorCodeWrongExpectedVersion
	}
	a, b := data(2), data(1)
	for _, c := range []struct {
		name  string
		err   error
		wrong bool
	}{
		{"exists, and does not", put(client.StreamExists{}, data(1)...), true},
		{"new", put(client.NoStream{}, a...), false},
		{"new, repeated", put(client.NoStream{}, a...), false},
		{"new, but there", put(client.NoStream{}, data(1)...), true},
		{"exact", put(client.Revision(1), b...), false},
		{"exact, repeated", put(client.Revision(1), b...), false},
		{"exact, late", put(client.Revision(1), data(1)...), true},
		{"any, repeated", put(client.Any{}, a...), false},
		{"any, in part", put(client.Any{}, a[0], data(1)[0]), true},
		{"exact, with an older id: taken, as by a real server", put(client.Revision(2), a[0]), false},
		{"exists", put(client.StreamExists{}, data(1)...), false},
	} {
		if wrong(c.err) != c.wrong || !c.wrong && c.err != nil {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	if n := server.Events(); n != 5 {
		t.Errorf("%d events, want 5", n)
	}
	missing, err := witness.ReadStream(ctx, "bill-2", client.ReadStreamOptions{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer missing.Close()
	var e *client.Error
	if _, err := missing.Recv(); !errors.As(err, &e) || e.Code() != client.ErrorCodeResourceNotFound {
		t.Errorf("a missing stream: %v", err)
	}
	sub, err := witness.SubscribeToAll(ctx, client.SubscribeToAllOptions{From: client.Start{}, Filter: client.ExcludeSystemEventsFilter()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Close() }()
	seen := ""
	for !strings.HasSuffix(seen, "|") {
		switch m := sub.Recv(); {
		case m.EventAppeared != nil:
			seen += "e"
		case m.CaughtUp != nil:
			seen += "|"
		case m.SubscriptionDropped != nil:
			t.Fatal(m.SubscriptionDropped.Error)
		}
	}
	if seen != "eeeee|" {
		t.Errorf("subscribed %s", seen)
	}
}

// Other programs may use the same database.
func TestOtherProgramsEventsArePassedOver(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	witness := official(t, server)
	s, north, south := open(t, server.URL(), Config{}), open(t, server.URL()+"&prefix=north/", Config{}), open(t, server.URL()+"&prefix=south/", Config{})
	put := func(stream, metadata string) {
		t.Helper()
		if _, err := witness.AppendToStream(t.Context(), stream, client.AppendToStreamOptions{}, client.EventData{
			EventType: "run.started", ContentType: client.ContentTypeJson, Data: []byte("{}"), Metadata: []byte(metadata),
		}); err != nil {
			t.Fatal(err)
		}
	}
	put("bill-1", "")
	at, err := north.Append(t.Context(), "run-1", eventstore.NoStream, facts("a", 2))
	if err != nil {
		t.Fatal(err)
	}
	put("bill-1", "no JSON")
	put("bill-1", `{"version":"of theirs"}`)
	put("north/run-2", `{}`)
	// The same ids again, in another log.
	if _, err := south.Append(t.Context(), "run-1", eventstore.NoStream, facts("a", 1)); err != nil {
		t.Fatal(err)
	}
	// A prefix that begins with another one.
	below := open(t, server.URL()+"&prefix=north/east/", Config{})
	if _, err := below.Append(t.Context(), "run-1", eventstore.NoStream, facts("a", 1)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		log    *Store
		events int
		first  string
	}{{north, 2, "run-1"}, {south, 1, "run-1"}, {below, 1, "run-1"}, {s, 0, ""}} {
		log := all(t, c.log)
		head, err := c.log.Head(t.Context())
		last, first := uint64(0), ""
		if len(log) > 0 {
			first, last = log[0].Stream, log[len(log)-1].Position
		}
		if len(log) != c.events || err != nil || head != last || first != c.first {
			t.Errorf("%q: got %d events, head %d, %v", c.log.prefix, len(log), head, err)
		}
		n := 0
		for m, err := range c.log.Subscribe(t.Context(), 0) {
			if err != nil || m.CaughtUp {
				break
			}
			n++
		}
		if n != c.events {
			t.Errorf("%q: subscribed to %d events", c.log.prefix, n)
		}
	}
	if head, err := north.Head(t.Context()); err != nil || head != at.Position {
		t.Errorf("head %d, %v, want %d", head, err, at.Position)
	}
	// Within a stream of ours a gap would be a lie.
	put("run-9", "")
	for _, err := range s.ReadStream(t.Context(), "run-9", eventstore.StreamOptions{}) {
		if !errors.Is(err, eventstore.ErrCorrupt) {
			t.Errorf("a stream of another program: %v, want ErrCorrupt", err)
		}
	}
	put("run-10", `{"version":1,"occurred_at":"yesterday"}`)
	var last error
	for _, err := range s.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		last = err
	}
	if !errors.Is(last, eventstore.ErrCorrupt) || !strings.Contains(last.Error(), "run-10") {
		t.Errorf("damaged metadata: %v, want ErrCorrupt with the stream", last)
	}
}

package bench

import (
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdb"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// serverTime is how long the double of EventStoreDB takes for an append, as a server on a disk does.
const serverTime = 3 * time.Millisecond

// lanes compares chains of submissions to EventStoreDB's double with one chain, and with as many callers of the bare
// generated client.
func lanes(b *testing.B, t *table) {
	double := func(version string, read time.Duration) *esdbtest.Server {
		s, err := esdbtest.Start(esdbtest.Config{AppendTime: serverTime, ReadTime: read, Version: version})
		must(b, err)
		return s
	}
	chains := func(n, size int, version string, read time.Duration) sample {
		server := double(version, read)
		defer server.Close()
		store, err := esdb.Open(b.Context(), server.URL(), esdb.Config{})
		must(b, err)
		defer store.Close()
		of := make([]eventstore.Chain, n)
		return spread(b, n, size, func(w int, stream string, batch []events.Envelope, revision int64) error {
			expected := eventstore.NoStream
			if revision > 0 {
				expected = eventstore.Exactly(uint64(revision - 1))
			}
			_, err := store.Submit(b.Context(), &of[w], stream, expected, batch)()
			return err
		})
	}
	taken := alternate(3**rounds,
		func() sample { return chains(1, 1, "", 0) },
		func() sample { return chains(32, 1, "", 0) },
		func() sample {
			server := double("", 0)
			defer server.Close()
			return bare(b, server.Address(), 32)
		},
		func() sample { return chains(1, 10, "23.10.5", 0) },
		func() sample { return chains(1, 10, "23.10.6", 0) },
		func() sample { return chains(1, 10, "23.10.5", serverTime) },
		func() sample { return chains(1, 10, "23.10.6", serverTime) },
	)
	rates := make([]float64, len(taken))
	for i := range taken {
		rates[i] = median(taken[i], sample.perSecond)
	}
	many := row{name: "append 32 x 1, chains / bare client", raw: rates[2], ours: rates[1], target: .7}
	many.p50, many.p99 = quantiles(pool(taken[1]))
	for _, r := range []row{
		many,
		{name: "append 32 x 1 / 1 x 1, chains", raw: rates[0], ours: rates[1], target: 20},
		{name: "append 1 x 10, position told / read back", raw: rates[3], ours: rates[4], note: "a read takes the double no time"},
		{name: "append 1 x 10, position told / read back", raw: rates[5], ours: rates[6], target: 1.5, note: "a read takes as long as an append"},
	} {
		r.engine = "EventStoreDB's double"
		t.rows = append(t.rows, r)
	}
}

// bare appends by the generated client, in each caller to a stream of its own.
func bare(b *testing.B, address string, callers int) sample {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(b, err)
	defer conn.Close()
	client := streams.NewStreamsClient(conn)
	return spread(b, callers, 1, func(_ int, stream string, batch []events.Envelope, _ int64) error {
		call, err := client.Append(b.Context())
		if err != nil {
			return err
		}
		options := &streams.AppendReq_Options{
			StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(stream)},
			ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
		}
		if err := call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: options}}); err != nil {
			return err
		}
		for i := range batch {
			message := &streams.AppendReq_ProposedMessage{
				Id:       &shared.UUID{Value: &shared.UUID_String_{String_: batch[i].ID.String()}},
				Metadata: map[string]string{"type": batch[i].Kind, "content-type": "application/json"}, Data: batch[i].Data,
			}
			if err := call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: message}}); err != nil {
				return err
			}
		}
		_, err = call.CloseAndRecv()
		return err
	})
}

// Package esdbtest is a double of an EventStoreDB node for tests: a gRPC server in this process, over the interfaces
// that EventStore-Client-Go/v4 generates, with its log in memory.
//
// It follows the server's documented behaviour and source in what a client can tell apart: the four expected
// revisions with their idempotency rules, positions that are offsets and can be read from only where a record begins,
// inclusive forwards and exclusive backwards, filters with checkpoints, its own events in between, a stream that does
// not exist told by the first answer, and not-leader redirections. It counts what clients ask of it. What it leaves
// out: metadata of streams, projections, links, persistent subscriptions, access rights by stream, batch appends.
package esdbtest

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/virtuous6/virtuous6/eventstore"
)

// Config sets up a server. The zero value is a current node without TLS or users.
type Config struct {
	// Version is the server's. Default 24.10.0. Servers before 23.10 send no CaughtUp, those before 23.10.6 answer a batch
	// with where it begins, and a repeat with no position.
	Version string
	// TLS, if any, is what it serves with; User and Password are then asked of every call.
	TLS            *tls.Config
	User, Password string
	// OldPositions has it refuse positions as servers before 23 do, by an unknown error.
	OldPositions bool
	// MaxAppend is the greatest size in bytes of a batch. Default 1 MiB, as the server's.
	MaxAppend int
	// AppendTime is how long an append takes. Default as long as it does.
	AppendTime time.Duration
	// ReadTime is how long a read that is not filtered takes. Default as long as it does.
	ReadTime time.Duration
	// SearchTime is how long a filtered read looks before it sends a row. Default as long as it does.
	SearchTime time.Duration
	// Clock is that of created. Default time.Now.
	Clock func() time.Time
}

// Server is a node. All methods may be called concurrently.
type Server struct {
	config  Config
	address string
	grown   eventstore.Broadcast

	mu       sync.Mutex
	log      *log
	grpc     *grpc.Server
	served   chan struct{}
	faults   faults
	counts   Counts
	appended int
}

// faults are what goes wrong with the next calls.
type faults struct {
	unavailable  int
	droppedReply int
	silent       bool
	leader       string
	electing     bool
	hidden       int
	// gather is how many appends must be under way before they are answered, gathered how many are.
	gather, gathered int
}

// Start starts a server on a port of its own. Who started it closes it.
func Start(c Config) (*Server, error) {
	if c.Version == "" {
		c.Version = "24.10.0"
	}
	if c.MaxAppend <= 0 {
		c.MaxAppend = 1 << 20
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	s := &Server{config: c, address: "127.0.0.1:0", log: newLog(c.Clock)}
	return s, s.Resume()
}

// Address is its host and port.
func (s *Server) Address() string { return s.address }

// URL is the connection string without TLS and user.
func (s *Server) URL() string { return "esdb://" + s.address + "?tls=false" }

// Resume starts a server again that was stopped, at the same address and with what it stored.
func (s *Server) Resume() error {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("start the double: %w", err)
	}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(32 << 20),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if err := s.admit(ctx, func(md metadata.MD) error { return grpc.SetTrailer(ctx, md) }); err != nil {
				return nil, err
			}
			return next(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			if err := s.admit(stream.Context(), func(md metadata.MD) error { stream.SetTrailer(md); return nil }); err != nil {
				return err
			}
			return next(srv, stream)
		}),
	}
	if s.config.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.config.TLS)))
	}
	// The server has no opinion on how often it is pinged; gRPC's own ends such a connection.
	options = append(options, grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Millisecond, PermitWithoutStream: true}))
	g := grpc.NewServer(options...)
	streams.RegisterStreamsServer(g, &streamsServer{Server: s})
	gossip.RegisterGossipServer(g, &gossipServer{Server: s})
	serverfeatures.RegisterServerFeaturesServer(g, &featuresServer{Server: s})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.address, s.grpc, s.served = l.Addr().String(), g, make(chan struct{})
	go func(served chan struct{}) {
		defer close(served)
		_ = g.Serve(door{l, s}) // it ends by Stop
	}(s.served)
	return nil
}

// Stop cuts all connections, as a crash does. What was stored stays.
func (s *Server) Stop() {
	s.mu.Lock()
	g, served := s.grpc, s.served
	s.mu.Unlock()
	g.Stop()
	<-served
	s.mu.Lock()
	s.log.forget()
	s.mu.Unlock()
}

// Restart stops and resumes.
func (s *Server) Restart() error {
	s.Stop()
	return s.Resume()
}

// Close ends the server.
func (s *Server) Close() { s.Stop() }

// Unavailable has the next n calls fail as those to a node that is not ready.
func (s *Server) Unavailable(n int) { s.fault(func(f *faults) { f.unavailable = n }) }

// DropReplies has the next n appends be stored and never answered: their connection breaks.
func (s *Server) DropReplies(n int) { s.fault(func(f *faults) { f.droppedReply = n }) }

// Silence has calls be accepted and not answered, until it is called again with false.
func (s *Server) Silence(on bool) {
	s.fault(func(f *faults) { f.silent = on })
	s.grown.Wake()
}

// Hide has the last n events not yet show to readers, though appends are judged by them, as on a server whose index
// lags behind.
func (s *Server) Hide(n int) {
	s.fault(func(f *faults) { f.hidden = n })
	s.grown.Wake()
}

// Follow makes it a follower that names another node as the leader, or the leader again for "".
func (s *Server) Follow(leader string) {
	s.fault(func(f *faults) { f.leader, f.electing = leader, false })
}

// Electing has it be no leader and know of none, until Follow is called.
func (s *Server) Electing() { s.fault(func(f *faults) { f.leader, f.electing = "", true }) }

// Gather keeps appends that came whole until n of them are under way, and then takes them. 0 lets go of all.
func (s *Server) Gather(n int) {
	s.fault(func(f *faults) { f.gather = n })
	s.grown.Wake()
}

// Gathered counts the appends that Gather keeps.
func (s *Server) Gathered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.gathered
}

// gathers waits until the append is one of as many as Gather wants.
func (s *Server) gathers(ctx context.Context) error {
	s.fault(func(f *faults) { f.gathered++ })
	defer s.fault(func(f *faults) { f.gathered-- })
	s.grown.Wake()
	for {
		grown := s.grown.Next()
		s.mu.Lock()
		enough := s.faults.gathered >= s.faults.gather
		if enough {
			s.faults.gather = 0
		}
		s.mu.Unlock()
		if enough {
			s.grown.Wake()
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}

// ForgetIDs empties the cache by which it recognises repeats, as a restart does.
func (s *Server) ForgetIDs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.forget()
}

// Events counts the events in streams that are neither the server's own nor notes that a log makes for itself.
func (s *Server) Events() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.log.records {
		if r.stream[0] != '$' && !strings.HasPrefix(r.stream, "virtuous6-") {
			n++
		}
	}
	return n
}

func (s *Server) fault(change func(*faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.faults)
}

// admit is what every call passes first.
func (s *Server) admit(ctx context.Context, trailer func(metadata.MD) error) error {
	md, _ := metadata.FromIncomingContext(ctx)
	if s.config.User != "" {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(s.config.User+":"+s.config.Password))
		if got := md.Get("authorization"); len(got) != 1 || got[0] != want {
			return status.Error(codes.Unauthenticated, "Authentication failed")
		}
	}
	for {
		grown := s.grown.Next()
		s.mu.Lock()
		silent := s.faults.silent
		s.mu.Unlock()
		if !silent {
			break
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	s.mu.Lock()
	unavailable := s.faults.unavailable > 0
	if unavailable {
		s.faults.unavailable--
	}
	leader, electing := s.faults.leader, s.faults.electing
	s.mu.Unlock()
	needs := md.Get("requires-leader")
	if unavailable || electing && len(needs) > 0 && needs[0] == "true" {
		return status.Error(codes.Unavailable, "Server Is Not Ready")
	}
	if leader != "" && len(needs) > 0 && needs[0] == "true" {
		host, port, err := net.SplitHostPort(leader)
		if err := errors.Join(err, trailer(metadata.Pairs("exception", "not-leader", "leader-endpoint-host", host, "leader-endpoint-port", port))); err != nil {
			return err
		}
		return status.Error(codes.NotFound, "Leader info available")
	}
	return nil
}

type gossipServer struct {
	gossip.UnimplementedGossipServer
	*Server
}

// Read names this node and the leader, if that is another.
func (s *gossipServer) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	s.mu.Lock()
	s.counts.Discoveries++
	leader, electing := s.faults.leader, s.faults.electing
	s.mu.Unlock()
	member := func(address string, state gossip.MemberInfo_VNodeState) (*gossip.MemberInfo, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseUint(port, 10, 16)
		return &gossip.MemberInfo{State: state, IsAlive: true, HttpEndPoint: &gossip.EndPoint{Address: host, Port: uint32(n)}}, err
	}
	if electing {
		me, err := member(s.address, gossip.MemberInfo_Unknown)
		return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{me}}, err
	}
	if leader == "" {
		me, err := member(s.address, gossip.MemberInfo_Leader)
		return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{me}}, err
	}
	me, err1 := member(s.address, gossip.MemberInfo_Follower)
	other, err2 := member(leader, gossip.MemberInfo_Leader)
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{me, other}}, errors.Join(err1, err2)
}

type featuresServer struct {
	serverfeatures.UnimplementedServerFeaturesServer
	*Server
}

func (s *featuresServer) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	return &serverfeatures.SupportedMethods{
		EventStoreServerVersion: s.config.Version,
		Methods: []*serverfeatures.SupportedMethod{
			{ServiceName: "event_store.client.streams.streams", MethodName: "append"},
			{ServiceName: "event_store.client.streams.streams", MethodName: "read"},
		},
	}, nil
}

package esdb

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// maxMessage is the largest message that is received, as in the client: an event is at most 16 MiB.
const maxMessage = 17 << 20

// cluster finds the node to talk to, the leader, and holds the connection to it.
//
// The client's own connection is not used: after one failed discovery it is dead for good, calls on it outlive their
// contexts, and its close makes calls under way panic.
type cluster struct {
	config  *client.Configuration
	options []grpc.DialOption
	seeds   []string
	// gossiping tells that seeds are asked for the leader. Otherwise the only seed is the node itself.
	gossiping bool
	// turn holds one token: who has it may look for the leader.
	turn chan struct{}

	mu     sync.Mutex
	conn   *grpc.ClientConn
	hinted bool // conn was dialled because a node named the leader
	closed bool
}

func newCluster(c *client.Configuration) (*cluster, error) {
	transport := insecure.NewCredentials()
	if !c.DisableTLS {
		t := &tls.Config{InsecureSkipVerify: c.SkipCertificateVerification, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12} //nolint:gosec // asked for by tlsVerifyCert=false
		if c.UserCertFile != "" {
			pair, err := tls.LoadX509KeyPair(c.UserCertFile, c.UserKeyFile)
			if err != nil {
				return nil, fmt.Errorf("%w: its user certificate can't be read: %w", ErrURL, err)
			}
			t.Certificates = []tls.Certificate{pair}
		}
		transport = credentials.NewTLS(t)
	}
	cl := &cluster{
		config:    c,
		gossiping: c.DnsDiscover || len(c.GossipSeeds) > 0,
		turn:      make(chan struct{}, 1),
		options: []grpc.DialOption{
			grpc.WithTransportCredentials(transport),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: lastPause},
				MinConnectTimeout: 5 * time.Second,
			}),
		},
	}
	if c.KeepAliveInterval >= 0 {
		cl.options = append(cl.options, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: c.KeepAliveInterval, Timeout: c.KeepAliveTimeout, PermitWithoutStream: true,
		}))
	}
	if c.Username != "" {
		cl.options = append(cl.options, grpc.WithPerRPCCredentials(basic("Basic "+base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password)))))
	}
	for _, seed := range c.GossipSeeds {
		cl.seeds = append(cl.seeds, seed.String())
	}
	if len(cl.seeds) == 0 {
		cl.seeds = []string{c.Address}
	}
	return cl, nil
}

// basic is an Authorization header. gRPC refuses to send it without TLS.
type basic string

func (b basic) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": string(b)}, nil
}

func (basic) RequireTransportSecurity() bool { return true }

// connection is the one to the leader, as far as is known. One to a single node is always there: gRPC repairs it.
func (c *cluster) connection(ctx context.Context, timeout time.Duration) (*grpc.ClientConn, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	conn, closed := c.conn, c.closed
	c.mu.Unlock()
	switch {
	case closed:
		return nil, errClosed
	case conn != nil:
		return conn, nil
	}
	address, err := c.seeds[0], error(nil)
	if c.gossiping {
		if address, err = c.leader(ctx, timeout); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dial(address, false)
}

// dial makes the connection to a node the cluster's. Nothing is sent yet. The caller holds mu, and there is no other
// connection.
func (c *cluster) dial(address string, hinted bool) (*grpc.ClientConn, error) {
	if c.closed {
		return nil, errClosed
	}
	conn, err := grpc.NewClient(address, c.options...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	c.conn, c.hinted = conn, hinted
	return conn, nil
}

// leader asks the seeds in their order, and takes the first answer that names a living leader.
func (c *cluster) leader(ctx context.Context, timeout time.Duration) (string, error) {
	if c.config.GossipTimeout > 0 {
		timeout = min(timeout, time.Duration(c.config.GossipTimeout)*time.Second)
	}
	var failed error
	for _, seed := range c.seeds {
		info, err := c.gossip(ctx, seed, timeout)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("ask %s for the leader: %w", seed, err))
			continue
		}
		for _, m := range info.GetMembers() {
			if m.GetIsAlive() && m.GetState() == gossip.MemberInfo_Leader {
				return net.JoinHostPort(m.GetHttpEndPoint().GetAddress(), strconv.Itoa(int(m.GetHttpEndPoint().GetPort()))), nil
			}
		}
		failed = errors.Join(failed, fmt.Errorf("ask %s for the leader: %w", seed, errNoLeader))
	}
	return "", failed
}

func (c *cluster) gossip(ctx context.Context, seed string, timeout time.Duration) (info *gossip.ClusterInfo, err error) {
	conn, err := grpc.NewClient(seed, c.options...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return gossip.NewGossipClient(conn).Read(ctx, &shared.Empty{})
}

// failed looks for another node after a call that ended with err, where that can help.
func (c *cluster) failed(conn *grpc.ClientConn, err error) error {
	var f *failure
	hint := ""
	if errors.As(err, &f) {
		hint = f.leader
	}
	c.mu.Lock()
	if c.conn != conn || hint == "" && !c.gossiping && !c.hinted {
		c.mu.Unlock()
		conn.ResetConnectBackoff() // the pauses are the caller's
		return nil
	}
	c.conn = nil
	var dialling error
	if hint != "" { // at once: in between, another call would look for a node of its own
		_, dialling = c.dial(hint, true)
	}
	c.mu.Unlock()
	return errors.Join(conn.Close(), dialling)
}

func (c *cluster) close() error {
	c.mu.Lock()
	conn := c.conn
	c.conn, c.closed = nil, true
	c.mu.Unlock()
	if conn == nil {
		return nil
	}
	return conn.Close()
}

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
	"sync/atomic"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
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
	node   *node
	closed bool
	// searches counts the searches for the leader that ended, and searched is how the last one failed.
	searches int
	searched error
}

// node is a connection with those that use it. It is closed once it is left and nobody uses it any more: what is under way
// on it is another's.
type node struct {
	conn   *grpc.ClientConn
	hinted bool // it was dialled because another node named it the leader
	users  int  // guarded by the cluster's mu, like the next one
	gone   bool
	// left is closed when another node is to be looked for.
	left chan struct{}
	// last is whether it tells where a batch ends, once that was asked for.
	last atomic.Pointer[bool]
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

// use is the leader's node, as far as is known, until it is given back. One to a single node is always there: gRPC repairs
// its connection.
func (c *cluster) use(ctx context.Context, timeout time.Duration) (*node, error) {
	c.mu.Lock()
	searches := c.searches
	n, err := c.take()
	c.mu.Unlock()
	if n != nil || err != nil {
		return n, err
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	n, err = c.take()
	if n == nil && err == nil && c.searches != searches {
		err = c.searched // somebody asked meanwhile
	}
	c.mu.Unlock()
	if n != nil || err != nil {
		return n, err
	}
	address := c.seeds[0]
	if c.gossiping {
		if address, err = c.leader(ctx, timeout); ctx.Err() != nil {
			return nil, ctx.Err() // the next one asks for itself
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.searches++
	c.searched = err
	if err == nil {
		err = c.dial(address, false)
	}
	if err != nil {
		return nil, err
	}
	return c.take()
}

// take uses the node that is there, if one is. The caller holds mu.
func (c *cluster) take() (*node, error) {
	switch {
	case c.closed:
		return nil, errClosed
	case c.node != nil:
		c.node.users++
	}
	return c.node, nil
}

func (c *cluster) give(n *node) error {
	c.mu.Lock()
	n.users--
	last := n.gone && n.users == 0
	c.mu.Unlock()
	if last {
		return n.conn.Close()
	}
	return nil
}

// dial makes a node the cluster's. Nothing is sent yet. The caller holds mu, and there is no other node.
func (c *cluster) dial(address string, hinted bool) error {
	if c.closed {
		return errClosed
	}
	conn, err := grpc.NewClient(address, c.options...)
	if err != nil {
		return fmt.Errorf("dial %s: %w", address, err)
	}
	c.node = &node{conn: conn, hinted: hinted, left: make(chan struct{})}
	return nil
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

// failed leaves a node that a call ended on with err, where that says that it is not the leader, not ready or gone. What
// ended for another reason, such as its caller's, says nothing of the node: one that hangs is found out by the
// connection's keep-alive.
func (c *cluster) failed(n *node, err error) error {
	var f *failure
	if exception(err) != notLeader && code(err) != codes.Unavailable {
		return nil
	}
	hint := ""
	if errors.As(err, &f) {
		hint = f.leader
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.node != n || hint == "" && !c.gossiping && !n.hinted {
		n.conn.ResetConnectBackoff() // the pauses are the caller's
		return nil
	}
	c.leave()
	if hint != "" { // at once: in between, another call would look for a node of its own
		return c.dial(hint, true)
	}
	return nil
}

// leave has the node be closed by the last one that uses it. The caller uses it, and holds mu.
func (c *cluster) leave() {
	c.node.gone = true
	close(c.node.left)
	c.node = nil
}

func (c *cluster) close() error {
	c.mu.Lock()
	n := c.node
	c.closed = true
	if n != nil {
		n.users++
		c.leave()
	}
	c.mu.Unlock()
	if n == nil {
		return nil
	}
	return c.give(n)
}

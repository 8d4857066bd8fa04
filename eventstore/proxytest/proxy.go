// Package proxytest puts Toxiproxy (https://github.com/Shopify/toxiproxy) between a program under test and its server,
// in the test's own process: a network that is cut, falls silent or is gone when the test says so.
package proxytest

import (
	"encoding/json"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// The directions of Proxy.Add.
const (
	// Upstream is what clients send.
	Upstream = "upstream"
	// Downstream is what the server answers.
	Downstream = "downstream"
)

// Silent is a network that swallows what is sent, and keeps the connections. To remove it cuts them.
type Silent = toxics.TimeoutToxic

// Slow is a network that carries no more than so many kilobytes a second.
type Slow = toxics.BandwidthToxic

// Proxy stands between clients and a server.
type Proxy struct {
	t        testing.TB
	proxy    *toxiproxy.Proxy
	accepted *atomic.Int64
}

// Start is a proxy before the server at an address of a network ("tcp" or "unix"), until the test ends.
func Start(t testing.TB, network, address string) *Proxy {
	t.Helper()
	register()
	p := &Proxy{t: t, accepted: new(atomic.Int64)}
	quiet := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p.proxy = toxiproxy.NewProxy(quiet, t.Name(), "127.0.0.1:0", p.relay(network, address))
	p.Restore()
	t.Cleanup(p.proxy.Stop)
	return p
}

// Address is where the proxy listens. It stays the same after Cut and Restore.
func (p *Proxy) Address() string { return p.proxy.Listen }

// URL is a PostgreSQL URL's way through the proxy.
func (p *Proxy) URL(direct string) string {
	p.t.Helper()
	u, err := url.Parse(direct)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	q.Del("host")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = p.Address(), q.Encode()
	return u.String()
}

// Accepted is how many connections have reached the server so far.
func (p *Proxy) Accepted() int { return int(p.accepted.Load()) }

// Cut ends all connections and takes no more.
func (p *Proxy) Cut() { p.proxy.Stop() }

// Restore takes connections again.
func (p *Proxy) Restore() {
	p.t.Helper()
	if err := p.proxy.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// Add puts a toxic into all connections, those that are open and those to come. remove takes it out.
func (p *Proxy) Add(direction string, toxic toxics.Toxic) (remove func()) {
	p.t.Helper()
	kind := "timeout"
	switch toxic.(type) {
	case *Cut:
		kind = cutType
	case *Slow:
		kind = "bandwidth"
	}
	described, err := json.Marshal(map[string]any{"type": kind, "stream": direction, "attributes": toxic})
	if err != nil {
		p.t.Fatal(err)
	}
	added, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(string(described)))
	if err != nil {
		p.t.Fatal(err)
	}
	return func() {
		p.t.Helper()
		if err := p.proxy.Toxics.RemoveToxic(p.t.Context(), added.Name); err != nil {
			p.t.Error(err)
		}
	}
}

// relay passes connections on to a server and counts them. Toxiproxy itself reaches no Unix socket.
func (p *Proxy) relay(network, address string) (listening string) {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	var relaying sync.WaitGroup
	relaying.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			relaying.Go(func() {
				defer func() { _ = client.Close() }()
				server, err := net.Dial(network, address)
				if err != nil {
					return // the client meets the end of its connection, as it would that of the server's
				}
				defer func() { _ = server.Close() }()
				p.accepted.Add(1)
				relaying.Go(func() {
					defer func() { _ = client.Close() }()
					_, _ = io.Copy(client, server)
				})
				_, _ = io.Copy(server, client)
			})
		}
	})
	p.t.Cleanup(func() {
		_ = l.Close()
		relaying.Wait()
	})
	return l.Addr().String()
}

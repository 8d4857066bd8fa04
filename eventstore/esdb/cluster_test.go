package esdb

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// A follower names the leader; the leader becomes a follower in turn; the address of the URL is gone back to when the
// leader dies.
func TestTheLeaderIsFollowed(t *testing.T) {
	t.Parallel()
	a, b := start(t, esdbtest.Config{}), start(t, esdbtest.Config{})
	a.Follow(b.Address())
	s := open(t, a.URL(), Config{Timeout: time.Second})
	put := func(name string) {
		t.Helper()
		if _, err := s.Append(t.Context(), "run-1", eventstore.Any, facts(name, 1)); err != nil {
			t.Fatal(err)
		}
	}
	put("first")
	if a.Events() != 0 || b.Events() != 1 {
		t.Fatalf("%d and %d events, want 0 and 1", a.Events(), b.Events())
	}
	a.Follow("")
	b.Stop()
	put("second")
	if a.Events() != 1 {
		t.Errorf("%d events at the node that the URL names, want 1", a.Events())
	}
}

// Many calls at once lose their node and are told of the leader, or look for one themselves. Whichever connection comes of
// it, none is left open but the last.
func TestAFoundLeaderLeavesNoConnectionBehind(t *testing.T) {
	t.Parallel()
	const rounds, callers = 200, 4
	server := start(t, esdbtest.Config{})
	c := open(t, server.URL(), Config{}).cluster
	told := &failure{err: eventstore.ErrUnavailable, exception: notLeader, leader: server.Address()}
	var mu sync.Mutex
	seen := make(map[*grpc.ClientConn]bool)
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			for range rounds {
				n, err := c.use(t.Context(), time.Second)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				seen[n.conn] = true
				mu.Unlock()
				if err := errors.Join(c.failed(n, told), c.give(n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calling.Wait()
	open := 0
	for conn := range seen {
		if conn != c.node.conn && conn.GetState() != connectivity.Shutdown {
			open++
			_ = conn.Close()
		}
	}
	if open > 0 {
		t.Errorf("of %d connections %d are open, and nobody will close them", len(seen), open)
	}
}

func TestTheLeaderIsFoundByGossip(t *testing.T) {
	t.Parallel()
	gone, a, b := start(t, esdbtest.Config{}), start(t, esdbtest.Config{}), start(t, esdbtest.Config{})
	gone.Stop()
	a.Follow(b.Address())
	for _, url := range []string{
		"esdb://" + gone.Address() + "," + a.Address() + "?tls=false",
		"esdb+discover://" + a.Address() + "?tls=false",
	} {
		s := open(t, url, Config{Timeout: time.Second})
		before := b.Events()
		if _, err := s.Append(t.Context(), "run-"+url, eventstore.Any, facts("a", 1)); err != nil || b.Events() != before+1 {
			t.Errorf("%s: %v, %d events at the leader", url, err, b.Events())
		}
		// The leader moves.
		b.Follow(a.Address())
		a.Follow("")
		before = a.Events()
		if _, err := s.Append(t.Context(), "run-"+url, eventstore.Any, facts("b", 1)); err != nil || a.Events() != before+1 {
			t.Errorf("%s: %v, %d events at the new leader", url, err, a.Events())
		}
		a.Follow(b.Address())
		b.Follow("")
	}
	// A cluster that is gone may come back, also for a store whose search failed.
	s := open(t, "esdb://"+a.Address()+","+b.Address()+"?tls=false", hasty)
	a.Stop()
	b.Stop()
	if _, err := s.Head(t.Context()); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	for _, server := range []*esdbtest.Server{a, b} {
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Head(t.Context()); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

// certificate is one for 127.0.0.1, and the file that holds it.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "double"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, file
}

// A certificate that is not trusted is told at once, with both ways out: trying again changes nothing.
func TestAnUntrustedCertificateIsToldAtOnce(t *testing.T) {
	t.Parallel()
	served, _ := certificate(t)
	_, other := certificate(t)
	server, second := start(t, esdbtest.Config{TLS: served}), start(t, esdbtest.Config{TLS: served})
	for _, url := range []string{"esdb://" + server.Address(), "esdb://" + server.Address() + "?tlsCaFile=" + other, "esdb://" + server.Address() + "," + second.Address()} {
		_, err := Open(t.Context(), url, Config{Wait: func(context.Context, time.Duration) error {
			t.Errorf("%s: it is tried again", url)
			return context.Canceled
		}})
		if !errors.Is(err, eventstore.ErrUnavailable) || !strings.Contains(err.Error(), "tlsCaFile=FILE") || !strings.Contains(err.Error(), "tlsVerifyCert=false") {
			t.Errorf("%s: got %v, want both ways out", url, err)
		}
	}
}

func TestCredentialsGoOverTLS(t *testing.T) {
	t.Parallel()
	served, ca := certificate(t)
	const password = "p@ss:w/rd?#"
	const escaped = "p%40ss%3Aw%2Frd%3F%23"
	server := start(t, esdbtest.Config{TLS: served, User: "anna", Password: password})
	for _, c := range []struct {
		name, url string
		want      error
	}{
		{"with its authority", "esdb://anna:" + escaped + "@" + server.Address() + "?tlsCaFile=" + ca, nil},
		{"unchecked", "esdb://anna:" + escaped + "@" + server.Address() + "?tlsVerifyCert=false", nil},
		{"unknown authority", "esdb://anna:" + escaped + "@" + server.Address(), eventstore.ErrUnavailable},
		{"another password", "esdb://anna:no" + escaped + "@" + server.Address() + "?tlsCaFile=" + ca, eventstore.ErrUnavailable},
		{"no user", "esdb://" + server.Address() + "?tlsCaFile=" + ca, eventstore.ErrUnavailable},
		{"without TLS", "esdb://" + server.Address() + "?tls=false", eventstore.ErrUnavailable},
		{"in the clear", "esdb://anna:" + escaped + "@" + server.Address() + "?tls=false", ErrURL},
	} {
		s, err := Open(t.Context(), c.url, hasty)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), password) || strings.Contains(err.Error(), escaped)) {
			t.Errorf("%s: the error holds the password: %v", c.name, err)
		}
		if err == nil {
			if _, err := s.Append(t.Context(), "run-"+c.name, eventstore.NoStream, facts("a", 1)); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

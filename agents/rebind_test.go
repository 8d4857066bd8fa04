package agents_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/virtuous6/virtuous6/agents"
)

// nameServer answers every question for an address with what it is told to answer at that time.
func nameServer(t *testing.T, answer func() []string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	go func() {
		defer close(done)
		packet := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(packet[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				for _, a := range answer() {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
					})
				}
			}
			if reply, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(reply, from) // who does not hear it asks again
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// A name that leads to an address that may be fetched when it is looked up first, and to another one after that, leads nowhere else:
// not at the next fetch, not behind a redirect, and not where both are answered at once. 127.0.0.1 stands for what may be reached.
func TestFetchIsNotReboundToAPrivateAddress(t *testing.T) {
	t.Parallel()
	const allowed, private = "127.0.0.1", "127.0.0.2"
	inside, err := net.Listen("tcp", private+":0")
	if err != nil {
		t.Skipf("there is one address on loopback alone: %v", err)
	}
	_, port, _ := net.SplitHostPort(inside.Addr().String())
	outside, err := net.Listen("tcp", net.JoinHostPort(allowed, port))
	if err != nil {
		t.Fatal(err)
	}
	var reached atomic.Int64
	serve := func(l net.Listener, h http.HandlerFunc) {
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}} //nolint:gosec // nobody else is there
		s.Start()
		t.Cleanup(s.Close)
	}
	serve(inside, func(w http.ResponseWriter, _ *http.Request) { reached.Add(1); fmt.Fprint(w, "secret") })
	serve(outside, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/again" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		fmt.Fprint(w, "public")
	})
	var answers atomic.Pointer[func() []string]
	resolver := nameServer(t, func() []string { return (*answers.Load())() })
	fetch := agents.Fetch(agents.FetchConfig{
		Hosts: []string{"*:" + port}, Networks: []netip.Prefix{netip.MustParsePrefix(allowed + "/32")}, Resolver: resolver,
	})
	get := func(path string, then ...[]string) (string, error) {
		var asked atomic.Int64
		next := func() []string { return then[min(int(asked.Add(1)), len(then))-1] }
		answers.Store(&next)
		return fetch.Call(t.Context(), agents.Call{Arguments: fmt.Appendf(nil, `{"url":"http://rebind.test:%s%s"}`, port, path)})
	}
	if got, err := get("/", []string{allowed}); err != nil || got != "public" {
		t.Fatalf("what may be fetched: %q, %v", got, err)
	}
	for name, got := range map[string]func() (string, error){
		"the next fetch":    func() (string, error) { return get("/", []string{private}) },
		"behind a redirect": func() (string, error) { return get("/again", []string{allowed}, []string{private}) },
	} {
		if text, err := got(); !errors.Is(err, agents.ErrFetch) || !strings.Contains(err.Error(), "not public") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	// Of two addresses the one that may be reached is.
	if text, err := get("/", []string{private, allowed}); strings.Contains(text, "secret") || err == nil && text != "public" {
		t.Errorf("both at once: %q, %v", text, err)
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("the private address was asked %d times", n)
	}
}

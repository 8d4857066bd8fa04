package postgres

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/virtuous6/virtuous6/eventstore"
)

// proxy stands between a store and PostgreSQL, and cuts connections while they commit.
type proxy struct {
	listener net.Listener
	socket   string
	serving  sync.WaitGroup

	mu     sync.Mutex
	random *rand.Rand
	cuts   [cutKinds]int
}

// What the proxy does with a commit.
const (
	cutNothing = iota
	cutRequest // the server never hears of it
	cutHalf    // the server gets half of it
	cutAnswer  // the server commits, the answer is lost
	cutKinds
)

func newProxy(t *testing.T, socket string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, socket: socket, random: rand.New(rand.NewPCG(6, 6))}
	p.serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.serving.Wait()
	})
	return p
}

// url is the direct URL's way through the proxy.
func (p *proxy) url(direct string) string {
	u, _ := url.Parse(direct)
	u.Host = p.listener.Addr().String()
	u.RawQuery = "sslmode=disable"
	return u.String()
}

func (p *proxy) draw() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	kind := max(0, p.random.IntN(3*cutKinds)-2*cutKinds)
	p.cuts[kind]++
	return kind
}

// commits tells whether what a client sends ends a transaction that appends, by the names of the statements that do.
func commits(b []byte) bool {
	return bytes.Contains(b, []byte(" if\x00")) || bytes.Contains(b, []byte("\x00commit\x00"))
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.socket)
	if err != nil {
		return
	}
	defer server.Close()
	var mu sync.Mutex
	lost := false // the next answer
	var back sync.WaitGroup
	defer back.Wait()
	defer server.Close()
	back.Go(func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			mu.Lock()
			cut := lost
			mu.Unlock()
			if err != nil || cut {
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		kind := cutNothing
		if commits(buf[:n]) {
			kind = p.draw()
		}
		switch kind {
		case cutRequest:
			return
		case cutHalf:
			_, _ = server.Write(buf[:n/2])
			return
		case cutAnswer:
			mu.Lock()
			lost = true
			mu.Unlock()
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
		if kind == cutAnswer {
			_, _ = io.Copy(io.Discard, client) // until the other direction has got the answer, and closed
			return
		}
	}
}

// TestCutDuringCommit cuts every third connection or so that commits. Every append succeeds, and is there once.
func TestCutDuringCommit(t *testing.T) {
	t.Parallel()
	const writers, appends = 8, 40
	direct := database(t)
	p := newProxy(t, filepath.Join(server.Server(t).Dir, ".s.PGSQL.5432"))
	s := open(t, p.url(direct), Config{})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range appends {
				expected := eventstore.Exactly(uint64(2*i - 1))
				if i == 0 {
					expected = eventstore.NoStream
				}
				a, err := s.Append(t.Context(), fmt.Sprintf("run-%d", w), expected, numbered(w, i, 2))
				if err != nil || a.Revision != uint64(2*i+1) {
					t.Errorf("append %d of writer %d: got %+v, %v, want revision %d", i, w, a, err, 2*i+1)
					return
				}
				// Another process's append, that takes the position a cut one may have had in mind.
				if i%8 == 0 {
					if _, err := s.Append(t.Context(), "run-shared", eventstore.Any, numbered(100+w, i, 2)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	other := open(t, direct, Config{})
	for i := range 20 {
		if _, err := other.Append(t.Context(), "run-other", eventstore.Any, numbered(200, i, 2)); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	whole(t, other, 2*(writers*appends+writers*appends/8+20), 2)
	for kind, n := range p.cuts {
		if n == 0 {
			t.Errorf("no commit was met by %d: %v", kind, p.cuts)
		}
	}
}

// whole reads the log: positions rise, revisions have no gaps, every batch of numbered is there whole and once. It
// returns the batches' names.
func whole(t *testing.T, s *Store, total, size int) map[string]int {
	t.Helper()
	parts, next, last, n := make(map[string]int), make(map[string]uint64), uint64(0), 0
	for e, err := range s.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Position <= last || e.Revision != next[e.Stream] {
			t.Fatalf("%s: revision %d at position %d after %d, want revision %d", e.Stream, e.Revision, e.Position, last, next[e.Stream])
		}
		n, last, next[e.Stream] = n+1, e.Position, e.Revision+1
		name := string(e.Data[1 : len(e.Data)-1])
		parts[name[:strings.LastIndexByte(name, '/')]]++
	}
	for batch, got := range parts {
		if got != size {
			t.Errorf("batch %s is there with %d of its %d events", batch, got, size)
		}
	}
	if total > 0 && n != total {
		t.Errorf("the log holds %d events, want %d", n, total)
	}
	return parts
}

//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/eventstore/pgtest"
)

// pair is two servers on one store, with people who post runs to both.
type pair struct {
	program
	first, second       *exec.Cmd
	firstURL, secondURL string

	posting      sync.WaitGroup
	done         chan struct{}
	mu           sync.Mutex
	acknowledged map[string]bool
}

// newPair starts two servers. The first one drives.
func newPair(p program, lease string) *pair {
	p.t.Helper()
	b := &pair{program: p, done: make(chan struct{}), acknowledged: map[string]bool{}}
	b.first, b.firstURL = p.serve("--lease", lease)
	p.drives(b.firstURL)
	b.second, b.secondURL = p.serve("--lease", lease)
	p.t.Cleanup(func() {
		for _, cmd := range []*exec.Cmd{b.first, b.second} {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	for _, url := range []string{b.firstURL, b.secondURL} {
		b.posting.Go(func() { b.post(url) })
	}
	return b
}

// ask posts a run. It is empty where the server did not acknowledge it.
func (b *pair) ask(url, prompt string) string {
	client := http.Client{Timeout: 500 * time.Millisecond}
	answer, err := client.Post(url+"/api/runs", "application/json", strings.NewReader(fmt.Sprintf(`{"prompt":%q}`, prompt)))
	if err != nil {
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	var run struct{ Run string }
	if err := json.NewDecoder(answer.Body).Decode(&run); err != nil || answer.StatusCode != http.StatusAccepted {
		return ""
	}
	return run.Run
}

// post posts runs until it is told to stop.
func (b *pair) post(url string) {
	for n := 0; ; n++ {
		select {
		case <-b.done:
			return
		case <-time.After(20 * time.Millisecond): // the pace of people, so that the runs can be served meanwhile
		}
		if run := b.ask(url, fmt.Sprintf("calculate %d + 1 and clock", n)); run != "" {
			b.mu.Lock()
			b.acknowledged[run] = true
			b.mu.Unlock()
		}
	}
}

type runLine struct {
	Run, Outcome, Error string
	Steps               int
}

// runs is what a server shows, nil where it does not answer.
func (b *pair) runs(url string) []runLine {
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(url + "/api/runs?limit=10000")
	if err != nil {
		return nil
	}
	defer func() { _ = answer.Body.Close() }()
	var all []runLine
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
		return nil
	}
	return all
}

func (b *pair) until(what string, met func() bool) time.Duration {
	b.t.Helper()
	begun := time.Now()
	for !met() {
		if time.Since(begun) > 20*time.Second {
			b.t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(20 * time.Millisecond) // asking costs the machine what the servers need
	}
	return time.Since(begun)
}

func (b *pair) served(url string) (n int) {
	for _, r := range b.runs(url) {
		if r.Outcome != "running" {
			n++
		}
	}
	return n
}

// driver is who drives the store.
func (b *pair) driver() string {
	b.t.Helper()
	var said struct{ Driver string }
	if err := json.Unmarshal(b.run("doctor", "--json"), &said); err != nil {
		b.t.Fatal(err)
	}
	return said.Driver
}

// takesOver waits until the second server drives, which shows by more runs that end.
func (b *pair) takesOver() {
	b.t.Helper()
	before := b.served(b.secondURL)
	took := b.until("the second server takes over", func() bool { return b.served(b.secondURL) > before+3 })
	if second := fmt.Sprintf("serve, process %d on ", b.second.Process.Pid); !strings.HasPrefix(b.driver(), second) {
		b.t.Errorf("%q drives, want %q", b.driver(), second)
	}
	b.t.Logf("the second server served runs after %v", took)
}

// finish stops the posting and checks that every acknowledged run ended once, as a run that nothing disturbed.
func (b *pair) finish() {
	b.t.Helper()
	close(b.done)
	b.posting.Wait()
	// A busy machine needs long for all of them, but never long for one more.
	open := len(b.acknowledged)
	for left := open; left > 0; open = left {
		b.until(fmt.Sprintf("one of %d acknowledged runs ends", open), func() bool {
			ended := map[string]bool{}
			for _, r := range b.runs(b.secondURL) {
				ended[r.Run] = r.Outcome != "running"
			}
			left = 0
			for run := range b.acknowledged {
				if !ended[run] {
					left++
				}
			}
			return left == 0 || left < open
		})
	}
	for _, r := range b.runs(b.secondURL) {
		// A chat, two tools, and the chat behind them; but for those that only say hello.
		if r.Outcome != "succeeded" || r.Steps != 4 && r.Steps != 1 {
			b.t.Errorf("got %+v", r)
		}
	}
	b.once()
	b.run("verify")
	b.t.Logf("%d runs were acknowledged", len(b.acknowledged))
}

// once checks in the log itself that nothing of a run is there twice.
func (b *pair) once() {
	b.t.Helper()
	d := json.NewDecoder(bytes.NewReader(b.run("events", "--limit", "0", "--json")))
	var all []struct {
		Stream, Kind string
		Data         json.RawMessage
	}
	if err := d.Decode(&all); err != nil {
		b.t.Fatal(err)
	}
	kinds := map[string]map[string]int{}
	for _, e := range all {
		if kinds[e.Stream] == nil {
			kinds[e.Stream] = map[string]int{}
		}
		kinds[e.Stream][e.Kind]++
	}
	for run := range b.acknowledged {
		got := kinds["run-"+run]
		want := map[string]int{"run.started": 1, "run.assigned": 1, "run.tool_called": 2, "run.step_started": 4, "run.step_finished": 4, "run.llm_called": 2, "run.finished": 1}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			b.t.Errorf("run %s has %v, want %v", run, got, want)
		}
	}
}

// onBoth runs a test on the engines that two servers can share.
func onBoth(t *testing.T, test func(*testing.T, program)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, newProgram(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server, err := pgtest.Start(t.Context())
		pgtest.Need(t, err)
		t.Cleanup(func() {
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		})
		p := newProgram(t)
		if p.store, err = server.Create(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		test(t, p)
	})
}

func TestAStandbyTakesOverFromAKilledServer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, p program) {
		b := newPair(p, "1s")
		b.until("the first server serves runs", func() bool { return b.served(b.secondURL) > 5 })
		if err := b.first.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		b.takesOver()
		b.finish()
	})
}

func TestAStandbyTakesOverFromAStoppedServer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, p program) {
		b := newPair(p, "2s") // longer than it may be stopped in vain below
		b.until("the first server serves runs", func() bool { return b.served(b.secondURL) > 5 })
		signal := func(s syscall.Signal) {
			if err := b.first.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		stop := func() {
			signal(syscall.SIGSTOP)
			// It goes on for a moment: it is stopped once the system says so.
			if _, err := syscall.Wait4(b.first.Process.Pid, nil, syscall.WUNTRACED, nil); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		// One that is stopped in a transaction holds SQLite's lock on the file for as long as it stays so, and nobody can
		// take over: it is stopped at another moment.
		for p.store == "" && b.ask(b.secondURL, "hello") == "" {
			signal(syscall.SIGCONT)
			b.until("the file is free", func() bool { return b.ask(b.firstURL, "hello") != "" })
			stop()
		}
		b.takesOver()
		signal(syscall.SIGCONT)
		// Both are there again, one drives.
		before := b.served(b.firstURL)
		b.until("the first server answers again", func() bool { return b.served(b.firstURL) > before+5 })
		b.finish()
	})
}

//go:build unix

package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
	"github.com/virtuous6/virtuous6/eventstore/postgres"
	"github.com/virtuous6/virtuous6/orchestrator"
)

const hookSecret = "a secret of some length"

// hooked is a server that takes deliveries. drives is closed when it drives.
type hooked struct {
	cmd    *exec.Cmd
	url    string
	drives chan struct{}
}

func (p program) hooked(config string) *hooked {
	p.t.Helper()
	h := &hooked{cmd: p.command("serve", "--listen", "127.0.0.1:0", "--hooks", "127.0.0.1:0", "--config", config), drives: make(chan struct{})}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	log, err := h.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	var read sync.WaitGroup
	p.t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		read.Wait()
		_ = h.cmd.Wait()
	})
	read.Go(func() {
		driving := sync.OnceFunc(func() { close(h.drives) })
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if strings.Contains(lines.Text(), "msg=driving") {
				driving()
			}
		}
	})
	lines := bufio.NewScanner(out)
	for h.url == "" && lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), "deliveries at "); ok {
			h.url, _, _ = strings.Cut(at, "/hooks/")
		}
	}
	read.Go(func() {
		for lines.Scan() {
		}
	})
	if h.url == "" {
		p.t.Fatal("the server takes no deliveries")
	}
	return h
}

// deliver sends a delivery, which is taken, and tells the run that it started or had started before.
func (h *hooked) deliver(delivery string) (started string, repeated bool, err error) {
	body := fmt.Sprintf(`{"issue":{"title":%q}}`, delivery)
	r, err := http.NewRequest(http.MethodPost, h.url+"/hooks/issues", strings.NewReader(body)) //nolint:noctx // the test's own time ends it
	if err != nil {
		return "", false, err
	}
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	r.Header.Set("X-GitHub-Delivery", delivery)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", false, err
	}
	defer answer.Body.Close()
	var said struct {
		Started  string
		Repeated bool
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || answer.StatusCode != http.StatusAccepted {
		return "", false, fmt.Errorf("%s, %w", answer.Status, err)
	}
	return said.Started, said.Repeated, nil
}

// Two servers on one PostgreSQL take the same deliveries at once, and a clock ticked while nobody was there. The one that drives is
// killed, and the other one goes on: each tick and each delivery has started one run, and each run has one end.
func TestTwoServersStartARunOnceATickAndADelivery(t *testing.T) {
	t.Parallel()
	database, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() {
		if err := database.Stop(); err != nil {
			t.Error(err)
		}
	})
	p := newProgram(t)
	p.env = []string{"ISSUES_SECRET=" + hookSecret}
	if p.store, err = database.Create(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-90 * time.Minute)
	store, err := postgres.Open(t.Context(), p.store, postgres.Config{Now: func() time.Time { return began }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	for _, set := range []events.TriggerSet{
		{Trigger: "hourly", Cron: "0 * * * *", Prompt: "calculate 6 * 7"},
		{Trigger: "issues", Webhook: events.GitHubWebhooks, Secret: "ISSUES_SECRET", Prompt: "Triage: {{issue.title}}"},
	} {
		meta := commands.Meta{ID: events.NameID(began, set.Trigger), At: began, Actor: "user:anna"}
		if _, err := d.Dispatch(t.Context(), commands.SetTrigger{Meta: meta, Set: set}); err != nil {
			t.Fatal(err)
		}
	}
	config := write(t, p.dir, "config.yaml", "lease: 1s\n")
	first, second := p.hooked(config), p.hooked(config)

	const deliveries = 5
	var mu sync.Mutex
	taken := map[string]map[string]int{} // by delivery and run, how often it was no repeat
	var sent sync.WaitGroup
	for _, server := range []*hooked{first, second, first, second} {
		for n := range deliveries {
			sent.Go(func() {
				delivery := fmt.Sprint("delivery-", n)
				run, repeated, err := server.deliver(delivery)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("%s: %v", delivery, err)
				}
				if taken[delivery] == nil {
					taken[delivery] = map[string]int{}
				}
				if taken[delivery][run] += 0; !repeated {
					taken[delivery][run]++
				}
			})
		}
	}
	sent.Wait()
	for delivery, runs := range taken {
		for run, times := range runs {
			if len(runs) != 1 || times != 1 {
				t.Errorf("%s started %v: run %s %d times", delivery, runs, run, times)
			}
		}
	}
	ends := map[string]int{}
	ticks, started := map[string]int{}, 0
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	next, stop := iter.Pull2(store.Subscribe(ctx, 0))
	defer stop()
	// until reads on until it is there.
	until := func(there func() bool) {
		t.Helper()
		for !there() {
			m, err, _ := next()
			if err != nil {
				t.Fatalf("after %d starts and the ticks %v: %v, %v", started, ticks, ends, err)
			}
			if m.CaughtUp {
				continue
			}
			fact, err := events.Decode(m.Event)
			if err != nil {
				t.Fatal(err)
			}
			switch f := fact.(type) {
			case events.RunStarted:
				started++
			case events.RunFinished, events.RunFailed, events.RunCancelled:
				ends[m.Event.Stream]++
			case events.TimerFired:
				ticks[f.Run]++
			}
		}
	}
	until(func() bool { return len(ends) == deliveries+len(ticks) && len(ticks) > 0 })

	driver, other := first, second
	select {
	case <-first.drives:
	case <-second.drives:
		driver, other = second, first
	}
	if err := driver.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for n := range deliveries {
		if _, repeated, err := other.deliver(fmt.Sprint("delivery-", n)); err != nil || !repeated {
			t.Errorf("delivery %d comes once more: repeated %t, %v", n, repeated, err)
		}
	}
	if _, repeated, err := other.deliver("another"); err != nil || repeated {
		t.Errorf("another delivery: repeated %t, %v", repeated, err)
	}
	until(func() bool { return len(ends) == deliveries+1+len(ticks) })
	for run, n := range ticks {
		if n != 1 || run == "" {
			t.Errorf("the tick of run %q was noted %d times", run, n)
		}
	}
	for run, n := range ends {
		if n != 1 {
			t.Errorf("%s has %d ends", run, n)
		}
	}
	if started != len(ends) {
		t.Errorf("%d runs were started, and %d have ended", started, len(ends))
	}
	t.Logf("%d deliveries, each to both servers, and %d ticks: %d runs", deliveries+1, len(ticks), started)
}

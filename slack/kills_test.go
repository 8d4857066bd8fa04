package slack_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// mortal is a process that posts: it is killed at one of the moments at which it tells somebody something, before or after they
// have heard it.
type mortal struct {
	left   atomic.Int64
	before bool
	die    context.CancelFunc

	// under is held by what is under way; whoever buries the process waits for that.
	under sync.RWMutex
	dead  bool
}

// bury returns once nothing of the process is on its way any more, and nothing comes of it from then on.
func (m *mortal) bury() {
	m.die()
	m.under.Lock()
	defer m.under.Unlock()
	m.dead = true
}

// step does something unless the process is dead by then.
func (m *mortal) step(ctx context.Context, do func() error) error {
	left := m.left.Add(-1)
	if left == 0 && m.before {
		m.die()
	}
	if left < 0 || left == 0 && m.before {
		<-ctx.Done()
		return context.Canceled
	}
	m.under.RLock()
	defer m.under.RUnlock()
	if m.dead {
		return context.Canceled
	}
	err := do()
	if left == 0 {
		m.die()
		return context.Canceled
	}
	return err
}

// RoundTrip implements http.RoundTripper.
func (m *mortal) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	err = m.step(r.Context(), func() error {
		// What is on its way when the process dies arrives, and long before another one takes over.
		answer, err = http.DefaultTransport.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
		return err
	})
	if err != nil && answer != nil {
		_ = answer.Body.Close()
		answer = nil
	}
	return answer, err
}

// The process that posts is killed wherever it tells Slack or the log something, again and again: in the end each run has one
// answer, whole, and nothing says that it is working.
func TestNothingIsWorkingAfterTheEndHoweverOftenItIsKilled(t *testing.T) {
	t.Parallel()
	kills := 100
	if os.Getenv("VIRTUOUS6_CHAOS") == "long" {
		kills = 1000
	}
	server := apitest.New(t)
	random := rand.New(rand.NewPCG(24, 1000)) //nolint:gosec // moments, not secrets
	killed, runs := 0, 0
	for ; killed < kills; runs++ {
		killed += servedByMortals(t, server, random, runs)
	}
	t.Logf("%d kills in %d runs", killed, runs)
	if n := server.Working(); n > 0 {
		t.Errorf("%d sessions say that they are working", n)
	}
}

// servedByMortals has a run answered by one process after another, until one lives. It returns how many did not.
func servedByMortals(t *testing.T, server *apitest.Server, random *rand.Rand, n int) (killed int) {
	t.Helper()
	const whole = "All of it, and nothing twice."
	channel := fmt.Sprintf("C%d", n)
	run := managers.SlackRun{
		Run: fmt.Sprintf("r%d", n), Conversation: "slack:T1:" + channel + ":1.1", Requester: "slack:T1:U1", StartedAt: time.Now().Add(-time.Second), Thread: "1.1",
	}
	h := &house{told: make(chan struct{}, 1000), started: map[string]commands.StartRun{}, ids: map[string]int{}, threads: map[string]projections.SlackThreadRow{}}
	h.runs = []projections.RunRow{answered(run.Run, whole)}
	h.runs[0].Run = run.Run
	over := false
	for !over {
		ctx, die := context.WithCancel(t.Context())
		m := &mortal{before: random.IntN(2) == 0, die: die}
		m.left.Store(1 + random.Int64N(12))
		door := slack.New(slack.Config{
			API: api.New("xoxb-1", api.OptionAPIURL(server.URL), api.OptionHTTPClient(&http.Client{Transport: m})), Reader: h, Reach: h.reach, Threads: h.thread,
			Texts: func(context.Context, *projections.RunRow) error { return nil }, Start: h.start, Cancel: func(context.Context, commands.CancelRun) error { return nil },
			Dispatch: func(ctx context.Context, cmds ...commands.Command) (receipt commands.Receipt, err error) {
				err = m.step(ctx, func() error {
					receipt, err = h.dispatch(ctx, cmds...)
					return err
				})
				return receipt, err
			},
			Runbook: func(string, projections.RunRow, []projections.StepRow) events.RunbookSaved {
				return events.RunbookSaved{}
			},
			FlushEvery: time.Millisecond,
		})
		lives := make(chan error, 1)
		go func() { lives <- door.Run(ctx) }()
		// What the log has of it is what the next one knows.
		if started := all[commands.StartSlackStream](h); len(started) > 0 {
			run.Stream = started[len(started)-1].TS
		}
		err := door.Follow(ctx, managers.SlackFollow{SlackRun: run})
		if err == nil && ctx.Err() == nil {
			for word := range strings.SplitAfterSeq(whole, " ") {
				door.OnText(run.Run, word)
			}
			if err = door.Answer(ctx, managers.SlackAnswer{SlackRun: run}); err == nil && ctx.Err() == nil {
				over = true
			}
		}
		if !over {
			killed++
		}
		m.bury()
		<-lives
		if posts := all[commands.RecordSlackPost](h); len(posts) > 0 {
			over = true // the manager asks for no more
		}
		if err != nil && ctx.Err() == nil {
			t.Fatalf("run %d: %v", n, err)
		}
	}
	posts := 0
	for _, posted := range server.Messages(channel) {
		posts++
		if posted.Streaming || posted.Text != whole {
			t.Errorf("run %d shows %+v", n, posted)
		}
	}
	if status := server.Status(channel, "1.1"); posts != 1 || status != "active" {
		t.Errorf("run %d has %d answers after %d kills, and its session is %q", n, posts, killed, status)
	}
	return killed
}

package slack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
)

// diary is a log that may be read while it is written.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (d *diary) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(line)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// slackInMind is a Slack without a network, for tests whose time is not the clock's.
type slackInMind struct {
	mu sync.Mutex
	// hangs has all calls wait until nobody waits for them any more, says is the error that they are answered with.
	hangs bool
	says  string
	calls []string
}

func (s *slackInMind) set(hangs bool, says string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangs, s.says = hangs, says
}

func (s *slackInMind) heard(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if strings.Contains(c, text) {
			n++
		}
	}
	return n
}

// RoundTrip implements http.RoundTripper.
func (s *slackInMind) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	hangs, answer := s.hangs, map[string]any{"ok": s.says == "", "error": s.says, "ts": "5.5", "channel": "C1", "user": "U", "bot_id": "B"}
	s.calls = append(s.calls, r.URL.Path+" "+string(body))
	s.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	data, err := json.Marshal(answer)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(data)), Request: r}, err
}

func (s *slackInMind) client() *api.Client {
	return api.New("xoxb-1", api.OptionAPIURL("http://slack.test/api/"), api.OptionHTTPClient(&http.Client{Transport: s}))
}

// An acknowledgement waits neither for the log nor for the read models, a model or Slack: whatever of them hangs, Slack hears within its three
// seconds. What hangs does not even heed that nobody waits for it any more, as a disk does not.
func TestAnAcknowledgementWaitsForNothingThatHangs(t *testing.T) {
	t.Parallel()
	row := proposal(same("Look the order up."))
	seen := slack.Digest(row) + ":" + row.Improvement
	deliveries := map[string]slack.Delivery{
		"a mention": event("T1", "E1", `{"type":"app_mention","user":"U1","text":"<@UB> hello","ts":"1.1","channel":"C1"}`), "a command": slash("/ask", "how?"), "a wish": slash("/better", "shorter"),
		"Stop": event("T1", "E2", `{"type":"agent_session_stopped","user":"U1","channel":"C1","thread_ts":"1.1"}`), "a goal": spoken("app_mention", "1.3", "", "<@UB> goal: ship it"),
		"a tap": tapped("v6_judge", "good:r1"), "an approval": tappedBy("U1", "v6_decide_approve", seen, "t1"), "one of a group": tappedBy("U3", "v6_decide_approve", seen, "t2"),
		"a call": tappedBy("U3", "v6_call_approve", "1f0c9d1be26b3a70", "t3"), "a question": spoken("app_mention", "1.4", "", "<@UB> What did you learn from recent interactions?"),
		"help": spoken("app_mention", "1.5", "", "<@UB> help"), "metrics": slash("/metrics", ""), "the modal": tapped("v6_wrong", "r1"), "the thread": spoken("message", "1.6", "1.1", "and then?"),
	}
	for what, hangs := range map[string]func(c *slack.Config, s *slackInMind, hang func()){
		"the log": func(c *slack.Config, _ *slackInMind, hang func()) {
			c.Dispatch = func(context.Context, ...commands.Command) (commands.Receipt, error) {
				hang()
				return commands.Receipt{}, errAway
			}
			c.Start = func(context.Context, commands.StartRun) (commands.Receipt, error) {
				hang()
				return commands.Receipt{}, errAway
			}
			c.Cancel = func(context.Context, commands.CancelRun) error { hang(); return errAway }
			c.Approve = func(context.Context, commands.ApproveImprovement) (bool, bool, error) {
				hang()
				return false, false, errAway
			}
		},
		"the read models": func(c *slack.Config, _ *slackInMind, hang func()) {
			c.Reach = func(context.Context) error { hang(); return errAway }
			c.Threads = func(context.Context, string, string) (projections.SlackThreadRow, error) {
				hang()
				return projections.SlackThreadRow{}, errAway
			}
		},
		"Slack": func(_ *slack.Config, s *slackInMind, _ func()) { s.set(true, "") },
	} {
		for name, delivery := range deliveries {
			t.Run(what+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var inMind slackInMind
					over := make(chan struct{})
					defer close(over)
					door, h := doorTo(t, inMind.client(), func(c *slack.Config) {
						c.Approvers = []string{"U1", "S1"}
						c.AnswerApproval = func(context.Context, commands.Meta, string, events.ApprovalAnswer, string, string) (projections.ApprovalRow, error) {
							return projections.ApprovalRow{}, nil
						}
						hangs(c, &inMind, func() { <-over })
					})
					h.Reader = folded(t, aDay(time.Now())...)
					h.improvements, h.approvals = []projections.ImprovementRow{row}, []projections.ApprovalRow{approval("x")}
					begun := time.Now()
					if _, err := door.Take(t.Context(), delivery); what == "Slack" && err != nil {
						t.Errorf("it is not acknowledged: %v", err)
					}
					if took := time.Since(begun); took >= 3*time.Second {
						t.Errorf("it is acknowledged after %s", took)
					}
				})
			})
		}
	}
}

// What hangs takes the places of others only for as long as it hangs, and Slack is asked to bring again what finds none; what comes of a command
// after all is told to who gave it.
func TestWhatComesLateIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inMind slackInMind
		over := make(chan struct{})
		var h *house
		door, made := doorTo(t, inMind.client(), func(c *slack.Config) {
			dispatch := c.Dispatch
			c.Dispatch = func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
				<-over
				return dispatch(context.WithoutCancel(ctx), cmds...)
			}
		})
		h = made
		h.runs = []projections.RunRow{answered("r1", "42")}
		said, err := door.Take(t.Context(), slash("/better", "shorter"))
		if err != nil || !strings.Contains(fmt.Sprint(said), "longer than it should") {
			t.Errorf("got %v, %v", said, err)
		}
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() {
				begun := time.Now()
				_, err := door.Take(t.Context(), tappedBy("U1", "v6_judge", "good:r1", fmt.Sprint("tap", i)))
				if took := time.Since(begun); took >= 3*time.Second || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, slack.ErrBusy) {
					t.Errorf("after %s: %v", took, err)
				}
			})
		}
		group.Wait()
		close(over)
		synctest.Wait()
		if n := inMind.heard("Thank you. Kept as a wish"); n != 1 || len(all[commands.GiveFeedback](h)) < 2 {
			t.Errorf("who gave the command is told %d times of %d", n, len(all[commands.GiveFeedback](h)))
		}
		// Brought again, each is taken, and once.
		for i := range 200 {
			if _, err := door.Take(t.Context(), tappedBy("U1", "v6_judge", "good:r1", fmt.Sprint("tap", i))); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(all[commands.GiveFeedback](h)); n != 201 {
			t.Errorf("%d commands, want 201", n)
		}
	})
}

// Answers that Slack does not take while it is away make room for those behind them after a minute, and what they were answers to is recorded.
func TestWhileSlackHangsNothingPilesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inMind slackInMind
		var log diary
		door, h := doorTo(t, inMind.client(), func(c *slack.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		inMind.set(true, "")
		for i := range 40 {
			if _, err := door.Take(t.Context(), spoken("app_mention", fmt.Sprint(i, ".1"), "", "<@UB> help")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3*time.Minute + time.Second)
		if n := len(all[commands.RecordInteraction](h)); n != 40 {
			t.Errorf("%d interactions are recorded of 40", n)
		}
		inMind.set(false, "")
		if _, err := door.Take(t.Context(), spoken("app_mention", "99.1", "", "<@UB> help")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if n := len(all[commands.RecordInteraction](h)); n != 41 || inMind.heard("What+I+can+do") == 0 {
			t.Errorf("%d interactions are recorded of 41", n)
		}
	})
}

// What there is no room for is not acknowledged, and taken once there is.
func TestWhatThereIsNoRoomForIsTakenLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inMind slackInMind
		door, h := doorTo(t, inMind.client())
		inMind.set(true, "")
		const many = 1100 // more than wait and are worked on
		refused := 0
		ask := func(i int) error {
			_, err := door.Take(t.Context(), spoken("app_mention", fmt.Sprint(i, ".1"), "", "<@UB> help"))
			synctest.Wait() // who is free takes it
			return err
		}
		for i := range many {
			if err := ask(i); errors.Is(err, slack.ErrBusy) {
				refused++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if refused < 10 || refused > 100 {
			t.Errorf("%d of %d are refused", refused, many)
		}
		inMind.set(false, "")
		time.Sleep(time.Hour)
		for i := range many { // those that were taken are only acknowledged
			if err := ask(i); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		if n := len(all[commands.RecordInteraction](h)); n != many {
			t.Errorf("%d interactions are recorded of %d", n, many)
		}
	})
}

// A token that was revoked holds up what is to be posted, as a Slack that is away does: it is said once, with what to do, and nothing is lost.
func TestWhatIsToBePostedWaitsForATokenAndForSlack(t *testing.T) {
	t.Parallel()
	for says, told := range map[string]string{"token_revoked": "take SLACK_BOT_TOKEN anew", "account_inactive": "take SLACK_BOT_TOKEN anew", "service_unavailable": "waits until it does"} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var inMind slackInMind
				var log diary
				door, h := doorTo(t, inMind.client(), func(c *slack.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
				inMind.set(false, says)
				h.runs = []projections.RunRow{answered("r1", "It is 42.")}
				posted := make(chan error)
				go func() {
					posted <- door.Answer(t.Context(), managers.SlackAnswer{SlackRun: askedRun(time.Now().Add(time.Hour))})
				}()
				time.Sleep(time.Hour)
				synctest.Wait() // for the log
				if n := len(all[commands.RecordSlackPost](h)); n != 0 || strings.Count(log.String(), told) != 1 {
					t.Errorf("%d posts are given up; the log has %s", n, &log)
				}
				inMind.set(false, "")
				if err := <-posted; err != nil {
					t.Fatal(err)
				}
				if posts := all[commands.RecordSlackPost](h); len(posts) != 1 || posts[0].TS == "" || posts[0].Reason != "" || strings.Count(log.String(), "Slack answers again") != 1 {
					t.Errorf("recorded %+v; the log has %s", posts, &log)
				}
			})
		})
	}
}

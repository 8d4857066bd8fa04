package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/slack"
)

// acknowledgements measures how long Slack waits for the acknowledgement of a mention by HTTP, signed as it signs them: from eight at once, each
// brought twice, with the run in the log by then. Slack gives 3 s; half a second at p99 is wanted.
func acknowledgements(b *testing.B, e engine, t *table) {
	const secret, callers, each = "8f742231b10e8888abcd99yyyzzz85a5", 8, 250
	taken := alternate(*rounds, func() sample {
		place := e.place(b)
		store, models := e.log(b, place), e.models(b, place, readmodel.Options{})
		defer func() { must(b, errors.Join(models.Close(), store.Close())) }()
		dispatch := newDispatcher(store).Dispatch
		door := slack.New(slack.Config{
			API: api.New("xoxb-1"), SigningSecret: secret, Reader: models, Threads: models.SlackThread, Dispatch: dispatch,
			Reach: func(ctx context.Context) error {
				head, err := store.Head(ctx)
				must(b, err)
				return replay.Reach(ctx, models, head)
			},
			Texts:  func(context.Context, *projections.RunRow) error { return nil },
			Start:  func(ctx context.Context, c commands.StartRun) (commands.Receipt, error) { return dispatch(ctx, c) },
			Cancel: func(ctx context.Context, c commands.CancelRun) error { _, err := dispatch(ctx, c); return err },
			Runbook: func(string, projections.RunRow, []projections.StepRow) events.RunbookSaved {
				return events.RunbookSaved{}
			},
		})
		ctx, stop := context.WithCancel(b.Context())
		var running sync.WaitGroup
		running.Go(func() { must(b, door.Run(ctx)) })
		defer running.Wait()
		defer stop()
		latencies := make([][]time.Duration, callers)
		s := measure(func() int {
			var group sync.WaitGroup
			for caller := range callers {
				group.Go(func() {
					for i := range 2 * each {
						body := fmt.Sprintf(`{"type":"event_callback","team_id":"T1","event_id":"Ev","event":{"type":"app_mention","user":"U1","text":"<@UB> how do I rotate the keys?","ts":"%d.%d","channel":"C1"}}`, caller+1, i/2)
						r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
						at := time.Now()
						mac := hmac.New(sha256.New, []byte(secret))
						fmt.Fprintf(mac, "v0:%d:%s", at.Unix(), body)
						r.Header.Set("Content-Type", "application/json")
						r.Header.Set("X-Slack-Request-Timestamp", fmt.Sprint(at.Unix()))
						r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
						w := httptest.NewRecorder()
						door.ServeHTTP(w, r)
						if w.Code != http.StatusOK {
							b.Errorf("got %d: %s", w.Code, w.Body)
						}
						latencies[caller] = append(latencies[caller], time.Since(at))
					}
				})
			}
			group.Wait()
			return 2 * callers * each
		})
		for _, of := range latencies {
			s.latencies = append(s.latencies, of...)
		}
		return s
	})
	r := row{name: "acknowledgements of mentions in Slack, 8 at once, each twice", ours: median(taken[0], sample.perSecond), note: "half a second at p99 is wanted"}
	r.p50, r.p99 = quantiles(pool(taken[0]))
	t.rows = append(t.rows, r)
}

//go:build unix

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/slack/apitest"
)

// Deliveries by HTTP to the real program, from eight at once and each of them twice, while it performs the runs that they ask for: each is
// one run, and what the acknowledgements took is printed. VIRTUOUS6_CHAOS=long sends ten thousand.
func TestEachDeliveryToTheProgramIsOneRun(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, p program) {
		different := 100
		if os.Getenv("VIRTUOUS6_CHAOS") == "long" {
			different = 5_000
		}
		api := apitest.New(t)
		if p.store == "" {
			p.store = "sqlite:" + p.dir + "/store.db"
		}
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		hooks := free.Addr().String()
		_ = free.Close()
		const secret = "8f742231b10e8888abcd99yyyzzz85a5"
		p.env = []string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_SIGNING_SECRET=" + secret, "SLACK_API_URL=" + api.URL}
		server, _ := p.serve("--hooks", hooks)
		defer func() {
			_ = server.Process.Kill()
			_ = server.Wait()
		}()
		took := make([]time.Duration, 2*different)
		var group sync.WaitGroup
		for worker := range 8 {
			group.Go(func() {
				for i := worker; i < len(took); i += 8 {
					body, err := json.Marshal(mention(fmt.Sprint("C", i%different), "1.1", "", "calculate 6 * 7"))
					if err != nil {
						t.Error(err)
					}
					now := time.Now()
					mac := hmac.New(sha256.New, []byte(secret))
					text := strings.Replace(string(body), "Ev1.1", fmt.Sprint("Ev", i%different), 1)
					fmt.Fprintf(mac, "v0:%d:%s", now.Unix(), text)
					r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+hooks+"/", strings.NewReader(text))
					if err != nil {
						t.Error(err)
						return
					}
					r.Header.Set("Content-Type", "application/json")
					r.Header.Set("X-Slack-Request-Timestamp", fmt.Sprint(now.Unix()))
					r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
					answer, err := http.DefaultClient.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
					if took[i] = time.Since(now); answer.StatusCode != http.StatusOK {
						t.Errorf("got %d", answer.StatusCode)
					}
				}
			})
		}
		group.Wait()
		if got := p.kinds()["run.started"]; got != different {
			t.Errorf("%d deliveries started %d runs", len(took), got)
		}
		slices.Sort(took)
		t.Logf("%d deliveries: acknowledged at p50 within %s, at p99 within %s, at most %s", len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	})
}

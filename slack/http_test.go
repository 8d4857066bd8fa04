package slack_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/slack"
)

// signed is a request as Slack signs it.
func signed(contentType, body string, at time.Time) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(at.Unix(), 10))
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%d:%s", at.Unix(), body)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

const jsonType, formType = "application/json", "application/x-www-form-urlencoded"

func serve(door *slack.Door, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w
}

const asksHello = `{"type":"event_callback","team_id":"T1","event_id":"Ev1","event":{"type":"app_mention","user":"U1","text":"<@UB> hello","ts":"1.1","channel":"C1"}}`

func TestOnlyWhatSlackSignsIsTaken(t *testing.T) {
	t.Parallel()
	door, h, _ := newDoor(t)
	now := time.Now()
	spoiled := func(change func(*http.Request)) *http.Request {
		r := signed(jsonType, asksHello, now)
		change(r)
		return r
	}
	for name, r := range map[string]*http.Request{
		"no signature": spoiled(func(r *http.Request) { r.Header.Del("X-Slack-Signature") }),
		"no time":      spoiled(func(r *http.Request) { r.Header.Del("X-Slack-Request-Timestamp") }),
		"another time": spoiled(func(r *http.Request) {
			r.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(now.Unix()+1, 10))
		}),
		"a bit flipped": spoiled(func(r *http.Request) {
			s := []byte(r.Header.Get("X-Slack-Signature"))
			s[10] ^= 1
			r.Header.Set("X-Slack-Signature", string(s))
		}),
		"cut":        spoiled(func(r *http.Request) { r.Header.Set("X-Slack-Signature", r.Header.Get("X-Slack-Signature")[:40]) }),
		"other body": spoiled(func(r *http.Request) { r.Body = http.NoBody }),
		"expired":    signed(jsonType, asksHello, now.Add(-6*time.Minute)),
		"early":      signed(jsonType, asksHello, now.Add(6*time.Minute)),
	} {
		if w := serve(door, r); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: got %d", name, w.Code)
		}
	}
	if len(h.started) != 0 {
		t.Errorf("started %v", h.started)
	}
	// Replayed as it is, it is acknowledged and does nothing more.
	for range 3 {
		if w := serve(door, signed(jsonType, asksHello, now)); w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("got %d %q", w.Code, w.Body)
		}
	}
	if len(h.started) != 1 {
		t.Errorf("started %v", h.started)
	}
}

func TestWhatComesByHTTP(t *testing.T) {
	t.Parallel()
	door, h, _ := newDoor(t)
	form := url.Values{"command": {"/ask"}, "text": {"how?"}, "user_id": {"U1"}, "team_id": {"T1"}, "channel_id": {"C1"}, "trigger_id": {"1.2"}}.Encode()
	for name, c := range map[string]struct {
		kind, body string
		code       int
		says       string
	}{
		"its address": {jsonType, `{"type":"url_verification","challenge":"abc"}`, http.StatusOK, "abc"},
		"a command":   {formType, form, http.StatusOK, ""},
		"a refusal":   {formType, strings.Replace(strings.Replace(form, "how%3F", "", 1), "1.2", "1.3", 1), http.StatusOK, `"response_type":"ephemeral"`},
		"no JSON":     {jsonType, `{"type":`, http.StatusBadRequest, "not a delivery"},
		"no form":     {formType, `%zz`, http.StatusBadRequest, "not a delivery"},
		"no payload":  {formType, `a=b`, http.StatusBadRequest, "not a delivery"},
		"too much":    {jsonType, strings.Repeat(" ", 1<<20+1), http.StatusRequestEntityTooLarge, "1 MiB"},
	} {
		w := serve(door, signed(c.kind, c.body, time.Now()))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: got %d %q", name, w.Code, w.Body)
		}
	}
	if w := serve(door, httptest.NewRequest(http.MethodGet, "/", nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: got %d", w.Code)
	}
	if len(h.started) != 1 {
		t.Errorf("started %v", h.started)
	}
}

// What could not be recorded is not acknowledged: an event comes again, a command is told of.
func TestWhatIsNotRecordedIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	door, h, _ := newDoor(t)
	h.fail = errAway
	if w := serve(door, signed(jsonType, asksHello, time.Now())); w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d", w.Code)
	}
	form := url.Values{"command": {"/ask"}, "text": {"how?"}, "user_id": {"U1"}, "trigger_id": {"1.2"}}.Encode()
	if w := serve(door, signed(formType, form, time.Now())); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "nothing was recorded") {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	h.mu.Lock()
	h.fail = nil
	h.mu.Unlock()
	if w := serve(door, signed(jsonType, asksHello, time.Now())); w.Code != http.StatusOK || len(h.started) != 1 {
		t.Errorf("got %d, started %v", w.Code, h.started)
	}
}

// An acknowledgement does not wait for a store that hangs.
func TestTheAcknowledgementIsBounded(t *testing.T) {
	t.Parallel()
	door, _, _ := newDoor(t, func(c *slack.Config) {
		c.AckWithin = 50 * time.Millisecond
		c.Start = func(ctx context.Context, _ commands.StartRun) (commands.Receipt, error) {
			<-ctx.Done()
			return commands.Receipt{}, ctx.Err()
		}
	})
	begun := time.Now()
	if w := serve(door, signed(jsonType, asksHello, time.Now())); w.Code != http.StatusServiceUnavailable || time.Since(begun) > 3*time.Second {
		t.Errorf("got %d after %s", w.Code, time.Since(begun))
	}
}

// 10,000 deliveries, a third of them repeats, in any order and at once, some dropped before they are acknowledged: each is
// one command.
func TestTenThousandDeliveriesAreOneCommandEach(t *testing.T) {
	t.Parallel()
	door, h, _ := newDoor(t)
	const different, total = 6667, 10_000
	random := rand.New(rand.NewPCG(24, 24)) //nolint:gosec // an order, no secret
	order := make([]int, total)
	for i := range order {
		order[i] = i % different
	}
	random.Shuffle(total, func(i, j int) { order[i], order[j] = order[j], order[i] })
	took := make([]time.Duration, total)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < total; i += 8 {
				r := signed(jsonType, strings.ReplaceAll(asksHello, `"1.1"`, fmt.Sprintf(`"%d.1"`, order[i])), time.Now())
				if i%10 == 0 { // it is dropped, and Slack brings it again
					gone, stop := context.WithCancel(r.Context())
					stop()
					serve(door, r.Clone(gone))
					r = signed(jsonType, strings.ReplaceAll(asksHello, `"1.1"`, fmt.Sprintf(`"%d.1"`, order[i])), time.Now())
				}
				begun := time.Now()
				if w := serve(door, r); w.Code != http.StatusOK {
					t.Errorf("got %d", w.Code)
				}
				took[i] = time.Since(begun)
			}
		})
	}
	group.Wait()
	if starts := all[commands.StartRun](h); len(starts) != different || len(h.started) != different {
		t.Errorf("%d commands started %d runs, want %d", len(starts), len(h.started), different)
	}
	slices.Sort(took) // how long that may be, `make bench` tells (part slack)
	t.Logf("acknowledged at p50 within %s, at p99 within %s", took[total/2], took[total*99/100])
}

func FuzzSigned(f *testing.F) {
	door, h, _ := newDoor(f)
	f.Add("v0=aa", "1", asksHello)
	f.Add("v0="+strings.Repeat("0", 64), strconv.FormatInt(time.Now().Unix(), 10), "payload={}")
	f.Fuzz(func(t *testing.T, signature, at, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Slack-Signature", signature)
		r.Header.Set("X-Slack-Request-Timestamp", at)
		if w := serve(door, r); w.Code != http.StatusUnauthorized || len(h.started) > 0 {
			t.Errorf("got %d, started %v", w.Code, h.started)
		}
	})
}

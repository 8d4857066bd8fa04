package web_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/web"
)

const hookSecret = "0123456789abcdef-secret"

// fired is what deliveries have started, by id.
type fired map[string]string

func (f fired) door(t *testing.T) http.Handler {
	t.Helper()
	return web.Hooks(web.HooksConfig{
		Workspace: "w",
		Trigger: func(_ context.Context, name string) (events.TriggerSet, error) {
			switch name {
			case "issues":
				return events.TriggerSet{Trigger: name, Webhook: events.GitHubWebhooks, Secret: "ISSUES", Prompt: "Triage {{issue.title}} by {{ issue.labels.0 }}: {{issue.n}}"}, nil
			case "orders":
				return events.TriggerSet{Trigger: name, Webhook: events.StandardWebhooks, Secret: "ORDERS", Prompt: "{{}}"}, nil
			case "unset":
				return events.TriggerSet{Trigger: name, Webhook: events.StandardWebhooks, Secret: "UNSET", Prompt: "x"}, nil
			case "nightly":
				return events.TriggerSet{Trigger: name, Cron: "@daily", Prompt: "x"}, nil
			case "away":
				return events.TriggerSet{}, errors.New("no store")
			}
			return events.TriggerSet{}, nil
		},
		Secret: func(variable string) string {
			return map[string]string{"ISSUES": hookSecret, "ORDERS": "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "UNSET": "short"}[variable]
		},
		Fire: func(_ context.Context, set events.TriggerSet, id, prompt string) (commands.Receipt, error) {
			if strings.Contains(prompt, "refuse") {
				return commands.Receipt{}, errRefused
			}
			_, repeated := f[id]
			if !repeated {
				f[id] = set.Trigger + ": " + prompt
			}
			return commands.Receipt{Repeated: repeated}, nil
		},
		Refused: func(err error) bool { return errors.Is(err, errRefused) },
	})
}

func deliver(door http.Handler, trigger, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/hooks/"+trigger, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w
}

// github signs a body as GitHub does.
func github(secret, body, delivery string) []string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac.Sum(nil)), "X-GitHub-Delivery", delivery}
}

// standard signs a body as the standard has it.
func standard(t *testing.T, body, id string, at time.Time) []string {
	t.Helper()
	hook, err := standardwebhooks.NewWebhook("MDEyMzQ1Njc4OWFiY2RlZg==")
	if err != nil {
		t.Fatal(err)
	}
	signature, err := hook.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return []string{"webhook-id", id, "webhook-timestamp", strconv.FormatInt(at.Unix(), 10), "webhook-signature", signature}
}

const issue = `{"issue":{"title":"{{issue.n}} breaks","labels":["bug"],"n":12345678901234567890}}`

// A delivery that is signed starts one run, however often it comes. What it holds is put into the prompt as it is.
func TestDeliveriesStartRunsOnce(t *testing.T) {
	t.Parallel()
	all := fired{}
	door := all.door(t)
	for i, c := range []struct{ trigger, body, id, says string }{
		{"issues", issue, "d1", `"repeated":false`}, {"issues", issue, "d1", `"repeated":true`}, {"issues", issue, "d2", `"repeated":false`},
	} {
		if w := deliver(door, c.trigger, c.body, github(hookSecret, c.body, c.id)...); w.Code != 202 || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%d: %d %s", i, w.Code, w.Body)
		}
	}
	for range 2 {
		if w := deliver(door, "orders", `{"a": 1}`, standard(t, `{"a": 1}`, "d1", time.Now())...); w.Code != 202 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := deliver(door, "issues", issue, append(github(hookSecret, issue, "d3"), "X-GitHub-Event", "ping")...); w.Code != 200 {
		t.Errorf("a ping: %d %s", w.Code, w.Body)
	}
	want := fired{
		commands.DeliveryID("w", "issues", "d1"): "issues: Triage {{issue.n}} breaks by bug: 12345678901234567890",
		commands.DeliveryID("w", "issues", "d2"): "issues: Triage {{issue.n}} breaks by bug: 12345678901234567890",
		commands.DeliveryID("w", "orders", "d1"): `orders: {"a":1}`,
	}
	if !maps.Equal(all, want) {
		t.Errorf("started %v", all)
	}
}

func TestDeliveriesThatNobodySignedStartNothing(t *testing.T) {
	t.Parallel()
	all := fired{}
	door := all.door(t)
	late := time.Now().Add(-6 * time.Minute)
	other := github(hookSecret, issue+" ", "d1")
	unsaid := standard(t, "{}", "d1", time.Now())
	unsaid[1] = "d2" // the id is signed too
	for name, c := range map[string]struct {
		trigger, body string
		headers       []string
		status        int
	}{
		"no signature":        {"issues", issue, nil, 401},
		"another body's":      {"issues", issue, other, 401},
		"another secret's":    {"issues", issue, github("another", issue, "d1"), 401},
		"not hexadecimal":     {"issues", issue, []string{"X-Hub-Signature-256", "sha256=zz", "X-GitHub-Delivery", "d"}, 401},
		"another standard's":  {"orders", issue, github(hookSecret, issue, "d1"), 401},
		"too late":            {"orders", "{}", standard(t, "{}", "d1", late), 401},
		"another id's":        {"orders", "{}", unsaid, 401},
		"no id":               {"issues", issue, github(hookSecret, issue, ""), 400},
		"an endless id":       {"issues", issue, github(hookSecret, issue, strings.Repeat("a", 256)), 400},
		"no such trigger":     {"nothing", issue, github(hookSecret, issue, "d1"), 404},
		"a clock":             {"nightly", issue, github(hookSecret, issue, "d1"), 404},
		"a secret too short":  {"unset", "{}", github("short", "{}", "d1"), 503},
		"an unset secret":     {"unset", "{}", nil, 503},
		"a store that is off": {"away", "{}", nil, 503},
		"no JSON":             {"issues", "a=b", github(hookSecret, "a=b", "d1"), 422},
		"two values":          {"issues", "{} {}", github(hookSecret, "{} {}", "d1"), 422},
		"nothing of the sort": {"issues", `{"issue":{}}`, github(hookSecret, `{"issue":{}}`, "d1"), 422},
		"a refusal":           {"orders", `"refuse"`, standard(t, `"refuse"`, "d9", time.Now()), 422},
		"a body too large":    {"issues", strings.Repeat("a", 300<<10), github(hookSecret, strings.Repeat("a", 300<<10), "d1"), 413},
	} {
		w := deliver(door, c.trigger, c.body, c.headers...)
		if w.Code != c.status || strings.Contains(w.Body.String(), hookSecret) || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s %s", name, w.Code, w.Header(), w.Body)
		}
	}
	if w := httptest.NewRecorder(); len(all) > 0 {
		t.Errorf("started %v %d", all, w.Code)
	}
}

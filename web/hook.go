package web

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// HooksConfig wires the door for deliveries. Trigger, Secret and Fire are needed.
type HooksConfig struct {
	Workspace string
	// Trigger is what starts runs by deliveries under a name. Without a name in it there is none.
	Trigger func(ctx context.Context, name string) (events.TriggerSet, error)
	// Secret is what an environment variable holds.
	Secret func(variable string) string
	// Fire starts what a delivery asks for, under an id: once it is there that is a repeat.
	Fire func(ctx context.Context, set events.TriggerSet, id, prompt string) (commands.Receipt, error)
	// Refused tells a refusal from a failure among the errors of Fire, which is to be delivered again.
	Refused func(error) bool
	// Log takes what the sender isn't told. Default none.
	Log *slog.Logger
}

// The bounds of deliveries: of a body in bytes, of an id in bytes, of how many are looked at at a time, and of a secret's
// length, below which it could be guessed.
const (
	maxDelivery   = 256 << 10
	maxDeliveryID = 255
	maxDeliveries = 32
	leastSecret   = 16
)

var (
	errSignature = errors.New("the signature is not this body's, by the secret that is known here")
	errDelivery  = errors.New("the delivery has no id")
)

// Hooks answers deliveries to /hooks/TRIGGER. Nobody is asked for a token: a delivery is known by its signature.
func Hooks(c HooksConfig) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	working := make(chan struct{}, maxDeliveries)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/{trigger}", func(w http.ResponseWriter, r *http.Request) {
		if !take(working) {
			busy(w)
			return
		}
		defer func() { <-working }()
		ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
		defer cancel()
		c.deliver(w, r.WithContext(ctx))
	})
	return mux
}

func (c HooksConfig) deliver(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("trigger")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDelivery))
	if err != nil {
		writeProblem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("a delivery has %d bytes at most", maxDelivery))
		return
	}
	set, err := c.Trigger(r.Context(), name)
	if err != nil {
		c.Log.ErrorContext(r.Context(), "a delivery was not taken", "trigger", clip(name), "error", err)
		writeProblem(w, http.StatusServiceUnavailable, "the store does not answer: deliver it again in a moment")
		return
	}
	if set.Webhook == "" {
		writeProblem(w, http.StatusNotFound, "no trigger of that name takes deliveries: `virtuous6 triggers` lists them")
		return
	}
	secret := c.Secret(set.Secret)
	if len(secret) < leastSecret {
		c.Log.ErrorContext(r.Context(), "a delivery was not taken: the environment variable of the trigger's secret is not set, or too short", "trigger", set.Trigger, "variable", set.Secret, "least", leastSecret)
		writeProblem(w, http.StatusServiceUnavailable, "this trigger's secret is not set where the server runs: its log has the details")
		return
	}
	id, err := verified(set.Webhook, secret, body, r.Header)
	switch {
	case errors.Is(err, errDelivery):
		writeProblem(w, http.StatusBadRequest, err.Error())
		return
	case err != nil:
		c.Log.WarnContext(r.Context(), "a delivery was refused", "trigger", set.Trigger, "reason", err)
		writeProblem(w, http.StatusUnauthorized, err.Error())
		return
	}
	if set.Webhook == events.GitHubWebhooks && r.Header.Get("X-GitHub-Event") == "ping" {
		_, _ = io.WriteString(w, "{\"ping\":true}\n")
		return
	}
	prompt, err := filled(set.Prompt, body)
	if err != nil {
		writeProblem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	run := commands.DeliveryID(c.Workspace, set.Trigger, id)
	receipt, err := c.Fire(r.Context(), set, run, prompt)
	switch {
	case err != nil && c.Refused(err):
		writeProblem(w, http.StatusUnprocessableEntity, err.Error())
		return
	case err != nil:
		c.Log.ErrorContext(r.Context(), "a delivery was not taken", "trigger", set.Trigger, "error", err)
		writeProblem(w, http.StatusServiceUnavailable, "the store does not answer: deliver it again in a moment")
		return
	}
	c.Log.InfoContext(r.Context(), "a delivery was taken", "trigger", set.Trigger, "run", run, "repeated", receipt.Repeated)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]any{"started": run, "repeated": receipt.Repeated})
}

// verified is the id of a delivery that who knows the secret has signed.
func verified(by events.Signature, secret string, body []byte, h http.Header) (id string, err error) {
	if by == events.GitHubWebhooks {
		want := hmac.New(sha256.New, []byte(secret))
		want.Write(body)
		got, err := hex.DecodeString(strings.TrimPrefix(h.Get("X-Hub-Signature-256"), "sha256="))
		if err != nil || !hmac.Equal(got, want.Sum(nil)) {
			return "", errSignature
		}
		return deliveryID(h.Get("X-GitHub-Delivery"))
	}
	webhook, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if strings.HasPrefix(secret, "whsec_") {
		webhook, err = standardwebhooks.NewWebhook(secret)
	}
	if err != nil {
		return "", fmt.Errorf("%w: behind whsec_ it is base64", errSignature)
	}
	if err := webhook.Verify(body, h); err != nil {
		return "", errSignature
	}
	return deliveryID(h.Get(standardwebhooks.HeaderWebhookID))
}

func deliveryID(id string) (string, error) {
	if id == "" || len(id) > maxDeliveryID {
		return "", errDelivery
	}
	return id, nil
}

// slot is a place in a prompt for what a delivery holds: {{issue.title}}, {{commits.0.message}}, or {{}} for all of it.
var slot = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// filled puts what a delivery holds into the prompt. It is put in as it is: nothing in it is looked at as a place again.
func filled(prompt string, body []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var payload any
	if err := decoder.Decode(&payload); err != nil || decoder.More() {
		return "", errors.New("the body is no JSON: let the sender deliver application/json")
	}
	var missing []string
	text := slot.ReplaceAllStringFunc(prompt, func(place string) string {
		path := slot.FindStringSubmatch(place)[1]
		value, there := member(payload, path)
		if !there {
			missing = append(missing, path)
			return ""
		}
		if text, is := value.(string); is {
			return text
		}
		out, err := json.Marshal(value)
		if err != nil {
			missing = append(missing, path)
		}
		return string(out)
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("the delivery has no %s, which the trigger's prompt wants", strings.Join(missing, ", "))
	}
	if strings.ContainsRune(text, 0) {
		return "", errors.New("a text can't hold the NUL character")
	}
	return text, nil
}

// member is what stands in a JSON value at a path of names and places.
func member(value any, path string) (any, bool) {
	if path == "" {
		return value, true
	}
	name, rest, _ := strings.Cut(path, ".")
	switch v := value.(type) {
	case map[string]any:
		inner, there := v[name]
		if !there {
			return nil, false
		}
		return member(inner, rest)
	case []any:
		at, err := strconv.Atoi(name)
		if err != nil || at < 0 || at >= len(v) {
			return nil, false
		}
		return member(v[at], rest)
	}
	return nil, false
}

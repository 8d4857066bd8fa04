package slack

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	api "github.com/slack-go/slack"
)

// maxBody bounds a request's body in bytes: Slack's own are far smaller.
const maxBody = 1 << 20

// ServeHTTP takes what Slack sends by HTTP: commands, events and interactions alike. Everything must be signed, and no more
// than five minutes old.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Slack posts here", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body can't be read, or is longer than 1 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	if err := d.verify(r.Header, body); err != nil {
		d.Log.Warn("a request to the door of Slack's was refused", "from", r.RemoteAddr, "reason", err)
		http.Error(w, "the signature is missing, wrong or too old", http.StatusUnauthorized)
		return
	}
	delivery, challenge, err := received(r.Header.Get("Content-Type"), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if challenge != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, challenge)
		return
	}
	answer, err := d.Take(r.Context(), delivery)
	switch {
	case errors.Is(err, ErrMalformed):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		http.Error(w, "not now: bring it again", http.StatusServiceUnavailable)
	case answer != nil:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// verify refuses what Slack has not signed, or signed more than five minutes ago.
func (d *Door) verify(header http.Header, body []byte) error {
	verifier, err := api.NewSecretsVerifier(header, d.SigningSecret)
	if err != nil {
		return err
	}
	if _, err := verifier.Write(body); err != nil {
		return err
	}
	return verifier.Ensure()
}

// received makes a delivery of a body. challenge is what Slack asks for when it is told the address of this door.
func received(contentType string, body []byte) (d Delivery, challenge string, err error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/json" {
		d, err = fromForm(body)
		return d, "", err
	}
	var p struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return d, "", errors.Join(ErrMalformed, err)
	}
	if p.Type == "url_verification" {
		return d, p.Challenge, nil
	}
	return Delivery{Kind: EventDelivery, Payload: body}, "", nil
}

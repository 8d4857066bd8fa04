package web

import (
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/virtuous6/virtuous6/redact"
)

// answer takes down what a request is answered, to be sent when the work on it is done: who reads slowly, or never, holds
// bytes and no more.
type answer struct {
	spool
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// again forgets what was written so far: it was found out to be wrong.
func (a *answer) again() {
	a.close()
	a.header, a.status = http.Header{}, 0
}

// send writes the answer. What fails is the line to a client that is gone, or reads too slowly.
func (a *answer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.FormatInt(a.size, 10))
	w.WriteHeader(max(a.status, http.StatusOK))
	_ = a.copyTo(w)
}

// admit bounds how many requests are at work, and how many answers are on their way. Probes are always let in: what they
// cost is little, and without an answer the server would be taken for dead.
func (d *door) admit(next http.Handler) http.Handler {
	working, sending := make(chan struct{}, d.MaxRequests), make(chan struct{}, d.MaxAnswers)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		a := &answer{spool: spool{room: &d.room}, header: http.Header{}}
		defer a.close()
		switch {
		case probe(r.URL.Path):
			next.ServeHTTP(a, r)
		case !take(sending):
			busy(a)
		default:
			defer func() { <-sending }()
			d.work(working, next, a, r)
		}
		a.send(w)
		d.Log.Log(r.Context(), requestLevel(r), "request", "method", clip(r.Method), "path", redact.Text(clip(r.URL.Path)), "status", max(a.status, http.StatusOK), "bytes", a.size, "took", time.Since(started))
	})
}

// probe tells of the routes that ask whether the server lives.
func probe(path string) bool { return path == "/healthz" || path == "/readyz" }

func (d *door) work(working chan struct{}, next http.Handler, a *answer, r *http.Request) {
	if !take(working) {
		busy(a)
		return
	}
	defer func() { <-working }()
	next.ServeHTTP(a, r)
}

func take(slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// busy asks a client to come back.
func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	writeProblem(w, http.StatusTooManyRequests, errBusy.Error()+": try again in a second")
}

// requestLevel is at which level a request is logged: probes are for who looks closely.
func requestLevel(r *http.Request) slog.Level {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

package web

import (
	"context"
	"errors"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
)

// guard keeps out what a web page in a person's browser could send here behind that person's back: requests from other
// origins, for names that aren't ours, or with a body that a browser sends without asking first.
func (d *door) guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusForbidden, "requests from other origins are refused")
	}))
	guarded := origins.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
				writeProblem(w, http.StatusUnsupportedMediaType, "send the body with Content-Type: application/json")
				return
			}
		}
		next.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if !d.addressed(r.Host) {
			writeProblem(w, http.StatusMisdirectedRequest, "requests for "+clip(r.Host)+" are not served here: use localhost, an IP address or a name that the configuration has under hosts")
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// addressed tells whether a Host header names this server. An IP address always does: no one else can point it here.
func (d *door) addressed(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	return slices.ContainsFunc(d.Hosts, func(h string) bool { return strings.EqualFold(h, name) })
}

// deadline bounds the work on a request.
func (d *door) deadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d.Timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// recover turns a panic into an answer. net/http would drop the connection instead. What huma can't write it panics with:
// that is no mistake in the program where there is no room for it.
func (d *door) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if a, ok := w.(*answer); ok {
				a.again()
			}
			if err, ok := p.(error); ok && errors.Is(err, errBusy) {
				busy(w)
				return
			}
			d.Log.ErrorContext(r.Context(), "panic", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			writeProblem(w, http.StatusInternalServerError, "something is wrong in the server: its log has the details")
		}()
		next.ServeHTTP(w, r)
	})
}

package web

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/virtuous6/virtuous6/redact"
)

// logged logs each request when it has been answered: what was asked for, without what stands behind a question mark, and what
// came of it. Probes are logged for who looks closely.
func (d *door) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		level := slog.LevelInfo
		switch r.URL.Path {
		case "/healthz", "/readyz", "/metrics":
			level = slog.LevelDebug
		}
		if !d.Log.Enabled(r.Context(), level) {
			next.ServeHTTP(w, r)
			return
		}
		began, told := time.Now(), middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			d.Log.Log(r.Context(), level, "request", "method", clip(r.Method), "path", redact.Text(clip(r.URL.Path)), "status", told.Status(),
				"bytes", told.BytesWritten(), "took", time.Since(began).Round(time.Microsecond))
		}()
		next.ServeHTTP(told, r)
	})
}

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// problem is RFC 9457's answer to an error of the rooms below.
func (d *door) problem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, projections.ErrAmbiguous):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, readmodel.ErrUnavailable), d.Away(err):
		d.away(ctx, err)
		return huma.Error503ServiceUnavailable("the store does not answer: try again in a moment; the server's log has the details")
	case d.Refused(err):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, errBusy):
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests(errBusy.Error()+": try again in a second"), http.Header{"Retry-After": {"1"}})
	case errors.Is(err, context.DeadlineExceeded):
		return huma.Error504GatewayTimeout("it took longer than " + d.Timeout.String() + ": ask for less, or again later")
	case errors.Is(err, context.Canceled):
		return huma.Error503ServiceUnavailable("the request was given up")
	}
	d.Log.ErrorContext(ctx, "request failed", "error", err)
	return huma.Error500InternalServerError("something failed in the server: its log has the details")
}

// away logs that the store does not answer, once a second: all requests meet it. What the error tells of the store, such
// as its address, is for who runs it.
func (d *door) away(ctx context.Context, err error) {
	now := d.Now().Unix()
	if last := d.told.Load(); last != now && d.told.CompareAndSwap(last, now) {
		d.Log.WarnContext(ctx, "the store does not answer", "error", err)
	}
}

// terse takes out of a refusal the values that it repeats of a request, where they are more than a word: they may be
// the whole body.
func terse(_ huma.Context, _ string, v any) (any, error) {
	if problem, ok := v.(*huma.ErrorModel); ok {
		for _, detail := range problem.Errors {
			if len(fmt.Sprint(detail.Value)) > 100 {
				detail.Value = nil
			}
		}
	}
	return v, nil
}

// writeProblem writes RFC 9457's answer where no operation was reached.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(&huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail})
	if err != nil {
		panic(err) // three plain fields
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// A client that is gone can't be told so.
	_, _ = w.Write(append(body, '\n'))
}

// clip bounds what is repeated of a request.
func clip(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

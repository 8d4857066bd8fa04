package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Caller is who a token lets in. The zero value is nobody.
type Caller struct {
	// Name is the token's.
	Name   string
	Scopes []events.Scope
	// Workspace is the only one that the token opens; without a name it opens all of them.
	Workspace string
}

func (c Caller) may(scope events.Scope) bool {
	return slices.Contains(c.Scopes, scope) || slices.Contains(c.Scopes, events.ScopeAdmin)
}

type callerKey struct{}

// actor is who a command of a request is from.
func actor(ctx context.Context) string {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok {
		return "token:" + c.Name
	}
	return "door:web"
}

// Workspace is the one that a request is about where it names none: that of its token, or else own.
func Workspace(ctx context.Context, own string) string {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok && c.Workspace != "" {
		return c.Workspace
	}
	return own
}

// own reads what a request is about where it names no workspace.
func (d *door) own(ctx context.Context) projections.Reader {
	if w := Workspace(ctx, d.Workspace); w != d.Workspace {
		return d.Reader.In(w)
	}
	return d.Reader
}

// scopeOf is what a request takes. What is not named here takes everything, so that a new route is closed until somebody
// says for whom it is open.
func scopeOf(method, path string) events.Scope {
	switch {
	case path == "/mcp":
		return events.ScopeWrite // its tools ask and judge
	case method == http.MethodGet || method == http.MethodHead:
		if path == "/api/tokens" {
			return events.ScopeAdmin
		}
		return events.ScopeRead
	case path == "/api/runs" || strings.HasPrefix(path, "/api/runs/") || strings.HasPrefix(path, "/api/goals"):
		return events.ScopeWrite
	case strings.HasPrefix(path, "/api/improvements/"), strings.HasPrefix(path, "/api/tools/"), strings.HasPrefix(path, "/api/approvals/"), strings.HasPrefix(path, "/api/budgets/"), strings.HasPrefix(path, "/api/agents/") && strings.HasSuffix(path, "/rollback"):
		return events.ScopeApprove
	}
	return events.ScopeAdmin
}

// login lets in whoever brings a token that takes them where they want to. Probes come in without. Where no login is
// demanded a token is looked at all the same: what comes with it is written down as the token's.
func (d *door) login(next http.Handler) http.Handler {
	if d.Token == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, brought := bearer(r)
		switch {
		case probe(r.URL.Path), !brought && !d.Login:
			next.ServeHTTP(w, r)
			return
		case !brought:
			d.unknown(w, "a token is needed: send Authorization: Bearer TOKEN, or TOKEN as the password in a browser; `virtuous6 tokens create` makes one")
			return
		}
		caller, err := d.Token(r.Context(), token)
		switch scope := scopeOf(r.Method, r.URL.Path); {
		case err != nil:
			d.away(r.Context(), err)
			writeProblem(w, http.StatusServiceUnavailable, "the store does not answer: try again in a moment; the server's log has the details")
		case caller.Name == "":
			d.unknown(w, "this token is not known here, or was revoked: `virtuous6 tokens list` shows those that are")
		case !caller.may(scope):
			writeProblem(w, http.StatusForbidden, fmt.Sprintf("the token %s lets nobody do that: it takes the scope %s, and it has %s", clip(caller.Name), scope, caller.Scopes))
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
		}
	})
}

// bearer is the token that a request brings: as a bearer's, or as a password, which is how a browser asks for it. A
// browser sends that along by itself; what other sites make it send, guard has kept out. What does not look like a token
// is the affair of a proxy.
func bearer(r *http.Request) (token string, brought bool) {
	_, token, basic := r.BasicAuth()
	if kind, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); !basic && ok && strings.EqualFold(kind, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	return token, strings.HasPrefix(token, TokenPrefix)
}

// TokenPrefix is what each token begins with, so that whoever finds one knows what it is.
const TokenPrefix = "v6t_"

func (d *door) unknown(w http.ResponseWriter, says string) {
	w.Header().Add("WWW-Authenticate", `Bearer realm="virtuous6"`)
	w.Header().Add("WWW-Authenticate", `Basic realm="virtuous6: any name, and a token as the password", charset="UTF-8"`)
	writeProblem(w, http.StatusUnauthorized, says)
}

package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// failure turns whatever went wrong into a *CallError that says what to do and holds no key, or into the context's
// error where the caller gave up.
func (m *OpenAI) failure(ctx context.Context, x *exchange, a *assembly, err error) error {
	e := &CallError{Streamed: a.begun}
	var sent *fault
	var document *notStreamed
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errIdle):
		e.Kind, e.retryable = ErrTimeout, true
		e.Detail = fmt.Sprintf("nothing came for %s", m.idle)
		e.Hint = "check that the server is up, or allow more time"
		return e
	case errors.Is(cause, errWholeCall):
		e.Kind, e.Detail, e.Hint = ErrTimeout, fmt.Sprintf("the call took longer than %s", m.timeout), "allow more time, or ask for a shorter answer"
		return e
	case cause != nil:
		return cause
	case x.sent == nil:
		e.Kind, e.Detail = ErrBadRequest, err.Error()
	case errors.As(err, &sent):
		e.Status, e.fault, e.sent = sent.status, sent, *x.sent
		m.classify(e)
	case errors.As(err, &document):
		e.Kind, e.Detail = ErrProtocol, err.Error()+": "+string(document.body)
		e.Hint = "check that OPENAI_BASE_URL is a server that streams chat completions"
	case errors.Is(err, errRedirected):
		e.Kind, e.Detail, e.Hint = ErrProtocol, err.Error(), "set OPENAI_BASE_URL to where the server really is"
	case errors.Is(err, errTooLong):
		e.Kind, e.Detail, e.Hint = ErrProtocol, err.Error(), "bound it by the agent's max_tokens"
	case errors.Is(err, errTooMuch):
		e.Kind, e.Detail = ErrProtocol, err.Error()
	case (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)) && a.strange != nil && !a.known:
		e.Kind, e.Detail = ErrProtocol, "what it sent is no answer of a chat: "+string(a.strange)
		e.Hint = "check that OPENAI_BASE_URL is a server that streams chat completions"
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		e.Kind, e.retryable = ErrCut, true
		e.Detail, e.Hint = "the server closed the stream before the answer's end", "try again"
	case isJSON(err):
		e.Kind, e.Detail = ErrProtocol, "a piece of the stream is not the JSON it should be: "+err.Error()
	case a.begun:
		e.Kind, e.Detail, e.Hint = ErrCut, err.Error(), "try again"
	default:
		e.Kind, e.retryable = ErrUnavailable, true
		e.Detail, e.Hint = err.Error(), "check the network, and OPENAI_BASE_URL ("+m.base+")"
	}
	if x.header != nil {
		e.RetryAfter = retryAfter(x.header, m.now())
	}
	e.Detail = m.clean(e.Detail)
	return e
}

// classify reads the status, and what servers write to tell apart failures that share one or have none.
func (m *OpenAI) classify(e *CallError) {
	f := e.fault
	e.Detail = f.message
	words := strings.ToLower(f.code + " " + f.kind + " " + f.message)
	says := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(words, p) })
	}
	switch s := e.Status; {
	case s == http.StatusUnauthorized || s == http.StatusForbidden || s == 0 && says("invalid_api_key", "authentication_error"):
		// The message is left out: providers quote a part of the key in it.
		e.Kind, e.Detail, e.Hint = ErrAuth, "", "set OPENAI_API_KEY to a key that is valid for "+m.base
	case says("insufficient_quota") || s == http.StatusPaymentRequired:
		e.Kind, e.Hint = ErrQuota, "check the plan and billing of the account behind OPENAI_API_KEY"
	case s == http.StatusTooManyRequests || s == 0 && says("rate_limit", "rate limit", "too many requests"):
		e.Kind, e.retryable, e.Hint = ErrRateLimited, true, "try again later"
	case says("context_length", "context length", "context window", "context size", "exceed_context_size", "maximum context") || s == http.StatusRequestEntityTooLarge:
		e.Kind, e.Hint = ErrContextLength, "shorten the conversation, or use a model with a longer context"
	case s == http.StatusNotFound && says("model"):
		e.Kind, e.Hint = ErrModelNotFound, "name a model that the server at "+m.base+" has"
	case s == http.StatusNotFound || s == http.StatusMethodNotAllowed:
		path := "/chat/completions"
		if e.sent.api == ResponsesAPI {
			path = "/responses"
		}
		e.Kind, e.Hint = ErrBadRequest, "there is no "+m.base+path+": OPENAI_BASE_URL usually ends in /v1"
	case s == http.StatusRequestTimeout || s == http.StatusConflict || s >= 500:
		e.Kind, e.retryable, e.Hint = ErrUnavailable, true, "try again later"
	case s != 0 || says("invalid_", "bad_request", "not_found", "not found", "does not support", "not supported"):
		e.Kind = ErrBadRequest
	case says("requires more system memory", "out of memory"):
		e.Kind, e.Hint = ErrUnavailable, "use a smaller model, or a machine with more memory"
	default:
		e.Kind, e.retryable, e.Hint = ErrUnavailable, true, "try again later"
	}
}

// clean takes the key and control characters out of a text from outside, and cuts it to a line.
func (m *OpenAI) clean(s string) string {
	// What is as short as that is no secret but what servers of one's own are given for a key, and may be part of any word.
	if len(m.key) >= 8 {
		s = strings.ReplaceAll(s, m.key, "[key]")
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	return cut(strings.Join(strings.Fields(s), " "), 500)
}

func isJSON(err error) bool {
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	return errors.As(err, &syntax) || errors.As(err, &shape)
}

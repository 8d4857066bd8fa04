package agents

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"

	openai "github.com/sashabaranov/go-openai"
)

// failure turns whatever went wrong into a *CallError that says what to do and holds no key, or into the context's
// error where the caller gave up.
func (m *OpenAI) failure(ctx context.Context, x *exchange, err error, streamed bool) error {
	e := &CallError{Streamed: streamed}
	var api *openai.APIError
	var request *openai.RequestError
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
	case !x.sent:
		e.Kind, e.Detail = ErrBadRequest, err.Error()
	case errors.As(err, &request):
		// It comes first: it may wrap an *APIError that is empty.
		e.Status = request.HTTPStatusCode
		m.classify(e, bodyMessage(request.Body), "")
	case errors.As(err, &api):
		e.Status = api.HTTPStatusCode
		code := fmt.Sprint(cmp.Or(api.Code, any("")))
		m.classify(e, api.Message, code+" "+api.Type)
		if e.Status == 0 {
			m.classifyInStream(e, api)
		}
	case errors.Is(err, errNoStream):
		e.Kind, e.Detail = ErrProtocol, errNoStream.Error()+": "+bodyMessage(x.refused)
		e.Hint = "check that OPENAI_BASE_URL is a server that streams chat completions"
	case errors.Is(err, errRedirected):
		e.Kind, e.Detail, e.Hint = ErrProtocol, err.Error(), "set OPENAI_BASE_URL to where the server really is"
	case errors.Is(err, errTooMuch):
		e.Kind, e.Detail = ErrProtocol, err.Error()
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		e.Kind, e.retryable = ErrCut, true
		e.Detail, e.Hint = "the server closed the stream before the answer's end", "try again"
	case isJSON(err):
		e.Kind, e.Detail = ErrProtocol, "a piece of the stream is not the JSON it should be: "+err.Error()
	case streamed:
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

// classify reads the HTTP status, and what servers write to tell apart failures that share one.
func (m *OpenAI) classify(e *CallError, message, code string) {
	e.Detail = message
	says := func(parts ...string) bool {
		text := strings.ToLower(code + " " + message)
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch s := e.Status; {
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		// The message is left out: providers quote a part of the key in it.
		e.Kind, e.Detail, e.Hint = ErrAuth, "", "set OPENAI_API_KEY to a key that is valid for "+m.base
	case says("insufficient_quota") || s == http.StatusPaymentRequired:
		e.Kind, e.Hint = ErrQuota, "check the plan and billing of the account behind OPENAI_API_KEY"
	case s == http.StatusTooManyRequests:
		e.Kind, e.retryable, e.Hint = ErrRateLimited, true, "try again later"
	case s == http.StatusNotFound && says("model"):
		e.Kind, e.Hint = ErrModelNotFound, "name a model that the server at "+m.base+" has"
	case s == http.StatusNotFound || s == http.StatusMethodNotAllowed:
		e.Kind, e.Hint = ErrBadRequest, "there is no "+m.base+"/chat/completions: OPENAI_BASE_URL usually ends in /v1"
	case s == http.StatusRequestEntityTooLarge || says("context_length", "context length", "context window", "exceed_context_size", "maximum context"):
		e.Kind, e.Hint = ErrContextLength, "shorten the conversation, or use a model with a longer context"
	case s == http.StatusRequestTimeout || s == http.StatusConflict || s >= 500:
		e.Kind, e.retryable, e.Hint = ErrUnavailable, true, "try again later"
	default:
		e.Kind = ErrBadRequest
	}
}

// classifyInStream reads an error that came inside a stream, where the status is long gone.
func (m *OpenAI) classifyInStream(e *CallError, api *openai.APIError) {
	if status, ok := api.Code.(int); ok && status >= 400 && status < 600 {
		e.Status = status
		m.classify(e, api.Message, api.Type)
		return
	}
	if strings.Contains(fmt.Sprint(api.Code, api.Type), "rate_limit") {
		e.Kind, e.retryable, e.Hint = ErrRateLimited, true, "try again later"
	} else if e.Kind == ErrBadRequest {
		e.Kind, e.retryable, e.Hint = ErrUnavailable, true, "try again later"
	}
}

// bodyMessage finds the message in an error's body that is not in OpenAI's shape.
func bodyMessage(body []byte) string {
	var shapes struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &shapes) == nil {
		var text string
		for _, raw := range []json.RawMessage{shapes.Error, shapes.Detail} {
			if json.Unmarshal(raw, &text) == nil && text != "" {
				return text
			}
		}
		var nested struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(shapes.Error, &nested) == nil && nested.Message != "" {
			return nested.Message
		}
		if shapes.Message != "" {
			return shapes.Message
		}
	}
	return string(body)
}

// clean takes the key and control characters out of a text from outside, and cuts it to a line.
func (m *OpenAI) clean(s string) string {
	if m.key != "" {
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

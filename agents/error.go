package agents

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The reasons why a call to a model fails. Match them with errors.Is; what to do is in the message.
var (
	// ErrAuth tells that the provider refused the key (401, 403).
	ErrAuth = errors.New("the provider refused the key")
	// ErrQuota tells that the account has no credit left. Waiting does not help.
	ErrQuota = errors.New("the account's quota is used up")
	// ErrRateLimited tells that too much was asked in too short a time (429).
	ErrRateLimited = errors.New("rate limited")
	// ErrModelNotFound tells that the provider has no such model, or does not let this key use it.
	ErrModelNotFound = errors.New("model not found")
	// ErrContextLength tells that the conversation is longer than the model can read.
	ErrContextLength = errors.New("the conversation is longer than the model's context")
	// ErrBadRequest tells that the request was refused as it is (400, 404, 422). Repeating it does not help.
	ErrBadRequest = errors.New("the request was refused")
	// ErrUnavailable tells that the provider can't be reached or fails by itself (5xx, connection errors).
	ErrUnavailable = errors.New("the provider is unavailable")
	// ErrTimeout tells that the call took too long as a whole, or that nothing came for too long.
	ErrTimeout = errors.New("the model did not answer in time")
	// ErrCut tells that the answer broke off before its end.
	ErrCut = errors.New("the answer was cut off")
	// ErrProtocol tells that the server does not speak the OpenAI protocol as it should.
	ErrProtocol = errors.New("the server's answer is not understood")
)

// CallError is a failed call to a model. It never holds the key.
type CallError struct {
	// Kind is one of the sentinels above.
	Kind error
	// Status is the HTTP status, 0 where there was none.
	Status int
	// Detail is what the server or the network said, cleaned and cut to a line.
	Detail string
	// Hint says what to do.
	Hint string
	// RetryAfter is how long the provider asked to wait, 0 where it did not.
	RetryAfter time.Duration
	// Attempts counts the requests that were made.
	Attempts int
	// Streamed tells that text had come before the failure.
	Streamed bool

	retryable bool
	// fault is what the server said, sent what it said that to.
	fault *fault
	sent  asked
}

func (e *CallError) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.Error())
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (after %d attempts)", e.Attempts)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unbilled tells of a failed call that no provider bills it: it was not sent, or was refused as it was.
func Unbilled(err error) bool {
	var chain chainError
	if errors.As(err, &chain) {
		return !chain.billed()
	}
	var e *CallError
	if !errors.As(err, &e) {
		return errors.Is(err, ErrOpen) || errors.Is(err, ErrSchema) || errors.Is(err, ErrScripted) || errors.Is(err, ErrUnknownTool)
	}
	return e.Status >= 400 && e.Status < 500 && !e.Streamed || e.Status == 0 && errors.Is(e.Kind, ErrBadRequest)
}

// Unwrap makes errors.Is match the kind.
func (e *CallError) Unwrap() error { return e.Kind }

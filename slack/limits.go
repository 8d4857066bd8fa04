package slack

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	api "github.com/slack-go/slack"
)

// limits keeps to what Slack allows: what was told to wait waits, and all others of the method with it.
type limits struct {
	log  *slog.Logger
	mu   sync.Mutex
	next map[string]time.Time
	// away tells that Slack has not answered, or does not know the token, and that this was told.
	away bool
}

func newLimits(log *slog.Logger) *limits { return &limits{log: log, next: map[string]time.Time{}} }

// postEvery is how often a message may be posted in a channel.
const postEvery = time.Second

// The waits after a failure that is not Slack's last word.
const (
	firstWait = 500 * time.Millisecond
	lastWait  = 30 * time.Second
)

// call makes a call of Slack's API, and makes it again for as long as Slack says to wait, can't be reached or does not know the token:
// whoever starts it again with another one finds all that is to be posted. What it returns is Slack's last word, or ctx's.
func (l *limits) call(ctx context.Context, method, channel string, f func(context.Context) error) error {
	wait := firstWait
	for {
		if err := l.turn(ctx, method, channel); err != nil {
			return err
		}
		err := f(ctx)
		var limited *api.RateLimitedError
		switch {
		case err == nil:
			l.answers()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &limited):
			l.hold(method, limited.RetryAfter)
			continue
		case troubleOf(err).token:
			l.waits("Slack does not take the token: what is to be posted waits", "method", method, "error", err, "remedy", newToken)
		case !passing(err):
			l.answers()
			return err
		default:
			l.waits("Slack does not answer: what is to be posted waits until it does", "method", method, "error", err)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, lastWait)
	}
}

// turn waits until a method may be called.
func (l *limits) turn(ctx context.Context, method, channel string) error {
	for {
		l.mu.Lock()
		now := time.Now()
		at := l.next[method]
		slot := ""
		if method == "chat.postMessage" {
			slot = method + "/" + channel
			if l.next[slot].After(at) {
				at = l.next[slot]
			}
		}
		if !at.After(now) {
			if slot != "" {
				l.next[slot] = now.Add(postEvery)
			}
			if len(l.next) > 4096 {
				for key, t := range l.next {
					if !t.After(now) {
						delete(l.next, key)
					}
				}
			}
			l.mu.Unlock()
			return ctx.Err()
		}
		l.mu.Unlock()
		if err := sleep(ctx, at.Sub(now)); err != nil {
			return err
		}
	}
}

func (l *limits) hold(method string, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	until := now.Add(wait)
	if !until.After(l.next[method]) {
		return
	}
	if !l.next[method].After(now) { // the others that it holds up are told of with it
		l.log.Info("Slack asks to wait: it is done then", "method", method, "wait", wait)
	}
	l.next[method] = until
}

// waits tells once that nothing goes through.
func (l *limits) waits(says string, about ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.away {
		l.away = true
		l.log.Error(says, about...)
	}
}

// answers tells that it is over.
func (l *limits) answers() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		l.away = false
		l.log.Info("Slack answers again: what waited is posted")
	}
}

// passing tells of a failure that may be over the next time.
func passing(err error) bool {
	var status api.StatusCodeError
	var refused api.SlackErrorResponse
	var network net.Error
	switch {
	case errors.As(err, &status):
		return status.Code >= 500
	case errors.As(err, &refused):
		switch refused.Err {
		case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited":
			return true
		}
		return false
	}
	return errors.As(err, &network)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

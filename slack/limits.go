package slack

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	api "github.com/slack-go/slack"
)

// limits keeps to what Slack allows: what was told to wait waits, and all others of the method with it.
type limits struct {
	mu   sync.Mutex
	next map[string]time.Time
}

func newLimits() *limits { return &limits{next: map[string]time.Time{}} }

// postEvery is how often a message may be posted in a channel.
const postEvery = time.Second

// The waits after a failure that is not Slack's last word.
const (
	firstWait = 500 * time.Millisecond
	lastWait  = 30 * time.Second
)

// call makes a call of Slack's API, and makes it again for as long as Slack says to wait or can't be reached. What it
// returns is Slack's last word, or ctx's.
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
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &limited):
			l.hold(method, limited.RetryAfter)
			continue
		case !passing(err):
			return err
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
	if until := time.Now().Add(wait); until.After(l.next[method]) {
		l.next[method] = until
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

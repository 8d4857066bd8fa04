package agents

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// backoff spaces out retries: twice as long each time up to a cap, of which a random part between a half and the whole,
// so that callers that failed together don't return together.
type backoff struct {
	first, most time.Duration

	mu     sync.Mutex
	random *rand.Rand
}

// wait is how long to wait after the attempt-th attempt, counted from 1.
func (b *backoff) wait(attempt int) time.Duration {
	whole := b.first
	for i := 1; i < attempt && whole < b.most; i++ {
		whole *= 2
	}
	whole = min(whole, b.most)
	b.mu.Lock()
	defer b.mu.Unlock()
	return whole/2 + time.Duration(b.random.Int64N(int64(whole/2)+1))
}

// retryAfter reads how long a server asks to wait: milliseconds in retry-after-ms (OpenAI), else seconds or a date in
// Retry-After (RFC 9110, section 10.2.3). A date is meant by the server's own clock, which its Date tells: the clock here
// may be hours away from it. It is 0 where the server does not tell, or tells nonsense.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if d, ok := decimalDuration(h.Get("Retry-After-Ms"), time.Millisecond); ok {
		return d
	}
	text := h.Get("Retry-After")
	if d, ok := decimalDuration(text, time.Second); ok {
		return d
	}
	if at, err := http.ParseTime(text); err == nil {
		if there, err := http.ParseTime(h.Get("Date")); err == nil {
			now = there
		}
		return max(at.Sub(now), 0)
	}
	return 0
}

func decimalDuration(text string, unit time.Duration) (time.Duration, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	const year = 365 * 24 * time.Hour
	switch {
	case err != nil || !(f >= 0):
		return 0, false
	case f > float64(year/unit):
		return year, true
	}
	return time.Duration(f * float64(unit)), true
}

// pause waits, or returns why ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

package agents

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// ErrOpen tells that a model is left alone for a while, since it failed again and again: nothing was sent.
var ErrOpen = errors.New("the model failed again and again, and is left alone for a while")

// Breaker asks a model, and leaves it alone for a while where it failed several times in a row, each name that it has for
// itself. It may be used concurrently.
type Breaker struct {
	Model Model
	// Failures is how many in a row open it. Default 5. Pause is how long it stays so. Default 30 s.
	Failures uint
	Pause    time.Duration

	mu     sync.Mutex
	models map[string]circuitbreaker.CircuitBreaker[any]
}

// Chat implements Model.
func (b *Breaker) Chat(ctx context.Context, r Request, onDelta func(string)) (Answer, error) {
	of := b.of(r.Model)
	if !of.TryAcquirePermit() {
		return Answer{}, fmt.Errorf("%w: try again in %s, or give the agent fallbacks", ErrOpen, of.RemainingDelay().Round(time.Second))
	}
	answer, err := b.Model.Chat(ctx, r, onDelta)
	switch {
	case err != nil && ctx.Err() != nil:
		// Nobody knows how it would have ended. A probe is given back as one that failed.
		if of.IsHalfOpen() {
			of.RecordFailure()
		}
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrTimeout):
		of.RecordFailure()
	default:
		of.RecordSuccess()
	}
	return answer, err
}

func (b *Breaker) of(model string) circuitbreaker.CircuitBreaker[any] {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := b.models[model]
	if of == nil {
		failures, wait := b.Failures, b.Pause
		if failures == 0 {
			failures = 5
		}
		if wait == 0 {
			wait = 30 * time.Second
		}
		of = circuitbreaker.NewBuilder[any]().WithFailureThreshold(failures).WithDelay(wait).Build()
		if b.models == nil {
			b.models = map[string]circuitbreaker.CircuitBreaker[any]{}
		}
		b.models[model] = of
	}
	return of
}

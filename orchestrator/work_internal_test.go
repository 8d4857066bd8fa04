package orchestrator

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/virtuous6/virtuous6/managers"
)

// The router ends, and the poison queue is still there: what waits for its next try then is not given up.
func TestWorkThatTheEndInterruptsIsNotGivenUp(t *testing.T) {
	t.Parallel()
	for _, ends := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			gaveUp := make(chan string, 1)
			w, err := newWork(1, slog.New(slog.NewTextHandler(io.Discard, nil)), Handle(
				func(context.Context, managers.Turn) error { return errors.New("not now") },
				func(_ context.Context, turn managers.Turn, _ string) error { gaveUp <- turn.Run; return nil },
			))
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- w.run(ctx) }()
			<-w.running()

			// The router's tries, of a message whose end is not that of the poison queue.
			poison, err := middleware.PoisonQueue(w.bus, poisonTopic)
			if err != nil {
				t.Fatal(err)
			}
			of, end := context.WithCancelCause(t.Context())
			m := message.NewMessage("1", []byte(`{"run":"r1"}`))
			m.Metadata.Set("kind", managers.Turn{}.Kind())
			m.SetContext(of)
			try := tried(poison, tries)(func(*message.Message) ([]*message.Message, error) { return nil, errors.New("not now") })
			if ends {
				time.AfterFunc(time.Second, func() { end(errors.New("the lease is over")) }) // the fake clock's
			}
			if _, err := try(m); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if given := len(gaveUp) == 1; given == ends {
				t.Errorf("ends %v: given up %v", ends, given)
			}
			end(nil)
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

package orchestrator

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/managers"
)

// The router ends, and the poison queue is still there: what waits for its next try then is not given up.
func TestWorkThatTheEndInterruptsIsNotGivenUp(t *testing.T) {
	t.Parallel()
	for _, ends := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			gaveUp := make(chan string, 1)
			w, err := newWork(1, slog.New(slog.NewTextHandler(io.Discard, nil)), []Handler{Handle(
				func(context.Context, managers.Turn) error { return errors.New("not now") },
				func(_ context.Context, turn managers.Turn, _ string) error { gaveUp <- turn.Run; return nil },
			)}, nil)
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

// Posts that wait for their service keep no turn of an agent waiting, and turns no post.
func TestWhatADoorWaitsForKeepsNoTurnWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at := make(chan string, 4)
		hangs := func(ctx context.Context, what string) error {
			at <- what
			<-ctx.Done()
			return ctx.Err()
		}
		w, err := newWork(1, slog.New(slog.DiscardHandler),
			[]Handler{Handle(func(ctx context.Context, turn managers.Turn) error { return hangs(ctx, turn.Run) }, nil)},
			[]Handler{Handle(func(ctx context.Context, post managers.SlackProposal) error { return hangs(ctx, "post") }, nil)})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- w.run(t.Context()) }()
		<-w.running()
		ids := []uuid.UUID{NewID(), NewID(), NewID(), NewID()}
		for i, what := range []managers.Work{managers.SlackProposal{}, managers.SlackProposal{}, managers.Turn{Run: "r1"}, managers.Turn{Run: "r2"}} {
			if err := w.want(ids[i], what); err != nil {
				t.Fatal(err)
			}
		}
		began := func() (all []string) {
			for synctest.Wait(); len(at) > 0; all = append(all, <-at) {
			}
			slices.Sort(all)
			return all
		}
		if all := began(); !slices.Equal(all, []string{"post", "r1"}) {
			t.Errorf("at work are %v", all)
		}
		w.callOff(ids[0])
		if all := began(); !slices.Equal(all, []string{"post"}) {
			t.Errorf("after a post comes %v", all)
		}
		w.drain(0) // calls off all that is under way
		if taken := w.taken(); taken != 0 {
			t.Errorf("after the end %d places are taken", taken)
		}
		if err := w.router.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

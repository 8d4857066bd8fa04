package orchestrator

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/managers"
)

// Work that is wanted at a time is not done before, and not at all where nobody wants it by then.
func TestWorkWaitsForItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, err := newWork(0, slog.New(slog.DiscardHandler), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var after sync.WaitGroup
		p := &processes{work: w, clock: time.Now, log: slog.New(slog.DiscardHandler), after: after.Go}
		want := managers.Want{ID: NewID(), Work: managers.SlackProposal{}, At: time.Now().Add(time.Hour)}
		stop := p.start(&manage{}, want)
		jobs := func() int {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.jobs)
		}
		synctest.Wait()
		if jobs() != 0 {
			t.Error("it is done an hour before")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if jobs() != 1 {
			t.Error("it is not done in time")
		}
		p.mu.Lock()
		stop()
		p.mu.Unlock()
		if jobs() != 0 {
			t.Error("it is done though nobody wants it")
		}
		want.At = time.Now().Add(time.Hour)
		p.start(&manage{}, want)()
		time.Sleep(2 * time.Hour)
		after.Wait()
		if jobs() != 0 {
			t.Error("it is done though nobody wanted it by then")
		}
	})
}

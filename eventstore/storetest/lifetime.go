package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

func (s *suite) lifetime() []test {
	tests := []test{
		{"a closed store is unavailable", s.closedStore},
		{"closing ends what is under way", s.closing},
		{"a done context appends nothing", s.appendCancelled},
	}
	if s.reopen != nil {
		tests = append(tests, test{"everything outlives the store", s.reopened})
	}
	return tests
}

func (s *suite) closedStore(t *testing.T, ctx context.Context) {
	store := s.open(t)
	put(t, ctx, store, "run-1", facts("a", 3)...)
	log, one, live := store.ReadAll(ctx, eventstore.ReadOptions{}), store.ReadStream(ctx, "run-1", eventstore.StreamOptions{}), store.Subscribe(ctx, 0)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	_, appending := store.Append(ctx, "run-1", eventstore.Any, facts("b", 1))
	_, repeating := store.Append(ctx, "run-1", eventstore.Any, facts("a", 3))
	_, heading := store.Head(ctx)
	got := map[string]error{"append": appending, "repeat": repeating, "head": heading, "close": store.Close()}
	for _, err := range log {
		got["read the log"] = err
	}
	for _, err := range one {
		got["read a stream"] = err
	}
	for _, err := range live {
		got["subscribe"] = err
	}
	if len(got) != 7 {
		t.Errorf("only %d of 7 answered", len(got))
	}
	for what, err := range got {
		if !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable", what, err)
		}
	}
}

// closing closes a store under subscribers that wait and writers at work: all of them end, and no append that was
// told of success is lost.
func (s *suite) closing(t *testing.T, ctx context.Context) {
	store := s.open(t)
	var subscribers, writers sync.WaitGroup
	var waiting sync.WaitGroup
	for range 6 {
		waiting.Add(1)
		subscribers.Go(func() {
			var last error
			first := true
			for m, err := range store.Subscribe(ctx, 0) {
				if last = err; m.CaughtUp && first {
					first = false
					waiting.Done()
				}
			}
			if !errors.Is(last, eventstore.ErrUnavailable) {
				t.Errorf("a subscription ended with %v, want ErrUnavailable", last)
			}
		})
	}
	waiting.Wait()
	acknowledged := make([]int, 8)
	half := make(chan struct{}, len(acknowledged))
	for i := range acknowledged {
		writers.Go(func() {
			for k := 0; ; k++ {
				if k == 20 {
					half <- struct{}{}
				}
				_, err := store.Append(ctx, fmt.Sprintf("run-%d", i), eventstore.Any, facts(fmt.Sprintf("w%d-%d", i, k), 1))
				if err != nil {
					if !errors.Is(err, eventstore.ErrUnavailable) {
						t.Errorf("an append ended with %v, want ErrUnavailable", err)
					}
					return
				}
				acknowledged[i]++
			}
		})
	}
	for range acknowledged {
		<-half
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	writers.Wait()
	subscribers.Wait()
	if s.reopen == nil {
		return
	}
	again := s.reopen(t, store)
	for i, n := range acknowledged {
		if got := len(stream(t, ctx, again, fmt.Sprintf("run-%d", i), eventstore.StreamOptions{})); got < n {
			t.Errorf("writer %d was told of %d appends, %d are there", i, n, got)
		}
	}
}

func (s *suite) appendCancelled(t *testing.T, ctx context.Context) {
	store := s.open(t)
	done, cancel := context.WithCancel(ctx)
	cancel()
	for range 20 {
		if _, err := store.Append(done, "run-1", eventstore.Any, facts("a", 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("append: got %v", err)
		}
	}
	if _, err := store.Head(done); !errors.Is(err, context.Canceled) {
		t.Errorf("head: got %v", err)
	}
	if got := all(t, ctx, store, eventstore.ReadOptions{}); len(got) != 0 {
		t.Errorf("%d events were appended", len(got))
	}
	// One that is cancelled on its way either stands or does not; its repeat makes it stand, once.
	for i := range 100 {
		racing, cancel := context.WithCancel(ctx)
		go cancel()
		batch := facts(fmt.Sprintf("racing-%d", i), 2)
		if _, err := store.Append(racing, "run-1", eventstore.Any, batch); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		put(t, ctx, store, "run-1", batch...)
	}
	log := all(t, ctx, store, eventstore.ReadOptions{})
	rising(t, log)
	if len(log) != 200 {
		t.Errorf("the log holds %d events, want 200", len(log))
	}
}

func (s *suite) reopened(t *testing.T, ctx context.Context) {
	store := s.open(t)
	log := mixed(t, ctx, store, 30)
	for round := range 3 {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		store = s.reopen(t, store)
		got := all(t, ctx, store, eventstore.ReadOptions{})
		same(t, "after it was opened again", got, log)
		for i := range got {
			if fmt.Sprintf("%+v", got[i]) != fmt.Sprintf("%+v", log[i]) {
				t.Fatalf("got %+v\nwant %+v", got[i], log[i])
			}
		}
		middle := len(log) / 2 // where a subscription to the store before had ended
		rest, _ := follow(t, ctx, store, log[middle].Position)
		same(t, "subscribed on", rest, log[middle+1:])
		if a, err := store.Append(ctx, log[0].Stream, eventstore.NoStream, log[:1]); err != nil || a.Position != log[0].Position {
			t.Errorf("a repeat of what stood before: %+v, %v", a, err)
		}
		a := put(t, ctx, store, "run-0", fact(fmt.Sprintf("round-%d", round)))
		if a.Position <= log[len(log)-1].Position {
			t.Errorf("position %d was given after %d", a.Position, log[len(log)-1].Position)
		}
		log = all(t, ctx, store, eventstore.ReadOptions{})
		rising(t, log)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// noGoroutineIsLeft first looks while the store is open, so that Close can't hide what a loop that was left behind.
func (s *suite) noGoroutineIsLeft(t *testing.T) {
	before := goleak.IgnoreCurrent()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	store := s.open(t)
	put(t, ctx, store, "run-1", facts("a", 5)...)
	if got, _ := follow(t, ctx, store, 0); len(got) != 5 {
		t.Fatalf("got %d events", len(got))
	}
	opened := goleak.IgnoreCurrent()
	for i := range 10 {
		follow(t, ctx, store, 0)
		for range store.ReadAll(ctx, eventstore.ReadOptions{}) {
			break
		}
		for range store.ReadStream(ctx, "run-1", eventstore.StreamOptions{}) {
			break
		}
		short, stop := context.WithCancel(ctx)
		for m := range store.Subscribe(short, 0) {
			if m.CaughtUp {
				stop()
			}
		}
		stop()
		_, _ = store.Append(short, "run-1", eventstore.Any, facts("b", 1))
		_, _ = store.Append(ctx, "run-1", eventstore.NoStream, []events.Envelope{fact(fmt.Sprintf("late-%d", i))})
	}
	goleak.VerifyNone(t, opened)
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before)
}

package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

func (s *suite) subscribing() []test {
	tests := []test{
		{"from the start, from within, from the end", s.subscribeFrom},
		{"from now", s.subscribeNow},
		{"an empty log is caught up with at once", s.subscribeEmpty},
		{"caught up once each time", s.subscribeMarks},
		{"a slow consumer loses nothing", s.subscribeSlowly},
		{"a consumer may append", s.subscribeAndAppend},
		{"many at the same time", s.subscribeMany},
		{"a done context ends it", s.subscribeCancelled},
		{"its loop may be left at any time", s.subscribeLeft},
		{"from beyond the end", s.subscribeBeyond},
	}
	if s.cut != nil {
		tests = append(tests, test{"across cut connections", s.subscribeAcrossCuts})
	}
	return tests
}

// follow collects what a subscription yields until it has caught up.
func follow(t *testing.T, ctx context.Context, s eventstore.Store, after uint64) (list []events.Envelope, at uint64) {
	t.Helper()
	for m, err := range s.Subscribe(ctx, after) {
		if err != nil {
			t.Fatalf("subscribe after %d: %v", after, err)
		}
		if m.CaughtUp {
			return list, m.Position
		}
		list = append(list, m.Event)
	}
	t.Fatalf("the subscription after %d ended by itself", after)
	return nil, 0
}

func (s *suite) subscribeFrom(t *testing.T, ctx context.Context) {
	store := s.open(t)
	log := mixed(t, ctx, store, 9)
	for i := -1; i < len(log); i++ {
		after := uint64(0)
		if i >= 0 {
			after = log[i].Position
		}
		got, at := follow(t, ctx, store, after)
		same(t, fmt.Sprintf("after %d", after), got, log[i+1:])
		if at != log[8].Position {
			t.Errorf("after %d: caught up at %d, want %d", after, at, log[8].Position)
		}
		for k, e := range got {
			if want := log[i+1+k]; e.Position != want.Position || e.Stream != want.Stream || e.Revision != want.Revision || string(e.Data) != string(want.Data) {
				t.Errorf("got %+v, want %+v", e, want)
			}
		}
	}
}

// subscribeNow begins at the head, as one does who wants only what is to come.
func (s *suite) subscribeNow(t *testing.T, ctx context.Context) {
	store := s.open(t)
	mixed(t, ctx, store, 7)
	head, err := store.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []events.Envelope
	want := facts("to come", 3)
	for m, err := range store.Subscribe(ctx, head) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case !m.CaughtUp:
			got = append(got, m.Event)
		case len(got) == 0 && m.Position == head:
			put(t, ctx, store, "run-1", want...)
		case len(got) == 0:
			t.Fatalf("caught up at %d before anything came, the head was %d", m.Position, head)
		default:
			same(t, "what came", got, want)
			return
		}
	}
}

// subscribeAcrossCuts loses the connections within events and when caught up: nothing is lost, nothing comes twice, and
// no mark comes before what it speaks of.
func (s *suite) subscribeAcrossCuts(t *testing.T, ctx context.Context) {
	const rounds, size = 3, 7
	store := s.open(t)
	put(t, ctx, store, "run-0", facts("given", size)...)
	var got []events.Envelope
	round := 0
	for m, err := range store.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if !m.CaughtUp {
			if got = append(got, m.Event); len(got)%size == size/2 {
				s.cut(t, store)
			}
			continue
		}
		if len(got) != size*(round+1) || m.Position != got[len(got)-1].Position {
			t.Fatalf("caught up at %d after %d events, the log holds %d", m.Position, len(got), size*(round+1))
		}
		if round++; round == rounds {
			break
		}
		s.cut(t, store)
		put(t, ctx, store, fmt.Sprintf("run-%d", round%2), facts(fmt.Sprintf("round-%d", round), size)...)
	}
	same(t, "subscribed", got, all(t, ctx, store, eventstore.ReadOptions{}))
}

func (s *suite) subscribeEmpty(t *testing.T, ctx context.Context) {
	if got, at := follow(t, ctx, s.open(t), 0); len(got) != 0 || at != 0 {
		t.Errorf("got %d events, caught up at %d", len(got), at)
	}
}

// subscribeMarks appends only while the subscription is caught up, so that the marks can be told beforehand.
func (s *suite) subscribeMarks(t *testing.T, ctx context.Context) {
	store := s.open(t)
	put(t, ctx, store, "run-0", facts("given", 2)...)
	var got string
	round := 0
	for m, err := range store.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if !m.CaughtUp {
			got += "e"
			continue
		}
		got += "|"
		head, err := store.Head(ctx)
		if err != nil || m.Position != head || m.Event.Kind != "" {
			t.Fatalf("caught up at %d with %+v, the head is %d, %v", m.Position, m.Event, head, err)
		}
		if round++; round == 5 {
			break
		}
		put(t, ctx, store, "run-1", facts(fmt.Sprintf("round-%d", round), round)...)
	}
	if want := "ee|e|ee|eee|eeee|"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func (s *suite) subscribeSlowly(t *testing.T, ctx context.Context) {
	const size, batch = 2_500, 100
	store := s.open(t)
	put(t, ctx, store, "run-first", fact("first"))
	var got []events.Envelope
	for m, err := range store.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if m.CaughtUp {
			if len(got) > 1 {
				break
			}
			continue
		}
		if got = append(got, m.Event); len(got) == 1 {
			// All this happens while the consumer is still at its first event.
			for i := range size / batch {
				put(t, ctx, store, fmt.Sprintf("run-%d", i%7), facts(fmt.Sprintf("slow-%d", i), batch)...)
			}
		}
	}
	rising(t, got)
	same(t, "subscribed", got, all(t, ctx, store, eventstore.ReadOptions{}))
	if len(got) != size+1 {
		t.Errorf("got %d events, want %d", len(got), size+1)
	}
}

func (s *suite) subscribeAndAppend(t *testing.T, ctx context.Context) {
	store := s.open(t)
	put(t, ctx, store, "run-1", fact("0"))
	n := 0
	for m, err := range store.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if m.CaughtUp {
			continue
		}
		if n++; n == 50 {
			break
		}
		put(t, ctx, store, "run-1", fact(fmt.Sprint(n)))
	}
	log := all(t, ctx, store, eventstore.ReadOptions{})
	rising(t, log)
	if len(log) != 50 {
		t.Errorf("the log holds %d events, want 50", len(log))
	}
}

func (s *suite) subscribeMany(t *testing.T, ctx context.Context) {
	const followers, size = 12, 100
	store := s.open(t)
	var started, ended sync.WaitGroup
	logs := make([][]events.Envelope, followers)
	for i := range followers {
		started.Add(1)
		ended.Go(func() {
			first := true
			for m, err := range store.Subscribe(ctx, 0) {
				if err != nil {
					t.Error(err)
					return
				}
				if m.CaughtUp && first {
					first = false
					started.Done()
				}
				if m.CaughtUp {
					continue
				}
				if logs[i] = append(logs[i], m.Event); len(logs[i]) == size {
					return
				}
			}
		})
	}
	started.Wait() // all of them now wait for what is to come
	for i := range size {
		put(t, ctx, store, fmt.Sprintf("run-%d", i%5), fact(fmt.Sprint(i)))
	}
	ended.Wait()
	want := all(t, ctx, store, eventstore.ReadOptions{})
	for i := range logs {
		same(t, fmt.Sprintf("follower %d", i), logs[i], want)
	}
}

func (s *suite) subscribeCancelled(t *testing.T, _ context.Context) {
	store := s.open(t)
	put(t, t.Context(), store, "run-1", facts("a", 5)...)
	for _, c := range []struct {
		name string
		when func(m eventstore.Message) bool
	}{
		{"within events", func(m eventstore.Message) bool { return !m.CaughtUp }},
		{"when caught up", func(m eventstore.Message) bool { return m.CaughtUp }},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		n, last := 0, error(nil)
		for m, err := range store.Subscribe(ctx, 0) {
			n++
			if last = err; err == nil && c.when(m) {
				cancel(errors.New("enough"))
			}
		}
		if !errors.Is(last, context.Canceled) || n > 7 {
			t.Errorf("%s: it ended after %d with %v, want the context's error", c.name, n, last)
		}
		n = 0
		for _, err := range store.Subscribe(ctx, 0) {
			if n++; !errors.Is(err, context.Canceled) {
				t.Errorf("on a done context: %v", err)
			}
		}
		if n != 1 {
			t.Errorf("on a done context it yielded %d times, want its error once", n)
		}
		cancel(nil)
	}
	// While it waits for what is to come, too.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	caught, ended := make(chan struct{}), make(chan error)
	go func() {
		var last error
		for m, err := range store.Subscribe(ctx, 0) {
			if last = err; m.CaughtUp {
				close(caught)
			}
		}
		ended <- last
	}()
	<-caught
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("while it waited: %v", err)
	}
}

// subscribeLeft leaves more loops than an engine could have connections for.
func (s *suite) subscribeLeft(t *testing.T, ctx context.Context) {
	store := s.open(t)
	put(t, ctx, store, "run-1", facts("a", 5)...)
	for i := range 60 {
		n := 0
		for range store.Subscribe(ctx, 0) {
			if n++; n > i%6 {
				break
			}
		}
		for range store.ReadAll(ctx, eventstore.ReadOptions{}) {
			break
		}
		for range store.ReadStream(ctx, "run-1", eventstore.StreamOptions{}) {
			break
		}
	}
	put(t, ctx, store, "run-1", fact("b"))
	if got, _ := follow(t, ctx, store, 0); len(got) != 6 {
		t.Errorf("got %d events, want 6", len(got))
	}
}

func (s *suite) subscribeBeyond(t *testing.T, ctx context.Context) {
	store := s.open(t)
	a := put(t, ctx, store, "run-1", facts("a", 3)...)
	for _, after := range []uint64{a.Position + 1_000, math.MaxInt64, math.MaxUint64} {
		if got, at := follow(t, ctx, store, after); len(got) != 0 || at != after {
			t.Errorf("after %d: got %d events, caught up at %d", after, len(got), at)
		}
	}
}

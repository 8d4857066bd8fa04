package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

func (s *suite) concurrent() []test {
	tests := []test{
		{"of many creators one wins", func(t *testing.T, ctx context.Context) { store := s.open(t); s.creators(t, ctx, store, store) }},
		{"of many repeats one is stored", func(t *testing.T, ctx context.Context) { store := s.open(t); s.repeaters(t, ctx, store, store) }},
		{"optimistic writers lose nothing", func(t *testing.T, ctx context.Context) { store := s.open(t); s.optimists(t, ctx, store, store) }},
		{"readers skip nothing", func(t *testing.T, ctx context.Context) { store := s.open(t); s.tailing(t, ctx, store, store) }},
		{"linearizable", func(t *testing.T, ctx context.Context) { s.linearizable(t, ctx, s.open(t)) }},
	}
	if s.cut != nil {
		tests = append(tests, test{"chains keep their order while connections are cut", func(t *testing.T, ctx context.Context) {
			store := s.open(t)
			s.submitChains(t, ctx, store, func() { s.cut(t, store) })
		}})
		tests = append(tests, test{"linearizable while connections are cut", func(t *testing.T, ctx context.Context) {
			stores := []eventstore.Store{s.open(t)}
			if s.peer != nil {
				stores = append(stores, s.peer(t, stores[0]))
			}
			s.disturbed(t, ctx, stores...)
		}})
	}
	if s.peer == nil {
		return tests
	}
	for _, peer := range []struct {
		name string
		run  func(t *testing.T, ctx context.Context, a, b eventstore.Store)
	}{
		{"two stores: of many creators one wins", s.creators},
		{"two stores: of many repeats one is stored", s.repeaters},
		{"two stores: optimistic writers lose nothing", s.optimists},
		{"two stores: readers skip nothing", s.tailing},
		{"two stores: each knows what the other did", s.alternating},
		{"two stores: linearizable", func(t *testing.T, ctx context.Context, a, b eventstore.Store) { s.linearizable(t, ctx, a, b) }},
	} {
		tests = append(tests, test{peer.name, func(t *testing.T, ctx context.Context) {
			a := s.open(t)
			peer.run(t, ctx, a, s.peer(t, a))
		}})
	}
	return tests
}

// creators has many open the same stream. a and b are the same store, or two on one log.
func (s *suite) creators(t *testing.T, ctx context.Context, a, b eventstore.Store) {
	const creators = 16
	for round := range 5 {
		name := fmt.Sprintf("run-%d", round)
		var wg sync.WaitGroup
		var won atomic.Int32
		for i := range creators {
			store := []eventstore.Store{a, b}[i%2]
			wg.Go(func() {
				got, err := store.Append(ctx, name, eventstore.NoStream, facts(fmt.Sprintf("by-%d-%d", round, i), 2))
				var conflict *eventstore.ConflictError
				switch {
				case err == nil && got.Revision == 1:
					won.Add(1)
				case !errors.As(err, &conflict) || conflict.Actual != eventstore.Exactly(1):
					t.Errorf("got %+v, %v, want to win or to find revision 1", got, err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d won", won.Load())
		}
		if n := len(stream(t, ctx, a, name, eventstore.StreamOptions{})); n != 2 {
			t.Errorf("the stream holds %d events, want 2", n)
		}
	}
	rising(t, all(t, ctx, b, eventstore.ReadOptions{}))
}

// repeaters has many append the same batches.
func (s *suite) repeaters(t *testing.T, ctx context.Context, a, b eventstore.Store) {
	var wg sync.WaitGroup
	results := make([][10]eventstore.Appended, 8)
	var took [10]atomic.Int32
	for i := range results {
		store := []eventstore.Store{a, b}[i%2]
		wg.Go(func() {
			for k := range results[i] {
				expected := eventstore.Any
				if k == 0 {
					expected = eventstore.NoStream
				}
				got, err := store.Append(ctx, "run-1", expected, facts(fmt.Sprintf("step-%d", k), 3))
				if err != nil {
					t.Errorf("repeat %d of batch %d: %v", i, k, err)
				}
				if !got.Repeated {
					took[k].Add(1)
				}
				got.Repeated = false
				results[i][k] = got
			}
		})
	}
	wg.Wait()
	for i := range results {
		if results[i] != results[0] {
			t.Errorf("repeats were told different places:\n%v\n%v", results[0], results[i])
		}
	}
	for k := range took {
		if n := took[k].Load(); n < 1 || n > 1 && !s.silentRepeats {
			t.Errorf("%d were told that they stored batch %d", n, k)
		}
	}
	log := all(t, ctx, a, eventstore.ReadOptions{})
	rising(t, log)
	if len(log) != 30 {
		t.Errorf("the log holds %d events, want 30", len(log))
	}
}

// optimists has many append to few streams with the revision they read, and read again when it was too late.
func (s *suite) optimists(t *testing.T, ctx context.Context, a, b eventstore.Store) {
	const writers, appends, streams = 12, 15, 3
	var wg sync.WaitGroup
	var conflicts atomic.Int64
	for i := range writers {
		store := []eventstore.Store{a, b}[i%2]
		wg.Go(func() {
			name := fmt.Sprintf("run-%d", i%streams)
			expected := eventstore.NoStream
			for k := 0; k < appends; {
				got, err := store.Append(ctx, name, expected, facts(fmt.Sprintf("w%d-%d", i, k), 1+k%3))
				var conflict *eventstore.ConflictError
				switch {
				case err == nil:
					expected = eventstore.Exactly(got.Revision)
					k++
				case errors.As(err, &conflict):
					conflicts.Add(1)
					expected = conflict.Actual
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	log := all(t, ctx, b, eventstore.ReadOptions{})
	rising(t, log)
	if want := writers * appends * 2; len(log) != want {
		t.Errorf("the log holds %d events, want %d", len(log), want)
	}
	if conflicts.Load() == 0 {
		t.Error("no writer met another: the test shows nothing")
	}
}

// tailing has readers follow the log while many write to it: what a reader has passed must never come later.
func (s *suite) tailing(t *testing.T, ctx context.Context, a, b eventstore.Store) {
	const writers, appends = 8, 40
	total := 0
	for i := range writers {
		for k := range appends {
			total += 1 + (i+k)%4
		}
	}
	var writing, reading sync.WaitGroup
	logs := make([][]events.Envelope, 4)
	for i := range logs {
		store := []eventstore.Store{a, b}[i%2]
		reading.Go(func() {
			if i < 2 {
				logs[i] = subscribeUntil(t, ctx, store, total)
			} else {
				logs[i] = readUntil(t, ctx, store, total)
			}
		})
	}
	for i := range writers {
		store := []eventstore.Store{a, b}[i%2]
		writing.Go(func() {
			for k := range appends {
				put(t, ctx, store, fmt.Sprintf("run-%d", (i+k)%5), facts(fmt.Sprintf("w%d-%d", i, k), 1+(i+k)%4)...)
				if k%10 == 9 { // a refused one leaves no hole that a reader would wait at
					if _, err := store.Append(ctx, fmt.Sprintf("run-%d", k%5), eventstore.NoStream, facts(fmt.Sprintf("no%d-%d", i, k), 2)); err == nil {
						t.Error("a stream that exists was created")
					}
				}
			}
		})
	}
	writing.Wait()
	reading.Wait()
	want := all(t, ctx, a, eventstore.ReadOptions{})
	rising(t, want)
	if len(want) != total {
		t.Fatalf("the log holds %d events, want %d", len(want), total)
	}
	for i := range logs {
		same(t, fmt.Sprintf("reader %d", i), logs[i], want)
	}
}

func subscribeUntil(t *testing.T, ctx context.Context, s eventstore.Store, n int) (list []events.Envelope) {
	for m, err := range s.Subscribe(ctx, 0) {
		if err != nil {
			t.Error(err)
			return list
		}
		if m.CaughtUp {
			if len(list) > 0 && m.Position < list[len(list)-1].Position {
				t.Errorf("caught up at %d, behind what was yielded", m.Position)
			}
			continue
		}
		if list = append(list, m.Event); len(list) == n {
			break
		}
	}
	return list
}

// readUntil reads on from where the read before ended, again and again.
func readUntil(t *testing.T, ctx context.Context, s eventstore.Store, n int) (list []events.Envelope) {
	for at := uint64(0); len(list) < n; {
		for e, err := range s.ReadAll(ctx, eventstore.ReadOptions{From: at}) {
			if err != nil {
				t.Error(err)
				return list
			}
			at, list = e.Position, append(list, e)
		}
	}
	return list
}

// alternating has two stores append in turns, so that what one remembers of the log is wrong each time.
func (s *suite) alternating(t *testing.T, ctx context.Context, a, b eventstore.Store) {
	expected := eventstore.NoStream
	for i := range 20 {
		store, other := a, b
		if i%2 == 1 {
			store, other = b, a
		}
		got, err := store.Append(ctx, "run-1", expected, facts(fmt.Sprint(i), 2))
		if err != nil || got.Revision != uint64(2*i+1) {
			t.Fatalf("turn %d: got %+v, %v", i, got, err)
		}
		_, err = other.Append(ctx, "run-1", expected, facts(fmt.Sprintf("late-%d", i), 1))
		wantConflict(t, err, "run-1", expected, eventstore.Exactly(got.Revision))
		expected = eventstore.Exactly(got.Revision)
		if again, err := other.Append(ctx, "run-1", eventstore.NoStream, facts(fmt.Sprint(i), 2)); err != nil || !s.repeated(again, got) {
			t.Fatalf("turn %d, repeated by the other: got %+v, %v, want %+v", i, again, err, got)
		}
		if head, err := other.Head(ctx); err != nil || head != got.Position {
			t.Fatalf("turn %d: the other's head is %d, %v, want %d", i, head, err, got.Position)
		}
		x := fact(fmt.Sprintf("kind-%d", i))
		x.Kind = fmt.Sprintf("kind.%d", i)
		put(t, ctx, other, fmt.Sprintf("run-new-%d", i), x)
		y := fact(fmt.Sprintf("kind-too-%d", i))
		y.Kind = x.Kind
		put(t, ctx, store, fmt.Sprintf("run-new-%d", i), y)
	}
	for _, store := range []eventstore.Store{a, b} {
		log := all(t, ctx, store, eventstore.ReadOptions{})
		rising(t, log)
		if len(log) != 80 {
			t.Errorf("the log holds %d events, want 80", len(log))
		}
	}
}

package replay_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// shelf makes engines, and counts those that are open.
type shelf struct {
	made, open atomic.Int64
	// wait, if any, holds up who wants one.
	wait chan struct{}
}

func (s *shelf) empty(context.Context) (readmodel.Engine, error) {
	if s.wait != nil {
		<-s.wait
	}
	s.made.Add(1)
	s.open.Add(1)
	return &shelved{readmodel.NewMemory(), s}, nil
}

type shelved struct {
	readmodel.Engine
	shelf *shelf
}

func (e *shelved) Close() error {
	e.shelf.open.Add(-1)
	return e.Engine.Close()
}

// pastHouse is a log with its models and a Lookback.
type pastHouse struct {
	*replay.Lookback
	shelf
	store    eventstore.Store
	models   *projections.Models
	dispatch commands.Dispatch
}

func (h *pastHouse) catchUp(t *testing.T) {
	t.Helper()
	if err := replay.CatchUp(t.Context(), h.store, h.models, nil); err != nil {
		t.Fatal(err)
	}
}

func newPast(t *testing.T) *pastHouse {
	t.Helper()
	store, dispatch := logtest.New(t)
	logtest.Import(t, store, logtest.Simulated(20))
	h := &pastHouse{store: store, models: logtest.Models(t), dispatch: dispatch.Dispatch}
	h.catchUp(t)
	h.Lookback = replay.NewLookback(store, h.models, h.empty, slog.New(slog.DiscardHandler))
	return h
}

// at looks at a moment, and tells how many runs there were.
func (h *pastHouse) at(t *testing.T, m replay.Moment) (runs int64, done func()) {
	t.Helper()
	r, done, err := h.At(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	report, err := r.Report(t.Context(), projections.MetricsFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return report.Runs, done
}

func (h *pastHouse) has(t *testing.T, made, open int64) {
	t.Helper()
	if m, o := h.made.Load(), h.open.Load(); m != made || o != open {
		t.Errorf("%d engines made, %d open; want %d, %d", m, o, made, open)
	}
}

func TestALookIsGivenAgainForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newPast(t)
		one := replay.Moment{Position: 1}
		for range 3 {
			runs, done := h.at(t, one)
			if runs != 1 {
				t.Errorf("%d runs at position 1", runs)
			}
			done()
			done() // twice is once
		}
		h.has(t, 1, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		h.has(t, 1, 0)
		_, done := h.at(t, one)
		h.has(t, 2, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		h.has(t, 2, 1) // it is in use
		done()
		h.has(t, 2, 0)
	})
}

func TestAFifthMomentTakesThePlaceOfTheOneThatWasAskedForLongestAgo(t *testing.T) {
	t.Parallel()
	h := newPast(t)
	first, doneFirst := h.at(t, replay.Moment{Position: 1})
	for _, position := range []uint64{50, 100, 200} {
		_, done := h.at(t, replay.Moment{Position: position})
		done()
	}
	doneFirst()
	h.has(t, 4, 4)
	again, done := h.at(t, replay.Moment{Position: 1})
	done()
	h.has(t, 4, 4)
	later, done := h.at(t, replay.Moment{Position: 201}) // instead of 50
	if first != 1 || again != 1 || later <= first {
		t.Errorf("%d and %d runs at position 1, %d at 201", first, again, later)
	}
	h.has(t, 5, 4)
	_, done50 := h.at(t, replay.Moment{Position: 50}) // instead of 100
	done50()
	h.has(t, 6, 4)
	h.Close()
	h.has(t, 6, 1) // 201 is in use
	done()
	h.has(t, 6, 0)
}

// Two who look at two dates in turns, while the log goes on, have the log folded once for each.
func TestLooksAtTwoDatesInTurnsFoldTheLogOnceEach(t *testing.T) {
	t.Parallel()
	h := newPast(t)
	early, late := logtest.Noon.Add(100*time.Hour), logtest.Noon.Add(103*time.Hour)
	hourly(t, h.dispatch, 100, 105)
	var runs [2]int64
	for turn := range 6 {
		for i, at := range []time.Time{early, late} {
			n, done := h.at(t, replay.Moment{OccurredBy: at})
			done()
			if turn > 0 && n != runs[i] {
				t.Errorf("by %s %d runs had begun, and then %d", at, runs[i], n)
			}
			runs[i] = n
		}
		hourly(t, h.dispatch, 105+turn, 106+turn)
		if turn%2 == 1 {
			h.catchUp(t)
		}
	}
	h.has(t, 2, 2)
	if runs[1] != runs[0]+3 {
		t.Errorf("%d and %d runs, one an hour", runs[0], runs[1])
	}
	// A run of before that becomes known only now belongs to both.
	meta := logtest.Meta("late", "late")
	meta.At = early.Add(-time.Hour)
	if _, err := h.dispatch(t.Context(), commands.StartRun{Meta: meta, Run: "late", Workflow: "w"}); err != nil {
		t.Fatal(err)
	}
	for i, at := range []time.Time{early, late} {
		if i == 1 {
			h.catchUp(t)
		}
		n, done := h.at(t, replay.Moment{OccurredBy: at})
		done()
		if n != runs[i]+1 {
			t.Errorf("%d runs, and %d with one that became known late", runs[i], n)
		}
	}
	h.has(t, 4, 2)
	h.Close()
	h.has(t, 4, 0)
}

func TestWhatIsKnownOfATimeGrows(t *testing.T) {
	t.Parallel()
	h := newPast(t)
	always := replay.Moment{OccurredBy: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)}
	position := replay.Moment{Position: 50}
	first, done := h.at(t, always)
	done()
	again, done := h.at(t, always)
	done()
	h.has(t, 1, 1)
	logtest.Import(t, h.store, logtest.Simulated(25))
	more, done := h.at(t, always)
	done()
	if first != 20 || again != 20 || more != 25 {
		t.Errorf("%d, %d and %d runs; want 20, 20 and 25", first, again, more)
	}
	h.has(t, 2, 1)
	// What was known at a position stays as it was.
	then, done := h.at(t, position)
	done()
	logtest.Import(t, h.store, logtest.Simulated(30))
	if now, done := h.at(t, position); now != then {
		t.Errorf("%d runs, then %d", then, now)
	} else {
		done()
	}
	h.has(t, 3, 2)
	h.Close()
}

func TestOneLookIsBuiltAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newPast(t)
		h.wait = make(chan struct{})
		results := make(chan error)
		for range 3 {
			go func() {
				_, done, err := h.At(t.Context(), replay.Moment{Position: 1})
				if err == nil {
					done()
				}
				results <- err
			}()
		}
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := h.At(impatient, replay.Moment{Position: 2}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		close(h.wait)
		for range 3 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		h.has(t, 1, 1)
		h.Close()
		h.has(t, 1, 0)
	})
}

// A look that takes longer than those who ask for it wait is there for who asks after that.
func TestALookIsBuiltToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newPast(t)
		h.wait = make(chan struct{})
		for range 3 {
			impatient, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, _, err := h.At(impatient, replay.Moment{Position: 50}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the deadline", err)
			}
			cancel()
		}
		close(h.wait)
		synctest.Wait()
		h.has(t, 1, 1)
		_, done := h.at(t, replay.Moment{Position: 50})
		h.has(t, 1, 1)
		// Those who wait no longer have left it.
		h.Close()
		h.has(t, 1, 1)
		done()
		h.has(t, 1, 0)
	})
}

func TestAMomentThatIsNotThere(t *testing.T) {
	t.Parallel()
	h := newPast(t)
	if _, _, err := h.At(t.Context(), replay.Moment{Position: 1 << 40}); !errors.Is(err, replay.ErrBeyond) {
		t.Errorf("got %v, want ErrBeyond", err)
	}
	h.has(t, 1, 0)
}

func TestParseMoment(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]replay.Moment{
		"0": {}, "1200": {Position: 1200}, "2026-11-22": {OccurredBy: day}, "2026-11-22 18:30": {OccurredBy: day.Add(18*time.Hour + 30*time.Minute)},
		"2026-11-22T00:00:00.5Z": {OccurredBy: day.Add(time.Second / 2)}, "2026-11-22T01:00:00+02:00": {OccurredBy: day.Add(-time.Hour)},
	} {
		if got, err := replay.ParseMoment(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "yesterday", "1e3", "2026-02-30", "1500-01-01", "9999-01-01", "18446744073709551615"} {
		if got, err := replay.ParseMoment(text); !errors.Is(err, replay.ErrMoment) {
			t.Errorf("%q is %v, %v; want ErrMoment", text, got, err)
		}
	}
}

package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// nobody lends nothing.
func nobody() func() { return func() {} }

// A provider that says "too much" is asked for half as much, and for nothing before the time that it told. Answers bring it back.
func TestAPoolGivesWayToAProviderThatRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(PoolConfig{Provider: "openai", Most: 8, Models: map[string]int{"small": 2}})
		who := caller{workspace: "w", agent: "clerk", share: "w\x00anna"}
		enter := func(model string) {
			if err := p.enter(t.Context(), nil, model, who, nobody); err != nil {
				t.Error(err)
			}
		}
		limit := func(want int) {
			t.Helper()
			if got := p.Load()[0].Limit; got != want {
				t.Errorf("%d are let through, want %d", got, want)
			}
		}
		for range 8 {
			enter("big")
		}
		for range 8 { // refusals of one moment are one
			p.Throttled("big", 20*time.Second)
		}
		limit(4)
		for range 8 {
			p.leave("big", who, false)
		}
		began := time.Now()
		enter("big")
		if waited := time.Since(began); waited != 20*time.Second {
			t.Errorf("a call waited %s, want what the provider asked for", waited)
		}
		enter("small") // is not concerned
		p.Throttled("big", time.Hour)
		limit(1) // half of what was under way
		p.leave("big", who, false)
		began = time.Now()
		enter("big")
		if waited := time.Since(began); waited != leastPause {
			t.Errorf("a call waited %s: one that would wait for an hour is to fail and tell so", waited)
		}
		p.leave("big", who, true)
		limit(2)
		for range 100 { // a model that is not asked as much as it may be tells nothing
			enter("big")
			p.leave("big", who, true)
		}
		limit(2)
		for range 40 {
			for range p.Load()[0].Limit {
				enter("big")
			}
			for range p.Load()[0].Busy {
				p.leave("big", who, true)
			}
		}
		limit(8)
		if load := p.Load(); load[0].Throttled != 9 || load[0].Busy != 0 || load[1].Model != "small" || load[1].Most != 2 || load[1].Busy != 1 {
			t.Errorf("the load is %+v", load)
		}
	})
}

func TestAPoolTellsHowBusyItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(PoolConfig{Most: 2})
		anna, bert := caller{"w", "anna's", "w\x00anna"}, caller{"v", "bert's", "v\x00bert"}
		lent := 0
		lend := func() func() { lent++; return func() { lent-- } }
		if err := errors.Join(p.enter(t.Context(), nil, "m", anna, lend), p.enter(t.Context(), nil, "m", anna, lend)); err != nil || lent != 0 {
			t.Fatal(err, lent)
		}
		done := make(chan error)
		go func() { done <- p.enter(t.Context(), nil, "m", bert, lend) }()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if load := p.Load()[0]; load.Waiting != 1 || load.Utilisation != 1000 || lent != 1 {
			t.Errorf("the load is %+v, and %d places were lent", load, lent)
		}
		p.leave("m", anna, true)
		if err := <-done; err != nil || lent != 0 {
			t.Fatal(err, lent)
		}
		p.leave("m", anna, true)
		time.Sleep(30 * time.Second)
		load := p.Load()[0]
		if load.BusyTime != 90*time.Second || load.AllowedTime != 2*time.Minute || load.Utilisation != 750 {
			t.Errorf("the load is %+v", load)
		}
		if load.Waits.Count != 3 || load.Waits.Sum != 30*time.Second || load.Waits.Within != [6]int64{2, 2, 2, 2, 3, 3} {
			t.Errorf("calls waited %+v", load.Waits)
		}
		want := "[{v bert's 1 30s 250} {w anna's 0 1m0s 500}]"
		if got := fmt.Sprint(load.Agents); got != want {
			t.Errorf("agents: %s, want %s", got, want)
		}
		p.leave("m", bert, true)
		time.Sleep(3 * time.Minute)
		if load := p.Load()[0]; load.Utilisation != 0 || load.BusyTime != 90*time.Second {
			t.Errorf("a while later the load is %+v", load)
		}
		for i := range 2 * maxLoads {
			who := caller{workspace: "w", agent: fmt.Sprint(i)}
			if err := p.enter(t.Context(), nil, "m", who, lend); err != nil {
				t.Fatal(err)
			}
			p.leave("m", who, true)
		}
		if n := len(p.Load()[0].Agents); n > maxLoads {
			t.Errorf("the loads of %d agents are kept", n)
		}
	})
}

// Who gives up while waiting takes nobody's turn.
func TestAPoolForgetsWhoGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, who := NewPool(PoolConfig{Most: 1}), caller{share: "w"}
		if err := p.enter(t.Context(), nil, "m", who, nobody); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ending, done := make(chan struct{}), make(chan error)
		go func() { done <- p.enter(ctx, ending, "m", who, nobody) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		go func() { done <- p.enter(t.Context(), ending, "m", who, nobody) }()
		synctest.Wait()
		close(ending)
		if err := <-done; !errors.Is(err, errEnding) {
			t.Error(err)
		}
		p.leave("m", who, true)
		if err := p.enter(t.Context(), ending, "m", who, nobody); err != nil || p.Load()[0].Waiting != 0 {
			t.Error(err, p.Load()[0])
		}
	})
}

package orchestrator_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
)

func TestAServerSealsWhatComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		logtest.Fill(t, h.store, 5000, 5000+audit.SealAfter)
		stop := h.serve(t)
		seals := func(want int) {
			t.Helper()
			synctest.Wait()
			if got := logtest.Seals(t, h.store); len(got) != want {
				t.Errorf("after %s there are %d seals, want %d", time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), len(got), want)
			}
		}
		seals(1) // what was there already
		logtest.Fill(t, h.store, 0, 10)
		time.Sleep(9*time.Minute + 30*time.Second) // the fake clock's
		seals(1)
		time.Sleep(time.Minute)
		seals(2)
		time.Sleep(24 * time.Hour)
		seals(2)
		logtest.Fill(t, h.store, 10, 10+audit.SealAfter) // with the seal before one more than is needed
		time.Sleep(time.Minute)
		seals(3)
		logtest.Fill(t, h.store, 2000, 2001)
		time.Sleep(8 * time.Minute)
		seals(3)
		time.Sleep(2 * time.Minute)
		seals(4)
		stop()
		if e := h.stream(t, commands.LedgerStream); !e[1].OccurredAt.Equal(time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC)) || e[1].Actor != "ledger" {
			t.Errorf("the second seal is %+v", e[1])
		}
		if found, err := audit.Verify(t.Context(), h.store, h.models, logtest.Models(t), nil, nil); err != nil || !found.OK || found.UnsealedEvents != 1 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

func TestAServerThatNeverSeals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.SealEvery = -1 }
		stop := h.serve(t)
		logtest.Fill(t, h.store, 0, audit.SealAfter)
		time.Sleep(24 * time.Hour) // the fake clock's
		synctest.Wait()
		stop()
		if got := logtest.Seals(t, h.store); len(got) > 0 {
			t.Errorf("got %d seals", len(got))
		}
	})
}

// A ledger that can't be written does not take live runs down.
func TestAServerGoesOnWhereItCantSeal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		dispatch, tries := h.dispatch, 0
		h.dispatch = func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
			if _, ok := cmds[0].(commands.SealLog); ok {
				tries++
				return commands.Receipt{}, fmt.Errorf("%w: the disk is full", eventstore.ErrUnavailable)
			}
			return dispatch(ctx, cmds...)
		}
		stop := h.serve(t)
		logtest.Fill(t, h.store, 0, 1)
		time.Sleep(21 * time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		if tries != 2 {
			t.Errorf("it tried %d times, want every 10 minutes", tries)
		}
	})
}

package orchestrator_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// TestAnAgentThatNobodyAsksIsLaidToRest has an agent idle for an hour, wakes it, and lets it idle again over a restart. Neither the
// assistant nor one of history rests, and who is asked in time does not.
func TestAnAgentThatNobodyAsksIsLaidToRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.spawn(t, "clerk", events.AgentConfig{})
		h.spawn(t, "busy", events.AgentConfig{})
		meta := commands.Meta{ID: events.NameID(time.Now(), "history"), At: time.Now(), Actor: "import:chat"}
		if _, err := h.dispatch(t.Context(), commands.SpawnAgent{Meta: meta, Agent: "old", Imported: true}); err != nil {
			t.Fatal(err)
		}
		h.configure = func(c *orchestrator.Config) { c.RestAfter = time.Hour }
		stop := h.serve(t)
		statuses := func() string {
			t.Helper()
			synctest.Wait()
			rows, err := h.models.Agents(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, r := range rows {
				all = append(all, r.Agent+" "+r.Status)
			}
			return fmt.Sprint(all)
		}
		time.Sleep(30 * time.Minute) // the fake clock's
		h.askOf(t, "r1", "busy", "hello")
		time.Sleep(30*time.Minute - time.Second)
		if got, want := statuses(), "[assistant active busy active clerk active old (chat) active]"; got != want {
			t.Errorf("before an hour has passed: %s", got)
		}
		time.Sleep(time.Second)
		if got, want := statuses(), "[assistant active busy active clerk resting old (chat) active]"; got != want {
			t.Errorf("after an hour: %s", got)
		}
		h.askOf(t, "r2", "clerk", "hello")
		if got, want := statuses(), "[assistant active busy active clerk active old (chat) active]"; got != want {
			t.Errorf("asked again: %s", got)
		}
		if row, _, err := h.models.Run(t.Context(), "r2"); err != nil || row.Outcome != events.Succeeded {
			t.Errorf("the run that woke it is %s (%v)", row.Outcome, err)
		}
		time.Sleep(50 * time.Minute)
		stop()
		stop = h.serve(t)
		time.Sleep(10 * time.Minute)
		if got, want := statuses(), "[assistant active busy resting clerk resting old (chat) active]"; got != want {
			t.Errorf("after another hour, a part of it by another process: %s", got)
		}
		stop()
		want := []string{"agent.spawned", "agent.rested", "agent.woken", "agent.rested"}
		if got := h.kinds(t, "agent-clerk"); !slices.Equal(got, want) {
			t.Errorf("its stream holds %v", got)
		}
		if rows, err := h.models.Agents(t.Context()); err != nil || !rows[2].Askable() || rows[2].Status != projections.AgentResting {
			t.Errorf("one that rests can't be asked: %+v (%v)", rows[2], err)
		}
	})
}

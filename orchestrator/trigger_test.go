package orchestrator_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

func (h *house) trigger(t *testing.T, set events.TriggerSet) {
	t.Helper()
	meta := commands.Meta{ID: events.NameID(time.Now(), "set "+set.Trigger), At: time.Now(), Actor: "user:anna"}
	if _, err := h.dispatch(t.Context(), commands.SetTrigger{Meta: meta, Set: set, Replace: true}); err != nil {
		t.Fatal(err)
	}
}

// fired are what came of a trigger's ticks.
func (h *house) fired(t *testing.T, trigger string) (all []events.TimerFired) {
	t.Helper()
	for _, e := range h.stream(t, commands.TimerStream("", trigger)) {
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fact.(events.TimerFired))
	}
	return all
}

// Each tick of a clock starts one run, over restarts too; of those for which nobody was there the last one does, and the others
// are told as missed.
func TestAClockStartsOneRunATick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		began := time.Now() // midnight
		h.trigger(t, events.TriggerSet{Trigger: "hourly", Cron: "0 * * * *", Prompt: "calculate 6 * 7"})
		h.trigger(t, events.TriggerSet{Trigger: "weekly", Cron: "@weekly", Prompt: "hello"})
		h.trigger(t, events.TriggerSet{Trigger: "nobody", Cron: "0 * * * *", Agent: "nobody", Prompt: "hello"})
		stop := h.serve(t)
		time.Sleep(2*time.Hour + time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		time.Sleep(5 * time.Hour) // nobody is there
		stop = h.serve(t)
		time.Sleep(30 * time.Minute)
		stop()
		stop = h.serve(t)
		time.Sleep(28 * time.Minute)
		synctest.Wait()
		stop()
		var hours, missed []int
		for _, f := range h.fired(t, "hourly") {
			row, _, err := h.models.Run(t.Context(), f.Run)
			if err != nil || row.Outcome != events.Succeeded || row.Workflow != "hourly" || row.Requester != "trigger:hourly" || row.Run != commands.TickID("", "hourly", f.Tick) {
				t.Errorf("%+v: %+v, %v", f, row, err)
			}
			hours, missed = append(hours, int(f.Tick.Sub(began).Hours())), append(missed, f.Missed)
		}
		if !slices.Equal(hours, []int{1, 2, 7}) || !slices.Equal(missed, []int{0, 0, 4}) {
			t.Errorf("it ticked at %v, with %v missed", hours, missed)
		}
		if got := h.fired(t, "nobody"); len(got) != 3 || got[0].Run != "" || got[0].Error == "" {
			t.Errorf("of an agent that is not there: %+v", got)
		}
		rows, err := h.models.Triggers(t.Context())
		if err != nil || len(rows) != 3 || rows[0].Trigger != "hourly" || rows[0].Started != 3 || rows[0].Missed != 4 || rows[0].LastError != "" || rows[1].LastError == "" || rows[1].Started != 0 || rows[2].Trigger != "weekly" || !rows[2].TickAt.IsZero() {
			t.Errorf("%+v, %v", rows, err)
		}
	})
}

// A tick whose run was started, and of which the note was lost, starts no other one.
func TestATickWhoseNoteWasLostStartsNoOtherRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		began := time.Now()
		set := events.TriggerSet{Trigger: "hourly", Cron: "0 * * * *", Prompt: "hello"}
		h.trigger(t, set)
		run := commands.TickID("", "hourly", began.Add(time.Hour))
		time.Sleep(time.Hour)
		meta := commands.Meta{ID: events.DeriveID(events.NameID(began.Add(time.Hour), "other"), 0), At: time.Now(), Actor: "trigger:hourly", Correlation: run}
		if _, err := h.dispatch(t.Context(), commands.StartRun{Meta: meta, Run: run, Workflow: "hourly", Agent: "assistant", Prompt: "hello", Requester: "trigger:hourly"}); err != nil {
			t.Fatal(err)
		}
		stop := h.serve(t)
		time.Sleep(time.Minute)
		synctest.Wait()
		stop()
		n := 0
		for row, err := range h.models.Runs(t.Context(), projections.RunFilter{}) {
			if err != nil || row.Requester != "trigger:hourly" {
				t.Errorf("%+v, %v", row, err)
			}
			n++
		}
		if fired := h.fired(t, "hourly"); n != 1 || len(fired) != 1 {
			t.Errorf("%d runs, fired %+v", n, fired)
		}
	})
}

// A goal is started in place of a run where that is asked for, and a trigger that is removed starts nothing more.
func TestTriggersStartGoals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.trigger(t, events.TriggerSet{Trigger: "hourly", Cron: "@hourly", Prompt: "Sum up the day.", Goal: true})
		stop := h.serve(t)
		time.Sleep(61 * time.Minute)
		meta := commands.Meta{ID: events.NameID(time.Now(), "remove"), At: time.Now(), Actor: "user:anna"}
		if _, err := h.dispatch(t.Context(), commands.RemoveTrigger{Meta: meta, Trigger: "hourly"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		stop()
		goals, err := h.models.Goals(t.Context())
		if err != nil || len(goals) != 1 || goals[0].Requester != "trigger:hourly" || goals[0].Prompt != "Sum up the day." || goals[0].Status == "open" {
			t.Errorf("%+v, %v, %+v", goals, err, h.fired(t, "hourly"))
		}
	})
}

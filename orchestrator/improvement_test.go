package orchestrator_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// propose puts a change before the policy of a house where clerk is an agent.
func (h *house) propose(t *testing.T, id string, change events.Change) {
	t.Helper()
	_, err := h.dispatch(t.Context(), commands.ProposeImprovement{
		Meta:        commands.Meta{ID: events.NameID(time.Now(), "propose "+id), At: time.Now(), Actor: "analyst:workflow"},
		Improvement: id, Analyst: "workflow", AnalystVersion: 1, Change: change, Reason: "it does better", Strength: events.Strong,
		Evidence: events.Evidence{From: 1, To: 1, Statistic: "difference", Value: .2, Low: .1, High: .3, Confidence: .95, N: 40},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) improvements() orchestrator.Improvements {
	return orchestrator.Improvements{Store: h.store, Dispatch: h.dispatch, Agents: h.agents, Models: h.models}
}

func approval(id string) commands.ApproveImprovement {
	return commands.ApproveImprovement{
		Meta: commands.Meta{ID: events.NameID(time.Now(), "approve "+id), At: time.Now(), Actor: "user:anna"}, Improvement: id, By: "user:anna",
	}
}

var (
	before = events.AgentConfig{Model: "old", Prompt: "Be brief.", Tools: []string{"clock"}}
	better = events.Change{Kind: events.ChangeModel, Agent: "clerk", Config: &events.AgentConfig{Model: events.ScriptedModel}, Instruction: "Take the other."}
)

// assigned is the version that a run was assigned to.
func (h *house) assigned(t *testing.T, run string) uint64 {
	t.Helper()
	for _, e := range h.stream(t, "run-"+run) {
		if fact, err := events.Decode(e); err != nil {
			t.Fatal(err)
		} else if a, is := fact.(events.RunAssigned); is {
			return a.Revision
		}
	}
	t.Fatalf("run %s is not assigned", run)
	return 0
}

func TestWhatIsApprovedHappensAndIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.spawn(t, "clerk", before)
		stop := h.serve(t)
		h.askOf(t, "early", "clerk", "hello")
		synctest.Wait()
		h.propose(t, "i", better)
		made, err := h.improvements().Approve(t.Context(), approval("i"))
		if err != nil || !made.Done || made.Agent != "clerk" || made.Version != 2 || made.From.Model != "old" || made.To.Model != events.ScriptedModel {
			t.Fatalf("approved: %+v, %v", made, err)
		}
		h.askOf(t, "late", "clerk", "hello")
		synctest.Wait()
		if early, late := h.assigned(t, "early"), h.assigned(t, "late"); early != 0 || late != 1 {
			t.Errorf("the run before goes by revision %d, the one after by %d", early, late)
		}
		envelopes := h.stream(t, "agent-clerk")
		configured, err := events.Decode(envelopes[1])
		if err != nil {
			t.Fatal(err)
		}
		// What the change is not about stays as it was.
		c := configured.(events.AgentConfigured)
		if c.Improvement != "i" || c.Reason != "Take the other." || c.Config.Prompt != "Be brief." || envelopes[1].Actor != "user:anna" {
			t.Errorf("%+v by %s", c, envelopes[1].Actor)
		}

		restore := commands.RestoreAgent{Meta: commands.Meta{ID: events.NameID(time.Now(), "back"), At: time.Now(), Actor: "user:anna"}, Agent: "clerk", Reason: "worse"}
		back, err := h.improvements().RollBack(t.Context(), restore)
		if err != nil || back.Version != 3 || back.Restores != 1 || back.To.Model != "old" || !slices.Equal(back.Undone, []string{"i"}) {
			t.Fatalf("rolled back: %+v, %v", back, err)
		}
		synctest.Wait()
		stop()
		want := []string{"improvement.proposed", "improvement.approved", "improvement.applied", "improvement.rolled_back"}
		if got := h.kinds(t, "improvement-i"); !slices.Equal(got, want) {
			t.Errorf("the improvement's stream holds %v", got)
		}
		rows, err := h.models.AgentVersions(t.Context(), "clerk")
		if err != nil || len(rows) != 3 || rows[1].Improvement != "i" || rows[1].Author != "user:anna" || rows[2].Restores != 1 || rows[2].Reason != "worse" {
			t.Errorf("the versions are %+v, %v", rows, err)
		}
		list, err := h.models.Improvements(t.Context(), projections.RolledBack)
		if err != nil || len(list) != 1 {
			t.Errorf("rolled back are %+v, %v", list, err)
		}
	})
}

// A process that dies between any two of the facts leaves the rest to the next one that drives.
func TestAnApprovedChangeIsMadeByWhoeverComesNext(t *testing.T) {
	t.Parallel()
	for appends := range 4 {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			defer h.close(t)
			h.spawn(t, "clerk", before)
			h.propose(t, "i", better)
			died, left := errors.New("killed"), appends
			dying := h.improvements()
			dying.Dispatch = func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
				if left--; left < 0 {
					return commands.Receipt{}, died
				}
				return h.dispatch(ctx, cmds...)
			}
			if _, err := dying.Approve(t.Context(), approval("i")); (appends < 3) != errors.Is(err, died) {
				t.Fatal(err)
			}
			stop := h.serve(t)
			synctest.Wait()
			stop()
			if appends == 0 {
				return // nobody approved it
			}
			want := []string{"improvement.proposed", "improvement.approved", "improvement.applied"}
			if got := h.kinds(t, "improvement-i"); !slices.Equal(got, want) {
				t.Fatalf("after %d appends the improvement's stream holds %v", appends, got)
			}
			if got := h.kinds(t, "agent-clerk"); !slices.Equal(got, []string{"agent.spawned", "agent.configured"}) {
				t.Fatalf("after %d appends the agent's stream holds %v", appends, got)
			}
			fact, err := events.Decode(h.stream(t, "improvement-i")[2])
			if a, _ := fact.(events.ImprovementApplied); err != nil || a.Version != 2 || a.Agent != "clerk" || a.Before == nil || a.Before.Model != "old" {
				t.Errorf("after %d appends applied is %+v (%v)", appends, fact, err)
			}
		})
	}
}

// A step back that was noted at the agent alone reaches the improvement.
func TestARollBackReachesTheImprovement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.spawn(t, "clerk", before)
		h.propose(t, "i", better)
		if _, err := h.improvements().Approve(t.Context(), approval("i")); err != nil {
			t.Fatal(err)
		}
		restore := commands.RestoreAgent{Meta: commands.Meta{ID: events.NameID(time.Now(), "back"), At: time.Now(), Actor: "user:anna"}, Agent: "clerk"}
		if _, err := h.dispatch(t.Context(), restore); err != nil {
			t.Fatal(err)
		}
		stop := h.serve(t)
		synctest.Wait()
		stop()
		if got := h.kinds(t, "improvement-i"); got[len(got)-1] != "improvement.rolled_back" {
			t.Errorf("the improvement's stream holds %v", got)
		}
	})
}

func TestWhatCanNotBeMadeIsNotApproved(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	defer h.close(t)
	h.propose(t, "nobody", events.Change{Kind: events.ChangeModel, Agent: "gone", Config: &events.AgentConfig{Model: "new"}})
	if _, err := h.improvements().Approve(t.Context(), approval("nobody")); !errors.Is(err, orchestrator.ErrUnmakeable) {
		t.Errorf("a change of no agent: %v", err)
	}
	if got := h.kinds(t, "improvement-nobody"); len(got) != 1 {
		t.Errorf("its stream holds %v", got)
	}
	h.propose(t, "draft", events.Change{Kind: events.ChangeWorkflow, Workflow: "ask", Instruction: "Look it up first."})
	made, err := h.improvements().Approve(t.Context(), approval("draft"))
	if err != nil || made.Done || made.Change.Instruction == "" {
		t.Errorf("a draft: %+v, %v", made, err)
	}
	if _, err := h.improvements().Approve(t.Context(), approval("unknown")); !errors.Is(err, aggregates.ErrMissing) {
		t.Errorf("no proposal: %v", err)
	}

	// One that is known from history is changed where it was adopted.
	h.spawn(t, "clerk", before)
	spawn := commands.SpawnAgent{Meta: commands.Meta{ID: events.NameID(time.Now(), "old"), At: time.Now(), Actor: "import:chat"}, Agent: "clerk (chat)", Imported: true}
	adopt := commands.AdoptAgent{Meta: commands.Meta{ID: events.NameID(time.Now(), "adopt"), At: time.Now(), Actor: "user:anna"}, Agent: "clerk (chat)", As: "clerk"}
	if _, err := h.dispatch(t.Context(), spawn, adopt); err != nil {
		t.Fatal(err)
	}
	change := better
	change.Agent = "clerk (chat)"
	h.propose(t, "adopted", change)
	if made, err := h.improvements().Approve(t.Context(), approval("adopted")); err != nil || made.Agent != "clerk" || made.Version != 2 {
		t.Errorf("an adopted one: %+v, %v", made, err)
	}
}

package orchestrator_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// drifting is a model that answers nine of ten questions; once the world has turned, whoever is told to be brief answers four.
type drifting struct{ turned atomic.Bool }

func (d *drifting) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	asked := r.Messages[len(r.Messages)-1].Content
	h := fnv.New32a()
	_, _ = h.Write([]byte(asked))
	refuses, reason := uint32(10), "stop"
	if d.turned.Load() && strings.Contains(r.Messages[0].Content, "brief") {
		refuses = 60
	}
	if h.Sum32()%100 < refuses {
		reason = "content_filter"
	}
	return agents.Answer{Message: events.Message{Role: "assistant", Content: "Yes."}, Model: "m", FinishReason: reason, InputTokens: 1, OutputTokens: 1, UsageKnown: true, Priced: true}, nil
}

// A change that was kept for all and did no harm for long is taken back by itself once it does: against the few runs that stayed on the agent as a person
// made it, with the proof in the fact. While nothing is worse, nothing happens, and so it does not where the loop is paused.
func TestAKeptChangeThatTurnsBadIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		model := &drifting{}
		h.configure = func(c *orchestrator.Config) { c.Model, c.Runner.Model = "m", model }
		h.spawn(t, "clerk", events.AgentConfig{Prompt: "Say what is asked."})
		stop := h.serve(t)
		defer stop()
		h.propose(t, "i1", events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &events.AgentConfig{Prompt: "Say what is asked, and be brief."}, Instruction: "Be brief."})
		if made, err := h.improvements().Approve(t.Context(), commands.ApproveImprovement{
			Meta: commands.Meta{ID: orchestrator.NewID(), At: time.Now(), Actor: "user:anna"}, Improvement: "i1", By: "user:anna",
		}); err != nil || !made.Done {
			t.Fatalf("%+v, %v", made, err)
		}
		n := 0
		work := func(runs int) {
			for range runs {
				h.askOf(t, fmt.Sprint("r", n), "clerk", fmt.Sprint("Question ", n, "?"))
				n++
				time.Sleep(time.Minute)
				synctest.Wait()
			}
		}
		prompt := func() string {
			agent, _, err := h.agents.Agent(t.Context(), "", "clerk")
			if err != nil {
				t.Fatal(err)
			}
			return agent.Config.Prompt
		}
		work(600)
		if !strings.Contains(prompt(), "brief") {
			t.Fatal("it was taken back while it did no harm")
		}
		model.turned.Store(true)
		began := n
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.PauseLoop{Meta: m, By: "user:anna", Reason: "a holiday"}
		})
		work(1000)
		if !strings.Contains(prompt(), "brief") {
			t.Fatal("it was taken back while the loop is paused")
		}
		h.wish(t, func(m commands.Meta) commands.Command { return commands.ResumeLoop{Meta: m, By: "user:anna"} })
		for n-began < 4000 && strings.Contains(prompt(), "brief") {
			work(10)
		}
		if prompt() != "Say what is asked." {
			t.Fatalf("after %d runs that were worse it is told %q", n-began, prompt())
		}
		t.Logf("taken back after %d runs", n-began)
		stream := h.stream(t, "agent-clerk")
		last := stream[len(stream)-1]
		fact, err := events.Decode(last)
		if err != nil {
			t.Fatal(err)
		}
		back, is := fact.(events.AgentConfigured)
		if !is || back.Restores != 1 || !slices.Equal(back.RollsBack, []string{"i1"}) || back.Proof == nil || last.Actor != "manager:keeping" {
			t.Fatalf("%s by %s: %s", last.Kind, last.Actor, last.Data)
		}
		frozen, current := back.Proof.Arms[0], back.Proof.Arms[1]
		if back.Proof.From == 0 || back.Proof.LogE < back.Proof.Needed || frozen.Runs == 0 || float64(frozen.Succeeded)/float64(frozen.Runs)-float64(current.Succeeded)/float64(current.Runs) < .1 {
			t.Errorf("the proof is %+v", back.Proof)
		}
		if kinds := h.kinds(t, "improvement-i1"); kinds[len(kinds)-1] != "improvement.rolled_back" {
			t.Errorf("the improvement's story is %v", kinds)
		}
		// A machine that proves nothing takes nothing back.
		if _, err := h.dispatch(t.Context(), commands.RestoreAgent{Meta: commands.Meta{ID: orchestrator.NewID(), At: time.Now(), Actor: "manager:keeping"}, Agent: "clerk", Version: 2}); !aggregates.Refused(err) {
			t.Errorf("without a proof: %v", err)
		}
	})
}

package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// moody fails by what its agent is told: "guess" fails in four of five runs, anything else in one of ten. Which ones is
// settled by what is asked.
type moody struct{}

func (moody) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	asked := r.Messages[len(r.Messages)-1].Content
	h := fnv.New32a()
	_, _ = h.Write([]byte(asked))
	least := uint32(10)
	if strings.Contains(r.Messages[0].Content, "guess") {
		least = 80
	}
	if h.Sum32()%100 < least {
		return agents.Answer{FinishReason: "content_filter", Priced: true, CostNanos: 1000}, nil
	}
	return agents.Answer{Message: events.Message{Role: "assistant", Content: r.Messages[0].Content}, FinishReason: "stop", Priced: true, CostNanos: 1000}, nil
}

// trying is a house with a clerk of a prompt, on which another prompt is tried.
func trying(t *testing.T, prompt, tried string) (h *house, askUntil func(done func() bool) (runs int)) {
	t.Helper()
	return tryingBy(t, prompt, tried, events.ExperimentPlan{})
}

// tryingBy is that by a plan.
func tryingBy(t *testing.T, prompt, tried string, plan events.ExperimentPlan) (h *house, askUntil func(done func() bool) (runs int)) {
	t.Helper()
	h = newHouse(t)
	h.model.Model = moody{}
	h.spawn(t, "clerk", events.AgentConfig{Prompt: prompt})
	meta := commands.Meta{ID: events.NameID(time.Now(), "plan"), At: time.Now(), Actor: "user:anna"}
	_, err := h.dispatch(t.Context(), commands.PlanExperiment{
		Meta: meta, Experiment: "x", Agent: "clerk", Change: events.ChangePrompt, Config: events.AgentConfig{Prompt: tried}, By: "user:anna", Plan: plan,
	})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	n := 0
	return h, func(done func() bool) int {
		synctest.Wait() // the experiment has started
		for range 2000 {
			if done() {
				return n
			}
			h.askOf(t, fmt.Sprint("r", n), "clerk", fmt.Sprint("question ", n))
			n++
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		t.Fatalf("it never ends: %v", h.kinds(t, "experiment-x"))
		return n
	}
}

func (h *house) experiment(t *testing.T, id string) projections.ExperimentRow {
	t.Helper()
	rows, err := h.models.Experiments(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Experiment == id {
			return row
		}
	}
	return projections.ExperimentRow{}
}

// An agent with a bad prompt gets a better one without anybody's doing, and each run keeps what it was drawn for.
func TestABetterPromptIsPromotedWhilePeopleWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, askUntil := trying(t, "Just guess.", "Look it up.")
		defer h.close(t)
		stop := h.serve(t)
		runs := askUntil(func() bool { return h.experiment(t, "x").Status == projections.ExperimentPromoted })
		agent, _, err := h.agents.Agent(t.Context(), "", "clerk")
		if err != nil || agent.Config.Prompt != "Look it up." || !agent.Improved || agent.Made != 0 {
			t.Errorf("after %d runs the agent is %+v (%v)", runs, agent, err)
		}
		row := h.experiment(t, "x")
		if row.Arms[0].Runs+row.Arms[1].Runs != int64(runs) || row.Proof == nil || row.Proof.Low <= 0 {
			t.Errorf("%d runs, and the experiment counts %+v", runs, row)
		}
		// A few stay where they were, and show what it did.
		before := runs
		runs = askUntil(func() bool {
			held := h.experiment(t, events.Holdback("clerk"))
			return len(held.Arms) == 2 && held.Arms[1].Runs >= 5
		})
		stop()
		held := h.experiment(t, events.Holdback("clerk"))
		if held.Arms[0].Runs+held.Arms[1].Runs != int64(runs-before) || held.Arms[1].Runs*5 > held.Arms[0].Runs {
			t.Errorf("of %d runs %+v were held back", runs-before, held.Arms)
		}
		for n := range runs {
			assigned := h.drawn(t, n)
			arm := assigned.Arms[len(assigned.Arms)-1]
			row, _, err := h.models.Run(t.Context(), fmt.Sprint("r", n))
			if err != nil {
				t.Fatal(err)
			}
			want := "Just guess."
			if arm.Arm == events.CandidateArm || arm.Arm == events.CurrentArm {
				want = "Look it up."
			}
			if row.Outcome == events.Succeeded && row.Answer != want {
				t.Fatalf("run %d was drawn for %+v and was told %q", n, arm, row.Answer)
			}
		}
	})
}

func (h *house) drawn(t *testing.T, run int) events.RunAssigned {
	t.Helper()
	fact, err := events.Decode(h.stream(t, fmt.Sprint("run-r", run))[1])
	if err != nil {
		t.Fatal(err)
	}
	return fact.(events.RunAssigned)
}

// What harms is taken back as soon as the proof is there: no run begins with it from then on.
func TestAHarmfulPromptIsRolledBackAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, askUntil := trying(t, "Look it up.", "Just guess.")
		defer h.close(t)
		stop := h.serve(t)
		var fewest int64 = 1 << 30
		runs := askUntil(func() bool {
			row := h.experiment(t, "x")
			if row.Status == projections.ExperimentRolledBack {
				fewest = min(fewest, row.Arms[1].Runs)
			}
			return row.Status == projections.ExperimentRolledBack && row.Position > 0
		})
		end := h.stream(t, "experiment-x")
		rolledBack := end[len(end)-1]
		for range 50 {
			h.askOf(t, fmt.Sprint("r", runs), "clerk", fmt.Sprint("question ", runs))
			runs++
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		stop()
		deciding := h.stream(t, fmt.Sprint("run-r", runs-51))
		if took := rolledBack.RecordedAt.Sub(deciding[len(deciding)-1].RecordedAt); took < 0 || took > time.Second {
			t.Errorf("it was rolled back %s after the fact that decided", took)
		}
		for n := range runs {
			for _, arm := range h.drawn(t, n).Arms {
				if at := h.stream(t, fmt.Sprint("run-r", n))[1]; arm.Arm == events.CandidateArm && at.Position > rolledBack.Position {
					t.Fatalf("run %d got it after it was rolled back", n)
				}
			}
		}
		if agent, _, _ := h.agents.Agent(t.Context(), "", "clerk"); agent.Config.Prompt != "Look it up." {
			t.Errorf("the agent is %+v", agent)
		}
		t.Logf("rolled back after %d runs, %d of them harmed", runs-50, fewest)
	})
}

// A run whose process dies between its draw and its answer goes on with what it was drawn for, whatever became of the
// experiment since.
func TestARunKeepsItsArmBeyondTheExperiment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, askUntil := trying(t, "Just guess.", "Look it up.")
		defer h.close(t)
		hold := &holding{Model: moody{}, held: make(chan struct{}), free: make(chan struct{})}
		h.model.Model = hold
		stop := h.serve(t)
		// The first run of the candidate hangs in its model.
		askUntil(func() bool {
			select {
			case <-hold.held:
				return true
			default:
				return false
			}
		})
		meta := commands.Meta{ID: events.NameID(time.Now(), "stop"), At: time.Now(), Actor: "user:anna"}
		if _, err := h.dispatch(t.Context(), commands.StopExperiment{Meta: meta, Experiment: "x", By: "user:anna"}); err != nil {
			t.Fatal(err)
		}
		hold.dies = true
		h.configure = func(c *orchestrator.Config) { c.Drain = -1 }
		close(hold.free)
		synctest.Wait()
		stop()
		h.model.Model = moody{}
		stop = h.serve(t)
		synctest.Wait()
		stop()
		rows := 0
		for run, err := range h.models.Runs(t.Context(), projections.RunFilter{Agent: "clerk"}) {
			if err != nil {
				t.Fatal(err)
			}
			if run.Answer == "Look it up." {
				rows++
			}
			if run.Outcome == projections.Running {
				t.Errorf("%s never ended", run.Run)
			}
		}
		if rows != 1 {
			t.Errorf("%d runs answered with what was tried, want the one that was under way", rows)
		}
	})
}

// holding holds the first call with what is tried until it is let go, and fails it then if its process is to die.
type holding struct {
	agents.Model
	held, free chan struct{}
	dies       bool
	seen       bool
}

func (h *holding) Chat(ctx context.Context, r agents.Request, onDelta func(string)) (agents.Answer, error) {
	if strings.Contains(r.Messages[0].Content, "Look it up") && !h.seen {
		h.seen = true
		close(h.held)
		select {
		case <-h.free:
		case <-ctx.Done():
			return agents.Answer{}, ctx.Err()
		}
		if h.dies {
			<-ctx.Done()
			return agents.Answer{}, errors.Join(ctx.Err())
		}
	}
	return h.Model.Chat(ctx, r, onDelta)
}

// choosy fails by its model: "poor" in three of five runs, any other in one of twenty.
type choosy struct{}

func (choosy) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.Messages[len(r.Messages)-1].Content))
	least := uint32(5)
	if r.Model == "poor" {
		least = 60
	}
	if h.Sum32()%100 < least {
		return agents.Answer{FinishReason: "content_filter", Model: r.Model, Priced: true}, nil
	}
	return agents.Answer{Message: events.Message{Role: "assistant", Content: "yes"}, FinishReason: "stop", Model: r.Model, Priced: true}, nil
}

// An agent that was given a poor model gets a good one within two days without a person: an analyst sees it in the history,
// the policy lets it be tried, runs prove it, and the agent has it.
func TestAnAgentGetsBetterWithoutAPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.model.Model = choosy{}
		d := orchestrator.NewDispatcher(h.store, aggregates.All(aggregates.Everywhere(aggregates.Policy{
			SelfApproved: []events.ChangeKind{events.ChangeModel}, MaxShare: 1000,
		})))
		h.dispatch, h.agents = d.Dispatch, d
		h.configure = func(c *orchestrator.Config) { c.Analysts = analysts.All() }
		h.spawn(t, "clerk", events.AgentConfig{Model: "good"})
		stop := h.serve(t)
		began, n := time.Now(), 0
		work := func(runs int) {
			for range runs {
				h.askOf(t, fmt.Sprint("r", n), "clerk", fmt.Sprint("question ", n))
				n++
				time.Sleep(2 * time.Minute)
				synctest.Wait()
			}
		}
		work(60)
		meta := commands.Meta{ID: events.NameID(time.Now(), "cheaper"), At: time.Now(), Actor: "user:anna"}
		if _, err := h.dispatch(t.Context(), commands.ConfigureAgent{Meta: meta, Agent: "clerk", Config: events.AgentConfig{Model: "poor"}}); err != nil {
			t.Fatal(err)
		}
		for time.Since(began) < 48*time.Hour {
			work(10)
			if agent, _, _ := h.agents.Agent(t.Context(), "", "clerk"); agent.Config.Model == "good" {
				break
			}
		}
		stop()
		agent, _, _ := h.agents.Agent(t.Context(), "", "clerk")
		if agent.Config.Model != "good" || !agent.Improved {
			t.Fatalf("after %s and %d runs the agent is %+v", time.Since(began), n, agent)
		}
		t.Logf("better after %s and %d runs", time.Since(began), n)
		rows, err := h.models.Improvements(t.Context(), "")
		// Two analysts may have seen it; one trial was enough.
		tried := slices.DeleteFunc(rows, func(r projections.ImprovementRow) bool { return r.Measured == nil })
		if err != nil || len(tried) != 1 || tried[0].Status != projections.Applied || tried[0].Measured.Low <= 0 {
			t.Errorf("the improvements are %+v (%v)", rows, err)
		}
	})
}

// While the loop is paused all runs get their agent as it is.
func TestNoRunIsDrawnWhileTheLoopIsPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, askUntil := trying(t, "Look it up.", "Look it up, please.")
		defer h.close(t)
		stop := h.serve(t)
		defer stop()
		n := 0
		arms := func() int {
			n++
			upTo := n
			askUntil(func() bool { upTo--; return upTo < n-1 })
			return len(h.drawn(t, n-1).Arms)
		}
		say := func(c commands.Command) {
			if _, err := h.dispatch(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		meta := func(name string) commands.Meta {
			return commands.Meta{ID: events.NameID(time.Now(), name), At: time.Now(), Actor: "user:anna"}
		}
		if arms() != 1 {
			t.Error("nothing is tried")
		}
		say(commands.PauseLoop{Meta: meta("pause"), By: "user:anna", Reason: "look"})
		if arms() != 0 {
			t.Error("a run was drawn while the loop was paused")
		}
		say(commands.ResumeLoop{Meta: meta("resume"), By: "user:anna"})
		if arms() != 1 {
			t.Error("nothing is tried after the resume")
		}
	})
}

// append puts facts that begin a stream into the log, as they were recorded by others.
func (h *house) append(t *testing.T, stream string, facts ...events.Event) {
	t.Helper()
	var batch []events.Envelope
	for i, fact := range facts {
		kind, version, data, err := events.Encode(fact)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, events.Envelope{
			ID: events.NameID(time.Now(), fmt.Sprint(stream, i)), Kind: kind, Version: version, Data: data, OccurredAt: time.Now(), Actor: "user:anna",
		})
	}
	if _, err := h.store.Append(t.Context(), stream, eventstore.NoStream, batch); err != nil {
		t.Fatal(err)
	}
}

// What was tried before and did harm is not tried again, whoever approves it; of what never was the plan says so.
func TestWhatDidHarmIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.spawn(t, "clerk", events.AgentConfig{Prompt: "Look it up."})
		guess := events.AgentConfig{Prompt: "Just guess."}
		h.append(t, "experiment-w", events.ExperimentPlanned{Experiment: "w", Agent: "clerk", Change: events.ChangePrompt, Config: guess},
			events.ExperimentStarted{Share: 250, Level: .01}, events.ExperimentStopped{By: "user:anna", Reason: "holidays"})
		for i := range 800 {
			run, arm, end := fmt.Sprint("w", i), events.Arm{Experiment: "w", Arm: events.ControlArm, Permille: 750, Unit: fmt.Sprint(i)}, events.Event(events.RunFinished{Outcome: events.Succeeded})
			if i%4 == 0 {
				arm.Arm, arm.Permille, end = events.CandidateArm, 250, events.RunFailed{Error: "wrong"}
			}
			h.append(t, "run-"+run, events.RunStarted{Run: run, Workflow: "shop"}, events.RunAssigned{Agent: "clerk", Arms: []events.Arm{arm}}, end)
		}
		d := orchestrator.NewDispatcher(h.store, aggregates.All(aggregates.Everywhere(aggregates.Policy{Canary: []events.ChangeKind{events.ChangePrompt}})))
		h.dispatch, h.agents = d.Dispatch, d
		stop := h.serve(t)
		synctest.Wait()
		h.propose(t, "again", events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &guess, Instruction: "Guess."})
		made, err := h.improvements().Approve(t.Context(), approval("again"))
		if err != nil || made.Trial || !strings.Contains(made.Harm, "800 runs of experiment w show it to be worse") {
			t.Errorf("approved: %+v, %v", made, err)
		}
		if got := h.kinds(t, "improvement-again"); got[len(got)-1] != "improvement.rejected" {
			t.Errorf("the improvement's stream holds %v", got)
		}
		fresh := events.AgentConfig{Prompt: "Ask back."}
		h.propose(t, "fresh", events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &fresh, Instruction: "Ask."})
		if made, err = h.improvements().Approve(t.Context(), approval("fresh")); err != nil || !made.Trial || made.Harm != "" {
			t.Errorf("approved: %+v, %v", made, err)
		}
		synctest.Wait()
		stop()
		plan, err := events.Decode(h.stream(t, "experiment-fresh")[0])
		if err != nil || !strings.Contains(plan.(events.ExperimentPlanned).Screen.Reason, "never tried") {
			t.Errorf("planned: %+v, %v", plan, err)
		}
		if h.experiment(t, "again").Status != "" {
			t.Error("what did harm is planned")
		}
	})
}

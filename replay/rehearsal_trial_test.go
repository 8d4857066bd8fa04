package replay_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/replay"
)

// change is a proposal to change an agent.
func change(kind events.ChangeKind, agent, prompt string) evidence.Proposal {
	p := claim(prompt, 1, 1)
	p.Change = events.Change{Kind: kind, Agent: agent, Config: &events.AgentConfig{Prompt: prompt, Temperature: new(float64)}}
	return p
}

// A rehearsal tells which changes would have been tried and when, beside the experiments that were held; while the loop was paused nobody looks.
func TestARehearsalTellsWhatWouldHaveBeenTried(t *testing.T) {
	t.Parallel()
	first, second := change(events.ChangePrompt, "clerk", "Be brief."), change(events.ChangeTemperature, "clerk", "")
	other, model := change(events.ChangePrompt, "nobody", "Be brief."), change(events.ChangeModel, "clerk", "")
	today := saying(func(ended, _ int64) []evidence.Proposal {
		switch ended {
		case 1:
			return []evidence.Proposal{first, other, model}
		case 2:
			return []evidence.Proposal{first, second}
		}
		return []evidence.Proposal{change(events.ChangePrompt, "clerk", fmt.Sprint("after ", ended))}
	})
	h := newHistory(t)
	h.do(commands.SpawnAgent{Meta: wishAt("spawn", on("00:30"), "user:anna"), Agent: "clerk"})
	h.run(on("01:00"), on("01:10"))
	plan := func(id, prompt string) {
		h.do(
			commands.PlanExperiment{Meta: wishAt("plan "+id, on("06:30"), "user:anna"), Experiment: id, Agent: "clerk", Change: events.ChangePrompt, Config: events.AgentConfig{Prompt: prompt}, By: "user:anna"},
			commands.StartExperiment{Meta: wishAt("start "+id, on("06:31"), "manager:experiment"), Experiment: id, Level: .01},
		)
	}
	plan(first.ID(), "Be brief.")
	plan("x", "Be kind.")
	h.run(on("11:00"), on("11:10"))
	proof := events.Proof{From: 1, To: 2, Arms: []events.ArmCount{{Arm: events.ControlArm, Runs: 9}, {Arm: events.CandidateArm, Runs: 9}}, LogE: 9, Needed: 4, Difference: -.2}
	h.do(commands.RollBackExperiment{Meta: wishAt("back", on("15:00"), "manager:experiment"), Experiment: first.ID(), Guardrail: "success", Reason: "its runs succeed less often", Proof: proof})
	h.run(on("17:00"), on("17:10")) // the look at 18:00 falls into the pause
	h.do(commands.PauseLoop{Meta: wishAt("pause", on("17:30"), "user:anna"), By: "user:anna", Reason: "a test"})
	h.run(on("19:00"), on("19:10"))
	h.do(commands.ResumeLoop{Meta: wishAt("resume", on("1 01:00"), "user:anna"), By: "user:anna"})
	h.run(on("1 07:00"), on("1 07:10"))

	found := h.rehearse(replay.RehearsalConfig{Policy: aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt, events.ChangeTemperature}, MaxShare: 250}}, today)
	var got []string
	for _, x := range found.Trials {
		would, did := "-", "-"
		if x.Would != nil {
			would = fmt.Sprintf("%s %d %v", clockOf(x.Would.At), x.Would.MaxShare, x.Would.Behind == first.ID())
		}
		if x.Did != nil {
			did = fmt.Sprintf("%s %s %v", clockOf(x.Did.PlannedAt), x.Did.Verdict, x.Did.Proof != nil)
		}
		got = append(got, fmt.Sprintf("%s %s: %s; %s", x.Difference, x.Kind, would, did))
	}
	want := []string{
		"same prompt: 06:00 250 false; 06:30 rolled_back true",
		"gone prompt: -; 06:30 running false",
		"new temperature: 12:00 250 true; -",
		"new prompt: 1 06:00 250 false; -",
		"new prompt: 1 07:10 250 false; -",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(found.Pauses) != 1 || clockOf(found.Pauses[0].Since) != "17:30" || found.Pauses[0].Until == nil || clockOf(*found.Pauses[0].Until) != "1 01:00" {
		t.Errorf("paused %+v", found.Pauses)
	}
	// Without a policy that lets them be tried, a person would have to approve them.
	if none := h.rehearse(replay.RehearsalConfig{}, today); len(none.Trials) != 2 || none.Trials[0].Would != nil || none.Digest != found.Digest {
		t.Errorf("without a policy %+v", none.Trials)
	}
}

// All candidates of a proposal take their share of what the policy lets a change reach.
func TestARehearsalTriesAllCandidates(t *testing.T) {
	t.Parallel()
	several := func(n int) evidence.Proposal {
		p := change(events.ChangePrompt, "clerk", fmt.Sprint("one of ", n))
		for i := 1; i < n; i++ {
			p.Change.Others = append(p.Change.Others, events.AgentConfig{Prompt: fmt.Sprint(i)})
		}
		return p
	}
	h := newHistory(t)
	h.do(commands.SpawnAgent{Meta: wishAt("spawn", on("00:30"), "user:anna"), Agent: "clerk"})
	h.run(on("01:00"), on("01:10"))
	today := saying(func(int64, int64) []evidence.Proposal { return []evidence.Proposal{several(5), several(6)} })
	found := h.rehearse(replay.RehearsalConfig{Policy: aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 250}}, today)
	if len(found.Trials) != 1 || found.Trials[0].Experiment != several(5).ID() {
		t.Errorf("five candidates begin with 250 permille, six with 300: %+v", found.Trials)
	}
}

// Who gets which tasks would be tried as a prompt would; what does not say to whom they go is a text for a person, whatever the policy lets.
func TestARehearsalTriesWhoGetsWhichTasks(t *testing.T) {
	t.Parallel()
	to := func(kind events.ChangeKind, config *events.AgentConfig, spawn *events.NewAgent) evidence.Proposal {
		p := claim(string(kind)+fmt.Sprint(config != nil), 1, 1)
		p.Change = events.Change{Kind: kind, Agent: "clerk", Config: config, Spawn: spawn}
		return p
	}
	passes := &events.AgentConfig{Routes: []events.Route{{Tasks: []string{"refund"}, To: "biller"}}}
	tried := []evidence.Proposal{to(events.ChangeRouting, passes, nil), to(events.ChangeMerge, passes, nil), to(events.ChangeRetire, passes, nil), to(events.ChangeSpawn, passes, &events.NewAgent{Agent: "biller"})}
	texts := []evidence.Proposal{to(events.ChangeMerge, nil, nil), to(events.ChangeSplit, nil, nil), to(events.ChangeRetire, nil, nil), to(events.ChangeSpawn, passes, nil)}
	h := newHistory(t)
	h.do(commands.SpawnAgent{Meta: wishAt("spawn", on("00:30"), "user:anna"), Agent: "clerk"})
	h.run(on("01:00"), on("01:10"))
	today := saying(func(int64, int64) []evidence.Proposal { return slices.Concat(tried, texts) })
	found := h.rehearse(replay.RehearsalConfig{Policy: aggregates.Policy{SelfApproved: events.ChangeKinds(), MaxShare: 1000}}, today)
	var got, want []string
	for _, x := range found.Trials {
		got = append(got, x.Experiment)
	}
	for _, p := range tried {
		want = append(want, p.ID())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("tried %q, want %q", got, want)
	}
}

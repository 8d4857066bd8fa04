package candidate_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/candidate"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// world makes runs of agents, one at a position each.
type world struct {
	*rand.Rand
	candidate.View
	at uint64
}

func newWorld(seed uint64) *world {
	return &world{Rand: rand.New(rand.NewPCG(seed, 23)), View: candidate.View{Texts: map[events.SkillRef]projections.SkillTextRow{}}, at: 1}
}

var began = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// time is that of a position.
func (w *world) time() time.Time { return began.Add(time.Duration(w.at) * time.Minute) } //nolint:gosec // small

func (w *world) agent(name string) *candidate.Agent {
	i := slices.IndexFunc(w.Agents, func(a candidate.Agent) bool { return a.Name == name })
	if i < 0 {
		w.Agents = append(w.Agents, candidate.Agent{Name: name})
		i = len(w.Agents) - 1
	}
	return &w.Agents[i]
}

// configured gives an agent another version: what it did before is not what it does by this one.
func (w *world) configured(name string, c events.AgentConfig) {
	a := w.agent(name)
	w.at++
	a.Versions = append(a.Versions, projections.AgentVersionRow{Agent: name, Version: int64(len(a.Versions) + 1), Config: c, MadeAt: w.time(), Position: w.at})
	a.Runs = nil
}

// run is one that went on by chance, with what it was.
func (w *world) run(name string, rate float64, r candidate.Run) {
	a := w.agent(name)
	w.at += 10
	r.Name, r.Workflow, r.Good, r.First, r.Last, r.Priced, r.Nanos = fmt.Sprint("r", w.at), "desk", w.Float64() < rate, w.at, w.at+5, true, 1e6
	if r.Started = w.time().UnixNano(); r.Input == 0 {
		r.Input, r.Output, r.Answers = 1000, 100, []int64{50, 50}
	}
	a.Runs = append(a.Runs, r)
	a.Monthly, w.Total = float64(len(a.Runs)), w.Total+1
}

// tried is an experiment on skills that has ended.
func (w *world) tried(agent, status string, skills ...events.SkillRef) *projections.ExperimentRow {
	w.at++
	x := projections.ExperimentRow{
		Experiment: fmt.Sprint("x", w.at), Agent: agent, Kind: string(events.ChangeSkills), Status: status, Config: events.AgentConfig{Skills: skills}, StartedAt: w.time(), Position: w.at,
		Proof: &events.Proof{From: 1, To: w.at, Arms: []events.ArmCount{{Arm: "control", Runs: 90, Succeeded: 80}, {Arm: "candidate", Runs: 30, Succeeded: 10}}, Difference: -.55, Low: -.8, High: -.3, Confidence: .95},
	}
	a := w.agent(agent)
	a.Experiments = append([]projections.ExperimentRow{x}, a.Experiments...)
	return &a.Experiments[0]
}

func (w *world) look() evidence.Result { return candidate.New().Propose(w.View) }

// on are the proposals on an agent of a kind.
func on(res evidence.Result, agent string, kind events.ChangeKind) (found []evidence.Proposal) {
	for _, p := range res.Proposals {
		if p.Change.Agent == agent && p.Change.Kind == kind {
			found = append(found, p)
		}
	}
	return found
}

// skill is one of which a text of so many bytes is known.
func (w *world) skill(name, digit string, bytes int64) events.SkillRef {
	ref := events.SkillRef{Name: name, Description: "How " + name + " are done.", Digest: strings.Repeat(digit, 64)}
	w.Texts[ref] = projections.SkillTextRow{Skill: name, Description: ref.Description, Digest: ref.Digest, Bytes: bytes}
	return ref
}

// desk is a clerk with two skills: refunds, of a long text that half of the runs load, and returns, that none does.
func desk(seed uint64) (w *world, refunds, returns events.SkillRef) {
	w = newWorld(seed)
	refunds, returns = w.skill("refunds", "a", 4000), w.skill("returns", "b", 4000)
	w.configured("clerk", events.AgentConfig{Model: "m", Prompt: "You are the desk.", Skills: []events.SkillRef{refunds, returns}})
	w.works("clerk", 200, refunds)
	return w, refunds, returns
}

// works has an agent do runs of two tasks, of which every other one loads a skill.
func (w *world) works(agent string, runs int, skill events.SkillRef) {
	for i := range runs {
		r := candidate.Run{Task: []string{"refund", "advice"}[i%2], Asked: fmt.Sprint("Question ", i)}
		if skill.Name != "" && i%4 < 2 {
			r.Skills = []string{skill.String()}
		}
		w.run(agent, .8, r)
	}
}

func TestASkillIsTriedToBeDoneWithout(t *testing.T) {
	t.Parallel()
	w, refunds, returns := desk(1)
	res := w.look()
	all := on(res, "clerk", events.ChangeSkills)
	if len(res.Proposals) != 1 || len(all) != 1 {
		t.Fatalf("%+v", res.Proposals)
	}
	p := all[0]
	// What half of the runs load takes about a quarter of what they read; what none does only its description.
	if !reflect.DeepEqual(*p.Change.Config, events.AgentConfig{Skills: []events.SkillRef{returns}}) || !p.Change.Tries() {
		t.Errorf("%+v", p.Change)
	}
	for _, part := range []string{"clerk carries the skill " + refunds.String() + ": about 516 tokens a run (51.6% of what it reads)", "100 of its 200 runs", "Nothing proves what comes of it"} {
		if !strings.Contains(p.Reason, part) {
			t.Errorf("the reason lacks %q: %s", part, p.Reason)
		}
	}
	if p.Expected.Change != 0 || p.Expected.Low != -1 || p.Expected.High != 1 || p.Evidence.N != 200 || p.Evidence.Counts["loaded"] != 100 || p.Strength != events.Moderate {
		t.Errorf("%+v", p)
	}
	// 200 runs of a month cost 20 cents; half of their tokens, and a bit less of all.
	if p.Worth == nil || p.Worth.Unit != events.LessDollars || p.Worth.Low != 0 || p.Worth.Month < .09 || p.Worth.Month > .1 {
		t.Errorf("%+v", p.Worth)
	}
	if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != p.Strength {
		t.Errorf("weighed %+v %v", s, ok)
	}
	if s, ok := res.Weigh(p.Claim, w.at); ok {
		t.Errorf("nobody has decided it: %+v", s)
	}
}

// Which skill is tried first goes by what it costs, and by how runs that loaded it went: as a hint, that claims nothing.
func TestSkillsAreRankedByWhatTheyCostAndByAHint(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		loadedA, loadedB float64
		bytesA, bytesB   int64
		first            string
	}{
		"the longer text":                  {.8, .8, 400, 4000, "b"},
		"the other is longer":              {.8, .8, 4000, 400, "a"},
		"alike, one goes with failures":    {.8, .2, 400, 400, "b"},
		"alike, the other one goes so":     {.2, .8, 400, 400, "a"},
		"what helps comes behind what not": {1, .8, 3000, 400, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(2)
			a, b := w.skill("alpha", "a", tt.bytesA), w.skill("beta", "b", tt.bytesB)
			w.configured("clerk", events.AgentConfig{Model: "m", Skills: []events.SkillRef{a, b}})
			for i := range 600 {
				r, rate := candidate.Run{Task: "t", Asked: fmt.Sprint(i), Input: 20_000, Answers: []int64{9, 9}}, .4
				switch i % 3 {
				case 0:
					r.Skills, rate = []string{a.String()}, tt.loadedA
				case 1:
					r.Skills, rate = []string{b.String()}, tt.loadedB
				}
				w.run("clerk", rate, r)
			}
			all := on(w.look(), "clerk", events.ChangeSkills)
			if len(all) != 1 || all[0].Claim.Subject[2][:1] != tt.first {
				t.Errorf("%+v", all)
			}
		})
	}
}

func TestWhatATrialDecidedOfASkillIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		given func(w *world, refunds, returns events.SkillRef)
		// first is the skill that is to be tried without, kept and taken are those that are told of.
		first, kept, taken string
	}{
		"nothing was tried": {func(*world, events.SkillRef, events.SkillRef) {}, "refunds", "", ""},
		"without it is worse": {func(w *world, _, returns events.SkillRef) {
			w.tried("clerk", projections.ExperimentRolledBack, returns)
		}, "returns", "refunds", ""},
		"nothing is sure": {func(w *world, _, returns events.SkillRef) { w.tried("clerk", projections.ExperimentExpired, returns) }, "returns", "refunds", ""},
		"both stay": {func(w *world, refunds, returns events.SkillRef) {
			w.tried("clerk", projections.ExperimentRolledBack, returns)
			w.tried("clerk", projections.ExperimentRolledBack, refunds)
		}, "", "returns refunds", ""},
		"it was broken off": {func(w *world, _, returns events.SkillRef) {
			w.tried("clerk", projections.ExperimentStopped, returns).DecidedBy = "manager:experiment"
		}, "refunds", "", ""},
		"something else was tried": {func(w *world, _, _ events.SkillRef) { w.tried("clerk", projections.ExperimentRolledBack) }, "refunds", "", ""},
		"it is another model by now": {func(w *world, refunds, returns events.SkillRef) {
			w.tried("clerk", projections.ExperimentRolledBack, returns)
			w.configured("clerk", events.AgentConfig{Model: "other", Skills: []events.SkillRef{refunds, returns}})
			w.works("clerk", 200, refunds)
		}, "refunds", "", ""},
		"it is another prompt by now": {func(w *world, refunds, returns events.SkillRef) {
			w.tried("clerk", projections.ExperimentRolledBack, returns)
			w.configured("clerk", events.AgentConfig{Model: "m", Prompt: "Be kind.", Skills: []events.SkillRef{refunds, returns}})
			w.works("clerk", 200, refunds)
		}, "returns", "refunds", ""},
		"it is another text by now": {func(w *world, _, returns events.SkillRef) {
			w.tried("clerk", projections.ExperimentRolledBack, returns)
			other := w.skill("refunds", "c", 4000)
			w.configured("clerk", events.AgentConfig{Model: "m", Skills: []events.SkillRef{other, returns}})
			w.works("clerk", 200, other)
		}, "refunds", "", ""},
		"it was taken away, and somebody gave it back": {func(w *world, refunds, returns events.SkillRef) {
			w.tried("clerk", projections.ExperimentPromoted, returns)
			w.configured("clerk", events.AgentConfig{Model: "m", Skills: []events.SkillRef{returns}})
			w.configured("clerk", events.AgentConfig{Model: "m", Skills: []events.SkillRef{refunds, returns}})
			w.works("clerk", 200, refunds)
		}, "returns", "", ""},
		"it was taken away, and somebody else has it": {func(w *world, refunds, returns events.SkillRef) {
			w.tried("clerk", projections.ExperimentPromoted, returns)
			w.tried("clerk", projections.ExperimentExpired) // and the other one stays
			w.configured("clerk", events.AgentConfig{Model: "m", Skills: []events.SkillRef{returns}})
			w.works("clerk", 200, events.SkillRef{})
			w.tried("clerk", projections.ExperimentExpired)
			w.configured("biller", events.AgentConfig{Model: "m", Skills: []events.SkillRef{refunds}})
			w.works("biller", 200, refunds)
		}, "", "returns", "refunds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, refunds, returns := desk(3)
			tt.given(w, refunds, returns)
			res := w.look()
			first := ""
			for _, p := range on(res, "clerk", events.ChangeSkills) {
				first += p.Claim.Subject[4]
			}
			told := map[string][]string{}
			for _, f := range res.Findings {
				skill, _, _ := strings.Cut(f.Subject[2], "@")
				if told[f.Kind] = append(told[f.Kind], skill); f.Subject[1] != "clerk" || f.Evidence.N != 120 || f.Analyst != "candidates" {
					t.Errorf("%+v", f)
				}
			}
			if first != tt.first || strings.Join(told[candidate.Kept], " ") != tt.kept || strings.Join(told[candidate.Taken], " ") != tt.taken {
				t.Errorf("to be tried %q, told %v", first, told)
			}
		})
	}
}

// A trial that ended for what happened beside it told nothing: it is asked again. One that a person stopped is not.
func TestWhatWasBrokenOffIsAskedAgain(t *testing.T) {
	t.Parallel()
	for by, want := range map[string]int{"manager:experiment": 1, "policy": 1, "user:anna": 0} {
		w, _, returns := desk(4)
		before := w.look()
		p := on(before, "clerk", events.ChangeSkills)[0]
		w.tried("clerk", projections.ExperimentStopped, returns).DecidedBy = by
		known := []evidence.Known{{Improvement: p.ID(), Analyst: p.Analyst, Generation: 1, Change: p.Change, Claim: p.Claim, Strength: p.Strength, Evidence: p.Evidence, Ended: true, EndedAt: w.at + 1}}
		proposals, _ := evidence.Settle(p.Analyst, known, w.look())
		if len(proposals) != want || want > 0 && (proposals[0].Generation != 2 || proposals[0].Previous != p.ID()) {
			t.Errorf("stopped by %s: %+v", by, proposals)
		}
	}
}

// While something is tried with an agent, whatever it is, nothing else is proposed; what waits to be decided is all that waits of its kind, and is withdrawn where it
// can't be tried any more.
func TestOneIsTriedAtATime(t *testing.T) {
	t.Parallel()
	w, refunds, returns := desk(5)
	p := on(w.look(), "clerk", events.ChangeSkills)[0]
	for _, status := range []string{projections.ExperimentPlanned, projections.ExperimentRunning, projections.ExperimentProved} {
		w.tried("clerk", status).Kind = string(events.ChangePrompt)
		if res := w.look(); len(res.Proposals) > 0 {
			t.Errorf("%s: %+v", status, res.Proposals)
		}
		w.agent("clerk").Experiments = nil
	}
	open := func(p evidence.Proposal) []evidence.Known {
		return []evidence.Known{{Improvement: p.ID(), Analyst: p.Analyst, Generation: 1, Change: p.Change, Claim: p.Claim, Strength: p.Strength, Evidence: p.Evidence, Open: true}}
	}
	// The other one would be worth more by now.
	w.Texts[returns] = projections.SkillTextRow{Bytes: 400_000}
	for i := range w.agent("clerk").Runs {
		w.agent("clerk").Runs[i].Skills = []string{returns.String()}
	}
	res := w.look()
	if now := on(res, "clerk", events.ChangeSkills); len(now) != 1 || now[0].ID() == p.ID() {
		t.Fatalf("%+v", now)
	}
	if proposals, changes := evidence.Settle(p.Analyst, open(p), res); len(proposals) > 0 || len(changes) > 0 {
		t.Errorf("beside what waits: %+v, %+v", proposals, changes)
	}
	other := p
	other.Change.Agent = "biller"
	if proposals, _ := evidence.Settle(p.Analyst, open(other), res); len(proposals) != 1 {
		t.Errorf("beside what waits of another agent: %+v", proposals)
	}
	w.configured("clerk", events.AgentConfig{Model: "m", Skills: []events.SkillRef{returns}})
	w.works("clerk", 200, refunds)
	if _, changes := evidence.Settle(p.Analyst, open(p), w.look()); len(changes) != 1 || changes[0].Strength != events.Gone {
		t.Errorf("it can't be tried any more: %+v", changes)
	}
}

// A skill that another agent has, and loads at the tasks that an agent has too, is worth a trial there.
func TestASkillOfAnotherAgentIsTried(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		task   func(i int) string
		loads  bool
		change func(w *world, refunds events.SkillRef)
		want   bool
	}{
		"at the same tasks":          {func(i int) string { return []string{"refund", "advice"}[i%2] }, true, nil, true},
		"at half of them":            {func(i int) string { return []string{"refund", "other"}[i%2] }, true, nil, true},
		"at a quarter of them":       {func(i int) string { return []string{"refund", "other", "other", "other"}[i%4] }, true, nil, false},
		"tasks of neither are named": {func(int) string { return "" }, true, nil, false},
		"it never loads it there":    {func(i int) string { return []string{"refund", "advice"}[i%2] }, false, nil, false},
		"it was tried": {func(i int) string { return []string{"refund", "advice"}[i%2] }, true, func(w *world, refunds events.SkillRef) {
			w.tried("clerk", projections.ExperimentRolledBack, refunds)
		}, false},
		"it had it once": {func(i int) string { return []string{"refund", "advice"}[i%2] }, true, func(w *world, refunds events.SkillRef) {
			a := w.agent("clerk")
			a.Versions = append([]projections.AgentVersionRow{{Config: events.AgentConfig{Model: "m", Skills: []events.SkillRef{refunds}}}}, a.Versions...)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(6)
			refunds := w.skill("refunds", "a", 400)
			w.configured("biller", events.AgentConfig{Model: "m", Skills: []events.SkillRef{refunds}})
			w.configured("clerk", events.AgentConfig{Model: "m", Prompt: "You are the desk."})
			loads := events.SkillRef{}
			if tt.loads {
				loads = refunds
			}
			w.works("biller", 200, loads)
			if tt.task(0) == "" {
				for i := range w.agent("biller").Runs {
					w.agent("biller").Runs[i].Task = ""
				}
			}
			for i := range 200 {
				w.run("clerk", .8, candidate.Run{Task: tt.task(i), Asked: fmt.Sprint(i)})
			}
			if tt.change != nil {
				tt.change(w, refunds)
			}
			all := on(w.look(), "clerk", events.ChangeSkills)
			if (len(all) == 1) != tt.want {
				t.Fatalf("%+v", all)
			}
			if tt.want && (!reflect.DeepEqual(*all[0].Change.Config, events.AgentConfig{Skills: []events.SkillRef{refunds}}) || all[0].Expected.Change != 0) {
				t.Errorf("%+v", all[0])
			}
		})
	}
}

// A text that a trial gave one agent in place of another one is worth a trial at whoever has that one still.
func TestATextThatWonElsewhereIsTried(t *testing.T) {
	t.Parallel()
	w, refunds, returns := desk(7)
	edit := w.skill("refunds", "e", 4000)
	w.configured("biller", events.AgentConfig{Model: "m", Skills: []events.SkillRef{refunds}})
	w.at++
	won := w.tried("biller", projections.ExperimentRolledBack, edit)
	w.configured("biller", events.AgentConfig{Model: "m", Skills: []events.SkillRef{edit}})
	if all := on(w.look(), "clerk", events.ChangeSkills); len(all) != 1 || slices.Contains(all[0].Change.Config.Skills, edit) {
		t.Errorf("it has won nowhere: %+v", all)
	}
	won.Status = projections.ExperimentPromoted
	all := on(w.look(), "clerk", events.ChangeSkills)
	if len(all) != 1 || !slices.Equal(all[0].Change.Config.Skills, []events.SkillRef{edit, returns}) || !strings.Contains(all[0].Reason, "which clerk still has") {
		t.Fatalf("%+v", all)
	}
	w.tried("clerk", projections.ExperimentRolledBack, edit, returns)
	all = on(w.look(), "clerk", events.ChangeSkills)
	if len(all) != 1 || slices.Contains(all[0].Change.Config.Skills, edit) {
		t.Errorf("it was tried: %+v", all)
	}
}

// Few runs tell nothing, and who has no skill has none to be tried.
func TestNothingIsTriedWithoutGround(t *testing.T) {
	t.Parallel()
	w := newWorld(8)
	refunds := w.skill("refunds", "a", 4000)
	w.configured("clerk", events.AgentConfig{Model: "m", Skills: []events.SkillRef{refunds}})
	w.works("clerk", 99, refunds)
	w.configured("biller", events.AgentConfig{Model: "m"})
	for i := range 500 {
		w.run("biller", .8, candidate.Run{Task: "x", Asked: fmt.Sprint(i)})
	}
	if res := w.look(); len(res.Proposals)+len(res.Findings) > 0 {
		t.Errorf("%+v", res)
	}
}

// In a world where hard tasks load a skill more often, and fail more often, nothing causes anything. What is proposed there foretells nothing, and says so.
func TestNothingIsClaimedOfWhatIsToBeTried(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		w := newWorld(100 + seed)
		refunds := w.skill("refunds", "a", 4000)
		temperature := 1.0
		w.configured("clerk", events.AgentConfig{Model: "m", Temperature: &temperature, MaxTokens: 500, Skills: []events.SkillRef{refunds}})
		for i := range 600 {
			hard := w.IntN(2) == 0
			r, rate := candidate.Run{Task: "t", Asked: fmt.Sprint("Question ", i%100)}, .95
			if hard {
				rate = .5
			}
			if hard == (w.IntN(5) > 0) {
				r.Skills = []string{refunds.String()}
			}
			r.Input, r.Cut = 1000, w.IntN(20) == 0
			r.Answers = []int64{int64(w.IntN(400))}
			w.run("clerk", rate, r)
		}
		res := w.look()
		if len(res.Proposals) == 0 {
			t.Fatal("nothing is to be tried")
		}
		for _, p := range res.Proposals {
			if p.Expected.Change != 0 || p.Expected.Low >= 0 || p.Expected.High <= 0 || !strings.Contains(p.Reason, "Nothing proves what comes of it") {
				t.Errorf("%s: %+v", p.Reason, p.Expected)
			}
		}
		for _, f := range res.Findings {
			t.Errorf("found %s", f.Text)
		}
	}
}

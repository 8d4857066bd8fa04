package managers_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

var wholeWorld = flag.Bool("world", false, "the whole world of planted truths, and its table in docs/loop.md")

// candidate is a change with what it truly does to the success of runs.
type candidate struct {
	id, agent string
	effect    float64
}

// world is one of planted truths: some candidates are better by ten points, some worse, most do nothing.
type world struct {
	candidates []candidate
	base       map[string]float64
	seed       uint64
}

// newWorld deals candidates of the three kinds out to agents, in an order of chance.
func newWorld(seed uint64, agents, better, null, harmful int) world {
	r := rand.New(rand.NewPCG(seed, 1))
	var effects []float64
	for _, kind := range []struct {
		n      int
		effect float64
	}{{better, .1}, {null, 0}, {harmful, -.1}} {
		for range kind.n {
			effects = append(effects, kind.effect)
		}
	}
	r.Shuffle(len(effects), func(i, j int) { effects[i], effects[j] = effects[j], effects[i] })
	w := world{base: map[string]float64{}, seed: seed}
	for i, effect := range effects {
		agent := fmt.Sprintf("agent%02d", i%agents)
		w.base[agent] = .45 + .2*r.Float64()
		w.candidates = append(w.candidates, candidate{fmt.Sprintf("c%03d", i), agent, effect})
	}
	return w
}

// mood is how much easier than usual the work is at a time: it changes for both arms alike.
func mood(at time.Time) float64 {
	return .08 * math.Sin(2*math.Pi*float64(at.Unix()%86400)/86400)
}

// count is what became of the candidates, by what they truly are.
type count struct {
	better, null, harmful int
	runs                  int
}

func (c *count) keep(effect float64) {
	switch {
	case effect > 0:
		c.better++
	case effect < 0:
		c.harmful++
	default:
		c.null++
	}
}

// wrong is the share of what was kept that is no better.
func (c count) wrong() float64 {
	return float64(c.null+c.harmful) / float64(max(c.better+c.null+c.harmful, 1))
}

// loop lets the loop try every candidate, one run a minute of each agent. It returns the facts of the experiments too.
// Where kills is given, the process is killed at moments of chance.
func (w world) loop(t testing.TB, kills *rand.Rand) (kept count, log []byte, killed int) {
	c := newCampaign(t, aggregates.Policy{})
	c.dies = kills
	waiting := map[string][]candidate{}
	for _, x := range w.candidates {
		if waiting[x.agent] == nil {
			if err := c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: x.agent}); err != nil {
				t.Fatal(err)
			}
		}
		waiting[x.agent] = append(waiting[x.agent], x)
		c.plan(x.id, x.agent, func(p *commands.PlanExperiment) { p.Config.Prompt = x.id; p.Plan.MaxDays = 365 })
	}
	r := rand.New(rand.NewPCG(w.seed, 2))
	base := map[string]float64{}
	for agent, p := range w.base {
		base[agent] = p
	}
	for busy := true; busy; {
		busy = false
		for i := range len(waiting) {
			agent := fmt.Sprintf("agent%02d", i)
			if len(waiting[agent]) == 0 {
				continue
			}
			busy = true
			x := waiting[agent][0]
			e := c.experiment(x.id)
			if e.Over() {
				if e.Share == 1000 {
					kept.keep(x.effect)
					base[agent] += x.effect
				}
				waiting[agent] = waiting[agent][1:]
				continue
			}
			p := base[agent] + mood(c.now)
			c.run(r, agent, x.id, e.Share, truth{p, 1e6, 2}, truth{p + x.effect, 1e6, 2})
		}
		c.now = c.now.Add(time.Minute)
	}
	kept.runs = c.runs
	var b bytes.Buffer
	for _, e := range c.log {
		fmt.Fprintf(&b, "%s %+v\n", e.Kind(), e)
	}
	return kept, b.Bytes(), c.killed
}

// heldOut keeps each candidate that does strictly better on a hundred tasks that were held out, each tried once by both.
func (w world) heldOut() (kept count) {
	r := rand.New(rand.NewPCG(w.seed, 3))
	for _, x := range w.candidates {
		with, without := 0, 0
		for range 100 {
			if r.Float64() < w.base[x.agent]+x.effect {
				with++
			}
			if r.Float64() < w.base[x.agent] {
				without++
			}
		}
		kept.runs += 200
		if with > without {
			kept.keep(x.effect)
		}
	}
	return kept
}

// daily looks at a test of two proportions after each day of 1,440 runs, a quarter of them with the change, and stops at
// p < .05. It ends with as many runs as the loop has at most.
func (w world) daily() (kept count) {
	r := rand.New(rand.NewPCG(w.seed, 4))
	for _, x := range w.candidates {
		var n, s [2]float64
		at := noon
		for run := 1; run <= int(aggregates.DefaultPlan().MaxRuns); run++ {
			at = at.Add(time.Minute)
			arm, p := 0, w.base[x.agent]+mood(at)
			if r.Float64() < .25 {
				arm, p = 1, p+x.effect
			}
			n[arm]++
			if r.Float64() < p {
				s[arm]++
			}
			kept.runs++
			if run%1440 != 0 {
				continue
			}
			pooled := (s[0] + s[1]) / (n[0] + n[1])
			z := (s[1]/n[1] - s[0]/n[0]) / math.Sqrt(pooled*(1-pooled)*(1/n[0]+1/n[1]))
			if math.Abs(z) > 1.96 {
				if z > 0 {
					kept.keep(x.effect)
				}
				break
			}
		}
	}
	return kept
}

// sameArms holds experiments of which the arms do the same, looked at after each run.
func sameArms(t testing.TB, seed uint64, experiments int, runs int64) (promoted, rolledBack int) {
	for i := range experiments {
		c := newCampaign(t, aggregates.Policy{})
		r := rand.New(rand.NewPCG(seed, uint64(1000+i)))
		c.plan("x", "clerk", func(p *commands.PlanExperiment) { p.Plan.MaxRuns = runs; p.Plan.MaxDays = 365 })
		base := .3 + .6*r.Float64()
		for !c.experiment("x").Over() {
			p := base + mood(c.now)
			c.run(r, "clerk", "x", c.experiment("x").Share, truth{p, 1e6, 2}, truth{p, 1e6, 2})
			c.now = c.now.Add(time.Minute)
		}
		if _, found := last[events.ExperimentPromoted](c); found {
			promoted++
		}
		if _, found := last[events.ExperimentRolledBack](c); found {
			rolledBack++
		}
	}
	return promoted, rolledBack
}

// whatIfs has what-if tell of experiments in worlds of which the truth is known: tasks that differ, a change that does another thing to
// each, a share that grows, and work that gets harder while it does. It tells in how many anything was told, and was right.
func whatIfs(t testing.TB, seed uint64, worlds int) (covered, told int) {
	for i := range worlds {
		r := rand.New(rand.NewPCG(seed, uint64(2000+i)))
		tasks := 1 + r.IntN(8)
		base, effect, truth := make([]float64, tasks), make([]float64, tasks), 0.
		for k := range tasks {
			base[k] = .3 + .6*r.Float64()
			effect[k] = max(-base[k], min(1-base[k], .3*r.NormFloat64()))
			truth += effect[k] / float64(tasks)
		}
		runs := 1000 + r.IntN(1000)
		var draws []stats.Draw
		for n := range runs {
			unit, share, easy := fmt.Sprint("r", n), 50, 1.
			if n > runs/3 {
				share, easy = 250, .8
			}
			candidate, permille := aggregates.Draw(fmt.Sprint("x", i), unit, share)
			task := r.IntN(tasks)
			p, outcome := base[task], 0.
			if candidate {
				p += effect[task]
			}
			if r.Float64() < p*easy {
				outcome = 1
			}
			draws = append(draws, stats.Draw{Unit: unit, Stratum: fmt.Sprint(task), Candidate: candidate, Chance: float64(permille) / 1000, Outcome: outcome})
		}
		truth *= (1 + 2*.8) / 3
		w, err := stats.Estimate(draws, func(string) bool { return true }, .95)
		if err != nil {
			t.Fatal(err)
		}
		if w.Effective < 100 {
			continue
		}
		if told++; w.Interval.Low <= truth && truth <= w.Interval.High {
			covered++
		}
	}
	return covered, told
}

// whatIfsOfSeveral is that of experiments on three candidates, whose shares follow what was seen of them, and of which the last goes out on the way. It
// tells in how many of the candidates anything was told, and was right.
func whatIfsOfSeveral(t testing.TB, seed uint64, worlds int) (covered, told int) {
	for i := range worlds {
		r := rand.New(rand.NewPCG(seed, uint64(3000+i)))
		tasks := 1 + r.IntN(4)
		success := make([][4]float64, tasks) // of each arm, the control's first
		for k := range tasks {
			for arm := range 4 {
				success[k][arm] = .1 + .8*r.Float64()
			}
		}
		x := aggregates.Experiment{Shares: []int{850, 50, 50, 50}}
		x.Experiment, x.Others = fmt.Sprint("x", i), make([]events.AgentConfig, 2)
		runs := 1500 + r.IntN(1500)
		var draws [3][]stats.Draw
		var truth, there [3]float64
		var seen, good [4]float64
		for n := range runs {
			easy := 1.
			if n > runs/3 {
				easy = .8
			}
			if n%50 == 49 { // the leader gets half of the runs, and what was seen least of the others nothing less than it has to
				lead := 1
				for arm := 1; arm < 4; arm++ {
					if good[arm]/max(1, seen[arm]) > good[lead]/max(1, seen[lead]) {
						lead = arm
					}
				}
				x.Shares = []int{350, 50, 50, 50}
				x.Shares[lead] += 500
				if n > runs/2 && lead != 3 {
					x.Shares[0], x.Shares[3] = x.Shares[0]+50, 0
				}
			}
			unit, task := fmt.Sprint("r", n), r.IntN(tasks)
			drawn := x.Draw(unit)
			arm := 0
			if j, is := events.CandidateOf(drawn.Arm); is {
				arm = j + 1
			}
			outcome := 0.
			if r.Float64() < success[task][arm]*easy {
				outcome = 1
			}
			seen[arm], good[arm] = seen[arm]+1, good[arm]+outcome
			for j := range draws {
				if x.Shares[j+1] == 0 {
					continue
				}
				there[j]++
				for _, s := range success {
					truth[j] += (s[j+1] - s[0]) * easy / float64(tasks)
				}
				draws[j] = append(draws[j], stats.Draw{
					Unit: unit, Stratum: fmt.Sprint(task), Candidate: arm == j+1, Elsewhere: arm != 0 && arm != j+1, Chance: float64(drawn.Permille) / 1000, Outcome: outcome,
				})
			}
		}
		for j := range draws {
			w, err := stats.Estimate(draws[j], func(string) bool { return true }, .95)
			if err != nil {
				t.Fatal(err)
			}
			if w.Effective < 100 {
				continue
			}
			if told++; w.Interval.Low <= truth[j]/there[j] && truth[j]/there[j] <= w.Interval.High {
				covered++
			}
		}
	}
	return covered, told
}

// The loop finds what is better, keeps nothing that harms, and little that does nothing, in a world whose truth is known.
// `make loop` runs the whole of it and writes the table.
func TestTheLoopInAWorldOfPlantedTruths(t *testing.T) {
	t.Parallel()
	agents, better, null, harmful, same, runs := 2, 3, 6, 3, 20, int64(500)
	if *wholeWorld {
		agents, better, null, harmful, same, runs = 20, 20, 160, 20, 1000, 4000
	}
	w := newWorld(20261128, agents, better, null, harmful)
	kept, log, _ := w.loop(t, nil)
	if _, again, _ := w.loop(t, nil); !bytes.Equal(log, again) {
		t.Error("the same world gives other facts")
	}
	_, disturbed, killed := w.loop(t, rand.New(rand.NewPCG(w.seed, 5)))
	if !bytes.Equal(log, disturbed) || killed < 3 {
		t.Errorf("killed %d times it decides otherwise", killed)
	}
	worlds := 20
	if *wholeWorld {
		worlds = 1000
	}
	covered, told := whatIfs(t, 11, worlds)
	coveredSeveral, toldSeveral := whatIfsOfSeveral(t, 17, worlds)
	type field struct{ arms, uniform, topTwo int }
	var fields []field
	for _, arms := range []int{3, 5, 8} {
		uniform, topTwo, wrong := races(13, arms, worlds/10)
		fields = append(fields, field{arms, uniform, topTwo})
		if wrong*20 > worlds/10 {
			t.Errorf("of %d arms the best one is not found %d times", arms, wrong)
		}
	}
	if eight := fields[2]; eight.topTwo*4 > eight.uniform*3 {
		t.Errorf("top-two sampling among %d arms takes %d runs, equal shares %d", eight.arms, eight.topTwo, eight.uniform)
	}
	promoted, rolledBack := sameArms(t, 7, same, runs)
	if kept.harmful > 0 || kept.wrong() > .05 || kept.better*5 < better*4 {
		t.Errorf("kept %+v", kept)
	}
	if (promoted+rolledBack)*20 > same {
		t.Errorf("%d experiments without a difference: %d promoted, %d rolled back", same, promoted, rolledBack)
	}
	if covered*100 < told*93 || told*2 < worlds {
		t.Errorf("what-if told of %d in %d worlds, and was right in %d", told, worlds, covered)
	}
	if coveredSeveral*100 < toldSeveral*93 || toldSeveral < worlds {
		t.Errorf("what-if told of %d candidates of several in %d worlds, and was right of %d", toldSeveral, worlds, coveredSeveral)
	}
	if !*wholeWorld {
		return
	}
	heldOut, daily := w.heldOut(), w.daily()
	var b strings.Builder
	fmt.Fprintf(&b, "| %d candidates: %d better by 10 points, %d that do nothing, %d worse by 10 | the better, found | nothing, kept | the worse, kept | of what was kept, no better | runs |\n|---|---|---|---|---|---|\n",
		better+null+harmful, better, null, harmful)
	for _, row := range []struct {
		name string
		count
	}{{"the loop", kept}, {"one strict comparison on 100 held-out tasks", heldOut}, {"p < .05, looked at daily", daily}} {
		fmt.Fprintf(&b, "| %s | %d of %d | %d of %d | %d of %d | %.0f%% | %d |\n",
			row.name, row.better, better, row.null, null, row.harmful, harmful, 100*row.wrong(), row.runs)
	}
	fmt.Fprintf(&b, "\n%d experiments whose arms do the same, looked at after each of %d runs: %d promoted, %d rolled back.\n", same, runs, promoted, rolledBack)
	fmt.Fprintf(&b, "\nThe process of the loop killed %d times, each time between a fact and what it makes it do: the same decisions, byte for byte.\n", killed)
	fmt.Fprintf(&b, "\nWhat-if in %d worlds of known truth: told in %d, and the truth is within its 95%% interval in %d of them, %.1f%%.\n", worlds, told, covered, 100*float64(covered)/float64(told))
	fmt.Fprintf(&b, "\nOf three candidates at once, in as many worlds, with shares that follow what is seen: told of %d of %d, and the truth is within the interval of %d of them, %.1f%%.\n",
		toldSeveral, 3*worlds, coveredSeveral, 100*float64(coveredSeveral)/float64(toldSeveral))
	b.WriteString("\n| the best of so many arms, at 5% | runs by equal shares | by top-two sampling | fewer |\n|---|---|---|---|\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "| %d | %d | %d | %.0f%% |\n", f.arms, f.uniform/(worlds/10), f.topTwo/(worlds/10), 100*(1-float64(f.topTwo)/float64(f.uniform)))
	}
	t.Log("\n" + b.String())
	writeTable(t, b.String())
}

// writeTable puts the table into docs/loop.md, between its marks.
func writeTable(t *testing.T, table string) {
	const begin, end = "<!-- made by `make loop` -->\n", "<!-- until here -->\n"
	name := filepath.Join("..", "docs", "loop.md")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(data), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s lacks the marks %q and %q", name, begin, end)
	}
	if err := os.WriteFile(name, []byte(head+begin+table+end+tail), 0o600); err != nil {
		t.Fatal(err)
	}
}

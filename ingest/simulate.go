package ingest

import (
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// Simulation makes a history with planted truths, to test importers, engines and analysts on. The same values give the
// same history on every machine: all decisions are made with integers. A longer simulation begins with the shorter one.
// The zero value works.
type Simulation struct {
	Seed uint64
	// Runs is the number of runs. Default: as many as Events asks for, or 1,000.
	Runs int
	// Events makes as many runs as reach that number of run facts. Runs goes before it.
	Events int
	// Start is when the first run starts. Default 2026-01-05 09:00 UTC; one run follows about every half a minute.
	Start time.Time
	// Workflows (default 5), Agents (default 12) and Tasks a workflow (default 40), each at most 1,000.
	Workflows, Agents, Tasks int
	// NoisePermille of the steps are dropped, replaced or preceded by another. Default 200; -1 for none.
	NoisePermille int
	// Patterns is the number of planted step sequences, spread over the workflows, that make success likelier.
	// Default 20, at most 12 a workflow; -1 for none.
	Patterns int
	// Factors is the number of planted success factors, and of failure factors. Default 3, at most 3 a workflow;
	// -1 for none.
	Factors int
	// Null plants nothing: what a run does has no bearing on how it ends. Tasks still differ, and hard tasks are still
	// worked on in other ways than easy ones, so that a naive comparison finds what is not there.
	Null bool
	// World makes one of SimulationWorlds instead: a history of one workflow in which no step has any effect, built so that a
	// naive comparison finds one. Runs (default 600) is its length.
	World string
}

// SimulationTruths is what a simulation planted, as data.
type SimulationTruths struct {
	Null     bool                `json:"null"`
	Patterns []SimulationPattern `json:"patterns"`
	Factors  []SimulationFactor  `json:"factors"`
}

// SimulationPattern is a planted sequence of steps: runs that hold it in this order succeed more often.
type SimulationPattern struct {
	Workflow       string   `json:"workflow"`
	Steps          []string `json:"steps"`
	EffectPermille int      `json:"effect_permille"`
}

// SimulationFactor is something about a run that makes success likelier, or less likely where the effect is negative.
// Subject tells what, as an analyst would: ["contains", step], ["repeats", step], ["label", key, value],
// ["agent", name], ["model", name].
type SimulationFactor struct {
	Workflow       string   `json:"workflow"`
	Subject        []string `json:"subject"`
	EffectPermille int      `json:"effect_permille"`
	// Planted factors are the ones to be found. The others are differences in skill, true but small.
	Planted bool `json:"planted"`
}

// Truths are what the history has in it.
func (s Simulation) Truths() SimulationTruths {
	w := newSimulatedWorld(s)
	truths := SimulationTruths{Null: s.Null || s.World != "", Patterns: []SimulationPattern{}, Factors: []SimulationFactor{}}
	for _, wf := range w.workflows {
		for _, p := range wf.patterns {
			if wf.patternEffect != 0 {
				truths.Patterns = append(truths.Patterns, SimulationPattern{wf.name, wf.stepNames(p), wf.patternEffect})
			}
		}
		truths.Factors = append(truths.Factors, wf.factors...)
	}
	return truths
}

// Records yields the history as what an importer would make of it.
func (s Simulation) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for _, r := range s.runs() {
			if !yield(r.record()) {
				return
			}
		}
	}
}

// runs yields the simulated runs with their number.
func (s Simulation) runs() iter.Seq2[int, *simulatedRun] {
	return func(yield func(int, *simulatedRun) bool) {
		w := newSimulatedWorld(s)
		total, facts := s.Runs, 0
		if total <= 0 && s.Events <= 0 {
			total = w.Runs
			if total <= 0 {
				total = 1000
			}
		}
		for i := 0; total > 0 && i < total || total <= 0 && facts < s.Events; i++ {
			var r *simulatedRun
			if s.World != "" {
				r = w.nullRun(i)
			} else {
				r = w.run(i)
			}
			facts += r.facts()
			if !yield(i, r) {
				return
			}
		}
	}
}

// simulatedRun is one run before it becomes commands or a line.
type simulatedRun struct {
	world                           *simulatedWorld
	name, workflow, task, requester string
	prompt, answer, failure         string
	channel, region                 string
	outcome                         events.Outcome
	started, ended                  time.Time
	steps                           []simulatedStep
	feedback                        *simulatedFeedback
	agent                           string
}

type simulatedStep struct {
	simulatedActivity
	agent, model          string
	started, ended        time.Time
	failure               string
	input, output, cached int64
	cost                  events.Nanos
	asked, answered       string
}

type simulatedFeedback struct {
	user, text string
	score      float64
	at         time.Time
}

// facts counts what the run's commands become.
func (r *simulatedRun) facts() int {
	n := 2 + 2*len(r.steps)
	for _, s := range r.steps {
		if s.model != "" {
			n++
		}
	}
	return n
}

// run makes the i-th run from a generator of its own, so that it is the same in every simulation of that length or more.
func (w *simulatedWorld) run(i int) *simulatedRun {
	rng := rand.New(rand.NewPCG(w.Seed, uint64(i)+1))
	wf := &w.workflows[rng.IntN(len(w.workflows))]
	task := &wf.tasks[rng.IntN(len(wf.tasks))]
	model := &simulatedModels[rng.IntN(len(simulatedModels))]
	r := &simulatedRun{
		world: w, name: w.runName(i), workflow: wf.name, task: task.name,
		requester: simulatedPeople[rng.IntN(len(simulatedPeople))],
		prompt:    w.text(rng), answer: w.text(rng),
		channel: simulatedChannels[rng.IntN(len(simulatedChannels))],
		region:  simulatedRegions[rng.IntN(len(simulatedRegions))],
		agent:   wf.agents[rng.IntN(len(wf.agents))],
		started: w.Start.Add(time.Duration(i)*30*time.Second + time.Duration(rng.IntN(20_000))*time.Millisecond),
	}
	trace := wf.trace(rng, task, w.NoisePermille)

	chance := task.chance
	if wf.holdsPattern(trace) {
		chance += wf.patternEffect
	}
	for _, f := range wf.factors {
		if r.has(f.Subject, wf, trace, model.name) {
			chance += f.EffectPermille
		}
	}
	r.outcome = events.Failed
	if rng.IntN(1000) < min(max(chance, 20), 980) {
		r.outcome = events.Succeeded
	}
	if rng.IntN(1000) < 20 {
		r.outcome = events.Cancelled
	}
	r.walk(rng, wf, trace, model)
	r.judge(rng)
	return r
}

// walk turns the trace into steps, one after the other.
func (r *simulatedRun) walk(rng *rand.Rand, wf *simulatedWorkflow, trace []int, model *simulatedModel) {
	at := r.started
	r.steps = make([]simulatedStep, len(trace))
	for i, x := range trace {
		activity := wf.activities[x]
		// A step takes its usual time, twice or thrice that, and now and then sixteen times as long.
		takes := activity.takes * time.Duration(100+rng.IntN(200)) / 100
		if rng.IntN(50) == 0 {
			takes *= 16
		}
		s := simulatedStep{simulatedActivity: activity, agent: r.agent, started: at, ended: at.Add(takes)}
		if activity.kind == events.ChatStep {
			s.model = model.name
			s.input, s.output = int64(400+rng.IntN(3000)), int64(40+rng.IntN(600))
			s.cached = s.input / 4 * int64(rng.IntN(3)) / 2
			s.cost = events.Add(events.Nanos(s.input)*model.input, events.Nanos(s.output)*model.output)
			s.asked, s.answered = r.world.text(rng), r.world.text(rng)
		}
		if rng.IntN(1000) < 20 {
			s.failure = simulatedErrors[rng.IntN(len(simulatedErrors))]
		}
		at = s.ended.Add(time.Duration(rng.IntN(400)) * time.Millisecond)
		r.steps[i] = s
	}
	r.ended = at
	if r.outcome == events.Failed {
		r.failure = simulatedErrors[rng.IntN(len(simulatedErrors))]
		// A failed run mostly shows at its last step. Not so where nothing may have a bearing on the outcome.
		if !r.world.Null && rng.IntN(1000) < 600 && len(r.steps) > 0 {
			r.steps[len(r.steps)-1].failure = r.failure
		}
	}
}

// judge gives feedback on one run in twenty.
func (r *simulatedRun) judge(rng *rand.Rand) {
	if rng.IntN(1000) >= 50 {
		return
	}
	f := &simulatedFeedback{user: r.requester, text: "Did what I asked for.", score: 1, at: r.ended.Add(5 * time.Minute)}
	if r.outcome != events.Succeeded {
		f.text, f.score = "Not what I asked for.", 0
	}
	r.feedback = f
}

// has tells whether the run has what a factor is about.
func (r *simulatedRun) has(subject []string, wf *simulatedWorkflow, trace []int, model string) bool {
	switch subject[0] {
	case "contains":
		return wf.count(trace, subject[1]) >= 1
	case "repeats":
		return wf.count(trace, subject[1]) >= 2
	case "label":
		return subject[2] == r.channel || subject[2] == r.region
	case "agent":
		return subject[1] == r.agent
	}
	return subject[1] == model && slices.ContainsFunc(trace, func(x int) bool { return wf.activities[x].kind == events.ChatStep })
}

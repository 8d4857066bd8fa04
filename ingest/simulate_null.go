package ingest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// simulatedNull is a world in which no step has any effect, made so that a naive comparison finds one. name tells which.
type simulatedNull struct {
	about string
	// make fills in what a run of the world is: its task and requester, how it goes and how it ends.
	make func(w *simulatedWorld, rng *rand.Rand, i int, r *simulatedRun)
}

// simulatedNulls are the worlds by their names.
var simulatedNulls = map[string]simulatedNull{
	"hard-named":   {"hard tasks are worked on with other steps; tasks are named", hardNull(true)},
	"hard-unnamed": {"the same, tasks not named", hardNull(false)},
	"death":        {"a run may die at any step", deathNull},
	"step-limit":   {"failing agents run on into a limit of 15 steps", stepLimitNull},
	"renamed":      {"the task mix gets harder at half time, and a step is renamed at another time for other reasons", renamedNull},
	"retries":      {"steps fail by chance and are repeated", retriesNull},
	"outcome-step": {"the last step only tells the end", outcomeStepNull},
	"requesters":   {"twelve requesters with easier or harder wishes and a taste for some tools", requestersNull},
}

// SimulationWorlds lists the names of the worlds.
func SimulationWorlds() []string { return slices.Sorted(maps.Keys(simulatedNulls)) }

// AboutWorld says in a sentence how a world is made.
func AboutWorld(name string) string { return simulatedNulls[name].about }

const simulatedNullTasks = 12

// nullRun makes the i-th run of a world without effects.
func (w *simulatedWorld) nullRun(i int) *simulatedRun {
	rng := rand.New(rand.NewPCG(w.Seed, uint64(i)+1))
	r := &simulatedRun{
		world: w, name: w.runName(i), workflow: w.World, agent: "agent-01",
		requester: simulatedPeople[rng.IntN(len(simulatedPeople))],
		prompt:    w.text(rng), answer: w.text(rng),
		channel: simulatedChannels[rng.IntN(len(simulatedChannels))],
		region:  simulatedRegions[rng.IntN(len(simulatedRegions))],
		started: w.Start.Add(time.Duration(i)*10*time.Minute + time.Duration(rng.IntN(60_000))*time.Millisecond),
	}
	simulatedNulls[w.World].make(w, rng, i, r)
	at := r.started
	for n := range r.steps {
		s := &r.steps[n]
		s.kind, s.agent = events.ToolStep, r.agent
		s.started, s.ended = at, at.Add(time.Duration(200+rng.IntN(2000))*time.Millisecond)
		at = s.ended
	}
	r.ended = at
	if r.outcome == events.Failed {
		r.failure = simulatedErrors[rng.IntN(len(simulatedErrors))]
	}
	return r
}

// chance is the success of a task of a null world, in permille: two of three are easy.
func nullChance(task int) (permille int, hard bool) {
	if task%3 == 0 {
		return 200 + 20*task, true
	}
	return 720 + 15*task, false
}

func (r *simulatedRun) step(name string) {
	r.steps = append(r.steps, simulatedStep{simulatedActivity: simulatedActivity{step: name}})
}

// end succeeds in permille of all cases.
func (r *simulatedRun) end(rng *rand.Rand, permille int) {
	r.outcome = events.Failed
	if rng.IntN(1000) < permille {
		r.outcome = events.Succeeded
	}
}

func hardNull(named bool) func(*simulatedWorld, *rand.Rand, int, *simulatedRun) {
	return func(_ *simulatedWorld, rng *rand.Rand, _ int, r *simulatedRun) {
		task := rng.IntN(simulatedNullTasks)
		chance, hard := nullChance(task)
		if named {
			r.task = fmt.Sprintf("task-%02d", task)
		}
		escalate, review := 200, 250
		if hard {
			escalate, review = 750, 600
		}
		r.step("plan")
		some := []string{}
		for _, s := range []struct {
			name     string
			permille int
		}{{"search", 600}, {"check", 500}, {"look_up", 400}, {"escalate", escalate}, {"review", review}} {
			if rng.IntN(1000) < s.permille {
				some = append(some, s.name)
			}
		}
		for _, n := range rng.Perm(len(some)) {
			r.step(some[n])
		}
		r.step("answer")
		r.end(rng, chance)
	}
}

func deathNull(_ *simulatedWorld, rng *rand.Rand, _ int, r *simulatedRun) {
	r.task = fmt.Sprintf("task-%02d", rng.IntN(simulatedNullTasks))
	for _, s := range []struct {
		name     string
		permille int
	}{{"plan", 1000}, {"search", 500}, {"check", 500}, {"draft", 1000}, {"review", 500}, {"publish", 1000}} {
		if rng.IntN(1000) >= s.permille {
			continue
		}
		r.step(s.name)
		if rng.IntN(1000) < 90 {
			r.outcome = events.Failed
			return
		}
	}
	r.end(rng, 900)
}

func stepLimitNull(_ *simulatedWorld, rng *rand.Rand, _ int, r *simulatedRun) {
	r.task = fmt.Sprintf("task-%02d", rng.IntN(simulatedNullTasks))
	names := []string{"plan", "search", "check", "draft", "test", "edit", "read", "ask"}
	r.end(rng, 600)
	length := 15
	if r.outcome == events.Succeeded {
		length = 3 + rng.IntN(6)
	}
	for range length {
		r.step(names[rng.IntN(len(names))])
	}
}

func renamedNull(w *simulatedWorld, rng *rand.Rand, i int, r *simulatedRun) {
	total := max(w.Runs, 1)
	easy, name := 800, "search"
	if i >= total/2 {
		easy = 350
	}
	if renamed := total * (30 + int(w.Seed%5)*10) / 100; i >= renamed {
		name = "search_v2"
	}
	chance := 250
	if rng.IntN(1000) < easy {
		chance = 800
	}
	r.step("plan")
	for _, s := range []string{name, "check", "draft", "review"} {
		if rng.IntN(1000) < 700 {
			r.step(s)
		}
	}
	r.step("answer")
	r.end(rng, chance)
}

func retriesNull(_ *simulatedWorld, rng *rand.Rand, _ int, r *simulatedRun) {
	task := rng.IntN(simulatedNullTasks)
	chance, _ := nullChance(task)
	r.task = fmt.Sprintf("task-%02d", task)
	names := []string{"plan", "search", "check", "draft", "answer"}
	for _, name := range names {
		for range 3 {
			r.step(name)
			if rng.IntN(1000) >= 150 {
				break
			}
			r.steps[len(r.steps)-1].failure = "timeout: no answer within 30s"
		}
	}
	r.end(rng, chance)
}

func outcomeStepNull(_ *simulatedWorld, rng *rand.Rand, _ int, r *simulatedRun) {
	task := rng.IntN(simulatedNullTasks)
	chance, _ := nullChance(task)
	r.task = fmt.Sprintf("task-%02d", task)
	r.step("register")
	for _, s := range []string{"look_up", "assess", "call_back"} {
		if rng.IntN(1000) < 600 {
			r.step(s)
		}
	}
	if r.end(rng, chance); r.outcome == events.Succeeded {
		r.step("accepted")
	} else {
		r.step("declined")
	}
}

func requestersNull(_ *simulatedWorld, rng *rand.Rand, _ int, r *simulatedRun) {
	who := rng.IntN(12)
	r.requester = fmt.Sprintf("requester-%02d", who)
	r.task = fmt.Sprintf("task-%02d", rng.IntN(simulatedNullTasks))
	r.step("plan")
	for n, s := range []string{"search", "browse", "calculate", "translate"} {
		taste := 250
		if who%4 == n {
			taste = 800
		}
		if rng.IntN(1000) < taste {
			r.step(s)
		}
	}
	r.step("answer")
	r.end(rng, 250+50*who)
}

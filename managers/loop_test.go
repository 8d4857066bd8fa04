package managers_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// campaign is the loop without its log and its network: the deciders and the managers, and a world that runs are drawn in.
type campaign struct {
	t        testing.TB
	policy   aggregates.Policy
	now      time.Time
	position uint64
	streams  map[string]aggregates.Instance
	revision map[string]uint64
	managers []managers.Member
	at       map[string]managers.Process // by manager and key
	done     map[uuid.UUID]bool
	log      []events.Event // but for facts of runs
	runs     int
	// dies has the process killed at moments of chance, never where it is nil. saved is what it goes on from then, since are the facts
	// that were recorded after it, and repeated are the commands that the log knows.
	dies     *rand.Rand
	saved    map[string][]byte
	since    []recorded
	repeated map[string]bool
	killed   int
}

// recorded is a fact as the log has it.
type recorded struct {
	envelope events.Envelope
	fact     events.Event
}

func newCampaign(t testing.TB, policy aggregates.Policy) *campaign {
	c := &campaign{
		t: t, policy: policy, now: noon, streams: map[string]aggregates.Instance{}, revision: map[string]uint64{}, at: map[string]managers.Process{},
		done: map[uuid.UUID]bool{}, repeated: map[string]bool{},
	}
	for _, m := range managers.All(managers.Config{}) {
		if m.Name == "experiment" || m.Name == "improving" || m.Name == "improvement" || m.Name == "forecasts" {
			c.managers = append(c.managers, m)
		}
	}
	return c
}

func (c *campaign) instance(stream string) aggregates.Instance {
	if c.streams[stream] == nil {
		for _, a := range aggregates.All(aggregates.Everywhere(c.policy)) {
			if a.Category == events.Category(stream) {
				c.streams[stream] = a.New()
			}
		}
	}
	return c.streams[stream]
}

// dispatch carries a command out, and has done what the managers then want.
func (c *campaign) dispatch(cmd commands.Command) error {
	delivery := cmd.Stream() + "/" + cmd.About().ID.String()
	if c.repeated[delivery] {
		return nil
	}
	i := c.instance(cmd.Stream())
	facts, err := i.Decide(cmd)
	if err != nil {
		return err
	}
	c.repeated[delivery] = true
	for n, fact := range facts {
		if err := i.Evolve(fact); err != nil {
			c.t.Fatal(err)
		}
		c.log = append(c.log, fact)
		c.append(cmd.Stream(), events.DeriveID(cmd.About().ID, n), cmd.About().Actor, fact)
	}
	return nil
}

// append folds a fact, and has done what the managers then want.
func (c *campaign) append(stream string, id uuid.UUID, actor string, fact events.Event) {
	c.position++
	e := &events.Envelope{ID: id, Stream: stream, Revision: c.revision[stream], Position: c.position, Kind: fact.Kind(), OccurredAt: c.now, Actor: actor}
	if events.Category(stream) != "run" { // there are too many of those to remember
		c.revision[stream]++
	}
	wants := c.fold(e, fact)
	if c.dies != nil {
		c.since = append(c.since, recorded{*e, fact})
		if c.dies.IntN(2000) == 0 {
			c.kill()
			return
		}
		if c.dies.IntN(1000) == 0 {
			c.save()
		}
	}
	c.do(wants)
}

// fold has every manager take a fact in, and tells what those that did want.
func (c *campaign) fold(e *events.Envelope, fact events.Event) (wants []managers.Want) {
	for _, m := range c.managers {
		if !follows(m, fact.Kind()) {
			continue
		}
		key := m.Name + "/" + m.Key(e)
		p := c.at[key]
		if p == nil {
			if !opens(m, fact.Kind()) {
				continue
			}
			p = m.New()
		}
		if p.Evolve(e, fact); p.Over() {
			delete(c.at, key)
			continue
		}
		c.at[key] = p
		wants = append(wants, p.Wants()...)
	}
	return wants
}

func (c *campaign) do(wants []managers.Want) {
	for _, w := range wants {
		if c.done[w.ID] || w.At.After(c.now) {
			continue
		}
		c.done[w.ID] = true
		if w.Work != nil {
			c.make(w.Work.(managers.Make))
			continue
		}
		if err := c.dispatch(w.Command); err != nil && !aggregates.Refused(err) {
			c.t.Fatal(err)
		}
	}
}

// save has every manager save what it is.
func (c *campaign) save() {
	c.saved, c.since = map[string][]byte{}, nil
	for key, p := range c.at {
		saved, err := p.MarshalJSON()
		if err != nil {
			c.t.Fatal(err)
		}
		c.saved[key] = saved
	}
}

// kill ends the process between a fact and what is wanted for it: what it knew is gone. The next one goes on from what was saved last, folds
// what the log has since, and does what is then wanted, not knowing what was done before.
func (c *campaign) kill() {
	c.killed++
	c.at, c.done = map[string]managers.Process{}, map[uuid.UUID]bool{}
	for key, saved := range c.saved {
		for _, m := range c.managers {
			if name, _, _ := strings.Cut(key, "/"); name == m.Name {
				c.at[key] = m.New()
			}
		}
		if err := c.at[key].UnmarshalJSON(saved); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, r := range c.since {
		c.fold(&r.envelope, r.fact)
	}
	var wants []managers.Want
	for _, key := range slices.Sorted(maps.Keys(c.at)) {
		wants = append(wants, c.at[key].Wants()...)
	}
	c.do(wants)
}

// make does what the orchestrator does for an improvement that is to be tried.
func (c *campaign) make(w managers.Make) {
	for _, fact := range c.log {
		if f, ok := fact.(events.ImprovementProposed); ok && f.Improvement == w.Improvement {
			_ = c.dispatch(commands.PlanExperiment{
				Meta: c.meta(), Experiment: f.Improvement, Improvement: f.Improvement, Agent: f.Change.Agent, Change: f.Change.Kind, Config: *f.Change.Config, By: "policy",
			})
		}
	}
}

func opens(m managers.Member, kind string) bool {
	for _, k := range m.Opens {
		if k == kind {
			return true
		}
	}
	return false
}

func follows(m managers.Member, kind string) bool {
	for _, k := range m.Follows {
		if k == kind {
			return true
		}
	}
	return opens(m, kind)
}

// meta is a person's.
func (c *campaign) meta() commands.Meta {
	return commands.Meta{ID: events.NameID(c.now, fmt.Sprint("wish ", c.position)), At: c.now, Actor: "user:anna"}
}

// experiment is one as its decider holds it.
func (c *campaign) experiment(id string) aggregates.Experiment {
	return c.instance(commands.ExperimentStream("", id)).State().(aggregates.Experiment)
}

// truth is what runs come to.
type truth struct {
	success, cost, seconds float64
}

// run makes one run of an agent, drawn in an experiment: of the agent as it is, or with the change.
func (c *campaign) run(r *rand.Rand, agent, experiment string, share int, old, next truth) {
	c.about(r, agent, experiment, "", share, old, next)
}

// about makes one that is about a task.
func (c *campaign) about(r *rand.Rand, agent, experiment, task string, share int, old, next truth) {
	c.runs++
	name := fmt.Sprint("r", c.runs)
	candidate, permille := aggregates.Draw(experiment, name, share)
	arm := events.Arm{Experiment: experiment, Arm: events.ControlArm, Permille: permille, Unit: name}
	what := old
	if candidate {
		arm.Arm, what = events.CandidateArm, next
	}
	c.ends(r, agent, name, task, arm, what)
}

// several makes a run of an experiment on several candidates: the first truth is that of what there is.
func (c *campaign) several(r *rand.Rand, agent string, x aggregates.Experiment, truths []truth) {
	c.runs++
	name := fmt.Sprint("r", c.runs)
	arm, what := x.Draw(name), truths[0]
	if i, tried := events.CandidateOf(arm.Arm); tried {
		what = truths[i+1]
	}
	c.ends(r, agent, name, "", arm, what)
}

// ends makes a run of an arm.
func (c *campaign) ends(r *rand.Rand, agent, name, task string, arm events.Arm, what truth) {
	stream := commands.RunStream("", name)
	id := events.NameID(c.now, name)
	if task != "" {
		c.append(stream, events.DeriveID(id, 3), "user:anna", events.RunStarted{Run: name, Task: task})
	}
	c.append(stream, id, "agent:"+agent, events.RunAssigned{Agent: agent, Arms: []events.Arm{arm}})
	began := c.now
	c.append(stream, events.DeriveID(id, 1), "agent:"+agent, events.RunStepFinished{
		Outcome: events.Succeeded, CostNanos: events.Nanos(what.cost * math.Exp(r.NormFloat64()/2)),
	})
	c.now = c.now.Add(time.Duration(what.seconds * math.Exp(r.NormFloat64()/2) * float64(time.Second)))
	var end events.Event = events.RunFailed{Error: "no"}
	if r.Float64() < what.success {
		end = events.RunFinished{Outcome: events.Succeeded}
	}
	c.append(stream, events.DeriveID(id, 2), "agent:"+agent, end)
	c.now = began
}

package orchestrator

import (
	"context"
	"slices"
	"sync"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/routing"
)

// roster knows who can be asked, by the words of what they are there for. Like caps it goes by the log: an agent that was
// spawned before a run was asked for is known when that run looks for one.
type roster struct {
	mu sync.Mutex
	// of are the agents of a workspace, and roles what they are there for, by workspace and agent. spawned are those that were
	// spawned by themselves.
	of      map[string]*routing.Index
	roles   map[[2]string]string
	spawned map[[2]string]bool
	// spawns hold, for each workspace, the one who spawns a specialist there.
	spawns map[string]chan struct{}
}

func newRoster() *roster {
	return &roster{of: map[string]*routing.Index{}, roles: map[[2]string]string{}, spawned: map[[2]string]bool{}, spawns: map[string]chan struct{}{}}
}

// specialists are those of a workspace that were spawned by themselves.
func (r *roster) specialists(workspace string) (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.spawned {
		if key[0] == workspace {
			names = append(names, key[1])
		}
	}
	slices.Sort(names)
	return names
}

// isSpecialist tells whether an agent was spawned by itself.
func (r *roster) isSpecialist(workspace, agent string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spawned[[2]string{workspace, agent}]
}

// spawning waits until nobody else spawns a specialist in a workspace. Who waits lends its place: a model may be asked meanwhile.
func (r *roster) spawning(ctx context.Context, workspace string, lend func() (regain func())) (unlock func(), err error) {
	r.mu.Lock()
	held := r.spawns[workspace]
	if held == nil {
		held = make(chan struct{}, 1)
		r.spawns[workspace] = held
	}
	r.mu.Unlock()
	unlock = func() { <-held }
	select {
	case held <- struct{}{}:
		return unlock, nil
	default:
	}
	defer lend()()
	select {
	case held <- struct{}{}:
		return unlock, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *roster) spawn(workspace, agent string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spawned[[2]string{workspace, agent}] = true
}

// agentKinds are the facts that tell who there is.
var agentKinds = []string{events.AgentSpawned{}.Kind(), events.AgentConfigured{}.Kind(), events.AgentRetired{}.Kind()}

// hear takes in a fact of the log. One that can't be read tells nothing: whoever loads the agent hears of it.
func (r *roster) hear(e *events.Envelope) {
	switch e.Kind {
	case agentKinds[0], agentKinds[1], agentKinds[2]:
	default:
		return
	}
	fact, err := events.Decode(*e)
	if err != nil {
		return
	}
	name := events.Identity(e.Stream)
	switch f := fact.(type) {
	case events.AgentSpawned:
		if f.Specialist != nil {
			r.spawn(e.Workspace, name)
		}
		if !f.Imported {
			r.put(e.Workspace, name, f.Role, f.Config.Prompt)
		}
	case events.AgentConfigured:
		r.put(e.Workspace, name, f.Role, f.Config.Prompt)
	case events.AgentRetired:
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.roles, [2]string{e.Workspace, name})
		delete(r.spawned, [2]string{e.Workspace, name})
		if x := r.of[e.Workspace]; x != nil {
			x.Drop(name)
		}
	}
}

// put takes in what an agent is. A role that is empty stays as it was.
func (r *roster) put(workspace, agent, role, prompt string) {
	if agent == events.Assistant || own(agent) {
		return // they never count as fitting
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := [2]string{workspace, agent}
	if role == "" {
		role = r.roles[key]
	}
	if r.roles[key] = role; role == "" {
		delete(r.roles, key)
	}
	x := r.of[workspace]
	if x == nil {
		x = &routing.Index{}
		r.of[workspace] = x
	}
	x.Put(agent, role, prompt)
}

// fitting are the agents of a workspace whose words a task shares, the best first.
func (r *roster) fitting(workspace, task string) []routing.Match {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := r.of[workspace]; x != nil {
		return x.Fitting(task)
	}
	return nil
}

func (*roster) kinds() []string { return agentKinds }

// start implements heard.
func (r *roster) start(ctx context.Context, models *projections.Models) error {
	for row, err := range models.AllAgents(ctx) {
		if err != nil {
			return err
		}
		if row.Askable() && row.Specialist != "" {
			r.spawn(row.Workspace, row.Agent)
		}
		if row.Askable() {
			r.put(row.Workspace, row.Agent, row.Role, row.Prompt)
		}
	}
	return nil
}

package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/routing"
)

// roster knows who can be asked, by the words of what they are there for. A workspace's agents are read when somebody is first looked for
// in it: who names an agent needs none of them. Like caps it goes by the log: an agent that was spawned before a run was asked for is known
// when that run looks for one.
type roster struct {
	store  eventstore.Store
	models *projections.Models

	mu sync.Mutex
	// at is the latest fact about an agent that was heard, and of who there is in each workspace that was asked for.
	at uint64
	of map[string]*staff
	// spawns hold, for each workspace, the one who spawns a specialist there.
	spawns map[string]chan struct{}
}

// staff are the agents of a workspace.
type staff struct {
	index routing.Index
	// roles are what they are there for, and spawned those that were spawned by themselves.
	roles   map[string]string
	spawned map[string]bool
	// loading ends when they are read, and later is what was heard meanwhile. It is nil once they are there.
	loading chan struct{}
	later   []events.Envelope
}

func newRoster(store eventstore.Store, models *projections.Models) *roster {
	return &roster{store: store, models: models, of: map[string]*staff{}, spawns: map[string]chan struct{}{}}
}

// staffOf is who there is in a workspace, read where nobody has asked before. It is locked until release is called.
func (r *roster) staffOf(ctx context.Context, workspace string) (_ *staff, release func(), err error) {
	for {
		r.mu.Lock()
		s := r.of[workspace]
		switch {
		case s != nil && s.loading == nil:
			return s, r.mu.Unlock, nil
		case s != nil:
			loading := s.loading
			r.mu.Unlock()
			select {
			case <-loading:
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
			continue
		}
		s = &staff{loading: make(chan struct{})}
		r.of[workspace] = s
		at := r.at
		r.mu.Unlock()
		there := &staff{roles: map[string]string{}, spawned: map[string]bool{}}
		err := r.read(ctx, workspace, at, there)
		r.mu.Lock()
		close(s.loading)
		if err != nil {
			delete(r.of, workspace)
			r.mu.Unlock()
			return nil, nil, err
		}
		for i := range s.later {
			there.hear(&s.later[i])
		}
		r.of[workspace] = there
		r.mu.Unlock()
	}
}

// read takes in who there is, as of a position at least: what the read models know, or the log where they are being rebuilt.
func (r *roster) read(ctx context.Context, workspace string, at uint64, into *staff) error {
	err := replay.Reach(ctx, r.models, at)
	if errors.Is(err, readmodel.ErrOutdated) {
		for e, err := range r.store.ReadAll(ctx, eventstore.ReadOptions{Kinds: agentKinds}) {
			if err != nil {
				return fmt.Errorf("read agents: %w", err)
			}
			if e.Workspace == workspace {
				into.hear(&e)
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	for row, err := range r.models.AgentsOf(ctx, workspace) {
		if err != nil {
			return fmt.Errorf("read agents: %w", err)
		}
		if !row.Askable() {
			continue
		}
		if row.Specialist != "" {
			into.spawned[row.Agent] = true
		}
		into.put(row.Agent, row.Role, row.Prompt)
	}
	return nil
}

// specialists are those of a workspace that were spawned by themselves.
func (r *roster) specialists(ctx context.Context, workspace string) ([]string, error) {
	s, release, err := r.staffOf(ctx, workspace)
	if err != nil {
		return nil, err
	}
	defer release()
	return slices.Sorted(maps.Keys(s.spawned)), nil
}

// spawned takes in an agent that was spawned by itself a moment ago.
func (r *roster) spawned(ctx context.Context, workspace, agent, role, prompt string) error {
	s, release, err := r.staffOf(ctx, workspace)
	if err != nil {
		return err
	}
	defer release()
	s.spawned[agent] = true
	s.put(agent, role, prompt)
	return nil
}

// fitting are the agents of a workspace whose words a task shares, the best first.
func (r *roster) fitting(ctx context.Context, workspace, task string) ([]routing.Match, error) {
	s, release, err := r.staffOf(ctx, workspace)
	if err != nil {
		return nil, err
	}
	defer release()
	return s.index.Fitting(task), nil
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

// agentKinds are the facts that tell who there is.
var agentKinds = []string{events.AgentSpawned{}.Kind(), events.AgentConfigured{}.Kind(), events.AgentRetired{}.Kind()}

// hear takes in a fact of the log.
func (r *roster) hear(e *events.Envelope) {
	if !slices.Contains(agentKinds, e.Kind) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = max(r.at, e.Position)
	switch s := r.of[e.Workspace]; {
	case s == nil:
	case s.loading != nil:
		s.later = append(s.later, *e)
	default:
		s.hear(e)
	}
}

// hear takes in a fact about an agent. One that can't be read tells nothing: whoever loads the agent hears of it.
func (s *staff) hear(e *events.Envelope) {
	fact, err := events.Decode(*e)
	if err != nil {
		return
	}
	name := events.Identity(e.Stream)
	switch f := fact.(type) {
	case events.AgentSpawned:
		if f.Specialist != nil {
			s.spawned[name] = true
		}
		if !f.Imported {
			s.put(name, f.Role, f.Config.Prompt)
		}
	case events.AgentConfigured:
		s.put(name, f.Role, f.Config.Prompt)
	case events.AgentRetired:
		delete(s.roles, name)
		delete(s.spawned, name)
		s.index.Drop(name)
	}
}

// put takes in what an agent is. A role that is empty stays as it was.
func (s *staff) put(agent, role, prompt string) {
	if agent == events.Assistant || own(agent) {
		return // they never count as fitting
	}
	if role == "" {
		role = s.roles[agent]
	}
	if s.roles[agent] = role; role == "" {
		delete(s.roles, agent)
	}
	s.index.Put(agent, role, prompt)
}

func (*roster) kinds() []string { return agentKinds }

// start implements heard: nobody is read before somebody is looked for.
func (r *roster) start(ctx context.Context, models *projections.Models) error {
	at, err := models.Position(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = max(r.at, at)
	return nil
}

package orchestrator

import (
	"context"
	"encoding/json"
	"fmt"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/managers"
)

// saveEvery is how often the managers' states are saved. What was folded since is folded again by the next one, and what
// was wanted since is wanted again.
const saveEvery = time.Second

// processes runs the managers: it folds their states, and has done what they want.
type processes struct {
	store    eventstore.Store
	models   *projections.Models
	lease    *Lease
	dispatch commands.Dispatch
	work     *work
	heard    []heard
	// era is that of forgotten.
	era   func() int
	clock Clock
	log   *slog.Logger
	// after runs commands and timers, each in a goroutine that whoever runs the processes waits for.
	after func(func())
	// saving is held by who saves: two at a time would note a position without all that was folded up to it.
	saving chan struct{}

	mu      sync.Mutex
	manage  []*manage
	acting  bool
	reached uint64
}

// manage is one manager at work.
type manage struct {
	managers.Member
	opens, follows map[string]bool
	processes      map[string]*underWay
	// changed are the processes to be saved, gone those to be forgotten. anew tells that nothing that was saved before counts.
	changed, gone map[string]bool
	anew          bool
	saved         uint64
}

// underWay is a process, and what it wants.
type underWay struct {
	managers.Process
	wants map[uuid.UUID]func()
	// damaged tells that a fact of it can't be read: nobody acts on it.
	damaged bool
}

func setOf(kinds []string) map[string]bool {
	set := make(map[string]bool, len(kinds))
	for _, k := range kinds {
		set[k] = true
	}
	return set
}

// open reads what the managers remember and folds what has come since. Nothing is done yet. A manager of another version
// begins anew.
func (p *processes) open(ctx context.Context, members []managers.Member) error {
	head, err := p.store.Head(ctx)
	if err != nil {
		return err
	}
	p.reached = head
	if err := load(ctx, p.store, p.models, head, p.heard); err != nil {
		return err
	}
	for _, m := range members {
		state := &manage{Member: m, opens: setOf(m.Opens), follows: setOf(m.Follows), processes: map[string]*underWay{}, changed: map[string]bool{}, gone: map[string]bool{}}
		remembered, err := p.models.Managed(ctx, m.Name)
		if err != nil {
			return err
		}
		if remembered.Version != m.Version || remembered.Position > head {
			state.anew, remembered = true, readmodel.Managed{}
		}
		for key, text := range remembered.States {
			u := &underWay{Process: m.New(), wants: map[uuid.UUID]func(){}}
			if err := json.Unmarshal([]byte(text), u.Process); err != nil {
				return fmt.Errorf("manager %s: what it remembers of %s can't be read: %w", m.Name, key, err)
			}
			state.processes[key] = u
		}
		state.saved = remembered.Position
		p.manage = append(p.manage, state)
	}
	from := head
	for _, m := range p.manage {
		from = min(from, m.saved)
	}
	if from == head {
		return nil
	}
	var kinds []string
	for _, m := range p.manage {
		kinds = append(append(kinds, m.Opens...), m.Follows...)
	}
	slices.Sort(kinds)
	for e, err := range p.store.ReadAll(ctx, eventstore.ReadOptions{From: from, Kinds: slices.Compact(kinds)}) {
		if err != nil {
			return err
		}
		if e.Position > head {
			break
		}
		p.fold(&e)
	}
	return nil
}

// fold takes a fact in. It is called with the lock held, or before anything acts.
func (p *processes) fold(e *events.Envelope) {
	var fact events.Event
	for _, m := range p.manage {
		if e.Position <= m.saved || !m.opens[e.Kind] && !m.follows[e.Kind] {
			continue
		}
		key := m.Key(e)
		u := m.processes[key]
		if u == nil {
			if !m.opens[e.Kind] {
				continue
			}
			u = &underWay{Process: m.New(), wants: map[uuid.UUID]func(){}}
		}
		if u.damaged {
			continue
		}
		var err error
		if fact == nil {
			fact, err = events.Decode(*e)
		}
		if err != nil {
			// It is taken up again by a start that can read it.
			p.log.Error("a process is left alone", "manager", m.Name, "of", key, "position", e.Position, "reason", err)
			u.damaged = true
			m.processes[key] = u
			p.callOff(u)
			continue
		}
		u.Evolve(e, fact)
		if u.Over() {
			p.callOff(u)
			delete(m.processes, key)
			delete(m.changed, key)
			m.gone[key] = true
			continue
		}
		m.processes[key] = u
		m.changed[key] = true
		delete(m.gone, key)
		if p.acting {
			p.act(m, u)
		}
	}
}

func (p *processes) callOff(u *underWay) {
	for id, stop := range u.wants {
		stop()
		delete(u.wants, id)
	}
}

// act has done what a process wants and did not want before, and calls off what it wants no more.
func (p *processes) act(m *manage, u *underWay) {
	wants := u.Wants()
	wanted := make(map[uuid.UUID]bool, len(wants))
	for _, w := range wants {
		wanted[w.ID] = true
		if _, known := u.wants[w.ID]; !known {
			u.wants[w.ID] = p.start(m, w)
		}
	}
	for id, stop := range u.wants {
		if !wanted[id] {
			stop()
			delete(u.wants, id)
		}
	}
}

// start has something done, and returns what calls it off.
func (p *processes) start(m *manage, w managers.Want) (stop func()) {
	want := func() {
		if err := p.work.want(w.ID, w.Work); err != nil {
			p.log.Error("a wish can't be passed on", "manager", m.Name, "error", err)
		}
	}
	if w.Work != nil && w.At.IsZero() && w.For == 0 {
		want()
		return func() { p.work.callOff(w.ID) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	do := func() {
		if w.Work != nil {
			p.mu.Lock() // nobody calls it off meanwhile
			defer p.mu.Unlock()
			if ctx.Err() == nil {
				want()
			}
			return
		}
		// Once it is due it is carried out, whatever is wanted meanwhile: the decider has the last word.
		_, err := p.dispatch(context.WithoutCancel(ctx), w.Command)
		if err != nil && !aggregates.Refused(err) {
			p.log.Error("a manager's command was not carried out: it is tried again at the next start", "manager", m.Name, "stream", w.Command.Stream(), "error", err)
		}
	}
	wait := w.For
	if !w.At.IsZero() {
		wait = max(wait, w.At.Sub(p.clock()))
	}
	late := func() bool { return false }
	if wait <= 0 {
		p.after(do)
	} else {
		// What waits, such as ten thousand agents for their rest, has no goroutine.
		late = time.AfterFunc(wait, func() {
			p.mu.Lock() // nobody calls it off meanwhile
			defer p.mu.Unlock()
			if ctx.Err() == nil {
				p.after(do)
			}
		}).Stop
	}
	return func() {
		cancel()
		late()
		if w.Work != nil {
			p.work.callOff(w.ID)
		}
	}
}

// end calls off all that is wanted: it is wanted again at the next start.
func (p *processes) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acting = false
	for _, m := range p.manage {
		for _, u := range m.processes {
			p.callOff(u)
		}
	}
}

// begin acts on all that is wanted by now.
func (p *processes) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acting = true
	for _, m := range p.manage {
		for _, key := range slices.Sorted(maps.Keys(m.processes)) {
			if u := m.processes[key]; !u.damaged {
				p.act(m, u)
			}
		}
	}
}

// follow folds what comes, and acts on it, until ctx is done.
func (p *processes) follow(ctx context.Context) error {
	for message, err := range p.store.Subscribe(ctx, p.reached) {
		if err != nil {
			return err
		}
		p.mu.Lock()
		if message.CaughtUp {
			p.reached = max(p.reached, message.Position)
		} else {
			for _, h := range p.heard {
				h.hear(&message.Event)
			}
			tellRun(p.log, &message.Event)
			p.fold(&message.Event)
			p.reached = message.Event.Position
		}
		p.mu.Unlock()
	}
	return nil
}

// saveOnSchedule saves what the managers remember every so often.
// saveOnSchedule saves them, and overwrites what was said by somebody who is forgotten by now: what was under way for them was in a state.
func (p *processes) saveOnSchedule(ctx context.Context) {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	overwritten := p.era()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := p.save(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("the managers' states were not saved yet", "error", err)
			continue
		}
		if era := p.era(); era != overwritten && !noticing(era) {
			if err := p.models.Overwrite(ctx); err != nil {
				if ctx.Err() == nil {
					p.log.Warn("what is left of somebody who is forgotten is not overwritten yet", "error", err)
				}
				continue
			}
			overwritten = era
		}
	}
}

// save writes what has changed since it was saved last.
func (p *processes) save(ctx context.Context) error {
	select {
	case p.saving <- struct{}{}:
		defer func() { <-p.saving }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, m := range p.manage {
		p.mu.Lock()
		at := readmodel.Managed{Version: m.Version, Position: p.reached, States: map[string]string{}}
		if len(m.changed)+len(m.gone) == 0 && !m.anew && at.Position < m.saved+saveBehind {
			p.mu.Unlock()
			continue
		}
		for key := range m.changed {
			state, err := json.Marshal(m.processes[key].Process)
			if err != nil {
				p.mu.Unlock()
				return fmt.Errorf("manager %s: %w", m.Name, err)
			}
			at.States[key] = string(state)
		}
		gone, anew := slices.Sorted(maps.Keys(m.gone)), m.anew
		changed := m.changed
		m.changed, m.gone, m.anew = map[string]bool{}, map[string]bool{}, false
		p.mu.Unlock()
		err := p.models.SetManaged(ctx, p.lease.heldLease(), m.Name, anew, at, gone)
		p.mu.Lock()
		if err == nil {
			m.saved = at.Position
		} else { // all of it is to be saved the next time
			m.anew = m.anew || anew
			for key := range changed {
				m.changed[key] = m.processes[key] != nil
			}
			maps.DeleteFunc(m.changed, func(_ string, there bool) bool { return !there })
			for _, key := range gone {
				if m.processes[key] == nil {
					m.gone[key] = true
				}
			}
		}
		p.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// saveBehind is how many positions the saved checkpoint may be behind where nothing has changed.
const saveBehind = 10_000

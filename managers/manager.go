package managers

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Manager is a process manager. Its functions are pure, and Evolve is total, since history can't be refused. S is kept as
// JSON between two starts: its exported fields are all of it.
type Manager[S any] struct {
	Name string
	// Version rises when the fold or the state's shape changes: the states are then folded anew from the whole log.
	Version int
	// Opens are the kinds of fact that begin a process, Follows those that go on with one.
	Opens, Follows []string
	// Key names the process that a fact belongs to, by its envelope alone.
	Key    func(*events.Envelope) string
	Evolve func(S, *events.Envelope, events.Event) S
	// Wants tells what is to be done in a state.
	Wants func(S) []Want
	// Over tells of a state that nothing can follow: the process is forgotten.
	Over func(S) bool
}

// Want is something to be done, exactly one of Command and Work.
type Want struct {
	// ID tells it from all others. It derives from the id of the fact that it is a reaction to, so that doing it again after a
	// crash is a repeat.
	ID uuid.UUID
	// Command is to be carried out. A refusal is an answer: history went on without this reaction.
	Command commands.Command
	// Work is to be done by somebody.
	Work Work
	// At is the time before which nothing is to be done, zero for at once.
	At time.Time
	// For is how long it must have been wanted without a break by the process that does it. Where silence is what counts, At
	// would take a clock that is ahead of the log's for silence.
	For time.Duration
}

// Work is what a manager has others do. Each kind is a type of its own in this room, which may travel as JSON.
type Work interface {
	// Kind is the name of what is to be done.
	Kind() string
	// Share names those that divide their turns at being served fairly among them.
	Share() string
}

// Process is one manager's state about one thing that it manages.
type Process interface {
	Evolve(*events.Envelope, events.Event)
	Wants() []Want
	Over() bool
	json.Marshaler
	json.Unmarshaler
}

// Member is a manager of which the state's type is hidden, as the orchestrator needs it.
type Member struct {
	Name           string
	Version        int
	Opens, Follows []string
	Key            func(*events.Envelope) string
	// New is a process before its first fact.
	New func() Process
}

type process[S any] struct {
	manager *Manager[S]
	state   S
}

func (p *process[S]) Evolve(e *events.Envelope, fact events.Event) {
	p.state = p.manager.Evolve(p.state, e, fact)
}
func (p *process[S]) Wants() []Want                   { return p.manager.Wants(p.state) }
func (p *process[S]) Over() bool                      { return p.manager.Over(p.state) }
func (p *process[S]) MarshalJSON() ([]byte, error)    { return json.Marshal(p.state) }
func (p *process[S]) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &p.state) }

// member hides the state's type. It panics for a manager that could never do anything: that must show at the start.
func member[S any](m Manager[S]) Member {
	if m.Name == "" || m.Version < 1 || len(m.Opens) == 0 || m.Key == nil || m.Evolve == nil || m.Wants == nil || m.Over == nil {
		panic(fmt.Sprintf("managers: %q lacks a name, a version, a kind that opens it, or a function", m.Name))
	}
	for _, kind := range append(m.Opens, m.Follows...) {
		if events.Known.Version(kind) == 0 {
			panic(fmt.Sprintf("managers: %s goes by the kind %q, which events/all.go does not list", m.Name, kind))
		}
	}
	return Member{
		Name: m.Name, Version: m.Version, Opens: m.Opens, Follows: m.Follows, Key: m.Key,
		New: func() Process { return &process[S]{manager: &m} },
	}
}

// meta is that of a reaction to a fact.
func meta(manager string, cause uuid.UUID, index int, at time.Time, workspace, run string) commands.Meta {
	return commands.Meta{
		ID: events.DeriveID(cause, index), At: at, Actor: "manager:" + manager, Workspace: workspace, Correlation: run, Causation: cause,
	}
}

// ofRun is the key of facts that belong to a run, whatever stream they are in.
func ofRun(e *events.Envelope) string { return events.StreamName("run", e.Workspace, e.Correlation) }

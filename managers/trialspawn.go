package managers

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// givenUp is an agent that was made for a change that was not kept. It takes no more runs.
type givenUp struct {
	Experiment string    `json:"experiment"`
	Agent      string    `json:"agent"`
	Cause      uuid.UUID `json:"cause"`
	At         time.Time `json:"at"`
}

func (g givenUp) want(workspace string) Want {
	return Want{ID: events.DeriveID(g.Cause, 9), Command: commands.RetireAgent{
		Meta: meta("experiment", g.Cause, 9, g.At, workspace, ""), Agent: g.Agent, Reason: "it was made for the experiment " + g.Experiment + ", which did not keep it",
	}}
}

// made is the making of the agent that has to be there before an experiment starts.
func (t *trial) made(at time.Time, workspace string) Want {
	return Want{ID: events.DeriveID(t.Cause, 8), At: at, Command: commands.SpawnAgent{
		Meta: meta("experiment", t.Cause, 8, t.At, workspace, ""), Agent: t.Spawn.Agent, Role: t.Spawn.Role, Config: t.Spawn.Config,
	}}
}

// spawned notes that the agent is there that an experiment waits for. One that somebody else made is none of it.
func (s *experimentsState) spawned(e *events.Envelope) {
	for _, t := range s.Trials {
		switch {
		case t.Spawn == nil || t.Spawn.Agent != events.Identity(e.Stream) || t.Spawned || t.Started():
		case e.Actor == meta("experiment", e.ID, 0, e.OccurredAt, e.Workspace, "").Actor:
			t.Spawned, t.Last = true, e.ID
		default:
			t.stop(e, "somebody made an agent of the name of the one that was to be tried")
		}
	}
}

// retired ends what is tried of an agent that takes no more runs, or with one.
func (s *experimentsState) retired(e *events.Envelope) {
	agent := events.Identity(e.Stream)
	s.GivenUp = slices.DeleteFunc(s.GivenUp, func(g givenUp) bool { return g.Agent == agent })
	for _, t := range s.Trials {
		to := func(c events.AgentConfig) bool {
			return slices.ContainsFunc(c.Routes, func(r events.Route) bool { return r.To == agent })
		}
		switch {
		case t.Book == nil && t.Agent == agent:
			t.stop(e, "the agent was retired")
		case t.Change.Routes() && (to(t.Config) || slices.ContainsFunc(t.Others, to)):
			t.stop(e, agent+" was retired, to whom its tasks were to go")
		}
	}
}

package commands

import "github.com/virtuous6/virtuous6/events"

// RoleStream is the stream of a question that a model is asked in a role, by the run that asks it.
func RoleStream(workspace, run string) string { return events.StreamName("role", workspace, run) }

// AskRole notes that a model is asked in a role.
type AskRole struct {
	Meta
	Fact events.RoleAsked
}

// AnswerRole notes what became of what it said.
type AnswerRole struct {
	Meta
	Run  string
	Fact events.RoleAnswered
}

// SilenceRole notes, once for a period and a limit, that a role's budget is used up.
type SilenceRole struct {
	Meta
	Fact events.RoleSilenced
}

func (c AskRole) Stream() string    { return RoleStream(c.Workspace, c.Fact.Run) }
func (c AnswerRole) Stream() string { return RoleStream(c.Workspace, c.Run) }

// Stream implements Command: silence has a stream of its own.
func (c SilenceRole) Stream() string {
	return RoleStream(c.Workspace, "silence of "+c.Fact.Role+" from "+c.Fact.Starting+" at "+c.Fact.LimitNanos.String())
}

func (AskRole) role()     {}
func (AnswerRole) role()  {}
func (SilenceRole) role() {}

package commands

import "github.com/virtuous6/virtuous6/events"

// SuspendRun has a live run wait for a person, since a budget has no money for its next call.
type SuspendRun struct {
	Meta
	Run  string
	Fact events.RunSuspended
}

// ResumeRun lets a suspended run go on.
type ResumeRun struct {
	Meta
	Run string
	// ShareNanos is its new share of its goal's money, where it waits for that.
	ShareNanos events.Nanos
}

func (c SuspendRun) Stream() string { return RunStream(c.Workspace, c.Run) }
func (c ResumeRun) Stream() string  { return RunStream(c.Workspace, c.Run) }

func (SuspendRun) run() {}
func (ResumeRun) run()  {}

package commands

import "github.com/virtuous6/virtuous6/events"

// LoopStream is the stream of a workspace's loop of improvements.
func LoopStream(workspace string) string {
	return events.StreamName("loop", workspace, "workspace")
}

// PauseLoop stops every step of the loop that no person takes.
type PauseLoop struct {
	Meta
	By     string
	Reason string
}

// ResumeLoop lets it go on.
type ResumeLoop struct {
	Meta
	By     string
	Reason string
}

func (c PauseLoop) Stream() string  { return LoopStream(c.Workspace) }
func (c ResumeLoop) Stream() string { return LoopStream(c.Workspace) }

func (PauseLoop) loop()  {}
func (ResumeLoop) loop() {}

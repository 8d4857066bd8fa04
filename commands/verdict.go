package commands

import "github.com/virtuous6/virtuous6/events"

// VerdictStream is the stream of what is said of a run.
func VerdictStream(workspace, run string) string {
	return events.StreamName("verdict", workspace, run)
}

// GiveVerdict says whether a run was good. See events.VerdictGiven.
type GiveVerdict struct {
	Meta
	Run      string
	Verdict  events.Outcome
	From     events.VerdictOrigin
	By       string
	Feedback string
}

func (c GiveVerdict) Stream() string { return VerdictStream(c.Workspace, c.Run) }

func (GiveVerdict) verdict() {}

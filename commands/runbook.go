package commands

import "github.com/virtuous6/virtuous6/events"

// RunbookStream is the stream of a runbook.
func RunbookStream(workspace, runbook string) string {
	return events.StreamName("runbook", workspace, runbook)
}

// SaveRunbook keeps a workflow under a name. Saving a name again is its next version.
type SaveRunbook struct {
	Meta
	Runbook  string
	Workflow string
	Run      string
	Steps    []events.RunbookStep
	Notes    string
	// Requester is who asked what it is taken from, empty where it holds nobody's words.
	Requester string
	// From is the version that it is made from: another one by now refuses it. 0 asks nobody.
	From int
	// Restores, Improvement and Proof are as in the fact.
	Restores    int
	Improvement string
	Proof       *events.Proof
}

func (c SaveRunbook) Stream() string { return RunbookStream(c.Workspace, c.Runbook) }

func (SaveRunbook) runbook() {}

package commands

import "github.com/virtuous6/virtuous6/events"

// ImprovementStream is the stream of an improvement.
func ImprovementStream(workspace, improvement string) string {
	return events.StreamName("improvement", workspace, improvement)
}

// ProposeImprovement puts an analyst's proposal before the policy.
type ProposeImprovement struct {
	Meta
	Improvement    string
	Generation     int
	Previous       string
	Analyst        string
	AnalystVersion int
	Change         events.Change
	Claim          *events.Claim
	Strength       events.Strength
	Reason         string
	Of             []string
	Evidence       events.Evidence
	Expected       events.Expected
	Worth          *events.Worth
	// Bound tells that the analyst lost its autonomy: nothing of it is approved by the policy.
	Bound bool
}

// ReviseEvidence tells how the claim of a proposal stands today. It is a fact where that has changed.
type ReviseEvidence struct {
	Meta
	Improvement string
	Strength    events.Strength
	Reason      string
	Of          []string
	Evidence    events.Evidence
	Expected    events.Expected
	Worth       *events.Worth
}

// ApproveImprovement lets a proposal be applied.
type ApproveImprovement struct {
	Meta
	Improvement string
	By          string
	Note        string
}

// RejectImprovement ends a proposal.
type RejectImprovement struct {
	Meta
	Improvement string
	By          string
	Reason      string
}

// ApplyImprovement records that the change was made, for SharePermille of the traffic.
type ApplyImprovement struct {
	Meta
	Improvement   string
	SharePermille int
	Before        *events.AgentConfig
	Agent         string
	Version       int
}

// RollBackImprovement records that the change was undone.
type RollBackImprovement struct {
	Meta
	Improvement string
	Reason      string
	// Of is who said so, where a person did.
	Of []string
}

// MeasureImprovement records what the change did.
type MeasureImprovement struct {
	Meta
	Improvement string
	Metric      string
	Evidence    events.Evidence
}

func (c ProposeImprovement) Stream() string  { return ImprovementStream(c.Workspace, c.Improvement) }
func (c ReviseEvidence) Stream() string      { return ImprovementStream(c.Workspace, c.Improvement) }
func (c ApproveImprovement) Stream() string  { return ImprovementStream(c.Workspace, c.Improvement) }
func (c RejectImprovement) Stream() string   { return ImprovementStream(c.Workspace, c.Improvement) }
func (c ApplyImprovement) Stream() string    { return ImprovementStream(c.Workspace, c.Improvement) }
func (c RollBackImprovement) Stream() string { return ImprovementStream(c.Workspace, c.Improvement) }
func (c MeasureImprovement) Stream() string  { return ImprovementStream(c.Workspace, c.Improvement) }

func (ProposeImprovement) improvement()  {}
func (ReviseEvidence) improvement()      {}
func (ApproveImprovement) improvement()  {}
func (RejectImprovement) improvement()   {}
func (ApplyImprovement) improvement()    {}
func (RollBackImprovement) improvement() {}
func (MeasureImprovement) improvement()  {}

package commands

import "github.com/virtuous6/virtuous6/events"

// ExperimentStream is the stream of an experiment.
func ExperimentStream(workspace, experiment string) string {
	return events.StreamName("experiment", workspace, experiment)
}

// PlanExperiment asks that a change of an agent, or another version of a runbook, be tried. By tells who lets it, or "policy".
type PlanExperiment struct {
	Meta
	Experiment  string
	Agent       string
	Improvement string
	Change      events.ChangeKind
	Config      events.AgentConfig
	// Others are other values of the same setting, each an arm of its own.
	Others []events.AgentConfig
	// Spawn is the agent that is made for it.
	Spawn *events.NewAgent
	// Book is the version of a runbook that is tried, in place of an agent's change.
	Book *events.RunbookSaved
	By   string
	Plan events.ExperimentPlan
	// Screen is what history says of it. What history shows to be worse is not tried again.
	Screen *events.Screen
}

// StartExperiment gives a planned change its first share.
type StartExperiment struct {
	Meta
	Experiment string
	Level      float64
}

// MoveExperiment gives a change a greater share.
type MoveExperiment struct {
	Meta
	Experiment string
	Share      int
	Proof      events.Proof
}

// AllocateExperiment gives the arms of an experiment on several candidates other shares. Dropped is an arm that goes out, by the guardrail
// that it broke.
type AllocateExperiment struct {
	Meta
	Experiment string
	Shares     []int
	Dropped    string
	Guardrail  string
	Reason     string
	Proof      events.Proof
}

// PromoteExperiment gives a change that was proved to be better all runs. By names the person who lets it go further than
// the policy does; it is empty where none does.
type PromoteExperiment struct {
	Meta
	Experiment string
	By         string
	// Arm is the candidate, empty where there is one.
	Arm   string
	Proof events.Proof
}

// RollBackExperiment ends a change by which a guardrail was broken.
type RollBackExperiment struct {
	Meta
	Experiment string
	Guardrail  string
	Reason     string
	Proof      events.Proof
}

// StopExperiment ends an experiment without a verdict.
type StopExperiment struct {
	Meta
	Experiment string
	By         string
	Reason     string
}

// ExpireExperiment ends an experiment that found nothing.
type ExpireExperiment struct {
	Meta
	Experiment string
	Reason     string
	Proof      events.Proof
}

func (c PlanExperiment) Stream() string     { return ExperimentStream(c.Workspace, c.Experiment) }
func (c StartExperiment) Stream() string    { return ExperimentStream(c.Workspace, c.Experiment) }
func (c MoveExperiment) Stream() string     { return ExperimentStream(c.Workspace, c.Experiment) }
func (c AllocateExperiment) Stream() string { return ExperimentStream(c.Workspace, c.Experiment) }
func (c PromoteExperiment) Stream() string  { return ExperimentStream(c.Workspace, c.Experiment) }
func (c RollBackExperiment) Stream() string { return ExperimentStream(c.Workspace, c.Experiment) }
func (c StopExperiment) Stream() string     { return ExperimentStream(c.Workspace, c.Experiment) }
func (c ExpireExperiment) Stream() string   { return ExperimentStream(c.Workspace, c.Experiment) }

func (PlanExperiment) experiment()     {}
func (StartExperiment) experiment()    {}
func (MoveExperiment) experiment()     {}
func (AllocateExperiment) experiment() {}
func (PromoteExperiment) experiment()  {}
func (RollBackExperiment) experiment() {}
func (StopExperiment) experiment()     {}
func (ExpireExperiment) experiment()   {}

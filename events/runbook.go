package events

import "regexp"

// SlotMark is a place that a runbook leaves open: {{slot}}.
var SlotMark = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_-]+)\s*\}\}`)

// RunbookSaved is a workflow that is worth repeating, taken from a run or from a pattern. Saving the same name again
// is its next version.
type RunbookSaved struct {
	Runbook  string `json:"runbook"`
	Workflow string `json:"workflow,omitempty"`
	// Run is the run it was taken from, empty where it came from a pattern.
	Run   string        `json:"run,omitempty"`
	Steps []RunbookStep `json:"steps"`
	Notes string        `json:"notes,omitempty"`
	// Requester is who asked what it was taken from: it holds their words, and with them they are erased.
	Requester string `json:"requester,omitempty"`
	// From is the version that it was made from, 0 where nobody says, and Restores the earlier one that it takes the runbook back to.
	From     int `json:"from_version,omitempty"`
	Restores int `json:"restores,omitempty"`
	// Improvement is the id of what asked for it, if one did, and Proof what that rests on, where it was tried.
	Improvement string `json:"improvement,omitempty"`
	Proof       *Proof `json:"proof,omitempty"`
}

// RunbookStep is one step of a runbook. DependsOn holds indexes into the runbook's steps.
type RunbookStep struct {
	Name  string `json:"name" yaml:"name"`
	Agent string `json:"agent,omitempty" yaml:"agent,omitempty"`
	Tool  string `json:"tool,omitempty" yaml:"tool,omitempty"`
	// Instruction is what the agent is asked, and Params the arguments that the tool is called with, a JSON object, where the step
	// can be done again. {{slot}} stands for what whoever has it done gives.
	Instruction string `json:"instruction,omitempty" yaml:"instruction,omitempty"`
	Params      string `json:"params,omitempty" yaml:"arguments,omitempty"`
	// Question is what a person is asked, where the step is that.
	Question  string `json:"question,omitempty" yaml:"question,omitempty"`
	Model     string `json:"model,omitempty" yaml:"model,omitempty"`
	DependsOn []int  `json:"depends_on,omitempty" yaml:"depends_on,omitempty"`
	// Team is how several agents do the step together, and Agents are those, in the order of their parts; one that is not named is Agent.
	Team   Team     `json:"team,omitempty" yaml:"team,omitempty"`
	Agents []string `json:"agents,omitempty" yaml:"agents,omitempty"`
}

func (RunbookSaved) Kind() string { return "runbook.saved" }

func (RunbookSaved) runbook() {}

package events

// Writer is the role of a model that proposes edits of what agents are told. It is also the agent that is asked, the workflow of its runs, and the
// analyst that its proposals name.
const Writer = "writer"

// RoleAsked tells that a model was asked in a role that people gave it: what came of it is looked at when the run Run has ended. What
// was asked stands in that run.
type RoleAsked struct {
	Run  string `json:"run"`
	Role string `json:"role"`
	// Agent is who the question is about, at the revision Revision, with the version Version.
	Agent    string `json:"agent,omitempty"`
	Revision uint64 `json:"revision,omitempty"`
	Version  int    `json:"version,omitempty"`
	// Runs are those that the model was shown.
	Runs []string `json:"runs,omitempty"`
	// Evidence is why it was asked.
	Evidence Evidence `json:"evidence"`
}

// RoleAnswered tells what became of what a model said in a role. What it said stands in its run.
type RoleAnswered struct {
	Role  string `json:"role"`
	Agent string `json:"agent,omitempty"`
	// Improvement is what was proposed of it, empty where nothing was, and Candidates how many changes that tries.
	Improvement string `json:"improvement,omitempty"`
	Candidates  int    `json:"candidates,omitempty"`
	// Refused says of each of the others why it was not taken, and Evals are what asking recorded runs of them came to.
	Refused []RoleRefusal `json:"refused,omitempty"`
	Evals   []string      `json:"evals,omitempty"`
}

// RoleRefusal is why a candidate, numbered from 1, was not taken. 0 is the whole answer.
type RoleRefusal struct {
	Candidate int    `json:"candidate,omitempty"`
	Reason    string `json:"reason"`
	// User is whose words it repeats, where that is why.
	User string `json:"user,omitempty"`
}

func (RoleAsked) Kind() string    { return "role.asked" }
func (RoleAnswered) Kind() string { return "role.answered" }

func (RoleAsked) role()    {}
func (RoleAnswered) role() {}

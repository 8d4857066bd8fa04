package events

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Writer is the role of a model that proposes edits of what agents are told, and the analyst that its proposals name.
const Writer = "writer"

// The roles that people can give a model by `roles:` in the configuration: what the program itself asks it, beside what people ask agents for. What one says is a suggestion,
// which goes through the same checks as anybody's.
const (
	// RoleAnalysis words what analysts found, beside their figures.
	RoleAnalysis = "analysis"
	// RoleRunbook drafts runbooks of sequences that proved good.
	RoleRunbook = "runbook"
	// RoleOptimisation suggests parameters of agents, RoleConfiguration their models and tools.
	RoleOptimisation  = "optimisation"
	RoleConfiguration = "configuration"
)

// Roles lists them.
func Roles() []string {
	return []string{RoleAnalysis, RoleRunbook, RoleOptimisation, RoleConfiguration}
}

// RoleAgent is the agent that is asked in a role.
func RoleAgent(role string) string { return "role-" + role }

// IsRoleAgent tells of an agent that it is asked in a role, and answers nobody else.
func IsRoleAgent(agent string) bool {
	for _, r := range Roles() {
		if RoleAgent(r) == agent {
			return true
		}
	}
	return false
}

// RoleRun names the run in which a role is asked about a subject, by the words that the answer is held to: other words are another question.
func RoleRun(role string, subject []string, ground string) string {
	data, err := json.Marshal([]any{role, subject, ground})
	if err != nil {
		panic("events: texts can always be JSON: " + err.Error())
	}
	digest := sha256.Sum256(data)
	return "role-" + hex.EncodeToString(digest[:8])
}

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
	// Subject is what the question is about, as names: ["finding", analyst, kind, workflow, ...], ["improvement", id], ["agent", name, version].
	Subject []string `json:"subject,omitempty"`
	// Ground is the text that the answer is held to.
	Ground string `json:"ground,omitempty"`
	// Of are the people whose words Ground holds.
	Of []string `json:"of,omitempty"`
	// Evidence is why it was asked.
	Evidence Evidence `json:"evidence"`
}

// RoleAnswered tells what became of what a model said in a role. What it said stands in its run.
type RoleAnswered struct {
	Role  string `json:"role"`
	Agent string `json:"agent,omitempty"`
	// Model is the one that answered.
	Model string `json:"model,omitempty"`
	// Text words what the question was about.
	Text string `json:"text,omitempty"`
	// Runbook is a draft until a person saves it.
	Runbook *RunbookSaved `json:"runbook,omitempty"`
	// Improvement is what was proposed of it, empty where nothing was, and Candidates how many changes that tries.
	Improvement string `json:"improvement,omitempty"`
	Candidates  int    `json:"candidates,omitempty"`
	// Refused says of each of the others why it was not taken, and Evals are what asking recorded runs of them came to.
	Refused []RoleRefusal `json:"refused,omitempty"`
	Evals   []string      `json:"evals,omitempty"`
	// Of are the people whose words the model was shown: with any of them what it said is forgotten.
	Of []string `json:"of,omitempty"`
}

// RoleRefusal is why a candidate, numbered from 1, was not taken. 0 is the whole answer.
type RoleRefusal struct {
	Candidate int    `json:"candidate,omitempty"`
	Reason    string `json:"reason"`
	// User is whose words it repeats, where that is why.
	User string `json:"user,omitempty"`
}

// RoleSilenced tells that a role is asked nothing more until the period of its budget is over, or its limit is another one.
type RoleSilenced struct {
	Role string `json:"role"`
	// Starting is the period's first day.
	Starting   string `json:"starting"`
	LimitNanos Nanos  `json:"limit_nanos"`
}

func (RoleAsked) Kind() string    { return "role.asked" }
func (RoleAnswered) Kind() string { return "role.answered" }
func (RoleSilenced) Kind() string { return "role.silenced" }

func (RoleAsked) role()    {}
func (RoleAnswered) role() {}
func (RoleSilenced) role() {}

package commands

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Meta is what every command carries. Deciders are clockless: time and ids come in here.
type Meta struct {
	// ID makes the command idempotent: the ids of its facts are derived from it, and dispatching it again is a repeat.
	ID uuid.UUID
	// At is when it happened, which is long ago for imported history. UTC.
	At time.Time
	// Actor is who wishes it: "user:anna", "import:otlp", "analyst:workflow", "manager:run".
	Actor string
	// Workspace separates tenants that share one log.
	Workspace string
	// Correlation is the id of the run that this belongs to, or empty.
	Correlation string
	// Causation is the fact or command that led to this one; zero for a person's own wish.
	Causation uuid.UUID
}

// About is the command's meta data. Every command embeds Meta and so has it.
func (m Meta) About() Meta { return m }

// Command is a wish addressed to one stream.
type Command interface {
	About() Meta
	// Stream names the aggregate's stream: see events.StreamName.
	Stream() string
}

// Receipt tells what became of a command.
type Receipt struct {
	Stream string
	// Revision is the stream's last revision afterwards.
	Revision uint64
	// Position is the log position of the last fact appended, or of the last one there for a repeat.
	Position uint64
	// Events counts the facts appended. It is 0 for a repeat.
	Events int
	// Repeated tells that the command had been carried out before.
	Repeated bool
}

// Dispatch carries out commands of one stream as one append: all of them or none. Each is decided on the state that
// the ones before it leave. It returns the decider's sentinel error where one is refused.
type Dispatch func(ctx context.Context, cmds ...Command) (Receipt, error)

// The sealed interfaces below name which commands go to which aggregate.

// Run is a command to a run.
//
//sumtype:decl
type Run interface {
	Command
	run()
}

// Agent is a command to an agent.
//
//sumtype:decl
type Agent interface {
	Command
	agent()
}

// Task is a command to a task.
//
//sumtype:decl
type Task interface {
	Command
	task()
}

// Feedback is a command to a feedback.
//
//sumtype:decl
type Feedback interface {
	Command
	feedback()
}

// Verdict is a command to what is said of one run.
//
//sumtype:decl
type Verdict interface {
	Command
	verdict()
}

// Rule is a command to the rule of a workflow.
//
//sumtype:decl
type Rule interface {
	Command
	rule()
}

// Runbook is a command to a runbook.
//
//sumtype:decl
type Runbook interface {
	Command
	runbook()
}

// Improvement is a command to an improvement.
//
//sumtype:decl
type Improvement interface {
	Command
	improvement()
}

// Experiment is a command to an experiment.
//
//sumtype:decl
type Experiment interface {
	Command
	experiment()
}

// Dataset is a command to a dataset.
//
//sumtype:decl
type Dataset interface {
	Command
	dataset()
}

// Eval is a command to an eval.
//
//sumtype:decl
type Eval interface {
	Command
	eval()
}

// Judge is a command to the record of a judge.
//
//sumtype:decl
type Judge interface {
	Command
	judge()
}

// Role is a command to a question that a model is asked in a role.
//
//sumtype:decl
type Role interface {
	Command
	role()
}

// Review is a command to a run's review by people.
//
//sumtype:decl
type Review interface {
	Command
	review()
}

// Analyst is a command to the record of an analyst.
//
//sumtype:decl
type Analyst interface {
	Command
	analyst()
}

// Loop is a command to a workspace's loop of improvements.
//
//sumtype:decl
type Loop interface {
	Command
	loop()
}

// Ledger is a command to the log's ledger.
//
//sumtype:decl
type Ledger interface {
	Command
	ledger()
}

// Policy is a command to a workspace's policy.
//
//sumtype:decl
type Policy interface {
	Command
	policy()
}

// Budget is a command to a budget.
//
//sumtype:decl
type Budget interface {
	Command
	budget()
}

// Slack is a command to what happened in Slack.
//
//sumtype:decl
type Slack interface {
	Command
	slack()
}

// Skill is a command to a skill.
//
//sumtype:decl
type Skill interface {
	Command
	skill()
}

// Tool is a command to a tool of an MCP server.
//
//sumtype:decl
type Tool interface {
	Command
	tool()
}

// Token is a command to a token.
//
//sumtype:decl
type Token interface {
	Command
	token()
}

// Goal is a command to a goal.
//
//sumtype:decl
type Goal interface {
	Command
	goal()
}

// Person is a command about somebody whose texts are kept.
//
//sumtype:decl
type Person interface {
	Command
	person()
}

// Trigger is a command to a trigger.
//
//sumtype:decl
type Trigger interface {
	Command
	trigger()
}

// Timer is a command to a trigger's clock.
//
//sumtype:decl
type Timer interface {
	Command
	timer()
}

// Conversation is a command about what was said in several runs.
//
//sumtype:decl
type Conversation interface {
	Command
	conversation()
}

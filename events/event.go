package events

// Event is one fact. Its concrete type is one of those listed in all.go.
type Event interface {
	// Kind is the wire name, for example "run.started". It is chosen once and never changes.
	Kind() string
}

// The sealed interfaces below name which facts make up the stream of which aggregate. gochecksumtype holds every
// switch over them to be exhaustive.

// Run is a fact of a workflow run's stream.
//
//sumtype:decl
type Run interface {
	Event
	run()
}

// Agent is a fact of an agent's stream.
//
//sumtype:decl
type Agent interface {
	Event
	agent()
}

// Task is a fact of a task's stream.
//
//sumtype:decl
type Task interface {
	Event
	task()
}

// Feedback is a fact of a feedback's stream.
//
//sumtype:decl
type Feedback interface {
	Event
	feedback()
}

// Verdict is a fact of what was said of one run: whether it was good.
//
//sumtype:decl
type Verdict interface {
	Event
	verdict()
}

// Rule is a fact of the rule that makes verdicts of a workflow's scores.
//
//sumtype:decl
type Rule interface {
	Event
	rule()
}

// Runbook is a fact of a runbook's stream.
//
//sumtype:decl
type Runbook interface {
	Event
	runbook()
}

// Improvement is a fact of an improvement's stream.
//
//sumtype:decl
type Improvement interface {
	Event
	improvement()
}

// Experiment is a fact of an experiment's stream.
//
//sumtype:decl
type Experiment interface {
	Event
	experiment()
}

// Dataset is a fact of a dataset's stream.
//
//sumtype:decl
type Dataset interface {
	Event
	dataset()
}

// Eval is a fact of an eval's stream.
//
//sumtype:decl
type Eval interface {
	Event
	eval()
}

// Judge is a fact of a judge's stream.
//
//sumtype:decl
type Judge interface {
	Event
	judge()
}

// Role is a fact of a question that a model is asked in a role.
//
//sumtype:decl
type Role interface {
	Event
	role()
}

// Review is a fact of a run's review by people.
//
//sumtype:decl
type Review interface {
	Event
	review()
}

// Analyst is a fact of an analyst's: how its forecasts came out, and what it may do for that.
//
//sumtype:decl
type Analyst interface {
	Event
	analyst()
}

// Loop is a fact of a workspace's loop of improvements: whether it goes on.
//
//sumtype:decl
type Loop interface {
	Event
	loop()
}

// Ledger is a fact of the log's ledger.
//
//sumtype:decl
type Ledger interface {
	Event
	ledger()
}

// Policy is a fact of a workspace's policy.
//
//sumtype:decl
type Policy interface {
	Event
	policy()
}

// Budget is a fact of a budget's stream.
//
//sumtype:decl
type Budget interface {
	Event
	budget()
}

// Slack is a fact of what happened in Slack: of an interaction, or of a post.
//
//sumtype:decl
type Slack interface {
	Event
	slack()
}

// Skill is a fact of a skill's stream.
//
//sumtype:decl
type Skill interface {
	Event
	skill()
}

// Tool is a fact of the stream of an MCP server's tool.
//
//sumtype:decl
type Tool interface {
	Event
	tool()
}

// Token is a fact of a token's stream.
//
//sumtype:decl
type Token interface {
	Event
	token()
}

// Goal is a fact of a goal's stream.
//
//sumtype:decl
type Goal interface {
	Event
	goal()
}

// Person is a fact about somebody whose texts are kept.
//
//sumtype:decl
type Person interface {
	Event
	person()
}

// Trigger is a fact about a trigger.
//
//sumtype:decl
type Trigger interface {
	Event
	trigger()
}

// Timer is a fact about a trigger's clock.
//
//sumtype:decl
type Timer interface {
	Event
	timer()
}

// Conversation is a fact about what was said in several runs.
//
//sumtype:decl
type Conversation interface {
	Event
	conversation()
}

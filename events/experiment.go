package events

import (
	"strconv"
	"strings"
)

// The arms of an experiment on an agent.
const (
	// ControlArm are the runs of the agent as it is, CandidateArm those with the change.
	ControlArm   = "control"
	CandidateArm = "candidate"
	// FrozenArm are the runs that stay for good on the agent as a person made it, CurrentArm the others: what all changes
	// together did is measured by them.
	FrozenArm  = "frozen"
	CurrentArm = "current"
	// GivenArm are the runs that are told of known fixes, HeldOutArm those that are not: what fixes prevent is measured by them.
	GivenArm   = "given"
	HeldOutArm = "held_out"
)

// Candidate is the arm of one of several candidates, the first is 0.
func Candidate(index int) string {
	if index == 0 {
		return CandidateArm
	}
	return CandidateArm + "-" + strconv.Itoa(index+1)
}

// CandidateOf tells which candidate an arm is of, or that it is of none.
func CandidateOf(arm string) (index int, is bool) {
	if arm == CandidateArm {
		return 0, true
	}
	number, is := strings.CutPrefix(arm, CandidateArm+"-")
	n, err := strconv.Atoi(number)
	if !is || err != nil || n < 2 {
		return 0, false
	}
	return n - 1, true
}

// TakenBackAt is how much has to speak for an agent doing worse than as a person made it before what improvements made of it is taken back. Where it
// does no worse it comes to that after at least so many runs, on average.
const TakenBackAt = 100_000

// Holdback is the experiment of an agent's runs that stay on it as a person made it.
func Holdback(agent string) string { return "holdback:" + agent }

// Prevention is the experiment of an agent's runs that are told no known fix. One of its fixes is named behind the agent.
func Prevention(agent, fix string) string {
	if fix == "" {
		return "prevention:" + agent
	}
	return "prevention:" + agent + ":" + fix
}

// RunbookHoldback is the experiment of the goals that stay on a runbook as a person saved it.
func RunbookHoldback(runbook string) string { return "holdback-runbook:" + runbook }

// ExperimentUnit is what stays in one arm.
type ExperimentUnit string

// The units. A run that stands alone is a conversation of its own.
const (
	ByConversation ExperimentUnit = "conversation"
	ByRequester    ExperimentUnit = "requester"
	// ByGoal is for runbooks: each goal is drawn for itself.
	ByGoal ExperimentUnit = "goal"
)

// ExperimentPlan is how an experiment is to be held, settled before its first run.
type ExperimentPlan struct {
	Unit ExperimentUnit `json:"unit"`
	// Steps are the shares that the change comes to one after another, in permille, before it is promoted.
	Steps []int `json:"steps_permille"`
	// CanaryRuns is how many runs of the candidate are seen before it gets a greater share.
	CanaryRuns int64 `json:"canary_runs"`
	// MaxRuns and MaxDays end an experiment that found nothing.
	MaxRuns int64 `json:"max_runs"`
	MaxDays int   `json:"max_days"`
	// FalseAlarms is the greatest chance, in permille, that a change that does no harm is rolled back.
	FalseAlarms int `json:"false_alarms_permille"`
	// CostMore and TimeMore are how much more a run may cost and take, in permille of what it did before.
	CostMore int `json:"cost_more_permille"`
	TimeMore int `json:"time_more_permille"`
	// Within is the time in seconds within which a run counts as a success: one that takes longer fails here.
	Within int64 `json:"within_seconds"`
	// JudgedWithin is how long in seconds a run that has ended waits for a verdict before it counts by how it ended. 0 waits
	// for none: it counts by its verdict only where that is there by then.
	JudgedWithin int64 `json:"judged_within_seconds,omitempty"`
	// Flips is how many tasks may be done worse for sure, however much the others gain. More take the change back.
	Flips int `json:"flips,omitempty"`
	// GivesWay tells that nobody foretells a gain: it ends as soon as a change of the same agent, or runbook, waits that does not give way itself.
	GivesWay bool `json:"gives_way,omitempty"`
}

// ExperimentPlanned says that a change of an agent, or of a runbook, is to be tried. Those of one agent are tried one after another, and so are those of
// one runbook.
type ExperimentPlanned struct {
	Experiment string `json:"experiment"`
	// Agent is empty where a runbook is tried.
	Agent string `json:"agent"`
	// Improvement is what asked for the change, empty where a person thought of it.
	Improvement string     `json:"improvement,omitempty"`
	Change      ChangeKind `json:"change"`
	// Config is the agent's configuration with the change.
	Config AgentConfig `json:"config"`
	// Others are the configurations with other values of the same setting, each an arm of its own.
	Others []AgentConfig `json:"others,omitempty"`
	// Spawn is the agent that is made when it starts, and retired where the change is not kept.
	Spawn *NewAgent `json:"spawn,omitempty"`
	// Book is the version of a runbook that is tried on a part of the goals that are planned by it, nil where an agent is.
	Book *RunbookSaved `json:"book,omitempty"`
	// By tells who lets it be tried, or "policy".
	By string `json:"by"`
	// MaxShare is how far it goes without a person, in permille of the runs.
	MaxShare int            `json:"max_share_permille"`
	Plan     ExperimentPlan `json:"plan"`
	// Screen is what history said of the change before, nil where nobody looked.
	Screen *Screen `json:"screen,omitempty"`
}

// Screen is what runs that were drawn earlier say of a change that is to be tried.
type Screen struct {
	// Experiment drew them, empty where none did.
	Experiment string `json:"experiment,omitempty"`
	// Reason says why they tell nothing, empty where they do.
	Reason string `json:"reason,omitempty"`
	Runs   int64  `json:"runs,omitempty"`
	// Difference is what the change does to the success rate, with its bounds at Confidence.
	Difference float64 `json:"difference"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence,omitempty"`
	// Eval is what the latest eval of the change said, against what there is. It is nil where there is none.
	Eval *EvalScreen `json:"eval,omitempty"`
}

// EvalScreen is what an eval says of a change that is to be tried: by how much more of the same runs pass.
type EvalScreen struct {
	Eval       string  `json:"eval"`
	Runs       int64   `json:"runs"`
	Difference float64 `json:"difference"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"`
}

// Worse tells that they show the change to be worse.
func (s Screen) Worse() bool { return s.Confidence > 0 && s.High < 0 }

// Worse tells that it shows the change to be worse. No eval does not.
func (e *EvalScreen) Worse() bool { return e != nil && e.Confidence > 0 && e.High < 0 }

// ExperimentStarted gives the change its first share of the agent's runs.
type ExperimentStarted struct {
	Share int `json:"share_permille"`
	// Level is the chance of a promotion of what is no better: an e-value of its inverse is the proof that is needed.
	Level float64 `json:"level"`
}

// ArmCount is what the runs of an arm came to.
type ArmCount struct {
	Arm       string `json:"arm"`
	Runs      int64  `json:"runs"`
	Succeeded int64  `json:"succeeded"`
	// Unrated have no verdict, because they were cancelled or their source gave none.
	Unrated int64 `json:"unrated,omitempty"`
	// Judged count by a verdict, all others by how they ended.
	Judged    int64 `json:"judged,omitempty"`
	CostNanos Nanos `json:"cost_nanos,omitempty"`
	// UnpricedCalls counts their calls of which nobody knows what they cost. A run with one tells nothing of the cost.
	UnpricedCalls int64 `json:"unpriced_calls,omitempty"`
	// Milliseconds is how long they took, from the draw to the end.
	Milliseconds int64 `json:"milliseconds,omitempty"`
}

// Proof is what a decision about an experiment rests on.
type Proof struct {
	// From and To are the log positions of the first draw and of the fact that decided.
	From uint64     `json:"from"`
	To   uint64     `json:"to"`
	Arms []ArmCount `json:"arms"`
	// Statistic names what was tested, LogE is the natural logarithm of its e-value and Needed the one that proves it.
	Statistic string  `json:"statistic,omitempty"`
	LogE      float64 `json:"log_e,omitempty"`
	Needed    float64 `json:"needed_log_e,omitempty"`
	// Difference of the success rates, candidate less control, with the bounds that hold at however many looks.
	Difference float64 `json:"difference"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence,omitempty"`
	// Flips are the tasks at which the candidate is worse for sure.
	Flips []Flip `json:"flips,omitempty"`
}

// Flip is a task that went well and goes worse with a change.
type Flip struct {
	Task               string `json:"task"`
	ControlRuns        int64  `json:"control_runs"`
	ControlSucceeded   int64  `json:"control_succeeded"`
	CandidateRuns      int64  `json:"candidate_runs"`
	CandidateSucceeded int64  `json:"candidate_succeeded"`
	// LogE is the natural logarithm of the e-value against "no worse at this task", Needed the one that proves it among all tasks.
	LogE   float64 `json:"log_e"`
	Needed float64 `json:"needed_log_e"`
}

// ExperimentMoved gives the change a greater share.
type ExperimentMoved struct {
	Share int   `json:"share_permille"`
	Proof Proof `json:"proof"`
}

// ExperimentAllocated gives the arms of an experiment on several candidates other shares.
type ExperimentAllocated struct {
	// Shares are those of all arms, the control's first. A candidate without any is out for good.
	Shares []int `json:"shares_permille"`
	// Dropped is the arm that goes out here, by a guardrail that was proved to be broken. It is empty where only what is known has changed.
	Dropped   string `json:"dropped,omitempty"`
	Guardrail string `json:"guardrail,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Proof     Proof  `json:"proof"`
}

// ExperimentProved tells that the change is better, and that the policy wants a person to let it go on.
type ExperimentProved struct {
	// Arm is the candidate, empty where there is one.
	Arm   string `json:"arm,omitempty"`
	Proof Proof  `json:"proof"`
}

// ExperimentPromoted gives the change all runs. By tells who, or "policy".
type ExperimentPromoted struct {
	By string `json:"by"`
	// Arm is the candidate, empty where there is one.
	Arm   string `json:"arm,omitempty"`
	Proof Proof  `json:"proof"`
}

// ExperimentRolledBack ends the change: a guardrail was proved to be broken.
type ExperimentRolledBack struct {
	Guardrail string `json:"guardrail"`
	Reason    string `json:"reason"`
	Proof     Proof  `json:"proof"`
}

// ExperimentStopped ends an experiment that can't or is not to go on, without a verdict.
type ExperimentStopped struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// ExperimentExpired ends an experiment that found nothing in its runs or its days.
type ExperimentExpired struct {
	Reason string `json:"reason"`
	Proof  Proof  `json:"proof"`
}

func (ExperimentPlanned) Kind() string    { return "experiment.planned" }
func (ExperimentStarted) Kind() string    { return "experiment.started" }
func (ExperimentMoved) Kind() string      { return "experiment.moved" }
func (ExperimentAllocated) Kind() string  { return "experiment.allocated" }
func (ExperimentProved) Kind() string     { return "experiment.proved" }
func (ExperimentPromoted) Kind() string   { return "experiment.promoted" }
func (ExperimentRolledBack) Kind() string { return "experiment.rolled_back" }
func (ExperimentStopped) Kind() string    { return "experiment.stopped" }
func (ExperimentExpired) Kind() string    { return "experiment.expired" }

func (ExperimentPlanned) experiment()    {}
func (ExperimentStarted) experiment()    {}
func (ExperimentMoved) experiment()      {}
func (ExperimentAllocated) experiment()  {}
func (ExperimentProved) experiment()     {}
func (ExperimentPromoted) experiment()   {}
func (ExperimentRolledBack) experiment() {}
func (ExperimentStopped) experiment()    {}
func (ExperimentExpired) experiment()    {}

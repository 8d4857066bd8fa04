package events

// GoalLevel is how far a goal reaches.
type GoalLevel string

// The closed vocabulary of levels.
const (
	Strategic   GoalLevel = "strategic"
	Tactical    GoalLevel = "tactical"
	Operational GoalLevel = "operational"
)

// PlanSource is who made a plan.
type PlanSource string

// The closed vocabulary of plan sources. A template made the plan where no model could be asked.
const (
	PlannedByPerson   PlanSource = "person"
	PlannedByRunbook  PlanSource = "runbook"
	PlannedByModel    PlanSource = "model"
	PlannedByTemplate PlanSource = "template"
)

// OnFailure is what becomes of a goal where a task of it has failed for good.
type OnFailure string

// The closed vocabulary of policies. Where it is to fail, what depends on the task is skipped and the goal fails in the end;
// where it is to be skipped, what depends on it is done without its result.
const (
	FailGoal OnFailure = "fail"
	SkipTask OnFailure = "skip"
)

// AfterFailure is what follows a failed attempt at a task.
type AfterFailure string

// The closed vocabulary of what follows.
const (
	TaskRetried   AfterFailure = "retry"
	TaskEscalated AfterFailure = "escalate"
	// TaskWaits is for an attempt that does not count: the goal has no money left, and is paused.
	TaskWaits   AfterFailure = "wait"
	TaskSkipped AfterFailure = "skip"
	TaskFails   AfterFailure = "fail"
)

// Team is how several agents do a task together.
type Team string

// The closed vocabulary of teams.
const (
	TeamReview   Team = "review"
	TeamVote     Team = "vote"
	TeamHandOver Team = "hand-over"
)

// Teams are all teams.
func Teams() []Team { return []Team{TeamReview, TeamVote, TeamHandOver} }

// GoalTask is a task of a goal's plan.
type GoalTask struct {
	// Task names it within its goal.
	Task  string `json:"task"`
	Title string `json:"title,omitempty"`
	// Instruction is what its agent is asked. The results of the tasks that it depends on come with it.
	Instruction string `json:"instruction,omitempty"`
	Agent       string `json:"agent,omitempty"`
	// Tool is called with Params, a JSON object, where no model is to be asked.
	Tool   string `json:"tool,omitempty"`
	Params string `json:"params,omitempty"`
	// Question is what a person is asked, whose answer is the result.
	Question string `json:"question,omitempty"`
	// DependsOn names the tasks whose results it needs.
	DependsOn []string `json:"depends_on,omitempty"`
	// EstimateSeconds and EstimateNanos are what it will take, 0 where nobody knows.
	EstimateSeconds int64 `json:"estimate_seconds,omitempty"`
	EstimateNanos   Nanos `json:"estimate_nanos,omitempty"`
	// Retries is how often a failed attempt is made again. Escalate is the agent that gets it after those.
	Retries   int       `json:"retries,omitempty"`
	Escalate  string    `json:"escalate,omitempty"`
	OnFailure OnFailure `json:"on_failure,omitempty"`
	// Team tells of which task's team it is a part, such as "review of write".
	Team string `json:"team,omitempty"`
}

// Unassigned tells that an agent is to do it, and that nobody says which.
func (t GoalTask) Unassigned() bool { return t.Agent == "" && t.Tool == "" && t.Question == "" }

// GoalEstimate is what a plan will take, by the runs that did such tasks before.
type GoalEstimate struct {
	// Tasks are those that agents do, and Known those of them of which enough runs are known. Where Known is less, it is of those alone.
	Tasks int `json:"tasks"`
	Known int `json:"known"`
	// Runs counts those that it comes from.
	Runs int `json:"runs,omitempty"`
	// Seconds is how long the longest chain of tasks takes.
	Seconds int64 `json:"seconds,omitempty"`
	// CostNanos is what they cost, with the interval that holds it in 80 of 100 cases. Unpriced are those of Known that are not in it.
	CostNanos Nanos `json:"cost_nanos,omitempty"`
	LowNanos  Nanos `json:"low_nanos,omitempty"`
	HighNanos Nanos `json:"high_nanos,omitempty"`
	Unpriced  int   `json:"unpriced,omitempty"`
	// ChancePermille is that all of them succeed at the first attempt.
	ChancePermille int `json:"chance_permille,omitempty"`
}

// GoalCreated is something that is to be reached.
type GoalCreated struct {
	Goal   string    `json:"goal"`
	Prompt string    `json:"prompt"`
	Level  GoalLevel `json:"level"`
	// Parent is the goal that this one is a part of.
	Parent    string `json:"parent,omitempty"`
	Requester string `json:"requester,omitempty"`
	// Conversation is the session, or the thread, that it was asked for in.
	Conversation string `json:"conversation,omitempty"`
	// LimitNanos is what may be spent for it, 0 for no limit of its own.
	LimitNanos Nanos `json:"limit_nanos,omitempty"`
	// Parallel is how many of its tasks are under way at a time.
	Parallel int `json:"parallel"`
	// Talks is how often its agents may speak to one another, 0 for as often as was usual when it was made.
	Talks int `json:"talks,omitempty"`
}

// GoalPlanAsked tells that somebody wants the goal to become tasks.
type GoalPlanAsked struct {
	By string `json:"by"`
	// Runbook is the one to go by, empty for one that fits or none.
	Runbook string `json:"runbook,omitempty"`
	// Slots are what stands in the places that the runbook leaves open.
	Slots map[string]string `json:"slots,omitempty"`
}

// GoalPlanned is a goal's plan: its tasks, and which of them need which.
type GoalPlanned struct {
	Source PlanSource `json:"plan_source"`
	// Runbook and Template name what the plan was made from.
	Runbook  string `json:"runbook,omitempty"`
	Template string `json:"template,omitempty"`
	// Run is the run that a model made it in.
	Run  string `json:"run,omitempty"`
	Note string `json:"note,omitempty"`
	// CostNanos is what it cost to ask for it.
	CostNanos Nanos `json:"cost_nanos,omitempty"`
	// UnpricedCalls counts the calls for it of which nobody knows what they cost.
	UnpricedCalls int64      `json:"unpriced_calls,omitempty"`
	Tasks         []GoalTask `json:"tasks"`
	// Estimate is what it will take, as it was known then.
	Estimate *GoalEstimate `json:"estimate,omitempty"`
	// Arms are the experiments on its runbook that the goal is part of.
	Arms []Arm `json:"arms,omitempty"`
	// Approval is why a person has to approve it before anything of it is done, empty where nobody has to.
	Approval string `json:"approval,omitempty"`
}

// GoalApproved tells that a person wants the plan to be carried out, whatever it costs.
type GoalApproved struct {
	By string `json:"by"`
}

// GoalPlanRefused tells that no plan came of it.
type GoalPlanRefused struct {
	Reason        string `json:"reason"`
	Run           string `json:"run,omitempty"`
	CostNanos     Nanos  `json:"cost_nanos,omitempty"`
	UnpricedCalls int64  `json:"unpriced_calls,omitempty"`
}

// GoalStarted tells that the goal's tasks are to be done, as soon as there is a plan.
type GoalStarted struct {
	By string `json:"by"`
}

// GoalTaskStarted is an attempt at a task: a run.
type GoalTaskStarted struct {
	Task    string `json:"task"`
	Attempt int    `json:"attempt"`
	Run     string `json:"run"`
	// Agent is empty where it goes to whoever fits best.
	Agent string `json:"agent"`
	// ShareNanos is its share of what may be spent for the goal, 0 where there is no limit.
	ShareNanos Nanos `json:"share_nanos,omitempty"`
}

// GoalTaskShort tells that an attempt waits: its next call could cost more than its share of the money.
type GoalTaskShort struct {
	Task string `json:"task"`
	Run  string `json:"run"`
	// SpentNanos is what it has cost so far. What else was its share is there for others. NeedsNanos is what its share has to be for it to go on.
	SpentNanos Nanos `json:"spent_nanos,omitempty"`
	NeedsNanos Nanos `json:"needs_nanos"`
}

// GoalTaskAllotted is a new share for an attempt that waits for one.
type GoalTaskAllotted struct {
	Task       string `json:"task"`
	Run        string `json:"run"`
	ShareNanos Nanos  `json:"share_nanos"`
}

// GoalTaskFinished tells that a task is done. Its result is the answer of the run.
type GoalTaskFinished struct {
	Task string `json:"task"`
	Run  string `json:"run"`
	// Agent is who did it.
	Agent     string `json:"agent,omitempty"`
	CostNanos Nanos  `json:"cost_nanos,omitempty"`
	// UnpricedCalls counts the calls of the attempt of which nobody knows what they cost.
	UnpricedCalls int64 `json:"unpriced_calls,omitempty"`
}

// GoalTaskFailed tells that an attempt failed, and what follows.
type GoalTaskFailed struct {
	Task          string       `json:"task"`
	Run           string       `json:"run"`
	Reason        string       `json:"reason,omitempty"`
	Next          AfterFailure `json:"next"`
	CostNanos     Nanos        `json:"cost_nanos,omitempty"`
	UnpricedCalls int64        `json:"unpriced_calls,omitempty"`
}

// GoalTaskSkipped tells that a task will not be done.
type GoalTaskSkipped struct {
	Task   string `json:"task"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// GoalTold is something that all of a goal's tasks are to heed that begin from then on.
type GoalTold struct {
	By   string `json:"by"`
	Text string `json:"text"`
}

// GoalTaskChanged tells that a task is another one from then on. An attempt under way is given up, and another one begins.
type GoalTaskChanged struct {
	Task string `json:"task"`
	By   string `json:"by"`
	// Instruction and Agent are the new ones, empty where that stays.
	Instruction string `json:"instruction,omitempty"`
	Agent       string `json:"agent,omitempty"`
}

// GoalTaskAnswered is a person's answer to the question that a task is.
type GoalTaskAnswered struct {
	Task   string `json:"task"`
	By     string `json:"by"`
	Answer string `json:"answer"`
}

// GoalPaused tells that no more tasks begin. Those under way go on.
type GoalPaused struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// GoalResumed tells that tasks begin again.
type GoalResumed struct {
	By string `json:"by"`
}

// GoalLimited is a new limit of what may be spent for a goal.
type GoalLimited struct {
	By         string `json:"by"`
	LimitNanos Nanos  `json:"limit_nanos"`
}

// GoalCancelled ends a goal that somebody gave up. Its runs under way are cancelled.
type GoalCancelled struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// GoalFinished ends a goal whose tasks have all ended.
type GoalFinished struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
}

func (GoalCreated) Kind() string      { return "goal.created" }
func (GoalPlanAsked) Kind() string    { return "goal.plan_asked" }
func (GoalPlanned) Kind() string      { return "goal.planned" }
func (GoalPlanRefused) Kind() string  { return "goal.plan_refused" }
func (GoalApproved) Kind() string     { return "goal.approved" }
func (GoalTaskShort) Kind() string    { return "goal.task_short" }
func (GoalTaskAllotted) Kind() string { return "goal.task_allotted" }
func (GoalStarted) Kind() string      { return "goal.started" }
func (GoalTaskStarted) Kind() string  { return "goal.task_started" }
func (GoalTaskFinished) Kind() string { return "goal.task_finished" }
func (GoalTaskFailed) Kind() string   { return "goal.task_failed" }
func (GoalTaskSkipped) Kind() string  { return "goal.task_skipped" }
func (GoalTold) Kind() string         { return "goal.told" }
func (GoalTaskChanged) Kind() string  { return "goal.task_changed" }
func (GoalTaskAnswered) Kind() string { return "goal.task_answered" }
func (GoalPaused) Kind() string       { return "goal.paused" }
func (GoalResumed) Kind() string      { return "goal.resumed" }
func (GoalLimited) Kind() string      { return "goal.limited" }
func (GoalCancelled) Kind() string    { return "goal.cancelled" }
func (GoalFinished) Kind() string     { return "goal.finished" }

func (GoalCreated) goal()      {}
func (GoalPlanAsked) goal()    {}
func (GoalPlanned) goal()      {}
func (GoalPlanRefused) goal()  {}
func (GoalApproved) goal()     {}
func (GoalTaskShort) goal()    {}
func (GoalTaskAllotted) goal() {}
func (GoalStarted) goal()      {}
func (GoalTaskStarted) goal()  {}
func (GoalTaskFinished) goal() {}
func (GoalTaskFailed) goal()   {}
func (GoalTaskSkipped) goal()  {}
func (GoalTold) goal()         {}
func (GoalTaskChanged) goal()  {}
func (GoalTaskAnswered) goal() {}
func (GoalPaused) goal()       {}
func (GoalResumed) goal()      {}
func (GoalLimited) goal()      {}
func (GoalCancelled) goal()    {}
func (GoalFinished) goal()     {}

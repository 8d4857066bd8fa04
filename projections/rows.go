package projections

import (
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// The rows below are the read models. Each type is one table, one field a column of the snake_case name in its db
// tag; `pk` marks the primary key. Times are Unix nanoseconds UTC in the tables (0 = not known), money is integer
// nano-dollars, lists and maps are JSON text with sorted keys. A person may query them in SQL.

// Running is the outcome column of a run or a step that has not ended.
const Running events.Outcome = "running"

// RunRow is a row of workflow_runs.
type RunRow struct {
	Run       string `db:"run,pk"`
	Workspace string `db:"workspace,pk"`
	Workflow  string `db:"workflow"`
	Task      string `db:"task"`
	Requester string `db:"requester"`
	// Conversation names the session that it is a part of.
	Conversation string `db:"conversation"`
	// Agent is who a live run was asked of, and AgentRevision which revision of it answers, -1 before that was said.
	Agent         string `db:"agent"`
	AgentRevision int64  `db:"agent_revision"`
	// Chosen is why that agent, where the run named none.
	Chosen string `db:"chosen"`
	// Prompt and Answer are the beginnings of the texts, of up to TextBytes.
	Prompt  string         `db:"prompt"`
	Answer  string         `db:"answer"`
	Outcome events.Outcome `db:"outcome"`
	// Suspended names the budget that it waits for, empty where it does not.
	Suspended string `db:"suspended"`
	// FinishReason is why the model ended its last answer, in the provider's word.
	FinishReason string            `db:"finish_reason"`
	Error        string            `db:"error"`
	Labels       map[string]string `db:"labels"`
	// Source is the format it was imported from, empty for a live run.
	Source string `db:"source"`
	// Scripted tells that the built-in model answered in it.
	Scripted bool `db:"scripted"`
	// Tried tells that it was drawn into a change that is tried: what it did is not what its agent does by its own version.
	Tried     bool      `db:"tried"`
	StartedAt time.Time `db:"started_at"`
	EndedAt   time.Time `db:"ended_at"`
	// DurationNS is the end minus the start, -1 where one of them is not known.
	DurationNS   int64 `db:"duration_ns"`
	Steps        int64 `db:"steps"`
	FailedSteps  int64 `db:"failed_steps"`
	InputTokens  int64 `db:"input_tokens"`
	OutputTokens int64 `db:"output_tokens"`
	// The money is the greater of the sum over the steps and what the source gave for the whole run, which then leaves nothing
	// without a price.
	events.Cost
	// Trace is the names of its steps in the order of their starts; Agents, Models and Tools are sorted sets.
	Trace  []string `db:"trace"`
	Agents []string `db:"agents"`
	Models []string `db:"models"`
	Tools  []string `db:"tools"`
	// Skills are those that it loaded, as events.SkillRef.String tells them, sorted.
	Skills []string `db:"skills"`
	// FirstPosition and LastPosition are the log positions of its first and latest fact.
	FirstPosition uint64 `db:"first_position"`
	LastPosition  uint64 `db:"last_position"`
	// Verdict is what is said of it, nil for nothing. It is a row of its own, which Reader joins.
	Verdict *VerdictRow
	// steps are the column step_list. Reader gives them apart from the row.
	steps []StepRow
	// stepCost is the sum over the steps, in the fold.
	stepCost events.Cost
	// uses counts the steps of each model, in the fold. It is made when a step is first answered by another model than it
	// asked for.
	uses map[string]int
}

// StepRow is a step of a run: an element of the column step_list of workflow_runs, by its place there.
type StepRow struct {
	Run          string
	Step         int64
	Workflow     string
	Name         string
	Type         events.StepKind
	Agent        string
	Tool         string
	Model        string
	Parent       int64 // -1 at the top
	DependsOn    []int
	Labels       map[string]string
	Outcome      events.Outcome
	Error        string
	StartedAt    time.Time
	EndedAt      time.Time
	DurationNS   int64 // -1 where not known
	InputTokens  int64
	OutputTokens int64
	CachedTokens int64
	CostNanos    events.Nanos
	Unpriced     bool   // its cost is not known
	Position     uint64 // of its latest fact
}

// Spent is what it cost.
func (r StepRow) Spent() events.Cost { return events.CostOf(r.CostNanos, r.Unpriced) }

// AgentRow is a row of agent_registry.
type AgentRow struct {
	Agent     string   `db:"agent,pk"`
	Workspace string   `db:"workspace,pk"`
	Role      string   `db:"role"`
	Model     string   `db:"model"`
	Prompt    string   `db:"prompt"`
	Fallbacks []string `db:"fallbacks"`
	// Schema is the JSON Schema of its answers, as text.
	Schema      string   `db:"schema"`
	Temperature *float64 `db:"temperature"`
	// Effort is how much its model thinks before it answers.
	Effort    string   `db:"reasoning_effort"`
	MaxTokens int64    `db:"max_tokens"`
	Tools     []string `db:"tools"`
	// Skills are those of its configuration.
	Skills []events.SkillRef `db:"skills"`
	// Fixes are what it is told where it meets an error that one is known for.
	Fixes []events.Fix `db:"fixes"`
	// Examples are the runs that it is shown.
	Examples []events.Example `db:"examples"`
	// Lessons are what people ask for in its answers, which it is told.
	Lessons []events.Lesson `db:"lessons"`
	// Routes are what it passes on to others.
	Routes []events.Route `db:"routes"`
	Status string         `db:"status"` // active, resting, retired; empty where only runs name it
	// Imported tells that it is known from history only: its name tells the source, and AdoptedAs the live agent that it was
	// said to be.
	Imported  bool   `db:"imported"`
	AdoptedAs string `db:"adopted_as"`
	// Specialist is what it was made from where it was spawned by itself, empty where somebody made it.
	Specialist string `db:"specialist"`
	// Configured counts its configurations, the first included.
	Configured int64     `db:"configured"`
	SpawnedAt  time.Time `db:"spawned_at"`
	RetiredAt  time.Time `db:"retired_at"`
	// Runs counts the runs it had a step in.
	Runs     int64  `db:"runs"`
	Position uint64 `db:"position"`
}

// TaskRow is a row of tasks: something to be done (from task facts), or a task that runs tried (from run facts), or
// both. Its key is the workflow and the task's name.
type TaskRow struct {
	Workflow  string            `db:"workflow,pk"`
	Task      string            `db:"task,pk"`
	Workspace string            `db:"workspace,pk"`
	Title     string            `db:"title"`
	Status    events.TaskStatus `db:"status"` // empty where only runs name it
	Note      string            `db:"note"`
	Assignee  string            `db:"assignee"`
	// The runs that tried it, by their verdict, else by how they ended.
	Runs      int64     `db:"runs"`
	Succeeded int64     `db:"succeeded"`
	Failed    int64     `db:"failed"`
	Cancelled int64     `db:"cancelled"`
	Unrated   int64     `db:"unrated"`
	Judged    int64     `db:"judged"` // those of them that have a verdict
	UpdatedAt time.Time `db:"updated_at"`
	Position  uint64    `db:"position"`
	// tries are the rated runs by agents, models and tools: metrics count how many tasks have the same.
	tries tries
}

// FeedbackRow is a row of feedback.
type FeedbackRow struct {
	Feedback  string    `db:"feedback,pk"`
	Workspace string    `db:"workspace,pk"`
	Run       string    `db:"run"`
	Step      int64     `db:"step"` // -1 for the whole run
	Agent     string    `db:"agent"`
	User      string    `db:"user"`
	Name      string    `db:"name"`
	Score     *float64  `db:"score"`
	Label     string    `db:"label"`
	Text      string    `db:"text"`
	Better    string    `db:"better"`
	Wish      string    `db:"wish"`
	GivenAt   time.Time `db:"given_at"`
	Position  uint64    `db:"position"`
}

// PatternKind tells the two sorts of rows in patterns apart.
type PatternKind string

// A variant is the whole step sequence of runs; follows is one step coming directly after another.
const (
	VariantPattern PatternKind = "variant"
	FollowsPattern PatternKind = "follows"
)

// PatternRow is a row of patterns, counted over ended runs. For a variant the counts are runs. For follows, Count is
// the occurrences and the others are the runs that hold at least one. A run counts by its verdict where it has one, else by how
// it ended; Judged counts those with a verdict.
type PatternRow struct {
	Workflow string      `db:"workflow,pk"`
	Kind     PatternKind `db:"kind,pk"`
	// Digest is the SHA-256 of the steps' JSON in hex (32 digits): a key that stays short.
	Digest        string   `db:"digest,pk"`
	Workspace     string   `db:"workspace,pk"`
	Steps         []string `db:"steps"`
	Count         int64    `db:"count"`
	Runs          int64    `db:"runs"`
	Succeeded     int64    `db:"succeeded"`
	Failed        int64    `db:"failed"`
	Cancelled     int64    `db:"cancelled"`
	Unrated       int64    `db:"unrated"`
	Judged        int64    `db:"judged"`
	FirstPosition uint64   `db:"first_position"`
	LastPosition  uint64   `db:"last_position"`
	// stepsJSON is what the column steps holds, once it was written: the steps of a pattern never change.
	stepsJSON string
}

// CostRow is a row of llm_costs: what a model cost an agent in a workflow on a day.
type CostRow struct {
	Day          string `db:"day,pk"` // 2026-11-22, UTC, of the step's end
	Workflow     string `db:"workflow,pk"`
	Agent        string `db:"agent,pk"`
	Model        string `db:"model,pk"`
	Workspace    string `db:"workspace,pk"`
	Calls        int64  `db:"calls"`
	InputTokens  int64  `db:"input_tokens"`
	OutputTokens int64  `db:"output_tokens"`
	CachedTokens int64  `db:"cached_tokens"`
	events.Cost
}

// ImprovementRow is a row of improvements.
type ImprovementRow struct {
	Improvement    string `db:"improvement,pk"`
	Workspace      string `db:"workspace,pk"`
	Analyst        string `db:"analyst"`
	AnalystVersion int64  `db:"analyst_version"`
	Kind           string `db:"kind"`
	Workflow       string `db:"workflow"`
	Agent          string `db:"agent"`
	Status         string `db:"status"` // proposed, approved, rejected, applied, rolled_back, withdrawn
	// Generation is 1 for the first one; Previous is the one before a later one.
	Generation int64  `db:"generation"`
	Previous   string `db:"previous"`
	// Claim is what its evidence tests, empty where that was not recorded. Strength is how it stands. Reason, Evidence and
	// Expected are the latest that were recorded.
	Claim    events.Claim    `db:"claim"`
	Strength events.Strength `db:"strength"`
	// EndedPosition is that of the fact that rejected, rolled back or withdrew it, 0 where none did.
	EndedPosition uint64          `db:"ended_position"`
	Reason        string          `db:"reason"`
	Change        events.Change   `db:"change"`
	Evidence      events.Evidence `db:"evidence"`
	Expected      events.Expected `db:"expected"`
	// Worth is what the change may bring, in a user's terms, nil where that was not recorded.
	Worth *events.Worth `db:"worth"`
	// Measured is the latest measured effect, nil where there is none.
	Measured   *events.Evidence `db:"measured"`
	DecidedBy  string           `db:"decided_by"`
	Note       string           `db:"note"`
	ProposedAt time.Time        `db:"proposed_at"`
	UpdatedAt  time.Time        `db:"updated_at"`
	Position   uint64           `db:"position"`
}

// RunbookRow is a row of runbooks: the latest version of each.
type RunbookRow struct {
	Runbook   string               `db:"runbook,pk"`
	Workspace string               `db:"workspace,pk"`
	Version   int64                `db:"version"`
	Workflow  string               `db:"workflow"`
	Run       string               `db:"run"`
	Steps     []events.RunbookStep `db:"steps"`
	Notes     string               `db:"notes"`
	// Requester is whose words it holds, where it was taken from a run.
	Requester string    `db:"requester"`
	SavedAt   time.Time `db:"saved_at"`
	Position  uint64    `db:"position"`
}

// BudgetRow is a row of budgets.
type BudgetRow struct {
	Budget     string              `db:"budget,pk"`
	Workspace  string              `db:"workspace,pk"`
	Period     events.BudgetPeriod `db:"period"`
	LimitNanos events.Nanos        `db:"limit_nanos"`
	// AnyCost leaves money unbounded. Limits beside money are 0 where there is none.
	AnyCost     bool  `db:"any_cost"`
	LimitTokens int64 `db:"limit_tokens"`
	LimitTimeMS int64 `db:"limit_time_ms"`
	LimitAgents int64 `db:"limit_agents"`
	// LimitDepth is how deep agents may be spawned by themselves, LimitFanout how many for what one agent asks.
	LimitDepth  int64 `db:"limit_depth"`
	LimitFanout int64 `db:"limit_fanout"`
	// Exhausted is the first day of the period whose limit was reached last, empty where none was.
	Exhausted string `db:"exhausted"`
	// The money is what was spent in the period that began on Starting, the latest one in which anything was; calls that nobody
	// knows the cost of are those that nothing was set aside for. Reached is the highest mark of the period that was told, 0 for none.
	Starting      string       `db:"starting"`
	SpentNanos    events.Nanos `db:"spent_nanos"`
	UnpricedCalls int64        `db:"unpriced_calls"`
	UsedTokens    int64        `db:"used_tokens"`
	UsedTimeMS    int64        `db:"used_time_ms"`
	UsedAgents    int64        `db:"used_agents"`
	Reached       int64        `db:"reached"`
	// Fails has runs fail that there is too little for.
	Fails    bool   `db:"fails"`
	Position uint64 `db:"position"`
}

// Spent is what was spent in that period, so far as it is known.
func (r BudgetRow) Spent() events.Cost {
	return events.Cost{CostNanos: r.SpentNanos, UnpricedCalls: r.UnpricedCalls}
}

// GoalRow is a row of goals.
type GoalRow struct {
	Goal      string           `db:"goal,pk"`
	Workspace string           `db:"workspace,pk"`
	Prompt    string           `db:"prompt"`
	Level     events.GoalLevel `db:"level"`
	Status    GoalStatus       `db:"status"`
	Parent    string           `db:"parent"`
	Requester string           `db:"requester"`
	// Conversation is where it was asked for, empty for nowhere in particular.
	Conversation string `db:"conversation"`
	// PlanSource is who made the plan, and PlanOf the runbook, the template or the run that it was made from.
	PlanSource events.PlanSource `db:"plan_source"`
	PlanOf     string            `db:"plan_of"`
	// Note is what whoever made the plan says about it, Reason why the goal is where it is.
	Note   string `db:"note"`
	Reason string `db:"reason"`
	// Approval is why the plan waits for a person's approval, empty where it doesn't. Estimate is what it was to take, as the plan said.
	Approval string               `db:"approval"`
	Estimate *events.GoalEstimate `db:"estimate"`
	// Arms are the experiments on its runbook that it is part of.
	Arms []events.Arm `db:"arms"`
	// Parallel is how many tasks are under way at a time.
	Parallel int64 `db:"parallel"`
	// LimitNanos is what may be spent, 0 for no limit of its own. The money is what its tasks have cost that have ended.
	LimitNanos events.Nanos `db:"limit_nanos"`
	events.Cost
	CreatedAt time.Time     `db:"created_at"`
	StartedAt time.Time     `db:"started_at"`
	EndedAt   time.Time     `db:"ended_at"`
	Position  uint64        `db:"position"`
	Tasks     []GoalTaskRow `db:"tasks"`
}

// GoalTaskRow is a task of a goal: an element of the column tasks of goals, in the order of the plan.
type GoalTaskRow struct {
	Task  string `json:"task"`
	Title string `json:"title"`
	Agent string `json:"agent"`
	// AssignedBy is what gave it to its agent, and Assigned why. By words it goes to whoever fits best when it begins.
	AssignedBy events.AssignedBy `json:"assigned_by,omitempty"`
	Assigned   string            `json:"assigned,omitempty"`
	Status     GoalTaskStatus    `json:"status"`
	DependsOn  []string          `json:"depends_on"`
	Attempts   int64             `json:"attempts"`
	// Run is the latest attempt.
	Run             string `json:"run"`
	EstimateSeconds int64  `json:"estimate_seconds"`
	// Estimate is what like tasks cost, 0 where nobody knows. Team tells of which task's team it is a part.
	Estimate USD    `json:"estimate_usd,omitempty"`
	Team     string `json:"team,omitempty"`
	// Question is what a person is asked, where the task is that.
	Question  string     `json:"question,omitempty"`
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	// Cost is that of all attempts, beside what UnpricedCalls cost.
	Cost          USD    `json:"cost_usd"`
	UnpricedCalls int64  `json:"unpriced_calls,omitempty"`
	Reason        string `json:"reason"`
}

// Spent is what its attempts cost.
func (t GoalTaskRow) Spent() events.Cost {
	return events.Cost{CostNanos: events.Nanos(t.Cost), UnpricedCalls: t.UnpricedCalls}
}

// Dimension is what metrics are kept by.
type Dimension string

// The dimensions of metrics.
const (
	ByWorkflow Dimension = "workflow"
	ByAgent    Dimension = "agent"
	ByModel    Dimension = "model"
	ByTool     Dimension = "tool"
)

// MetricRow is a row of metrics: what the runs came to that ended on a day (UTC), by one dimension. A run is counted under
// its workflow and under each agent, model and tool that had a step in it; there, its steps, tokens and money are those of
// these steps alone. It succeeded or failed by its verdict where it has one, else by how it ended; Judged counts those with one.
type MetricRow struct {
	Workspace    string    `db:"workspace,pk"`
	Dimension    Dimension `db:"dimension,pk"`
	Name         string    `db:"name,pk"`
	Day          string    `db:"day,pk"` // empty for what is undated, AllDays for the sum, weekPrefix and a Monday for a week
	Runs         int64     `db:"runs"`
	Succeeded    int64     `db:"succeeded"`
	Failed       int64     `db:"failed"`
	Cancelled    int64     `db:"cancelled"`
	Unrated      int64     `db:"unrated"`
	Judged       int64     `db:"judged"`
	Steps        int64     `db:"steps"`
	FailedSteps  int64     `db:"failed_steps"`
	InputTokens  int64     `db:"input_tokens"`
	OutputTokens int64     `db:"output_tokens"`
	events.Cost
	// durations are of the runs by workflow, else of the steps. trials are the tasks' of AllDays: those of a task lie on
	// many days.
	durations durations
	trials    trialCounts
}

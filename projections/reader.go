package projections

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// ErrNotFound tells that no row has the key that was asked for.
var ErrNotFound = errors.New("not found")

// RunFilter narrows a list of runs. The zero value is all runs.
type RunFilter struct {
	// Begins is what its id begins with.
	Begins       string
	Workflow     string
	Task         string
	Conversation string
	// Agent had a step in it.
	Agent string
	// Outcome is how it counts: by its verdict where it has one, else by how it ended.
	Outcome events.Outcome
	// Since and Until bound the start, inclusive and exclusive; zero is open.
	Since, Until time.Time
	// Limit is the greatest number of rows, 0 for all.
	Limit int
}

// RunSteps is a run with its steps by number.
type RunSteps struct {
	Run   RunRow
	Steps []StepRow
}

// StepStat is what the steps of one name cost in time and money, within one workflow.
type StepStat struct {
	Workflow string
	Name     string
	Steps    int64
	Runs     int64
	Failed   int64
	// Timed counts the steps whose duration is known. Times are a step's own, without those of the steps beneath it. The quantiles are over those, by linear interpolation between
	// the two nearest order statistics (Hyndman and Fan's type 7).
	Timed                     int64
	P50NS, P95NS, TotalNS     int64
	InputTokens, OutputTokens int64
	CostNanos                 events.Nanos
	FirstPosition             uint64
	LastPosition              uint64
}

// Quantiles are durations in seconds, nil where none is known, by linear interpolation (Hyndman and Fan's type 7). Of more
// than 256 durations each is within 1/128 of the exact one.
type Quantiles struct {
	P50 *float64 `json:"p50"`
	P95 *float64 `json:"p95"`
	// P95Low and P95High are between what P95 lies (95%), whatever the durations are like; nil where there are too few to tell.
	P95Low  *float64 `json:"-"`
	P95High *float64 `json:"-"`
}

// Metrics are the figures of all runs, or of those of one workflow, agent, model or tool. A run counts by its verdict where it
// has one, else by how it ended; Judged counts those with one.
type Metrics struct {
	Runs         int64 `json:"runs"`
	Succeeded    int64 `json:"succeeded"`
	Failed       int64 `json:"failed"`
	Cancelled    int64 `json:"cancelled"`
	Unrated      int64 `json:"unrated"`
	Judged       int64 `json:"judged"`
	Running      int64 `json:"running"`
	Steps        int64 `json:"steps"`
	FailedSteps  int64 `json:"failed_steps"`
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	events.Cost  `json:"-"`
	// Duration is of runs in total and by workflow, of steps by agent, model and tool.
	Duration Quantiles `json:"duration_seconds"`
	// PassHat[k-1] is the chance that k trials of a task all succeed (pass^k), without bias: the mean over tasks with
	// at least k rated runs of C(succeeded, k) / C(rated, k). A run that names no task is a task of its own.
	PassHat []float64 `json:"pass_hat"`
	// PassHatTasks[k-1] is over how many tasks that is.
	PassHatTasks []int64 `json:"pass_hat_tasks"`
}

// Report is the whole of the metrics read model.
type Report struct {
	Metrics
	ByWorkflow map[string]Metrics
	ByAgent    map[string]Metrics
	ByModel    map[string]Metrics
	ByTool     map[string]Metrics
}

// Reader reads the read models of a workspace. All lists have a fixed order, so that the same log reads the same.
type Reader interface {
	// In is the Reader of another workspace. The default one has no name.
	In(workspace string) Reader
	// Checkpoint is what the read models hold: it changes with every change of theirs.
	Checkpoint(ctx context.Context) (readmodel.Checkpoint, error)
	// Position is the log position that the read models have seen everything up to.
	Position(ctx context.Context) (uint64, error)
	// Runs yields runs, the latest first (by first position, descending).
	Runs(ctx context.Context, f RunFilter) iter.Seq2[RunRow, error]
	// Run is one run with its steps by number. It returns ErrNotFound where there is none.
	Run(ctx context.Context, run string) (RunRow, []StepRow, error)
	// RunSteps yields a workflow's runs, or all where it is empty, with their steps, by first position.
	RunSteps(ctx context.Context, workflow string) iter.Seq2[RunSteps, error]
	// Observations are what analysts look at of all runs, or of the latest (see Observed), by first position. Readers of one state (Models.Fixed) share them: nobody
	// may change them.
	Observations(ctx context.Context) ([]*Observation, error)
	// Patterns yields variants or directly-follows counts of a workflow (all where it is empty), by workflow, then runs
	// descending, then steps; limit 0 is all.
	Patterns(ctx context.Context, kind PatternKind, workflow string, limit int) iter.Seq2[PatternRow, error]
	// Report is all metrics, or those of the runs that ended in a period.
	Report(ctx context.Context, f MetricsFilter) (Report, error)
	// Daily are the metrics rows of a dimension, by name and day, without the sums of all days.
	Daily(ctx context.Context, d Dimension) ([]MetricRow, error)
	Agents(ctx context.Context) ([]AgentRow, error)
	// AgentVersions are the versions of an agent, or of all where it is empty, by agent and version.
	AgentVersions(ctx context.Context, agent string) ([]AgentVersionRow, error)
	Tasks(ctx context.Context) ([]TaskRow, error)
	// Feedback is that on a run, or all where run is empty, by position.
	Feedback(ctx context.Context, run string) ([]FeedbackRow, error)
	Costs(ctx context.Context) ([]CostRow, error)
	// Improvements are those of a status, or all where it is empty, the latest first.
	Improvements(ctx context.Context, status string) ([]ImprovementRow, error)
	// Experiments are those of a status, or all where it is empty, the latest first.
	Experiments(ctx context.Context, status string) ([]ExperimentRow, error)
	// Drawn are the runs of an experiment that have ended, the first of each conversation or requester, in the order of the draws.
	Drawn(ctx context.Context, experiment string) ([]DrawnRun, error)
	// Datasets are the runs of a dataset, or of all where it is empty, in the order in which they were added.
	Datasets(ctx context.Context, dataset string) ([]DatasetRow, error)
	// Evals are those of an agent, or of all where it is empty, the latest first.
	Evals(ctx context.Context, agent string) ([]EvalRow, error)
	// Judges are those that were ever measured, the one that was last first.
	Judges(ctx context.Context) ([]JudgeRow, error)
	// Roles are what models were asked in roles, the latest first.
	Roles(ctx context.Context) ([]RoleRow, error)
	// Analysts are those of whom a forecast was ever scored, by name.
	Analysts(ctx context.Context) ([]AnalystRow, error)
	// Loop tells whether the loop of improvements is paused.
	Loop(ctx context.Context) (LoopRow, error)
	Runbooks(ctx context.Context) ([]RunbookRow, error)
	// Verdicts are those on runs, the latest first, up to a limit, 0 for all.
	Verdicts(ctx context.Context, limit int) iter.Seq2[VerdictRow, error]
	// Rules are the workflows' rules that make verdicts of scores.
	Rules(ctx context.Context) ([]RuleRow, error)
	// Budgets are those that are no single run's, by name. Budget is one by its name; it returns ErrNotFound where there is none.
	Budgets(ctx context.Context) ([]BudgetRow, error)
	Budget(ctx context.Context, budget string) (BudgetRow, error)
	// Talks are what agents of a goal said to one another, in its order.
	Talks(ctx context.Context, goal string) ([]TalkRow, error)
	// Approvals are those of a status, or all where it is empty, the latest first. Approval is one by its id or by what only its id begins with;
	// it returns ErrNotFound where there is none.
	Approvals(ctx context.Context, status string) ([]ApprovalRow, error)
	// Reviews are the runs that people judge, in a status or in any for an empty one, the latest first.
	Reviews(ctx context.Context, status string) ([]ReviewRow, error)
	Approval(ctx context.Context, id string) (ApprovalRow, error)
	// Tools are those of MCP servers, by name.
	Tools(ctx context.Context) ([]ToolRow, error)
	// Skills are those that agents can be given, by name.
	Skills(ctx context.Context) ([]SkillRow, error)
	// SkillTexts are all texts of skills that were saved, by skill and digest.
	SkillTexts(ctx context.Context) ([]SkillTextRow, error)
	// Triggers are what starts runs by itself, by name, the removed ones too.
	Triggers(ctx context.Context) ([]TriggerRow, error)
	// Tokens lists the tokens of the API, the oldest first.
	Tokens(ctx context.Context) ([]TokenRow, error)
	// Goals are all goals, the latest first (by name: the program's own names rise).
	Goals(ctx context.Context) ([]GoalRow, error)
	// List yields the lines of one of the Lists in which columns have the values of where; limit 0 is all.
	List(ctx context.Context, l readmodel.List, where map[string]string, limit int) iter.Seq2[readmodel.Line, error]
	// Parked are the parked streams, by the position where they stopped, then by projection.
	Parked(ctx context.Context) ([]readmodel.ParkedRow, error)
}

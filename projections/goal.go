package projections

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// GoalStatus is where a goal stands.
type GoalStatus string

// The statuses of a goal. A planned one waits for somebody to start it.
const (
	GoalCreated  GoalStatus = "created"
	GoalPlanning GoalStatus = "planning"
	GoalPlanned  GoalStatus = "planned"
	// GoalAwaits is a planned one whose plan a person has to approve.
	GoalAwaits    GoalStatus = "awaits_approval"
	GoalRunning   GoalStatus = "running"
	GoalPaused    GoalStatus = "paused"
	GoalSucceeded GoalStatus = "succeeded"
	GoalFailed    GoalStatus = "failed"
	GoalCancelled GoalStatus = "cancelled"
)

// Ended tells that nothing more comes.
func (s GoalStatus) Ended() bool { return s == GoalSucceeded || s == GoalFailed || s == GoalCancelled }

// GoalTaskStatus is where a task of a goal stands.
type GoalTaskStatus string

// The statuses of a task of a goal.
const (
	TaskWaiting GoalTaskStatus = "waiting"
	TaskRunning GoalTaskStatus = "running"
	// TaskShort is one under way that waits for a greater share of the goal's money.
	TaskShort   GoalTaskStatus = "waiting_for_budget"
	TaskDone    GoalTaskStatus = "done"
	TaskFailed  GoalTaskStatus = "failed"
	TaskSkipped GoalTaskStatus = "skipped"
)

// Ended tells that nothing more is done about the task.
func (s GoalTaskStatus) Ended() bool { return s == TaskDone || s == TaskFailed || s == TaskSkipped }

// UnderWay tells that there is an attempt, also one that waits for money.
func (s GoalTaskStatus) UnderWay() bool { return s == TaskRunning || s == TaskShort }

var goalTable = readmodel.NewTable("goals", readmodel.TableOf[named, GoalRow]{
	Key:   func(r *GoalRow) named { return named{r.Goal, r.Workspace} },
	Fresh: func(k named, r *GoalRow) { r.Goal, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *GoalRow) int { return len(r.Prompt) + len(r.Note) + 512*len(r.Tasks) },
	Ended: func(r *GoalRow) bool { return r.Status.Ended() },
	Row: []readmodel.ColumnOf[GoalRow]{
		readmodel.Key(readmodel.String("goal", func(r *GoalRow) *string { return &r.Goal })),
		workspaceKey(func(r *GoalRow) *string { return &r.Workspace }),
		readmodel.Symbol("level", func(r *GoalRow) *events.GoalLevel { return &r.Level }),
		readmodel.Symbol("status", func(r *GoalRow) *GoalStatus { return &r.Status }),
		readmodel.String("parent", func(r *GoalRow) *string { return &r.Parent }),
		readmodel.Symbol("requester", func(r *GoalRow) *string { return &r.Requester }),
		readmodel.String("conversation", func(r *GoalRow) *string { return &r.Conversation }),
		readmodel.Symbol("plan_source", func(r *GoalRow) *events.PlanSource { return &r.PlanSource }),
		readmodel.Symbol("plan_of", func(r *GoalRow) *string { return &r.PlanOf }),
		readmodel.Int("parallel", func(r *GoalRow) *int64 { return &r.Parallel }),
		money("limit_nanos", func(r *GoalRow) *events.Nanos { return &r.LimitNanos }),
		money("cost_nanos", func(r *GoalRow) *events.Nanos { return &r.CostNanos }),
		readmodel.Int("unpriced_calls", func(r *GoalRow) *int64 { return &r.UnpricedCalls }),
		readmodel.Time("created_at", func(r *GoalRow) *time.Time { return &r.CreatedAt }),
		readmodel.Time("started_at", func(r *GoalRow) *time.Time { return &r.StartedAt }),
		readmodel.Time("ended_at", func(r *GoalRow) *time.Time { return &r.EndedAt }),
		readmodel.Int("position", func(r *GoalRow) *uint64 { return &r.Position }),
		readmodel.String("prompt", func(r *GoalRow) *string { return &r.Prompt }),
		readmodel.String("note", func(r *GoalRow) *string { return &r.Note }),
		readmodel.String("reason", func(r *GoalRow) *string { return &r.Reason }),
		readmodel.String("approval", func(r *GoalRow) *string { return &r.Approval }),
		readmodel.Document("estimate", func(r *GoalRow) **events.GoalEstimate { return &r.Estimate }),
		readmodel.As(readmodel.Document("arms", func(r *GoalRow) *[]events.Arm { return &r.Arms }), "arms", func(r *GoalRow) any { return jsonList(r.Arms) }),
		readmodel.As(readmodel.Document("tasks", func(r *GoalRow) *[]GoalTaskRow { return &r.Tasks }), "tasks", func(r *GoalRow) any { return jsonList(r.Tasks) }),
	},
})

// goals keeps where each goal and its tasks stand.
var goals = readmodel.Projection{
	Name: "goals", Version: 8, Tables: []readmodel.AnyTable{goalTable},
	Lists: []readmodel.List{goalTable.List(readmodel.List{
		Name: "goals", Help: "Goals with their tasks, the latest first", Order: []readmodel.Order{{Column: "goal", Descending: true}},
	})},
	Bind: bindGoals,
}

func bindGoals(w *readmodel.WorkingSet) readmodel.Fold {
	goals := goalTable.In(w)
	return func(f *readmodel.Fact) error { return foldGoal(goals, f) }
}

func foldGoal(goals *readmodel.Cache[named, GoalRow], f *readmodel.Fact) error {
	fact, ok := f.Event.(events.Goal)
	if !ok {
		return nil
	}
	if e, ok := fact.(events.GoalCreated); ok {
		if err := f.Opens(e.Goal); err != nil {
			return err
		}
		r, err := goals.Row(keyOf(f))
		if err != nil {
			return err
		}
		*r = GoalRow{
			Goal: r.Goal, Workspace: r.Workspace, Prompt: strings.Clone(e.Prompt), Level: e.Level, Parent: e.Parent, Requester: e.Requester, Conversation: strings.Clone(e.Conversation), LimitNanos: e.LimitNanos,
			Parallel: int64(e.Parallel), Status: GoalCreated, CreatedAt: f.When, Position: f.Envelope.Position,
		}
		return nil
	}
	r, err := goals.Existing(keyOf(f))
	switch {
	case err != nil:
		return err
	case r == nil:
		return readmodel.Damaged("the goal was never created")
	}
	r.Position = f.Envelope.Position
	r.fold(fact, f.When)
	return nil
}

// After is the row once a fact of the goal has happened.
func (r GoalRow) After(fact events.Goal, when time.Time) GoalRow {
	r.fold(fact, when)
	return r
}

func (r *GoalRow) fold(fact events.Goal, when time.Time) {
	switch e := fact.(type) {
	case events.GoalCreated:
	case events.GoalPlanAsked:
		r.Status, r.Reason = GoalPlanning, ""
	case events.GoalPlanned:
		r.PlanSource, r.PlanOf, r.Note = e.Source, strings.Clone(e.Runbook+e.Template+e.Run), strings.Clone(e.Note)
		r.Tasks = make([]GoalTaskRow, len(e.Tasks))
		for i, t := range e.Tasks {
			r.Tasks[i] = GoalTaskRow{
				Task: t.Task, Title: t.Title, Agent: t.Agent, Status: TaskWaiting, DependsOn: jsonList(t.DependsOn), EstimateSeconds: t.EstimateSeconds,
				Question: strings.Clone(t.Question), Team: t.Team, Estimate: USD(t.EstimateNanos),
			}
			if t.Agent != "" {
				r.Tasks[i].AssignedBy = events.AssignedByPlan
			}
		}
		r.Cost = r.Cost.Plus(e.Cost())
		r.Approval, r.Estimate, r.Arms = strings.Clone(e.Approval), e.Estimate, e.Arms
		r.goesOn()
	case events.GoalApproved:
		r.Approval = ""
		if r.Status == GoalAwaits {
			r.goesOn()
		}
	case events.GoalTasksAssigned:
		r.Cost = r.Cost.Plus(e.Cost())
		for _, a := range e.Tasks {
			r.task(a.Task, func(t *GoalTaskRow) {
				t.Agent, t.AssignedBy, t.Assigned = strings.Clone(a.Agent), a.AssignedBy, strings.Clone(a.Reason)
			})
		}
	case events.GoalPlanRefused:
		r.Cost = r.Cost.Plus(e.Cost())
		r.Status, r.Reason, r.StartedAt = GoalCreated, strings.Clone(e.Reason), time.Time{}
	case events.GoalStarted:
		r.StartedAt = when
		if r.Tasks != nil && r.Status != GoalPaused {
			r.goesOn()
		}
	case events.GoalTaskStarted:
		r.task(e.Task, func(t *GoalTaskRow) {
			if t.AssignedBy != "" && t.AssignedBy != events.AssignedByWords && e.Agent != t.Agent {
				t.AssignedBy, t.Assigned = events.AssignedByFailure, ""
			}
			t.Status, t.Agent, t.Run, t.Attempts, t.EndedAt = TaskRunning, strings.Clone(e.Agent), strings.Clone(e.Run), int64(e.Attempt), nil
			if t.StartedAt == nil {
				t.StartedAt = jsonTime(when)
			}
		})
	case events.GoalTaskShort:
		r.task(e.Task, func(t *GoalTaskRow) {
			t.Status, t.Reason = TaskShort, "it waits for a greater share of the money"
		})
	case events.GoalTaskAllotted:
		r.task(e.Task, func(t *GoalTaskRow) { t.Status, t.Reason = TaskRunning, "" })
	case events.GoalTaskFinished:
		r.Cost = r.Cost.Plus(e.Cost())
		r.task(e.Task, func(t *GoalTaskRow) {
			t.Agent = strings.Clone(cmp.Or(e.Agent, t.Agent))
			t.ends(when, TaskDone, e.Cost(), "")
		})
	case events.GoalTaskFailed:
		r.Cost = r.Cost.Plus(e.Cost())
		status := map[events.AfterFailure]GoalTaskStatus{events.TaskFails: TaskFailed, events.TaskSkipped: TaskSkipped}[e.Next]
		r.task(e.Task, func(t *GoalTaskRow) {
			if status == "" {
				t.Status, t.Reason = TaskWaiting, strings.Clone(e.Reason)
				t.spend(e.Cost())
				return
			}
			t.ends(when, status, e.Cost(), e.Reason)
		})
	case events.GoalTaskSkipped:
		r.task(e.Task, func(t *GoalTaskRow) { t.ends(when, TaskSkipped, events.Cost{}, e.Reason) })
	case events.GoalTaskChanged:
		r.task(e.Task, func(t *GoalTaskRow) {
			t.Status, t.Run = TaskWaiting, ""
			if e.Agent != "" {
				t.Agent, t.AssignedBy, t.Assigned = strings.Clone(e.Agent), events.AssignedByPerson, strings.Clone(e.By)
			}
		})
	case events.GoalTaskAnswered:
		r.task(e.Task, func(t *GoalTaskRow) { t.ends(when, TaskDone, events.Cost{}, "") })
	case events.GoalAgentAsked:
	case events.GoalAgentAnswered:
		r.Cost = r.Cost.Plus(e.Cost())
	case events.GoalTaskHandedOver:
		r.Cost = r.Cost.Plus(e.Cost())
		r.task(e.Task, func(t *GoalTaskRow) {
			t.Status, t.Agent, t.AssignedBy, t.Assigned = TaskWaiting, strings.Clone(e.To), events.AssignedByAgent, strings.Clone(e.From)
			t.spend(e.Cost())
		})
	case events.GoalTold:
	case events.GoalPaused:
		r.Status, r.Reason = GoalPaused, strings.Clone(e.Reason)
	case events.GoalResumed:
		r.Reason = ""
		r.goesOn()
	case events.GoalLimited:
		r.LimitNanos = e.LimitNanos
	case events.GoalCancelled:
		r.Status, r.Reason, r.EndedAt = GoalCancelled, strings.Clone(e.Reason), when
	case events.GoalFinished:
		r.Status, r.Reason, r.EndedAt = GoalSucceeded, strings.Clone(e.Reason), when
		if e.Outcome != events.Succeeded {
			r.Status = GoalFailed
		}
	}
}

// goesOn is the status of a goal that is not paused.
func (r *GoalRow) goesOn() {
	switch {
	case r.Tasks == nil && r.Status != GoalPlanning:
		r.Status = GoalCreated
	case r.Tasks == nil:
	case r.Approval != "":
		r.Status = GoalAwaits
	case r.StartedAt.IsZero():
		r.Status = GoalPlanned
	default:
		r.Status = GoalRunning
	}
}

// task changes a task. The list is another one then: a row that was read before keeps its own.
func (r *GoalRow) task(name string, change func(*GoalTaskRow)) {
	if i := slices.IndexFunc(r.Tasks, func(t GoalTaskRow) bool { return t.Task == name }); i >= 0 {
		r.Tasks = slices.Clone(r.Tasks)
		change(&r.Tasks[i])
	}
}

func (t *GoalTaskRow) ends(when time.Time, status GoalTaskStatus, cost events.Cost, reason string) {
	t.Status, t.EndedAt, t.Reason = status, jsonTime(when), strings.Clone(reason)
	t.spend(cost)
}

func (t *GoalTaskRow) spend(cost events.Cost) {
	sum := t.Spent().Plus(cost)
	t.Cost, t.UnpricedCalls = USD(sum.CostNanos), sum.UnpricedCalls
}

package managers

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Plan is the work of turning a goal into tasks.
type Plan struct {
	// ID is the want's: the ids of all that comes of it derive from it.
	ID        uuid.UUID
	Workspace string
	Goal      string
	Prompt    string
	Requester string
	// Runbook is the one to go by, if somebody named one.
	Runbook string
	Slots   map[string]string
	// Round counts the times that somebody asked for a plan, and Asked how often a model was asked in this one. Run is the last
	// time. Answer is what it said there, and Failed why it said nothing.
	Round  int
	Asked  int
	Run    string
	Answer string
	Failed string
	// Cost is what asking has cost in this round.
	Cost events.Cost
}

// Kind implements Work.
func (Plan) Kind() string { return "plan" }

// Share implements Work: goals are served in turn.
func (p Plan) Share() string { return p.Workspace + "\x00" + p.Requester + "\x00" + p.Goal }

// goalTask is a task of a goal, as its manager needs it.
type goalTask struct {
	events.GoalTask
	Attempts int `json:"attempts,omitempty"`
	// Run is the attempt under way, and Agent who makes it.
	Run    string `json:"run,omitempty"`
	Doer   string `json:"doer,omitempty"`
	Done   bool   `json:"done,omitempty"`
	Ended  bool   `json:"ended,omitempty"`
	Result string `json:"result,omitempty"`
	// Handed is what the one said who handed it over last, and HandedBy who that was.
	Handed   string `json:"handed,omitempty"`
	HandedBy string `json:"handed_by,omitempty"`
	// Failed is why the latest attempt came to nothing.
	Failed string `json:"failed,omitempty"`
	// Path is how long the longest way from its start to the goal's end is, in seconds or in tasks.
	Path int64 `json:"path,omitempty"`
}

type goalState struct {
	Workspace string    `json:"workspace,omitempty"`
	Goal      string    `json:"goal,omitempty"`
	Prompt    string    `json:"prompt,omitempty"`
	Requester string    `json:"requester,omitempty"`
	Parallel  int       `json:"parallel,omitempty"`
	Cause     uuid.UUID `json:"cause"`
	At        time.Time `json:"at"`
	// Limit is what may be spent. Bounded tells that its budget was set since that was said.
	Limit   events.Nanos `json:"limit,omitempty"`
	Bounded bool         `json:"bounded,omitempty"`
	// Planning is the fact that asked for a plan, Round how many of those there are, and Asked how often a model was asked since.
	Planning uuid.UUID         `json:"planning"`
	Round    int               `json:"round,omitempty"`
	Runbook  string            `json:"runbook,omitempty"`
	Slots    map[string]string `json:"slots,omitempty"`
	Asked    int               `json:"asked,omitempty"`
	PlanRun  string            `json:"plan_run,omitempty"`
	// Spent is what the model was asked for before in this round.
	Spent events.Cost `json:"spent,omitzero"`
	// Planned is the fact that holds the plan.
	Planned uuid.UUID          `json:"planned"`
	Tasks   []goalTask         `json:"tasks,omitempty"`
	Runs    map[string]goalRun `json:"runs"`
	Started bool               `json:"started,omitempty"`
	// Unapproved tells that the plan waits for a person's approval.
	Unapproved bool `json:"unapproved,omitempty"`
	Paused     bool `json:"paused,omitempty"`
	Ended      bool `json:"ended,omitempty"`
	// Told is what people said that is to be heeded.
	Told []string `json:"told,omitempty"`
	// Talks are the questions of agents to others that wait for an answer.
	Talks []goalTalk `json:"talks,omitempty"`
	// Assigned tells that it was said who does the tasks for which the plan names nobody, and AssignRun where a model was asked.
	Assigned  bool   `json:"assigned,omitempty"`
	AssignRun string `json:"assign_run,omitempty"`
}

// ofGoal is the key of facts that belong to a goal: its own, those of its budget, and those of its runs, which have its name
// before the first dot.
func ofGoal(e *events.Envelope) string {
	id := events.Identity(e.Stream)
	switch events.Category(e.Stream) {
	case "budget":
		id = strings.TrimPrefix(id, commands.GoalBudget(""))
	case "run":
		id, _, _ = strings.Cut(id, ".")
	}
	return events.StreamName("goal", e.Workspace, id)
}

// goal drives goals: everything that is ready runs at once, as far as places go, those first from which the longest way is
// left to go. What has a result hands it on to those who need it.
func goal() Manager[goalState] {
	return Manager[goalState]{
		Name: "goal", Version: 6, Key: ofGoal, Opens: []string{"goal.created"},
		Follows: []string{
			"goal.plan_asked", "goal.planned", "goal.plan_refused", "goal.started", "goal.approved", "goal.task_short", "goal.task_allotted", "goal.task_started", "goal.task_finished", "goal.task_failed",
			"goal.task_skipped", "goal.task_changed", "goal.task_answered", "goal.told", "goal.agent_asked", "goal.agent_answered", "goal.task_handed_over", "goal.tasks_assigned", "goal.paused", "goal.resumed", "goal.limited", "goal.cancelled", "goal.finished", "budget.set",
			"run.started", "run.assigned", "run.step_finished", "run.suspended", "run.resumed", "run.finished", "run.failed", "run.cancelled",
		},
		Evolve: func(s goalState, e *events.Envelope, fact events.Event) goalState {
			switch f := fact.(type) {
			case events.Goal:
				s = evolveGoal(s, e, f)
			case events.Run:
				s = evolveGoalRun(s, e, f)
			case events.BudgetSet:
				s.Bounded = s.Bounded || f.Budget == commands.GoalBudget(s.Goal)
			}
			s.At = e.OccurredAt
			return s
		},
		Wants: wantsOfGoal,
		Over: func(s goalState) bool {
			for _, r := range s.Runs {
				if r.Started && !r.Ended {
					return false
				}
			}
			return s.Ended
		},
	}
}

func evolveGoal(s goalState, e *events.Envelope, fact events.Goal) goalState {
	switch f := fact.(type) {
	case events.GoalCreated:
		s = goalState{
			Workspace: e.Workspace, Goal: f.Goal, Prompt: f.Prompt, Requester: f.Requester, Parallel: f.Parallel, Limit: f.LimitNanos,
			Cause: e.ID, Runs: map[string]goalRun{},
		}
	case events.GoalPlanAsked:
		s.Slots, s.Planning, s.Runbook, s.Asked, s.PlanRun, s.Spent, s.Round = f.Slots, e.ID, f.Runbook, 0, "", events.Cost{}, s.Round+1
	case events.GoalPlanned:
		s.Planning, s.Planned, s.Runbook, s.Unapproved = uuid.Nil, e.ID, f.Runbook, f.Approval != ""
		s.Tasks = make([]goalTask, len(f.Tasks))
		for i, t := range f.Tasks {
			s.Tasks[i].GoalTask = t
		}
		lengths(s.Tasks)
	case events.GoalPlanRefused:
		s.Planning, s.Started = uuid.Nil, false
	case events.GoalStarted:
		s.Started = true
	case events.GoalTaskStarted:
		s.Runs[f.Run] = goalRun{Cause: e.ID, At: e.OccurredAt, Share: f.ShareNanos}
		s.task(f.Task, func(t *goalTask) { t.Attempts, t.Run, t.Doer = f.Attempt, f.Run, f.Agent })
	case events.GoalApproved:
		s.Unapproved = false
	case events.GoalTaskShort:
		if r, known := s.Runs[f.Run]; known {
			r.Short = uuid.Nil
			s.Runs[f.Run] = r
		}
	case events.GoalTaskAllotted:
		if r, known := s.Runs[f.Run]; known {
			r.Share, r.Allotted, r.At = f.ShareNanos, e.ID, e.OccurredAt
			s.Runs[f.Run] = r
		}
	case events.GoalTaskFinished:
		s.task(f.Task, func(t *goalTask) { t.Result, t.Run, t.Done, t.Ended = s.Runs[f.Run].Answer, "", true, true })
		delete(s.Runs, f.Run)
		s.forget()
	case events.GoalTaskFailed:
		s.task(f.Task, func(t *goalTask) {
			t.Run, t.Ended = "", f.Next == events.TaskSkipped || f.Next == events.TaskFails
			if f.Next != events.TaskWaits {
				t.Failed = handedOn(f.Reason)
			}
		})
		delete(s.Runs, f.Run)
	case events.GoalTaskSkipped:
		s.task(f.Task, func(t *goalTask) { t.Run, t.Failed, t.Ended = "", cmp.Or(f.Reason, "it was left out"), true })
	case events.GoalTaskChanged:
		s.task(f.Task, func(t *goalTask) {
			t.Run, t.Instruction, t.Agent = "", cmp.Or(f.Instruction, t.Instruction), cmp.Or(f.Agent, t.Agent)
		})
	case events.GoalTaskAnswered:
		s.task(f.Task, func(t *goalTask) { t.Result, t.Done, t.Ended = handedOn(f.Answer), true, true })
		s.forget()
	case events.GoalTold:
		s.Told = append(slices.Clip(s.Told), handedOn(f.Text))
	case events.GoalAgentAsked:
		s.asked(e, f)
	case events.GoalAgentAnswered:
		s.answered(e, f)
	case events.GoalTaskHandedOver:
		s.handedOver(f)
	case events.GoalTasksAssigned:
		s.assigned(f)
	case events.GoalPaused:
		s.Paused = true
	case events.GoalResumed:
		s.Paused = false
	case events.GoalLimited:
		s.Limit, s.Cause, s.Bounded = f.LimitNanos, e.ID, false
	case events.GoalCancelled, events.GoalFinished:
		s.Ended = true
	}
	return s
}

func (s *goalState) task(name string, change func(*goalTask)) {
	for i := range s.Tasks {
		if s.Tasks[i].Task == name {
			change(&s.Tasks[i])
		}
	}
}

// forget drops results that nobody needs any more.
func (s *goalState) forget() {
	needed := map[string]bool{}
	for _, t := range s.Tasks {
		if !t.Ended {
			for _, on := range t.DependsOn {
				needed[on] = true
			}
		}
	}
	for i := range s.Tasks {
		if !needed[s.Tasks[i].Task] {
			s.Tasks[i].Result = ""
		}
	}
}

// lengths finds for each task how long the longest way from its start to the end is: in seconds where all have an estimate,
// in tasks elsewhere.
func lengths(tasks []goalTask) {
	timed := !slices.ContainsFunc(tasks, func(t goalTask) bool { return t.EstimateSeconds == 0 })
	next := map[string][]int{}
	for i, t := range tasks {
		for _, on := range t.DependsOn {
			next[on] = append(next[on], i)
		}
	}
	var length func(int) int64
	length = func(i int) int64 {
		if tasks[i].Path > 0 {
			return tasks[i].Path
		}
		var rest int64
		for _, j := range next[tasks[i].Task] {
			rest = max(rest, length(j))
		}
		own := int64(1)
		if timed {
			own = tasks[i].EstimateSeconds
		}
		tasks[i].Path = own + rest
		return tasks[i].Path
	}
	for i := range tasks {
		length(i)
	}
}

func wantsOfGoal(s goalState) (wants []Want) {
	command := func(cause uuid.UUID, index int, at time.Time, run string) commands.Meta {
		return meta("goal", cause, index, at, s.Workspace, run)
	}
	if s.Limit > 0 && !s.Bounded && !s.Ended {
		m := command(s.Cause, 1, s.At, "")
		return []Want{{ID: m.ID, Command: commands.SetBudget{Meta: m, Budget: commands.GoalBudget(s.Goal), Period: events.Total, LimitNanos: s.Limit, Marks: []int{50, 80}}}}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Runs)) {
		r := s.Runs[name]
		if needed := name == s.PlanRun || name == s.AssignRun && len(s.nobodys()) > 0 || s.speaks(name) || r.HandedOver; r.Started && !r.Ended && (s.Ended || !needed) {
			m := command(r.Cause, 2, r.At, name)
			wants = append(wants, Want{ID: m.ID, Command: commands.CancelRun{Meta: m, Run: name, Reason: "its goal does not need it any more"}})
		}
	}
	if s.Ended {
		return wants
	}
	if s.Planning != uuid.Nil {
		return append(wants, s.plan()...)
	}
	for _, t := range s.Tasks {
		if t.Run == "" {
			continue
		}
		switch r := s.Runs[t.Run]; {
		case !r.Started:
			m := command(r.Cause, 0, r.At, t.Run)
			wants = append(wants, Want{ID: m.ID, Command: commands.StartRun{
				Meta: m, Run: t.Run, Workflow: cmp.Or(s.Runbook, "goal"), Task: cmp.Or(t.Title, t.Task), Goal: s.Goal, ShareNanos: r.Share, Requester: s.Requester, Agent: t.Doer,
				Tool: t.Tool, Params: t.Params, Prompt: s.asks(t), Conversation: t.Run,
			}})
		case r.Ended && r.Error == "":
			m := command(r.Cause, 0, r.At, t.Run)
			wants = append(wants, Want{ID: m.ID, Command: commands.FinishTask{Meta: m, Goal: s.Goal, Task: t.Task, Run: t.Run, Agent: t.Doer, CostNanos: r.Cost.CostNanos, UnpricedCalls: r.Cost.UnpricedCalls}})
		case r.Ended:
			m := command(r.Cause, 0, r.At, t.Run)
			wants = append(wants, Want{ID: m.ID, Command: commands.FailTask{
				Meta: m, Goal: s.Goal, Task: t.Task, Run: t.Run, Reason: r.Error, Failure: r.Failure, CostNanos: r.Cost.CostNanos, UnpricedCalls: r.Cost.UnpricedCalls,
			}})
		case r.Short != uuid.Nil:
			m := command(r.Short, 3, r.At, t.Run)
			wants = append(wants, Want{ID: m.ID, Command: commands.ShortTask{Meta: m, Goal: s.Goal, Task: t.Task, Run: t.Run, SpentNanos: r.Cost.CostNanos, NeedsNanos: r.Needs}})
		case r.Allotted != uuid.Nil:
			m := command(r.Allotted, 0, r.At, t.Run)
			wants = append(wants, Want{ID: m.ID, Command: commands.ResumeRun{Meta: m, Run: t.Run, ShareNanos: r.Share}})
		}
	}
	wants = append(append(wants, s.assign()...), s.answers()...)
	for _, i := range s.next() {
		t := s.Tasks[i]
		m := command(s.Planned, 1+i*maxAttempts+t.Attempts, s.At, "")
		wants = append(wants, Want{ID: m.ID, Command: commands.StartTask{Meta: m, Goal: s.Goal, Task: t.Task, Attempt: t.Attempts + 1}})
	}
	return wants
}

// maxAttempts keeps the ids of the attempts at different tasks apart.
const maxAttempts = 1 << 16

// taskOf is the task that a run is the attempt at that is under way.
func (s goalState) taskOf(run string) string {
	if i := slices.IndexFunc(s.Tasks, func(t goalTask) bool { return t.Run == run }); i >= 0 {
		return s.Tasks[i].Task
	}
	return ""
}

// plan is what is to be done for a plan: a model that is thinking about one is waited for.
func (s goalState) plan() []Want {
	p := Plan{
		ID: events.DeriveID(s.Planning, 1+s.Asked), Workspace: s.Workspace, Goal: s.Goal, Prompt: s.Prompt, Requester: s.Requester, Runbook: s.Runbook, Slots: s.Slots,
		Round: s.Round, Asked: s.Asked, Run: s.PlanRun,
	}
	if s.Asked > 0 {
		r := s.Runs[s.PlanRun]
		if !r.Ended {
			return nil
		}
		p.Answer, p.Failed, p.Cost = r.Answer, r.Error, s.Spent.Plus(r.Cost)
	}
	return []Want{{ID: p.ID, Work: p}}
}

// next are the tasks to begin, by place, those first from which the longest way is left to go.
func (s goalState) next() []int {
	if !s.Started || s.Paused || s.Unapproved || len(s.nobodys()) > 0 {
		return nil
	}
	ended := make(map[string]bool, len(s.Tasks))
	free := s.Parallel
	for _, t := range s.Tasks {
		ended[t.Task] = t.Ended
		if t.Run != "" {
			free--
		}
	}
	var ready []int
	for i, t := range s.Tasks {
		if !t.Ended && t.Run == "" && t.Question == "" && !slices.ContainsFunc(t.DependsOn, func(on string) bool { return !ended[on] }) {
			ready = append(ready, i)
		}
	}
	slices.SortStableFunc(ready, func(a, b int) int { return cmp.Compare(s.Tasks[b].Path, s.Tasks[a].Path) })
	return ready[:max(min(free, len(ready)), 0)]
}

// asks is what the agent of a task is asked: its part, what it is a part of, and what those before it found.
func (s goalState) asks(t goalTask) string {
	var b strings.Builder
	b.WriteString(t.Instruction)
	fmt.Fprintf(&b, "\n\nThis is a part of a larger goal: %s\n", s.Prompt)
	if t.Handed != "" {
		fmt.Fprintf(&b, "\n%s began this and hands it over to you: go on from there, and answer with the whole result.\n%s\n", t.HandedBy, t.Handed)
	}
	if with := s.agents(); len(with) > 1 {
		fmt.Fprintf(&b, "\nAgents that work on it: %s\n", strings.Join(with, ", "))
	}
	for _, on := range t.DependsOn {
		for _, other := range s.Tasks {
			switch {
			case other.Task != on:
			case other.Done:
				fmt.Fprintf(&b, "\nThe result of %q:\n%s\n", cmp.Or(other.Title, on), other.Result)
			default:
				fmt.Fprintf(&b, "\nThere is no result of %q: %s\n", cmp.Or(other.Title, on), other.Failed)
			}
		}
	}
	for _, said := range s.Told {
		fmt.Fprintf(&b, "\nTo be heeded: %s\n", said)
	}
	if t.Failed != "" {
		fmt.Fprintf(&b, "\nAn earlier attempt came to nothing: %s\n", t.Failed)
	}
	return b.String()
}

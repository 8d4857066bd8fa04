package aggregates

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// The bounds of a goal.
const (
	// maxGoalTasks is how many tasks a plan may have.
	maxGoalTasks = 500
	// goalParallel is how many tasks are under way at a time where nobody says, maxGoalParallel at most.
	goalParallel    = 8
	maxGoalParallel = 256
	maxRetries      = 10
	// goalTalks is how often a goal's agents may speak to one another where nobody says, maxGoalTalks at most.
	goalTalks    = 50
	maxGoalTalks = 1000
)

// goalName is what a goal or a task of one may be called: it is a part of the names of runs.
var goalName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// goalTask is where a task of a goal stands.
type goalTask struct {
	plan     events.GoalTask
	attempts int
	failures int
	// run is the attempt under way, empty where there is none.
	run string
	// done tells that its result is there, skipped that it will not be done; failed that it failed for good.
	done, skipped, failed, escalated bool
	// share is what the attempt under way may cost. A short one waits for a greater share, of needs in all.
	share, needs events.Nanos
	short        bool
}

func (t goalTask) ended() bool { return t.done || t.skipped || t.failed }

// Goal is a goal as its stream tells of it.
type Goal struct {
	Created events.GoalCreated
	// Planning tells that a plan is asked for and is not there.
	Planning bool
	Planned  bool
	// Approval is why the plan waits for a person's approval, empty where it doesn't.
	Approval string
	Started  bool
	Paused   bool
	Ended    bool
	limit    events.Nanos
	// spent is what was told to have been spent for it.
	spent events.Nanos
	tasks []goalTask
	// assigned tells that it was said who does the tasks for which the plan names nobody.
	assigned bool
	// talked counts what its agents said to one another, and talks are the questions that wait for an answer.
	talked int
	talks  []talk
}

func goal(p Policies) Decider[Goal, commands.Goal, events.Goal] {
	return Decider[Goal, commands.Goal, events.Goal]{
		Initial: func() Goal { return Goal{} },
		Decide:  func(c commands.Goal, s Goal) ([]events.Goal, error) { return decideGoal(p, c, s) },
		Evolve:  evolveGoal,
	}
}

func decideGoal(p Policies, c commands.Goal, s Goal) ([]events.Goal, error) {
	if create, is := c.(commands.CreateGoal); is {
		return createGoal(create, s)
	}
	switch {
	case s.Created.Goal == "":
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
	case s.Ended:
		return nil, fmt.Errorf("goal %s: %w", s.Created.Goal, ErrEnded)
	}
	switch c := c.(type) {
	case commands.CreateGoal:
	case commands.AskPlan:
		return askPlan(c, s)
	case commands.PlanGoal:
		return planGoal(p(c.Workspace), c, s)
	case commands.RefusePlan:
		if !s.Planning {
			return nil, fmt.Errorf("%w: no plan of goal %s is asked for", ErrState, c.Goal)
		}
		if err := checkCost(c.CostNanos, c.UnpricedCalls); err != nil {
			return nil, err
		}
		return []events.Goal{events.GoalPlanRefused{Reason: c.Reason, Run: c.Run, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls}}, nil
	case commands.ApproveGoal:
		if !s.Planned || s.Approval == "" {
			return nil, fmt.Errorf("%w: no plan of goal %s waits for approval", ErrState, c.Goal)
		}
		return []events.Goal{events.GoalApproved{By: c.By}}, nil
	case commands.AssignTasks:
		return assignTasks(c, s)
	case commands.ShortTask:
		return shortTask(c, s)
	case commands.StartGoal:
		return startGoal(c, s)
	case commands.StartTask:
		return startTask(c, s)
	case commands.FinishTask:
		if _, err := s.attempted(c.Task, c.Run, c.CostNanos, c.UnpricedCalls); err != nil {
			return nil, err
		}
		return s.told(events.GoalTaskFinished{Task: c.Task, Run: c.Run, Agent: c.Agent, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls}), nil
	case commands.FailTask:
		t, err := s.attempted(c.Task, c.Run, c.CostNanos, c.UnpricedCalls)
		if err != nil {
			return nil, err
		}
		return failTask(c, s, t), nil
	case commands.SkipTask:
		if _, err := s.open(c.Task); err != nil {
			return nil, err
		}
		return s.told(events.GoalTaskSkipped{Task: c.Task, By: c.By, Reason: c.Reason}), nil
	case commands.TellGoal:
		if strings.TrimSpace(c.Text) == "" {
			return nil, fmt.Errorf("%w: say what is to be heeded", ErrInvalid)
		}
		return []events.Goal{events.GoalTold{By: c.By, Text: c.Text}}, nil
	case commands.ChangeTask:
		return changeTask(c, s)
	case commands.AnswerTask:
		return answerTask(c, s)
	case commands.AskAgent:
		return askAgent(c, s)
	case commands.AnswerAgent:
		return answerAgent(c, s)
	case commands.HandOver:
		return handOver(c, s)
	case commands.PauseGoal:
		if s.Paused {
			return nil, nil
		}
		return []events.Goal{events.GoalPaused{By: c.By, Reason: c.Reason}}, nil
	case commands.ResumeGoal:
		if !s.Paused {
			return nil, nil
		}
		return s.settled(events.GoalResumed{By: c.By}), nil
	case commands.LimitGoal:
		switch {
		case c.LimitNanos <= 0:
			return nil, fmt.Errorf("%w: a goal's limit is more than nothing", ErrInvalid)
		case c.Was != 0 && c.Was != s.limit:
			return nil, fmt.Errorf("goal %s: %w: its limit is %s by now", c.Goal, ErrState, say(events.InMoney, int64(s.limit)))
		case c.LimitNanos == s.limit:
			return nil, nil
		}
		return s.settled(events.GoalLimited{By: c.By, LimitNanos: c.LimitNanos}), nil
	case commands.CancelGoal:
		return []events.Goal{events.GoalCancelled{By: c.By, Reason: c.Reason}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

func createGoal(c commands.CreateGoal, s Goal) ([]events.Goal, error) {
	switch {
	case s.Created.Goal != "":
		return nil, fmt.Errorf("goal %s: %w", c.Goal, ErrExists)
	case !goalName.MatchString(c.Goal):
		return nil, fmt.Errorf("%w: goal %q: a name has up to 64 letters, digits, hyphens and underscores", ErrInvalid, c.Goal)
	case strings.TrimSpace(c.Prompt) == "":
		return nil, fmt.Errorf("%w: goal %s does not say what is to be reached", ErrInvalid, c.Goal)
	case c.LimitNanos < 0 || c.Parallel < 0 || c.Parallel > maxGoalParallel:
		return nil, fmt.Errorf("%w: goal %s: a limit is not negative, and at most %d tasks are under way at a time", ErrInvalid, c.Goal, maxGoalParallel)
	case c.Talks < 0 || c.Talks > maxGoalTalks:
		return nil, fmt.Errorf("%w: the agents of goal %s may speak to one another up to %d times, not %d", ErrInvalid, c.Goal, maxGoalTalks, c.Talks)
	case c.Parent == c.Goal || c.Parent != "" && !goalName.MatchString(c.Parent):
		return nil, fmt.Errorf("%w: goal %s can't be part of %q", ErrInvalid, c.Goal, c.Parent)
	}
	switch c.Level {
	case events.Strategic, events.Tactical, events.Operational:
	default:
		return nil, fmt.Errorf("%w: goal %s has no level %q: there are strategic, tactical and operational", ErrInvalid, c.Goal, c.Level)
	}
	return []events.Goal{events.GoalCreated{
		Goal: c.Goal, Prompt: c.Prompt, Level: c.Level, Parent: c.Parent, Requester: c.Requester, Conversation: c.Conversation, LimitNanos: c.LimitNanos,
		Parallel: cmp.Or(c.Parallel, goalParallel), Talks: c.Talks,
	}}, nil
}

func askPlan(c commands.AskPlan, s Goal) ([]events.Goal, error) {
	switch {
	case s.Planned:
		return nil, fmt.Errorf("the plan of goal %s: %w", c.Goal, ErrExists)
	case s.Planning:
		return nil, nil
	}
	return []events.Goal{events.GoalPlanAsked{By: c.By, Runbook: c.Runbook, Slots: c.Slots}}, nil
}

func startGoal(c commands.StartGoal, s Goal) ([]events.Goal, error) {
	var facts []events.Goal
	if !s.Planned && !s.Planning {
		facts = append(facts, events.GoalPlanAsked{By: c.By})
	}
	if !s.Started {
		facts = append(facts, events.GoalStarted{By: c.By})
	}
	return facts, nil
}

func planGoal(p Policy, c commands.PlanGoal, s Goal) ([]events.Goal, error) {
	if s.Planned {
		return nil, fmt.Errorf("the plan of goal %s: %w", c.Goal, ErrExists)
	}
	switch c.Source {
	case events.PlannedByPerson, events.PlannedByRunbook, events.PlannedByModel, events.PlannedByTemplate:
	default:
		return nil, fmt.Errorf("%w: nobody called %q makes plans", ErrInvalid, c.Source)
	}
	if err := checkCost(c.CostNanos, c.UnpricedCalls); err != nil {
		return nil, err
	}
	if err := checkTasks(c.Tasks, c.Agents, s.limit); err != nil {
		return nil, err
	}
	if err := checkArms(c.Arms); err != nil {
		return nil, fmt.Errorf("the plan of goal %s: %w", c.Goal, err)
	}
	return []events.Goal{events.GoalPlanned{
		Source: c.Source, Runbook: c.Runbook, Template: c.Template, Run: c.Run, Note: c.Note, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls, Tasks: storedTasks(c.Tasks),
		Estimate: c.Estimate, Arms: c.Arms, Approval: p.needsApproval(c.Estimate, s.limit),
	}}, nil
}

// storedTasks is a plan as the log gives it back, where no dependencies and an empty list of them are the same.
func storedTasks(tasks []events.GoalTask) []events.GoalTask {
	tasks = slices.Clone(tasks)
	for i := range tasks {
		if len(tasks[i].DependsOn) == 0 {
			tasks[i].DependsOn = nil
		}
	}
	return tasks
}

// checkTasks tells what is wrong with a plan: tasks that can't be done in any order, that nobody can do, or that are known
// to cost more than may be spent. A limit of 0 is none.
func checkTasks(tasks []events.GoalTask, agents []string, limit events.Nanos) error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w plan: "+format, append([]any{ErrInvalid}, args...)...)
	}
	if len(tasks) == 0 || len(tasks) > maxGoalTasks {
		return wrong("it has %d tasks: give it 1 to %d", len(tasks), maxGoalTasks)
	}
	at := make(map[string]int, len(tasks))
	var sum events.Nanos
	for i, t := range tasks {
		switch _, twice := at[t.Task]; {
		case !goalName.MatchString(t.Task):
			return wrong("task %d is called %q: a name has up to 64 letters, digits, hyphens and underscores", i+1, t.Task)
		case twice:
			return wrong("two tasks are called %q", t.Task)
		case t.Question != "" && (t.Tool != "" || t.Instruction != "" || t.Retries != 0 || t.Escalate != ""):
			return wrong("task %s is a question, and asks a person only", t.Task)
		case t.Question != "":
		case t.Tool == "" && strings.TrimSpace(t.Instruction) == "":
			return wrong("task %s has no instruction", t.Task)
		case t.Agent == "" && t.Tool != "":
			return wrong("task %s calls the tool %s, and no agent is named that is granted it", t.Task, t.Tool)
		case t.Agent != "" && !slices.Contains(agents, t.Agent):
			return wrong("task %s is for %q, which is no agent that can be asked: there are %s", t.Task, t.Agent, strings.Join(agents, ", "))
		case t.Escalate != "" && !slices.Contains(agents, t.Escalate):
			return wrong("task %s would be handed to %q, which is no agent that can be asked: there are %s", t.Task, t.Escalate, strings.Join(agents, ", "))
		case t.Params != "" && (t.Tool == "" || !json.Valid([]byte(t.Params))):
			return wrong("task %s has arguments that are not JSON, or no tool to call with them", t.Task)
		case t.Retries < 0 || t.Retries > maxRetries:
			return wrong("task %s is tried again %d times: 0 to %d are possible", t.Task, t.Retries, maxRetries)
		case t.EstimateNanos < 0 || t.EstimateSeconds < 0:
			return wrong("task %s has a negative estimate", t.Task)
		case t.OnFailure != "" && t.OnFailure != events.FailGoal && t.OnFailure != events.SkipTask:
			return wrong("task %s has on_failure %q: there are fail and skip", t.Task, t.OnFailure)
		}
		at[t.Task] = i
		sum = events.Add(sum, t.EstimateNanos)
	}
	if limit > 0 && sum > limit {
		return fmt.Errorf("%w: the tasks are estimated at %s USD, and %s may be spent", ErrBudget, sum, limit)
	}
	for _, t := range tasks {
		for _, on := range t.DependsOn {
			if _, known := at[on]; !known {
				return wrong("task %s depends on %q, which is no task of it", t.Task, on)
			}
		}
	}
	if circle := circleOf(tasks, at); circle != "" {
		return wrong("its tasks wait for each other in a circle: %s", circle)
	}
	return nil
}

// circleOf names tasks that wait for each other, in order. It is empty where there are none.
func circleOf(tasks []events.GoalTask, at map[string]int) string {
	const onPath, over = 1, 2
	state := make([]int, len(tasks))
	var path []string
	var visit func(int) bool
	visit = func(i int) bool {
		state[i] = onPath
		path = append(path, tasks[i].Task)
		for _, on := range tasks[i].DependsOn {
			switch state[at[on]] {
			case onPath:
				path = append(path[slices.Index(path, on):], on)
				return true
			case over:
			default:
				if visit(at[on]) {
					return true
				}
			}
		}
		state[i], path = over, path[:len(path)-1]
		return false
	}
	for i := range tasks {
		if state[i] == 0 && visit(i) {
			return strings.Join(path, " needs ")
		}
	}
	return ""
}

func evolveGoal(s Goal, e events.Goal) Goal {
	switch e := e.(type) {
	case events.GoalCreated:
		s.Created, s.limit = e, e.LimitNanos
	case events.GoalPlanAsked:
		s.Planning = true
	case events.GoalPlanned:
		s.Planned, s.Planning, s.Approval, s.tasks = true, false, e.Approval, make([]goalTask, len(e.Tasks))
		s.spent = events.Add(s.spent, e.CostNanos)
		for i, t := range e.Tasks {
			s.tasks[i].plan = t
		}
	case events.GoalPlanRefused:
		// Whoever wanted it to run has to want it again: without a plan it would only be asked for again.
		s.Planning, s.Started, s.spent = false, false, events.Add(s.spent, e.CostNanos)
	case events.GoalTasksAssigned:
		s = s.assign(e)
	case events.GoalApproved:
		s.Approval = ""
	case events.GoalStarted:
		s.Started = true
	case events.GoalTaskStarted:
		s = s.with(e.Task, func(t *goalTask) { t.run, t.attempts, t.share, t.short = e.Run, t.attempts+1, e.ShareNanos, false })
	case events.GoalTaskShort:
		s = s.with(e.Task, func(t *goalTask) { t.share, t.needs, t.short = e.SpentNanos, e.NeedsNanos, true })
	case events.GoalTaskAllotted:
		s = s.with(e.Task, func(t *goalTask) { t.share, t.short = e.ShareNanos, false })
	case events.GoalTaskFinished:
		s = s.with(e.Task, func(t *goalTask) { t.run, t.done = "", true })
		s.spent = events.Add(s.spent, e.CostNanos)
	case events.GoalTaskFailed:
		s = s.with(e.Task, func(t *goalTask) {
			t.run = ""
			if e.Next != events.TaskWaits {
				t.failures++
			}
			t.escalated = t.escalated || e.Next == events.TaskEscalated
			t.failed = t.failed || e.Next == events.TaskFails
			t.skipped = t.skipped || e.Next == events.TaskSkipped
		})
		s.spent = events.Add(s.spent, e.CostNanos)
	case events.GoalTaskSkipped:
		s = s.with(e.Task, func(t *goalTask) { t.run, t.skipped = "", true })
	case events.GoalTaskChanged:
		s = s.with(e.Task, func(t *goalTask) {
			t.run, t.plan.Instruction, t.plan.Agent = "", cmp.Or(e.Instruction, t.plan.Instruction), cmp.Or(e.Agent, t.plan.Agent)
			t.escalated = t.escalated && e.Agent == ""
		})
	case events.GoalTaskAnswered:
		s = s.with(e.Task, func(t *goalTask) { t.done = true })
	case events.GoalAgentAsked:
		s = s.asked(e)
	case events.GoalAgentAnswered:
		s = s.answered(e)
	case events.GoalTaskHandedOver:
		s = s.handedOver(e)
	case events.GoalTold:
	case events.GoalPaused:
		s.Paused = true
	case events.GoalResumed:
		s.Paused = false
	case events.GoalLimited:
		s.limit = e.LimitNanos
	case events.GoalCancelled, events.GoalFinished:
		s.Ended = true
	}
	return s
}

// with is a goal in which a task has changed. The goal that it comes from stays as it was.
func (s Goal) with(task string, change func(*goalTask)) Goal {
	if i := s.task(task); i >= 0 {
		s.tasks = slices.Clone(s.tasks)
		change(&s.tasks[i])
	}
	return s
}

func (s Goal) task(name string) int {
	return slices.IndexFunc(s.tasks, func(t goalTask) bool { return t.plan.Task == name })
}

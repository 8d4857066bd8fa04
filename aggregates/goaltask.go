package aggregates

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// open is a task that has not ended.
func (s Goal) open(task string) (goalTask, error) {
	i := s.task(task)
	if i < 0 {
		return goalTask{}, fmt.Errorf("task %s of goal %s: %w", task, s.Created.Goal, ErrMissing)
	}
	if s.tasks[i].ended() {
		return goalTask{}, fmt.Errorf("task %s of goal %s: %w", task, s.Created.Goal, ErrEnded)
	}
	return s.tasks[i], nil
}

// attempted is a task of which a run is the attempt under way.
func (s Goal) attempted(task, run string, cost events.Nanos, unpriced int64) (goalTask, error) {
	t, err := s.open(task)
	switch {
	case err != nil:
		return t, err
	case t.run == "" || t.run != run:
		return t, fmt.Errorf("%w: run %s is no attempt at task %s that is under way", ErrState, run, task)
	}
	return t, checkCost(cost, unpriced)
}

func startTask(c commands.StartTask, s Goal) ([]events.Goal, error) {
	t, err := s.open(c.Task)
	switch {
	case err != nil:
		return nil, err
	case !s.Started || s.Paused || s.Approval != "":
		return nil, fmt.Errorf("%w: goal %s is not under way", ErrState, c.Goal)
	case t.plan.Question != "":
		return nil, fmt.Errorf("%w: task %s is a question, and waits for an answer", ErrState, c.Task)
	case t.run != "" || c.Attempt != t.attempts+1:
		return nil, fmt.Errorf("%w: attempt %d at task %s is not the next one", ErrState, c.Attempt, c.Task)
	}
	if on := s.waitsFor(t); on != "" {
		return nil, fmt.Errorf("%w: task %s waits for %s", ErrState, c.Task, on)
	}
	agent := t.plan.Agent
	if t.escalated {
		agent = cmp.Or(t.plan.Escalate, agent)
	}
	return []events.Goal{events.GoalTaskStarted{
		Task: c.Task, Attempt: c.Attempt, Run: commands.GoalRun(s.Created.Goal, c.Task, c.Attempt), Agent: agent, ShareNanos: s.share(c.Task),
	}}, nil
}

func changeTask(c commands.ChangeTask, s Goal) ([]events.Goal, error) {
	t, err := s.open(c.Task)
	switch {
	case err != nil:
		return nil, err
	case t.plan.Question != "" || t.plan.Tool != "" && c.Instruction != "":
		return nil, fmt.Errorf("%w: task %s has no instruction that could be another one", ErrState, c.Task)
	case strings.TrimSpace(c.Instruction) == "" && c.Agent == "":
		return nil, fmt.Errorf("%w: say what is to be done, or who is to do it", ErrInvalid)
	case c.Agent != "" && !slices.Contains(c.Agents, c.Agent):
		return nil, fmt.Errorf("%w: there is no agent %q that can be asked: there are %s", ErrInvalid, c.Agent, strings.Join(c.Agents, ", "))
	}
	return s.settled(events.GoalTaskChanged{Task: c.Task, By: c.By, Instruction: c.Instruction, Agent: c.Agent}), nil
}

func answerTask(c commands.AnswerTask, s Goal) ([]events.Goal, error) {
	t, err := s.open(c.Task)
	switch {
	case err != nil:
		return nil, err
	case t.plan.Question == "":
		return nil, fmt.Errorf("%w: task %s is no question: what all of the goal is to heed is told to the goal", ErrState, c.Task)
	case strings.TrimSpace(c.Answer) == "":
		return nil, fmt.Errorf("%w: the answer is empty", ErrInvalid)
	}
	return s.told(events.GoalTaskAnswered{Task: c.Task, By: c.By, Answer: c.Answer}), nil
}

// failTask tells what follows a failed attempt: the plan's policy says so, and money that is missing is no failure.
func failTask(c commands.FailTask, s Goal, t goalTask) []events.Goal {
	failed := events.GoalTaskFailed{Task: c.Task, Run: c.Run, Reason: c.Reason, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls}
	switch {
	case c.Failure == events.NoMoney:
		failed.Next = events.TaskWaits
		if s.Paused {
			return s.settled(failed)
		}
		return []events.Goal{failed, events.GoalPaused{By: "budget", Reason: c.Reason}}
	case t.failures < t.plan.Retries:
		failed.Next = events.TaskRetried
		return s.settled(failed)
	case t.plan.Escalate != "" && !t.escalated:
		failed.Next = events.TaskEscalated
		return s.settled(failed)
	case t.plan.OnFailure == events.SkipTask:
		failed.Next = events.TaskSkipped
	default:
		failed.Next = events.TaskFails
	}
	return s.told(failed)
}

// told is a fact, behind it the tasks that can't be done since, and the end of the goal where nothing is left to do.
func (s Goal) told(fact events.Goal) []events.Goal {
	facts := []events.Goal{fact}
	after := evolveGoal(s, fact)
	for {
		i, on := after.stuck()
		if i < 0 {
			break
		}
		skipped := events.GoalTaskSkipped{Task: after.tasks[i].plan.Task, Reason: "it needs " + on + ", which was not done"}
		facts = append(facts, skipped)
		after = evolveGoal(after, skipped)
		after.tasks[i].failed = true // what needs it is stuck too
	}
	if slices.ContainsFunc(after.tasks, func(t goalTask) bool { return !t.ended() }) {
		return append(facts, after.allot()...)
	}
	end := events.GoalFinished{Outcome: events.Succeeded}
	var failed []string
	for _, t := range after.tasks {
		if t.failed && !t.skipped {
			failed = append(failed, t.plan.Task)
		}
	}
	if len(failed) > 0 {
		end.Outcome, end.Reason = events.Failed, "failed for good: "+strings.Join(failed, ", ")
	}
	return append(facts, end)
}

// stuck is a task that needs one that failed for good, -1 where there is none.
func (s Goal) stuck() (task int, on string) {
	for i, t := range s.tasks {
		if t.ended() || t.run != "" {
			continue
		}
		for _, on := range t.plan.DependsOn {
			if j := s.task(on); j >= 0 && s.tasks[j].failed {
				return i, on
			}
		}
	}
	return -1, ""
}

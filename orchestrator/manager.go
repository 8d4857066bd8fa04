package orchestrator

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Manager is a process manager: a fold over the facts of one run that also reacts with commands. React is pure, and
// the ids of its commands are derived from the fact's id and an index, so that reacting again after a crash repeats
// nothing.
type Manager[S any] struct {
	Name  string
	React func(S, events.Envelope, events.Event) (S, []commands.Command)
}

// runProcess is what the run's manager remembers of one run.
type runProcess struct {
	// live tells that the run is to be acted on. Imported history never is.
	live  bool
	turns int
}

// maxTurns bounds how often a run may go back to the model.
const maxTurns = 16

// runManager drives a live run: a task for people to follow, a turn after each answer that asks for tools, and the
// task's end with the run's.
func runManager() Manager[runProcess] {
	return Manager[runProcess]{Name: "run", React: reactRun}
}

func reactRun(s runProcess, e events.Envelope, fact events.Event) (runProcess, []commands.Command) {
	reaction := func(index int) commands.Meta {
		return commands.Meta{
			ID: events.DeriveID(e.ID, index), At: e.OccurredAt, Actor: "manager:run", Workspace: e.Workspace,
			Correlation: e.Correlation, Causation: e.ID,
		}
	}
	run := e.Correlation
	ended := func(status events.TaskStatus, note string) (runProcess, []commands.Command) {
		if !s.live {
			return s, nil
		}
		s.live = false
		return s, []commands.Command{commands.UpdateTask{Meta: reaction(0), Task: run, Status: status, Note: note}}
	}
	f, ok := fact.(events.Run)
	if !ok {
		return s, nil
	}
	switch f := f.(type) {
	case events.RunStarted:
		if f.Source != nil {
			return s, nil
		}
		s = runProcess{live: true}
		return s, []commands.Command{
			commands.OpenTask{Meta: reaction(0), Task: run, Workflow: f.Workflow, Title: f.Prompt, Run: run, Assignee: f.Agent},
			commands.UpdateTask{Meta: reaction(1), Task: run, Status: events.TaskInProgress},
			commands.PerformTurn{Meta: reaction(2), Run: run},
		}
	case events.RunLLMCalled:
		s.turns++
		switch {
		case !s.live || !asksForTools(f):
			return s, nil
		case s.turns >= maxTurns:
			return s, []commands.Command{commands.FailRun{
				Meta: reaction(0), Run: run, Error: fmt.Sprintf("stopped after %d turns: the agent kept asking for tools", maxTurns),
			}}
		}
		return s, []commands.Command{commands.PerformTurn{Meta: reaction(0), Run: run, Turn: s.turns}}
	case events.RunFinished:
		return ended(events.TaskDone, "")
	case events.RunFailed:
		return ended(events.TaskBlocked, f.Error)
	case events.RunCancelled:
		return ended(events.TaskDropped, f.Reason)
	case events.RunStepStarted, events.RunStepFinished:
	}
	return s, nil
}

func asksForTools(f events.RunLLMCalled) bool {
	for _, m := range f.Answered {
		if len(m.ToolCalls) > 0 {
			return true
		}
	}
	return false
}

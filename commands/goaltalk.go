package commands

import (
	"fmt"

	"github.com/virtuous6/virtuous6/events"
)

// TalkRun names the run in which an agent of a goal answers another one: to which question, and the how manieth try.
func TalkRun(goal string, talk, try int) string { return fmt.Sprintf("%s.talk-%d-%d", goal, talk, try) }

// AskAgent asks another agent something in a run of a goal.
type AskAgent struct {
	Meta
	Goal string
	// Asker is the run that waits, for a call of a turn.
	Asker string
	Turn  int
	Call  int
	From  string
	To    string
	Text  string
	// Agents are those that can be asked.
	Agents []string
}

// AnswerAgent tells what came of a question to an agent.
type AnswerAgent struct {
	Meta
	Goal          string
	Talk          int
	Run           string
	Answer        string
	Error         string
	Failure       events.Failure
	CostNanos     events.Nanos
	UnpricedCalls int64
}

// HandOver gives a task under way to another agent.
type HandOver struct {
	Meta
	Goal string
	// Run is the attempt that hands it over.
	Run           string
	From          string
	To            string
	Text          string
	CostNanos     events.Nanos
	UnpricedCalls int64
	// Agents are those that can be asked.
	Agents []string
}

func (c AskAgent) Stream() string    { return GoalStream(c.Workspace, c.Goal) }
func (c AnswerAgent) Stream() string { return GoalStream(c.Workspace, c.Goal) }
func (c HandOver) Stream() string    { return GoalStream(c.Workspace, c.Goal) }

func (AskAgent) goal()    {}
func (AnswerAgent) goal() {}
func (HandOver) goal()    {}

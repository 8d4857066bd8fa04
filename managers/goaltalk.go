package managers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// goalTalk is a question of an agent to another one that waits for an answer.
type goalTalk struct {
	Talk int    `json:"talk"`
	Task string `json:"task"`
	// Asker is the run that waits, and Run the one that answers.
	Asker string `json:"asker"`
	Run   string `json:"run"`
	From  string `json:"from"`
	To    string `json:"to"`
	Text  string `json:"text"`
	// Again tells that it was asked before, and that no money was left for the answer.
	Again bool `json:"again,omitempty"`
}

// speaks tells that a run of the goal is needed: it is the attempt at a task that is under way, or answers one that is needed.
func (s goalState) speaks(run string) bool {
	if run == "" {
		return false
	}
	if i := slices.IndexFunc(s.Talks, func(k goalTalk) bool { return k.Run == run }); i >= 0 {
		return s.speaks(s.Talks[i].Asker)
	}
	return s.taskOf(run) != ""
}

func (s *goalState) asked(e *events.Envelope, f events.GoalAgentAsked) {
	s.Runs[f.Run] = goalRun{Cause: e.ID, At: e.OccurredAt}
	s.Talks = append(slices.Clip(s.Talks), goalTalk{Talk: f.Talk, Task: f.Task, Asker: f.Asker, Run: f.Run, From: f.From, To: f.To, Text: f.Text})
}

func (s *goalState) answered(e *events.Envelope, f events.GoalAgentAnswered) {
	if s.Runs[f.Run].Ended {
		delete(s.Runs, f.Run)
	}
	s.Talks = slices.Clone(s.Talks)
	i := slices.IndexFunc(s.Talks, func(k goalTalk) bool { return k.Talk == f.Talk })
	switch {
	case i < 0:
	case f.Next != "":
		s.Talks[i].Run, s.Talks[i].Again = f.Next, true
		s.Runs[f.Next] = goalRun{Cause: e.ID, At: e.OccurredAt}
	default:
		s.Talks = slices.Delete(s.Talks, i, i+1)
	}
}

func (s *goalState) handedOver(f events.GoalTaskHandedOver) {
	s.task(f.Task, func(t *goalTask) {
		t.Run, t.Agent, t.Handed, t.HandedBy = "", f.To, handedOn(f.Text), f.From
	})
	if r, known := s.Runs[f.Run]; known {
		r.HandedOver = true
		s.Runs[f.Run] = r
	}
}

// answers are what is to be done about the questions that wait: each is asked in a run, whose end is the answer.
func (s goalState) answers() (wants []Want) {
	for _, k := range s.Talks {
		r := s.Runs[k.Run]
		m := meta("goal", r.Cause, 0, r.At, s.Workspace, k.Asker)
		answer := commands.AnswerAgent{Meta: m, Goal: s.Goal, Talk: k.Talk, Run: k.Run, CostNanos: r.Cost.CostNanos, UnpricedCalls: r.Cost.UnpricedCalls}
		switch {
		case r.Ended:
			answer.Answer, answer.Error, answer.Failure = r.Answer, r.Error, r.Failure
			wants = append(wants, Want{ID: m.ID, Command: answer})
		case !r.Started && !s.speaks(k.Asker):
			answer.ID, answer.Error = events.DeriveID(r.Cause, 4), "whoever asked does not wait any more"
			wants = append(wants, Want{ID: answer.ID, Command: answer})
		case !r.Started && (!k.Again || !s.Paused):
			m.Correlation = k.Run
			wants = append(wants, Want{ID: m.ID, Command: commands.StartRun{
				Meta: m, Run: k.Run, Workflow: cmp.Or(s.Runbook, "goal"), Task: "answer", Goal: s.Goal, Requester: s.Requester, Agent: k.To, Prompt: s.question(k),
				Conversation: k.Asker + "." + k.To,
			}})
		}
	}
	return wants
}

// question is what an agent is asked for another one.
func (s goalState) question(k goalTalk) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nThe agent %s asks you this, and goes on with your answer as you give it. It works on a part of a larger goal: %s\n", k.Text, k.From, s.Prompt)
	for _, said := range s.Told {
		fmt.Fprintf(&b, "\nTo be heeded: %s\n", said)
	}
	return b.String()
}

// agents are those that the plan names.
func (s goalState) agents() (names []string) {
	for _, t := range s.Tasks {
		if t.Agent != "" {
			names = append(names, t.Agent)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

package evidence

import (
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// Risk is what could get worse by a change, for whom, and how it is undone.
type Risk struct {
	Worse string `json:"worse"`
	Whom  string `json:"whom"`
	Undo  string `json:"undo"`
}

// RiskOf is the risk of the change that an improvement asks for, and do the steps to take for it, in their order.
func RiskOf(improvement string, c events.Change) (r Risk, do []string) {
	r = Risk{Whom: "who asks " + c.Agent, Undo: "virtuous6 agents rollback " + c.Agent}
	tries, tells := "virtuous6 improvements approve "+improvement+" tries or makes it, as the policy has it", "virtuous6 experiments show "+improvement+" tells how it does beside what there is"
	do = []string{tries, tells}
	byHand := []string{"virtuous6 improvements show " + improvement + " tells what it rests on", "change it where the work is defined: a prompt, a runbook, whoever hands out the work", "virtuous6 improvements approve " + improvement + " notes that it was decided"}
	switch c.Kind {
	case events.ChangeModel:
		r.Worse = "tasks that the other model was not seen at, tone and length of answers, the time that they take"
	case events.ChangeTemperature:
		r.Worse = "answers to the same question differ more, or less, than people are used to"
	case events.ChangePrompt:
		r.Worse = "tasks that went well with the old words"
	case events.ChangeTools:
		r.Worse = "tasks that take a tool that is taken away, or are tempted by one that is given"
	case events.ChangeEffort:
		r.Worse = "hard tasks where it thinks less; cost and time of all where it thinks more"
	case events.ChangeFormat:
		r.Worse = "answers that the schema has no place for, and whoever reads them as text"
	case events.ChangeFixes:
		r.Worse = "runs in which the same error has another cause"
	case events.ChangeSkills:
		r.Worse = "tasks that took what the skill told before"
	case events.ChangeExamples:
		r.Worse = "tasks unlike the examples, answers that imitate them, and the cost of their tokens with every call; others may read in answers what those who asked wrote"
	case events.ChangeLessons:
		r.Worse = "answers to those who wish for something else, tasks that the wishes were not about, and the cost of their tokens with every call; read what is quoted before it is told to an agent"
	case events.ChangeTokenLimit:
		r.Worse = "cost and time of long answers"
	case events.ChangeFallbacks:
		r.Worse = "answers while the agent's own model is away"
	case events.ChangeRouting:
		r.Worse = "tasks of that name that the other agent was not seen at"
	case events.ChangeSpawn:
		r.Worse, r.Undo = "tasks that the new agent was not made for", "virtuous6 agents rollback "+c.Agent+" takes its tasks back; the new agent then rests"
	case events.ChangeRetire:
		r.Worse, r.Undo = "tasks that only it was good at, and who asks it by name is refused", "virtuous6 agents spawn makes one of the same configuration again"
	case events.ChangeMerge:
		r.Worse = "rare tasks at which the two do differ"
		if c.Config == nil {
			r.Undo, do = "keep the agent that is merged, resting, until the other has done its work for a while", byHand
		}
	case events.ChangeSplit:
		r.Worse, r.Undo = "tasks that go to the wrong one of the two", "retire the new agent: the old one still does all"
		if c.Config == nil {
			do = byHand
		}
	case events.ChangeWorkflow:
		r = Risk{Worse: "runs for which it was left out, or done, for a reason that no history shows", Whom: "the runs of " + c.Workflow, Undo: "take the words out again where they were put in"}
		do = byHand
	case events.ChangeRunbook:
		r = Risk{Worse: "tasks that need another way", Whom: "the runs of " + c.Workflow + " that follow it", Undo: "plan without it: a runbook is only followed where somebody names it, or where a goal matches it"}
		do = []string{
			fmt.Sprintf("virtuous6 save-workflow - NAME --workflow %s --steps %q keeps it as a runbook", c.Workflow, strings.Join(c.Steps, ",")),
			"virtuous6 run NAME follows it; a goal that it fits does so by itself",
		}
		if b := c.Book; b != nil {
			r.Whom, r.Undo = "the goals that are planned by "+b.Runbook, fmt.Sprintf("virtuous6 save-workflow - %s --version %d", b.Runbook, b.From)
			do = []string{tries, tells}
		}
	}
	return r, do
}

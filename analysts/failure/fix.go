package failure

import (
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// change is what is to be done after an error. An agent of ours that can do it by itself is told so when it meets the error; what else
// would have to be changed, a person writes.
func (a *analysis) change(q *question, text, instruction string) events.Change {
	c := events.Change{Kind: events.ChangeWorkflow, Workflow: q.workflow, Steps: []string{q.step, q.next}, Instruction: instruction}
	agent := q.agent()
	config, ours := a.Agents[agent]
	if !ours || !slices.Contains(config.Tools, q.step) || !slices.Contains(config.Tools, q.next) {
		return c
	}
	c.Kind, c.Agent = events.ChangeFixes, agent
	do := "Go on with " + q.next + "."
	if q.next == q.step {
		do = "Do " + q.step + " again."
	}
	c.Config = &events.AgentConfig{Fixes: []events.Fix{{ID: q.id, Error: text, Of: a.wordsOf(q.id), Tool: q.step, Do: do + " Runs that did so after this error succeeded more often."}}}
	return c
}

// agent is who met the error most often.
func (q *question) agent() (agent string) {
	times := map[string]int{}
	for _, r := range q.rows {
		met := r.agent()
		if times[met]++; times[met] > times[agent] || times[met] == times[agent] && met < agent {
			agent = met
		}
	}
	return agent
}

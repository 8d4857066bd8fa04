package events

import (
	"cmp"
	"slices"
)

// Route passes on what an agent would be asked by those who name nobody. Who is named is never replaced.
type Route struct {
	// Tasks are what the tasks are called, or the workflows, that are passed on. Empty are all.
	Tasks []string `json:"tasks,omitempty"`
	// To is who is asked instead: the agent itself where they are to stay, nobody where whoever else fits is to be asked.
	To string `json:"to,omitempty"`
}

// For tells whether it is about a run of a task in a workflow.
func (r Route) For(workflow, task string) bool {
	return len(r.Tasks) == 0 || task != "" && slices.Contains(r.Tasks, task) || workflow != "" && slices.Contains(r.Tasks, workflow)
}

// Route is the first route of an agent that is about a run which named nobody, nil where that stays with it.
func (c AgentConfig) Route(agent, workflow, task string) *Route {
	i := slices.IndexFunc(c.Routes, func(r Route) bool { return r.For(workflow, task) })
	if i < 0 || c.Routes[i].To == agent {
		return nil
	}
	return &c.Routes[i]
}

// passedOn are routes with others before them, which take the place of those of the same tasks. One of all tasks is about what no other one is.
func passedOn(routes, others []Route) []Route {
	all := slices.Clone(others)
	for _, r := range routes {
		if !slices.ContainsFunc(others, func(o Route) bool { return slices.Equal(o.Tasks, r.Tasks) }) {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Route) int { return cmp.Compare(min(len(b.Tasks), 1), min(len(a.Tasks), 1)) })
	return all
}

package main

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// allTasks are those of a route that is about any.
const allTasks = "*"

// routes reads what flags say: TASK,...=AGENT each.
func routes(given []string) (all []events.Route, err error) {
	for _, text := range given {
		if text == "" {
			continue
		}
		tasks, to, found := strings.Cut(text, "=")
		r := events.Route{Tasks: names(tasks), To: strings.TrimSpace(to)}
		if strings.TrimSpace(tasks) == allTasks {
			r.Tasks = nil
		} else if !found || len(r.Tasks) == 0 {
			return nil, usage("--route: %q should say which tasks go to whom, such as refund,returns=billing", text)
		}
		all = append(all, r)
	}
	return all, nil
}

// route is one of an agent's routes in its file. See events.Route.
type route struct {
	Tasks nameList `yaml:"tasks,omitempty"`
	To    string   `yaml:"to,omitempty"`
}

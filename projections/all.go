package projections

import "github.com/virtuous6/virtuous6/readmodel"

// all are the projections, one line each, in the order in which a fact passes through them. The first one finds the run
// and the step that others go by.
var all = workspaced(
	former,
	runs,
	verdicts,
	agents,
	tasks,
	feedback,
	experiments,
	datasets,
	evalsOf,
	judges,
	roles,
	goals,
	talks,
	improvements,
	analysts,
	loops,
	rules,
	runbooks,
	skills,
	slackThreads,
	tools,
	approvals,
	reviews,
	budgets,
	tokens,
	triggers,
	patterns,
	costs,
	metrics,
	hours,
)

// former are the tables that earlier versions had: a swap drops them.
var former = []string{"run_steps", "projection_snapshots"}

// Lists are what every door shows.
func Lists() []readmodel.List { return all.Lists() }

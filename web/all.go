package web

import "github.com/danielgtaylor/huma/v2"

// register names every route, one line each.
func (d *door) register(api huma.API) {
	d.health(api)
	d.metrics(api)
	d.runs(api)
	d.agents(api)
	d.tasks(api)
	d.feedback(api)
	d.patterns(api)
	d.costs(api)
	d.improvements(api)
	d.runbooks(api)
	d.budgets(api)
	d.parked(api)
	if d.Dispatch != nil {
		d.startRun(api)
		d.cancelRun(api)
		d.giveFeedback(api)
		d.rollBackAgent(api)
		d.decideImprovement(api)
	}
}

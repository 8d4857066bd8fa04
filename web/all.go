package web

import "github.com/danielgtaylor/huma/v2"

// register names every route, one line each.
func (d *door) register(api huma.API) {
	d.health(api)
	d.metrics(api)
	d.loads(api)
	d.runs(api)
	d.lists(api)
	d.agentVersions(api)
	d.patterns(api)
	d.parked(api)
	d.whatIf(api)
	if d.Dispatch != nil {
		d.startRun(api)
		d.cancelRun(api)
		d.giveFeedback(api)
		d.rollBackAgent(api)
		d.decideImprovement(api)
		d.limitBudget(api)
		d.switchLoop(api)
		d.acceptTool(api)
		d.answerApproval(api)
		d.createGoal(api)
		d.steerGoal(api)
	}
}

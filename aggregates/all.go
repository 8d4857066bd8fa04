package aggregates

// All is every aggregate, one line each, under the policies of the workspaces.
func All(p Policies) []Aggregate {
	return []Aggregate{
		aggregate("agent", agent(p)),
		aggregate("analyst", analyst()),
		aggregate("budget", budget()),
		aggregate("conversation", conversation()),
		aggregate("dataset", dataset()),
		aggregate("eval", eval()),
		aggregate("experiment", experiment(p)),
		aggregate("feedback", feedback()),
		aggregate("goal", goal(p)),
		aggregate("improvement", improvement(p)),
		aggregate("judge", judge()),
		latest(aggregate("ledger", ledger())),
		latest(aggregate("loop", loop())),
		aggregate("person", person()),
		aggregate("policy", policy()),
		aggregate("review", review()),
		aggregate("role", role()),
		aggregate("rule", rule()),
		aggregate("run", run(p)),
		aggregate("runbook", runbook()),
		aggregate("skill", skill()),
		aggregate("slack", slack()),
		aggregate("task", task()),
		latest(aggregate("timer", timer())),
		aggregate("token", token()),
		aggregate("tool", tool()),
		aggregate("trigger", trigger()),
		aggregate("verdict", verdict()),
	}
}

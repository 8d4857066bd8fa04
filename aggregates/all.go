package aggregates

// All is every aggregate, one line each, under a policy.
func All(p Policy) []Aggregate {
	return []Aggregate{
		aggregate("agent", agent(p)),
		aggregate("budget", budget()),
		aggregate("feedback", feedback()),
		aggregate("improvement", improvement(p)),
		latest(aggregate("ledger", ledger())),
		aggregate("run", run()),
		aggregate("runbook", runbook()),
		aggregate("task", task()),
	}
}

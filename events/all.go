package events

// Known is the table of every kind, one line each. To add a fact: its type in its noun's file, a line here, and the
// case that the linter then demands in its decider. `make golden` writes its first golden file.
var Known = NewTable(
	kind[AgentSpawned](),
	kind[AgentConfigured](),
	kind[AgentRetired](),
	kind[BudgetSet](),
	kind[BudgetExhausted](),
	kind[FeedbackGiven](),
	kind[ImprovementProposed](),
	kind[ImprovementEvidenceChanged](),
	kind[ImprovementApproved](),
	kind[ImprovementRejected](),
	kind[ImprovementApplied](),
	kind[ImprovementRolledBack](),
	kind[ImprovementEffectMeasured](),
	kind[LogSealed](),
	kind[RunStarted](),
	kind[RunStepStarted](),
	kind[RunStepFinished](),
	unread[RunLLMCalled](),
	kind[RunFinished](),
	kind[RunFailed](),
	kind[RunCancelled](),
	kind[RunbookSaved](),
	kind[TaskOpened](),
	kind[TaskUpdated](),
)

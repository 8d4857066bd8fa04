package events

// RunSuspended tells that a live run waits for a person: its next call could take more than a budget has left.
type RunSuspended struct {
	Budget string `json:"budget"`
	// Nanos is what the call can cost at most.
	Nanos Nanos `json:"nanos"`
	// Period and LimitNanos are the budget's as it was, and Starting is the first day of the period that has no money left.
	Period     BudgetPeriod `json:"period"`
	LimitNanos Nanos        `json:"limit_nanos"`
	Starting   string       `json:"starting"`
	// AnyCost and Limits are the budget's too, and Unit is what it has too little of, where that is not money.
	AnyCost bool       `json:"any_cost,omitempty"`
	Limits  Resources  `json:"limits,omitzero"`
	Unit    BudgetUnit `json:"unit,omitempty"`
	// Reason says it in words, with what to do.
	Reason string `json:"reason"`
}

// RunResumed tells that a suspended run goes on: its budget was changed, or a new period has begun.
type RunResumed struct {
	// Budget is the one that it waited for.
	Budget string `json:"budget"`
	// ShareNanos is its new share of its goal's money, where it waited for that.
	ShareNanos Nanos `json:"share_nanos,omitempty"`
}

func (RunSuspended) Kind() string { return "run.suspended" }
func (RunResumed) Kind() string   { return "run.resumed" }

func (RunSuspended) run() {}
func (RunResumed) run()   {}

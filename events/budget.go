package events

// BudgetPeriod is how often a budget starts again, in UTC.
type BudgetPeriod string

// The closed vocabulary of periods.
const (
	Daily   BudgetPeriod = "day"
	Monthly BudgetPeriod = "month"
)

// BudgetSet bounds what live runs may spend in a period. Imported history never counts against it.
type BudgetSet struct {
	Budget     string       `json:"budget"`
	Period     BudgetPeriod `json:"period"`
	LimitNanos Nanos        `json:"limit_nanos"`
}

// BudgetExhausted tells that a period's limit was reached: no live run is served until the next period, or a higher
// limit.
type BudgetExhausted struct {
	// Starting is the period's first day, "2026-11-01".
	Starting   string `json:"starting"`
	SpentNanos Nanos  `json:"spent_nanos"`
}

func (BudgetSet) Kind() string       { return "budget.set" }
func (BudgetExhausted) Kind() string { return "budget.exhausted" }

func (BudgetSet) budget()       {}
func (BudgetExhausted) budget() {}

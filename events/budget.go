package events

import "time"

// BudgetPeriod is how often a budget starts again, in UTC.
type BudgetPeriod string

// The closed vocabulary of periods.
const (
	Daily   BudgetPeriod = "day"
	Monthly BudgetPeriod = "month"
	// Total is no period: what was spent stays spent.
	Total BudgetPeriod = "total"
)

// BudgetUnit is one of what a budget bounds.
type BudgetUnit string

// The closed vocabulary of units.
const (
	InMoney  BudgetUnit = "money"
	InTokens BudgetUnit = "tokens"
	InTime   BudgetUnit = "time"
	InAgents BudgetUnit = "agents"
)

// BudgetOfRun begins the name of a budget that is a single run's.
const BudgetOfRun = "run:"

// Resources are what a budget bounds beside money.
type Resources struct {
	// Tokens are those of calls of models, what was read and what was answered.
	Tokens int64 `json:"tokens,omitempty"`
	// TimeMS is how long calls of models and tools took, in milliseconds.
	TimeMS int64 `json:"time_ms,omitempty"`
	// Agents are those that were spawned by themselves.
	Agents int64 `json:"agents,omitempty"`
}

// BudgetSet bounds what live runs may spend in a period. Imported history never counts against it.
type BudgetSet struct {
	Budget     string       `json:"budget"`
	Period     BudgetPeriod `json:"period"`
	LimitNanos Nanos        `json:"limit_nanos"`
	// AnyCost leaves money unbounded: LimitNanos is no limit then.
	AnyCost bool `json:"any_cost,omitempty"`
	// Limits are those beside money, 0 for what is not bounded.
	Limits Resources `json:"limits,omitzero"`
	// Depth is how deep agents may be spawned by themselves, one for what another one's run asks, and Fanout how many for what the runs of
	// one agent ask, 0 for what is not bounded.
	Depth  int64 `json:"depth,omitempty"`
	Fanout int64 `json:"fanout,omitempty"`
	// SpentNanos is what was spent in the period before there was this budget.
	SpentNanos Nanos `json:"spent_nanos,omitempty"`
	// Since is the day on which there was this budget, where something was spent before.
	Since string `json:"since,omitempty"`
	// Marks are the percentages of the limit, below 100, at which it is told that so much was spent.
	Marks []int `json:"marks,omitempty"`
	// Fails has runs fail that there is no money for. Without it they wait for a person.
	Fails bool `json:"fails,omitempty"`
}

// BudgetReached tells that a period's spending has reached one of the budget's marks.
type BudgetReached struct {
	// Starting is the period's first day.
	Starting   string `json:"starting"`
	Percent    int    `json:"percent"`
	SpentNanos Nanos  `json:"spent_nanos"`
	// Used is what was used beside money, and Unit of what the mark is, where that is not money.
	Used Resources  `json:"used,omitzero"`
	Unit BudgetUnit `json:"unit,omitempty"`
}

// BudgetExhausted tells that a period's limit was reached: no live run is served until the next period, or a higher
// limit.
type BudgetExhausted struct {
	// Starting is the period's first day, "2026-11-01".
	Starting   string `json:"starting"`
	SpentNanos Nanos  `json:"spent_nanos"`
	// Used and Unit are as in BudgetReached.
	Used Resources  `json:"used,omitzero"`
	Unit BudgetUnit `json:"unit,omitempty"`
}

// BudgetReserved sets aside what a call can cost at most, before it is made.
type BudgetReserved struct {
	// Reservation is the id of this one.
	Reservation string `json:"reservation"`
	Run         string `json:"run"`
	Step        int    `json:"step"`
	Nanos       Nanos  `json:"nanos"`
	// Most is what it can take at most beside money.
	Most Resources `json:"most,omitzero"`
	// Holder is the process that makes the call.
	Holder string `json:"holder"`
	// Begun tells that the call's step stands already: another process may have made the call.
	Begun bool `json:"begun,omitempty"`
	// Until is when all of it counts as spent where its holder has not told by then what the call took, zero for a call of a run: what that took
	// its own facts tell.
	Until time.Time `json:"until,omitzero"`
	// Day is the day that it counts to, "2026-11-28", UTC.
	Day string `json:"day"`
}

// BudgetSettled turns a reservation into what the call has cost.
type BudgetSettled struct {
	Reservation string `json:"reservation"`
	Nanos       Nanos  `json:"nanos"`
	// Took is what it has taken beside money.
	Took Resources `json:"took,omitzero"`
	// Unknown tells that the call may have been made and nobody knows what it cost: all that was set aside counts. So it does of
	// what else nobody knows.
	Unknown bool `json:"unknown,omitempty"`
	// Over is by how much it cost more than was set aside.
	Over Nanos `json:"over,omitempty"`
	// Starting is the first day of the period, and SpentNanos what was spent in it with this.
	Starting   string `json:"starting,omitempty"`
	SpentNanos Nanos  `json:"spent_nanos,omitempty"`
	// Used is what was used in it with this, beside money.
	Used Resources `json:"used,omitzero"`
}

func (BudgetReserved) Kind() string  { return "budget.reserved" }
func (BudgetSettled) Kind() string   { return "budget.settled" }
func (BudgetSet) Kind() string       { return "budget.set" }
func (BudgetReached) Kind() string   { return "budget.reached" }
func (BudgetExhausted) Kind() string { return "budget.exhausted" }

func (BudgetReserved) budget()  {}
func (BudgetSettled) budget()   {}
func (BudgetSet) budget()       {}
func (BudgetReached) budget()   {}
func (BudgetExhausted) budget() {}

package events

// AnalystScored tells how a forecast of an analyst's came out, once its change was measured.
type AnalystScored struct {
	Analyst     string `json:"analyst"`
	Improvement string `json:"improvement"`
	// Foretold is what it expected, Found what was measured.
	Foretold Expected `json:"foretold"`
	Found    Evidence `json:"found"`
	// Chance is how probable it thereby held that at least half of what it expected would be found, CameTrue whether it was.
	Chance   float64 `json:"chance"`
	CameTrue bool    `json:"came_true,omitempty"`
	// Brier is the squared difference of the two: 0 is the best, 1 the worst, and .25 what always saying "even odds" gets.
	Brier float64 `json:"brier"`
	// Doubt is how much more probable its results so far are from a coin than from its own forecasts, between 1 and 100.
	Doubt float64 `json:"doubt"`
}

// AnalystBound takes an analyst's autonomy away: what it proposes waits for a person, whatever the policy lets pass by itself.
type AnalystBound struct {
	Reason string `json:"reason"`
}

// AnalystFreed gives it back.
type AnalystFreed struct {
	Reason string `json:"reason"`
}

func (AnalystScored) Kind() string { return "analyst.scored" }
func (AnalystBound) Kind() string  { return "analyst.bound" }
func (AnalystFreed) Kind() string  { return "analyst.freed" }

func (AnalystScored) analyst() {}
func (AnalystBound) analyst()  {}
func (AnalystFreed) analyst()  {}

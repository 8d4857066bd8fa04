package events

import "cmp"

// WorthUnit is what a worth is counted in.
type WorthUnit string

// The units, each in 30 days.
const (
	MoreSuccesses WorthUnit = "runs"
	LessDollars   WorthUnit = "dollars"
	LessMinutes   WorthUnit = "minutes"
)

// WorthUnits lists the vocabulary.
func WorthUnits() []WorthUnit { return []WorthUnit{MoreSuccesses, LessDollars, LessMinutes} }

// Worth is what acting on something may bring in 30 days at the present rate of runs, shrunk towards nothing for having
// been chosen among many, with its interval.
type Worth struct {
	Unit  WorthUnit `json:"unit"`
	Month float64   `json:"month"`
	Low   float64   `json:"low"`
	High  float64   `json:"high"`
	// Points are percentage points of the workflow's success rate, for runs that succeed.
	Points     float64 `json:"points,omitempty"`
	PointsLow  float64 `json:"points_low,omitempty"`
	PointsHigh float64 `json:"points_high,omitempty"`
	// Share is Month as a share of all there is of the unit in 30 days: of all runs, all spending, all working time. It is
	// what things of different units are ranked by.
	Share    float64  `json:"share"`
	Severity Severity `json:"severity"`
}

// Severity is how much something matters, by its worth and by how sure that is.
type Severity string

// From the greatest to the least.
const (
	SeverityCritical Severity = "critical"
	SeverityHigh     Severity = "high"
	SeverityMedium   Severity = "medium"
	SeverityLow      Severity = "low"
)

// Severities lists the vocabulary, the greatest first.
func Severities() []Severity {
	return []Severity{SeverityCritical, SeverityHigh, SeverityMedium, SeverityLow}
}

// ByWorth orders what is worth more before what is worth less, and that before what has no worth.
func ByWorth(a, b *Worth) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Month, a.Month))
}

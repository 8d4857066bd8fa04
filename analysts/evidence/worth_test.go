package evidence_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
)

func TestWorthRanksAcrossUnits(t *testing.T) {
	t.Parallel()
	half := evidence.NewWorth(events.LessDollars, 50, 40, 60, 100)
	tenth := evidence.NewWorth(events.MoreSuccesses, 1000, 300, 1700, 10_000)
	unsure := evidence.NewWorth(events.LessMinutes, 20, -5, 45, 1000)
	nothing := evidence.NewWorth(events.LessMinutes, 0, 0, 0, 0)
	got := []*events.Worth{nil, &nothing, &unsure, &tenth, &half}
	slices.SortStableFunc(got, events.ByWorth)
	if !slices.Equal(got, []*events.Worth{&half, &tenth, &unsure, &nothing, nil}) {
		t.Errorf("%v", got)
	}
	for w, want := range map[*events.Worth]events.Severity{&half: events.SeverityCritical, &tenth: events.SeverityHigh, &unsure: events.SeverityLow, &nothing: events.SeverityLow} {
		if w.Severity != want {
			t.Errorf("%+v, want %s", w, want)
		}
	}
}

func TestAProposalSaysWhatItsFindingsSay(t *testing.T) {
	t.Parallel()
	p := evidence.Proposal{
		Change: events.Change{Kind: events.ChangeModel},
		Claim:  events.Claim{Workflow: "w", Subject: []string{"switches", "clerk", "good", "poor"}},
	}
	for name, tt := range map[string]struct {
		finding evidence.Finding
		want    bool
	}{
		"its model":          {evidence.Finding{Workflow: "w", Subject: []string{"model", "poor"}, Evidence: events.Evidence{Value: -0.2}}, true},
		"another model":      {evidence.Finding{Workflow: "w", Subject: []string{"model", "fair"}}, false},
		"another workflow's": {evidence.Finding{Workflow: "v", Subject: []string{"model", "poor"}}, false},
		"of nothing":         {evidence.Finding{Workflow: "w", Subject: []string{"w"}}, false},
	} {
		if p.Says(tt.finding) != tt.want {
			t.Errorf("%s: %v", name, !tt.want)
		}
	}
	p.Change.Kind, p.Claim = events.ChangeWorkflow, events.Claim{Workflow: "w", Subject: []string{"sequence", "a", "b"}}
	if !p.Says(evidence.Finding{Workflow: "w", Subject: []string{"contains", "a"}, Evidence: events.Evidence{Value: 0.1}}) {
		t.Error("a part of a sequence is said again")
	}
	if p.Says(evidence.Finding{Workflow: "w", Subject: []string{"contains", "a"}, Evidence: events.Evidence{Value: -0.1}}) {
		t.Error("what harms is hidden behind what helps")
	}
}

func TestGradeAtItsBounds(t *testing.T) {
	t.Parallel()
	thousand := math.Log(1000)
	for _, tt := range []struct {
		lower           float64
		n               int64
		logE            float64
		claimed, halves bool
		want            events.Strength
	}{
		{1, 1000, 99, true, true, events.Weak},
		{1.001, 1, 0, true, false, events.Moderate},
		{2, 1000, 99, false, true, events.Weak},
		{1.1, 1000, 99, true, true, events.Moderate},
		{1.11, 29, 99, true, true, events.Moderate},
		{1.11, 30, 99, true, false, events.Moderate},
		{1.11, 30, 0, true, true, events.Strong},
		{1.25, 100, thousand, true, true, events.Strong},
		{1.26, 99, thousand, true, true, events.Strong},
		{1.26, 100, thousand - 1e-9, true, true, events.Strong},
		{1.26, 100, thousand, true, true, events.VeryStrong},
		{1.26, 100, thousand, true, false, events.Moderate},
	} {
		if got := evidence.Grade(tt.lower, tt.n, tt.logE, tt.claimed, tt.halves); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

func TestRunsAreCountedByTheMonth(t *testing.T) {
	t.Parallel()
	day := int64(24 * time.Hour)
	at := func(days ...int64) []int64 { // behind the first day of 1970
		for i, d := range days {
			days[i] = (d + 1) * day
		}
		return days
	}
	for name, tt := range map[string]struct {
		starts []int64
		want   []float64
	}{
		"the last 30 days of more":          {at(0, 9, 10, 11, 40), []float64{0, 0, 1, 1, 1}},
		"thirty days are a month":           {at(0, 30), []float64{1, 1}},
		"ten days go on":                    {at(5, 15, 10), []float64{3, 3, 3}},
		"an hour counts as a day":           {[]int64{day, day + int64(time.Hour)}, []float64{30, 30}},
		"no times, 30 days":                 {[]int64{0, 0}, []float64{1, 1}},
		"one without a time beside a dated": {append(at(0, 15), 0), []float64{2, 2, 0}},
	} {
		if got := evidence.Monthly(tt.starts); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestMoreSuccessesAreToldInPointsToo(t *testing.T) {
	t.Parallel()
	w := evidence.Successes(0.1, 0.05, 0.15, 400, 1000)
	if w != (events.Worth{
		Unit: events.MoreSuccesses, Month: 40, Low: 20, High: 60, Points: 10, PointsLow: 5, PointsHigh: 15, Share: 0.04, Severity: events.SeverityHigh,
	}) {
		t.Errorf("%+v", w)
	}
	for low, want := range map[float64]events.Severity{50: events.SeverityCritical, 49: events.SeverityHigh, 20: events.SeverityHigh, 19: events.SeverityMedium, 5: events.SeverityMedium, 4: events.SeverityLow} {
		if got := evidence.NewWorth(events.LessMinutes, 100, low, 200, 1000).Severity; got != want {
			t.Errorf("surely %v of 1000: %s, want %s", low, got, want)
		}
	}
}

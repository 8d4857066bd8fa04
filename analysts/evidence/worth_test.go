package evidence_test

import (
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
)

func TestWorthRanksAcrossUnits(t *testing.T) {
	t.Parallel()
	half := evidence.NewWorth(evidence.LessDollars, 50, 40, 60, 100)
	tenth := evidence.NewWorth(evidence.MoreSuccesses, 1000, 300, 1700, 10_000)
	unsure := evidence.NewWorth(evidence.LessMinutes, 20, -5, 45, 1000)
	nothing := evidence.NewWorth(evidence.LessMinutes, 0, 0, 0, 0)
	got := []*evidence.Worth{nil, &nothing, &unsure, &tenth, &half}
	slices.SortStableFunc(got, evidence.ByWorth)
	if !slices.Equal(got, []*evidence.Worth{&half, &tenth, &unsure, &nothing, nil}) {
		t.Errorf("%v", got)
	}
	for w, want := range map[*evidence.Worth]evidence.Severity{&half: evidence.Critical, &tenth: evidence.High, &unsure: evidence.Low, &nothing: evidence.Low} {
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

package evidence_test

import (
	"reflect"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
)

func TestSettle(t *testing.T) {
	t.Parallel()
	change := events.Change{Kind: events.ChangeWorkflow, Workflow: "w", Steps: []string{"a"}}
	claim := events.Claim{Workflow: "w", Subject: []string{"contains", "a"}}
	id := evidence.ProposalID("analyst", change, 1)
	said := evidence.Proposal{Analyst: "analyst", Change: change, Claim: claim, Strength: events.Strong, Reason: "all", Worth: &events.Worth{Unit: events.MoreSuccesses, Month: 3, Severity: events.SeverityLow}}
	stands := func(all, since events.Strength) func(events.Claim, uint64) (evidence.Standing, bool) {
		return func(c events.Claim, after uint64) (evidence.Standing, bool) {
			s := evidence.Standing{Strength: all, Reason: "all"}
			if after > 0 {
				s = evidence.Standing{Strength: since, Reason: "since"}
			}
			return s, reflect.DeepEqual(c, claim) && (after == 0 || after == 70)
		}
	}
	known := func(with func(*evidence.Known)) evidence.Known {
		k := evidence.Known{Improvement: id, Analyst: "analyst", Generation: 1, Change: change, Claim: claim, Strength: events.Strong, Open: true}
		with(&k)
		return k
	}
	ended := func(k *evidence.Known) { k.Open, k.Ended, k.EndedAt = false, true, 70 }
	erased := func(k *evidence.Known) {
		k.Erased, k.Change.Instruction, k.Change.Steps, k.Evidence = true, events.Erased, nil, events.Evidence{N: 7}
	}
	forgotten := evidence.Change{Improvement: id, Standing: evidence.Standing{
		Strength: events.Gone, Reason: "Somebody is forgotten whose words it was made of.", Evidence: events.Evidence{N: 7},
	}}
	type step struct{ id, previous, reason string }
	for name, tt := range map[string]struct {
		known      []evidence.Known
		says       []evidence.Proposal
		all, since events.Strength
		proposes   []step
		changes    []evidence.Change
	}{
		"the first time":    {says: []evidence.Proposal{said}, proposes: []step{{id, "", "all"}}},
		"it stands there":   {known: []evidence.Known{known(func(*evidence.Known) {})}, says: []evidence.Proposal{said}, all: events.Strong, proposes: []step{{id, "", "all"}}},
		"another analyst's": {known: []evidence.Known{known(func(k *evidence.Known) { k.Analyst = "another" })}, all: events.Gone},
		"stronger":          {known: []evidence.Known{known(func(*evidence.Known) {})}, all: events.VeryStrong, changes: []evidence.Change{{Improvement: id, Standing: evidence.Standing{Strength: events.VeryStrong, Reason: "all"}}}},
		"stronger, and said": {
			known: []evidence.Known{known(func(*evidence.Known) {})}, says: []evidence.Proposal{said}, all: events.VeryStrong, proposes: []step{{id, "", "all"}},
			changes: []evidence.Change{{Improvement: id, Standing: evidence.Standing{Strength: events.VeryStrong, Reason: "all"}, Worth: said.Worth}},
		},
		"gone":               {known: []evidence.Known{known(func(*evidence.Known) {})}, all: events.Gone, changes: []evidence.Change{{Improvement: id, Standing: evidence.Standing{Strength: events.Gone, Reason: "all"}}}},
		"no longer tested":   {known: []evidence.Known{known(func(k *evidence.Known) { k.Claim.Workflow = "v" })}, all: events.Gone},
		"its claim unknown":  {known: []evidence.Known{known(func(k *evidence.Known) { k.Claim = events.Claim{} })}, all: events.Gone},
		"ended, old news":    {known: []evidence.Known{known(ended)}, says: []evidence.Proposal{said}, all: events.VeryStrong, since: events.Weak},
		"ended, new grounds": {known: []evidence.Known{known(ended)}, says: []evidence.Proposal{said}, all: events.Strong, since: events.Moderate, proposes: []step{{id + "-2", id, "since"}}},
		"the second ended": {
			known: []evidence.Known{known(func(k *evidence.Known) { ended(k); k.Improvement, k.Generation = id+"-2", 2 }), known(ended)},
			says:  []evidence.Proposal{said}, since: events.Strong, proposes: []step{{id + "-3", id + "-2", "since"}},
		},
		"the second stands": {
			known: []evidence.Known{known(ended), known(func(k *evidence.Known) { k.Improvement, k.Generation = id+"-2", 2 })},
			says:  []evidence.Proposal{said}, all: events.Strong, proposes: []step{{id + "-2", "", "all"}},
		},
		"its words are forgotten, and nobody says it": {
			known: []evidence.Known{known(erased)}, all: events.Strong, changes: []evidence.Change{forgotten},
		},
		"its words are forgotten, and others say it": {
			known: []evidence.Known{known(erased)}, says: []evidence.Proposal{said}, all: events.Strong, proposes: []step{{id + "-2", id, "all"}}, changes: []evidence.Change{forgotten},
		},
		"its words are forgotten, and it was made": {
			known: []evidence.Known{known(func(k *evidence.Known) { erased(k); k.Open = false })}, says: []evidence.Proposal{said}, all: events.Strong, proposes: []step{{id + "-2", id, "all"}},
		},
		"its words are forgotten, and that was told": {
			known: []evidence.Known{known(func(k *evidence.Known) { erased(k); ended(k) })}, says: []evidence.Proposal{said}, all: events.Strong, since: events.Weak,
		},
		"applied": {known: []evidence.Known{known(func(k *evidence.Known) { k.Open = false })}, says: []evidence.Proposal{said}, all: events.Gone, proposes: []step{{id, "", "all"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proposals, changes := evidence.Settle("analyst", tt.known, evidence.Result{Proposals: tt.says, Weigh: stands(tt.all, tt.since)})
			var got []step
			for _, p := range proposals {
				got = append(got, step{p.ID(), p.Previous, p.Reason})
			}
			if !reflect.DeepEqual(got, tt.proposes) || !reflect.DeepEqual(changes, tt.changes) {
				t.Errorf("proposes %v, want %v; changes %v, want %v", got, tt.proposes, changes, tt.changes)
			}
		})
	}
}

func TestWhatCantBeWeighedStandsAsItIs(t *testing.T) {
	t.Parallel()
	open := evidence.Known{Improvement: "i", Analyst: "analyst", Open: true, Strength: events.Strong}
	gone := func(events.Claim, uint64) (evidence.Standing, bool) {
		return evidence.Standing{Strength: events.Gone}, true
	}
	if _, changes := evidence.Settle("analyst", []evidence.Known{open}, evidence.Result{Weigh: gone}); changes != nil {
		t.Errorf("its claim is not known: %v", changes)
	}
	open.Claim.Subject = []string{"contains", "a"}
	if _, changes := evidence.Settle("analyst", []evidence.Known{open}, evidence.Result{}); changes != nil {
		t.Errorf("the analyst weighs nothing: %v", changes)
	}
	if _, changes := evidence.Settle("analyst", []evidence.Known{open}, evidence.Result{Weigh: gone}); len(changes) != 1 {
		t.Errorf("%v", changes)
	}
}

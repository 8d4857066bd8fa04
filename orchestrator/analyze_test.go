package orchestrator_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// The read models go on while analysts read them. All that they read is of one state, so that what they say is what a
// rehearsal says there.
func TestAnalystsReadOneState(t *testing.T) {
	t.Parallel()
	log, d := newLog(t)
	models := logtest.Models(t)
	logtest.Import(t, log, logtest.Simulated(20))
	if err := replay.CatchUp(t.Context(), log, models, nil); err != nil {
		t.Fatal(err)
	}
	none := func() (r evidence.Result) { return r }
	var seen []uint64
	look := func(ctx context.Context, r projections.Reader) (func() evidence.Result, error) {
		at, err := r.Position(ctx)
		seen = append(seen, at)
		return none, err
	}
	grow := func(ctx context.Context, _ projections.Reader) (func() evidence.Result, error) {
		logtest.Import(t, log, logtest.Simulated(40))
		return none, replay.CatchUp(ctx, log, models, nil)
	}
	found, err := orchestrator.Analyze(t.Context(), models, "", d.Dispatch, fixedClock, []analysts.Runner{{Name: "a", Load: look}, {Name: "b", Load: grow}, {Name: "c", Load: look}})
	if err != nil {
		t.Fatal(err)
	}
	if now, err := models.Position(t.Context()); err != nil || len(seen) != 2 || seen[0] != seen[1] || found.Position != seen[0] || now <= seen[1] {
		t.Errorf("they saw %v, it is told that they looked at %d; now it is %d (%v)", seen, found.Position, now, err)
	}
}

// What is proposed is new once. After a person said no, it is asked again only when what came since carries the claim.
func TestAProposalIsNewOnce(t *testing.T) {
	t.Parallel()
	log, d := newLog(t)
	models := logtest.Models(t)
	logtest.Import(t, log, logtest.Simulated(5))
	since, now := events.Gone, events.Strong
	weigh := func(_ events.Claim, after uint64) (evidence.Standing, bool) {
		s := evidence.Standing{Strength: now, Reason: "today", Evidence: proposalOn("a").Evidence}
		if after > 0 {
			s.Strength = since
		}
		return s, true
	}
	runner := analysts.Runner{Name: "fake", Version: 1, Load: func(context.Context, projections.Reader) (func() evidence.Result, error) {
		p := proposalOn("a")
		p.Claim, p.Strength = events.Claim{Subject: []string{"contains", "a"}}, events.Strong
		return func() evidence.Result { return evidence.Result{Proposals: []evidence.Proposal{p}, Weigh: weigh} }, nil
	}}
	type seen struct {
		id         string
		isNew, end bool
	}
	look := func() (all []seen, changes int) {
		t.Helper()
		if err := replay.CatchUp(t.Context(), log, models, nil); err != nil {
			t.Fatal(err)
		}
		found, err := orchestrator.Analyze(t.Context(), models, "", d.Dispatch, fixedClock, []analysts.Runner{runner})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found.Proposals {
			all = append(all, seen{p.ID(), p.New, p.Ended})
		}
		return all, len(found.Changes)
	}
	id := proposalOn("a").ID()
	expect := func(when string, changes int, want ...seen) {
		t.Helper()
		if got, n := look(); !slices.Equal(got, want) || n != changes {
			t.Errorf("%s: %v with %d changes, want %v with %d", when, got, n, want, changes)
		}
	}
	expect("first", 0, seen{id, true, false})
	expect("again", 0, seen{id, false, false})
	now = events.VeryStrong
	expect("stronger", 1, seen{id, false, false})
	expect("as strong", 0, seen{id, false, false})
	if _, err := d.Dispatch(t.Context(), commands.RejectImprovement{Meta: commands.Meta{ID: events.NameID(logtest.Noon, "no"), At: logtest.Noon, Actor: "user:anna"}, Improvement: id, By: "user:anna"}); err != nil {
		t.Fatal(err)
	}
	expect("rejected", 0)
	since = events.Moderate
	expect("new grounds", 0, seen{id + "-2", true, false})
	now = events.Gone
	expect("gone", 1, seen{id + "-2", false, true})
	expect("still gone", 0, seen{id + "-3", true, false}) // the fake's evidence since then stands
}

func proposalOn(step string) evidence.Proposal {
	return evidence.Proposal{
		Analyst: "fake", AnalystVersion: 1, Reason: "because of " + step,
		Change:   events.Change{Kind: events.ChangeWorkflow, Workflow: "w", Steps: []string{step}},
		Evidence: events.Evidence{From: 1, To: 9, Statistic: "count", Value: .5, Low: .25, High: .75, Confidence: .95, N: 3},
		Expected: events.Expected{Metric: "success_rate", Change: .1, High: .2},
	}
}

// What the policy lets pass by itself waits for a person where it comes from an analyst whose forecasts did not come true.
func TestABoundAnalystOnlyProposes(t *testing.T) {
	t.Parallel()
	log, _ := newLog(t)
	p := proposalOn("a")
	p.Analyst = "fake"
	d := orchestrator.NewDispatcher(log, aggregates.All(aggregates.Everywhere(aggregates.Policy{SelfApproved: []events.ChangeKind{p.Change.Kind}, MaxShare: 1000})))
	models := logtest.Models(t)
	logtest.Import(t, log, logtest.Simulated(5))
	look := func(subject string) projections.ImprovementRow {
		t.Helper()
		if err := replay.CatchUp(t.Context(), log, models, nil); err != nil {
			t.Fatal(err)
		}
		p.Claim, p.Strength, p.Change.Steps = events.Claim{Subject: []string{"contains", subject}}, events.Strong, []string{subject}
		runner := analysts.Runner{Name: "fake", Version: 1, Load: func(context.Context, projections.Reader) (func() evidence.Result, error) {
			return func() evidence.Result { return evidence.Result{Proposals: []evidence.Proposal{p}} }, nil
		}}
		if _, err := orchestrator.Analyze(t.Context(), models, "", d.Dispatch, fixedClock, []analysts.Runner{runner}); err != nil {
			t.Fatal(err)
		}
		if err := replay.CatchUp(t.Context(), log, models, nil); err != nil {
			t.Fatal(err)
		}
		rows, err := models.Improvements(t.Context(), "")
		if err != nil || len(rows) == 0 {
			t.Fatalf("%+v, %v", rows, err)
		}
		return rows[0]
	}
	score := func(improvement string, value float64) {
		t.Helper()
		c := commands.ScoreForecast{
			Meta: commands.Meta{ID: events.NameID(logtest.Noon, improvement), At: logtest.Noon, Actor: "manager:forecasts"}, Analyst: "fake", Improvement: improvement,
			Foretold: events.Expected{Metric: "success_rate", Change: .1, Low: .05, High: .15}, Found: p.Evidence,
		}
		c.Found.Value, c.Found.Low, c.Found.High = value, value-.05, value+.05
		if _, err := d.Dispatch(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got := look("b"); got.Status != projections.Approved {
		t.Errorf("before, the policy lets it pass: %+v", got)
	}
	score("i", 0)
	score("j", 0)
	if got := look("c"); got.Status != projections.Proposed {
		t.Errorf("bound, it waits: %+v", got)
	}
	for i := range 8 {
		score(fmt.Sprint("k", i), .1)
	}
	if got := look("d"); got.Status != projections.Approved {
		t.Errorf("freed, the policy lets it pass: %+v", got)
	}
}

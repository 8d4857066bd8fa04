package aggregates_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// foretold is a forecast of ten points more, give or take spread.
func foretold(spread float64) events.Expected {
	return events.Expected{Metric: "success_rate", Change: .1, Low: .1 - spread, High: .1 + spread}
}

func found(value float64) events.Evidence {
	return events.Evidence{From: 1, To: 9, Statistic: "difference", Value: value, Low: value - .05, High: value + .05, Confidence: .95, N: 900}
}

func TestScoreForecast(t *testing.T) {
	t.Parallel()
	score := func(value float64, change ...func(*commands.ScoreForecast)) commands.ScoreForecast {
		c := commands.ScoreForecast{Analyst: "cost", Improvement: "i", Foretold: foretold(.05), Found: found(value)}
		for _, f := range change {
			f(&c)
		}
		return c
	}
	// An interval of 5 points to either side: half of ten points is surely foretold, which counts as 19 in 20.
	scored := func(improvement string, value, brier, doubt float64) events.AnalystScored {
		return events.AnalystScored{
			Analyst: "cost", Improvement: improvement, Foretold: foretold(.05), Found: found(value), Chance: .95, CameTrue: value >= .05, Brier: brier, Doubt: doubt,
		}
	}
	bad := scored("h", .01, .9025, 10)
	bound := events.AnalystBound{Reason: "its forecasts do not come true: after 2 a coin explains what came 100 times as well"}
	scenarios{
		"it came true":           {when: score(.08), then: []events.Event{scored("i", .08, .0025, 1)}},
		"just half of it":        {when: score(.05), then: []events.Event{scored("i", .05, .0025, 1)}},
		"it did not":             {when: score(.01), then: []events.Event{scored("i", .01, .9025, 10)}},
		"the contrary":           {when: score(-.2), then: []events.Event{scored("i", -.2, .9025, 10)}},
		"once too often":         {given: []events.Event{bad}, when: score(.01), then: []events.Event{scored("i", .01, .9025, 100), bound}},
		"it is bound already":    {given: []events.Event{bad, scored("g", .01, .9025, 100), bound}, when: score(.01), then: []events.Event{scored("i", .01, .9025, 100)}},
		"it gets better":         {given: []events.Event{bad, scored("g", .01, .9025, 100), bound}, when: score(.08), then: []events.Event{scored("i", .08, .0025, 52.631579)}},
		"it is as good as new":   {given: []events.Event{scored("g", .01, .9025, 1.5), bound}, when: score(.08), then: []events.Event{scored("i", .08, .0025, 1), events.AnalystFreed{Reason: "its forecasts came true again, after 2 in all"}}},
		"scored before":          {given: []events.Event{scored("i", .01, .9025, 10)}, when: score(.08)},
		"less cost was foretold": {when: score(-.2, func(c *commands.ScoreForecast) { c.Foretold = events.Expected{Change: -.3, Low: -.35, High: -.25} }), then: []events.Event{events.AnalystScored{Analyst: "cost", Improvement: "i", Foretold: events.Expected{Change: -.3, Low: -.35, High: -.25}, Found: found(-.2), Chance: .95, CameTrue: true, Brier: .0025, Doubt: 1}}},
		"nothing was foretold":   {when: score(.1, func(c *commands.ScoreForecast) { c.Foretold.Change = 0 }), err: aggregates.ErrInvalid},
		"no number":              {when: score(.1, func(c *commands.ScoreForecast) { c.Foretold.High = math.NaN() }), err: aggregates.ErrInvalid},
		"nobody's":               {when: score(.1, func(c *commands.ScoreForecast) { c.Analyst = "" }), err: aggregates.ErrInvalid},
		"nothing was measured":   {when: score(.1, func(c *commands.ScoreForecast) { c.Found = events.Evidence{} }), err: aggregates.ErrEvidence},
	}.run(t)
}

// A bad analyst may do nothing by itself within 20 decisions, a good one keeps its autonomy.
func TestAutonomyFollowsTheForecasts(t *testing.T) {
	t.Parallel()
	const worlds, decisions = 500, 20
	for name, tt := range map[string]struct {
		// effect is what a change truly does where its analyst foretells ten points.
		effect   func(r *rand.Rand) float64
		min, max int // of the worlds in which it is bound
	}{
		// What is measured then lies about as far from what it foretold as it said.
		"good":           {func(r *rand.Rand) float64 { return .1 + .0232*r.NormFloat64() }, 0, worlds / 20},
		"half are none":  {func(r *rand.Rand) float64 { return .1 * float64(r.IntN(2)) }, worlds * 9 / 10, worlds},
		"none does":      {func(*rand.Rand) float64 { return 0 }, worlds, worlds},
		"all do harm":    {func(*rand.Rand) float64 { return -.1 }, worlds, worlds},
		"only the worst": {func(r *rand.Rand) float64 { return .02 * r.Float64() }, worlds, worlds},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bound := 0
			for seed := range uint64(worlds) {
				r := rand.New(rand.NewPCG(seed, 3))
				var a aggregates.Instance
				for _, one := range aggregates.All(aggregates.Everywhere(aggregates.Policy{})) {
					if one.Category == "analyst" {
						a = one.New()
					}
				}
				for i := range decisions {
					facts, err := a.Decide(commands.ScoreForecast{Analyst: "a", Improvement: fmt.Sprint(i), Foretold: foretold(.06), Found: found(tt.effect(r) + .02*r.NormFloat64())})
					if err != nil {
						t.Fatal(err)
					}
					for _, fact := range facts {
						if err := a.Evolve(fact); err != nil {
							t.Fatal(err)
						}
					}
					if len(facts) > 1 {
						bound++
						break
					}
				}
			}
			t.Logf("bound in %d of %d", bound, worlds)
			if bound < tt.min || bound > tt.max {
				t.Errorf("bound in %d of %d worlds, want %d to %d", bound, worlds, tt.min, tt.max)
			}
		})
	}
}

package cost_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/cost"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// desk is a history in which a clerk uses one of two models, the small one at a tenth of the price. Where hard tasks go to
// the large one, it looks worse than it is.
func desk(seed uint64, runs, effect int, hardToLarge bool) cost.View {
	rng := rand.New(rand.NewPCG(seed, 5))
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	v := cost.View{Agents: map[string]events.AgentConfig{"clerk": {Model: "large", Prompt: "Be kind."}}, Position: uint64(10 * runs)}
	for i := range runs {
		task := rng.IntN(8)
		large := 50
		if hardToLarge {
			large = 90 - 10*task
		}
		run := cost.Run{
			Workflow: "desk", Task: fmt.Sprint("task ", task), Agent: "clerk", Model: "large", Nanos: 1e7 * (0.5 + rng.Float64()),
			Started: start.Add(time.Duration(i) * 10 * time.Minute).UnixNano(), First: uint64(10*i + 1), Last: uint64(10*i + 9),
		}
		chance := 20 + 9*task
		if rng.IntN(100) >= large {
			run.Model, run.Nanos, chance = "small", run.Nanos/10, chance+effect
		}
		run.Good = rng.IntN(100) < chance
		v.Runs = append(v.Runs, run)
	}
	return v
}

func TestACheaperModelIsProposedWhereItsQualityHolds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		runs, effect int
		hardToLarge  bool
		least, most  int
	}{
		"as good":                        {8000, 0, false, 36, 40},
		"better":                         {4000, 5, false, 36, 40},
		"5 points worse":                 {8000, -5, false, 0, 2},
		"10 points worse":                {8000, -10, false, 0, 0},
		"worse, and given easy tasks":    {8000, -8, true, 0, 0},
		"as good, and given easy tasks":  {8000, 0, true, 30, 40},
		"better by far, and few of them": {1000, 20, false, 36, 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for seed := range uint64(40) {
				res := cost.New().Propose(desk(seed, tt.runs, tt.effect, tt.hardToLarge))
				for _, p := range res.Proposals {
					found++
					if p.Change.Config.Model != "small" || p.Change.Config.Prompt != "Be kind." || p.Worth.Low <= 0 || p.Expected.High >= 0 ||
						p.Evidence.Low > p.Evidence.Value || p.Evidence.Value > p.Evidence.High {
						t.Errorf("%+v", p)
					}
					if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != p.Strength {
						t.Errorf("weighed %+v %v", s, ok)
					}
				}
			}
			t.Logf("proposed in %d of 40", found)
			if found < tt.least || found > tt.most {
				t.Errorf("proposed in %d of 40", found)
			}
		})
	}
}

// A history that grows and is looked at 20 times, of a model that is 5 points worse.
func TestAWorseModelIsNotProposedByLookingOften(t *testing.T) {
	t.Parallel()
	ever := 0
	const histories = 100
	for seed := range uint64(histories) {
		v := desk(1000+seed, 4000, -5, false)
		runs := v.Runs
		for look := 1; look <= 20; look++ {
			v.Runs = runs[:len(runs)*look/20]
			if len(cost.New().Propose(v).Proposals) > 0 {
				ever++
				break
			}
		}
	}
	t.Logf("ever proposed in %d of %d", ever, histories)
	if ever*20 > histories {
		t.Errorf("ever proposed in %d of %d", ever, histories)
	}
}

func TestWhatCantBeToldIsTold(t *testing.T) {
	t.Parallel()
	res := cost.New().Propose(desk(1, 600, 0, false))
	if len(res.Findings) != 1 || !strings.Contains(res.Findings[0].Text, "Too few to tell") {
		t.Errorf("%+v", res.Findings)
	}
	v := desk(1, 8000, 0, false)
	for i := range v.Runs {
		v.Runs[i].Task = ""
	}
	if res := cost.New().Propose(v); len(res.Proposals) > 0 {
		t.Errorf("without tasks: %+v", res.Proposals)
	}
	later := desk(2, 8000, -15, false)
	v = desk(1, 8000, 0, false)
	claim := cost.New().Propose(v).Proposals[0].Claim
	for _, r := range later.Runs {
		r.First, r.Last = r.First+80_000, r.Last+80_000
		v.Runs = append(v.Runs, r)
	}
	if s, ok := cost.New().Propose(v).Weigh(claim, 80_000); !ok || s.Strength != events.Reversed {
		t.Errorf("since it got worse: %+v %v", s, ok)
	}
	if res := cost.New().Propose(cost.View{}); len(res.Proposals)+len(res.Findings) > 0 {
		t.Errorf("of nothing: %+v", res)
	}
}

// 500 simulated months with weekends, trends of weeks and bursts: the 80% interval of the day on which a budget is used up
// holds it in about 80 of 100.
func TestForecastsCover(t *testing.T) {
	t.Parallel()
	covered := 0
	const months = 500
	for m := range months {
		rng := rand.New(rand.NewPCG(uint64(m), 9))
		level, spent := 0.0, make([]float64, 56+60)
		for i := range spent {
			level = 0.8*level + 0.15*rng.NormFloat64()
			spent[i] = math.Exp(level + 0.4*rng.NormFloat64())
			if i%7 >= 5 {
				spent[i] *= 0.3
			}
		}
		left := 8 + 12*rng.Float64()
		f, ok := cost.ForecastOf(spent[:56], left, 30, 60, fmt.Sprint(m))
		if !ok {
			t.Fatal("no forecast")
		}
		when := 60.0
		for i, rest := 56, left; i < len(spent); i++ {
			if rest <= spent[i] {
				when = float64(i-56) + rest/spent[i]
				break
			}
			rest -= spent[i]
		}
		if f.Low <= when && when <= f.High {
			covered++
		}
	}
	t.Logf("%d of %d covered", covered, months)
	if covered < 375 || covered > 425 {
		t.Errorf("%d of %d covered", covered, months)
	}
}

func TestBudgetsAreForecast(t *testing.T) {
	t.Parallel()
	v := cost.View{Position: 7}
	for day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC); day.Before(time.Date(2026, 4, 11, 0, 0, 0, 0, time.UTC)); day = day.AddDate(0, 0, 1) {
		v.Spent = append(v.Spent, cost.Day{Day: day.Format(time.DateOnly), Nanos: 1e9})
	}
	for limit, want := range map[events.Nanos]string{20e9: "is all but certain", 12e9: "is all but certain", 40e9: ""} {
		v.Budgets = []projections.BudgetRow{{Budget: "all", Period: events.Monthly, LimitNanos: limit}, {Budget: "agent:x", Period: events.Monthly, LimitNanos: 1}}
		res := cost.New().Propose(v)
		if want == "" != (len(res.Findings) == 0) || want != "" && !strings.Contains(res.Findings[0].Text, want) {
			t.Errorf("limit %s: %+v", limit, res.Findings)
		}
	}
	v.Spent = v.Spent[:7]
	if res := cost.New().Propose(v); len(res.Findings) > 0 {
		t.Errorf("by a week: %+v", res.Findings)
	}
}

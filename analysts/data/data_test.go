package data_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/data"
	"github.com/virtuous6/virtuous6/events"
)

// desk is a history of so many runs a day in which nothing is odd.
func desk(seed uint64, days, perDay int) data.View {
	rng := rand.New(rand.NewPCG(seed, 3))
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var v data.View
	for d := range days {
		for i := range perDay {
			began := start.AddDate(0, 0, d).Add(time.Duration(i) * time.Minute)
			outcome := events.Failed
			if rng.IntN(100) < 60 {
				outcome = events.Succeeded
			}
			n := len(v.Runs)
			steps := []string{"look up"}
			if rng.IntN(100) < 50 {
				steps = append(steps, "verify")
			}
			v.Runs = append(v.Runs, data.Run{
				Name: fmt.Sprint("run ", n), Workflow: "desk", Task: fmt.Sprint("task ", rng.IntN(5)), Agents: []string{fmt.Sprint("clerk ", rng.IntN(2))}, Steps: steps, Ended: true,
				Outcome: outcome, Started: began.UnixNano(), Until: began.Add(time.Duration(5+rng.IntN(60)) * time.Second).UnixNano(), Same: uint64(n + 1),
				First: uint64(10*n + 1), Last: uint64(10*n + 9),
			})
		}
	}
	return v
}

func TestWhatIsOddAboutTheDataIsTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		odd  func(v *data.View)
		kind string
		says string
	}{
		"nothing": {odd: func(*data.View) {}},
		"longer than what is looked at": {
			func(v *data.View) { v.Of = 900_000 }, data.Latest, "Of 900000 runs analysts look at the latest 1200: older ones count in figures",
		},
		"imported twice": {
			func(v *data.View) {
				again := v.Runs[3]
				again.Name = "again"
				v.Runs = append(v.Runs, again)
			}, data.Duplicates, "1 of 1201 runs of desk are equal to an earlier one in all but their name, such as again to run 3",
		},
		"a day is missing": {
			func(v *data.View) { v.Runs = append(v.Runs[:200:200], v.Runs[240:]...) }, data.Gap, "No run of desk began on 2026-03-07, where the same weekdays have about 40",
		},
		"nobody knows yet what a weekday has": {odd: func(v *data.View) { v.Runs = append(v.Runs[:80:80], v.Runs[120:400]...) }},
		"never ended": {
			func(v *data.View) { v.Runs[5].Ended = false }, data.Gap, "1 of 1200 runs of desk began more than a week before the latest and have no end, such as run 5",
		},
		"clocks backwards": {
			func(v *data.View) { v.Runs[7].Until = v.Runs[7].Started - 1 }, data.Contradiction, "1 of 1200 runs of desk end before they begin, such as run 7",
		},
		"steps outside": {
			func(v *data.View) { v.Runs[7].Outside = true }, data.Contradiction, "have steps before their start or behind their end",
		},
		"another total": {
			func(v *data.View) { v.Runs[7].More = true }, data.Contradiction, "cost more as a whole than all of their calls",
		},
		"judged otherwise": {
			func(v *data.View) {
				for i := range v.Runs {
					v.Runs[i].Own = events.Succeeded
				}
			}, data.Contradiction, "judged runs of desk were judged otherwise than they ended",
		},
		"judged otherwise for once": {
			odd: func(v *data.View) {
				for i := range v.Runs {
					v.Runs[i].Own = v.Runs[i].Outcome
				}
				v.Runs[0].Own = events.Cancelled
			},
		},
		"said to go well": {
			func(v *data.View) {
				for i := range v.Runs {
					v.Runs[i].LastFailed = true
				}
			}, data.Contradiction, "that count as succeeded end with a step that failed",
		},
		"always well": {
			func(v *data.View) {
				for i := range v.Runs {
					if i%10 == 0 {
						v.Runs[i].Agents, v.Runs[i].Outcome = []string{"braggart"}, events.Succeeded
					}
				}
			}, data.Impossible, "All 120 runs of braggart succeeded, where ",
		},
		"never well": {
			func(v *data.View) {
				for i := range v.Runs {
					if i%10 == 0 {
						v.Runs[i].Agents, v.Runs[i].Outcome = []string{"wretch"}, events.Failed
					}
				}
			}, data.Impossible, "All 120 runs of wretch failed, where ",
		},
		"a step is renamed": {
			func(v *data.View) {
				for i := range v.Runs[400:] {
					if r := &v.Runs[400+i]; len(r.Steps) > 1 {
						r.Steps = []string{"check", "look up"}
					}
				}
			}, data.Drift, "desk is another one since about 2026-03-12 (run run 400): step ",
		},
		"tasks come in another mix": {
			func(v *data.View) {
				for i := range v.Runs[400:] {
					if i%2 == 0 {
						v.Runs[400+i].Task = "task 9"
					}
				}
			}, data.Drift, "task task 9 is in ",
		},
		"it goes worse": {
			func(v *data.View) {
				for i := range v.Runs[400:] {
					if i%2 == 0 {
						v.Runs[400+i].Outcome = events.Failed
					}
				}
			}, data.Drift, "succeed, before ",
		},
		"it takes longer": {
			func(v *data.View) {
				for i := range v.Runs[400:] {
					v.Runs[400+i].Until += int64(time.Minute)
				}
			}, data.Drift, "half of its runs take 1m",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := desk(1, 30, 40)
			tt.odd(&v)
			res := data.New().Propose(v)
			if len(res.Proposals) > 0 {
				t.Errorf("it proposes %+v", res.Proposals)
			}
			found := false
			for _, f := range res.Findings {
				found = found || f.Kind == tt.kind && strings.Contains(f.Text, tt.says)
				if f.Evidence.From == 0 || f.Evidence.N == 0 || f.Evidence.Statistic == "" || f.Evidence.Low > f.Evidence.Value || f.Evidence.Value > f.Evidence.High {
					t.Errorf("without ground: %+v", f)
				}
				if tt.kind == "" || f.Kind != tt.kind {
					t.Errorf("%s: %s", f.Kind, f.Text)
				}
			}
			if !found && tt.kind != "" {
				t.Errorf("not told: %+v", res.Findings)
			}
		})
	}
}

// A history that grows without a change, looked at 20 times.
func TestDriftIsNotSeenByLookingOften(t *testing.T) {
	t.Parallel()
	ever := 0
	const histories = 100
	for seed := range uint64(histories) {
		v := desk(100+seed, 20, 40)
		runs := v.Runs
		for look := 1; look <= 20; look++ {
			v.Runs = runs[:40*look]
			if len(data.New().Propose(v).Findings) > 0 {
				ever++
				break
			}
		}
	}
	t.Logf("drift was told in %d of %d", ever, histories)
	if ever*20 > histories {
		t.Errorf("drift was told in %d of %d histories without any", ever, histories)
	}
}

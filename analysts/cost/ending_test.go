package cost_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/cost"
	"github.com/virtuous6/virtuous6/events"
)

func TestAModelThatEndsIsToldWithWhatTheHistorySaysOfOthers(t *testing.T) {
	t.Parallel()
	v := desk(3, 2000, 0, false)
	v.Agents["clerk"] = events.AgentConfig{Model: "gpt-4o"}
	for i := range v.Runs {
		if v.Runs[i].Model == "large" {
			v.Runs[i].Model = "gpt-4o-2024-08-06"
		}
	}
	told := func(day string) (texts []string) {
		v.Spent = []cost.Day{{Day: day, Nanos: 1}}
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		for i := range v.Runs {
			v.Runs[i].Started = at.Add(-time.Duration(i) * time.Minute).UnixNano()
		}
		for _, f := range cost.New().Propose(v).Findings {
			if f.Kind == cost.ModelEnds {
				texts = append(texts, f.Text)
			}
		}
		return texts
	}
	if got := told("2026-08-01"); len(got) > 0 {
		t.Errorf("half a year before: %q", got)
	}
	for day, says := range map[string]string{"2026-11-14": "ends on 2027-01-14, in 61 days", "2027-02-01": "ended on 2027-01-14"} {
		got := told(day)
		if len(got) != 2 || !strings.HasPrefix(got[0], "gpt-4o-2024-08-06 "+says) || !strings.Contains(got[0], "Of those that these agents use beside it, small did best: ") ||
			!strings.HasPrefix(got[1], "gpt-4o "+says+": 0 runs of the last 30 days used it (clerk)") {
			t.Errorf("%s: %q", day, got)
		}
	}
	for i := range v.Runs {
		if v.Runs[i].Model == "small" {
			v.Runs[i].Workflow = "another"
		}
	}
	if got := told("2026-11-14"); !strings.Contains(got[0], "knows too little of another model") {
		t.Errorf("%q", got)
	}
	v.Agents["clerk"] = events.AgentConfig{Model: "gpt-4ocean"}
	if got := told("2026-11-14"); len(got) != 1 {
		t.Errorf("another model is taken for it: %q", got)
	}
}

func TestALostCacheIsTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, since float64
		days          int
		least, most   int
	}{
		"lost":              {.6, .1, 20, 40, 40},
		"as it was":         {.6, .6, 20, 0, 1},
		"better":            {.1, .6, 20, 0, 0},
		"a little":          {.6, .5, 20, 0, 0},
		"too short to tell": {.6, .1, 7, 0, 0},
	} {
		found := 0
		for seed := range uint64(40) {
			rng := rand.New(rand.NewPCG(seed, 9))
			var v cost.View
			for d := range tt.days {
				share := tt.before
				if d >= tt.days/2 {
					share = tt.since
				}
				share += .15 * (rng.Float64() - .5)
				v.Inputs = append(v.Inputs, cost.Input{Agent: "clerk", Model: "m", Day: fmt.Sprintf("2026-11-%02d", d+1), Tokens: 100_000, Cached: int64(100_000 * max(0, share))})
			}
			for _, f := range cost.New().Propose(v).Findings {
				found++
				if !strings.HasPrefix(f.Text, "clerk reads ") || !strings.Contains(f.Text, "from the provider's cache since 2026-11-") {
					t.Error(f.Text)
				}
			}
		}
		if found < tt.least || found > tt.most {
			t.Errorf("%s: told in %d of 40", name, found)
		}
	}
}

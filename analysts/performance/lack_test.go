package performance_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/performance"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// A task that is left to the assistant and often fails, and one at which all fail, lack somebody; a hard one that somebody does well enough does not.
func TestWhatNobodyIsThereFor(t *testing.T) {
	t.Parallel()
	live := map[string][]projections.AgentVersionRow{events.Assistant: {{Agent: events.Assistant, Version: 1, Position: 1, Config: events.AgentConfig{Model: "m", Tools: []string{"clock"}}}}}
	passing := map[string][]projections.AgentVersionRow{events.Assistant: {{Agent: events.Assistant, Version: 1, Position: 1, Config: events.AgentConfig{Routes: []events.Route{{Tasks: []string{"tax"}, To: "other"}}}}}}
	taken := map[string][]projections.AgentVersionRow{events.Assistant: live[events.Assistant], "tax": {{Agent: "tax", Version: 1, Position: 1}}}
	for name, c := range map[string]struct {
		task, agent string
		runs, good  int
		versions    map[string][]projections.AgentVersionRow
		want        string
	}{
		"left to the assistant":              {"tax", events.Assistant, 50, 24, live, "Nobody is there for tax: assistant, to whom all of it is left, succeeds in 24 of 50 runs (95% interval 35 to 61%)."},
		"left to it, and passed on":          {"tax", events.Assistant, 50, 24, passing, "Nobody is there for tax: assistant, to whom all of it is left, succeeds in 24 of 50 runs (95% interval 35 to 61%)."},
		"left to it, and the name is taken":  {"tax", events.Assistant, 50, 24, taken, "Nobody is there for tax: assistant, to whom all of it is left, succeeds in 24 of 50 runs (95% interval 35 to 61%)."},
		"left to it, and well served":        {"tax", events.Assistant, 50, 48, live, ""},
		"history's assistant is another one": {"tax", events.Assistant, 50, 24, nil, ""},
		"too few":                            {"tax", events.Assistant, 29, 0, live, ""},
		"all fail":                           {"tax", "clerk", 50, 8, live, "Nobody is there for tax: whoever does it succeeds in 8 of 50 runs (95% interval 8 to 29%)."},
		"hard, and served":                   {"tax", "clerk", 50, 24, live, ""},
		"without a name":                     {"", "clerk", 50, 0, live, ""},
	} {
		v := performance.View{Versions: c.versions}
		add := func(task, agent string, good bool) {
			p := uint64(10 * (len(v.Runs) + 1))
			v.Runs = append(v.Runs, performance.Run{Name: fmt.Sprint("r", len(v.Runs)), Workflow: "w", Task: task, Agent: agent, Good: good, First: p, Last: p + 5})
		}
		for i := range 80 {
			if i < c.runs {
				add(c.task, c.agent, i < c.good)
			}
			add("mail", "bert", i%10 > 0)
		}
		var found []evidence.Finding
		res := performance.New().Propose(v)
		for _, p := range res.Proposals {
			if p.Change.Kind != events.ChangeSpawn {
				continue
			}
			made := p.Change.Spawn
			if made.Agent != "tax" || made.Config.Model != "m" || !slices.Equal(made.Config.Tools, []string{"clock"}) || !strings.Contains(made.Config.Prompt, `"tax"`) || p.Change.Agent != events.Assistant ||
				!reflect.DeepEqual(p.Change.Config.Routes, []events.Route{{Tasks: []string{"tax"}, To: "tax"}}) || p.Expected.Change != .105 || p.Expected.High != .42 {
				t.Errorf("%s: %+v, %+v", name, p, p.Change)
			}
			if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != events.Moderate {
				t.Errorf("weighed %+v, %t", s, ok)
			}
			if s, ok := res.Weigh(p.Claim, 500); !ok || s.Strength != events.Gone {
				t.Errorf("weighed by half %+v, %t", s, ok)
			}
			found = append(found, evidence.Finding{Text: strings.TrimSuffix(p.Reason, " An agent of its own can be tried on a part of them."), Subject: p.Claim.Subject, Worth: p.Worth, Example: "proposed"})
		}
		for _, f := range res.Findings {
			if f.Kind == performance.Lacking {
				found = append(found, f)
			}
		}
		switch {
		case c.want == "" && len(found) == 0:
		case len(found) != 1 || found[0].Text != c.want || found[0].Subject[1] != "tax" || found[0].Worth == nil || found[0].Worth.Month <= 0 || found[0].Worth.Points != stats.Round(90-2*float64(c.good)) || found[0].Worth.Low < 0 || (found[0].Example == "proposed") != (name == "left to the assistant"):
			t.Errorf("%s: %+v, want %q", name, found, c.want)
		}
	}
}

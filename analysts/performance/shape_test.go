package performance_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/performance"
	"github.com/virtuous6/virtuous6/events"
)

// asked counts the histories that a change of a kind is proposed in, and holds each to its grounds.
func asked(t *testing.T, kind events.ChangeKind, histories int, made func(seed uint64) *world) (n int) {
	t.Helper()
	for seed := range uint64(histories) {
		res := made(seed).look()
		for _, p := range res.Proposals {
			if p.Change.Kind != kind {
				t.Errorf("%s: %s", p.Change.Kind, p.Reason)
				continue
			}
			n++
			if p.Change.Instruction == "" || p.Reason == "" || p.Evidence.N == 0 || p.Evidence.Low > p.Evidence.Value || p.Evidence.Value > p.Evidence.High || p.Expected.Low > p.Expected.Change || p.Expected.Change > p.Expected.High {
				t.Errorf("without ground: %+v", p)
			}
			if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != p.Strength {
				t.Errorf("weighed %+v %v", s, ok)
			}
		}
	}
	return n
}

func TestAgentsThatAreOneAreMerged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		apart       float64
		tool        string
		runs        int
		least, most int
	}{
		"alike":              {0, "search", 8000, 3, 4},
		"6 points apart":     {.06, "search", 8000, 0, 0},
		"with other tools":   {0, "browse", 8000, 0, 0},
		"too few to tell it": {0, "search", 800, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := asked(t, events.ChangeMerge, 4, func(seed uint64) *world {
				w := newWorld(seed)
				for i := range tt.runs {
					agent, rate, tool := "ann", .92, "search"
					if i%2 == 0 {
						agent, rate, tool = "bob", .92-tt.apart, tt.tool
					}
					w.run(agent, []string{"x", "y", "z"}[i%3], "m", rate)
					r := &w.Runs[i]
					r.Tools, r.Steps, r.Priced, r.Nanos = []string{tool}, []string{tool}, true, 2e6
					if agent == "ann" {
						r.Nanos = 3e6
					}
				}
				return w
			})
			if n < tt.least || n > tt.most {
				t.Errorf("merged in %d of 4", n)
			}
		})
	}
}

func TestAnAgentThatIsWeakAtSomeTasksIsSplit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		weak, hard  float64
		least, most int
	}{
		"weak at two of four tasks":    {.35, 0, 9, 10},
		"they are hard for all":        {0, .35, 0, 0},
		"weak at them by a bit":        {.05, 0, 0, 0},
		"as good at all, all are even": {0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := asked(t, events.ChangeSplit, 10, func(seed uint64) *world {
				w := newWorld(100 + seed)
				for range 4000 {
					agent, task, rate := []string{"ann", "bob", "cy"}[w.IntN(3)], []string{"a", "b", "c", "d"}[w.IntN(4)], .9
					if task == "c" || task == "d" {
						if rate -= tt.hard; agent == "ann" {
							rate -= tt.weak
						}
					}
					w.run(agent, task, "m", rate)
				}
				return w
			})
			if n < tt.least || n > tt.most {
				t.Errorf("split in %d of 10", n)
			}
		})
	}
}

// What makes a change possible comes with it, where the agents are live: who gets the tasks, and that can be tried.
func TestAChangeOfWhoDoesWhatCanBeTried(t *testing.T) {
	t.Parallel()
	alike := func(w *world, i int) {
		w.run([]string{"ann", "bob"}[i%2], []string{"x", "y", "z"}[i%3], "m", .92)
		r := &w.Runs[i]
		r.Tools, r.Priced, r.Nanos = []string{"search"}, true, []float64{3e6, 2e6}[i%2]
	}
	weak := func(rates map[string]float64) func(w *world, i int) {
		return func(w *world, i int) {
			agent, task := []string{"ann", "bob", "cy"}[w.IntN(3)], []string{"a", "b", "c"}[w.IntN(3)]
			rate := .9
			if task == "c" {
				rate = rates[agent]
			}
			w.run(agent, task, "m", rate)
		}
	}
	bad := weak(map[string]float64{"ann": .5, "bob": .8, "cy": .95})
	for name, tt := range map[string]struct {
		live   []string
		kind   events.ChangeKind
		made   func(w *world, i int)
		routes []events.Route
	}{
		"merged":                         {[]string{"ann", "bob"}, events.ChangeMerge, alike, []events.Route{{Tasks: []string{"refund"}, To: "dan"}, {To: "bob"}}},
		"the one that stays is not live": {[]string{"ann"}, events.ChangeMerge, alike, nil},
		"the one that goes is not live":  {[]string{"bob"}, events.ChangeMerge, alike, nil},
		"another one does it better":     {[]string{"ann", "bob", "cy"}, events.ChangeRouting, bad, []events.Route{{Tasks: []string{"c"}, To: "cy"}, {Tasks: []string{"refund"}, To: "dan"}}},
		"the best one is not live":       {[]string{"ann", "bob"}, events.ChangeRouting, bad, []events.Route{{Tasks: []string{"c"}, To: "bob"}, {Tasks: []string{"refund"}, To: "dan"}}},
		"nobody live does it better":     {[]string{"ann", "bob"}, events.ChangeSplit, weak(map[string]float64{"ann": .5, "bob": .5, "cy": .95}), nil},
		"it is not live itself":          {[]string{"bob", "cy"}, events.ChangeSplit, bad, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(300)
			for _, agent := range tt.live {
				w.configured(agent, events.AgentConfig{Prompt: "I am " + agent, Routes: []events.Route{{Tasks: []string{"refund"}, To: "dan"}}})
			}
			for i := range 8000 {
				tt.made(w, i)
			}
			res := w.look()
			at := slices.IndexFunc(res.Proposals, func(p evidence.Proposal) bool { return p.Change.Agent == "ann" })
			if at < 0 {
				t.Fatalf("%+v", res.Proposals)
			}
			p := res.Proposals[at]
			if p.Change.Kind != tt.kind || p.Change.Tries() != (tt.routes != nil) {
				t.Fatalf("%+v", p.Change)
			}
			if tt.routes != nil && (!reflect.DeepEqual(p.Change.Config.Routes, tt.routes) || p.Change.Config.Prompt != "I am ann") {
				t.Errorf("%+v, want %+v", p.Change.Config, tt.routes)
			}
			if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != p.Strength {
				t.Errorf("weighed %+v %v", s, ok)
			}
		})
	}
}

func TestWhatALiveAgentIsGiven(t *testing.T) {
	t.Parallel()
	// clerk does all tasks as wide ones do, weak fails more often, terse is cut at its limit, and clerk has a tool that it never calls.
	made := func(config func(w *world)) func(uint64) *world {
		return func(seed uint64) *world {
			w := newWorld(200 + seed)
			config(w)
			for i := range 2000 {
				agent, task, rate := []string{"clerk", "weak", "terse"}[i%3], []string{"a", "b"}[w.IntN(2)], .85
				cut := agent == "terse" && w.IntN(3) == 0
				if agent == "weak" {
					rate = .55
				}
				if cut {
					rate = .3
				}
				w.run(agent, task, "m", rate)
				w.Runs[i].Cut, w.Runs[i].Tools = cut, []string{"search"}
			}
			return w
		}
	}
	for name, tt := range map[string]struct {
		kind  events.ChangeKind
		agent string
		c     events.AgentConfig
		has   func(p events.Change) bool
	}{
		"retired": {events.ChangeRetire, "weak", events.AgentConfig{Model: "m"}, func(c events.Change) bool {
			return c.Config.Model == "m" && len(c.Config.Routes) == 1 && c.Config.Routes[0].To == "" && len(c.Config.Routes[0].Tasks) == 0
		}},
		"cut":            {events.ChangeTokenLimit, "terse", events.AgentConfig{MaxTokens: 100}, func(c events.Change) bool { return c.Config.MaxTokens == 200 }},
		"unused":         {events.ChangeTools, "clerk", events.AgentConfig{Tools: []string{"search", "browse"}}, func(c events.Change) bool { return slices.Equal(c.Config.Tools, []string{"search"}) }},
		"nobody is live": {},
		"all are used":   {agent: "clerk", c: events.AgentConfig{Tools: []string{"search"}, MaxTokens: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := made(func(w *world) {
				if tt.agent != "" {
					w.configured(tt.agent, tt.c)
				}
			})
			res := world(1).look()
			if tt.kind == "" {
				if len(res.Proposals) > 0 {
					t.Errorf("%+v", res.Proposals)
				}
				return
			}
			if asked(t, tt.kind, 2, world) != 2 {
				t.Fatalf("not asked for")
			}
			p := res.Proposals[0]
			if p.Change.Agent != tt.agent || !tt.has(p.Change) {
				t.Errorf("%+v", p.Change)
			}
			if s, ok := res.Weigh(p.Claim, res.Proposals[0].Evidence.To); ok {
				t.Errorf("nothing happened since: %+v", s)
			}
		})
	}
}

func TestHowAgentsWorkIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(5)
	for i := range 1200 {
		rate, steps := .8, []string{"plan", "search", "answer"}
		switch i % 4 {
		case 0:
			rate, steps = .4, []string{"search", "search", "search", "replan", "browse", "transfer_to_human"}
		case 1:
			steps = []string{"search", "answer"}
		}
		w.run("ann", []string{"x", "y", "z"}[i%3], "m", rate)
		w.Runs[i].Steps, w.Runs[i].Tools = steps, []string{"browse", "search", "transfer_to_human"}
	}
	res := w.look()
	told := of(res, performance.Thinking)
	if want := "ann, in 1200 runs: plans before it acts in 50%, plans again on the way in 25%, does a step 3 times in a row or more in 25%, hands the task over at the end in 25%, uses several tools in 25%, 1 at the median of a run, 50% of its steps call none."; len(told) != 1 || told[0].Text != want {
		t.Errorf("%+v", told)
	}
	var less, more []string
	for _, f := range of(res, performance.Habit) {
		if !f.Strength.Claims() {
			t.Errorf("not claimed: %s", f.Text)
		}
		if strings.Contains(f.Text, "points less often") {
			less = append(less, f.Subject[1])
		} else {
			more = append(more, f.Subject[1])
		}
	}
	if !slices.Equal(more, []string{"plans_first"}) || !slices.Equal(less, []string{"plans_again", "loops", "gives_up", "several_tools"}) {
		t.Errorf("more %q, less %q", more, less)
	}
	for i := range w.Runs {
		w.Runs[i].Good = i/4%2 == 0 // nothing goes with it
	}
	if found := of(w.look(), performance.Habit); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

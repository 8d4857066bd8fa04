package candidate_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/candidate"
	"github.com/virtuous6/virtuous6/events"
)

// A model that another agent does the same tasks with, for less or better, is worth a trial; what it does there is no proof of what it does here.
func TestAModelOfAnotherAgentIsTried(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		// rate and nanos are what clerk's runs come to, of big, and there those of biller's, of small.
		rate, there       float64
		nanos, nanosThere float64
		task              string
		biller, clerk     events.AgentConfig
		runs              int
		given             func(w *world)
		want              string
		worth             bool
	}{
		"cheaper, and as good":           {rate: .8, there: .8, nanos: 9e6, nanosThere: 2e6, task: "x", runs: 200, want: "small", worth: true},
		"cheaper, and worse":             {rate: .9, there: .5, nanos: 9e6, nanosThere: 2e6, task: "x", runs: 200},
		"dearer, and better":             {rate: .5, there: .9, nanos: 2e6, nanosThere: 9e6, task: "x", runs: 200, want: "small"},
		"dearer, and as good":            {rate: .8, there: .8, nanos: 2e6, nanosThere: 9e6, task: "x", runs: 200},
		"a bit cheaper, and as good":     {rate: .8, there: .8, nanos: 9e6, nanosThere: 8e6, task: "x", runs: 200},
		"at other tasks":                 {rate: .8, there: .8, nanos: 9e6, nanosThere: 2e6, task: "y", runs: 200},
		"few runs there":                 {rate: .8, there: .8, nanos: 9e6, nanosThere: 2e6, task: "x", runs: 29},
		"the same model":                 {rate: .8, there: .8, nanos: 9e6, nanosThere: 2e6, task: "x", runs: 200, biller: events.AgentConfig{Model: "big"}},
		"that model was tried with it":   {rate: .8, there: .8, nanos: 9e6, nanosThere: 2e6, task: "x", runs: 200, given: func(w *world) { w.triedTo("clerk", events.ChangeModel, events.AgentConfig{Model: "small"}) }},
		"it has none of its own by name": {rate: .8, there: .8, nanos: 9e6, nanosThere: 2e6, task: "x", runs: 200, clerk: events.AgentConfig{Prompt: "p"}, want: "small", worth: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(31)
			if tt.biller.Model == "" {
				tt.biller = events.AgentConfig{Model: "small", API: "responses"}
			}
			if reflect.DeepEqual(tt.clerk, events.AgentConfig{}) {
				tt.clerk = events.AgentConfig{Model: "big", Prompt: "p"}
			}
			w.configured("biller", tt.biller)
			w.configured("clerk", tt.clerk)
			for i := range tt.runs {
				w.run("biller", tt.there, candidate.Run{Task: tt.task, Asked: fmt.Sprint(i), Model: tt.biller.Model})
				w.agent("biller").Runs[i].Nanos = tt.nanosThere
			}
			for i := range 200 {
				w.run("clerk", tt.rate, candidate.Run{Task: "x", Asked: fmt.Sprint(i), Model: "big"})
				w.agent("clerk").Runs[i].Nanos = tt.nanos
			}
			if tt.given != nil {
				tt.given(w)
			}
			all := on(w.look(), "clerk", events.ChangeModel)
			if (len(all) == 1) != (tt.want != "") {
				t.Fatalf("%+v", all)
			}
			if tt.want == "" {
				return
			}
			if p := all[0]; !reflect.DeepEqual(*p.Change.Config, events.AgentConfig{Model: tt.want, API: "responses"}) || p.Expected.Change != 0 || (p.Worth != nil) != tt.worth || tt.worth && (p.Worth.Month < 1.3 || p.Worth.Month > 1.5) {
				t.Errorf("%+v, worth %+v", p, p.Worth)
			}
		})
	}
}

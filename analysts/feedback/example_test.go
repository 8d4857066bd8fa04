package feedback_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/feedback"
	"github.com/virtuous6/virtuous6/events"
)

// judgedWell is an agent of whose runs people judged so many, the first few badly, with some that could be shown.
func judgedWell(judged, bad int, candidates ...feedback.Candidate) feedback.Taught {
	t := feedback.Taught{Agent: "clerk", Candidates: candidates}
	for i := range judged {
		t.Judged = append(t.Judged, feedback.JudgedRun{Run: fmt.Sprint("r", i), Good: i >= bad, Position: uint64(10 * (i + 1))})
	}
	return t
}

var candidates = []feedback.Candidate{
	{Run: "a", Requester: "user:anna", Prompt: "When does the harbour open in winter?"}, {Run: "a2", Requester: "user:anna", Prompt: "When does the harbour open in winter, please?"},
	{Run: "b", Requester: "user:anna", Prompt: "Which crane lifts forty tonnes?"}, {Run: "c", Requester: "user:anna", Prompt: "Who pilots tankers at night?"},
	{Run: "d", Requester: "user:bert", Prompt: "What does a berth cost per day?"}, {Run: "e", Requester: "user:cleo", Prompt: "Name the customs forms for coffee."},
	{Run: "f", Requester: "user:dan", Prompt: "How deep is the eastern basin?"},
}

// What an agent did well by people's word is proposed to be shown to it: by the names of the runs, and of whose words they hold, without a copy of any.
func TestWhatWasDoneWellIsProposedAsExamples(t *testing.T) {
	t.Parallel()
	v := feedback.View{Taught: []feedback.Taught{judgedWell(40, 10, candidates...)}, Pupils: []feedback.Pupil{{Agent: "clerk", Monthly: 100, All: 200}}}
	res := feedback.New().Propose(v)
	if len(res.Proposals) != 1 {
		t.Fatalf("got %+v", res.Proposals)
	}
	p := res.Proposals[0]
	// One of a kind, two of a person at most, the earliest first.
	want := []events.Example{{Run: "a", Requester: "user:anna"}, {Run: "b", Requester: "user:anna"}, {Run: "d", Requester: "user:bert"}, {Run: "e", Requester: "user:cleo"}}
	if p.Change.Kind != events.ChangeExamples || p.Change.Agent != "clerk" || !reflect.DeepEqual(p.Change.Config, &events.AgentConfig{Examples: want}) {
		t.Errorf("got %+v, %+v", p.Change, p.Change.Config)
	}
	if p.Evidence.N != 40 || p.Evidence.Value != .75 || p.Evidence.Counts["good"] != 30 || p.Expected.Change != .025 || p.Expected.Low != -.025 || p.Evidence.From != 10 || p.Evidence.To != 400 {
		t.Errorf("got %+v, %+v", p.Evidence, p.Expected)
	}
	if p.Worth == nil || p.Worth.Month != 2.5 || p.Worth.Low != -2.5 || p.Worth.High != 7.5 {
		t.Errorf("got %+v", p.Worth)
	}
	for _, c := range candidates {
		if said := fmt.Sprintf("%+v %+v", p, *p.Change.Config); strings.Contains(said, c.Prompt) {
			t.Errorf("%s copies what was said: %s", c.Run, said)
		}
	}
	if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != events.Moderate {
		t.Errorf("weighed: %+v, %t", s, ok)
	}
	// After a no it takes as many new judgements.
	if s, ok := res.Weigh(p.Claim, 390); !ok || s.Strength != events.Gone {
		t.Errorf("weighed by one new judgement: %+v, %t", s, ok)
	}
	// One that is called bad by now, or whose person was forgotten, is none.
	for _, run := range []string{"a", "d"} {
		left := slices.DeleteFunc(slices.Clone(candidates), func(c feedback.Candidate) bool { return c.Run == run })
		v := feedback.View{Taught: []feedback.Taught{judgedWell(40, 10, left...)}}
		if s, ok := feedback.New().Propose(v).Weigh(p.Claim, 0); !ok || s.Strength != events.Gone {
			t.Errorf("without %s: %+v, %t", run, s, ok)
		}
	}
}

func TestNobodyIsTaughtWithoutGround(t *testing.T) {
	t.Parallel()
	shows := judgedWell(40, 10, candidates...)
	shows.Shows = true
	for name, taught := range map[string]feedback.Taught{
		"few judgements":    judgedWell(19, 10, candidates...),
		"nearly all good":   judgedWell(40, 2, candidates...),
		"too few examples":  judgedWell(40, 10, candidates[0], candidates[4]),
		"of one person":     judgedWell(40, 10, candidates[:4]...),
		"all of one kind":   judgedWell(40, 10, candidates[0], candidates[1], candidates[4]),
		"it has some":       shows,
		"nothing was asked": judgedWell(0, 0, candidates...),
	} {
		if res := feedback.New().Propose(feedback.View{Taught: []feedback.Taught{taught}}); len(res.Proposals) != 0 {
			t.Errorf("%s: %+v", name, res.Proposals)
		}
	}
}

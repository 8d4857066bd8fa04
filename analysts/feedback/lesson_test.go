package feedback_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/feedback"
	"github.com/virtuous6/virtuous6/events"
)

// ofClerk are wishes about runs that the clerk answered alone, each a feedback of its own.
func ofClerk(texts ...[2]string) feedback.View {
	v := feedback.View{Said: wished("support", texts...), Pupils: []feedback.Pupil{{Agent: "clerk", Monthly: 100, All: 200}}}
	for i := range v.Said {
		v.Said[i].Feedback = fmt.Sprint("f", i)
	}
	return v
}

var links = [][2]string{
	{"anna", "Sources, please!"}, {"ben", "give sources"}, {"anna", "with the source"}, {"cleo", "name your sources"}, {"dan", "sources"}, {"eve", "in French"},
}

// What people ask for in an agent's answers again and again is proposed to be told to it: by what they said, of the first few of them, without a copy.
func TestWhatIsWishedForBecomesALesson(t *testing.T) {
	t.Parallel()
	v := ofClerk(links...)
	res := feedback.New().Propose(v)
	if len(res.Proposals) != 1 {
		t.Fatalf("it is said once: %+v", res.Proposals)
	}
	p := res.Proposals[0]
	want := []events.Lesson{{Subject: "sources", Said: []events.Saying{{Feedback: "f0", Run: "r0", User: "anna"}, {Feedback: "f1", Run: "r1", User: "ben"}, {Feedback: "f3", Run: "r3", User: "cleo"}}}}
	if p.Change.Kind != events.ChangeLessons || p.Change.Agent != "clerk" || !reflect.DeepEqual(p.Change.Config, &events.AgentConfig{Lessons: want}) {
		t.Errorf("got %+v, %+v", p.Change, p.Change.Config)
	}
	if p.Evidence.N != 6 || p.Evidence.Counts["runs"] != 5 || p.Evidence.Counts["people"] != 4 || p.Expected.Change != .083333 || p.Expected.Low != -.083333 {
		t.Errorf("got %+v, %+v", p.Evidence, p.Expected)
	}
	if p.Worth == nil || p.Worth.Unit != events.MoreSuccesses || p.Worth.Month != 8.3333 || p.Worth.Low >= 0 {
		t.Errorf("got %+v", p.Worth)
	}
	for _, said := range v.Said {
		if all := fmt.Sprintf("%+v %+v", p, *p.Change.Config); said.Wish != "sources" && strings.Contains(all, said.Wish) {
			t.Errorf("%s is copied: %s", said.Wish, all)
		}
	}
	if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != events.Moderate {
		t.Errorf("weighed: %+v, %t", s, ok)
	}
	if s, ok := res.Weigh(p.Claim, 30); !ok || s.Strength != events.Gone {
		t.Errorf("weighed by what was said since: %+v, %t", s, ok)
	}
	// Whoever is quoted may be forgotten.
	forgotten := ofClerk(append(slices.Clone(links), [2]string{"gil", "your sources?"}, [2]string{"hal", "sources!"})...)
	forgotten.Said[1].Wish = ""
	if s, ok := feedback.New().Propose(forgotten).Weigh(p.Claim, 0); !ok || s.Strength != events.Gone {
		t.Errorf("with ben forgotten: %+v, %t", s, ok)
	}
}

func TestALessonNeedsSomebodyToLearnIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(v *feedback.View)
		want events.ChangeKind
	}{
		"it is told already": {func(v *feedback.View) { v.Pupils[0].Knows = []string{"source"} }, ""},
		"it is said of an error": {func(v *feedback.View) {
			v.Advised = map[uint64]bool{10: true, 20: true, 50: true}
		}, ""},
		"little of it is said of an error": {func(v *feedback.View) { v.Advised = map[uint64]bool{10: true, 20: true} }, events.ChangeLessons},
		"it is told something else":        {func(v *feedback.View) { v.Pupils[0].Knows = []string{"brevity"} }, events.ChangeLessons},
		"the agent is not there":           {func(v *feedback.View) { v.Pupils = nil }, events.ChangeWorkflow},
		"of runs with somebody else":       {func(v *feedback.View) { v.Said[0].Agents = []string{"clerk", "other"} }, events.ChangeWorkflow},
		"by one person": {func(v *feedback.View) {
			for i := range v.Said {
				v.Said[i].User = "anna"
			}
		}, ""},
	} {
		v := ofClerk(links...)
		c.make(&v)
		res := feedback.New().Propose(v)
		var got events.ChangeKind
		if len(res.Proposals) > 0 {
			got = res.Proposals[0].Change.Kind
		}
		if got != c.want || len(res.Proposals) > 1 {
			t.Errorf("%s: got %+v", name, res.Proposals)
		}
	}
}

// What is said of an agent as a whole counts for its lessons and its satisfaction, and for no workflow.
func TestWhatIsSaidOfAnAgentWithoutARunCounts(t *testing.T) {
	t.Parallel()
	v := ofClerk(links...)
	for i := range v.Said {
		v.Said[i].Run, v.Said[i].Workflow, v.Said[i].Liked = "", "", yes()
	}
	res := feedback.New().Propose(v)
	if len(res.Proposals) != 1 || res.Proposals[0].Change.Kind != events.ChangeLessons || !strings.Contains(res.Proposals[0].Reason, "the latest is of clerk as a whole") {
		t.Fatalf("%+v", res.Proposals)
	}
	if e := res.Proposals[0].Evidence; e.N != 6 || e.Counts["runs"] != 5 {
		t.Errorf("%+v", e)
	}
	for _, f := range res.Findings {
		if f.Kind == feedback.Satisfaction && f.Subject[0] == "workflow" {
			t.Errorf("%+v", f)
		}
		// Anna said it twice of the same agent: her latest word counts.
		if f.Kind == feedback.Satisfaction && f.Subject[0] == "agent" && f.Evidence.Counts["judged"] != 5 {
			t.Errorf("%+v", f)
		}
	}
}

// What people call bad by now is proposed to be shown no longer, and stays so until it is called good again, or is shown no more.
func TestAnExampleThatIsCalledBadIsTakenOut(t *testing.T) {
	t.Parallel()
	examples := []events.Example{{Run: "r1", Requester: "user:anna"}, {Run: "r2"}, {Run: "r3"}}
	with := func(shown []events.Example, bad ...feedback.JudgedRun) evidence.Result {
		return feedback.New().Propose(feedback.View{Showing: []feedback.Showing{{Agent: "clerk", Examples: shown, Bad: bad}}})
	}
	if res := with(examples); len(res.Proposals) > 0 {
		t.Fatalf("of good ones: %+v", res.Proposals)
	}
	bad := feedback.JudgedRun{Run: "r2", Position: 70}
	res := with(examples, bad)
	if len(res.Proposals) != 1 {
		t.Fatalf("%+v", res.Proposals)
	}
	p := res.Proposals[0]
	if want := []events.Example{examples[0], examples[2]}; p.Change.Kind != events.ChangeExamples || !reflect.DeepEqual(p.Change.Config.Examples, want) || !slices.Equal(p.Evidence.Positions, []uint64{70}) {
		t.Errorf("%+v, %+v", p.Change, p.Evidence)
	}
	for name, c := range map[string]struct {
		res   evidence.Result
		after uint64
		want  events.Strength
	}{
		"still bad":         {res, 0, events.Moderate},
		"bad since":         {res, 60, events.Moderate},
		"good again":        {with(examples), 0, events.Gone},
		"shown no more":     {with(examples[2:], bad), 0, events.Gone},
		"nothing new of it": {res, 70, ""},
	} {
		if s, ok := c.res.Weigh(p.Claim, c.after); s.Strength != c.want || ok != (c.want != "") {
			t.Errorf("%s: %+v, %v", name, s, ok)
		}
	}
	all := with(examples[:1], feedback.JudgedRun{Run: "r1", Position: 9}).Proposals
	if len(all) != 1 || len(all[0].Change.Config.Examples) != 0 {
		t.Errorf("the only one: %+v", all)
	}
}

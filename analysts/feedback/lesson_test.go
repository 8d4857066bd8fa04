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
		"it is told already":         {func(v *feedback.View) { v.Pupils[0].Knows = []string{"source"} }, ""},
		"it is told something else":  {func(v *feedback.View) { v.Pupils[0].Knows = []string{"brevity"} }, events.ChangeLessons},
		"the agent is not there":     {func(v *feedback.View) { v.Pupils = nil }, events.ChangeWorkflow},
		"of runs with somebody else": {func(v *feedback.View) { v.Said[0].Agents = []string{"clerk", "other"} }, events.ChangeWorkflow},
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

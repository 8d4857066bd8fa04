package failure_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/events"
)

// told are toldOf runs of which every third meets it.
func told(runs int, with, without func(n int) (user, text string)) failure.View {
	return toldOf(3, runs, with, without)
}

// toldOf are runs of a shop of which one in so many meets a timeout in fetch, and what people wrote of some of them: of those with the error what
// with says, of others what without does.
func toldOf(every, runs int, with, without func(n int) (user, text string)) failure.View {
	v := failure.View{Agents: map[string]events.AgentConfig{"clerk": {Tools: []string{"fetch"}}}}
	met, fine := 0, 0
	for i := range runs {
		at := uint64(10 * i)
		r := failure.Run{Name: fmt.Sprint("r", i), Workflow: "shop", Task: fmt.Sprint("task ", i%2), First: at + 1, Last: at + 9, Outcome: events.Succeeded, Requester: fmt.Sprint("asks ", i)}
		r.Steps = []failure.Step{{Name: "fetch", Agent: "clerk", Position: at + 2}, {Name: "answer", Agent: "clerk", Position: at + 4}}
		say, n := without, &fine
		if i%every == 0 {
			r.Steps[0].Failed, r.Steps[0].Error, r.Outcome = true, fmt.Sprintf("timeout: no answer within %ds", i), events.Failed
			say, n = with, &met
		}
		if user, text := say(*n); text != "" {
			v.Feedback = append(v.Feedback, failure.Feedback{Feedback: fmt.Sprint("f", i), Run: r.Name, User: user, Advice: text, Position: at + 9})
		}
		*n++
		v.Runs = append(v.Runs, r)
	}
	return v
}

func nothing(int) (user, text string) { return "", "" }

// few says a text of the first runs, each by another one of so many people.
func few(n, people int, text string) func(int) (string, string) {
	return func(i int) (string, string) {
		if i >= n {
			return "", ""
		}
		return fmt.Sprint("person ", i%people), text
	}
}

// What several people write of runs with an error is told to the agent that meets it, by reference and in nobody else's name.
func TestWhatPeopleWriteAsAFixIsProposed(t *testing.T) {
	t.Parallel()
	v := told(90, few(6, 5, "Use the mirror instead!"), few(4, 4, "in French"))
	res := failure.New().Propose(v)
	if len(res.Proposals) != 1 {
		t.Fatalf("%+v", res.Proposals)
	}
	p := res.Proposals[0]
	fix := p.Change.Config.Fixes[0]
	said := []events.Saying{{Feedback: "f0", Run: "r0", User: "person 0"}, {Feedback: "f3", Run: "r3", User: "person 1"}, {Feedback: "f6", Run: "r6", User: "person 2"}}
	if p.Change.Kind != events.ChangeFixes || p.Change.Agent != "clerk" || fix.Do != "" || fix.Tool != "fetch" || fix.Error != "timeout: no answer within <num>s" || !reflect.DeepEqual(fix.Said, said) {
		t.Errorf("%+v, %+v", p.Change, fix)
	}
	if want := "5 people wrote “mirror instead” of 6 of 30 runs of shop with \"timeout: no answer within <num>s\" in fetch, and of 0 of 60 runs in which that does not happen; the latest is of run r15. What it brings to do so is to be tried."; p.Reason != want {
		t.Errorf("%s", p.Reason)
	}
	if all := fmt.Sprintf("%+v %+v", p, fix); strings.Contains(all, "Use the mirror") {
		t.Errorf("it is copied: %s", all)
	}
	if p.Evidence.Counts["people"] != 5 || !slices.Equal(p.Evidence.Positions, []uint64{9, 39, 69, 99, 129, 159}) || p.Worth == nil || p.Expected.Low >= 0 {
		t.Errorf("%+v, %+v", p.Evidence, p.Expected)
	}
	if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != events.Moderate {
		t.Errorf("weighed: %+v, %v", s, ok)
	}
	if s, ok := res.Weigh(p.Claim, 9); !ok || s.Strength != events.Moderate {
		t.Errorf("weighed by what four wrote since: %+v, %v", s, ok)
	}
	if s, ok := res.Weigh(p.Claim, 500); ok && s.Strength != events.Gone {
		t.Errorf("weighed by what nobody wrote since: %+v", s)
	}
	forgotten := told(90, few(9, 5, "Use the mirror instead!"), nothing)
	forgotten.Feedback[1].Advice = ""
	if s, ok := failure.New().Propose(forgotten).Weigh(p.Claim, 0); !ok || s.Strength != events.Gone {
		t.Errorf("with one who is quoted forgotten: %+v, %v", s, ok)
	}
}

func TestWhatIsNoAdviceOnAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		view failure.View
		edit func(*failure.View)
		want events.ChangeKind
	}{
		"by one person, a thousand times": {told(3000, few(1000, 1, "Use the mirror!"), nothing), nil, ""},
		"by two people":                   {toldOf(30, 900, few(10, 2, "Use the mirror!"), nothing), nil, ""},
		"what the error says itself":      {told(90, few(10, 5, "The timeout! No answer from fetch!"), nothing), nil, ""},
		"of all failures alike": {told(90, few(10, 10, "Be careful."), func(n int) (string, string) {
			if n >= 4 {
				return "", ""
			}
			return fmt.Sprint("other ", n), "Be careful."
		}), nil, ""},
		"by one person again and again, and two others": {told(90, func(n int) (string, string) {
			return []string{"anna", "bert", "cleo"}[min(2, max(0, n-9))], "Use the mirror!"
		}, nothing), func(v *failure.View) { v.Feedback = v.Feedback[:12] }, ""},
		"each something else": {told(90, func(n int) (string, string) {
			return fmt.Sprint("person ", n), fmt.Sprintf("word%c", 'a'+n%26)
		}, nothing), func(v *failure.View) { v.Feedback = v.Feedback[:20] }, ""},
		"the agent is told": {told(90, few(5, 5, "Use the mirror!"), nothing), func(v *failure.View) {
			v.Agents["clerk"] = events.AgentConfig{Tools: []string{"fetch"}, Fixes: []events.Fix{{Error: "timeout: no answer within <num>s", Do: "Wait."}}}
		}, ""},
		"an agent of history":    {told(90, few(5, 5, "Use the mirror!"), nothing), func(v *failure.View) { v.Agents = nil }, events.ChangeWorkflow},
		"a step that is no tool": {told(90, few(5, 5, "Use the mirror!"), nothing), func(v *failure.View) { v.Agents["clerk"] = events.AgentConfig{} }, events.ChangeWorkflow},
	} {
		if c.edit != nil {
			c.edit(&c.view)
		}
		var got events.ChangeKind
		for _, p := range failure.New().Propose(c.view).Proposals {
			got = p.Change.Kind
		}
		if got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

// What people write by chance, of whatever runs, is held to be advice on an error in at most one of twenty histories, at however many looks.
func TestWordsByChanceAreNoAdvice(t *testing.T) {
	t.Parallel()
	const histories = 60
	with := 0
	for seed := range uint64(histories) {
		rng := rand.New(rand.NewPCG(seed, 31))
		say := func(int) (string, string) {
			if rng.IntN(4) > 0 {
				return "", ""
			}
			return fmt.Sprint("person ", rng.IntN(12)), fmt.Sprintf("more %c%c%c please", 'a'+rng.IntN(8), 'r', 'k')
		}
		v := told(400, say, say)
		for look := 40; look <= 400; look += 40 {
			seen := v
			seen.Runs = v.Runs[:look]
			seen.Feedback = slices.DeleteFunc(slices.Clone(v.Feedback), func(f failure.Feedback) bool { return f.Position > seen.Runs[look-1].Last })
			if len(failure.New().Propose(seen).Proposals) > 0 {
				with++
				break
			}
		}
	}
	t.Logf("in %d of %d", with, histories)
	if with*20 > histories {
		t.Errorf("in %d of %d histories", with, histories)
	}
}

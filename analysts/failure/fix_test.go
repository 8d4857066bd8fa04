package failure_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/events"
)

// An agent of ours that can do by itself what helped is told so; for all others a person writes it.
func TestAFixIsProposedForWhoCanDoIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		agents map[string]events.AgentConfig
		kind   events.ChangeKind
	}{
		"of history":      {nil, events.ChangeWorkflow},
		"ours":            {map[string]events.AgentConfig{"clerk": {Tools: []string{"fetch"}}}, events.ChangeFixes},
		"without a tool":  {map[string]events.AgentConfig{"clerk": {Tools: []string{"guess"}}}, events.ChangeWorkflow},
		"of another name": {map[string]events.AgentConfig{"other": {Tools: []string{"fetch"}}}, events.ChangeWorkflow},
	} {
		v := shop(3, 1200, 0, -30, true)
		v.Agents = c.agents
		found := failure.New().Propose(v).Proposals
		if len(found) != 1 || found[0].Change.Kind != c.kind {
			t.Fatalf("%s: %+v", name, found)
		}
		change := found[0].Change
		if c.kind == events.ChangeWorkflow {
			if change.Config != nil || change.Agent != "" {
				t.Errorf("%s: %+v", name, change)
			}
			continue
		}
		want := events.Fix{ID: change.Config.Fixes[0].ID, Error: "timeout: no answer within <num>s", Tool: "fetch", Do: "Do fetch again. Runs that did so after this error succeeded more often."}
		if change.Agent != "clerk" || len(change.Config.Fixes) != 1 || !reflect.DeepEqual(change.Config.Fixes[0], want) || want.ID == "" {
			t.Errorf("%s: %+v", name, change)
		}
	}
}

// What an error says is in the words of those who met it, unless several did.
func TestAnErrorsWordsAreOfTheFewWhoMetIt(t *testing.T) {
	t.Parallel()
	for _, people := range [][]string{{"anna"}, {"anna", "bert"}, {"anna", "bert", "carl"}} {
		v := shop(3, 1200, 0, -30, true)
		v.Agents = map[string]events.AgentConfig{"clerk": {Tools: []string{"fetch"}}}
		for i := range v.Runs {
			v.Runs[i].Requester = people[i%len(people)]
		}
		want := people
		if len(people) > 2 {
			want = nil
		}
		result := failure.New().Propose(v)
		p := result.Proposals[0]
		if !slices.Equal(p.Of, want) || !slices.Equal(p.Change.Config.Fixes[0].Of, want) {
			t.Errorf("of %q: %+v", people, p)
		}
		if standing, ok := result.Weigh(p.Claim, 0); !ok || !slices.Equal(standing.Of, want) {
			t.Errorf("of %q it stands as %+v", people, standing)
		}
		told := 0
		for _, f := range result.Findings {
			if strings.Contains(f.Text, "timeout") {
				if told++; !slices.Equal(f.People, want) {
					t.Errorf("of %q: %+v", people, f)
				}
			}
		}
		if told == 0 {
			t.Errorf("of %q nothing is found", people)
		}
	}
}

// An error that a whole run ended with, and no step, is in somebody's words too.
func TestTheErrorOfARunIsInSomebodysWords(t *testing.T) {
	t.Parallel()
	v := failure.View{}
	for i := range 20 {
		at := uint64(10*i + 1)
		v.Runs = append(v.Runs, failure.Run{Name: fmt.Sprint("run ", i), Workflow: "shop", Requester: "anna", Outcome: events.Failed, Broke: true, Error: "no salamander", First: at, Last: at + 1})
	}
	for _, f := range failure.New().Propose(v).Findings {
		if strings.Contains(f.Text, "salamander") && !slices.Equal(f.People, []string{"anna"}) {
			t.Errorf("%+v", f)
		}
	}
}

// What our agents think about between two tools is no step that they went on with.
func TestWhatAnAgentThoughtIsNoNextStep(t *testing.T) {
	t.Parallel()
	v := shop(3, 1200, 0, -30, true)
	for i, r := range v.Runs {
		var steps []failure.Step
		for _, s := range r.Steps {
			steps = append(steps, failure.Step{Name: "chat", Agent: "clerk", Thought: true, Position: s.Position}, s)
		}
		v.Runs[i].Steps = steps
	}
	if found := failure.New().Propose(v).Proposals; len(found) != 1 || found[0].Change.Steps[1] != "fetch" {
		t.Errorf("%+v", found)
	}
}

func TestAnErrorIsKnownAlone(t *testing.T) {
	t.Parallel()
	const stack = "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in main\nValueError: no"
	var f failure.Fingerprints
	for _, c := range []struct {
		known failure.Fingerprint
		text  string
		is    bool
	}{
		{failure.Fingerprint{Text: "timeout: no answer within <num>s"}, "timeout: no answer within 31s", true},
		{failure.Fingerprint{Text: "timeout: no answer within 30s"}, "timeout: no answer within 31s", true}, // as a person writes it
		{failure.Fingerprint{Text: "timeout: no answer from <*>"}, "timeout: no answer from orders", true},
		{failure.Fingerprint{Text: "timeout: no answer from <*>"}, "timeout: no answer from the orders", false},
		{failure.Fingerprint{Text: "timeout: no answer within <num>s"}, "no access", false},
		{failure.Fingerprint{Text: "KeyError: no <*>"}, "KeyError: no colour", true},
		{failure.Fingerprint{Text: "KeyError: no <*>"}, "ValueError: no colour", false},
		{failure.Fingerprint{Text: "no <*>"}, "KeyError: no colour", false},
		{f.Of("", stack), stack, true},
		{f.Of("", "ValueError: no"), stack, false},
		{failure.Fingerprint{Text: "<*>"}, "", false},
		{failure.Fingerprint{}, "", false},
	} {
		if is := c.known.Is(c.text); is != c.is {
			t.Errorf("%+v is %q: %v", c.known, c.text, is)
		}
	}
}

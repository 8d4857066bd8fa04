package workflow

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// stepsOf are steps by their names, each with those that it waits for.
func stepsOf(names string, on ...[]int) (steps []events.RunbookStep) {
	for i, name := range names {
		s := events.RunbookStep{Name: string(name), Instruction: "Do " + string(name)}
		if i < len(on) {
			s.DependsOn = on[i]
		}
		steps = append(steps, s)
	}
	return steps
}

func chain(names string) []events.RunbookStep {
	steps := stepsOf(names)
	for i := range steps[1:] {
		steps[i+1].DependsOn = []int{i}
	}
	return steps
}

// A runbook's next version is made of its own steps alone: in another order, or without one.
func TestARunbooksNextVersion(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		steps   []events.RunbookStep
		what    feature
		harms   bool
		subject []string
		// best is the order in which runs do well.
		best string
		want []events.RunbookStep
		so   bool
	}{
		"a before b":                         {steps: chain("bac"), what: precedes, subject: []string{"a", "b"}, want: chain("abc")},
		"a directly before b":                {steps: chain("acb"), what: precedes, subject: []string{"a", "b"}, want: chain("cab")},
		"it is so":                           {steps: chain("cab"), what: precedes, subject: []string{"a", "b"}, so: true},
		"it stands so, and nothing waits":    {steps: stepsOf("ab"), what: precedes, subject: []string{"a", "b"}, want: chain("ab")},
		"a before b, as it goes well":        {steps: chain("xbca"), what: precedes, subject: []string{"a", "b"}, best: "cab", want: chain("xcab")},
		"what goes well is not that":         {steps: chain("bac"), what: precedes, subject: []string{"a", "b"}, best: "cba", want: chain("abc")},
		"not from a to b":                    {steps: chain("abc"), what: precedes, harms: true, subject: []string{"a", "b"}, best: "acb", want: chain("acb")},
		"not from a to b, nobody knows how":  {steps: chain("abc"), what: precedes, harms: true, subject: []string{"a", "b"}},
		"not from a to b, as all do":         {steps: chain("abc"), what: precedes, harms: true, subject: []string{"a", "b"}, best: "cab"},
		"not from a to b, which it does not": {steps: chain("acb"), what: precedes, harms: true, subject: []string{"a", "b"}},
		"a sequence":                         {steps: chain("cxba"), what: sequence, subject: []string{"a", "b", "c"}, want: chain("axbc")},
		"a sequence that is there":           {steps: chain("axbc"), what: sequence, subject: []string{"a", "b", "c"}, so: true},
		"a sequence that does harm":          {steps: chain("abc"), what: sequence, harms: true, subject: []string{"a", "b", "c"}},
		"without b":                          {steps: chain("abc"), what: contains, harms: true, subject: []string{"b"}, want: chain("ac")},
		"without the only one":               {steps: chain("a"), what: contains, harms: true, subject: []string{"a"}},
		"a step that it lacks":               {steps: chain("ab"), what: contains, subject: []string{"z"}},
		"one that it has":                    {steps: chain("ab"), what: contains, subject: []string{"b"}},
		"once":                               {steps: chain("abcb"), what: repeats, harms: true, subject: []string{"b"}, want: chain("abc")},
		"it does it once":                    {steps: chain("abc"), what: repeats, harms: true, subject: []string{"b"}, so: true},
		"nobody knows which b":               {steps: chain("abcb"), what: precedes, subject: []string{"b", "c"}},
		"who does it":                        {steps: chain("ab"), what: usesAgent, subject: []string{"a"}},
		"an answer that waits for both": {
			steps: stepsOf("bax", nil, nil, []int{0, 1}), what: sequence, subject: []string{"a", "b"}, want: stepsOf("abx", nil, []int{0}, []int{0, 1}),
		},
		"one that waited is waited for": {
			steps: stepsOf("bac", nil, []int{0}, []int{0}), what: precedes, subject: []string{"a", "b"}, want: stepsOf("abc", nil, []int{0}, []int{1}),
		},
		"without one in the middle": {
			steps: stepsOf("abcd", nil, []int{0}, []int{0}, []int{1, 2}), what: contains, harms: true, subject: []string{"b"}, want: stepsOf("acd", nil, []int{0}, []int{0, 1}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, so := changedSteps(tt.steps, tt.what, tt.harms, tt.subject, func([]events.RunbookStep) []string { return strings.Split(tt.best, "")[:len(tt.best)] })
			if !reflect.DeepEqual(got, tt.want) || so != tt.so {
				t.Errorf("got %+v, so already: %v; want %+v, %v", got, so, tt.want, tt.so)
			}
		})
	}
}

// Whatever the steps wait for, each of the next version waits for earlier ones only, each once, and no step is lost or made but those left out.
func TestARunbooksNextVersionCanBeFollowed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		steps := stepsOf("abcdef"[:rapid.IntRange(2, 6).Draw(t, "steps")])
		for i := range steps {
			for on := range i {
				if rapid.Bool().Draw(t, "waits") {
					steps[i].DependsOn = append(steps[i].DependsOn, on)
				}
			}
		}
		names := namesOf(steps)
		subject := rapid.Permutation(names).Draw(t, "subject")[:rapid.IntRange(1, 2).Draw(t, "of")]
		what := rapid.SampledFrom([]feature{contains, repeats, precedes, sequence}).Draw(t, "what")
		if len(subject) < 2 && what == precedes {
			what = contains
		}
		changed, _ := changedSteps(steps, what, rapid.Bool().Draw(t, "harms"), subject, func([]events.RunbookStep) []string {
			return rapid.Permutation(names).Draw(t, "best")[:rapid.IntRange(0, len(names)).Draw(t, "known")]
		})
		if changed == nil {
			return
		}
		if n := len(changed); n != len(steps) && !(what == contains && n == len(steps)-1) {
			t.Fatalf("%v became %v", names, namesOf(changed))
		}
		for i, s := range changed {
			seen := map[int]bool{}
			for _, on := range s.DependsOn {
				if on < 0 || on >= i || seen[on] {
					t.Fatalf("%s at %d waits for %v", s.Name, i, s.DependsOn)
				}
				seen[on] = true
			}
		}
	})
}

// A runbook of another workflow, one of none, and one whose words are forgotten are not changed.
func TestWhichRunbooksAreChanged(t *testing.T) {
	t.Parallel()
	gone := chain("ab")
	gone[1].Instruction = events.Erased
	got := booksOf([]projections.RunbookRow{
		{Runbook: "one", Workflow: "desk", Steps: chain("ab")}, {Runbook: "two", Steps: chain("ab")}, {Runbook: "three", Workflow: "desk", Steps: gone},
	})
	if len(got) != 1 || len(got["desk"]) != 1 || got["desk"][0].Runbook != "one" {
		t.Errorf("got %+v", got)
	}
}

// What to do instead of an order that does harm is taken from the runs that went well. Where no runbook is saved it stays a text for a person, and where one does so
// already nobody is asked.
func TestAnOrderThatHarmsBecomesTheOrderThatGoesWell(t *testing.T) {
	t.Parallel()
	h, r := History{Name: "desk"}, rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a history
	for i := range 400 {
		good := r.IntN(2) == 0
		pair := []string{"pay", "look up"}
		if good {
			pair = []string{"look up", "pay"}
		}
		trace := append([]string{"open"}, pair...)
		if r.IntN(2) == 0 {
			trace = append(trace, "note")
		}
		run := Run{
			Task: []string{"small", "large", "late"}[i%3], Outcome: events.Failed, Trace: append(trace, "close"), Requester: []string{"anna", "bert", "carl", "dora"}[i%4],
			First: uint64(10*i + 1), Last: uint64(10*i + 9), Started: int64(i+1) * 1e12, Until: int64(i+1)*1e12 + 1e9,
		}
		if r.IntN(10) < map[bool]int{true: 9, false: 3}[good] {
			run.Outcome = events.Succeeded
		}
		h.Runs = append(h.Runs, run)
	}
	book := func(names ...string) projections.RunbookRow {
		row := projections.RunbookRow{Runbook: "refund", Workflow: "desk", Version: 3, Requester: "anna"}
		for i, name := range names {
			s := events.RunbookStep{Name: name, Instruction: "Do " + name}
			if i > 0 {
				s.DependsOn = []int{i - 1}
			}
			row.Steps = append(row.Steps, s)
		}
		return row
	}
	proposed := func(books ...projections.RunbookRow) (kinds []events.ChangeKind, next *events.RunbookSaved) {
		v := h
		v.Books = books
		for _, p := range New(Options{}).Propose(View{Workflows: []History{v}}).Proposals {
			kinds = append(kinds, p.Change.Kind)
			if p.Change.Book != nil {
				next = p.Change.Book
			}
		}
		return kinds, next
	}
	kinds, next := proposed()
	if len(kinds) == 0 || next != nil {
		t.Fatalf("without a runbook it proposes %v, %+v", kinds, next)
	}
	kinds, next = proposed(book("open", "pay", "look up", "close"))
	if len(kinds) != 1 || kinds[0] != events.ChangeRunbook || next == nil || !slices.Equal(namesOf(next.Steps), []string{"open", "look up", "pay", "close"}) || next.From != 3 || next.Requester != "anna" {
		t.Errorf("it proposes %v, %+v", kinds, next)
	}
	if kinds, next = proposed(book("mail")); len(kinds) == 0 || next != nil {
		t.Errorf("for a runbook of other steps it proposes %v, %+v", kinds, next)
	}
	open := book("open", "pay", "look up", "close")
	for i := range open.Steps {
		open.Steps[i].Instruction += " of {{order}}"
	}
	if _, next = proposed(open); next == nil {
		t.Error("what it leaves open keeps it from being put in order")
	}
	if _, next = proposed(book("open", "look up", "pay", "close")); next != nil {
		t.Errorf("for a runbook that does so it proposes %+v", next)
	}
}

// A step that alone has a place that is left open is not left out: goals would be given what nothing takes.
func TestAStepWithAPlaceOfItsOwnIsNotLeftOut(t *testing.T) {
	t.Parallel()
	for instruction, want := range map[string]bool{"Mail it.": true, "Mail {{whom}}.": false} {
		steps := chain("abc")
		steps[1].Instruction = instruction
		c := &cohort{History: &History{Books: []projections.RunbookRow{{Runbook: "r", Steps: steps}}}}
		f := factor{hypothesis: &hypothesis{cohort: c, feature: contains, subject: []string{"b"}, measured: measured{difference: -1}}}
		if next, _ := c.bookOf(f); (next != nil) != want {
			t.Errorf("%q: %+v", instruction, next)
		}
	}
}

package ingest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func second(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

// steps writes the order of a run's commands: "0(" for a start and ")0" for a finish.
func stepsOf(r Record) (out []string) {
	for _, c := range r.Run {
		switch c := c.(type) {
		case commands.StartStep:
			out = append(out, fmt.Sprintf("%s(", c.Name))
		case commands.FinishStep:
			out = append(out, fmt.Sprintf(")%s", r.Run[0].(commands.StartRun).Labels[fmt.Sprint(c.Step)]))
		}
	}
	return out
}

func planned(t testing.TB, steps ...draftStep) []string {
	t.Helper()
	for i := range steps {
		steps[i].name, steps[i].kind, steps[i].outcome = string(rune('a'+i)), events.ActivityStep, events.Succeeded
	}
	d := &draft{format: "test", name: "r", run: "r", workflow: "w", outcome: events.Succeeded, steps: steps, digest: fmt.Sprintf("%064d", 1)}
	r, f := d.record(&input{name: "f"}, importing(""))
	if f != nil {
		t.Fatal(f)
	}
	if err := checkRecord(r); err != nil {
		t.Fatal(err)
	}
	start := r.Run[0].(commands.StartRun)
	start.Labels = map[string]string{}
	for _, c := range r.Run {
		if s, ok := c.(commands.StartStep); ok {
			start.Labels[fmt.Sprint(s.Step)] = s.Name
		}
	}
	r.Run[0] = start
	return stepsOf(r)
}

func from(parent, start, end int) draftStep {
	return draftStep{parent: parent, started: second(start), ended: second(end)}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	undated := draftStep{parent: -1}
	for name, c := range map[string]struct {
		steps []draftStep
		want  string
	}{
		"one after another":           {[]draftStep{from(-1, 0, 5), from(-1, 5, 9)}, "[a( )a b( )b]"},
		"out of order":                {[]draftStep{from(-1, 5, 9), from(-1, 0, 5)}, "[b( )b a( )a]"},
		"side by side":                {[]draftStep{from(-1, 0, 9), from(-1, 1, 5)}, "[a( b( )b )a]"},
		"no time at all":              {[]draftStep{undated, undated}, "[a( )a b( )b]"},
		"tied with the next":          {[]draftStep{from(-1, 0, 0), from(-1, 0, 0)}, "[a( )a b( )b]"},
		"child starts as parent ends": {[]draftStep{from(-1, 0, 5), from(0, 5, 5), from(-1, 5, 6)}, "[a( b( )b )a c( )c]"},
		"child ends as parent ends":   {[]draftStep{from(-1, 0, 5), from(0, 0, 5)}, "[a( b( )b )a]"},
		"child before parent in file": {[]draftStep{from(1, 0, 5), from(-1, 0, 5)}, "[b( a( )a )b]"},
		"three deep, backwards":       {[]draftStep{from(1, 0, 0), from(2, 0, 0), from(-1, 0, 0)}, "[c( b( a( )a )b )c]"},
		"child's clock runs ahead":    {[]draftStep{from(-1, 3, 9), from(0, 1, 4)}, "[a( b( )b )a]"},
		"child outlives parent":       {[]draftStep{from(-1, 0, 2), from(0, 1, 9), from(-1, 5, 6)}, "[a( b( )a c( )c )b]"},
		"undated among dated":         {[]draftStep{from(-1, 0, 5), undated, from(-1, 7, 8)}, "[a( )a b( )b c( )c]"},
	} {
		if got := fmt.Sprint(planned(t, c.steps...)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestPlanHoldsForAnySteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 20).Draw(rt, "steps")
		steps := make([]draftStep, n)
		for i := range steps {
			s := &steps[i]
			*s = draftStep{name: fmt.Sprint(i), kind: events.ActivityStep, outcome: events.Succeeded, parent: rapid.IntRange(-1, i-1).Draw(rt, "parent")}
			if rapid.Bool().Draw(rt, "dated") {
				at := rapid.IntRange(0, 10).Draw(rt, "start")
				s.started = second(at)
				if rapid.Bool().Draw(rt, "ends") {
					s.ended = second(at + rapid.IntRange(0, 5).Draw(rt, "takes"))
				}
			}
			s.open = rapid.IntRange(0, 9).Draw(rt, "open") == 0
		}
		// Parents may stand behind their children in the file.
		order := rapid.Permutation(steps).Draw(rt, "order")
		place := map[string]int{}
		for i, s := range order {
			place[s.name] = i
		}
		for i := range order {
			if order[i].parent >= 0 {
				order[i].parent = place[fmt.Sprint(order[i].parent)]
			}
		}
		d := &draft{format: "test", name: "r", run: "r", workflow: "w", outcome: events.Unrated, steps: order, digest: fmt.Sprintf("%064d", 1)}
		r, f := d.record(&input{name: "f"}, importing(""))
		if f != nil {
			rt.Fatal(f)
		}
		if err := checkRecord(r); err != nil {
			rt.Fatal(err)
		}
		tree := slices.ContainsFunc(order, func(s draftStep) bool { return s.parent >= 0 })
		var last time.Time
		finished := 0
		for _, c := range r.Run {
			if _, ok := c.(commands.FinishStep); ok {
				finished++
			}
			// Without clocks that contradict the nesting, time never runs back.
			if at := c.About().At; !tree && at.Before(last) {
				rt.Errorf("%T at %s comes behind %s", c, at, last)
			} else {
				last = at
			}
		}
		if finished != n {
			rt.Errorf("%d of %d steps finish", finished, n)
		}
	})
}

// A chain of steps as deep as a file can make it must not take the time of its square.
func TestPlanOfManySteps(t *testing.T) {
	t.Parallel()
	const n = 100_000
	for name, make := range map[string]func(i int) draftStep{
		"deep":      func(i int) draftStep { return from(i-1, 0, 0) },
		"backwards": func(i int) draftStep { return from(min(i+1, n-1)-n*((i+1)/n), 0, 0) },
		"wide":      func(i int) draftStep { return from(-1, i%7, 9) },
	} {
		steps := []draftStep{}
		for i := range n {
			s := make(i)
			if i == n-1 && name == "backwards" {
				s.parent = -1
			}
			steps = append(steps, s)
		}
		d := &draft{format: "test", steps: steps, outcome: events.Unrated}
		p, f := newPlan(d, nil)
		if f != nil || len(p.finishes) != n {
			t.Errorf("%s: %v", name, f)
		}
	}
}

package workflow

import (
	"reflect"
	"slices"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// booksOf are the saved runbooks of each workflow, by name. One whose words are forgotten in part is none that can be followed.
func booksOf(rows []projections.RunbookRow) map[string][]projections.RunbookRow {
	of := map[string][]projections.RunbookRow{}
	for _, r := range rows {
		gone := slices.ContainsFunc(r.Steps, func(s events.RunbookStep) bool {
			return s.Instruction == events.Erased || s.Params == events.Erased || s.Question == events.Erased
		})
		if r.Workflow != "" && !gone {
			of[r.Workflow] = append(of[r.Workflow], r)
		}
	}
	return of
}

// bookOf is the next version of a saved runbook of the workflow by which its goals would do what a factor asks for, nil where none can be made of what its
// steps say. does tells that one does so already.
func (c *cohort) bookOf(f factor) (next *events.RunbookSaved, does bool) {
	for _, row := range c.Books {
		steps, so := changedSteps(row.Steps, f.feature, f.harms(), f.subject)
		does = does || so
		if len(steps) > 0 && !reflect.DeepEqual(steps, row.Steps) {
			return &events.RunbookSaved{
				Runbook: row.Runbook, Workflow: row.Workflow, Run: row.Run, Steps: steps, Notes: row.Notes, Requester: row.Requester, From: int(row.Version),
			}, does
		}
	}
	return nil, does
}

// changedSteps are a runbook's steps as a factor asks for them, nil where they are so already, which so tells, or where nobody knows how: a step that the
// runbook lacks would have to be said by somebody.
func changedSteps(steps []events.RunbookStep, what feature, harms bool, subject []string) (changed []events.RunbookStep, so bool) {
	at := make([]int, len(subject))
	for i, name := range subject {
		at[i] = slices.IndexFunc(steps, func(s events.RunbookStep) bool { return s.Name == name })
		if at[i] < 0 || slices.Index(subject, name) < i {
			return nil, false
		}
	}
	switch {
	case what == repeats && harms:
		return once(steps, subject[0])
	case slices.ContainsFunc(subject, func(name string) bool { return count(steps, name) > 1 }):
		return nil, false // which of them is meant?
	case what == sequence && !harms:
		return arranged(steps, at)
	case what == precedes && !harms:
		if at[0]+1 == at[1] && slices.Contains(steps[at[1]].DependsOn, at[0]) {
			return nil, true
		}
		return moved(steps, at[0], at[1]), false
	case what == precedes && at[0]+1 == at[1]:
		return moved(steps, at[1], at[0]), false
	case what == contains && harms && len(steps) > 1:
		return leftOut(steps, at[0]), false
	}
	return nil, false
}

func count(steps []events.RunbookStep, name string) (n int) {
	for _, s := range steps {
		if s.Name == name {
			n++
		}
	}
	return n
}

// once leaves out a step wherever it comes again.
func once(steps []events.RunbookStep, name string) (changed []events.RunbookStep, so bool) {
	if count(steps, name) < 2 {
		return nil, true
	}
	changed = steps
	for count(changed, name) > 1 {
		for i := len(changed) - 1; i >= 0; i-- {
			if changed[i].Name == name {
				changed = leftOut(changed, i)
				break
			}
		}
	}
	return changed, false
}

// arranged puts the steps at some places into the order in which those are given: into the same places, one behind the other.
func arranged(steps []events.RunbookStep, at []int) (changed []events.RunbookStep, so bool) {
	if behind := slices.IsSorted(at); behind && chained(steps) {
		return nil, true
	}
	order := make([]int, len(steps))
	for i := range order {
		order[i] = i
	}
	for i, place := range slices.Sorted(slices.Values(at)) {
		order[place] = at[i]
	}
	return reordered(steps, order, at), false
}

// moved puts a step directly before another one.
func moved(steps []events.RunbookStep, step, before int) []events.RunbookStep {
	var order []int
	for i := range steps {
		if i == before {
			order = append(order, step)
		}
		if i != step {
			order = append(order, i)
		}
	}
	return reordered(steps, order, []int{step, before})
}

// chained tells of steps that each of them waits for the one before it.
func chained(steps []events.RunbookStep) bool {
	for i, s := range steps {
		if i > 0 && !slices.Equal(s.DependsOn, []int{i - 1}) {
			return false
		}
	}
	return true
}

// reordered are steps in another order. A chain stays one. Of others each still waits for those that it waited for, or these for it where they come behind it
// now; and those in a row wait for one another.
func reordered(steps []events.RunbookStep, order, row []int) []events.RunbookStep {
	at, changed, chain := make([]int, len(steps)), make([]events.RunbookStep, len(steps)), chained(steps)
	for place, i := range order {
		at[i], changed[place] = place, steps[i]
		changed[place].DependsOn = nil
	}
	wait := func(a, b int) { // of the two the later one waits
		early, late := min(at[a], at[b]), max(at[a], at[b])
		if !slices.Contains(changed[late].DependsOn, early) {
			changed[late].DependsOn = append(changed[late].DependsOn, early)
		}
	}
	for place := range changed {
		if chain && place > 0 {
			changed[place].DependsOn = []int{place - 1}
		}
	}
	for i, s := range steps {
		for _, on := range s.DependsOn {
			if !chain {
				wait(on, i)
			}
		}
	}
	for i := 1; i < len(row) && !chain; i++ {
		wait(row[i-1], row[i])
	}
	for i := range changed {
		slices.Sort(changed[i].DependsOn)
	}
	return changed
}

// leftOut leaves a step out: what waited for it waits for what it waited for.
func leftOut(steps []events.RunbookStep, out int) []events.RunbookStep {
	var changed []events.RunbookStep
	for i, s := range steps {
		if i == out {
			continue
		}
		var on []int
		for _, d := range s.DependsOn {
			if d == out {
				on = append(on, steps[out].DependsOn...)
			} else {
				on = append(on, d)
			}
		}
		slices.Sort(on)
		on = slices.Compact(on)
		for n := range on {
			if on[n] > out {
				on[n]--
			}
		}
		s.DependsOn = on
		changed = append(changed, s)
	}
	return changed
}

// namesOf are the names of steps.
func namesOf(steps []events.RunbookStep) []string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.Name
	}
	return names
}

package workflow

import (
	"maps"
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
		steps, so := changedSteps(row.Steps, f.feature, f.harms(), f.subject, f.bestOrder)
		does = does || so
		// Goals are given what the runbook leaves open: another version must leave the same.
		if len(steps) > 0 && !reflect.DeepEqual(steps, row.Steps) && slices.Equal(openIn(steps), openIn(row.Steps)) {
			return &events.RunbookSaved{
				Runbook: row.Runbook, Workflow: row.Workflow, Run: row.Run, Steps: steps, Notes: row.Notes, Requester: row.Requester, From: int(row.Version),
			}, does
		}
	}
	return nil, does
}

func openIn(steps []events.RunbookStep) []string {
	return slices.Sorted(slices.Values(projections.RunbookRow{Steps: steps}.Slots()))
}

// bestOrder is the order of a runbook's steps in which most runs went well of those that are on the better side of the comparison and do each of them
// once, nil where there is none. What no run of the workflow does has no place in it.
func (f factor) bestOrder(steps []events.RunbookStep) []string {
	c, known := f.cohort, map[string]bool{}
	for _, v := range c.variants {
		for _, name := range v.Steps {
			known[name] = true
		}
	}
	var names []string
	for _, s := range steps {
		if known[s.Name] {
			names = append(names, s.Name)
		}
	}
	better := int8(with)
	if f.harms() {
		better = without
	}
	well := map[string]int{}
	orders := map[string][]string{}
	for place, side := range f.sides() {
		if side != better || c.succeeded[place] == 0 {
			continue
		}
		var order []string
		for _, name := range c.variants[c.way[place]].Steps {
			if slices.Contains(names, name) {
				order = append(order, name)
			}
		}
		if !slices.Equal(slices.Sorted(slices.Values(order)), slices.Sorted(slices.Values(names))) {
			continue
		}
		key := string(appendKey(nil, order))
		well[key]++
		orders[key] = order
	}
	best := ""
	for _, key := range slices.Sorted(maps.Keys(well)) {
		if best == "" || well[key] > well[best] {
			best = key
		}
	}
	return orders[best]
}

// changedSteps are a runbook's steps as a factor asks for them, nil where they are so already, which so tells, or where nobody knows how: a step that the
// runbook lacks would have to be said by somebody. Of its steps best tells in which order they go well.
func changedSteps(steps []events.RunbookStep, what feature, harms bool, subject []string, best func([]events.RunbookStep) []string) (changed []events.RunbookStep, so bool) {
	at := make([]int, len(subject))
	for i, name := range subject {
		if at[i] = indexOf(steps, name); at[i] < 0 || slices.Index(subject, name) < i {
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
	case what == precedes && !harms && directly(steps, at[0], at[1]):
		return nil, true
	case what == precedes && !harms:
		if as := asIn(steps, best(steps)); as != nil && directly(as, indexOf(as, subject[0]), indexOf(as, subject[1])) {
			return as, false
		}
		return moved(steps, at[0], at[1]), false
	case what == precedes && at[0]+1 == at[1]:
		// What to do instead nobody knows but those who did.
		if as := asIn(steps, best(steps)); as != nil && indexOf(as, subject[0])+1 != indexOf(as, subject[1]) {
			return as, false
		}
	case what == contains && harms && len(steps) > 1:
		return leftOut(steps, at[0]), false
	}
	return nil, false
}

// directly tells of a step that it comes next behind another one, and waits for it.
func directly(steps []events.RunbookStep, a, b int) bool {
	return a+1 == b && slices.Contains(steps[b].DependsOn, a)
}

func indexOf(steps []events.RunbookStep, name string) int {
	return slices.IndexFunc(steps, func(s events.RunbookStep) bool { return s.Name == name })
}

// asIn puts steps into an order of some of them, in the places that those have. It is nil where one of them comes twice, or none comes.
func asIn(steps []events.RunbookStep, order []string) []events.RunbookStep {
	at := make([]int, len(order))
	for i, name := range order {
		if at[i] = indexOf(steps, name); at[i] < 0 || count(steps, name) > 1 {
			return nil
		}
	}
	if len(at) < 2 {
		return nil
	}
	changed, _ := arranged(steps, at)
	return changed
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

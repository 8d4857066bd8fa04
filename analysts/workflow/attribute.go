package workflow

import (
	"cmp"
	"maps"
	"slices"
)

// attribute is something that a run has apart from its trace.
type attribute struct {
	feature feature
	name    [2]string
}

// attributeHypotheses: a step failed, among the runs that have it; an agent, model or tool was used; a label has a
// value, for labels with few values.
func (c *cohort) attributeHypotheses(o Options) []*hypothesis {
	few := c.fewValued()
	places := map[attribute][]int32{}
	for place, run := range c.rated {
		add := func(f feature, name [2]string) {
			a := attribute{f, name}
			places[a] = append(places[a], int32(place))
		}
		r := &c.Runs[run]
		for f, names := range map[feature][]string{fails: r.FailedSteps, usesAgent: r.Agents, usesModel: r.Models, usesTool: r.Tools} {
			for _, name := range names {
				add(f, [2]string{name})
			}
		}
		for _, l := range r.Labels {
			if few[l[0]] {
				add(hasLabel, l)
			}
		}
	}
	attributes := slices.SortedFunc(maps.Keys(places), func(a, b attribute) int {
		return cmp.Or(slices.Index(attributeOrder, a.feature)-slices.Index(attributeOrder, b.feature),
			cmp.Compare(len(places[b]), len(places[a])), slices.Compare(a.name[:], b.name[:]))
	})
	var all []*hypothesis
	made := map[feature]int{}
	for _, a := range attributes {
		if made[a.feature]++; made[a.feature] > o.MaxHypotheses {
			continue
		}
		h := &hypothesis{cohort: c, feature: a.feature, subject: []string{a.name[0]}}
		if a.feature == hasLabel {
			h.subject = a.name[:]
		}
		h.mark = func(sides []int8) {
			if a.feature == fails {
				c.onVariants(nil, nil, []string{a.name[0]})(sides)
			}
			for _, place := range places[a] {
				sides[place] = with
			}
		}
		all = append(all, h)
	}
	return all
}

// fewValued are the labels with few enough values to be worth comparing.
func (c *cohort) fewValued() map[string]bool {
	values := map[string]map[string]bool{}
	for _, r := range c.Runs {
		for _, l := range r.Labels {
			if values[l[0]] == nil {
				values[l[0]] = map[string]bool{}
			}
			if len(values[l[0]]) <= maxLabelValues {
				values[l[0]][l[1]] = true
			}
		}
	}
	few := map[string]bool{}
	for key, of := range values {
		if len(of) <= maxLabelValues {
			few[key] = true
		}
	}
	return few
}

var attributeOrder = []feature{fails, usesAgent, usesModel, usesTool, hasLabel}

// modelHypotheses: an agent used one model throughout the run, against another one throughout.
func (c *cohort) modelHypotheses(o Options) []*hypothesis {
	type runs map[string][]int32 // by model
	byAgent := map[string]runs{}
	for place, run := range c.rated {
		calls := c.Runs[run].Calls
		for i, call := range calls {
			alone := (i == 0 || calls[i-1][0] != call[0]) && (i == len(calls)-1 || calls[i+1][0] != call[0])
			if !alone {
				continue
			}
			if byAgent[call[0]] == nil {
				byAgent[call[0]] = runs{}
			}
			byAgent[call[0]][call[1]] = append(byAgent[call[0]][call[1]], int32(place))
		}
	}
	var all []*hypothesis
	for _, agent := range slices.Sorted(maps.Keys(byAgent)) {
		models := slices.DeleteFunc(slices.Sorted(maps.Keys(byAgent[agent])), func(m string) bool {
			return len(byAgent[agent][m]) < o.MinRuns
		})
		for i, one := range models {
			for _, other := range models[i+1:] {
				if len(all) == o.MaxHypotheses {
					return all
				}
				all = append(all, &hypothesis{
					cohort: c, feature: switches, subject: []string{agent, one, other},
					mark: func(sides []int8) {
						for place := range sides {
							sides[place] = out
						}
						for _, place := range byAgent[agent][one] {
							sides[place] = with
						}
						for _, place := range byAgent[agent][other] {
							sides[place] = without
						}
					},
				})
			}
		}
	}
	return all
}

package evals

import (
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// Front are those of several candidates that no other one beats at every run: by what each gains and loses against the same version on the same
// runs. Of those that do the same the first is kept. A nil one was not asked, and is kept.
func Front(all []*events.EvalAgainst) (kept []int) {
	for i, a := range all {
		if a == nil || !slices.ContainsFunc(others(all, i), func(j int) bool { return beats(all[j], a, j < i) }) {
			kept = append(kept, i)
		}
	}
	return kept
}

func others(all []*events.EvalAgainst, but int) (of []int) {
	for j := range all {
		if j != but {
			of = append(of, j)
		}
	}
	return of
}

// beats tells that one passes every run that another passes, and more; or the same, where it came first.
func beats(one, other *events.EvalAgainst, first bool) bool {
	if one == nil || !within(other.Gained, one.Gained) || !within(one.Lost, other.Lost) {
		return false
	}
	return first || len(one.Gained) > len(other.Gained) || len(one.Lost) < len(other.Lost)
}

// within tells that all of some runs are among others.
func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(run string) bool { return !slices.Contains(all, run) })
}

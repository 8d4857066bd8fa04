package evals_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
)

func TestFrontKeepsWhatNoOtherBeats(t *testing.T) {
	t.Parallel()
	of := func(gained, lost string) *events.EvalAgainst {
		return &events.EvalAgainst{Gained: strings.Fields(gained), Lost: strings.Fields(lost)}
	}
	for name, tt := range map[string]struct {
		all  []*events.EvalAgainst
		want []int
	}{
		"each gains what the other does not": {[]*events.EvalAgainst{of("a", ""), of("b", "")}, []int{0, 1}},
		"one gains more":                     {[]*events.EvalAgainst{of("a", ""), of("a b", "")}, []int{1}},
		"one loses more":                     {[]*events.EvalAgainst{of("a", ""), of("a", "c")}, []int{0}},
		"gains more and loses more":          {[]*events.EvalAgainst{of("a", ""), of("a b", "c")}, []int{0, 1}},
		"the same twice":                     {[]*events.EvalAgainst{of("a", "c"), of("a", "c")}, []int{0}},
		"one was not asked":                  {[]*events.EvalAgainst{nil, of("a", "")}, []int{0, 1}},
	} {
		if got := evals.Front(tt.all); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// By brute force over what each passes: whoever goes passes nothing that one who stays does not.
func TestFrontLosesNoRun(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		runs := []string{"a", "b", "c", "d", "e"}
		now := rapid.SliceOfN(rapid.Bool(), len(runs), len(runs)).Draw(t, "now")
		var all []*events.EvalAgainst
		var passes []map[string]bool
		for range rapid.IntRange(1, 4).Draw(t, "candidates") {
			x, p := &events.EvalAgainst{}, map[string]bool{}
			for i, run := range runs {
				p[run] = rapid.Bool().Draw(t, run)
				switch {
				case p[run] && !now[i]:
					x.Gained = append(x.Gained, run)
				case !p[run] && now[i]:
					x.Lost = append(x.Lost, run)
				}
			}
			all, passes = append(all, x), append(passes, p)
		}
		kept := evals.Front(all)
		covers := func(one, other map[string]bool) bool {
			return !slices.ContainsFunc(runs, func(r string) bool { return other[r] && !one[r] })
		}
		for i := range all {
			stays := slices.Contains(kept, i)
			for _, j := range kept {
				if stays && i != j && covers(passes[j], passes[i]) {
					t.Fatalf("%d stays beside %d, which passes all that it does: %v", i, j, passes)
				}
			}
			if !stays && !slices.ContainsFunc(kept, func(j int) bool { return covers(passes[j], passes[i]) }) {
				t.Fatalf("%d went, and nobody passes all that it does: %v", i, passes)
			}
		}
	})
}

package workflow_test

import (
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/events"
)

// A candidate that most of a stronger one's runs have is the same again; one that shares few runs with it is told beside it.
func TestACandidateThatSaysTheSameIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		// both runs have region and zone, region alone the region only.
		both, regionAlone int
		want              [][]string
	}{
		"most of its runs": {40, 20, [][]string{{"label", "region", "north"}}},
		"few of its runs":  {20, 40, [][]string{{"label", "region", "north"}, {"label", "zone", "n1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHistory("orders")
			add := func(n int, failShare int, labels ...[2]string) {
				for i := range n {
					outcome := events.Succeeded
					if i%10 < failShare {
						outcome = events.Failed
					}
					run := steps("find close")
					run.Task, run.Labels = "one", labels
					h.add(1, outcome, run)
				}
			}
			region, zone := [2]string{"region", "north"}, [2]string{"zone", "n1"}
			for range 2 { // so that no half differs from the other
				add(tt.both/2, 5, region, zone)
				add(tt.regionAlone/2, 5, region)
				if tt.both < tt.regionAlone {
					add(20, 5, zone)
				}
				add(60, 3)
			}
			r := workflow.New(workflow.Options{}).Propose(h.view())
			var got [][]string
			for _, f := range ofKind(r, workflow.FailureCandidate) {
				got = append(got, f.Subject)
			}
			slices.SortFunc(got, slices.Compare)
			if !slices.EqualFunc(got, tt.want, slices.Equal) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

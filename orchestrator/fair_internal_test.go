package orchestrator

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// However many people and goals a workspace has, its neighbour is served as often as it is.
func TestWorkspacesAreServedInTurn(t *testing.T) {
	t.Parallel()
	var q fair[string]
	for i := range 6 {
		q.add(fmt.Sprintf("big\x00user%d\x00goal", i), fmt.Sprint("big", i))
	}
	q.add("small\x00anna", "small0")
	q.add("small\x00anna", "small1")
	q.add("small\x00anna\x00goal", "small-goal")
	if !q.remove("big\x00user1\x00goal", "big1") || q.remove("big\x00user1\x00goal", "big1") || q.remove("small", "small0") {
		t.Error("what waits is removed once, and nothing else")
	}
	var got []string
	for q.len() > 0 {
		got = append(got, q.next())
	}
	if want := []string{"big0", "small0", "big2", "small-goal", "big3", "small1", "big4", "big5"}; !slices.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
}

// Nothing is lost and nothing comes twice; one that waits is served before its neighbours have had more than one turn each.
func TestAFairQueueStarvesNobody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q fair[string]
		left := map[string]string{} // what waits, by its share
		passed := map[string]int{}  // how many others were served since a workspace was, while it waited
		waits := func(workspace string) (n int) {
			for _, share := range left {
				if strings.HasPrefix(share, workspace) {
					n++
				}
			}
			return n
		}
		spaces := []string{"a", "b", "c"}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0, 1:
				share := rapid.SampledFrom(spaces).Draw(t, "workspace") + "\x00" + rapid.SampledFrom([]string{"x", "y", "x\x00g"}).Draw(t, "who")
				what := fmt.Sprint(i)
				q.add(share, what)
				left[what] = share
			case 2:
				if q.len() == 0 {
					continue
				}
				what := q.next()
				share, there := left[what]
				if !there {
					t.Fatalf("%s was not waiting", what)
				}
				delete(left, what)
				for _, space := range spaces {
					if passed[space]++; share[:1] == space || waits(space) == 0 {
						passed[space] = 0
					}
					if passed[space] >= len(spaces) {
						t.Fatalf("%s was passed over %d times", space, passed[space])
					}
				}
			}
			if q.len() != len(left) {
				t.Fatalf("%d wait, want %d", q.len(), len(left))
			}
		}
	})
}

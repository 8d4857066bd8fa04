package events_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
)

func TestAStreamsNameIsThatOfOneAggregate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ category, workspace, id, name string }{
		{"run", "", "r1", "run-r1"},
		{"run", "", "a@b:c-d", "run-a@b:c-d"},
		{"run", "team-a", "r1", "run@team-a:r1"},
		{"agent", "acme", "x:y-z@w", "agent@acme:x:y-z@w"},
	} {
		name := events.StreamName(c.category, c.workspace, c.id)
		category, workspace, id := events.SplitStream(name)
		if name != c.name || category != c.category || workspace != c.workspace || id != c.id {
			t.Errorf("%+v: got %q, which is %q of %q in %q", c, name, category, id, workspace)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		names := map[string][3]string{}
		for range 20 {
			of := [3]string{
				rapid.SampledFrom([]string{"run", "agent"}).Draw(t, "category"),
				strings.ReplaceAll(rapid.StringMatching(`[a@\-]{0,3}`).Draw(t, "workspace"), ":", ""),
				rapid.StringMatching(`[a@:\-]{0,4}`).Draw(t, "id"),
			}
			name := events.StreamName(of[0], of[1], of[2])
			if other, taken := names[name]; taken && other != of {
				t.Fatalf("%q names %q and %q", name, of, other)
			}
			names[name] = of
		}
	})
}

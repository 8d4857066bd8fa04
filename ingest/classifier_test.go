package ingest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/ingest"
)

const classified = `<log xmlns="http://www.xes-standard.org/">
<classifier name="Of cases" scope="trace" keys="case"/><classifier name="Where" scope="event" keys="concept:name lifecycle:transition 'the desk'"/><classifier name="Kind" keys="kind"/>
<trace><string key="concept:name" value="c"/>
<event><string key="concept:name" value="check"/><string key="the desk" value="north"/><string key="kind" value="k1"/><string key="lifecycle:transition" value="start"/></event>
<event><string key="concept:name" value="check"/><string key="the desk" value="north"/><string key="kind" value="k1"/><string key="lifecycle:transition" value="complete"/></event>
</trace></log>`

// The classifier that is asked for names the steps, and the first one those without a name.
func TestClassifiersNameEvents(t *testing.T) {
	t.Parallel()
	unnamed := strings.ReplaceAll(classified, `<event><string key="concept:name" value="check"/>`, "<event>")
	for name, c := range map[string]struct{ text, activity, want string }{
		"by its name":            {classified, "", "check"},
		"by a classifier":        {classified, "Where", "check+north"},
		"by another one":         {classified, "Kind", "k1"},
		"by an attribute":        {classified, "the desk", "north"},
		"the first one":          {unnamed, "", "north"},
		"what nobody has":        {classified, "colour", "colour: is missing in the event at line 4"},
		"no classifier, no name": {strings.ReplaceAll(unnamed, "<classifier", "<other"), "", "concept:name: is missing in the event at line 4"},
	} {
		var got []string
		for r, err := range ingest.Parse(strings.NewReader(c.text), "a.xes", ingest.Options{Activity: c.activity, Now: time.Now}) {
			if err != nil {
				got = append(got, err.Error())
			}
			for _, cmd := range r.Run {
				if s, ok := cmd.(commands.StartStep); ok {
					got = append(got, s.Name)
				}
			}
		}
		if len(got) != 1 || !slices.ContainsFunc(got, func(s string) bool { return s == c.want || strings.HasSuffix(s, c.want) }) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

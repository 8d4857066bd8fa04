package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestSuspension(t *testing.T) {
	t.Parallel()
	suspended := events.RunSuspended{Budget: "all", Reason: "no money"}
	suspend, resume := commands.SuspendRun{Run: "r", Fact: suspended}, commands.ResumeRun{Run: "r"}
	imported := started
	imported.Source = &events.Source{Format: "runs"}
	given := func(more ...events.Event) []events.Event { return append([]events.Event{started}, more...) }
	scenarios{
		"suspended":          {given: given(), when: suspend, then: []events.Event{suspended}},
		"suspended twice":    {given: given(suspended), when: suspend, err: aggregates.ErrState},
		"an imported one":    {given: []events.Event{imported}, when: suspend, err: aggregates.ErrState},
		"for nothing":        {given: given(), when: commands.SuspendRun{Run: "r"}, err: aggregates.ErrState},
		"resumed":            {given: given(suspended), when: resume, then: []events.Event{events.RunResumed{Budget: "all"}}},
		"resumed and again":  {given: given(suspended, events.RunResumed{Budget: "all"}), when: suspend, then: []events.Event{suspended}},
		"resumed for nobody": {given: given(), when: resume, err: aggregates.ErrState},
		"resumed twice":      {given: given(suspended, events.RunResumed{Budget: "all"}), when: resume, err: aggregates.ErrState},
		"after its end":      {given: given(events.RunCancelled{}), when: resume, err: aggregates.ErrEnded},
	}.run(t)
}

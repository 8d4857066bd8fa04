package managers_test

import (
	"reflect"
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

// A proposal is posted once, its message follows what becomes of it, and it waits there for a week.
func TestAProposalIsShownAsItIs(t *testing.T) {
	t.Parallel()
	proposed := events.ImprovementProposed{Improvement: "i"}
	posted := events.SlackPosted{Post: "i", Channel: "C", TS: "1.1"}
	shown := func(as string) events.SlackPosted {
		return events.SlackPosted{Post: "i/" + as, Channel: "C", TS: "1.1"}
	}
	streams := func(fact events.Event) string {
		if f, ok := fact.(events.SlackPosted); ok {
			return "slack-" + f.Post
		}
		return "improvement-i"
	}
	const later = "i:expired@1.1 later "
	for name, c := range map[string]struct {
		facts []events.Event
		as    []string
		over  bool
	}{
		"decided":              {[]events.Event{proposed, posted, events.ImprovementRejected{}, shown("rejected")}, []string{"i:proposed@ ", later, "i:rejected@1.1 "}, true},
		"applied, taken back":  {[]events.Event{proposed, posted, events.ImprovementApproved{}, shown("approved"), events.ImprovementApplied{}, shown("applied"), events.ImprovementRolledBack{}}, []string{"i:proposed@ ", later, "i:approved@1.1 ", "", "i:applied@1.1 ", "", "i:rolled_back@1.1 "}, false},
		"expired, and decided": {[]events.Event{proposed, posted, shown("expired"), events.ImprovementEvidenceChanged{}, events.ImprovementApproved{}}, []string{"i:proposed@ ", later, "", "", "i:approved@1.1 "}, false},
		"new evidence":         {[]events.Event{proposed, posted, events.ImprovementEvidenceChanged{}, shown("evidence 1")}, []string{"i:proposed@ ", later, "i:evidence 1@1.1 ", later}, false},
		"never posted":         {[]events.Event{proposed, events.SlackPosted{Post: "i", Channel: "C", Reason: "channel_not_found"}}, []string{"i:proposed@ "}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			as, over := shownAs(t, "slack_proposal", streams, c.facts...)
			if !reflect.DeepEqual(as, c.as) || over != c.over {
				t.Errorf("got %q, over %v", as, over)
			}
		})
	}
}

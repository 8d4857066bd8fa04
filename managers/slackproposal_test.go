package managers_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// A proposal is posted once, its message follows what becomes of it, and it waits there for a week.
func TestAProposalIsShownAsItIs(t *testing.T) {
	t.Parallel()
	proposed := events.ImprovementProposed{Improvement: "i"}
	posted := events.SlackPosted{Post: "i", Channel: "C", TS: "1.1"}
	shown := func(as string) events.SlackPosted {
		return events.SlackPosted{Post: "i/" + as, Channel: "C", TS: "1.1"}
	}
	for name, c := range map[string]struct {
		facts []events.Event
		as    []string
		over  bool
	}{
		"decided":              {[]events.Event{proposed, posted, events.ImprovementRejected{}, shown("rejected")}, []string{"proposed", "expired later", "rejected"}, true},
		"applied, taken back":  {[]events.Event{proposed, posted, events.ImprovementApproved{}, shown("approved"), events.ImprovementApplied{}, shown("applied"), events.ImprovementRolledBack{}}, []string{"proposed", "expired later", "approved", "", "applied", "", "rolled_back"}, false},
		"expired, and decided": {[]events.Event{proposed, posted, shown("expired"), events.ImprovementEvidenceChanged{}, events.ImprovementApproved{}}, []string{"proposed", "expired later", "", "", "approved"}, false},
		"new evidence":         {[]events.Event{proposed, posted, events.ImprovementEvidenceChanged{}, shown("evidence 1")}, []string{"proposed", "expired later", "evidence 1", "expired later"}, false},
		"never posted":         {[]events.Event{proposed, events.SlackPosted{Post: "i", Channel: "C", Reason: "channel_not_found"}}, []string{"proposed"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, m := range managers.All(inSlack) {
				if m.Name != "slack_proposal" {
					continue
				}
				var as []string
				p := m.New()
				for i, fact := range c.facts {
					e := &events.Envelope{ID: uuid.UUID{15: byte(i)}, Kind: fact.Kind(), Stream: "improvement-i", OccurredAt: time.Unix(int64(i), 0).UTC()}
					if f, ok := fact.(events.SlackPosted); ok {
						e.Stream = "slack-" + f.Post
					}
					if m.Key(e) != "improvement-i" {
						t.Fatalf("the key of %s is %q", e.Stream, m.Key(e))
					}
					p.Evolve(e, fact)
					data, err := json.Marshal(p)
					if err != nil {
						t.Fatal(err)
					}
					p = m.New()
					if err := json.Unmarshal(data, p); err != nil {
						t.Fatal(err)
					}
					if p.Over() {
						break
					}
					want := ""
					for _, w := range p.Wants() {
						show := w.Work.(managers.SlackProposal)
						if want += show.As; !w.At.IsZero() {
							want += " later"
						}
						if i > 0 && (show.TS != "1.1" || show.Channel != "C") {
							t.Errorf("shown in %+v", show)
						}
					}
					as = append(as, want)
				}
				if !reflect.DeepEqual(as, c.as) || p.Over() != c.over {
					t.Errorf("got %q, over %v", as, p.Over())
				}
			}
		})
	}
}

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

// shownAs is what the cards of a manager are wanted as after each of some facts, "later" where they are wanted at a time.
func shownAs(t *testing.T, manager string, streams func(events.Event) string, facts ...events.Event) (as []string, over bool) {
	t.Helper()
	for _, m := range managers.All(inSlack) {
		if m.Name != manager {
			continue
		}
		key, p, ids := "", m.New(), map[uuid.UUID]string{}
		for i, fact := range facts {
			e := &events.Envelope{ID: uuid.UUID{15: byte(i)}, Kind: fact.Kind(), Stream: streams(fact), Correlation: "r", OccurredAt: time.Unix(int64(i), 0).UTC()}
			if key == "" {
				key = m.Key(e)
			} else if m.Key(e) != key {
				t.Fatalf("the key of %s is %q, not %q", e.Stream, m.Key(e), key)
			}
			p.Evolve(e, fact)
			// What it remembers is all of it.
			data, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			p = m.New()
			if err := json.Unmarshal(data, p); err != nil {
				t.Fatal(err)
			}
			if p.Over() {
				return as, true
			}
			want := ""
			for _, w := range p.Wants() {
				// What is wanted under one id is done once.
				card := reflect.ValueOf(w.Work).FieldByName("SlackCard").Interface().(managers.SlackCard)
				if want += card.Of + ":" + card.As + "@" + card.TS; !w.At.IsZero() {
					want += " later"
				}
				want += " "
				if was, known := ids[w.ID]; known && was != card.TS {
					t.Errorf("one id for the message %q and for %q", was, card.TS)
				}
				ids[w.ID] = card.TS
			}
			as = append(as, want)
		}
		return as, false
	}
	t.Fatalf("there is no manager %q", manager)
	return nil, false
}

// What waits for a person is shown once, and its message shows what was decided, also where it was decided before it was shown.
func TestACallIsShownUntilItIsDecided(t *testing.T) {
	t.Parallel()
	ask := func(id string) events.Event { return events.RunApprovalAsked{Approval: id} }
	answer := func(id string) events.Event {
		return events.RunApprovalAnswered{Approval: id, Answer: events.ApprovalGranted}
	}
	post := func(post, ts string) events.Event { return events.SlackPosted{Post: post, Channel: "C", TS: ts} }
	for name, c := range map[string]struct {
		facts []events.Event
		as    []string
		over  bool
	}{
		"decided":             {[]events.Event{ask("a"), post("a", "1"), answer("a"), post("a/granted", "1")}, []string{"a:asked@ ", "", "a:granted@1 "}, true},
		"decided while shown": {[]events.Event{ask("a"), answer("a"), post("a", "1"), post("a/granted", "1")}, []string{"a:asked@ ", "a:granted@ ", "a:granted@1 "}, true},
		"never shown":         {[]events.Event{ask("a"), post("a", ""), answer("a")}, []string{"a:asked@ ", ""}, true},
		"two at once":         {[]events.Event{ask("a"), ask("b"), post("b", "2"), answer("b"), post("r", "9")}, []string{"a:asked@ ", "a:asked@ b:asked@ ", "a:asked@ ", "a:asked@ b:granted@2 ", "a:asked@ b:granted@2 "}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			as, over := shownAs(t, "slack_approval", func(events.Event) string { return "run-r" }, c.facts...)
			if !reflect.DeepEqual(as, c.as) || over != c.over {
				t.Errorf("got %q, %t", as, over)
			}
		})
	}
}

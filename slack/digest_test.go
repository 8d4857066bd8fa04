package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/slack"
)

// folded are real read models of facts, given as a stream, its time and a fact each.
func folded(t *testing.T, facts ...any) *projections.Models {
	t.Helper()
	revisions := map[string]uint64{}
	var entries []readmodel.Entry
	for i := 0; i < len(facts); i += 3 {
		stream, at, fact := facts[i].(string), facts[i+1].(time.Time), facts[i+2].(events.Event)
		entries = append(entries, readmodel.Entry{Event: fact, Envelope: events.Envelope{
			ID: events.NameID(at, fmt.Sprint(i)), Stream: stream, Revision: revisions[stream], Position: uint64(len(entries) + 1), Kind: fact.Kind(), Version: 1,
			OccurredAt: at, Actor: "user:anna",
		}})
		revisions[stream]++
	}
	models, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err == nil {
		err = models.Apply(t.Context(), 0, entries)
	}
	if err != nil {
		t.Fatal(err)
	}
	return models
}

// aDay is a run of a person on a Saturday, which an experiment and a wish followed.
func aDay(at time.Time) []any {
	return []any{
		"run-r1", at, events.RunStarted{Run: "r1", Workflow: "slack", Requester: "slack:T1:U1", Prompt: "how do I rotate the keys?"},
		"run-r1", at.Add(time.Second), events.RunFinished{Outcome: events.Succeeded, Answer: "so"},
		"runbook-keys", at, events.RunbookSaved{Runbook: "keys", Workflow: "slack", Run: "r1", Steps: []events.RunbookStep{{Name: "look"}}},
		"loop-workspace", at, events.LoopPaused{By: "user:anna", Reason: "the prices change"},
	}
}

func TestADigestIsPostedOnce(t *testing.T) {
	t.Parallel()
	saturday := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		day    time.Time
		now    time.Time
		title  string
		posted int
	}{
		"a day":            {saturday, saturday.Add(23 * time.Hour), "What the day came to: 2026-11-28", 1},
		"a Sunday's week":  {saturday.AddDate(0, 0, 1), saturday.AddDate(0, 0, 2), "What the week came to: 2026-11-23 to 2026-11-29", 1},
		"a day long since": {saturday, saturday.AddDate(0, 0, 9), "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door, h, server := newDoor(t, func(c2 *slack.Config) {
				c2.Reader, c2.Digests, c2.Now = folded(t, aDay(c.day)...), "C9", func() time.Time { return c.now }
			})
			w := managers.SlackDigest{SlackCard: managers.SlackCard{Of: "digest:" + c.day.Format(time.DateOnly), Since: c.day.Truncate(24 * time.Hour)}}
			for range 2 {
				if err := door.Digest(t.Context(), w); err != nil {
					t.Fatal(err)
				}
			}
			m, posts := server.Messages("C9"), all[commands.RecordSlackPost](h)
			if len(m) != c.posted || len(posts) != 1 || posts[0].Post != w.Of {
				t.Fatalf("posted %+v, recorded %+v", m, posts)
			}
			if c.posted > 0 && (m[0].Text != c.title || !strings.Contains(m[0].Blocks, "workflow runs: *1, of 1 workflow*")) {
				t.Errorf("got %+v", m[0])
			}
		})
	}
}

// The Home is what the read models have, for who opened it.
func TestTheHomeHasWhatThereIs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	door, h, server := newDoor(t, func(c *slack.Config) {
		c.Reader, c.Now = folded(t, aDay(now.Add(-time.Hour))...), func() time.Time { return now }
	})
	for _, user := range []string{"U1", "U2"} {
		payload := `{"type":"event_callback","team_id":"T1","event_id":"` + user + `","event":{"type":"app_home_opened","user":"` + user + `","tab":"home","channel":"D1"}}`
		if _, err := door.Take(t.Context(), slack.Delivery{Kind: slack.EventDelivery, Payload: json.RawMessage(payload)}); err != nil {
			t.Fatal(err)
		}
		server.Await(t, "the Home of "+user, func() bool { return server.Last("views.publish").Get("user_id") == user })
		view := server.Last("views.publish").Get("view")
		for want, has := range map[string]bool{"100.0 % (1 of 1)": true, "against the targets": true, "What I learned": true, "*keys*": true, "paused* by anna: the prices change": true, "how do I rotate the keys?": user == "U1"} {
			if strings.Contains(view, want) != has {
				t.Errorf("%s: %q is there: %t; %s", user, want, !has, view)
			}
		}
	}
	if r := h.recorded(t); r.Name != "home" || r.Outcome != events.SlackAnswered {
		t.Errorf("recorded %+v", r)
	}
}

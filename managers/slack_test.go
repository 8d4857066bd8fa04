package managers_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// inSlack is a process that posts into Slack.
var inSlack = managers.Config{Does: func(managers.Work) bool { return true }}

// wants are the kinds of work that the manager of posts wants after each of some facts.
func wants(t *testing.T, facts ...events.Event) (kinds []string, over bool, last managers.Work) {
	t.Helper()
	for _, m := range managers.All(inSlack) {
		if m.Name != "slack" {
			continue
		}
		p := m.New()
		for i, fact := range facts {
			p.Evolve(&events.Envelope{ID: uuid.UUID{15: byte(i)}, Kind: fact.Kind(), Correlation: "r", Workspace: "w", OccurredAt: time.Unix(int64(i), 0).UTC()}, fact)
			// What it remembers is all of it.
			data, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			p = m.New()
			if err := json.Unmarshal(data, p); err != nil {
				t.Fatal(err)
			}
			kind := ""
			for _, w := range p.Wants() {
				kind += w.Work.Kind()
				last = w.Work
			}
			if p.Over() {
				return kinds, true, last
			}
			kinds = append(kinds, kind)
		}
		return kinds, false, last
	}
	t.Fatal("there is no manager of posts")
	return nil, false, nil
}

func TestAnAnswerIsBroughtToSlackOnce(t *testing.T) {
	t.Parallel()
	inThread := events.RunStarted{Run: "r", Conversation: "slack:T:C:1.1", Requester: "slack:T:U"}
	byCommand := events.RunStarted{Run: "r", Conversation: "slack:T:C:ask:r"}
	later := events.RunStarted{Run: "r", Conversation: "slack:T:C:ask:first"}
	ended, posted := events.RunFinished{Outcome: events.Succeeded}, events.SlackPosted{Post: "r", TS: "3.3"}
	const follow, answer = "slack.follow", "slack.answer"
	for name, c := range map[string]struct {
		facts []events.Event
		kinds []string
		over  bool
	}{
		"in a thread":           {[]events.Event{inThread, events.SlackStreamStarted{TS: "2.2"}, events.SlackPosted{Post: "an approval", TS: "2.3"}, ended, posted}, []string{follow, follow, follow, answer}, true},
		"by a command":          {[]events.Event{byCommand, events.SlackThreadOpened{Thread: "1.1"}, ended}, []string{follow, follow, answer}, false},
		"ended before a thread": {[]events.Event{byCommand, ended, events.SlackThreadOpened{Thread: "1.1"}}, []string{follow, follow, answer}, false},
		"later in the thread":   {[]events.Event{later, events.RunFailed{}}, []string{follow, answer}, false},
		"stopped":               {[]events.Event{inThread, events.RunCancelled{}}, []string{follow, answer}, false},
		"not from Slack":        {[]events.Event{events.RunStarted{Run: "r"}}, nil, true},
		"imported":              {[]events.Event{events.RunStarted{Run: "r", Conversation: "slack:T:C:1.1", Source: &events.Source{}}}, nil, true},
	} {
		kinds, over, _ := wants(t, c.facts...)
		if !reflect.DeepEqual(kinds, c.kinds) || over != c.over {
			t.Errorf("%s: got %q, %t", name, kinds, over)
		}
	}
	_, _, last := wants(t, inThread, events.SlackStreamStarted{TS: "2.2"}, ended)
	want := managers.SlackAnswer{SlackRun: managers.SlackRun{Workspace: "w", Run: "r", Conversation: "slack:T:C:1.1", Requester: "slack:T:U", StartedAt: time.Unix(0, 0).UTC(), Thread: "1.1", Stream: "2.2"}}
	if !reflect.DeepEqual(last, managers.Work(want)) {
		t.Errorf("got %+v, want %+v", last, want)
	}
	for _, m := range managers.All(managers.Config{}) {
		if strings.HasPrefix(m.Name, "slack") {
			t.Errorf("without Slack there is the manager %s", m.Name)
		}
	}
}

// A run that finds words is ended once that takes too long, or once it has to wait for money: the record then speaks for itself.
func TestWordsDoNotKeepAnybodyWaiting(t *testing.T) {
	t.Parallel()
	for _, m := range managers.All(inSlack) {
		if m.Name != "slack" {
			continue
		}
		p := m.New()
		tell := func(n int, fact events.Event) []managers.Want {
			t.Helper()
			p.Evolve(&events.Envelope{ID: uuid.UUID{15: byte(n)}, Kind: fact.Kind(), Correlation: "r", OccurredAt: time.Unix(int64(n), 0).UTC()}, fact)
			return p.Wants()
		}
		got := tell(1, events.RunStarted{Run: "r", Conversation: "slack:T:C:1.1", Phrases: &events.Phrasing{Title: "Patterns"}})
		if len(got) != 2 || got[0].Work.Kind() != "slack.follow" || !got[0].Work.(managers.SlackFollow).Phrases || got[1].At != time.Unix(21, 0).UTC() {
			t.Fatalf("got %+v", got)
		}
		late, is := got[1].Command.(commands.CancelRun)
		if !is || late.Run != "r" || !strings.Contains(late.Reason, "20s") || !late.At.Equal(got[1].At) {
			t.Errorf("got %+v", got[1].Command)
		}
		got = tell(5, events.RunSuspended{Budget: "all"})
		if c, is := got[1].Command.(commands.CancelRun); !is || !got[1].At.IsZero() || c.At != time.Unix(5, 0).UTC() || c.ID == late.ID || !strings.Contains(c.Reason, "money") {
			t.Errorf("without money: got %+v", got[1])
		}
		if got = tell(6, events.RunCancelled{}); len(got) != 1 || got[0].Work.Kind() != "slack.answer" {
			t.Errorf("at its end: got %+v", got)
		}
	}
}

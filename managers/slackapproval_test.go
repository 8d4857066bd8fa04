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
			e := &events.Envelope{ID: uuid.UUID{15: byte(i)}, Kind: fact.Kind(), Stream: streams(fact), Revision: uint64(i), Correlation: "r", OccurredAt: time.Unix(int64(i), 0).UTC()}
			if f, is := fact.(events.RunSuspended); is { // whose budget is its key
				e.Stream, e.Version = "run-r", 1
				e.Data, _ = json.Marshal(f)
			}
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

// What an experiment found, and that a budget is used up, is shown once and changed by what follows.
func TestVerdictsAndBudgetsAreShown(t *testing.T) {
	t.Parallel()
	streams := func(own string) func(events.Event) string {
		return func(fact events.Event) string {
			if f, ok := fact.(events.SlackPosted); ok {
				return "slack-" + f.Post
			}
			return own
		}
	}
	post := func(post string) events.Event { return events.SlackPosted{Post: post, Channel: "C", TS: "1"} }
	short := func(limit events.Nanos) events.Event {
		return events.RunSuspended{Budget: "all", Starting: "2026-11-28", LimitNanos: limit}
	}
	for name, c := range map[string]struct {
		manager, stream string
		facts           []events.Event
		as              []string
		over            bool
	}{
		"proved, promoted": {"slack_experiment", "experiment-x", []events.Event{events.ExperimentProved{}, post("experiment:x"), events.ExperimentPromoted{}, post("experiment:x/promoted")},
			[]string{"experiment:x:proved@ ", "", "experiment:x:promoted@1 "}, true},
		"proved, stopped": {"slack_experiment", "experiment-x", []events.Event{events.ExperimentProved{}, post("experiment:x"), events.ExperimentStopped{}},
			[]string{"experiment:x:proved@ ", "", "experiment:x:stopped@1 "}, false},
		"rolled back": {"slack_experiment", "experiment-x", []events.Event{events.ExperimentRolledBack{}, post("experiment:x")}, []string{"experiment:x:rolled back@ "}, true},
		"used up, raised": {"slack_budget", "budget-a:b/c", []events.Event{events.BudgetExhausted{Starting: "2026-11-28"}, post("budget:a:b/c:2026-11-28"), events.BudgetSet{}, post("budget:a:b/c:2026-11-28/raised")},
			[]string{"budget:a:b/c:2026-11-28:exhausted@ ", "", "budget:a:b/c:2026-11-28:raised@1 ", ""}, false},
		"too little for a run": {"slack_budget", "budget-all", []events.Event{short(100), short(100), post("budget:all:2026-11-28"), short(100), events.BudgetExhausted{Starting: "2026-11-28"}},
			[]string{"budget:all:2026-11-28:short@ ", "budget:all:2026-11-28:short@ ", "", "", "budget:all:2026-11-28:exhausted@1 "}, false},
		"too little for a run after it was raised": {"slack_budget", "budget-all", []events.Event{short(100), post("budget:all:2026-11-28"), events.BudgetSet{LimitNanos: 200}, post("budget:all:2026-11-28/raised"), short(100), short(200)},
			[]string{"budget:all:2026-11-28:short@ ", "", "budget:all:2026-11-28:raised@1 ", "", "", "budget:all:2026-11-28+2:short@ "}, false},
		"too little for a goal's run": {"slack_budget", "budget-goal:g", []events.Event{events.RunSuspended{Budget: "goal:g", Starting: "2026-11-28"}}, nil, true},
		"a goal": {"slack_goal", "goal-g", []events.Event{events.GoalCreated{Goal: "g", Conversation: "slack:T:C:1.1"}, events.GoalPlanned{}, post("goal:g"), events.GoalFinished{}, post("goal:g/revision 3")},
			[]string{"goal:g:revision 0@ ", "goal:g:revision 1@ ", "goal:g:revision 1@1 ", "goal:g:revision 3@1 "}, true},
		"a goal from elsewhere": {"slack_goal", "goal-g", []events.Event{events.GoalCreated{Goal: "g"}}, nil, true},
		"used up again": {"slack_budget", "budget-all", []events.Event{events.BudgetExhausted{Starting: "2026-11-28"}, post("budget:all:2026-11-28"), events.BudgetExhausted{Starting: "2026-11-29"}},
			[]string{"budget:all:2026-11-28:exhausted@ ", "", "budget:all:2026-11-29:exhausted@ "}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			as, over := shownAs(t, c.manager, streams(c.stream), c.facts...)
			if !reflect.DeepEqual(as, c.as) || over != c.over {
				t.Errorf("got %q, %t", as, over)
			}
		})
	}
}

// A digest of each day on which something ran is wanted once, on the morning after it.
func TestADigestADay(t *testing.T) {
	t.Parallel()
	type at struct {
		hours int
		fact  events.Event
	}
	start := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	ran, imported := events.RunStarted{Run: "r"}, events.RunStarted{Run: "r", Source: &events.Source{}}
	posted := func(day string) events.Event { return events.SlackPosted{Post: "digest:" + day, TS: "1"} }
	for name, c := range map[string]struct {
		facts []at
		want  string
		when  time.Time
	}{
		"one day":             {[]at{{0, ran}, {1, ran}}, "digest:2026-11-28", time.Date(2026, 11, 29, 7, 0, 0, 0, time.UTC)},
		"imported":            {[]at{{0, imported}}, "", time.Time{}},
		"posted":              {[]at{{0, ran}, {22, posted("2026-11-28")}, {22, ran}, {23, events.SlackPosted{Post: "x"}}}, "digest:2026-11-29", time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC)},
		"posted while it ran": {[]at{{0, ran}, {20, ran}, {22, posted("2026-11-28")}}, "digest:2026-11-29", time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC)},
		"a quiet day":         {[]at{{0, ran}, {22, posted("2026-11-28")}}, "", time.Time{}},
		"a late fact":         {[]at{{0, ran}, {22, posted("2026-11-28")}, {2, ran}}, "", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, m := range managers.All(inSlack) {
				if m.Name != "slack_digest" {
					continue
				}
				p := m.New()
				for _, f := range c.facts {
					p.Evolve(&events.Envelope{Kind: f.fact.Kind(), OccurredAt: start.Add(time.Duration(f.hours) * time.Hour)}, f.fact)
				}
				wants := p.Wants()
				if (c.want == "") != (len(wants) == 0) {
					t.Fatalf("got %+v", wants)
				}
				for _, w := range wants {
					if got := w.Work.(managers.SlackDigest); got.Of != c.want || !w.At.Equal(c.when) {
						t.Errorf("got %+v at %s", got, w.At)
					}
				}
			}
		})
	}
}

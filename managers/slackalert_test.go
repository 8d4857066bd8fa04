package managers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// wanting folds facts into a manager, each with its stream, and hears what it wants after each; what was posted it is told of.
func wanting(t *testing.T, manager string) func(stream string, fact events.Event) (wants []managers.Want) {
	t.Helper()
	for _, m := range managers.All(inSlack) {
		if m.Name != manager {
			continue
		}
		processes, wanted, n := map[string]managers.Process{}, map[uuid.UUID]bool{}, 0
		return func(stream string, fact events.Event) (wants []managers.Want) {
			n++
			e := &events.Envelope{ID: uuid.UUID{14: byte(n >> 8), 15: byte(n)}, Kind: fact.Kind(), Stream: stream, Position: uint64(n), OccurredAt: time.Unix(int64(n)*3600, 0).UTC()}
			key := m.Key(e)
			p := m.New()
			if was := processes[key]; was != nil {
				data, err := json.Marshal(was)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(data, p); err != nil {
					t.Fatal(err)
				}
			}
			p.Evolve(e, fact)
			processes[key] = p
			if p.Over() {
				delete(processes, key)
				return nil
			}
			for _, w := range p.Wants() {
				if !wanted[w.ID] {
					wanted[w.ID] = true
					wants = append(wants, w)
				}
			}
			return wants
		}
	}
	t.Fatalf("there is no manager %q", manager)
	return nil
}

// An agent that does worse is told of once, until it does as it did; a second time is another episode.
func TestAnAgentThatDoesWorseIsToldOfOnceAnEpisode(t *testing.T) {
	t.Parallel()
	take := wanting(t, "slack_watch")
	var told []string
	run := 0
	// Every sixth fails when all is well.
	runs := func(n int, good func(i int) bool) {
		for i := range n {
			run++
			stream := fmt.Sprintf("run-r%d", run)
			take(stream, events.RunAssigned{Agent: "clerk"})
			take(fmt.Sprintf("run-x%d", run), events.RunAssigned{Agent: "steady"})
			works := take(fmt.Sprintf("run-x%d", run), events.RunFinished{Outcome: events.Succeeded})
			if good(i) {
				works = append(works, take(stream, events.RunFinished{Outcome: events.Succeeded})...)
			} else {
				works = append(works, take(stream, events.RunFailed{})...)
			}
			for _, w := range works {
				alert := w.Work.(managers.SlackAlert) //nolint:forcetypeassert // there is no other work
				told = append(told, fmt.Sprintf("%s %s %d/%d", alert.Agent, alert.As, alert.Latest.Good, alert.Before.Good))
				take("slack-"+alert.Post(), events.SlackPosted{Post: alert.Post(), Channel: "C", TS: "1"})
			}
		}
	}
	well, badly := func(i int) bool { return i%6 != 0 }, func(i int) bool { return i%3 == 0 }
	runs(500, well)
	if len(told) > 0 {
		t.Fatalf("told while all is well: %q", told)
	}
	runs(60, badly)
	if len(told) != 1 || !strings.HasPrefix(told[0], "clerk degraded ") {
		t.Fatalf("told %q", told)
	}
	runs(100, well)
	if len(told) != 2 || !strings.HasPrefix(told[1], "clerk recovered ") {
		t.Fatalf("told %q", told)
	}
	runs(60, badly)
	if len(told) != 3 || !strings.HasPrefix(told[2], "clerk degraded ") {
		t.Errorf("told %q", told)
	}
}

// Each mark of a budget is told once a period.
func TestAMarkOfABudgetIsToldOnce(t *testing.T) {
	t.Parallel()
	take := wanting(t, "slack_mark")
	var told []string
	mark := func(starting string, percent int) {
		for _, w := range take("budget-agent:a:b", events.BudgetReached{Starting: starting, Percent: percent}) {
			alert := w.Work.(managers.SlackAlert) //nolint:forcetypeassert // there is no other work
			told = append(told, fmt.Sprintf("%s %s %d", alert.Budget, alert.Of, alert.Percent))
			if more := take("slack-"+alert.Post(), events.SlackPosted{Post: alert.Post(), Channel: "C", TS: "1"}); len(more) > 0 {
				t.Errorf("wanted %+v once it was told", more)
			}
		}
	}
	mark("2026-11-28", 50)
	mark("2026-11-28", 80)
	mark("2026-11-29", 50)
	want := []string{"agent:a:b alert:budget:agent:a:b:2026-11-28:50 50", "agent:a:b alert:budget:agent:a:b:2026-11-28:80 80", "agent:a:b alert:budget:agent:a:b:2026-11-29:50 50"}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %q", told)
	}
}

// A milestone is told when it is first reached, and never again.
func TestAMilestoneIsToldOnce(t *testing.T) {
	t.Parallel()
	take := wanting(t, "slack_milestone")
	var told []string
	tell := func(stream string, fact events.Event) {
		for _, w := range take(stream, fact) {
			m := w.Work.(managers.SlackMilestone) //nolint:forcetypeassert // there is no other work
			told = append(told, string(m.Milestone()))
			take("slack-"+m.Post(), events.SlackPosted{Post: m.Post(), Channel: "C", TS: "1"})
		}
	}
	one, half := 1.0, .5
	saved := func(with events.Nanos) events.ExperimentPromoted {
		return events.ExperimentPromoted{Proof: events.Proof{Arms: []events.ArmCount{{Arm: events.ControlArm, Runs: 10, CostNanos: 1000}, {Arm: events.CandidateArm, Runs: 10, CostNanos: with}}}}
	}
	tell("feedback-f1", events.FeedbackGiven{Name: events.Satisfaction, Score: &half})
	tell("feedback-f2", events.FeedbackGiven{Name: "speed", Score: &one})
	tell("experiment-x", saved(800))
	if len(told) > 0 {
		t.Fatalf("told %q", told)
	}
	for range 2 {
		tell("feedback-f3", events.FeedbackGiven{Name: events.Satisfaction, Score: &one})
		tell("improvement-i1", events.ImprovementProposed{})
		tell("improvement-i1", events.ImprovementApplied{Share: 100})
		tell("experiment-x", saved(600))
	}
	if got := strings.Join(told, " "); got != "liked proposal improvement saving" {
		t.Errorf("told %q", got)
	}
	// One improvement in a week, whatever its shares; then two in another.
	for range 24 * 7 {
		tell("improvement-i1", events.ImprovementApplied{Share: 1000})
	}
	tell("improvement-i2", events.ImprovementApplied{Share: 100})
	tell("improvement-i3", events.ImprovementApplied{Share: 100})
	if got := told[4:]; len(got) != 1 || got[0] != string(events.FirstFaster) {
		t.Errorf("told %q", got)
	}
}

func TestTheMorningAfter(t *testing.T) {
	t.Parallel()
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	end := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		morning managers.Morning
		end     time.Time
		want    time.Time
	}{
		"by itself":                   {managers.Morning{}, end, end.Add(7 * time.Hour)},
		"at midnight":                 {managers.Morning{At: 24 * time.Hour}, end, end},
		"half past nine":              {managers.Morning{At: 9*time.Hour + 30*time.Minute}, end, end.Add(9*time.Hour + 30*time.Minute)},
		"in Berlin":                   {managers.Morning{At: 8 * time.Hour, Zone: zone("Europe/Berlin")}, end, end.Add(7 * time.Hour)},
		"in Los Angeles":              {managers.Morning{At: 8 * time.Hour, Zone: zone("America/Los_Angeles")}, end, end.Add(16 * time.Hour)},
		"in Auckland":                 {managers.Morning{At: 8 * time.Hour, Zone: zone("Pacific/Auckland")}, end, end.Add(19 * time.Hour)},
		"when clocks are put forward": {managers.Morning{At: 8 * time.Hour, Zone: zone("Europe/Berlin")}, time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 6, 0, 0, 0, time.UTC)},
	} {
		if got := c.morning.After(c.end); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

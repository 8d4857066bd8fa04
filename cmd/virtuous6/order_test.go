package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// teller is a server of a model that refuses to pay in four of five cases where nobody has looked the order up, and in one of ten otherwise.
// Which ones is settled by the goal.
func teller(w http.ResponseWriter, r *http.Request) {
	_, asked := toldTo(r)
	refuses, reason := uint32(0), "stop"
	if strings.HasPrefix(asked, "Pay it") {
		if refuses = 80; strings.Contains(asked, `The result of "look up"`) {
			refuses = 10
		}
	}
	_, goal, _ := strings.Cut(asked, "a larger goal: ")
	goal, _, _ = strings.Cut(goal, "\n")
	if chance(goal) < refuses {
		reason = "content_filter"
	}
	reply(w, "Done.", reason)
}

const hastyBook = `runbook: refund
workflow: desk
steps:
  - {name: pay, agent: clerk, instruction: Pay it back.}
  - {name: look up, agent: clerk, instruction: Look the order up., depends_on: [0]}
`

// pastDesk is a history in which the same steps were done in two orders, of which one goes better.
func pastDesk(now time.Time) string {
	var b strings.Builder
	for i := range 400 {
		steps, fails := []string{"look up", "pay"}, uint32(10)
		if chance(fmt.Sprint("order of ", i)) < 50 {
			steps, fails = []string{"pay", "look up"}, 70
		}
		// What else they do says nothing.
		if chance(fmt.Sprint("opens ", i)) < 50 {
			steps = append([]string{"open"}, steps...)
		}
		if chance(fmt.Sprint("notes ", i)) < 50 {
			steps = append(steps, "note")
		}
		steps = append(steps, "close")
		outcome := "succeeded"
		if chance(fmt.Sprint("case ", i)) < fails {
			outcome = "failed"
		}
		at := now.Add(time.Duration(i-500) * time.Minute)
		var said []string
		for n, name := range steps {
			said = append(said, fmt.Sprintf(`{"step":%q,"agent":"old","started_at":%q}`, name, at.Add(time.Duration(n)*time.Second).UTC().Format(time.RFC3339)))
		}
		fmt.Fprintf(&b, `{"run":"case-%d","workflow":"desk","task":"order of kind %d","requester":"user%d","started_at":%q,"outcome":%q,"steps":[%s]}`+"\n", i, i%3, i%7, at.UTC().Format(time.RFC3339), outcome, strings.Join(said, ","))
	}
	return b.String()
}

// TestARunbookInABadOrderGetsBetterByItself serves the program in virtual time, with the analysts at their own pace, while goals are planned by a runbook whose steps
// stand in a bad order. What history says of it is tried on a few goals, proved, and saved as the runbook's next version, without a person.
func TestARunbookInABadOrderGetsBetterByItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := write(t, dir, "config.yaml", "user: anna\nbase_url: http://models.test/v1\nmodel: m\nlease: 1m\nlog_level: warn\npolicy:\n  changes:\n    - {kinds: [runbook], may: promote}\n")
	hasty := write(t, dir, "refund.yaml", hastyBook)
	synctest.Test(t, func(t *testing.T) {
		v := newVillage()
		program := v.program(dir, config, teller)
		main := func(ctx context.Context, args ...string) string {
			out, code := program(ctx, args...)
			if code != exitDone {
				t.Errorf("%s: %s", args, out)
			}
			return out
		}
		main(t.Context(), "agents", "spawn", "clerk")
		main(t.Context(), "import", write(t, dir, "history.jsonl", pastDesk(time.Now())))
		_, _ = program(t.Context(), "run", hasty) // it is saved, however its first goal ends
		ctx, stop := context.WithCancel(t.Context())
		var served sync.WaitGroup
		served.Go(func() {
			if said := main(ctx, "serve"); strings.Contains(said, "level=") {
				t.Errorf("the server says %s", said)
			}
		})
		version := func() (book struct {
			Version int
			Steps   []struct{ Name string }
		}) {
			if err := json.Unmarshal([]byte(main(t.Context(), "runbooks", "refund", "--json")), &book); err != nil {
				t.Fatal(err)
			}
			return book
		}
		began, goals, better := time.Now(), 0, false
		for !better && time.Since(began) < 24*time.Hour {
			for range 50 {
				var made struct{ Goal string }
				v.post(t, "/api/goals", fmt.Sprintf(`{"prompt":"refund the order %d"}`, goals), &made)
				v.post(t, "/api/goals/"+made.Goal+"/run", `{}`, &made)
				goals++
				time.Sleep(time.Minute)
			}
			better = version().Version == 2
		}
		stop()
		served.Wait()
		if now := version(); !better || now.Steps[0].Name != "look up" || now.Steps[1].Name != "pay" {
			t.Fatalf("after %s and %d goals the runbook is %+v\n%s", time.Since(began), goals, now, main(t.Context(), "experiments")+main(t.Context(), "improvements"))
		}
		t.Logf("better after %s and %d goals", time.Since(began), goals)
		story := main(t.Context(), "why", "refund")
		for _, part := range []string{
			"a version of the runbook: pay, look up", "analyst:workflow: proposed to change the runbook of refund", "foreseen +", "approved by policy, to be tried",
			"an experiment on the runbook of refund, made from version 1, is planned", "it was never tried: no goal was drawn for it", "it starts with 5%", "it gets 25%", "candidate is promoted by policy",
			"a version of the runbook, of ", ": look up, pay (control ", "measured: success_rate", "its analyst's forecast is scored: it came true",
		} {
			at := strings.Index(story, part)
			if at < 0 {
				t.Fatalf("the story lacks %q, in its place:\n%s", part, story)
			}
			story = story[at:]
		}
		for what, parts := range map[string][]string{
			"experiments":  {"refund", "runbook", "promoted"},
			"improvements": {"applied, runbook by workflow", "In the runbook refund that is look up → pay."},
		} {
			said := main(t.Context(), what)
			for _, part := range parts {
				if !strings.Contains(said, part) {
					t.Errorf("%s lacks %q:\n%s", what, part, said)
				}
			}
		}
	})
}

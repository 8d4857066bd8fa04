package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// judging is a server of a model that answers every other question wrongly, and as a judge is mistaken in one of twenty.
func judging(w http.ResponseWriter, r *http.Request) {
	_, asked := toldTo(r)
	if !strings.HasPrefix(asked, "Judge an answer.") {
		text := "Right."
		if strings.Contains(asked, "odd") {
			text = "Wrong."
		}
		reply(w, text, "stop")
		return
	}
	good := strings.Contains(asked, `"answer":"Right."`)
	if chance(asked) < 5 {
		good = !good
	}
	reply(w, fmt.Sprintf(`{"why":"As it is.","good":%t}`, good), "stop")
}

// TestAJudgeDecidesOnceItWasMeasured measures a judge on runs that people judged, and has it decide in an eval, as long as it is the one that was measured.
func TestAJudgeDecidesOnceItWasMeasured(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := write(t, dir, "config.yaml", "user: anna\nbase_url: http://models.test/v1\nmodel: m\nlease: 1m\n")
	synctest.Test(t, func(t *testing.T) {
		v := newVillage()
		program := v.program(dir, config, judging)
		says := func(code int, parts ...string) func(args ...string) {
			return func(args ...string) {
				t.Helper()
				out, got := program(t.Context(), args...)
				for _, part := range parts {
					if got != code || !strings.Contains(out, part) {
						t.Errorf("%s ends with %d, want %d and %q:\n%s", args, got, code, part, out)
					}
				}
			}
		}
		says(exitDone, "clerk")("agents", "spawn", "clerk", "--prompt", "Be right.")
		ctx, stop := context.WithCancel(t.Context())
		var served sync.WaitGroup
		served.Go(func() { program(ctx, "serve") })
		synctest.Wait()
		var runs []string
		for n := range 60 {
			var started struct{ Run string }
			v.post(t, "/api/runs", fmt.Sprintf(`{"prompt":"Question %d, %s?","agent":"clerk"}`, n, [2]string{"even", "odd"}[n%2]), &started)
			runs = append(runs, started.Run)
		}
		time.Sleep(time.Minute)
		for n, run := range runs {
			var given struct{ Run string }
			v.post(t, "/api/runs/"+run+"/feedback", fmt.Sprintf(`{"user":"user:ben","outcome":%q}`, [2]string{"succeeded", "failed"}[n%2]), &given)
		}
		stop()
		served.Wait()
		says(exitDone, "20 runs added")(append([]string{"datasets", "add", "d", "--check", "judge"}, runs[:20]...)...)
		says(exitFailed, "held to nothing but a judge that decides nothing: nobody has measured")("eval", "clerk", "--dataset", "d")
		says(exitDone, "on 60 runs that people judged", "people call 50.0% good", "It may decide in evals")("judges", "measure")
		says(exitDone, "yes")("judges")
		says(exitDone, "answers good; by how far it agrees with people, those would call", "virtuous6 evals show")("eval", "clerk", "--dataset", "d")
		says(exitDone, "failed: As it is.", "virtuous6 feedback "+runs[1]+" --outcome failed")("judges", "ask", runs[1])
		// What it says is recorded as the runs that it is.
		says(exitDone, `"workflow": "judge"`)("runs", "--agent", "judge", "--limit", "1", "--json")
		// Another wording makes another judge.
		says(exitDone, "judge is changed")("agents", "configure", "judge", "--prompt", "Be mild.")
		says(exitFailed, "nobody has measured")("judges", "ask", runs[1])
		// It is bounded by budgets as others are.
		says(exitDone, "agent:judge")("budget", "agent:judge", "--limit", "0.01", "--at-limit", "fail")
		says(exitFailed, "of none of 1 runs the judge said anything", "no price is known")("judges", "measure", "--runs", "1")
	})
}

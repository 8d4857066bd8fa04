package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// priced is what a handler answers, with tokens that are told.
func priced(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprintf(w, "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":\"stop\"}]}\n\n"+
		"data: {\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}}\n\ndata: [DONE]\n\n", text)
}

// TestAWriterRescuesAnAgentThatWasNeverAnyGood serves the program in virtual time. An agent has a bad prompt since its first version: there is nothing to go
// back to. A model in the role of a writer is shown runs that failed, and of the edits that it proposes the one that can be taken is tried on a few,
// proved and given to all, without a person.
func TestAWriterRescuesAnAgentThatWasNeverAnyGood(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	prices := write(t, dir, "prices.json", `{"m":{"input_cost_per_token":0.000001,"output_cost_per_token":0.000002,"litellm_provider":"openai","mode":"chat"}}`)
	config := write(t, dir, "config.yaml", "user: anna\nbase_url: http://models.test/v1\nmodel: m\nlease: 1m\nlog_level: warn\nprices: "+filepath.Base(prices)+"\n"+
		"roles:\n  writer: {model: m, limit: \"1.00\", period: month, every: 1h}\npolicy:\n  self_approved: [prompt]\n  max_share_permille: 1000\n")
	var asked atomic.Int64
	synctest.Test(t, func(t *testing.T) {
		v := newVillage()
		program := v.program(dir, config, func(w http.ResponseWriter, r *http.Request) {
			told, question := toldTo(r)
			if !strings.HasPrefix(told, "You improve the instructions") {
				guesses(w, told, question)
				return
			}
			asked.Add(1)
			var b struct {
				Agent, Instructions string
				Failed, Succeeded   []struct{ Run string }
			}
			if err := json.Unmarshal([]byte(question), &b); err != nil || b.Agent != "clerk" || b.Instructions != "Just guess." || len(b.Failed) == 0 {
				t.Errorf("the writer is given %q, %v", question, err)
			}
			priced(w, `{"candidates":[
				{"why":"It guesses.","edits":[{"do":"replace","passage":"Just guess.","text":"Look it up."}]},
				{"why":"It guesses.","edits":[{"do":"replace","passage":"Never guess.","text":"Think."}]},
				{"why":"It guesses.","edits":[{"do":"insert","passage":"Just guess.","text":"And guess again."}]}]}`)
		})
		main := func(ctx context.Context, args ...string) string {
			out, code := program(ctx, args...)
			if code != exitDone {
				t.Errorf("%s: %s", args, out)
			}
			return out
		}
		main(t.Context(), "agents", "spawn", "clerk", "--prompt", "Just guess.")
		ctx, stop := context.WithCancel(t.Context())
		var served sync.WaitGroup
		served.Go(func() {
			if said := main(ctx, "serve"); strings.Contains(said, "level=") {
				t.Errorf("the server says %s", said)
			}
		})
		began, runs, better := time.Now(), 0, false
		for !better && time.Since(began) < 24*time.Hour {
			for range 20 {
				var started struct{ Run string }
				v.post(t, "/api/runs", fmt.Sprintf(`{"prompt":"Question %d?","agent":"clerk","workflow":"shop"}`, runs), &started)
				runs++
				time.Sleep(time.Minute)
			}
			better = v.prompts(t, "clerk")[2] == "Look it up."
		}
		stop()
		served.Wait()
		if !better {
			t.Errorf("after %s and %d runs it is no better", time.Since(began), runs)
		}
		t.Logf("better after %s and %d runs", time.Since(began), runs)
		if n := asked.Load(); n != 1 {
			t.Errorf("the writer was asked %d times", n)
		}
		story := main(t.Context(), "why", "clerk")
		for _, part := range []string{
			"analyst:writer: proposed to change the prompt of clerk", "approved by policy", "history tells nothing of it", "it starts with 5%", "candidate-2 goes out", "candidate is promoted by policy",
			"measured: success_rate", "its analyst's forecast is scored",
		} {
			at := strings.Index(story, part)
			if at < 0 {
				t.Fatalf("the story lacks %q, in its place:\n%s", part, story)
			}
			story = story[at:]
		}
		if said := main(t.Context(), "budget", "agent:role-writer"); !strings.Contains(said, "$0.0012") {
			t.Errorf("what the writer has spent is told as %s", said)
		}
	})
}

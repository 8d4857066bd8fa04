package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// loads is a server of a model that loads a skill for each question, if it has it: for every other question the one on refunds, which tells it to look things up,
// and else the one on returns, which tells it to guess.
func loads(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || len(request.Messages) == 0 {
		return
	}
	told, last := request.Messages[0].Content, request.Messages[len(request.Messages)-1]
	asked, loaded := "", ""
	for _, m := range request.Messages {
		switch m.Role {
		case "user":
			asked = m.Content
		case "tool":
			loaded = m.Content
		}
	}
	skill := "refunds"
	if chance("which "+asked) < 50 {
		skill = "returns"
	}
	if last.Role == "user" && strings.Contains(told, "- "+skill+":") {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"load_skill\",\"arguments\":%q}}]},\"finish_reason\":\"tool_calls\"}]}\n\n"+
			"data: {\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}}\n\ndata: [DONE]\n\n", fmt.Sprintf(`{"skill":%q}`, skill))
		return
	}
	refuses := uint32(40) // what nobody tells it anything of
	switch {
	case strings.Contains(loaded, "guess"):
		refuses = 90
	case strings.Contains(loaded, "Look it up"):
		refuses = 2
	}
	if chance(asked) < refuses {
		reply(w, "No.", "content_filter")
		return
	}
	priced(w, "Yes.")
}

// get reads what is listed at a path.
func (v *village) get(t *testing.T, path string, into any) {
	t.Helper()
	answer, err := v.client().Get("http://localhost" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatal(answer.Status, err)
	}
}

// TestASkillThatHarmsGoesAndOneThatHelpsStays serves the program in virtual time. An agent has a skill that helps, and one that harms; a second
// agent has the one that helps as well. Nothing is foretold of either: each is tried without, one at a time, within days and without a person. What harms is gone, what helps
// has stayed, and neither that nor anything else is tried again.
func TestASkillThatHarmsGoesAndOneThatHelpsStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "prices.json", `{"m":{"input_cost_per_token":0.000001,"output_cost_per_token":0.000002,"litellm_provider":"openai","mode":"chat"}}`)
	config := write(t, dir, "config.yaml", "user: anna\nbase_url: http://models.test/v1\nmodel: m\nlease: 1m\nlog_level: warn\nprices: "+filepath.Join(dir, "prices.json")+"\n"+
		"policy:\n  self_approved: [skills]\n  max_share_permille: 1000\n  experiment_limit: \"20\"\n")
	for skill, text := range map[string]string{"refunds": "Look it up.", "returns": "Just guess."} {
		text = fmt.Sprintf("---\nname: %s\ndescription: How %[1]s are done.\n---\n%s\n", skill, text)
		if _, err := writeSkill(filepath.Join(dir, "skills"), events.SkillSaved{Skill: skill, Files: []events.SkillFile{{Path: events.SkillMain, Text: text}}}); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		v := newVillage()
		program := v.program(dir, config, loads)
		main := func(ctx context.Context, args ...string) string {
			out, code := program(ctx, args...)
			if code != exitDone {
				t.Errorf("%s: %s", args, out)
			}
			return out
		}
		for _, skill := range []string{"refunds", "returns"} {
			main(t.Context(), "skills", "add", filepath.Join(dir, "skills", skill))
		}
		main(t.Context(), "agents", "spawn", "clerk", "--prompt", "You are the desk.")
		main(t.Context(), "agents", "configure", "clerk", "--skills", "refunds,returns")
		main(t.Context(), "agents", "spawn", "biller", "--prompt", "You are the biller.")
		main(t.Context(), "agents", "configure", "biller", "--skills", "refunds")
		ctx, stop := context.WithCancel(t.Context())
		var served sync.WaitGroup
		served.Go(func() {
			if said := main(ctx, "serve"); strings.Contains(said, "level=") {
				t.Errorf("the server says %s", said)
			}
		})
		asked := 0
		ask := func(agent string) {
			var started struct{ Run string }
			v.post(t, "/api/runs", fmt.Sprintf(`{"prompt":"Question %d?","agent":%q,"workflow":"shop","task":"orders of %[2]s"}`, asked, agent), &started)
			asked++
		}
		for range 50 { // too few to try anything with
			ask("biller")
			time.Sleep(time.Second)
		}
		began := time.Now()
		over := func() (ended map[string]string, open int) {
			var all []projections.ExperimentRow
			v.get(t, "/api/experiments", &all)
			ended = map[string]string{}
			for _, x := range all {
				if x.Status == projections.ExperimentHeldBack {
					continue
				}
				if x.Agent != "clerk" || x.Kind != string(events.ChangeSkills) {
					t.Fatalf("%s is tried with %s", x.Kind, x.Agent)
				}
				var names []string
				for _, s := range x.Config.Skills {
					names = append(names, s.Name)
				}
				slices.Sort(names)
				if ended[strings.Join(names, " ")] = x.Status; slices.Contains([]string{projections.ExperimentPlanned, projections.ExperimentRunning, projections.ExperimentProved}, x.Status) {
					open++
				}
			}
			if open > 1 {
				t.Fatalf("%d are tried at a time: %+v", open, all)
			}
			return ended, open
		}
		want := map[string]string{"refunds": projections.ExperimentPromoted, "": projections.ExperimentRolledBack}
		ended, open := over()
		for !maps.Equal(ended, want) && time.Since(began) < 7*24*time.Hour {
			pace := 4 * time.Minute // until it is time to look again
			if open > 0 {
				pace = time.Minute
			}
			for range 10 {
				ask("clerk")
				time.Sleep(pace)
			}
			ended, open = over()
		}
		t.Logf("after %s and %d runs: %v", time.Since(began).Round(time.Minute), asked, ended)
		// Nothing new is known for more than a week: nothing is tried again.
		for range 8 * 4 {
			ask("clerk")
			time.Sleep(6 * time.Hour)
		}
		if ended, _ = over(); !maps.Equal(ended, want) {
			t.Errorf("it ends with %v", ended)
		}
		stop()
		served.Wait()
		var agents []struct {
			Agent      string
			Configured int
			Skills     []events.SkillRef
			Prompt     string
		}
		if err := json.Unmarshal([]byte(main(t.Context(), "agents", "--json")), &agents); err != nil {
			t.Fatal(err)
		}
		for _, a := range agents {
			var names []string
			for _, s := range a.Skills {
				names = append(names, s.Name)
			}
			want := map[string]string{"clerk": "refunds You are the desk.", "biller": "refunds You are the biller."}[a.Agent]
			if is := strings.Join(append(names, a.Prompt), " "); want != "" && is != want || a.Agent == "clerk" && a.Configured != 3 || a.Agent == "biller" && a.Configured != 2 {
				t.Errorf("%s is %q, by version %d", a.Agent, is, a.Configured)
			}
		}
		said := main(t.Context(), "analyze", "--all")
		for _, part := range []string{"clerk is without the skill returns@", "clerk keeps the skill refunds@"} {
			if !strings.Contains(said, part) {
				t.Errorf("%q is not told:\n%s", part, said)
			}
		}
		story := main(t.Context(), "why", "clerk")
		for _, part := range []string{"analyst:candidates: proposed to change the skills of clerk", "approved by policy", "it starts with 5%", "candidate is promoted by policy"} {
			if !strings.Contains(story, part) {
				t.Errorf("the story lacks %q:\n%s", part, story)
			}
		}
	})
}

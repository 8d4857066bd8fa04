package orchestrator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// TestTeamsDoTasksTogether has a runbook whose steps are done by a writer and a reviewer, by a vote of three, and by one who hands over.
func TestTeamsDoTasksTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		model := &saying{says: func(prompt string) (string, time.Duration, error) {
			first, _, _ := strings.Cut(prompt, "\n")
			return "Answer to " + first, time.Second, nil
		}}
		h.configure = func(c *orchestrator.Config) { c.Turns, c.Runner.Model = 8, model }
		h.spawn(t, "writer", events.AgentConfig{})
		h.spawn(t, "critic", events.AgentConfig{})
		stop := h.serve(t)
		step := func(name string, team events.Team, on []int, agents ...string) events.RunbookStep {
			return events.RunbookStep{Name: name, Agent: "writer", Instruction: "Do " + name + ".", Team: team, Agents: agents, DependsOn: on}
		}
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.SaveRunbook{Meta: m, Runbook: "book", Steps: []events.RunbookStep{
				step("text", events.TeamReview, nil, "writer", "critic"), step("choice", events.TeamVote, []int{0}, "writer", "critic"), step("rest", events.TeamHandOver, []int{1}, "critic"),
			}}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.CreateGoal{Meta: m, Goal: "g", Prompt: "Write a book.", Level: events.Operational}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.AskPlan{Meta: m, Goal: "g", By: "user:anna", Runbook: "book"}
		})
		h.wish(t, func(m commands.Meta) commands.Command { return commands.StartGoal{Meta: m, Goal: "g", By: "user:anna"} })
		settled()
		stop()
		row := h.goalRow(t)
		var got []string
		for _, task := range row.Tasks {
			got = append(got, task.Task+" "+task.Agent+" "+task.Team)
		}
		want := []string{
			"step-1-draft writer review of step-1", "step-1-review critic review of step-1", "step-1 writer review of step-1",
			"step-2-vote-1 writer vote of step-2", "step-2-vote-2 critic vote of step-2", "step-2-vote-3 writer vote of step-2", "step-2 writer vote of step-2",
			"step-3-begin critic hand-over of step-3", "step-3 writer hand-over of step-3",
		}
		if row.Status != projections.GoalSucceeded || !slices.Equal(got, want) {
			t.Fatalf("the goal is %s (%s) by\n %s\nwant\n %s", row.Status, row.Reason, strings.Join(got, "\n "), strings.Join(want, "\n "))
		}
		for run, parts := range map[string][]string{
			"g.step-1-review.1": {"Review it", "Answer to Do text."},
			"g.step-1.1":        {"final version", "Answer to Do text.", "Answer to Another agent wrote what is below"},
			"g.step-2-vote-2.1": {"Do choice."},
			"g.step-2.1":        {"at least two of them agree", "Answer to Do choice."},
			"g.step-3.1":        {"hands it over to you", "Answer to Do rest."},
		} {
			started, err := events.Decode(h.stream(t, "run-"+run)[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range parts {
				if prompt := started.(events.RunStarted).Prompt; !strings.Contains(prompt, part) {
					t.Errorf("%s was asked %q, want %q in it", run, prompt, part)
				}
			}
		}
	})
}

// A model that plans may choose a team for a task. It is told before what each costs, and told once where it names one that there is not;
// the plan tells what the team costs by the runs of such tasks, also where no team has done one.
func TestAModelChoosesATeam(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		plan := func(team string) string {
			return `{"note": "", "tasks": [{"task": "text", "title": "the report", "instruction": "Write it.", "agent": "writer", "depends_on": [], "seconds": 0, "team": "` + team + `", "agents": ["writer", "critic"]}]}`
		}
		model := &saying{says: func(prompt string) (string, time.Duration, error) {
			switch {
			case !strings.HasPrefix(prompt, "Break this goal"):
				return "Done.", time.Second, nil
			case strings.Contains(prompt, "This was your answer"):
				return plan("review"), time.Second, nil
			}
			return plan("band"), time.Second, nil
		}}
		h.configure = func(o *orchestrator.Config) { o.Model, o.Runner.Model = "dear", model }
		h.spawn(t, "writer", events.AgentConfig{})
		h.spawn(t, "critic", events.AgentConfig{})
		stop := h.serve(t)
		for i := range 3 {
			h.wish(t, func(m commands.Meta) commands.Command {
				run := fmt.Sprint("r", i)
				m.Correlation = run
				return commands.StartRun{Meta: m, Run: run, Workflow: "ask", Task: "the report", Prompt: "Write it.", Agent: "writer"}
			})
		}
		settled()
		h.goal(t, commands.CreateGoal{Prompt: "Ship it."})
		settled()
		stop()
		if asked := model.asked[3]; !strings.Contains(asked, `"review" costs 3 runs instead of one`) || !strings.Contains(asked, `"vote" costs 4 runs`) || !strings.Contains(asked, `"hand-over" costs 2 runs`) {
			t.Errorf("it was asked for a plan by %q", asked)
		}
		if told := model.asked[4]; !strings.Contains(told, `has the team "band": there are ["review" "vote" "hand-over"]`) {
			t.Errorf("it was told %q", told)
		}
		row := h.goalRow(t)
		if row.Status != projections.GoalSucceeded || len(row.Tasks) != 3 {
			t.Fatalf("the goal is %+v", row)
		}
		for _, task := range row.Tasks {
			if task.Team != "review of text" || task.Estimate != projections.USD(dearCost) {
				t.Errorf("a part of the team is %+v", task)
			}
		}
		if e := row.Estimate; e == nil || e.Known != 3 || e.CostNanos != 3*dearCost {
			t.Errorf("the plan's estimate is %+v", e)
		}
	})
}

// A step that calls a tool which its agent is not granted is told before anything is done.
func TestARunbookCallsWhatIsGranted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.spawn(t, "writer", events.AgentConfig{})
		stop := h.serve(t)
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.SaveRunbook{Meta: m, Runbook: "sums", Steps: []events.RunbookStep{{Name: "sum", Agent: "writer", Tool: "calculate", Params: `{"expression":"6*7"}`}}}
		})
		h.goal(t, commands.CreateGoal{Prompt: "sums"})
		settled()
		stop()
		if row := h.goalRow(t); row.Status != projections.GoalCreated || !strings.Contains(row.Reason, `step 1 calls the tool "calculate", which writer is not granted`) {
			t.Errorf("the goal is %+v", row)
		}
	})
}

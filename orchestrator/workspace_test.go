package orchestrator_test

import (
	"errors"
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

// A workspace lives by what is its own: who its agents are, what waits there, what its rules say, how its runbooks are done.
// What has the same names in the default one has no part in it.
func TestAWorkspaceLivesByItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, till := cashier(t)
		defer h.close(t)
		at := 0
		in := func(workspace string) commands.Meta {
			at++
			return commands.Meta{ID: events.NameID(time.Now(), fmt.Sprint("wish ", at)), At: time.Now(), Actor: "user:anna", Workspace: workspace}
		}
		wish := func(c ...commands.Command) {
			t.Helper()
			for _, c := range c {
				if _, err := h.dispatch(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
		}
		stop := h.serve(t)
		defer func() { stop() }()
		team := h.models.In("team")
		tools := events.AgentConfig{Tools: []string{"calculate", "pay"}}
		wish(
			commands.SpawnAgent{Meta: in("team"), Agent: "teller", Config: tools},
			commands.SetBudget{Meta: in(""), Budget: "all", Period: events.Monthly, LimitNanos: 0, Fails: true}, // of the default workspace
		)

		// A call waits where it was asked for, and is answered there.
		ask := commands.StartRun{Meta: in("team"), Run: "r1", Workflow: "ask", Prompt: "calculate 6 * 7 and pay bert", Agent: "teller"}
		ask.Correlation = "r1"
		wish(ask)
		synctest.Wait()
		waiting, err := team.Approvals(t.Context(), projections.ApprovalAsked)
		if err != nil || len(waiting) != 1 {
			t.Fatalf("there wait %+v, %v", waiting, err)
		}
		if _, err := h.runs().Answer(t.Context(), in(""), waiting[0].Approval, events.ApprovalGranted, "user:anna", ""); !errors.Is(err, orchestrator.ErrNoApproval) {
			t.Errorf("it is answered from elsewhere: %v", err)
		}
		if _, err := h.runs().Answer(t.Context(), in("team"), waiting[0].Approval, events.ApprovalGranted, "user:anna", ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if row, _, err := team.Run(t.Context(), "r1"); err != nil || row.Outcome != events.Succeeded || len(till.paid) != 1 {
			t.Fatalf("got %+v, %v", row, err)
		}

		// Its rule judges its runs, whatever the default workspace holds of that workflow.
		wish(commands.SetRule{Meta: in("team"), Workflow: "ask", Rule: "score>=0.5", By: "user:anna"})
		synctest.Wait()
		low := .1
		judge := orchestrator.Judge(h.models, h.dispatch)
		if _, err := judge(t.Context(), commands.GiveFeedback{Meta: in("team"), Feedback: "f1", Run: "r1", User: "anna", Name: "score", Score: &low}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if row, _, err := team.Run(t.Context(), "r1"); err != nil || row.Verdict == nil || row.Verdict.Verdict != events.Failed {
			t.Errorf("its verdict is %+v, %v", row.Verdict, err)
		}

		// Its runbook is done by its agent: the cashier of the default workspace has the same tool.
		wish(
			commands.SaveRunbook{Meta: in("team"), Runbook: "double", Steps: []events.RunbookStep{{Name: "add", Tool: "calculate", Params: `{"expression":"21+21"}`}}},
			commands.CreateGoal{Meta: in("team"), Goal: "g", Prompt: "double it", Level: events.Operational, Requester: "user:anna"},
			commands.AskPlan{Meta: in("team"), Goal: "g", By: "user:anna", Runbook: "double"},
			commands.StartGoal{Meta: in("team"), Goal: "g", By: "user:anna"},
		)
		settled()
		goals, err := team.Goals(t.Context())
		if err != nil || len(goals) != 1 || goals[0].Status != projections.GoalSucceeded || goals[0].Tasks[0].Agent != "teller" {
			t.Errorf("the goal is %+v, %v", goals, err)
		}

		// What is tried there is drawn there, and its conversations are its own.
		wish(commands.PlanExperiment{
			Meta: in("team"), Experiment: "x", Agent: "teller", Change: events.ChangePrompt, Config: events.AgentConfig{Prompt: "Be brief.", Tools: tools.Tools}, By: "user:anna",
		})
		settled()
		for _, workspace := range []string{"", "team"} {
			for _, run := range []string{"c1", "c2"} {
				say := commands.StartRun{Meta: in(workspace), Run: workspace + run, Workflow: "ask", Prompt: "hello", Agent: map[string]string{"": "cashier", "team": "teller"}[workspace], Conversation: "c"}
				say.Correlation = say.Run
				wish(say)
				settled()
			}
		}
		fact, err := events.Decode(h.stream(t, commands.RunStream("team", "teamc2"))[1])
		assigned, is := fact.(events.RunAssigned)
		if err != nil || !is || !slices.Equal(assigned.Earlier, []string{"teamc1"}) || len(assigned.Arms) != 1 || assigned.Arms[0].Experiment != "x" {
			t.Errorf("the second run of a conversation is %+v, %v", fact, err)
		}

		// One that is asked for the first time has an assistant, of which it is asked.
		first := commands.StartRun{Meta: in("fresh"), Run: "f1", Workflow: "ask", Prompt: "hello"}
		first.Correlation = first.Run
		if _, err := h.runs().Start(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		settled()
		if row, _, err := h.models.In("fresh").Run(t.Context(), "f1"); err != nil || row.Agent != events.Assistant || row.Outcome != events.Succeeded {
			t.Errorf("the first run of a workspace is %+v, %v", row, err)
		}

		// Who is asked for and is not there is told who may be meant there.
		_, err = h.runs().Start(t.Context(), commands.StartRun{Meta: in("team"), Run: "r2", Workflow: "ask", Prompt: "hello", Agent: "cashier"})
		if err == nil || !strings.Contains(err.Error(), "teller") {
			t.Errorf("an agent of elsewhere is asked: %v", err)
		}
		if report, err := h.models.Report(t.Context(), projections.MetricsFilter{}); err != nil || report.Runs != 2 || report.Failed != 2 {
			t.Errorf("the default workspace has %+v, %v", report, err)
		}
	})
}

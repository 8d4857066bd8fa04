package slack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

var update = flag.Bool("update", false, "write the golden files that are missing")

func ptr[T any](v T) *T { return &v }

func figures(span answers.Span, names string) answers.Figures {
	f := answers.Figures{
		Span: span, Health: answers.Fair, Liked: 7, Judged: 9,
		Group:    answers.Group{Runs: 42, Succeeded: 35, Failed: 5, Cancelled: 1, Running: 1, Cost: events.Cost{CostNanos: 1_530_000_000}, P50: ptr(2.25), P95: ptr(71.0)},
		Patterns: []answers.Pattern{{Workflow: names, Steps: []string{"chat", "tool", names}, Runs: 12, Succeeded: 11, Failed: 1}},
	}
	for i := range 14 {
		f.Trend = append(f.Trend, answers.Day{Day: time.Date(2026, 11, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), Runs: int64(i % 5), Succeeded: int64(i % 5), Cost: events.Cost{CostNanos: events.Nanos(i * 10_000_000)}})
	}
	for i := range 10 {
		g := answers.Group{Name: names, Runs: int64(12 - i), Succeeded: int64(11 - i), Failed: 1, Cost: events.Cost{CostNanos: events.Nanos(12-i) * 31_000_000}, P50: ptr(2.25), P95: ptr(31.0)}
		if i == 9 {
			g.P50, g.P95 = nil, nil
		}
		if i > 0 {
			g.Name = fmt.Sprint(names, " ", i+1)
		}
		f.Groups = append(f.Groups, g)
	}
	f.Left = 3
	return f
}

func proposal(say func(string) string) projections.ImprovementRow {
	return projections.ImprovementRow{
		Improvement: "06aacbda1caacce8", Analyst: "workflow", Kind: "workflow", Workflow: "refunds", Status: "proposed", Reason: say("reason"),
		Change: events.Change{Kind: events.ChangeWorkflow, Workflow: "refunds", Instruction: say("instruction")}, UpdatedAt: time.Date(2026, 11, 28, 7, 0, 0, 0, time.UTC),
		Evidence: events.Evidence{From: 12, To: 4711, Positions: []uint64{12, 99}, Statistic: "risk difference, Newcombe's interval", Value: 0.31, Low: 0.18, High: 0.44, Confidence: 0.95, N: 460, Counts: map[string]int64{"with": 60, "without": 400}},
		Expected: events.Expected{Metric: "success_rate", Change: 0.31, Low: 0.18, High: 0.44},
		Worth:    &events.Worth{Unit: events.MoreSuccesses, Month: 62, Low: 36, High: 88, Points: 31, PointsLow: 18, PointsHigh: 44, Share: 0.062, Severity: events.SeverityHigh},
	}
}

func approval(text string) projections.ApprovalRow {
	var arguments bytes.Buffer
	encoder := json.NewEncoder(&arguments)
	encoder.SetEscapeHTML(false) // as a model writes it
	// Nobody is asked about more than commands.MaxApproved.
	if err := encoder.Encode(map[string]any{"order": "A-17", "cents": 3000, "note": text[:min(len(text), 12<<10)]}); err != nil {
		panic(err)
	}
	return projections.ApprovalRow{
		Approval: "1f0c9d1be26b3a70", Status: "asked", Run: "00000000-0000-70ad-99a4-76ddbedea37f", Agent: "clerk", Tool: "shop__refund", Arguments: strings.TrimSpace(arguments.String()),
		AskedAt: time.Date(2026, 11, 28, 7, 0, 0, 0, time.UTC), ExpiresAt: time.Date(2026, 11, 29, 7, 0, 0, 0, time.UTC),
	}
}

func experiment(name, text, status string) projections.ExperimentRow {
	row := projections.ExperimentRow{
		Experiment: "06aacbda1caacce8", Agent: name, Kind: "prompt", Status: status, EndedAt: time.Date(2026, 11, 28, 7, 0, 0, 0, time.UTC),
		Arms: []events.ArmCount{
			{Arm: events.ControlArm, Runs: 410, Succeeded: 287, Unrated: 10, CostNanos: 410 * 21_000_000, Milliseconds: 410 * 5200},
			{Arm: events.CandidateArm, Runs: 130, Succeeded: 112, CostNanos: 130 * 18_000_000, Milliseconds: 130 * 4100},
		},
		Proof: &events.Proof{From: 120, To: 9876, Difference: 0.144, Low: 0.031, High: 0.25},
	}
	switch status {
	case projections.ExperimentPromoted:
		row.DecidedBy = "user:slack:T1:U2"
	case projections.ExperimentRolledBack:
		row.Guardrail, row.Reason = "success", text
		row.Arms[1].Succeeded, row.Proof = 74, &events.Proof{From: 120, To: 9876, Difference: -0.148, Low: -0.26, High: -0.031}
	}
	return row
}

// ofBook is what an experiment on a runbook has found.
func ofBook(name, text, status string) projections.ExperimentRow {
	row := experiment("", text, status)
	row.Runbook, row.Kind, row.Book = name, "runbook", &events.RunbookSaved{Runbook: name, From: 1}
	return row
}

func review(text, status string) projections.ReviewRow {
	row := projections.ReviewRow{
		Run: "00000000-0000-70ad-99a4-76ddbedea37f", Status: status, Experiment: "06aacbda1caacce8", Arm: events.CandidateArm, Reviewers: 3, Agreement: -1,
		Judgements: []projections.ReviewJudgement{{User: "slack:T1:U2", Judgement: events.JudgedRight}, {User: "slack:T1:U3", Judgement: events.JudgedWrong, Reason: text}},
	}
	if status == projections.ReviewClosed {
		row.Judgements = append(row.Judgements, projections.ReviewJudgement{User: "slack:T1:U4", Judgement: events.JudgedWrong})
		row.Verdict, row.Agreement = events.Failed, 333
	}
	return row
}

var goalTime = time.Date(2026, 11, 28, 7, 5, 0, 0, time.UTC)

func goal(say func(string) string, status projections.GoalStatus) projections.GoalRow {
	began, ended := goalTime.Add(-5*time.Minute), goalTime.Add(-3*time.Minute)
	row := projections.GoalRow{
		Goal: "01a2", Prompt: say("goal"), Status: status, PlanSource: events.PlannedByModel, LimitNanos: 2_500_000_000, Cost: events.Cost{CostNanos: 310_000_000}, StartedAt: began,
		Tasks: []projections.GoalTaskRow{
			{Task: "find", Title: "Find out why checkouts fail", Agent: "clerk", Status: projections.TaskDone, StartedAt: &began, EndedAt: &ended, Attempts: 1},
			{Task: "which", Question: say("decide"), Status: projections.TaskWaiting, DependsOn: []string{"find"}},
			{Task: "check", Title: say("try"), Agent: "clerk", Status: projections.TaskRunning, StartedAt: &ended, Attempts: 2, DependsOn: []string{"find"}},
			{Task: "cost", Title: "Say what it costs", Agent: "clerk", Status: projections.TaskFailed, StartedAt: &began, EndedAt: &ended, Reason: say("failed")},
			{Task: "write", Title: "Write it down", Agent: "writer", Status: projections.TaskWaiting, DependsOn: []string{"which", "check"}},
		},
	}
	if status.Ended() {
		row.EndedAt = goalTime
		for i := range row.Tasks {
			row.Tasks[i].Status, row.Tasks[i].Reason = projections.TaskDone, ""
		}
	}
	return row
}

func checks() []answers.Check {
	return []answers.Check{
		{Name: "success", Actual: "35 of 40", Target: "at least 90%", Met: ptr(false)}, {Name: "cost of a run", Actual: "$0.0124", Target: "under $0.015", Met: ptr(true)},
		{Name: "runs", Actual: "42"},
	}
}

// samples are what messages are about in their golden files.
var samples = map[string]string{
	"question":    "How do I rotate the signing keys?",
	"answer":      "Rotate them **every 90 days**:\n\n- `keys rotate --next` makes the next one\n- both are taken for an hour\n- then the old one is gone",
	"error":       "The tool shop\u2013refund answered: no order A-17.",
	"reason":      "Runs of refunds that look the order up *before* refunding succeed 31.0 points more often than others (54 of 60 against 236 of 400).",
	"instruction": "Look the order up before refunding.",
	"call":        "Twice paid,\nby *mistake*",
	"ask":         "Refund order A-17, it was paid twice.",
	"goal":        "Find out why checkouts fail, then write it down",
	"decide":      "Which of the two payment providers do you mean?",
	"try":         "Try it with a card that has expired",
	"failed":      "nobody knows what it costs",
	"wrote":       "Checkouts fail since **18 November**: the cards' provider answers late.\n\n- 412 of 9,800 were given up\n- the time limit is 2 s, and was 5 s",
	"unplanned":   "none of the agents may open a browser",
	"learned":     "Runs of refunds that look the order up first succeed 31.0 points more often.",
	"guarded":     "its runs succeed less often",
	"judged":      "the keys are rotated every 90 days",
	"effect":      "$41.20 less a month since the assistant asks a smaller model",
	"paused":      "the prices change tonight",
	"broke":       "12 of 40 runs of refunds fail: no order has such a number.",
	"blocker":     "a proposal on refunds waits since Monday",
	"workflow":    "refund-an-order",
}

// same tells the same text of everything.
func same(text string) func(string) string { return func(string) string { return text } }

func sampled(what string) string {
	text, known := samples[what]
	if !known {
		panic("there is no sample of a " + what)
	}
	return text
}

// hostile is a text that would call people, break out of code, and pass every limit.
var hostile = strings.Repeat("<!channel> <@U1> *bold* ```code``` \u200b & <https://evil.example|good> ", 400)

// shown is every message, modal and page there is, about texts and something that is called by a name.
func shown(say func(what string) string, name string) map[string]any {
	row := answered("00000000-0000-70ad-99a4-76ddbedea37f", say("answer"))
	row.Prompt = say("question")
	failed, stopped, decided := row, row, proposal(say)
	failed.Prompt, failed.Outcome, failed.Error, failed.Answer = say("ask"), events.Failed, say("error"), ""
	stopped.Outcome, stopped.Answer = events.Cancelled, ""
	granted := approval(say("call"))
	granted.Status, granted.AnsweredBy, granted.AnsweredAt = "granted", "user:slack:T1:U2", decided.UpdatedAt
	decided.Status, decided.DecidedBy = "approved", "user:slack:T1:U2"
	late := approval(say("call"))
	late.Status, late.AnsweredAt = "expired", late.ExpiresAt
	said := answers.Said{Title: "What I learned yesterday", Lines: []answers.Line{{Text: say("learned"), Positions: []uint64{1, 2, 3, 4, 5, 6}, Runs: []string{"r1", "r2"}, Improvement: "06aa"}, {Text: say("effect")}}}
	return map[string]any{
		"answer": slack.AnswerBlocks(row), "failed": slack.AnswerBlocks(failed), "stopped": slack.AnswerBlocks(stopped),
		"metrics": slack.MetricsReply(figures(answers.Week, name)).Blocks, "metrics_by_agent": slack.MetricsReply(figures(answers.ByAgent, name)).Blocks,
		"metrics_of_nothing": slack.MetricsReply(answers.Figures{Span: answers.Today}).Blocks, "help": slack.HelpReply().Blocks, "bad": slack.BadReply(row.Run).Blocks,
		"proposal": slack.ProposalBlocks(proposal(say), projections.AgentRow{}), "decided": slack.ProposalBlocks(decided, projections.AgentRow{}), "evidence": slack.EvidenceReply(proposal(say)).Blocks,
		"approval": slack.ApprovalBlocks(approval(say("call")), ""), "approval_elsewhere": slack.ApprovalBlocks(approval(say("call")), say("ask")), "approved": slack.ApprovalBlocks(granted, ""),
		"approval_expired": slack.ApprovalBlocks(late, ""), "proposal_expired": slack.ExpiredBlocks(slack.ProposalBlocks(proposal(say), projections.AgentRow{})),
		"metrics_by_workflow": slack.MetricsReply(figures(answers.ByWorkflow, name)).Blocks, "elsewhere": slack.Elsewhere("C061EG9SL", say("question"), "not_in_channel"),
		"proved": slack.ExperimentBlocks(experiment(name, say("guarded"), projections.ExperimentProved)), "promoted": slack.ExperimentBlocks(experiment(name, say("guarded"), projections.ExperimentPromoted)),
		"book_proved": slack.ExperimentBlocks(ofBook(name, say("guarded"), projections.ExperimentProved)), "book_promoted": slack.ExperimentBlocks(ofBook(name, say("guarded"), projections.ExperimentPromoted)),
		"rolled_back": slack.ExperimentBlocks(experiment(name, say("guarded"), projections.ExperimentRolledBack)),
		"exhausted":   slack.BudgetBlocks(projections.BudgetRow{Budget: name[:min(len(name), 500)], Period: events.Daily, LimitNanos: 5_000_000_000}, managers.SlackCard{}),
		"raised":      slack.BudgetBlocks(projections.BudgetRow{Budget: name[:min(len(name), 500)], Period: events.Daily, LimitNanos: 9_000_000_000}, managers.SlackCard{As: managers.Raised, By: "user:slack:T1:U2", At: goalTime}),
		"run_waits":   slack.BudgetBlocks(projections.BudgetRow{Budget: "run:01a2", Period: events.Total, AnyCost: true, LimitTokens: 9000, UsedTokens: 9000}, managers.SlackCard{}),
		"goal_paused": slack.BudgetBlocks(projections.BudgetRow{Budget: "goal:01a2", Period: events.Total, LimitNanos: 2_500_000_000}, managers.SlackCard{}),
		"alert":       slack.AlertBlocks(managers.SlackAlert{Agent: name, Latest: managers.Tally{Runs: 30, Good: 12}, Before: managers.Tally{Runs: 410, Good: 369}, Position: 4711}),
		"alert_over":  slack.AlertBlocks(managers.SlackAlert{SlackCard: managers.SlackCard{As: managers.Recovered, Since: goalTime}, Agent: name, Latest: managers.Tally{Runs: 30, Good: 26}, Position: 4711}),
		"alert_budget": slack.MarkBlocks(managers.SlackAlert{Budget: name[:min(len(name), 500)], Percent: 80},
			projections.BudgetRow{Budget: name[:min(len(name), 500)], Period: events.Monthly, LimitNanos: 50_000_000_000, SpentNanos: 40_200_000_000, Starting: "2026-11-01"}),
		"milestone":    slack.MilestoneBlocks(answers.Milestone{Name: events.FirstSaving.Says(), At: goalTime, Effect: say("effect"), Position: 9876}),
		"review":       slack.ReviewedBlocks(review(say("judged"), projections.ReviewOpen), say("question"), say("answer")),
		"review_over":  slack.ReviewedBlocks(review(say("judged"), projections.ReviewClosed), say("question"), say("answer")),
		"review_wrong": slack.ReviewView(`{"run":"r1","channel":"C1"}`, events.JudgedWrong),
		"limit":        slack.LimitView(`{"channel":"C1"}`, 5_000_000_000), "pause": slack.PauseView(`{"channel":"C1"}`),
		"workflow": slack.WorkflowView(`{"channel":"C1"}`, []projections.RunbookRow{{Runbook: say("workflow")[:min(len(say("workflow")), 150)]}, {Runbook: "release-notes"}}),
		"loop":     slack.LoopBlocks(projections.LoopRow{}, true), "loop_paused": slack.LoopBlocks(projections.LoopRow{Paused: true, By: "user:anna", Reason: say("paused")}, true),
		"wrong":  slack.WrongView(`{"run":"r1","channel":"C1"}`, say("question")),
		"launch": slack.LaunchReply(say("workflow"), []string{"order_id", "reason"}).Blocks, "slots": slack.SlotsView(say("workflow"), []string{"order_id", "reason"}),
		"digest": slack.ReviewBlocks(answers.Review{Period: answers.Daily, Since: "2026-11-28", Until: "2026-11-28", Checks: checks()}),
		"weekly": slack.ReviewBlocks(answers.Review{Period: answers.Weekly, Since: "2026-11-22", Until: "2026-11-28", Checks: checks(), Worked: said.Lines, DidNot: []answers.Line{{Text: say("broke")}}, Next: []answers.Line{{Text: say("instruction")}}, Targets: checks(),
			Blockers: []answers.Blocker{{What: say("blocker"), Action: "approve it", Owner: "who may decide"}}, Milestones: []answers.Milestone{{Name: events.FirstSaving.Says(), Effect: say("effect")}}}),
		"goal": slack.GoalBlocks(goal(say, projections.GoalRunning), "", goalTime), "goal_reached": slack.GoalBlocks(goal(say, projections.GoalSucceeded), say("wrote"), goalTime),
		"goal_without_plan": slack.GoalBlocks(projections.GoalRow{Goal: "01a2", Prompt: say("goal"), Status: projections.GoalCreated, Reason: say("unplanned")}, "", goalTime),
		"said":              slack.SaidReply(said).Blocks,
		"worded":            slack.WordedReply(said, answered("06aacbda1caacce8", say("learned")), "").Blocks,
		"unworded":          slack.WordedReply(said, answered("06aacbda1caacce8", say("learned")), "line 1 says 13 where the record does not").Blocks,
		"asked":             slack.Asked("U1", say("question")), "better": slack.BetterView(`{"run":"r1","channel":"C1"}`, say("question")),
		"home": slack.HomeView(figures(answers.Today, name), checks(), said, []projections.RunRow{row, failed}, []projections.RunbookRow{{Runbook: say("workflow"), Version: 2, Steps: make([]events.RunbookStep, 3)}}, [][]api.Block{slack.ProposalBlocks(proposal(say), projections.AgentRow{})}, slack.LoopBlocks(projections.LoopRow{Paused: true, By: "user:slack:T1:U2", Reason: say("paused")}, true)),
	}
}

func blocksOf(t *testing.T, v any) (data string, most int) {
	t.Helper()
	most = 50
	switch view := v.(type) {
	case api.ModalViewRequest:
		v, most = view.Blocks, 100
	case api.HomeTabViewRequest:
		v, most = view.Blocks, 100
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), most
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	for name, v := range shown(sampled, "clerk") {
		data, most := blocksOf(t, v)
		if wrong := apitest.CheckBlocks(data, most); wrong != "" {
			t.Errorf("%s: %s", name, wrong)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, []byte(data), "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		path := filepath.Join("testdata", "golden", name+".json")
		want, err := os.ReadFile(path) //nolint:gosec // test data
		if os.IsNotExist(err) && *update {
			want, err = got.Bytes(), os.WriteFile(path, got.Bytes(), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got.Bytes(), want)
		}
		drawnAs(t, name, data)
	}
}

// unseen are the values of buttons and choices, which nobody is shown.
var unseen = regexp.MustCompile(`"value":"([^"\\]|\\.)*"`)

func TestHostileTextsKeepToTheLimitsAndCallNobody(t *testing.T) {
	t.Parallel()
	for name, v := range shown(same(hostile), hostile) {
		if name == "answer" || name == "failed" {
			continue // they are split before they are posted
		}
		data, most := blocksOf(t, v)
		if wrong := apitest.CheckBlocks(data, most); wrong != "" {
			t.Errorf("%s: %s", name, wrong)
		}
		for _, call := range []string{`\u003c!channel`, `\u003c@U1`, `\u003chttps://evil`, "<!channel", "<@U1\u003e bold"} {
			if name == "asked" && call == `\u003c@U1` {
				continue // who asks is named by us
			}
			if (name == "goal_reached" || name == "review" || name == "review_over") && strings.Contains(call, "https") {
				continue // an answer may have links
			}
			if strings.Contains(unseen.ReplaceAllString(data, ""), call) {
				t.Errorf("%s holds %s", name, call)
			}
		}
	}
	for i, part := range slack.Fenced(hostile) {
		answer := slack.AnswerBlocks(answered("r1", part))
		for _, blocks := range [][]api.Block{answer, slack.Ordinary(answer), slack.Ordinary(slack.GoalBlocks(goal(same(part), projections.GoalSucceeded), part, goalTime))} {
			data, most := blocksOf(t, blocks)
			if wrong := apitest.CheckBlocks(data, most); wrong != "" || strings.Contains(data, `\u003c!`) || strings.Contains(data, `\u003c@`) {
				t.Errorf("part %d: %s", i, wrong)
			}
		}
	}
}

// Whatever is posted is shown in the documentation.
func TestEachMessageIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "slack.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range shown(sampled, "clerk") {
		if !strings.Contains(string(page), "(slack/"+name+".svg)") {
			t.Errorf("docs/slack.md does not show %s.svg", name)
		}
	}
}

// drawnAs holds the picture of a message in the documentation to the message.
func drawnAs(t *testing.T, name, data string) {
	t.Helper()
	path := filepath.Join("..", "docs", "slack", name+".svg")
	want, err := os.ReadFile(path) //nolint:gosec // a page of ours
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	got, err := apitest.Picture(data)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the message looks like: `make golden` draws it", path)
	}
	if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
		t.Fatal(err)
	}
}

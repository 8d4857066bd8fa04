package aggregates_test

import (
	"encoding/json"
	"math"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

// step draws a number near those that a short history has.
func step(t *rapid.T) int { return pick(t, "step", -1, 0, 0, 1, 1, 2, 2, 3, 4, math.MaxInt) }

func tokens(t *rapid.T) int64 { return pick[int64](t, "tokens", 0, 0, 1, 500, -1) }

func cost(t *rapid.T) events.Nanos { return pick[events.Nanos](t, "cost", 0, 0, 5, math.MaxInt64, -1) }

func name(t *rapid.T) string { return pick(t, "name", "plan", "look up", "größe", "", "a\x00") }

func text(t *rapid.T) string { return rapid.String().Draw(t, "text") }

func agentConfig(t *rapid.T) events.AgentConfig {
	return events.AgentConfig{
		Model: pick(t, "model", "small", "large", "", "huge"), Prompt: pick(t, "prompt", "", "Be brief."),
		Temperature: pick(t, "temperature", nil, ptr(0.0), ptr(0.7), ptr(1.1), ptr(math.NaN()), ptr(math.Inf(1))),
		MaxTokens:   pick(t, "max tokens", 0, 500, 501, -1), Tools: pick(t, "tools", nil, []string{}, []string{"clock"}),
	}
}

func runWish(t *rapid.T) commands.Command {
	switch pick(t, "wish", "start", "assign", "step", "step", "step", "step", "tool", "tool step", "ask", "ask", "decide", "decide", "finish step", "finish step", "finish step", "call", "finish", "fail", "cancel") {
	case "start":
		return commands.StartRun{
			Run: "r", Workflow: pick(t, "workflow", "checkout", "checkout", ""), Prompt: text(t),
			Labels: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "labels"), Undated: rapid.Bool().Draw(t, "undated"),
		}
	case "step":
		return commands.StartStep{
			Run: "r", Step: step(t), Name: name(t), Type: pick(t, "type", events.ChatStep, events.ToolStep, "", "dream"),
			Parent: pick(t, "parent", nil, nil, ptr(step(t))), DependsOn: pick(t, "depends on", nil, []int{}, []int{step(t)}),
		}
	case "tool step":
		return commands.StartStep{
			Run: "r", Step: step(t), Name: "x", Type: events.ToolStep, Tool: pick(t, "tool", "clock", "pay", "shell", ""), Call: ptr(rapid.IntRange(0, 1).Draw(t, "of call")),
		}
	case "ask":
		asked := time.Date(2026, 11, 22, 12, rapid.IntRange(0, 1).Draw(t, "asked"), 0, 0, time.UTC)
		return commands.AskApproval{
			Meta: commands.Meta{At: asked}, Run: "r", Approval: pick(t, "approval", "1", "2", ""), Call: rapid.IntRange(-1, 1).Draw(t, "call"),
			Tool: pick(t, "tool", "pay", "pay", "clock"), Arguments: text(t), Expires: asked.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "minutes")) * time.Minute),
		}
	case "decide":
		return commands.AnswerApproval{
			Meta: commands.Meta{At: time.Date(2026, 11, 22, 12, rapid.IntRange(0, 4).Draw(t, "decided"), 0, 0, time.UTC)}, Run: "r",
			Approval: pick(t, "approval", "1", "2", "3"), By: pick(t, "by", "user:anna", "user:anna", "agent:clerk", ""),
			Answer: pick(t, "answer", events.ApprovalGranted, events.ApprovalRejected, events.ApprovalExpired, events.ApprovalWithdrawn, "maybe"),
		}
	case "finish step":
		return commands.FinishStep{
			Run: "r", Step: step(t), Outcome: pick(t, "outcome", events.Succeeded, events.Failed, events.Unrated, "", "won"), Error: text(t),
			InputTokens: tokens(t), OutputTokens: tokens(t), CachedTokens: tokens(t), CostNanos: cost(t),
		}
	case "call":
		return commands.RecordLLMCall{
			Run: "r", Step: pick(t, "of step", nil, ptr(step(t))), Asked: []events.Message{{Role: "user", Content: text(t)}},
			Params: pick(t, "params", nil, json.RawMessage{}, json.RawMessage(` {"seed": 1, "stop": "<b>"} `), json.RawMessage(`null`), json.RawMessage(`{"seed"`)),
		}
	case "assign":
		return commands.AssignRun{Run: "r", Agent: pick(t, "agent", "clerk", "clerk", ""), Arms: pick(t, "arms", nil, []events.Arm{{Experiment: "e", Permille: 1001}})}
	case "tool":
		if rapid.Bool().Draw(t, "draft") {
			return commands.RecordDraft{Run: "r", Fact: events.RunSpecialistDrafted{
				Step: step(t), Template: "template:support", Prompt: rapid.SampledFrom([]string{"", "You are the desk."}).Draw(t, "drafted"), Invalid: rapid.SampledFrom([]string{"", "too short"}).Draw(t, "why"),
			}}
		}
		return commands.RecordToolCall{Run: "r", Step: step(t), Result: events.Message{Role: "tool", Content: text(t)}}
	case "fail":
		return commands.FailRun{Run: "r", Error: text(t), CostNanos: cost(t)}
	case "cancel":
		return commands.CancelRun{Run: "r", Reason: text(t), CostNanos: cost(t)}
	}
	return commands.FinishRun{Run: "r", Outcome: pick(t, "outcome", events.Succeeded, events.Unrated, events.Failed), Answer: text(t), CostNanos: cost(t)}
}

func agentWish(t *rapid.T) commands.Command {
	switch pick(t, "wish", "spawn", "configure", "configure", "restore", "adopt", "rest", "wake", "retire") {
	case "spawn":
		return commands.SpawnAgent{Agent: "a", Role: text(t), Config: agentConfig(t), Imported: rapid.Bool().Draw(t, "imported")}
	case "configure":
		return commands.ConfigureAgent{Agent: "a", Config: agentConfig(t), Only: pick(t, "only", "", events.ChangeModel, events.ChangeSplit), Improvement: name(t)}
	case "restore":
		return commands.RestoreAgent{Agent: "a", Version: rapid.IntRange(-1, 5).Draw(t, "version"), Reason: text(t)}
	case "adopt":
		return commands.AdoptAgent{Agent: "a", As: name(t)}
	case "rest":
		return commands.RestAgent{Agent: "a"}
	case "wake":
		return commands.WakeAgent{Agent: "a", Run: "r"}
	}
	return commands.RetireAgent{Agent: "a", Reason: text(t)}
}

func budgetWish(t *rapid.T) commands.Command {
	if rapid.Bool().Draw(t, "set") {
		return commands.SetBudget{Budget: "b", Period: pick(t, "period", events.Daily, events.Monthly, events.Total, "week", ""), LimitNanos: cost(t), AnyCost: rapid.Bool().Draw(t, "any cost"), Limits: resources(t), Marks: pick(t, "marks", nil, []int{50})}
	}
	at := commands.Meta{At: pick(t, "at", time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 1, 0, 0, 0, time.UTC))}
	reservation := pick(t, "reservation", "1", "2", "3")
	if rapid.Bool().Draw(t, "settle") {
		return commands.SettleBudget{Meta: at, Budget: "b", Reservation: reservation, Nanos: cost(t), Took: resources(t), Unknown: rapid.Bool().Draw(t, "unknown")}
	}
	return commands.ReserveBudget{
		Meta: at, Budget: "b", Reservation: reservation, Run: "r", Step: step(t), Nanos: cost(t), Most: resources(t), Holder: pick(t, "holder", "one", "two", ""),
	}
}

func resources(t *rapid.T) events.Resources {
	return events.Resources{Tokens: tokens(t), TimeMS: pick[int64](t, "time", 0, 0, 9, -1), Agents: pick[int64](t, "agents", 0, 0, 1)}
}

func policyWish(t *rapid.T) commands.Command {
	return commands.SetPolicy{Policy: events.PolicySet{
		Models: pick(t, "models", nil, []string{"small"}), MinTemperature: pick(t, "least", 0, 0.5, math.NaN()), Tools: pick(t, "tools", nil, []string{"clock"}),
	}}
}

func feedbackWish(t *rapid.T) commands.Command {
	return commands.GiveFeedback{
		Feedback: "f", Run: pick(t, "run", "r", ""), Agent: pick(t, "agent", "", "a"), Step: pick(t, "of step", nil, ptr(step(t))),
		Score: pick(t, "score", nil, ptr(0.5), ptr(math.Inf(1)), ptr(math.NaN())), Text: text(t), Better: text(t), Wish: text(t),
	}
}

func verdictWish(t *rapid.T) commands.Command {
	return commands.GiveVerdict{
		Run: "r", Verdict: pick(t, "verdict", events.Succeeded, events.Failed, events.Unrated, events.Cancelled, ""),
		From: pick(t, "from", events.ByPerson, events.BySource, events.ByRule, "hearsay"), By: pick(t, "by", "", "user:anna"),
	}
}

func ruleWish(t *rapid.T) commands.Command {
	return commands.SetRule{Workflow: "w", Rule: pick(t, "rule", "", "a>=0.5", "a=good", "nonsense")}
}

func experimentWish(t *rapid.T) commands.Command {
	actor := commands.Meta{Actor: pick(t, "actor", "user:anna", "manager:experiment")}
	by := pick(t, "by", "user:anna", "policy", "", "manager:experiment")
	proof := events.Proof{
		From: 1, To: pick[uint64](t, "to", 9, 9, 9, 0), LogE: pick(t, "log e", 0, 3.7, 5, 20, math.NaN()),
		Arms: []events.ArmCount{{Arm: "control", Runs: 9, Succeeded: 3}, {Arm: "candidate", Runs: 5, Succeeded: pick[int64](t, "succeeded", 4, 4, 6)}},
	}
	switch pick(t, "wish", "plan", "plan", "plan", "start", "start", "move", "move", "allocate", "allocate", "promote", "promote", "roll back", "stop", "expire") {
	case "plan":
		if rapid.IntRange(0, 4).Draw(t, "of a runbook") == 0 {
			return commands.PlanExperiment{
				Meta: actor, Experiment: "x", Change: events.ChangeRunbook, By: by, Plan: events.ExperimentPlan{JudgedWithin: pick[int64](t, "judged", 0, 0, 9)},
				Book: &events.RunbookSaved{Runbook: "b", From: pick(t, "from", 1, 1, 0), Steps: []events.RunbookStep{{Name: "a", DependsOn: pick(t, "depends on", nil, nil, []int{0})}}},
			}
		}
		return commands.PlanExperiment{
			Meta: actor, Experiment: "x", Agent: "a", Change: pick(t, "kind", events.ChangePrompt, events.ChangePrompt, events.ChangeModel, events.ChangeSplit),
			Others: pick(t, "others", nil, nil, []events.AgentConfig{{}}, make([]events.AgentConfig, 9)),
			Config: agentConfig(t), By: by, Plan: events.ExperimentPlan{Steps: pick(t, "steps", nil, []int{50, 100, 250}, []int{250, 50}, []int{10}), MaxDays: pick(t, "days", 0, 3, -1)},
		}
	case "start":
		return commands.StartExperiment{Meta: actor, Experiment: "x", Level: pick(t, "level", .01, .01, 0, 1, math.NaN())}
	case "move":
		return commands.MoveExperiment{Meta: actor, Experiment: "x", Share: pick(t, "share", 50, 100, 250, 1000), Proof: proof}
	case "allocate":
		return commands.AllocateExperiment{
			Meta: actor, Experiment: "x", Shares: pick(t, "shares", nil, []int{900, 50, 50}, []int{500, 450, 50}, []int{950, 0, 50}, []int{1000, 0, 0}, []int{2000, -500, -500}),
			Dropped: pick(t, "dropped", "", "candidate"), Guardrail: "cost", Reason: text(t), Proof: proof,
		}
	case "promote":
		return commands.PromoteExperiment{Meta: actor, Experiment: "x", By: by, Arm: pick(t, "arm", "", "", "candidate", "candidate-2", "control"), Proof: proof}
	case "roll back":
		return commands.RollBackExperiment{Meta: actor, Experiment: "x", Guardrail: "cost", Reason: text(t), Proof: proof}
	case "stop":
		return commands.StopExperiment{Meta: actor, Experiment: "x", By: by, Reason: text(t)}
	}
	return commands.ExpireExperiment{Meta: actor, Experiment: "x", Reason: text(t), Proof: proof}
}

func improvementWish(t *rapid.T) commands.Command {
	actor := commands.Meta{Actor: pick(t, "actor", "user:anna", "door:web", "analyst:workflow", "manager:run")}
	by := pick(t, "by", "user:anna", "policy", "", "analyst:workflow")
	switch pick(t, "wish", "propose", "propose", "approve", "approve", "reject", "apply", "apply", "roll back", "measure", "revise") {
	case "propose":
		c := propose(func(c *commands.ProposeImprovement) {
			c.Evidence, c.Expected.Low, c.Reason = drawEvidence(t), pick(t, "expected", 0.1, 0.1, math.NaN()), pick(t, "reason", "because", "because", "")
		})
		if config := agentConfig(t); rapid.Bool().Draw(t, "of an agent") {
			c.Change = events.Change{Kind: pick(t, "kind", events.ChangePrompt, events.ChangeModel, "reboot"), Agent: "a", Config: &config}
		}
		return c
	case "revise":
		return commands.ReviseEvidence{
			Improvement: "i", Strength: pick(t, "strength", append(events.Strengths(), "great")...), Reason: text(t), Evidence: drawEvidence(t),
			Expected: events.Expected{Low: pick(t, "expected", 0.1, 0.1, math.NaN())},
		}
	case "approve":
		return commands.ApproveImprovement{Meta: actor, Improvement: "i", By: by, Note: text(t)}
	case "reject":
		return commands.RejectImprovement{Meta: actor, Improvement: "i", By: by, Reason: text(t)}
	case "apply":
		before := agentConfig(t)
		return commands.ApplyImprovement{Improvement: "i", SharePermille: pick(t, "share", 50, 50, 51, 1000, 0, 1001), Before: pick(t, "before", nil, &before)}
	case "roll back":
		return commands.RollBackImprovement{Improvement: "i", Reason: text(t)}
	}
	return commands.MeasureImprovement{Improvement: "i", Metric: "success_rate", Evidence: drawEvidence(t)}
}

func drawEvidence(t *rapid.T) events.Evidence {
	e := evidence
	e.Value = pick(t, "value", e.Value, e.Value, e.Value, math.NaN(), 9)
	e.N = pick(t, "n", e.N, e.N, 0)
	return e
}

func runbookWish(t *rapid.T) commands.Command {
	return commands.SaveRunbook{Runbook: "b", From: pick(t, "from", 0, 0, 1, 2, -1), Restores: pick(t, "restores", 0, 0, 1, 9), Improvement: pick(t, "improvement", "", "x"), Notes: pick(t, "notes", "", "Works."), Steps: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) events.RunbookStep {
		return events.RunbookStep{Name: name(t), DependsOn: pick(t, "depends on", nil, []int{}, []int{step(t)})}
	}), 0, 3).Draw(t, "steps")}
}

func ledgerWish(t *rapid.T) commands.Command {
	return commands.SealLog{
		First: pick[uint64](t, "first", 1, 2, 3, 4, 5, 6, 0), Last: pick(t, "last", uuid.UUID{1}, uuid.UUID{1}, uuid.Nil), EventStream: "run-r",
		Prints: make([][8]byte, pick(t, "events", 1, 1, 2, 3, 0)),
	}
}

func taskWish(t *rapid.T) commands.Command {
	assignee := pick(t, "assignee", "", "anna", "clerk")
	if pick(t, "open", true, false, false, false) {
		return commands.OpenTask{Task: "t", Title: text(t), Assignee: assignee}
	}
	return commands.UpdateTask{Task: "t", Status: pick(t, "status", "", events.TaskOpen, events.TaskDone, "lost"), Note: pick(t, "note", "", "n"), Assignee: assignee}
}

func toolWish(t *rapid.T) commands.Command {
	digest := pick(t, "digest", "1", "1", "2", "3", "")
	if pick(t, "accept", true, false) {
		return commands.AcceptTool{Tool: "t", Digest: digest, By: name(t)}
	}
	return commands.NoteTool{Tool: "t", Digest: digest, Definition: events.ToolDefinition{Remote: digest, Schema: []byte(pick(t, "schema", "{}", "{}", "{", ""))}}
}

func skillWish(t *rapid.T) commands.Command {
	path := pick(t, "path", events.SkillMain, events.SkillMain, "x.md")
	return commands.SaveSkill{Skill: pick(t, "skill", "s", "s", "S"), Description: "d", Files: []events.SkillFile{{Path: path, Text: text(t)}}, By: name(t)}
}

func slackWish(t *rapid.T) commands.Command {
	name := rapid.SampledFrom([]string{"i", "", "c"})
	switch rapid.IntRange(0, 3).Draw(t, "wish") {
	case 0:
		return commands.RecordInteraction{Interaction: "p", User: name.Draw(t, "user"), Type: "slash", Name: "ask", Outcome: events.SlackStarted, TookNanos: rapid.Int64().Draw(t, "took")}
	case 1:
		return commands.OpenSlackThread{Post: "p", Conversation: name.Draw(t, "conversation"), Channel: name.Draw(t, "channel"), Thread: name.Draw(t, "thread")}
	case 2:
		return commands.StartSlackStream{Post: "p", Channel: name.Draw(t, "channel"), TS: name.Draw(t, "ts")}
	}
	return commands.RecordSlackPost{Post: "p", Channel: name.Draw(t, "channel"), TS: name.Draw(t, "ts"), Reason: name.Draw(t, "reason")}
}

func analystWish(t *rapid.T) commands.Command {
	return commands.ScoreForecast{
		Analyst: pick(t, "analyst", "cost", ""), Improvement: pick(t, "improvement", "i", "j", "k"),
		Foretold: events.Expected{Metric: "success_rate", Change: pick(t, "change", .1, -.1, 0, math.NaN()), Low: .05, High: pick(t, "high", .15, .05)},
		Found:    events.Evidence{From: 1, To: 2, Statistic: "s", Value: pick(t, "found", .1, -.1, 0), Low: -.2, High: .2, Confidence: .95, N: 9},
	}
}

func loopWish(t *rapid.T) commands.Command {
	actor := commands.Meta{Actor: pick(t, "actor", "user:anna", "manager:experiment")}
	by := pick(t, "by", "user:anna", "", "analyst:cost")
	if rapid.Bool().Draw(t, "pauses") {
		return commands.PauseLoop{Meta: actor, By: by, Reason: pick(t, "reason", "", "look")}
	}
	return commands.ResumeLoop{Meta: actor, By: by}
}

func datasetWish(t *rapid.T) commands.Command {
	var checks []events.Check
	for range rapid.IntRange(0, 2).Draw(t, "checks") {
		checks = append(checks, events.Check{Kind: pick(t, "kind", append(events.CheckKinds(), "mood")...), Text: pick(t, "text", "", "1", "(", "-1", "{}")})
	}
	return commands.AddToDataset{Dataset: "d", Run: pick(t, "run", "r", "s", ""), Checks: checks, By: "user:anna"}
}

func reviewWish(t *rapid.T) commands.Command {
	run := pick(t, "run", "r", "")
	switch pick(t, "wish", "ask", "judge", "close") {
	case "ask":
		return commands.AskReview{Run: run, Reason: pick(t, "reason", "why", ""), Reviewers: pick(t, "reviewers", 0, 1, 2, 3, 99)}
	case "judge":
		return commands.JudgeReview{Run: run, User: pick(t, "user", "a", "b", "c", ""), Judgement: pick(t, "judgement", events.JudgedRight, events.JudgedWrong, events.Unsure, "nice"), Reason: pick(t, "said", "", "so")}
	}
	return commands.CloseReview{Run: run, Reason: pick(t, "reason", "expired", "")}
}

func evalWish(t *rapid.T) commands.Command {
	runs := rapid.Int64Range(-1, 3).Draw(t, "runs")
	return commands.FinishEval{Fact: events.EvalFinished{
		Eval: "e", Agent: pick(t, "agent", "clerk", ""), Dataset: "d", Runs: runs, Passed: rapid.Int64Range(-1, 3).Draw(t, "passed"), High: rapid.Float64().Draw(t, "high"), Confidence: .95,
	}}
}

func roleWish(t *rapid.T) commands.Command {
	role := pick(t, "role", append(events.Roles(), events.Writer, "")...)
	switch pick(t, "wish", "ask", "answer", "silence") {
	case "ask":
		return commands.AskRole{Fact: events.RoleAsked{
			Run: "r", Role: role, Ground: "3 of 4", Evidence: events.Evidence{Statistic: "share", N: rapid.Int64Range(0, 2).Draw(t, "n"), From: 1, To: 2, High: 1, Confidence: .95},
		}}
	case "answer":
		return commands.AnswerRole{Run: "r", Fact: events.RoleAnswered{
			Role: role, Improvement: pick(t, "improvement", "", "i"), Candidates: rapid.IntRange(-1, 2).Draw(t, "candidates"), Text: pick(t, "text", "", "3 succeed", "5 succeed"),
		}}
	}
	return commands.SilenceRole{Fact: events.RoleSilenced{Role: role, Starting: "2026-11-01", LimitNanos: 5}}
}

func judgeWish(t *rapid.T) commands.Command {
	return commands.MeasureJudge{Fact: events.JudgeMeasured{
		Judge: "j", Agent: "judge", Both: rapid.Int64Range(-1, 3).Draw(t, "both"), Kappa: rapid.Float64().Draw(t, "kappa"), Low: -1, High: 1, Confidence: .95,
	}}
}

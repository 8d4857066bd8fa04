package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
)

var update = flag.Bool("update", false, "write the golden files that are missing, and the catalogue")

func ptr[T any](v T) *T { return &v }

// samples is one fact of each kind with every field set: what its golden file holds.
func samples() []events.Event {
	config := events.AgentConfig{Model: "gpt-4o-mini", Prompt: "Be brief.", Temperature: ptr(0.2), MaxTokens: 400, Effort: "low", API: "responses", Fallbacks: []string{"gpt-4o"}, Schema: json.RawMessage(`{"type":"object"}`), Tools: []string{"clock"}, Skills: []events.SkillRef{{Name: "refunds", Description: "How an order is refunded.", Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}, Fixes: []events.Fix{{ID: "4f0c1be2a7d3", Error: "no order <num>", Tool: "orders", Do: "Ask for the order's number.", Said: []events.Saying{{Feedback: "f9", Run: "r9", User: "cleo"}}, Of: []string{"slack:T1:U1"}}}, Examples: []events.Example{{Run: "r7", Requester: "user:bert"}}, Lessons: []events.Lesson{{Subject: "links", Said: []events.Saying{{Feedback: "f7", Run: "r7", User: "bert"}}}}, Of: []string{"slack:T1:U1"}, Routes: []events.Route{{Tasks: []string{"refund"}, To: "biller"}}}
	evidence := events.Evidence{
		From: 12, To: 4711, Positions: []uint64{12, 99}, Statistic: "risk difference, Newcombe's interval",
		Value: -0.31, Low: -0.44, High: -0.18, Confidence: 0.95, N: 460, Counts: map[string]int64{"with": 60, "without": 400},
	}
	change := events.Change{
		Kind: events.ChangeModel, Workflow: "checkout", Agent: "clerk", Config: &config, Others: []events.AgentConfig{{Prompt: "Be kind."}},
		Spawn: &events.NewAgent{Agent: "biller", Role: "pays back", Config: events.AgentConfig{Prompt: "Pay back."}},
		Steps: []string{"look up", "refund"}, Instruction: "Look the order up before refunding.",
	}
	claim := events.Claim{Workflow: "checkout", Subject: []string{"agent_model", "clerk", "gpt-4o-mini", "gpt-4o"}, Harms: true}
	proof := events.Proof{
		From: 12, To: 4711, Statistic: "the candidate is no better", LogE: 5.3, Needed: 5.2983, Difference: 0.11, Low: 0.04, High: 0.18, Confidence: 0.95,
		Arms: []events.ArmCount{
			{Arm: events.ControlArm, Runs: 900, Succeeded: 540, Unrated: 3, Judged: 12, CostNanos: 4_000_000, UnpricedCalls: 2, Milliseconds: 120_000},
			{Arm: events.CandidateArm, Runs: 300, Succeeded: 213, CostNanos: 1_300_000, Milliseconds: 39_000},
		},
		Flips: []events.Flip{{
			Task: "refund", ControlRuns: 90, ControlSucceeded: 85, CandidateRuns: 30, CandidateSucceeded: 4, LogE: 21.4, Needed: 6.6846,
		}},
	}
	resources := events.Resources{Tokens: 1200, TimeMS: 8500, Agents: 1}
	expected := events.Expected{Metric: "success_rate", Change: 0.31, Low: 0.18, High: 0.44}
	worth := events.Worth{
		Unit: events.MoreSuccesses, Month: 62, Low: 36, High: 88, Points: 31, PointsLow: 18, PointsHigh: 44, Share: 0.062, Severity: events.SeverityHigh,
	}
	definition := events.ToolDefinition{
		Server: "files", Remote: "read", Description: "Reads a file.", Schema: json.RawMessage(`{"type":"object"}`), Repeatable: true,
	}
	saved := events.RunbookSaved{
		Runbook: "refund", Workflow: "checkout", Run: "r1", Notes: "Look first.", Requester: "user:anna", From: 1,
		Steps: []events.RunbookStep{{Name: "look up", Agent: "clerk", Instruction: "Look {{order}} up."}, {Name: "refund", DependsOn: []int{0}}},
	}
	change.Book = &saved
	return []events.Event{
		events.AgentSpawned{
			Agent: "clerk", Role: "desk", Config: config, Imported: true, Author: "user:anna",
			Specialist: &events.Specialist{Run: "r1", Template: "template:support", Number: 2, Reason: "no agent fits", By: "clerk", Depth: 2, DraftedBy: "gpt-4o", Undrafted: "it is not JSON", Of: []string{"slack:T1:U1"}},
		},
		events.AgentConfigured{Config: config, Role: "desk", Author: "user:anna", Reason: "imp-1 was bad", Of: []string{"slack:T1:U1"}, Improvement: "imp-2", Restores: 1, RollsBack: []string{"imp-1"}, Proof: &proof},
		events.AgentRetired{Reason: "replaced"},
		events.AgentRested{Since: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)},
		events.AgentWoken{Run: "r1"},
		events.AgentAdopted{As: "clerk"},
		events.BudgetSet{Budget: "all", Period: events.Monthly, LimitNanos: 5_000_000_000, SpentNanos: 120_000, Since: "2026-11-09", Marks: []int{50, 80}, Fails: true, AnyCost: true, Limits: resources, Depth: 2, Fanout: 3},
		events.AnalystScored{
			Analyst: "workflow", Improvement: "imp-1", Foretold: expected, Found: evidence, Chance: .9, CameTrue: true, Brier: .01, Doubt: 1,
		},
		events.AnalystBound{Reason: "Its forecasts do not come true."},
		events.AnalystFreed{Reason: "Its forecasts came true again."},
		events.BudgetReserved{
			Reservation: "01930000-0000-7000-8000-000000000009", Run: "r1", Step: 2, Nanos: 300_000, Holder: "01930000-0000-7000-8000-000000000001",
			Begun: true, Day: "2026-11-09", Most: resources, Until: time.Date(2026, 11, 9, 13, 0, 0, 0, time.UTC),
		},
		events.BudgetSettled{Reservation: "01930000-0000-7000-8000-000000000009", Nanos: 310_000, Unknown: true, Over: 10_000, Starting: "2026-11-01", SpentNanos: 430_000, Took: resources, Used: resources},
		events.BudgetReached{Starting: "2026-11-01", Percent: 80, SpentNanos: 4_000_120_000, Used: resources, Unit: events.InTokens},
		events.BudgetExhausted{Starting: "2026-11-01", SpentNanos: 5_000_120_000, Used: resources, Unit: events.InTime},
		events.ExperimentPlanned{
			Experiment: "exp-1", Agent: "clerk", Improvement: "imp-1", Change: events.ChangePrompt, Config: config, Others: []events.AgentConfig{{Prompt: "Be kind."}}, Spawn: &events.NewAgent{Agent: "biller", Role: "pays back", Config: events.AgentConfig{Prompt: "Pay back."}}, Book: &saved, By: "user:anna", MaxShare: 1000,
			Plan: events.ExperimentPlan{
				Unit: events.ByConversation, Steps: []int{50, 250}, CanaryRuns: 20, MaxRuns: 8000, MaxDays: 30, FalseAlarms: 25, CostMore: 250, TimeMore: 500, Within: 1800, JudgedWithin: 3600, Flips: 2, GivesWay: true,
			},
			Screen: &events.Screen{Experiment: "exp-0", Runs: 900, Difference: .04, Low: -.02, High: .1, Confidence: .95, Eval: &events.EvalScreen{Eval: "01930000-0000-7000-8000-00000000000e", Runs: 40, Difference: .025, Low: -.08, High: .13, Confidence: .95}},
		},
		events.ExperimentStarted{Share: 50, Level: 0.005},
		events.ExperimentMoved{Share: 250, Proof: proof},
		events.ExperimentAllocated{
			Shares: []int{300, 0, 700}, Dropped: "candidate", Guardrail: "cost", Reason: "Its runs cost more than they may.", Proof: proof,
		},
		events.ExperimentProved{Arm: "candidate-2", Proof: proof},
		events.ExperimentPromoted{By: "policy", Arm: "candidate-2", Proof: proof},
		events.ExperimentRolledBack{Guardrail: "success", Reason: "Runs succeed less often.", Proof: proof},
		events.ExperimentStopped{By: "user:anna", Reason: "The prices change."},
		events.ExperimentExpired{Reason: "8000 runs showed no difference.", Proof: proof},
		events.FeedbackGiven{
			Feedback: "f1", Run: "r1", Step: ptr(2), User: "anna", Name: "helpfulness", Score: ptr(0.5), Label: "fair",
			Text: "Too long.", Better: "Just the answer.", Wish: "Shorter, with links.",
		},
		events.GoalCreated{
			Goal: "g1", Prompt: "Find out why checkouts fail, then write it down.", Level: events.Tactical, Parent: "g0", Requester: "user:anna",
			Conversation: "slack:T024BE7LH:C061EG9SL:1764310391.000200", LimitNanos: 2_500_000_000, Parallel: 4, Talks: 50,
		},
		events.GoalPlanAsked{By: "user:anna", Runbook: "failures", Slots: map[string]string{"day": "2026-11-28"}},
		events.GoalPlanned{
			Source: events.PlannedByModel, Runbook: "failures", Template: "chain", Run: "g1.plan-1-1", Note: "Two parts.", CostNanos: 222_300, UnpricedCalls: 2,
			Estimate: &events.GoalEstimate{
				Tasks: 3, Known: 2, Runs: 40, Seconds: 95, CostNanos: 2_100_000_000, LowNanos: 1_700_000_000, HighNanos: 2_500_000_000, Unpriced: 1, ChancePermille: 870,
			},
			Arms:     []events.Arm{{Experiment: "exp-2", Arm: events.CandidateArm, Permille: 50, Unit: "user:anna"}},
			Approval: "it can cost 2.5 USD, and plans above 2 need approval",
			Tasks: []events.GoalTask{
				{Task: "find", Title: "Find out", Instruction: "Find out why checkouts fail.", Agent: "clerk", EstimateSeconds: 60, EstimateNanos: 1_000_000},
				{
					Task: "write", Instruction: "Write it down.", Agent: "writer", Tool: "wiki", Params: `{"page":"failures"}`, DependsOn: []string{"find"}, Retries: 2, Escalate: "boss",
					OnFailure: events.SkipTask, Team: "review of report",
				},
			},
		},
		events.GoalPlanRefused{Reason: "its tasks wait for each other in a circle", Run: "g1.plan-1-2", CostNanos: 222_300, UnpricedCalls: 2},
		events.GoalApproved{By: "user:anna"},
		events.GoalStarted{By: "user:anna"},
		events.GoalTaskStarted{Task: "find", Attempt: 2, Run: "g1.find.2", Agent: "clerk", ShareNanos: 400_000_000},
		events.GoalTaskShort{Task: "find", Run: "g1.find.2", SpentNanos: 390_000_000, NeedsNanos: 410_000_000},
		events.GoalTaskAllotted{Task: "find", Run: "g1.find.2", ShareNanos: 450_000_000},
		events.GoalTaskFinished{Task: "find", Run: "g1.find.2", Agent: "clerk", CostNanos: 222_300, UnpricedCalls: 2},
		events.GoalTaskFailed{Task: "find", Run: "g1.find.1", Reason: "order not found", Next: events.TaskRetried, CostNanos: 222_300, UnpricedCalls: 2},
		events.GoalTaskSkipped{Task: "write", By: "user:anna", Reason: "not needed"},
		events.GoalTold{By: "user:anna", Text: "Nothing of last year."},
		events.GoalAgentAsked{Talk: 3, Task: "write", Asker: "g1.write.1", Turn: 2, Call: 1, From: "writer", To: "clerk", Text: "Which month is it about?", Run: "g1.talk-3-1"},
		events.GoalAgentAnswered{
			Talk: 3, Asker: "g1.write.1", Run: "g1.talk-3-1", Answer: "November.", Error: "budget exhausted", Next: "g1.talk-3-2", CostNanos: 222_300, UnpricedCalls: 2,
		},
		events.GoalTaskHandedOver{Talk: 4, Task: "write", Run: "g1.write.1", From: "writer", To: "clerk", Text: "The figures are there, the text is not.", CostNanos: 222_300, UnpricedCalls: 2},
		events.GoalTasksAssigned{
			Tasks: []events.TaskAssignment{{Task: "write", Agent: "writer", AssignedBy: events.AssignedByHistory, Reason: "writer succeeded in 9 of 9 like tasks", Rated: 9, Succeeded: 9}},
			Run:   "g1.assign", Model: "gpt-6-luna", CostNanos: 222_300, UnpricedCalls: 2,
		},
		events.GoalTaskChanged{Task: "write", By: "user:anna", Instruction: "Write three lines.", Agent: "clerk"},
		events.GoalTaskAnswered{Task: "ask", By: "user:anna", Answer: "The blue one."},
		events.GoalPaused{By: "budget", Reason: "budget exhausted"},
		events.GoalResumed{By: "user:anna"},
		events.GoalLimited{By: "user:anna", LimitNanos: 5_000_000_000},
		events.GoalCancelled{By: "user:anna", Reason: "not needed any more"},
		events.GoalFinished{Outcome: events.Failed, Reason: "failed for good: find"},
		events.ImprovementProposed{
			Improvement: "imp-1-2", Generation: 2, Previous: "imp-1", Analyst: "workflow", AnalystVersion: 1, Change: change, Claim: &claim, Strength: events.Strong, Reason: "Refunds fail more often without a look-up.",
			Of: []string{"slack:T1:U1"}, Evidence: evidence, Expected: expected, Worth: &worth, Bound: true,
		},
		events.ImprovementEvidenceChanged{
			Move: events.EvidenceWeaker, Strength: events.Moderate, Reason: "Refunds fail more often without a look-up.", Of: []string{"slack:T1:U1"}, Evidence: evidence, Expected: expected, Worth: &worth,
		},
		events.ImprovementApproved{By: "user:anna", Note: "go", Trial: true},
		events.ImprovementRejected{By: "user:anna", Reason: "not now"},
		events.ImprovementApplied{Share: 50, Before: &config, Agent: "clerk", Version: 2},
		events.ImprovementRolledBack{Reason: "guardrail", Of: []string{"user:anna"}},
		events.ImprovementEffectMeasured{Metric: "success_rate", Evidence: evidence},
		events.LogSealed{
			First: 4097, Count: 2, Last: uuid.MustParse("01930000-0000-7000-8000-000000000002"), Stream: "run-r1", Revision: 7,
			Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Prints: "60303ae22b998861fd61a03af04f76dd",
		},
		events.PolicySet{
			Models: []string{"gpt-4o-mini"}, MinTemperature: 0.1, MaxTemperature: 1.5, MaxTokens: 4000, Tools: []string{"clock", "orders"},
			Specialists: 5, SpecialistNanos: 500_000_000, GoalNanos: new(events.Nanos(2_000_000_000)),
			AskTools: []string{"orders"}, NeverTools: []string{"shell"}, FetchHosts: []string{"*.example.com"}, FetchNetworks: []string{"10.1.0.0/16"}, SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 50, Canary: []events.ChangeKind{events.ChangeModel},
			Changes: []events.ChangeRule{{
				Agents: []string{"shop-*"}, Kinds: []events.ChangeKind{events.ChangePrompt}, May: events.MayTry, Approvers: []string{"user:anna"},
			}},
			Approvers: []string{"user:anna", "user:ben"}, ExperimentNanos: 20_000_000_000,
		},
		events.TriggerSet{
			Trigger: "issues", Cron: "0 2 * * 1-5", Zone: "Europe/Berlin", Webhook: events.GitHubWebhooks, Secret: "ISSUES_SECRET", Prompt: "Triage: {{issue.title}}", Agent: "clerk",
			Workflow: "triage", Goal: true, Configured: true,
		},
		events.TriggerRemoved{Reason: "nobody reads it"},
		events.TimerFired{Trigger: "nightly", Tick: time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC), Missed: 3, Run: "0192f0c1-7b5e-7000-8000-0000000000f1", Error: "there is no such agent to ask"},
		events.RunAssigned{
			Agent: "clerk", Revision: 3, Model: "gpt-4o-mini", Arms: []events.Arm{{Experiment: "x1", Arm: "b", Permille: 50, Unit: "C1/17", Shares: []int{900, 50, 50}}}, Earlier: []string{"r0"}, Summaries: 2,
			Choice: &events.Choice{Reason: "clerk fits best by the words order, refund", Score: 2310, Rated: 12, Succeeded: 11},
		},
		events.RunToolCalled{
			Step: 3, Call: 1, Result: events.Message{Role: "tool", Name: "orders", Content: "error: outcome unknown", ToolCallID: "c1"}, Unknown: true,
		},
		events.RunApprovalAsked{
			Approval: "06aacbda1caacce8", Call: 1, Agent: "clerk", Tool: "orders", Arguments: `{"order":12}`,
			Expires: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		},
		events.RunSuspended{
			Budget: "agent:clerk", Nanos: 310_000, Period: events.Daily, LimitNanos: 1_000_000_000, Starting: "2026-11-09", Reason: "budget exhausted: raise it", AnyCost: true,
			Limits: resources, Unit: events.InTokens,
		},
		events.RunResumed{Budget: "agent:clerk", ShareNanos: 450_000_000},
		events.RunApprovalAnswered{Approval: "06aacbda1caacce8", Answer: events.ApprovalGranted, By: "user:anna", Note: "go"},
		events.RunStarted{
			Run: "r1", Workflow: "checkout", Task: "refund an order", Requester: "user:anna", Prompt: "Refund order 12.", Of: []string{"slack:T1:U1"},
			Summarises: &events.ConversationSummarised{
				Conversation: "C1/17", Requester: "user:anna", Maker: events.SummaryByModel, Run: "r1", Runs: []string{"r0"}, First: 3, Last: 9, Messages: 4, Text: "About tea.",
			},
			Conversation: "C1/17", Goal: "g1", ShareNanos: 400_000_000, Tool: "orders", Params: `{"order":12}`, Agent: "clerk", AskedBy: "r0",
			Phrases: &events.Phrasing{Asked: time.Date(2026, 11, 28, 7, 0, 0, 0, time.UTC), Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Title: "Patterns, yesterday", Lines: []events.PhrasingLine{
				{Text: "12 of 40 runs.", Positions: []uint64{3, 9}, Runs: []string{"r0"}, Improvement: "06aacbda1caacce8"},
			}},
			Schema: json.RawMessage(`{"type":"object"}`),
			Labels: map[string]string{"channel": "C1", "app": "desk"}, Source: &events.Source{Format: "runs", Record: "r1", Digest: "ab12"}, Undated: true,
		},
		events.RunStepStarted{
			Step: 2, Name: "look up", Type: events.ToolStep, Agent: "clerk", Tool: "orders", Model: "gpt-4o-mini", Parent: ptr(0), Call: ptr(0),
			DependsOn: []int{1}, Labels: map[string]string{"region": "eu"}, Undated: true,
		},
		events.RunStepFinished{
			Step: 2, Outcome: events.Failed, Error: "order not found", Model: "gpt-4o-mini-2024-07-18", InputTokens: 542, OutputTokens: 235,
			CachedTokens: 100, CostNanos: 222_300, Unpriced: true, Undated: true,
		},
		events.RunLLMCalled{
			Step: ptr(2), Model: "gpt-4o-mini", Provider: "openai",
			Asked:    []events.Message{{Role: "user", Name: "anna", Content: "Refund <order> 12 & tell me."}, {Role: "tool", Content: "{}", ToolCallID: "c1"}},
			Answered: []events.Message{{Role: "assistant", Thinking: "First the order.", Extra: json.RawMessage(`{"reasoning_details":[]}`), ToolCalls: []events.ToolCall{{ID: "c1", Name: "orders", Arguments: `{"order":12}`}}}},
			Params:   json.RawMessage(`{"temperature":0.2}`), FinishReason: "tool_calls", Scripted: true,
			Invalid: "it is not JSON alone", Failed: []events.ModelFailed{{Model: "gpt-4o", Error: "rate limited"}},
		},
		events.RunFinished{Outcome: events.Succeeded, Answer: "Done.", FinishReason: "stop", CostNanos: 222_300, UnpricedCalls: 2, Undated: true},
		events.RunFailed{Error: "order not found", Failure: events.NoMoney, FinishReason: "length", CostNanos: 222_300, UnpricedCalls: 2, Undated: true},
		events.RunCancelled{Reason: "changed my mind", CostNanos: 222_300, UnpricedCalls: 2, Undated: true},
		events.DatasetRunAdded{
			Dataset: "refunds", Run: "r1", By: "user:anna", Of: []string{"slack:T1:U1"},
			Checks: []events.Check{{Kind: events.ContainsCheck, Text: "<Done> & dusted"}, {Kind: events.ToolsCheck}},
		},
		events.EvalFinished{
			Eval: "01930000-0000-7000-8000-00000000000e", Agent: "clerk", Config: events.AgentConfig{Model: "small", Prompt: "Be brief."}, Version: 3, Dataset: "refunds", DatasetAt: 4000,
			Runs: 40, Passed: 36, Low: .77, High: .96, Confidence: .95, Checks: []events.CheckCount{{Kind: events.ContainsCheck, Held: 40, Passed: 36}}, Missed: 2,
			Against: &events.EvalAgainst{
				Version: 2, Config: events.AgentConfig{Model: "small", Prompt: "Be long."}, Passed: 35, Difference: .025, Low: -.08, High: .13, Gained: []string{"r1", "r2"}, Lost: []string{"r3"},
			},
			Judged:    []events.EvalJudged{{Judge: "5d41402abc4b2a76", Decides: true, Answers: 40, Good: 38, Rate: .93, Low: .8, High: 1}},
			CostNanos: 12_000_000, Unpriced: true, By: "user:anna",
		},
		events.JudgeMeasured{
			Judge: "5d41402abc4b2a76", Agent: "judge", Model: "large", Prompt: "b1946ac92492d234", Criterion: "It names the amount.", Both: 60, OnlyJudge: 4, OnlyPeople: 6, Neither: 30, Unread: 1,
			Kappa: .78, Low: .66, High: .91, Base: .66, Confidence: .95, From: 12, To: 3900, CostNanos: 8_000_000, Unpriced: true, By: "user:anna",
		},
		events.LoopPaused{By: "user:anna", Reason: "the prices change tonight"},
		events.LoopResumed{By: "user:anna", Reason: "they are in"},
		events.SkillSaved{
			Skill: "refunds", Description: "How an order is refunded.", Files: []events.SkillFile{{Path: "SKILL.md", Text: "---\nname: refunds\n---\nLook it up."}},
			Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", By: "user:anna",
			Edits: "3b5d5c3712955042212316173ccf37be80014bf1f3a5d9b7d8d1e2d4e4b4a0a1",
		},
		events.RunSpecialistDrafted{
			Step: 1, Template: "template:support", Model: "gpt-4o", Provider: "openai", Answer: `{"prompt":"Look the order up.","tools":["clock"]}`,
			Prompt: "Look the order up.", Tools: []string{"clock"}, Invalid: "it is too short",
		},
		events.RunFixKnown{Step: 3, Fix: "4f0c1be2a7d3", Told: true},
		events.RunSkillLoaded{Step: 3, Skill: "refunds", Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", File: "references/limits.md"},
		events.RuleSet{Workflow: "checkout", Rule: "correctness>=0.5", By: "user:anna"},
		events.ReviewAsked{Run: "r1", Experiment: "06aa", Arm: events.CandidateArm, Improvement: "06ab", Reason: "one more verdict there tells most", Reviewers: 3},
		events.RoleAsked{
			Run: "role-a1b2c3d4e5f60718", Role: events.RoleOptimisation, Agent: "clerk", Revision: 4, Version: 3, Runs: []string{"r1", "r2"}, Subject: []string{"agent", "clerk", "3"}, Ground: "clerk succeeded in 61 of 80 runs.", Of: []string{"slack:T1:U1"},
			Evidence: events.Evidence{From: 3, To: 90, Positions: []uint64{3}, Statistic: "share of runs that fail", Value: .4, Low: .3, High: .5, Confidence: .95, N: 40, Counts: map[string]int64{"failed": 16}},
		},
		events.RoleAnswered{
			Role: events.RoleOptimisation, Agent: "clerk", Model: "gpt-4o", Text: "Most runs fail.", Improvement: "5d41402abc4b2a76", Candidates: 2, Refused: []events.RoleRefusal{{Candidate: 3, Reason: "it repeats what was said in run r1", User: "slack:T1:U1"}}, Evals: []string{"e1"}, Of: []string{"slack:T1:U1"},
			Runbook: &events.RunbookSaved{Runbook: "refund", Workflow: "checkout", Run: "r1", Notes: "drafted", Steps: []events.RunbookStep{{Name: "look up", Agent: "clerk", Instruction: "Find it."}}},
		},
		events.RoleSilenced{Role: events.RoleAnalysis, Starting: "2026-11-01", LimitNanos: 5_000_000_000},
		events.ReviewJudged{Run: "r1", User: "slack:T1:U1", Judgement: events.JudgedWrong, Reason: "every 90 days"},
		events.ReviewClosed{Run: "r1", Right: 2, Wrong: 1, Unsure: 1, Verdict: events.Succeeded, Agreement: new(333), Reason: "not all have judged"},
		events.VerdictGiven{Run: "r1", Verdict: events.Failed, From: events.ByRule, By: "correctness>=0.5", Feedback: "f1"},
		events.RunbookSaved{
			Runbook: "refund", Workflow: "checkout", Run: "r1", Notes: "Worked 40 times of 41.", Requester: "user:anna", From: 1, Restores: 2, Improvement: "exp-2", Proof: &proof,
			Steps: []events.RunbookStep{{Name: "look up", Agent: "clerk", Tool: "orders", Model: "gpt-4o-mini", Instruction: "Look {{order}} up.", Params: `{"order":"{{order}}"}`}, {Name: "refund", DependsOn: []int{0}, Team: events.TeamReview, Agents: []string{"clerk", "boss"}}},
		},
		events.ConversationSummarised{
			Conversation: "r1", Requester: "user:anna", Maker: events.SummaryByModel, Run: "r1.summary-3", Runs: []string{"r1", "r2"}, First: 3, Last: 9, Messages: 4, Text: "It was about tea.",
		},
		events.PersonErased{Person: "5f2c0a9e4b7d4e1fa6c8d2b39e705114", By: "user:anna"},
		events.SlackInteracted{
			Interaction: "i1", User: "slack:T1:U1", Channel: "C1", Thread: "1700000000.000100", Type: "button", Name: "judge", Run: "r1",
			Outcome: events.SlackRefused, Reason: "there is no such run", TookNanos: 12_000_000,
		},
		events.SlackThreadOpened{Post: "r1", Run: "r1", Conversation: "slack:T1:C1:ask:r1", Channel: "C1", Thread: "1700000000.000100"},
		events.SlackStreamStarted{Post: "r1", Run: "r1", Channel: "C1", Thread: "1700000000.000100", TS: "1700000001.000200"},
		events.SlackPosted{
			Post: "r1", Run: "r1", Channel: "C1", Thread: "1700000000.000100", TS: "1700000001.000200", Reason: "missing_scope",
		},
		events.TaskOpened{Task: "t1", Workflow: "checkout", Title: "Refund order 12", Run: "r1", Assignee: "clerk"},
		events.TokenCreated{
			Token: "0f1e2d3c4b5a6978", Name: "anna's laptop", Scopes: []events.Scope{events.ScopeRead, events.ScopeWrite},
			Digest: "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
		},
		events.TokenRevoked{Reason: "the laptop was lost"},
		events.TaskUpdated{Status: events.TaskDone, Note: "refunded", Assignee: "clerk"},
		events.ToolPinned{Tool: "files__read", Definition: definition, Digest: "9f86d081884c7d65"},
		events.ToolChanged{Definition: definition, Digest: "60303ae22b998861"},
		events.ToolAccepted{Digest: "60303ae22b998861", By: "user:anna", Note: "only the wording"},
	}
}

// Not parallel: with -update it writes what the others read.
func TestEveryKindHasItsGoldenFile(t *testing.T) {
	seen := map[string]bool{}
	for _, sample := range samples() {
		kind, version, data, err := events.Encode(sample)
		if err != nil {
			t.Fatal(err)
		}
		seen[kind] = true
		for i := range reflect.TypeOf(sample).NumField() {
			if reflect.ValueOf(sample).Field(i).IsZero() && kind != "feedback.given" { // a feedback is on a run or on an agent
				t.Errorf("the sample of %s leaves %s unset", kind, reflect.TypeOf(sample).Field(i).Name)
			}
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, data, "", "  "); err != nil {
			t.Fatal(err)
		}
		pretty.WriteByte('\n')
		name := filepath.Join("testdata", "golden", fmt.Sprintf("%s.v%d.json", kind, version))
		want, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) && *update {
			if err := os.WriteFile(name, pretty.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%v: `make golden` writes it", err)
		}
		if !bytes.Equal(pretty.Bytes(), want) {
			t.Errorf("%s is no longer what was promised: a changed shape needs a new version with an upcaster\n got %s\nwant %s", name, pretty.Bytes(), want)
		}
	}
	for _, kind := range events.Known.Kinds() {
		if !seen[kind] {
			t.Errorf("kind %s has no sample, so no golden file", kind)
		}
	}
}

func TestEveryGoldenFileDecodesForEver(t *testing.T) {
	t.Parallel()
	byKind := map[string]events.Event{}
	for _, s := range samples() {
		byKind[s.Kind()] = s
	}
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	if err != nil || len(files) < len(byKind) {
		t.Fatalf("found %d golden files, want at least %d (%v)", len(files), len(byKind), err)
	}
	name := regexp.MustCompile(`^(.+)\.v(\d+)\.json$`)
	for _, file := range files {
		m := name.FindStringSubmatch(filepath.Base(file))
		if m == nil {
			t.Fatalf("%s is not named kind.vN.json", file)
		}
		version, _ := strconv.Atoi(m[2])
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := events.Known.Decode(m[1], version, data)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if version == events.Known.Version(m[1]) && !reflect.DeepEqual(normal(t, got), normal(t, byKind[m[1]])) {
			t.Errorf("%s\n got %+v\nwant %+v", file, got, byKind[m[1]])
		}
	}
}

// normal compares facts by their JSON: indentation inside a RawMessage is not a difference.
func normal(t *testing.T, e events.Event) any {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

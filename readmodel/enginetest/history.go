package enginetest

import (
	"fmt"
	"math"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

var (
	names     = rapid.SampledFrom([]string{"plan", "search", "answer", "é<&>\"\\", "a\x00b", "a", "\x01\x02b", "x,\",\"y"})
	optionals = rapid.SampledFrom([]string{"", "", "anna", "bert", "gpt-4", "o'clock"})
	outcomes  = rapid.SampledFrom([]events.Outcome{events.Succeeded, events.Failed, events.Cancelled, events.Unrated})
	amounts   = rapid.OneOf(rapid.Int64Range(0, 5000), rapid.SampledFrom([]int64{0, math.MaxInt64}))
	scores    = rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, .25, -3e300})
)

// openRun is a run that the generator has begun.
type openRun struct {
	id    string
	steps int
	open  []int
}

// History draws a history as the deciders can produce it: any nouns, any interleaving, runs that never end.
func History(t *rapid.T) []readmodel.Entry { return draw(t, false) }

// Poisoned is a History of which some facts may be poison: they can't be decoded, or can't follow those before them.
func Poisoned(t *rapid.T) []readmodel.Entry {
	return draw(t, rapid.IntRange(0, 2).Draw(t, "poisoned") == 0)
}

func draw(t *rapid.T, poisoned bool) []readmodel.Entry {
	h := &history{T: t, log: newLog(), at: time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)}
	for range rapid.IntRange(0, 120).Draw(t, "facts") {
		if poisoned && rapid.IntRange(0, 9).Draw(t, "poison") == 0 {
			h.poison()
		}
		h.at = h.at.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "later")))
		switch kind := rapid.IntRange(0, 20).Draw(t, "kind"); kind {
		case 0, 1:
			h.startRun()
		case 2:
			h.agent()
		case 3:
			h.task()
		case 4:
			h.feedback()
		case 5:
			h.improvement()
		case 6:
			h.runbook()
		case 7:
			h.budget()
		case 8, 9:
			h.experiment()
		case 10, 11, 12:
			h.verdict()
		default:
			h.goOn()
		}
	}
	return h.entries
}

type history struct {
	*rapid.T
	*log
	at           time.Time
	runs         []*openRun
	all          []string
	begun        int
	agents       []string
	tasks        []string
	improvements []string
	budgets      []string
	experiments  []string
	given        int
}

func (h *history) name(label string) string     { return names.Draw(h.T, label) }
func (h *history) optional(label string) string { return optionals.Draw(h.T, label) }
func (h *history) yes(label string) bool        { return rapid.Bool().Draw(h.T, label) }

func (h *history) startRun() {
	h.begun++
	r := &openRun{id: fmt.Sprintf("%03d-%s", 500-h.begun, h.name("run"))}
	e := events.RunStarted{
		Run: r.id, Workflow: h.name("workflow"), Task: h.optional("task"), Requester: h.optional("requester"), Conversation: h.optional("conversation"),
		Undated: h.yes("undated"),
	}
	if h.yes("imported") {
		e.Source = &events.Source{Format: "runs", Record: r.id}
		e.Labels = map[string]string{"z": h.name("label"), "a": ""}
	}
	h.runs, h.all = append(h.runs, r), append(h.all, r.id)
	h.add("run-"+r.id, h.at, e)
}

// goOn appends a fact to an open run.
func (h *history) goOn() {
	if len(h.runs) == 0 {
		h.startRun()
		return
	}
	i := rapid.IntRange(0, len(h.runs)-1).Draw(h.T, "run")
	r := h.runs[i]
	stream := "run-" + r.id
	end := func(e events.Event) {
		h.add(stream, h.at, e)
		h.runs = append(h.runs[:i:i], h.runs[i+1:]...)
	}
	switch kind := rapid.IntRange(0, 11).Draw(h.T, "fact"); {
	case kind < 4:
		e := events.RunStepStarted{
			Step: r.steps, Name: h.name("step"), Type: events.ChatStep, Agent: h.optional("agent"), Tool: h.optional("tool"),
			Model: h.optional("model"), Undated: h.yes("undated"),
		}
		if r.steps > 0 {
			parent := rapid.IntRange(0, r.steps-1).Draw(h.T, "parent")
			e.Parent, e.DependsOn, e.Labels = &parent, []int{0, parent}, map[string]string{"k": "v"}
		}
		h.add(stream, h.at, e)
		r.open = append(r.open, r.steps)
		r.steps++
	case kind < 8 && len(r.open) > 0:
		j := rapid.IntRange(0, len(r.open)-1).Draw(h.T, "finished")
		h.add(stream, h.at, events.RunStepFinished{
			Step: r.open[j], Outcome: outcomes.Draw(h.T, "outcome"), Error: h.optional("error"), Model: rapid.OneOf(optionals, rapid.Just(events.ScriptedModel)).Draw(h.T, "answered by"),
			InputTokens: amounts.Draw(h.T, "input"), OutputTokens: amounts.Draw(h.T, "output"),
			CachedTokens: amounts.Draw(h.T, "cached"), CostNanos: events.Nanos(amounts.Draw(h.T, "cost")), Undated: h.yes("undated"),
		})
		r.open = append(r.open[:j:j], r.open[j+1:]...)
	case kind == 8:
		h.add(stream, h.at, events.RunLLMCalled{})
	case kind == 9:
		o := rapid.SampledFrom([]events.Outcome{events.Succeeded, events.Unrated}).Draw(h.T, "end")
		end(events.RunFinished{Outcome: o, Answer: h.optional("answer"), CostNanos: events.Nanos(amounts.Draw(h.T, "cost")), Undated: h.yes("undated")})
	case kind == 10:
		end(events.RunFailed{Error: h.optional("error"), Undated: h.yes("undated")})
	case kind == 11:
		end(events.RunCancelled{Reason: h.optional("reason"), Undated: h.yes("undated")})
	}
}

// poison appends a fact to some stream that can't be folded there. The stream goes on behind it.
func (h *history) poison() {
	streams := []string{"agent-anna", "budget-plan", "improvement-i0", "run-none", "task-bert", "other-1", "verdict-v", "rule-plan"}
	for _, r := range h.runs {
		streams = append(streams, "run-"+r.id)
	}
	stream := rapid.SampledFrom(streams).Draw(h.T, "poisoned stream")
	if h.yes("can't be decoded") {
		h.add(stream, h.at, nil)
		return
	}
	h.add(stream, h.at, rapid.SampledFrom([]events.Event{
		events.RunStepStarted{Step: 99}, events.RunFinished{Outcome: "unheard of"}, events.AgentSpawned{Agent: "another"},
		events.TaskUpdated{Note: "x"}, events.ImprovementApproved{}, events.BudgetExhausted{}, events.RunbookSaved{Runbook: "another"},
		events.VerdictGiven{Run: "another"}, events.RuleSet{Workflow: "another"},
	}).Draw(h.T, "misplaced"))
}

func (h *history) agent() {
	config := events.AgentConfig{Model: h.optional("model"), Tools: []string{h.name("tool")}}
	if h.yes("temperature") {
		v := scores.Draw(h.T, "temperature")
		config.Temperature = &v
	}
	if len(h.agents) == 0 || h.yes("spawn") {
		agent := rapid.SampledFrom([]string{"anna", "bert", "carl"}).Draw(h.T, "agent")
		if h.revisions["agent-"+agent] == 0 {
			h.agents = append(h.agents, agent)
			h.add("agent-"+agent, h.at, events.AgentSpawned{Agent: agent, Role: "clerk", Config: config, Imported: h.yes("imported")})
		}
		return
	}
	agent := rapid.SampledFrom(h.agents).Draw(h.T, "agent")
	if h.yes("configure") {
		h.add("agent-"+agent, h.at, events.AgentConfigured{Config: config})
	} else {
		h.add("agent-"+agent, h.at, events.AgentRetired{Reason: "old"})
	}
}

func (h *history) task() {
	if len(h.tasks) == 0 || h.yes("open") {
		task := rapid.SampledFrom([]string{"anna", "bert", "a-b"}).Draw(h.T, "task")
		if h.revisions["task-"+task] == 0 {
			h.tasks = append(h.tasks, task)
			h.add("task-"+task, h.at, events.TaskOpened{Task: task, Workflow: h.name("workflow"), Title: h.name("title")})
		}
		return
	}
	task := rapid.SampledFrom(h.tasks).Draw(h.T, "task")
	h.add("task-"+task, h.at, events.TaskUpdated{Status: events.TaskBlocked, Note: h.optional("note"), Assignee: h.optional("assignee")})
}

func (h *history) feedback() {
	h.given++
	e := events.FeedbackGiven{Feedback: fmt.Sprint("f", h.given), Run: h.name("run"), Text: h.optional("text")}
	if h.yes("scored") {
		v, step := scores.Draw(h.T, "score"), 0
		e.Score, e.Step = &v, &step
	}
	h.add("feedback-"+e.Feedback, h.at, e)
}

// verdict judges a run: one under way, one that has ended, or one that nobody knows yet.
func (h *history) verdict() {
	if h.yes("rule") && h.yes("set") {
		workflow := h.name("workflow")
		h.add("rule-"+workflow, h.at, events.RuleSet{Workflow: workflow, Rule: rapid.SampledFrom([]string{"", "a>=1"}).Draw(h.T, "is")})
		return
	}
	run := fmt.Sprintf("%03d-%s", 500-rapid.IntRange(1, h.begun+1).Draw(h.T, "judged"), h.name("run"))
	if len(h.all) > 0 && rapid.IntRange(0, 5).Draw(h.T, "known") > 0 {
		run = rapid.SampledFrom(h.all).Draw(h.T, "judged run")
	}
	h.add("verdict-"+run, h.at, events.VerdictGiven{
		Run: run, Verdict: rapid.SampledFrom([]events.Outcome{events.Succeeded, events.Failed, events.Failed, events.Unrated}).Draw(h.T, "verdict"),
		From: rapid.SampledFrom([]events.VerdictOrigin{events.ByPerson, events.BySource, events.ByRule}).Draw(h.T, "from"), By: h.optional("by"),
	})
}

func (h *history) improvement() {
	evidence := events.Evidence{From: 1, To: 2, Statistic: "risk difference", Value: .1, Low: -.1, High: .3, Confidence: .95, N: 7}
	if len(h.improvements) == 0 || h.yes("propose") {
		id := fmt.Sprint("i", len(h.improvements))
		h.improvements = append(h.improvements, id)
		h.add("improvement-"+id, h.at, events.ImprovementProposed{
			Improvement: id, Analyst: "workflow", AnalystVersion: 1, Reason: h.name("reason"), Evidence: evidence,
			Change: events.Change{Kind: events.ChangeWorkflow, Workflow: h.name("workflow")},
		})
		return
	}
	id := rapid.SampledFrom(h.improvements).Draw(h.T, "improvement")
	h.add("improvement-"+id, h.at, rapid.SampledFrom([]events.Event{
		events.ImprovementApproved{By: "anna"}, events.ImprovementRejected{By: "anna", Reason: "no"},
		events.ImprovementApplied{Share: 50}, events.ImprovementRolledBack{Reason: "worse"},
		events.ImprovementEvidenceChanged{Move: events.EvidenceWeaker, Strength: events.Weak, Reason: h.name("today's"), Evidence: evidence},
		events.ImprovementEvidenceChanged{Move: events.EvidenceGone, Strength: events.Gone, Reason: "gone", Evidence: evidence},
		events.ImprovementEffectMeasured{Metric: "success_rate", Evidence: evidence},
	}).Draw(h.T, "decision"))
}

func (h *history) experiment() {
	if len(h.experiments) == 0 || h.yes("plan") {
		id := fmt.Sprint("x", len(h.experiments))
		h.experiments = append(h.experiments, id)
		h.add("experiment-"+id, h.at, events.ExperimentPlanned{
			Experiment: id, Agent: h.name("agent"), Change: events.ChangePrompt, Config: events.AgentConfig{Prompt: h.name("prompt")}, By: "anna",
			MaxShare: 1000, Plan: events.ExperimentPlan{Unit: events.ByRequester, Steps: []int{50, 250}},
		})
		return
	}
	id := rapid.SampledFrom(h.experiments).Draw(h.T, "experiment")
	if len(h.runs) > 0 && h.yes("draw") {
		run := rapid.SampledFrom(h.runs).Draw(h.T, "drawn").id
		h.add("run-"+run, h.at, events.RunAssigned{Agent: "anna", Arms: []events.Arm{
			{Experiment: id, Arm: events.CandidateArm, Permille: 50, Unit: h.name("unit")},
			{Experiment: events.Holdback("anna"), Arm: events.CurrentArm, Permille: 950},
		}})
		return
	}
	proof := events.Proof{From: 1, To: 2, Statistic: "no better", LogE: 3.5, Arms: []events.ArmCount{{Arm: events.ControlArm, Runs: 3}}}
	h.add("experiment-"+id, h.at, rapid.SampledFrom([]events.Event{
		events.ExperimentStarted{Share: 50, Level: .005}, events.ExperimentMoved{Share: 250, Proof: proof}, events.ExperimentProved{Proof: proof},
		events.ExperimentAllocated{Shares: []int{900, 100}, Proof: proof},
		events.ExperimentPromoted{By: "policy", Proof: proof}, events.ExperimentRolledBack{Guardrail: "cost", Reason: h.name("why"), Proof: proof},
		events.ExperimentStopped{By: "anna", Reason: "no"}, events.ExperimentExpired{Reason: "old", Proof: proof},
	}).Draw(h.T, "decision"))
}

func (h *history) runbook() {
	name := h.name("runbook")
	h.add("runbook-"+name, h.at, events.RunbookSaved{Runbook: name, Steps: []events.RunbookStep{{Name: h.name("step")}}})
}

func (h *history) budget() {
	if len(h.budgets) == 0 || h.yes("set") {
		name := h.name("budget")
		h.budgets = append(h.budgets, name)
		h.add("budget-"+name, h.at, events.BudgetSet{Budget: name, Period: events.Daily, LimitNanos: 5})
		return
	}
	name := rapid.SampledFrom(h.budgets).Draw(h.T, "budget")
	h.add("budget-"+name, h.at, events.BudgetExhausted{Starting: "2026-11-21", SpentNanos: 6})
}

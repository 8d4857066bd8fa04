package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Planner is the agent that turns goals into tasks. It is made when it is first needed; its model can be configured like any
// other agent's.
const Planner = "planner"

// Assigner is the agent that says who does the tasks for which a plan names nobody. It is made as the planner is.
const Assigner = "assigner"

// Judging is the agent that judges answers where no other is named.
const Judging = "judge"

// planner makes plans: by a runbook that fits, else by a model, else by a template. What a model says is asked for in a run
// like any other, so that it is asked once, recorded and counted.
type planner struct {
	store    eventstore.Store
	dispatch commands.Dispatch
	agents   Agents
	models   *projections.Models
	clock    Clock
	// scripted tells that no model can be asked for a plan.
	scripted bool
	// trials are the experiments that runbooks may be part of, and holdback is how many goals in a thousand stay on a runbook as a person saved it.
	trials   *trials
	holdback int
}

// The places of what comes of the wish for a plan: its commands' ids derive from them.
const (
	planSlot = iota
	askPlanSlot
	refusePlanSlot
	spawnPlannerSlot
	stopTrialSlot
)

func (p *planner) perform(ctx context.Context, wish managers.Plan) error {
	if err := p.upToDate(ctx); err != nil {
		return err
	}
	known, err := Askable(ctx, p.models.In(wish.Workspace))
	if err != nil {
		return err
	}
	if wish.Asked > 0 {
		return p.read(ctx, wish, known)
	}
	book, err := p.runbook(ctx, wish)
	switch {
	case err != nil:
		return err
	case book == nil && wish.Runbook != "":
		return p.refuse(ctx, wish, fmt.Sprintf("there is no runbook %q: `virtuous6 runbooks` lists them", wish.Runbook))
	case book != nil:
		return p.follow(ctx, wish, book.Runbook, known)
	case p.scripted:
		name, tasks := template(wish.Prompt)
		plan := commands.PlanGoal{
			Source: events.PlannedByTemplate, Template: name, Tasks: tasks,
			Note: "made by a template: no model is configured that could make a plan",
		}
		return p.take(ctx, wish, plan, known, func(reason string) error { return p.refuse(ctx, wish, reason) })
	}
	if err := p.prepare(ctx, wish); err != nil {
		return err
	}
	prompt, err := p.prompt(ctx, wish)
	if err != nil {
		return err
	}
	return p.ask(ctx, wish, prompt)
}

// upToDate waits until the read models have seen what the log has by now: who is there to be given tasks.
func (p *planner) upToDate(ctx context.Context) error {
	head, err := p.store.Head(ctx)
	if err != nil {
		return err
	}
	for {
		at, err := p.models.Position(ctx)
		if err != nil && !errors.Is(err, readmodel.ErrOutdated) || err == nil && at >= head {
			return err
		}
		wait := time.NewTimer(firstLook)
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
	}
}

// read takes what a model said. One that said something else than a plan is told so once.
func (p *planner) read(ctx context.Context, wish managers.Plan, known []string) error {
	if wish.Failed != "" {
		return p.refuse(ctx, wish, "the model was asked for a plan and gave none: "+wish.Failed)
	}
	wrong := func(reason string) error {
		if wish.Asked > 1 {
			return p.refuse(ctx, wish, "the model gave no plan that holds, though it was told what was wrong: "+reason)
		}
		prompt, err := p.prompt(ctx, wish)
		if err != nil {
			return err
		}
		return p.ask(ctx, wish, fmt.Sprintf("%s\n\nThis was your answer:\n%s\n\nIt can't be taken: %s\nAnswer again, with the whole of the JSON.",
			prompt, wish.Answer, reason))
	}
	plan, err := readPlan(wish.Answer)
	if err != nil {
		return wrong(err.Error())
	}
	plan.Run, plan.CostNanos, plan.UnpricedCalls = wish.Run, wish.Cost.CostNanos, wish.Cost.UnpricedCalls
	return p.take(ctx, wish, plan, known, wrong)
}

// take gives the goal its plan, or has wrong hear why it can't.
func (p *planner) take(ctx context.Context, wish managers.Plan, plan commands.PlanGoal, known []string, wrong func(reason string) error) error {
	if err := p.estimated(ctx, wish.Workspace, &plan); err != nil {
		return err
	}
	plan.Meta, plan.Goal, plan.Agents = p.meta(wish, planSlot), wish.Goal, known
	_, err := p.dispatch(ctx, plan)
	if errors.Is(err, aggregates.ErrInvalid) || errors.Is(err, aggregates.ErrBudget) {
		return wrong(err.Error())
	}
	return moved(err)
}

// moved is nil for a refusal that tells that history went on without this.
func moved(err error) error {
	if aggregates.Refused(err) {
		return nil
	}
	return err
}

func (p *planner) refuse(ctx context.Context, wish managers.Plan, reason string) error {
	_, err := p.dispatch(ctx, commands.RefusePlan{Meta: p.meta(wish, refusePlanSlot), Goal: wish.Goal, Reason: reason, Run: wish.Run, CostNanos: wish.Cost.CostNanos, UnpricedCalls: wish.Cost.UnpricedCalls})
	return moved(err)
}

func (p *planner) ask(ctx context.Context, wish managers.Plan, prompt string) error {
	run := commands.PlanRun(wish.Goal, wish.Round, wish.Asked+1)
	start := commands.StartRun{
		Meta: p.meta(wish, askPlanSlot), Run: run, Workflow: "goal", Task: "plan", Goal: wish.Goal, Requester: wish.Requester, Agent: Planner, Prompt: prompt,
	}
	start.Correlation, start.Conversation = run, run
	_, err := p.dispatch(ctx, start)
	return moved(err)
}

func (p *planner) meta(wish managers.Plan, slot int) commands.Meta {
	return commands.Meta{
		ID: events.DeriveID(wish.ID, slot), At: p.clock(), Actor: "manager:goal", Workspace: wish.Workspace, Causation: wish.ID,
	}
}

// prepare makes the planner, where there is none.
func (p *planner) prepare(ctx context.Context, wish managers.Plan) error {
	return p.made(ctx, p.meta(wish, spawnPlannerSlot), Planner, "breaks goals into tasks")
}

// made makes an agent that the program itself needs, where there was none of that name.
func (p *planner) made(ctx context.Context, meta commands.Meta, name, role string) error {
	agent, _, err := p.agents.Agent(ctx, meta.Workspace, name)
	if err != nil || agent.Live || agent.Retired {
		return err
	}
	_, err = p.dispatch(ctx, commands.SpawnAgent{Meta: meta, Agent: name, Role: role})
	return moved(err)
}

// Askable are the agents that can be given tasks.
func Askable(ctx context.Context, r projections.Reader) ([]string, error) {
	rows, err := r.Agents(ctx)
	if err != nil {
		return nil, err
	}
	known := []string{events.Assistant}
	for _, r := range rows {
		if canTask(r) && r.Agent != events.Assistant {
			known = append(known, r.Agent)
		}
	}
	return known, nil
}

func canTask(r projections.AgentRow) bool {
	return r.Askable() && !own(r.Agent)
}

// taskLabel is what the runs of a task are counted under.
func taskLabel(t events.GoalTask) string {
	if t.Title != "" {
		return t.Title
	}
	return t.Task
}

// runbook is the one to go by: the one that was named, or the one whose name the goal says in all its words, the longest
// first. It is nil where there is none.
func (p *planner) runbook(ctx context.Context, wish managers.Plan) (*projections.RunbookRow, error) {
	books, err := p.models.In(wish.Workspace).Runbooks(ctx)
	if err != nil {
		return nil, err
	}
	var found *projections.RunbookRow
	most := 0
	said := wordsOf(wish.Prompt)
	for i, b := range books {
		words := wordsOf(b.Runbook)
		switch {
		case wish.Runbook == b.Runbook:
			return &books[i], nil
		case wish.Runbook != "" || len(words) <= most || len(b.Runbook) < 4:
		case !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(said, w) }):
			found, most = &books[i], len(words)
		}
	}
	return found, nil
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune(" \t\r\n-_.,;:!?()\"'", r) })
}

// plannedTask is a task as a model writes it.
type plannedTask struct {
	Task        string      `json:"task"`
	Title       string      `json:"title"`
	Instruction string      `json:"instruction"`
	Agent       string      `json:"agent"`
	DependsOn   []string    `json:"depends_on"`
	Seconds     int64       `json:"seconds"`
	Team        events.Team `json:"team"`
	Agents      []string    `json:"agents"`
}

// readPlan reads a model's plan out of its answer: the JSON object in it.
func readPlan(answer string) (commands.PlanGoal, error) {
	from, to := strings.IndexByte(answer, '{'), strings.LastIndexByte(answer, '}')
	if from < 0 || to < from {
		return commands.PlanGoal{}, errors.New("there is no JSON object in it")
	}
	var said struct {
		Note  string        `json:"note"`
		Tasks []plannedTask `json:"tasks"`
	}
	if err := answers.ReadStrict(answer[from:to+1], &said); err != nil {
		return commands.PlanGoal{}, err
	}
	plan := commands.PlanGoal{Source: events.PlannedByModel, Note: said.Note}
	teams := map[string]teamOf{}
	for _, t := range said.Tasks {
		teams[t.Task] = teamOf{t.Team, t.Agents}
		plan.Tasks = append(plan.Tasks, events.GoalTask{
			Task: t.Task, Title: t.Title, Instruction: t.Instruction, Agent: t.Agent, DependsOn: t.DependsOn, EstimateSeconds: t.Seconds, Retries: 1,
		})
	}
	var err error
	plan.Tasks, err = formTeams(plan.Tasks, teams)
	return plan, err
}

// prompt asks for a plan.
func (p *planner) prompt(ctx context.Context, wish managers.Plan) (string, error) {
	rows, err := p.models.In(wish.Workspace).Agents(ctx)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Break this goal into tasks, each of which one agent can do by itself:\n\n%s\n\n", wish.Prompt)
	b.WriteString("The agents, with what they do and the tools that they have:\n")
	for _, r := range rows {
		if canTask(r) {
			fmt.Fprintf(&b, "- %s: %s; tools: %s\n", r.Agent, r.Role, strings.Join(r.Tools, ", "))
		}
	}
	b.WriteString(`
Answer with one JSON object and nothing else:
{"note": "what to know about the plan", "tasks": [{"task": "a-short-name", "title": "a few words", "instruction": "all that the agent has to know to do it",
"agent": "one of the agents above where nobody else can do it, else empty: it goes to whoever does such tasks best", "depends_on": ["names of the tasks whose results it needs"], "seconds": 60}]}
"seconds" is how long it will take. Tasks that don't need each other's results are done at the same time: let a task depend only on
what it needs. No task may depend on itself, be it over others. The last task should put the result together.
Where one agent is not enough for a task, give it "team" and "agents", the names of its agents in the order of their parts:
`)
	for _, t := range teamRuns {
		fmt.Fprintf(&b, "- %q costs %d runs instead of one: %s\n", t.team, t.runs, t.does)
	}
	return b.String(), nil
}

// gaveUp tells the goal that no plan could be made.
func (p *planner) gaveUp(ctx context.Context, wish managers.Plan, reason string) error {
	return p.refuse(ctx, wish, reason)
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type experimentsVerb struct {
	List    experimentsListVerb    `cmd:"" default:"withargs" help:"List what is tried on a part of the runs."`
	Show    experimentsShowVerb    `cmd:"" help:"Show an experiment: its arms, and what its decisions rest on."`
	Start   experimentsStartVerb   `cmd:"" help:"Try a change of an agent on a part of its runs, or of a runbook on a part of its goals."`
	Promote experimentsPromoteVerb `cmd:"" help:"Give all runs what was proved to be better and waits for a person."`
	Stop    experimentsStopVerb    `cmd:"" help:"End an experiment: all get the agent, or the runbook, as it is."`
}

type experimentsListVerb struct {
	Status string `help:"Only these: planned, running, proved, promoted, rolled_back, stopped, expired, held_back." enum:",planned,running,proved,promoted,rolled_back,stopped,expired,held_back" default:""`
	listFlags
}

// Help gives examples.
func (experimentsListVerb) Help() string {
	return "An experiment that is held back never ends: some runs stay on an agent as a person made it, and show what all improvements " +
		"since then did together.\n\nExamples:\n  virtuous6 experiments\n  virtuous6 experiments --status running --json"
}

// Run lists experiments, the latest first.
func (v experimentsListVerb) Run(ctx context.Context, a *app) error {
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.ExperimentRow, error) {
		return reader.Experiments(ctx, v.Status)
	}, func(rows []projections.ExperimentRow) error {
		if len(rows) == 0 {
			a.note("No experiments: `virtuous6 experiments start AGENT --prompt ...` tries a change on a part of the runs.")
			return nil
		}
		return table(a.out, "EXPERIMENT|AGENT OR RUNBOOK|CHANGE|STATUS|SHARE|RUNS WITHOUT|SUCCEED|RUNS WITH|SUCCEED|SINCE", func(row func(...any)) {
			for _, x := range rows {
				old, next := arms(x)
				row(short(x.Experiment, 40), short(x.Subject(), 32), orDash(x.Kind), x.Status, percent(x.Share), old.Runs, succeedRate(old), next.Runs, succeedRate(next), when(x.StartedAt))
			}
		})
	})
}

// arms are what goes on as before, and what is tried, all candidates together. Held back, what goes on as before is frozen.
func arms(x projections.ExperimentRow) (old, next events.ArmCount) {
	for _, arm := range x.Arms {
		if arm.Arm == events.ControlArm || arm.Arm == events.FrozenArm || arm.Arm == events.HeldOutArm {
			old = arm
		} else {
			next.Runs, next.Succeeded, next.Unrated = next.Runs+arm.Runs, next.Succeeded+arm.Succeeded, next.Unrated+arm.Unrated
		}
	}
	return old, next
}

func percent(permille int64) string {
	if permille == 0 {
		return "-"
	}
	return fmt.Sprintf("%g%%", float64(permille)/10)
}

// succeedRate is the share of the rated runs of an arm that succeeded.
func succeedRate(a events.ArmCount) string {
	if a.Runs == a.Unrated {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(a.Succeeded)/float64(a.Runs-a.Unrated))
}

type experimentsShowVerb struct {
	Experiment string `arg:"" help:"The experiment's id, or what only its id begins with."`
	JSON       bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives an example.
func (experimentsShowVerb) Help() string {
	return "Example:\n  virtuous6 experiments show 06aacbda1caacce8"
}

// Run shows one experiment.
func (v experimentsShowVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	x, err := findExperiment(ctx, reader, v.Experiment)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(x)
	}
	unit := "runs"
	if x.Runbook != "" {
		unit = "goals"
	}
	fmt.Fprintf(a.out, "%s  %s: the %s of %s", x.Experiment, x.Status, cmpKind(x.Kind), oneLine(x.Subject()))
	if x.Share > 0 {
		fmt.Fprintf(a.out, ", with %s of the %s", percent(x.Share), unit)
	}
	fmt.Fprintln(a.out)
	if x.Reason != "" {
		fmt.Fprintf(a.out, "because %s\n", oneLine(x.Reason))
	}
	if x.LetBy != "" {
		fmt.Fprintf(a.out, "let by %s, up to %s without another word; by %s; ends after %d %s or %d days\n",
			oneLine(x.LetBy), percent(x.MaxShare), x.Plan.Unit, x.Plan.MaxRuns, unit, x.Plan.MaxDays)
	}
	if x.Book != nil {
		fmt.Fprintf(a.out, "%s, beside version %d:\n", events.CandidateArm, x.Book.From)
		writeSteps(a.out, x.Book.Steps)
	}
	for i, config := range append([]events.AgentConfig{x.Config}, x.Others...) {
		if x.Kind != "" && x.Book == nil && x.Status != projections.ExperimentHeldBack {
			fmt.Fprintf(a.out, "%s: %s\n", events.Candidate(i), cmp.Or(short(answers.Tried(events.ChangeKind(x.Kind), config), 100), "none"))
		}
	}
	err = table(a.out, "ARM|SHARE|"+strings.ToUpper(unit)+"|SUCCEEDED|RATE|JUDGED|COST EACH|SECONDS EACH", func(row func(...any)) {
		for i, arm := range x.Arms {
			n := max(arm.Runs, 1)
			row(arm.Arm, shareOf(x, i), arm.Runs, arm.Succeeded, succeedRate(arm), arm.Judged, arm.Cost().Mark((arm.CostNanos / events.Nanos(n)).String()), fmt.Sprintf("%.2f", float64(arm.Milliseconds)/float64(1000*n)))
		}
	})
	if p := x.Proof; err == nil && p != nil {
		for _, f := range p.Flips {
			fmt.Fprintf(a.out, "goes worse: the task %s, %d of %d before, %d of %d with it\n", oneLine(f.Task), f.ControlSucceeded, f.ControlRuns, f.CandidateSucceeded, f.CandidateRuns)
		}
		_, err = fmt.Fprintf(a.out, "the latest decision counted %d %s, positions %d to %d: %s\n", evidenceRuns(*p), unit, p.From, p.To, proofText(*p))
	}
	return err
}

// shareOf is the share that an arm of an experiment has of the runs.
func shareOf(x projections.ExperimentRow, arm int) string {
	switch {
	case arm < len(x.Shares):
		return percent(int64(x.Shares[arm]))
	case x.Share == 0 || x.Share == 1000 || len(x.Arms) != 2:
		return "-"
	case arm == 0:
		return percent(1000 - x.Share)
	}
	return percent(x.Share)
}

// evidenceRuns is how many runs a decision counted.
func evidenceRuns(p events.Proof) (n int64) {
	for _, arm := range p.Arms {
		n += arm.Runs
	}
	return n
}

// cmpKind says what is tried, where that is one change.
func cmpKind(kind string) string {
	if kind == "" {
		return "frozen version"
	}
	return kind
}

// proofText says what a decision rests on.
func proofText(p events.Proof) string {
	text := fmt.Sprintf("%+.1f points in success (%+.1f to %+.1f at any number of looks)", 100*p.Difference, 100*p.Low, 100*p.High)
	if p.Statistic != "" {
		text += fmt.Sprintf("; against %q: log e-value %.2f, needed %.2f", p.Statistic, p.LogE, p.Needed)
	}
	return text
}

// findExperiment looks an experiment up by its id or by what only its id begins with.
func findExperiment(ctx context.Context, r projections.Reader, id string) (projections.ExperimentRow, error) {
	x, err := projections.FindExperiment(ctx, r, id)
	if errors.Is(err, projections.ErrNotFound) {
		err = fmt.Errorf("there is no experiment %q: `virtuous6 experiments` lists them", id)
	}
	return x, err
}

type experimentsStartVerb struct {
	Agent string `arg:"" help:"The agent, or with --runbook the runbook."`
	agentFlags
	Runbook string   `help:"A file as virtuous6 runbooks NAME prints it: that is tried as the next version of the runbook, on a part of the goals that are planned by it." placeholder:"FILE"`
	Or      []string `help:"Another value of the same setting, an arm of its own; up to seven times." placeholder:"VALUE" sep:"none"`
	Spawn   string   `help:"An agent's file: the agent is made when the experiment starts, to have what --route passes on to it, and retired where that is not kept." placeholder:"FILE"`
	By      string   `help:"What stays in one arm: a conversation or a requester, of a runbook a goal or a requester. Default: a conversation, a goal." enum:",conversation,requester,goal" default:""`
	MaxRuns int64    `help:"End it where so many runs show nothing. Default 8000." placeholder:"N"`
	MaxDays int      `help:"End it where so many days show nothing. Default 30." placeholder:"N"`

	Flips int `help:"How many tasks may go worse for sure, however much the others gain; more take it back." placeholder:"N"`

	JudgedWithin time.Duration `help:"How long a run that has ended waits for a verdict before it counts by how it ended. Default: policy.judged_within of the configuration, else 0." placeholder:"1h"`
}

// Help tells what comes of it.
func (experimentsStartVerb) Help() string {
	return "Runs are drawn: 5% of the conversations get the change, 25% once 20 of its runs have ended, all of them once it is proved to be " +
		"better, at however many looks. It is rolled back as soon as it is proved that its runs succeed less often, cost a quarter more, or " +
		"take half as long again, or that a task which went well goes worse. One change at a time, so that you know what did it; the changes of one agent are tried one after " +
		"another. With --or several values are tried at once: each begins with 5%, one that harms goes out by itself, and what may be the best gets more of the " +
		"runs. With --route runs are drawn that name nobody and whose task, or workflow, would be passed on: the candidate's go to the other agent, or to a new one with --spawn. With --runbook goals are drawn that are planned by it: one counts as reached or not, from its plan to its end, and one that takes longer than a day as not.\n\nExamples:\n  virtuous6 experiments start clerk --prompt @new.md\n  virtuous6 experiments start clerk --model gpt-6-luna --by requester\n" +
		"  virtuous6 experiments start clerk --prompt @short.md --or @kind.md --or @strict.md\n" +
		"  virtuous6 experiments start assistant --route refund,returns=billing\n  virtuous6 experiments start assistant --route refund=refunder --spawn refunder.md\n" +
		"  virtuous6 experiments start refund --runbook other-order.yaml"
}

// Run plans the experiment.
func (v experimentsStartVerb) Run(ctx context.Context, a *app) error {
	if v.Runbook != "" {
		return v.ofRunbook(ctx, a)
	}
	kind, err := v.kind()
	if err != nil {
		return err
	}
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	agent, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, v.Agent)
	if err != nil {
		return err
	}
	if !agent.Live || agent.Retired {
		return fmt.Errorf("there is no agent %q that can be asked: `virtuous6 agents` lists them", v.Agent)
	}
	config, err := v.over(ctx, a, agent.Config)
	if err != nil {
		return err
	}
	var others []events.AgentConfig
	for _, value := range v.Or {
		other, err := v.or(ctx, a, kind, agent.Config, value)
		if err != nil {
			return err
		}
		others = append(others, other)
	}
	for _, c := range append([]events.AgentConfig{config}, others...) {
		if err := a.servable(ctx, c); err != nil {
			return err
		}
	}
	spawn, err := v.spawns(ctx, a)
	if err != nil {
		return err
	}
	return v.plan(ctx, a, commands.PlanExperiment{Agent: v.Agent, Change: kind, Config: config, Others: others, Spawn: spawn}, "agent")
}

// plan asks that something of an agent or a runbook be tried.
func (v experimentsStartVerb) plan(ctx context.Context, a *app, plan commands.PlanExperiment, of string) error {
	plan.Meta, plan.By = a.meta(""), "user:"+a.config.user()
	plan.Experiment = plan.ID.String()
	plan.Plan = events.ExperimentPlan{Unit: events.ExperimentUnit(v.By), MaxRuns: v.MaxRuns, MaxDays: v.MaxDays, Flips: v.Flips, JudgedWithin: int64(v.JudgedWithin.Seconds())}
	if _, err := a.dispatcher().Dispatch(ctx, plan); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s is planned: it starts when the %s's other experiments are over, while `virtuous6 serve` runs.\n", plan.Experiment, of)
	return nil
}

// spawns is the agent that is made for the experiment, nil for none.
func (v experimentsStartVerb) spawns(ctx context.Context, a *app) (*events.NewAgent, error) {
	if v.Spawn == "" {
		return nil, nil
	}
	data, err := os.ReadFile(v.Spawn)
	if err != nil {
		return nil, fmt.Errorf("--spawn: %w", err)
	}
	f, err := parseAgentFile(data)
	if err != nil {
		return nil, fmt.Errorf("--spawn: %s: %w", v.Spawn, err)
	}
	if f.config.Skills, err = a.skillRefs(ctx, f.skills); err != nil {
		return nil, fmt.Errorf("--spawn: %s: %w", v.Spawn, err)
	}
	there, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, f.name)
	if err == nil && (there.Live || there.Retired) {
		err = usage("--spawn: there is or was an agent %q already", f.name)
	}
	return &events.NewAgent{Agent: f.name, Role: f.role, Config: f.config}, errors.Join(err, a.servable(ctx, f.config))
}

// kind is that of the one change that the flags make.
func (v experimentsStartVerb) kind() (events.ChangeKind, error) {
	var kinds []events.ChangeKind
	for _, flag := range []struct {
		kind  events.ChangeKind
		given bool
	}{
		{events.ChangeModel, v.Model != nil}, {events.ChangePrompt, v.Prompt != nil}, {events.ChangeTemperature, v.Temperature != nil},
		{events.ChangeTokenLimit, v.MaxTokens != nil}, {events.ChangeTools, v.Tools != nil}, {events.ChangeSkills, v.Skills != nil},
		{events.ChangeEffort, v.Effort != nil}, {events.ChangeFormat, v.Schema != nil}, {events.ChangeFallbacks, v.Fallbacks != nil},
		{events.ChangeRouting, v.Route != nil && v.Spawn == ""}, {events.ChangeSpawn, v.Spawn != ""},
	} {
		if flag.given {
			kinds = append(kinds, flag.kind)
		}
	}
	if len(kinds) != 1 {
		return "", usage("give one change: --model, --fallbacks, --prompt, --temperature, --max-tokens, --tools, --skills, --reasoning-effort, --schema or --route, with --spawn or without")
	}
	if v.Spawn != "" && v.Route == nil {
		return "", usage("--spawn: --route TASK,...=AGENT says what the new agent is to have")
	}
	return kinds[0], nil
}

// or is an agent with another value of the setting that is tried.
func (experimentsStartVerb) or(ctx context.Context, a *app, kind events.ChangeKind, agent events.AgentConfig, value string) (events.AgentConfig, error) {
	var f agentFlags
	switch kind {
	case events.ChangeModel:
		f.Model = &value
	case events.ChangePrompt:
		f.Prompt = &value
	case events.ChangeTools:
		f.Tools = &value
	case events.ChangeSkills:
		f.Skills = &value
	case events.ChangeEffort:
		f.Effort = &value
	case events.ChangeFormat:
		f.Schema = &value
	case events.ChangeFallbacks:
		f.Fallbacks = &value
	case events.ChangeRouting:
		f.Route = []string{value}
	case events.ChangeTemperature:
		t, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return agent, usage("--or: %q is no temperature", value)
		}
		f.Temperature = &t
	case events.ChangeTokenLimit:
		n, err := strconv.Atoi(value)
		if err != nil {
			return agent, usage("--or: %q is no number of tokens", value)
		}
		f.MaxTokens = &n
	case events.ChangeMerge, events.ChangeSplit, events.ChangeRetire, events.ChangeWorkflow, events.ChangeRunbook, events.ChangeFixes, events.ChangeExamples, events.ChangeLessons, events.ChangeSpawn: // kind gives none of them
	}
	return f.over(ctx, a, agent)
}

type experimentsPromoteVerb struct {
	Experiment string `arg:"" help:"The experiment's id, or what only its id begins with."`
}

// Help gives an example.
func (experimentsPromoteVerb) Help() string {
	return "Only what is proved can be promoted: `virtuous6 agents configure` changes an agent without a proof.\n\nExample:\n" +
		"  virtuous6 experiments promote 06aacbda1caacce8"
}

// Run promotes.
func (v experimentsPromoteVerb) Run(ctx context.Context, a *app) error {
	return a.decideExperiment(ctx, v.Experiment, "promoted", func(ctx context.Context, id string) error {
		_, err := a.dispatcher().Promote(ctx, commands.PromoteExperiment{Meta: a.meta(""), Experiment: id, By: "user:" + a.config.user()})
		return err
	})
}

type experimentsStopVerb struct {
	Experiment string `arg:"" help:"The experiment's id, or what only its id begins with."`
	Reason     string `help:"Why."`
}

// Help gives an example.
func (experimentsStopVerb) Help() string {
	return "Example:\n  virtuous6 experiments stop 06aacbda1caacce8 --reason \"the prices change next week\""
}

// Run stops.
func (v experimentsStopVerb) Run(ctx context.Context, a *app) error {
	return a.decideExperiment(ctx, v.Experiment, "stopped", func(ctx context.Context, id string) error {
		_, err := a.dispatcher().Dispatch(ctx, commands.StopExperiment{Meta: a.meta(""), Experiment: id, By: "user:" + a.config.user(), Reason: v.Reason})
		return err
	})
}

// decideExperiment carries out a person's decision on an experiment.
func (a *app) decideExperiment(ctx context.Context, id, done string, decide func(ctx context.Context, id string) error) error {
	if strings.TrimSpace(id) == "" {
		return usage("give the experiment's id, as `virtuous6 experiments` lists it")
	}
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	x, err := findExperiment(ctx, reader, id)
	if err != nil {
		return err
	}
	switch err = decide(ctx, x.Experiment); {
	case errors.Is(err, aggregates.ErrState), errors.Is(err, aggregates.ErrEnded):
		return fmt.Errorf("%w: `virtuous6 experiments show %s` tells where it stands", err, x.Experiment)
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s %s.\n", x.Experiment, done)
	return err
}

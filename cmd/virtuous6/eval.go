package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

type evalVerb struct {
	Agent   string `arg:"" help:"The agent."`
	Dataset string `required:"" help:"The dataset whose runs are asked again." placeholder:"NAME"`
	Against int    `help:"Compare with this version of the agent on the same runs." placeholder:"VERSION"`
	agentFlags
	Judge string  `help:"The agent that judges answers that are held to a judge." default:"judge" placeholder:"NAME"`
	Least float64 `help:"Fail where a smaller share passes, from 0 to 1." placeholder:"SHARE"`
	Flips int     `help:"With --against: fail where more runs that passed fail now. -1 for any number." default:"-1" placeholder:"N"`
	JSON  bool    `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help tells what is done.
func (evalVerb) Help() string {
	return "Asks the recorded runs of a dataset again, of the agent with the changes that the flags make, and holds the answers to their checks. " +
		"Its models are asked, and cost what they cost; tools are never called: what they gave back then is given back again, by tool, arguments and " +
		"occurrence, and a call that nobody made then is told. The agent stays as it is; what came of it is kept in the log (`virtuous6 evals`).\n\nIt ends with 1 where it is proved to be " +
		"worse than --against (the interval of the difference on the same runs lies below 0), where more runs flip than --flips, or fewer pass " +
		"than --least: for use in CI.\n\nExamples:\n  virtuous6 eval clerk --dataset refunds --least 0.9\n" +
		"  virtuous6 eval clerk --dataset refunds --prompt @new.md --against 3 --flips 2"
}

// evaluated is what an eval comes to, as JSON.
type evaluated struct {
	// Eval is the eval as the log keeps it.
	Eval    string `json:"eval"`
	Agent   string `json:"agent"`
	Dataset string `json:"dataset"`
	// Position is the dataset's version: the log position that it was last changed at.
	Position uint64 `json:"position"`
	Against  int    `json:"against,omitempty"`
	evals.Verdict
	// Refused is why it ends with 1, empty where it does not.
	Refused string `json:"refused,omitempty"`
	// Judged is what judges said, one a criterion.
	Judged  []events.EvalJudged `json:"judged,omitempty"`
	Results []evals.Compared    `json:"results"`
}

// Run evaluates an agent.
func (v evalVerb) Run(ctx context.Context, a *app) error {
	if v.Least < 0 || v.Least > 1 {
		return usage("--least: give a share from 0 to 1")
	}
	data, err := a.dataset(ctx, v.Dataset, v.pastFlag)
	if err != nil {
		return err
	}
	eval := a.ids().String()
	config, with, against, err := v.askers(ctx, a, eval)
	if err != nil {
		return err
	}
	judges, err := v.judges(ctx, a, data.of)
	if err != nil {
		return err
	}
	bar := a.progress("eval", int64(len(data.of)), "runs")
	var ended atomic.Int64
	all, err := evals.Eval(ctx, data.of, with, against, func() { bar.set(ended.Add(1)) })
	bar.done()
	if err != nil {
		return err
	}
	judged, err := judges.hear(ctx, a, data.of, all)
	if err != nil {
		return err
	}
	out := evaluated{Agent: v.Agent, Dataset: v.Dataset, Position: data.position, Against: v.Against, Verdict: evals.Sum(all), Judged: judged, Results: all}
	out.Refused = v.refuses(out.Verdict)
	if out.Eval, err = v.note(ctx, a, eval, out, data.of, config); err != nil {
		return err
	}
	if v.JSON {
		err = a.json(out)
	} else {
		err = tellEval(a, out)
	}
	if err == nil && out.Refused != "" {
		return errSaid
	}
	return err
}

// askers are the agent with the changes, as it is configured then, and the version that it is compared with.
func (v evalVerb) askers(ctx context.Context, a *app, eval string) (config events.AgentConfig, with evals.Asker, against *evals.Asker, err error) {
	agent, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, v.Agent)
	if err != nil {
		return config, with, nil, err
	}
	if len(agent.Versions) == 0 {
		return config, with, nil, fmt.Errorf("there is no agent %q that was ever configured: `virtuous6 agents` lists them", v.Agent)
	}
	if config, err = v.over(ctx, a, agent.Config); err != nil {
		return config, with, nil, err
	}
	if err := a.servable(ctx, config); err != nil {
		return config, with, nil, err
	}
	runner, model, err := a.runner(ctx)
	if err != nil {
		return config, with, nil, err
	}
	box, err := a.toolbox()
	if err != nil {
		return config, with, nil, err
	}
	d := a.dispatcher()
	aside := &orchestrator.Aside{
		Dispatch: d.Dispatch, Clock: a.clock, Holder: eval, AllowUnpriced: a.config.Unpriced == "allow", Workspace: a.flags.Workspace, Agent: v.Agent, Name: eval,
	}
	if err := aside.Know(ctx, a.models); err != nil {
		return config, with, nil, err
	}
	asker := func(c events.AgentConfig) (evals.Asker, error) {
		return orchestrator.Evaluating{Store: a.store, Runner: runner, Toolbox: box, Agents: d, Model: model, Pool: a.pool, Aside: aside}.Asker(ctx, c)
	}
	if with, err = asker(config); err != nil || v.Against == 0 {
		return config, with, nil, err
	}
	if v.Against < 1 || v.Against > len(agent.Versions) {
		return config, with, nil, usage("--against %d: %s has versions 1 to %d", v.Against, v.Agent, len(agent.Versions))
	}
	other, err := asker(agent.Versions[v.Against-1].Config)
	return config, with, &other, err
}

// refuses tells why an eval ends with 1.
func (v evalVerb) refuses(found evals.Verdict) string {
	switch p := found.Paired; {
	case found.Rate < v.Least:
		return fmt.Sprintf("%.1f%% pass, and %.1f%% are wanted", 100*found.Rate, 100*v.Least)
	case p != nil && p.Interval.High < 0:
		return fmt.Sprintf("it is worse than version %d", v.Against)
	case p != nil && v.Flips >= 0 && len(p.Lost) > v.Flips:
		return fmt.Sprintf("%d runs that passed fail now, and %d are let", len(p.Lost), v.Flips)
	}
	return ""
}

func tellEval(a *app, e evaluated) error {
	points := func(x float64) string { return fmt.Sprintf("%+.1f", 100*x) }
	fmt.Fprintf(a.out, "%s on %s as of position %d: %d of %d runs pass, %.1f%% (%.1f%% to %.1f%%)\n",
		oneLine(e.Agent), oneLine(e.Dataset), e.Position, e.Passed, e.Runs, 100*e.Rate, 100*e.Interval.Low, 100*e.Interval.High)
	if p := e.Paired; p != nil {
		fmt.Fprintf(a.out, "version %d passes %d: %s points (%s to %s) on the same runs; %d gained, %d lost\n",
			e.Against, p.Passed, points(p.Difference), points(p.Interval.Low), points(p.Interval.High), len(p.Gained), len(p.Lost))
		if len(p.Lost) > 0 {
			fmt.Fprintf(a.out, "passed, and fail now: %s\n", oneLine(strings.Join(p.Lost, " ")))
		}
	}
	for _, j := range e.Judged {
		fmt.Fprintln(a.out, judgedText(j))
	}
	for _, c := range e.Results {
		if c.With.Passed() && len(c.With.Missed) == 0 {
			continue
		}
		fmt.Fprintf(a.out, "  %s", short(c.Run, 40))
		for _, why := range append([]string{c.With.Error}, c.With.Failed...) {
			if why != "" {
				fmt.Fprintf(a.out, "  %s", short(why, 120))
			}
		}
		for _, miss := range c.With.Missed {
			fmt.Fprintf(a.out, "  not recorded, not made: %s", short(miss, 120))
		}
		fmt.Fprintln(a.out)
	}
	cost := "$" + e.CostNanos.String()
	if e.Unpriced {
		cost += ", and what nobody knows the price of"
	}
	fmt.Fprintf(a.out, "asking cost %s; virtuous6 evals show %s\n", cost, e.Eval)
	if e.Refused != "" {
		fmt.Fprintf(a.out, "Refused: %s.\n", e.Refused)
	}
	return nil
}

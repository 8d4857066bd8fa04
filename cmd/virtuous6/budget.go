package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type budgetVerb struct {
	Name string `arg:"" optional:"" help:"The budget to set or to show: workspace:NAME, agent:NAME, run:ID, or another name, which all runs of the workspace count to. Default: shows all but those of runs."`
	limitFlags
	Depth   string `help:"How deep agents may be spawned by themselves, one for what another one's run asks, or any." placeholder:"N"`
	Fanout  string `help:"How many may be for what the runs of one agent ask, or any." placeholder:"N"`
	Period  string `help:"day, month, or total for once and for all. Default: as it is, or month." placeholder:"day|month|total"`
	Marks   string `help:"Percentages of each limit at which it is told that so much was used. Default: as they are, or 50,80." placeholder:"N,..."`
	AtLimit string `help:"What runs do that there is too little for: ask (they wait for a higher limit or the next period) or fail. Default: as it is, or ask." placeholder:"ask|fail"`
	JSON    bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// limitFlags are what a budget bounds.
type limitFlags struct {
	Limit  string `help:"Dollars that live runs may spend, or any." placeholder:"USD"`
	Tokens string `help:"Tokens that calls of models may read and write, or any." placeholder:"N"`
	Time   string `help:"How long calls of models and tools may take, such as 90s or 2h, or any." placeholder:"DURATION"`
	Agents string `help:"How many agents may be spawned by themselves, or any." placeholder:"N"`
}

// Help gives examples.
func (budgetVerb) Help() string {
	return "Before each call of a model what it can take at most is set aside in every budget that the run counts to: dollars, tokens and time; before each call of a tool, time. " +
		"Where there is too little left the run waits: raise the limit, and it goes on; so it does when the next period (UTC) begins. A call that has less time left than it may " +
		"take is cut off when that is over. Where no agent may be spawned any more the assistant answers. What is not given stays as it was set. The goal's own budget is set with " +
		"the goal, a run's with `ask`. Imported history never counts.\n\nExamples:\n  virtuous6 budget\n  virtuous6 budget all --limit 25 --period month\n  virtuous6 budget agent:clerk --limit 2 --tokens 500000 --period day --marks 90\n" +
		"  virtuous6 budget workspace:shop --limit 100 --agents 3 --depth 1 --at-limit fail\n  virtuous6 budget run:0199 --limit 0.50"
}

// Run sets a budget where a limit is given, and lists all.
func (v budgetVerb) Run(ctx context.Context, a *app) error {
	if workspace, of := strings.CutPrefix(v.Name, commands.WorkspaceBudget("")); of {
		a.flags.Workspace = workspace
	}
	if run, of := strings.CutPrefix(v.Name, events.BudgetOfRun); of {
		runs, err := a.read(ctx)
		if err != nil {
			return err
		}
		row, _, err := findRun(ctx, runs, run)
		if err != nil {
			return err
		}
		v.Name = commands.RunBudget(row.Run)
	}
	var reader projections.Reader
	if v.given() {
		if err := v.set(ctx, a); err != nil {
			return err
		}
		if err := a.catchUp(ctx); err != nil {
			return err
		}
		reader = a.own()
	} else {
		var err error
		if reader, err = a.readAt(ctx, v.pastFlag); err != nil {
			return err
		}
	}
	budgets, err := reader.Budgets(ctx)
	if err != nil {
		return err
	}
	if v.Name != "" {
		row, err := reader.Budget(ctx, v.Name)
		if errors.Is(err, projections.ErrNotFound) {
			return fmt.Errorf("there is no budget %q: `virtuous6 budget` lists them, and sets one with --limit USD", v.Name)
		}
		if err != nil {
			return err
		}
		budgets = []projections.BudgetRow{row}
	}
	if v.JSON {
		return a.json(limited(budgets, 0))
	}
	waiting := map[string]int{}
	for run, err := range reader.Runs(ctx, projections.RunFilter{Outcome: projections.Running}) {
		if err != nil {
			return err
		}
		waiting[run.Suspended]++
	}
	return table(a.out, "BUDGET|PERIOD|LIMIT|USED|SINCE|REACHED|WAITING", func(row func(...any)) {
		for _, b := range budgets {
			reached := "-"
			if b.Reached > 0 {
				reached = fmt.Sprintf("%d%%", b.Reached)
			}
			since := orDash(b.Starting)
			if b.Period == events.Total {
				since = "-" // its one period has no beginning
			}
			row(short(b.Budget, 44), b.Period, b.Limits(), b.Used(), since, reached, waiting[b.Budget])
		}
	})
}

// given tells that there is something to set.
func (v budgetVerb) given() bool {
	return v.limitFlags != limitFlags{} || v.Depth != "" || v.Fanout != "" || v.Period != "" || v.Marks != "" || v.AtLimit != ""
}

// set sets the budget. What is not given stays as it was.
func (v budgetVerb) set(ctx context.Context, a *app) error {
	switch {
	case v.AsOf.given:
		return usage("--as-of: the past can only be read, leave out what is to be set")
	case v.Name == "":
		return usage("name the budget to set, as in `virtuous6 budget all --limit 25`")
	case strings.HasPrefix(v.Name, commands.GoalBudget("")):
		return usage("the budget of a goal is set by `virtuous6 goals`")
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	if name, of := strings.CutPrefix(v.Name, commands.AgentBudget("")); of {
		agent, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, name)
		if err == nil && !agent.Live {
			err = noAgent(name)
		}
		if err != nil {
			return err
		}
	}
	was, known, err := a.budgetSet(ctx, v.Name)
	switch {
	case err != nil:
		return err
	case !known && strings.HasPrefix(v.Name, events.BudgetOfRun):
		return fmt.Errorf("there is no budget %q: that of a run is set when it is asked for, by `virtuous6 ask --limit USD`", v.Name)
	case !known:
		was = events.BudgetSet{Period: events.Monthly, AnyCost: true, Marks: []int{50, 80}}
	}
	set := commands.SetBudget{Meta: a.meta(""), Budget: v.Name, Period: was.Period, LimitNanos: was.LimitNanos, AnyCost: was.AnyCost, Limits: was.Limits, Depth: was.Depth, Fanout: was.Fanout, Marks: was.Marks, Fails: was.Fails}
	if set.LimitNanos, set.AnyCost, set.Limits, err = v.limits(was); err != nil {
		return err
	}
	if err := errors.Join(wholeLimit("depth", v.Depth, &set.Depth), wholeLimit("fanout", v.Fanout, &set.Fanout)); err != nil {
		return err
	}
	if (set.AnyCost && set.Limits == events.Resources{} && set.Depth+set.Fanout == 0) {
		return usage("say what budget %s bounds: --limit USD, --tokens N, --time 2h, --agents N, --depth N or --fanout N", v.Name)
	}
	set.Period = cmp.Or(events.BudgetPeriod(v.Period), set.Period)
	switch v.AtLimit {
	case "":
	case "ask", "fail":
		set.Fails = v.AtLimit == "fail"
	default:
		return usage("--at-limit: ask or fail, not %q", v.AtLimit)
	}
	if v.Marks != "" {
		set.Marks = nil
	}
	for _, text := range names(v.Marks) {
		mark, err := strconv.Atoi(text)
		if err != nil {
			return usage("--marks: %q is no percentage", text)
		}
		set.Marks = append(set.Marks, mark)
	}
	_, err = a.dispatcher().Dispatch(ctx, set)
	return err
}

// limits are those that are given, over those that there were.
func (f limitFlags) limits(was events.BudgetSet) (limit events.Nanos, anyCost bool, limits events.Resources, err error) {
	limit, anyCost, limits = was.LimitNanos, was.AnyCost, was.Limits
	switch f.Limit {
	case "":
	case "any":
		limit, anyCost = 0, true
	default:
		if limit, err = events.ParseUSD(f.Limit); err != nil {
			return limit, anyCost, limits, usage("--limit: %w", err)
		}
		anyCost = false
	}
	if cerr := errors.Join(wholeLimit("tokens", f.Tokens, &limits.Tokens), wholeLimit("agents", f.Agents, &limits.Agents)); cerr != nil {
		err = cerr
	}
	switch f.Time {
	case "":
	case "any":
		limits.TimeMS = 0
	default:
		d, perr := time.ParseDuration(f.Time)
		if perr != nil || d < time.Millisecond {
			err = usage("--time: %q is no duration such as 90s or 2h, nor any", f.Time)
		}
		limits.TimeMS = d.Milliseconds()
	}
	return limit, anyCost, limits, err
}

// wholeLimit reads a limit that is a number.
func wholeLimit(flag, text string, to *int64) error {
	switch text {
	case "":
	case "any":
		*to = 0
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return usage("--%s: %q is no number above 0, nor any", flag, text)
		}
		*to = n
	}
	return nil
}

// budgetSet is a budget as it was set last.
func (a *app) budgetSet(ctx context.Context, budget string) (set events.BudgetSet, known bool, err error) {
	story, err := a.factsOf(ctx, commands.BudgetStream(a.flags.Workspace, budget))
	if err != nil {
		return set, false, err
	}
	for _, f := range story {
		if s, is := f.fact.(events.BudgetSet); is {
			set, known = s, true
		}
	}
	return set, known, nil
}

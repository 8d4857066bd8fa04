package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

type judgesVerb struct {
	List    judgesListVerb    `cmd:"" default:"withargs" help:"List the judges that were measured."`
	Measure judgesMeasureVerb `cmd:"" help:"Measure how far a judge agrees with people."`
	Ask     judgesAskVerb     `cmd:"" help:"Ask a judge what it says of runs. It suggests, and a person decides."`
}

// judgeFlags name a judge.
type judgeFlags struct {
	Agent     string `help:"The agent that judges; \"judge\" is made where it is not there." default:"judge" placeholder:"NAME"`
	Criterion string `help:"What an answer is held to. Default: that it does what was asked, rightly and as a whole." placeholder:"TEXT"`
}

type judgesListVerb struct{ listFlags }

// Help tells what a judge is.
func (judgesListVerb) Help() string {
	return "A judge is a model with instructions and a criterion. It is trusted as far as it was measured to agree with people; one whose model, settings, " +
		"instructions or criterion are others is another judge.\n\nExample:\n  virtuous6 judges"
}

// Run lists judges.
func (v judgesListVerb) Run(ctx context.Context, a *app) error {
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.JudgeRow, error) {
		return reader.Judges(ctx)
	}, func(rows []projections.JudgeRow) error {
		if len(rows) == 0 {
			a.note("No judge was measured: `virtuous6 judges measure` asks one of runs that people judged.")
			return nil
		}
		return table(a.out, "JUDGE|AGENT|MODEL|CRITERION|RUNS|KAPPA|BETWEEN|PEOPLE CALL GOOD|DECIDES|MEASURED", func(row func(...any)) {
			for _, r := range rows {
				m := r.Found
				decides := "yes"
				if evals.Undecided(&m) != "" {
					decides = "no"
				}
				row(r.Judge, short(r.Agent, 32), short(r.Model, 32), orDash(short(r.Criterion, 60)), m.Both+m.OnlyJudge+m.OnlyPeople+m.Neither, fmt.Sprintf("%.2f", m.Kappa),
					fmt.Sprintf("%.2f and %.2f", m.Low, m.High), fmt.Sprintf("%.1f%%", 100*m.Base), decides, when(r.MeasuredAt))
			}
		})
	})
}

type judgesMeasureVerb struct {
	judgeFlags
	Runs     int    `help:"How many runs at most, the latest." default:"200" placeholder:"N"`
	Workflow string `help:"Only runs of this workflow." placeholder:"NAME"`
}

// Help tells what is done.
func (judgesMeasureVerb) Help() string {
	return "Asks the judge of runs that people judged (`virtuous6 feedback RUN --outcome failed`), without telling it what they said, and counts where both agree. Its answers are " +
		"runs of the agent that judges: recorded, priced and bounded by budgets as any other.\n\nExamples:\n  virtuous6 judges measure\n" +
		"  virtuous6 judges measure --criterion 'it names the amount' --workflow refunds"
}

// Run measures a judge.
func (v judgesMeasureVerb) Run(ctx context.Context, a *app) error {
	if v.Runs < 1 {
		return usage("--runs: give a number from 1 on")
	}
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	rater, err := a.rater(ctx, v.judgeFlags)
	if err != nil {
		return err
	}
	id, err := rater.ID()
	if err != nil {
		return err
	}
	var questions []question
	var people []bool
	fact := events.JudgeMeasured{Judge: id, Agent: rater.Agent, Model: rater.Config.Model, Prompt: rater.PromptHash(), Criterion: v.Criterion, By: "user:" + a.config.user()}
	for row, err := range reader.Verdicts(ctx, 0) {
		if err != nil {
			return err
		}
		if row.Person != events.Succeeded && row.Person != events.Failed || len(questions) == v.Runs {
			continue
		}
		run, _, err := reader.Run(ctx, row.Run)
		if errors.Is(err, projections.ErrNotFound) || err == nil && v.Workflow != "" && run.Workflow != v.Workflow {
			continue
		}
		if err != nil {
			return err
		}
		r, err := evals.Record(ctx, a.store, a.flags.Workspace, row.Run)
		if err != nil || r.Answer == "" {
			continue // it holds nothing that could be judged
		}
		questions, people = append(questions, question{rater: rater, about: r, answer: r.Answer}), append(people, row.Person == events.Succeeded)
		if fact.From == 0 || run.FirstPosition < fact.From {
			fact.From = run.FirstPosition
		}
		fact.To = max(fact.To, run.LastPosition)
	}
	if len(questions) == 0 {
		return errors.New("no run with an answer was judged by a person: `virtuous6 feedback RUN --outcome failed` judges one")
	}
	opinions, err := a.opinions(ctx, questions)
	if err != nil {
		return err
	}
	var said, alike []bool
	for i, o := range opinions {
		fact.CostNanos, fact.Unpriced = events.Add(fact.CostNanos, o.cost), fact.Unpriced || o.unpriced
		if o.err != nil {
			fact.Unread++
			continue
		}
		said, alike = append(said, o.good), append(alike, people[i])
	}
	if len(said) == 0 {
		return fmt.Errorf("of none of %d runs the judge said anything that could be read: %w", len(questions), opinions[0].err)
	}
	fact = evals.Measured(fact, said, alike)
	if _, err := a.dispatcher().Dispatch(ctx, commands.MeasureJudge{Meta: a.meta(""), Fact: fact}); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "judge %s (%s, %s) on %d runs that people judged: of one mind on %d; kappa %.2f (%.2f to %.2f)\npeople call %.1f%% good, and it calls %.1f%% good; %d answers of it could not be read; it cost $%s\n",
		id, oneLine(rater.Agent), oneLine(rater.Config.Model), len(said), fact.Both+fact.Neither, fact.Kappa, fact.Low, fact.High, 100*fact.Base,
		100*float64(fact.Both+fact.OnlyJudge)/float64(len(said)), fact.Unread, fact.CostNanos)
	if why := evals.Undecided(&fact); why != "" {
		_, err = fmt.Fprintf(a.out, "It decides nothing: %s.\n", why)
		return err
	}
	_, err = fmt.Fprintln(a.out, "It may decide in evals, as long as its model, settings, instructions and criterion stay what they are.")
	return err
}

type judgesAskVerb struct {
	Runs []string `arg:"" name:"run" help:"The runs, or what only their ids begin with."`
	judgeFlags
}

// Help tells what it is for.
func (judgesAskVerb) Help() string {
	return "Tells what a judge says of runs, with the command by which a person makes it a verdict. One that was not measured, or agrees too little with people, suggests nothing." +
		"\n\nExample:\n  virtuous6 judges ask 06aacbda 06aacbdb"
}

// Run asks a judge.
func (v judgesAskVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	rater, err := a.rater(ctx, v.judgeFlags)
	if err != nil {
		return err
	}
	if _, why, err := a.measured(ctx, rater); err != nil {
		return err
	} else if why != "" {
		return fmt.Errorf("the judge suggests nothing: %s (`virtuous6 judges measure` measures one)", why)
	}
	var questions []question
	for _, begins := range v.Runs {
		row, _, err := findRun(ctx, reader, begins)
		if err != nil {
			return err
		}
		r, err := evals.Record(ctx, a.store, a.flags.Workspace, row.Run)
		if err != nil {
			return err
		}
		questions = append(questions, question{rater: rater, about: r, answer: r.Answer})
	}
	opinions, err := a.opinions(ctx, questions)
	if err != nil {
		return err
	}
	for i, o := range opinions {
		run, outcome := questions[i].about.Run, events.Failed
		if o.good {
			outcome = events.Succeeded
		}
		if o.err != nil {
			fmt.Fprintf(a.out, "%s  nothing: %s\n", run, oneLine(o.err.Error()))
			continue
		}
		fmt.Fprintf(a.out, "%s  %s: %s\n  virtuous6 feedback %[1]s --outcome %[2]s\n", run, outcome, short(o.why, 300))
	}
	return nil
}

// rater is a judge as it is configured now.
func (a *app) rater(ctx context.Context, f judgeFlags) (evals.Rater, error) {
	r := evals.Rater{Agent: f.Agent, Criterion: strings.TrimSpace(f.Criterion)}
	if err := a.ready(ctx); err != nil {
		return r, err
	}
	agent, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, f.Agent)
	if err == nil && f.Agent == orchestrator.Judging && !agent.Live && !agent.Retired {
		_, err = a.dispatcher().Dispatch(ctx, commands.SpawnAgent{
			Meta: a.meta(""), Agent: f.Agent, Role: "judges answers, where it is asked to", Config: events.AgentConfig{Prompt: evals.RatersPrompt},
		})
		if err == nil {
			agent, _, err = a.dispatcher().Agent(ctx, a.flags.Workspace, f.Agent)
		}
	}
	if err != nil {
		return r, err
	}
	if !agent.Live || agent.Retired {
		return r, fmt.Errorf("there is no agent %q that could be asked: `virtuous6 agents` lists them", f.Agent)
	}
	_, model, err := a.runner(ctx)
	r.Config = agent.Config
	if r.Config.Model == "" {
		r.Config.Model = model
	}
	return r, err
}

// measured is how a judge was measured, nil for not at all, and why it decides nothing, empty where it may.
func (a *app) measured(ctx context.Context, r evals.Rater) (m *events.JudgeMeasured, why string, err error) {
	id, err := r.ID()
	if err != nil {
		return nil, "", err
	}
	rows, err := a.own().Judges(ctx)
	for _, row := range rows {
		if row.Judge == id {
			m = &row.Found
		}
	}
	return m, evals.Undecided(m), err
}

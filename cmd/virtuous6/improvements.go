package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

type improvementsVerb struct {
	List    improvementsListVerb    `cmd:"" default:"withargs" help:"List proposals."`
	Show    improvementsShowVerb    `cmd:"" help:"Show a proposal with its change and its evidence."`
	Approve improvementsApproveVerb `cmd:"" help:"Make the change that a proposal asks for."`
	Reject  improvementsRejectVerb  `cmd:"" help:"Decide that a proposal is not to be made."`
	Pause   improvementsPauseVerb   `cmd:"" help:"Stop every step of the loop that no person takes."`
	Resume  improvementsResumeVerb  `cmd:"" help:"Let the loop go on."`
}

type improvementsListVerb struct {
	Status string `help:"Only these: proposed, approved, rejected, applied, rolled_back, withdrawn." enum:",proposed,approved,rejected,applied,rolled_back,withdrawn" default:""`
	listFlags
}

// Help gives examples.
func (improvementsListVerb) Help() string {
	return "Examples:\n  virtuous6 improvements\n  virtuous6 improvements --status proposed --json"
}

// Run lists proposals: what waits for a decision by what it may bring, then the others, the latest first.
func (v improvementsListVerb) Run(ctx context.Context, a *app) error {
	var loop projections.LoopRow
	return list(ctx, a, v.listFlags, func(reader projections.Reader) (rows []projections.ImprovementRow, err error) {
		if loop, err = reader.Loop(ctx); err != nil {
			return nil, err
		}
		if rows, err = reader.Improvements(ctx, v.Status); err != nil {
			return nil, err
		}
		slices.SortStableFunc(rows, func(x, y projections.ImprovementRow) int {
			switch waits, other := x.Status == projections.Proposed, y.Status == projections.Proposed; {
			case waits && other:
				return projections.ByWorth(x, y)
			case waits:
				return -1
			case other:
				return 1
			}
			return 0
		})
		return rows, nil
	}, func(rows []projections.ImprovementRow) error {
		if loop.Paused {
			fmt.Fprintf(a.out, "Paused by %s since %s: %s\n", oneLine(loop.By), when(loop.Since), oneLine(loop.Reason))
		}
		if len(rows) == 0 {
			a.note("No proposals: `virtuous6 analyze` looks for some.")
		}
		for _, i := range rows {
			brings := ""
			if i.Worth != nil {
				brings = ": may bring " + answers.Gain(i.Worth)
			}
			fmt.Fprintf(a.out, "%s  %s, %s by %s%s\n", i.Improvement, i.Status, i.Kind, i.Analyst, brings)
			if i.Change.Instruction != "" {
				fmt.Fprintf(a.out, "  to do: %s\n", short(i.Change.Instruction, 400))
			}
			fmt.Fprintf(a.out, "  %s\n", short(i.Reason, 400))
		}
		return nil
	})
}

type improvementsShowVerb struct {
	ID   string `arg:"" name:"improvement" help:"The proposal's id, or what only its id begins with."`
	JSON bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives an example.
func (improvementsShowVerb) Help() string {
	return "`virtuous6 why ID` tells how it came to be and what became of it.\n\nExample:\n  virtuous6 improvements show 06aacbda1caacce8"
}

// Run shows one.
func (v improvementsShowVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	i, err := findImprovement(ctx, reader, v.ID)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(i)
	}
	fmt.Fprintf(a.out, "%s: %s, %s by %s, version %d\n%s\n", i.Improvement, i.Status, i.Kind, i.Analyst, i.AnalystVersion, oneLine(i.Reason))
	said, err := reader.Roles(ctx)
	if err != nil {
		return err
	}
	for _, r := range said {
		if r.Text != "" && r.Ground == i.Reason && slices.Equal(r.Subject, []string{"improvement", i.Improvement}) {
			analyzeVerb{}.printWording(a, &evidence.Wording{Text: r.Text, Model: r.Model})
		}
	}
	brings := ""
	if i.Worth != nil {
		brings = worth(i.Worth, cmp.Or(i.Workflow, i.Agent))
	}
	for _, line := range []struct{ label, text string }{
		{"may bring", brings}, {"workflow", i.Workflow}, {"agent", i.Agent}, {"to do", i.Change.Instruction}, {"steps", strings.Join(i.Change.Steps, " → ")},
		{"strength", strings.ReplaceAll(string(i.Strength), "_", " ")}, {"decided by", i.DecidedBy}, {"note", i.Note},
	} {
		if line.text != "" {
			fmt.Fprintf(a.out, "%s: %s\n", line.label, oneLine(line.text))
		}
	}
	if i.Change.Config != nil {
		fmt.Fprintln(a.out, "the agent would go by:")
		writeChanges(a.out, events.AgentConfig{}, *i.Change.Config)
		quotes, err := answers.TellQuoted(ctx, reader, *i.Change.Config)
		if err != nil {
			return err
		}
		for _, q := range quotes {
			fmt.Fprintf(a.out, "it would read, of %s: %s\n", oneLine(q.Of), cmp.Or(short(q.Text, 400), "nothing: it was forgotten, or is not there"))
		}
	}
	if b := i.Change.Book; b != nil {
		fmt.Fprintf(a.out, "the runbook %s would go on from version %d as:\n", oneLine(b.Runbook), b.From)
		writeSteps(a.out, b.Steps)
	}
	e := i.Evidence
	fmt.Fprintf(a.out, "evidence: %.3g (%.3g to %.3g) over %d runs, log positions %d to %d; %s\n", e.Value, e.Low, e.High, e.N, e.From, e.To, oneLine(e.Statistic))
	if s := i.Change.Spawn; s != nil {
		fmt.Fprintf(a.out, "a new agent, %s, would go by:\n", oneLine(s.Agent))
		writeChanges(a.out, events.AgentConfig{}, s.Config)
	}
	severity := events.SeverityLow
	if i.Worth != nil {
		severity = i.Worth.Severity
	}
	fmt.Fprintf(a.out, "severity: %s\napproving it: %s\n", severity, evidence.Approving(i.Change.Kind))
	risk, do := evidence.RiskOf(i.Improvement, i.Change)
	fmt.Fprintf(a.out, "could get worse: %s\nfor: %s\nundone by: %s\n", oneLine(risk.Worse), oneLine(risk.Whom), oneLine(risk.Undo))
	for n, step := range do {
		fmt.Fprintf(a.out, "step %d: %s\n", n+1, oneLine(step))
	}
	_, err = fmt.Fprintf(a.out, "expected: %s %+.3g (%+.3g to %+.3g)\n", strings.ReplaceAll(oneLine(i.Expected.Metric), "_", " "), i.Expected.Change, i.Expected.Low, i.Expected.High)
	return err
}

// findImprovement looks a proposal up by its id or by what only its id begins with.
func findImprovement(ctx context.Context, reader projections.Reader, id string) (projections.ImprovementRow, error) {
	i, err := projections.FindImprovement(ctx, reader, id)
	if errors.Is(err, projections.ErrNotFound) {
		err = fmt.Errorf("there is no proposal %q: `virtuous6 improvements` lists them", id)
	}
	return i, err
}

type improvementsApproveVerb struct {
	ID   string `arg:"" name:"improvement" help:"The proposal's id, or what only its id begins with."`
	Note string `help:"Why."`
}

// Help tells what comes of it.
func (improvementsApproveVerb) Help() string {
	return "Makes the change at once, for all runs that start from then on but those that stay on the agent as a person made it (`holdback_permille`, 5% by default): another model, temperature, prompt, tools or token limit of an " +
		"agent is a new version of it, and `virtuous6 agents rollback` takes it back. A kind of change that the policy lists under `canary` is " +
		"tried on a part of the runs first, and kept or taken back by itself (`virtuous6 experiments`). What only a person can write is noted " +
		"as approved, and stays yours to write.\n\nExample:\n" +
		"  virtuous6 improvements approve 06aacbda1caacce8 --note \"worth a try\""
}

// Run approves, and tells what became of it.
func (v improvementsApproveVerb) Run(ctx context.Context, a *app) error {
	id, err := a.improvementID(ctx, v.ID)
	if err != nil {
		return err
	}
	approve := commands.ApproveImprovement{Meta: a.meta(""), Improvement: id, By: "user:" + a.config.user(), Note: v.Note}
	made, err := a.improvements().Approve(ctx, approve)
	if err != nil {
		return undecided(approve, err)
	}
	fmt.Fprintf(a.out, "%s approved.\n", approve.Stream())
	switch {
	case made.Harm != "":
		fmt.Fprintf(a.out, "It is not tried, and rejected: %s\n", oneLine(made.Harm))
	case made.Trial && made.Change.Saves():
		fmt.Fprintf(a.out, "It is tried on a part of the goals that are planned by %s: virtuous6 experiments show %s\n", oneLine(made.Agent), made.Improvement)
	case made.Trial:
		fmt.Fprintf(a.out, "It is tried on a part of the runs of %s: virtuous6 experiments show %s\n", oneLine(made.Agent), made.Improvement)
	case made.Done && made.Change.Kind == events.ChangeRetire:
		fmt.Fprintf(a.out, "%s takes no more runs.\n", oneLine(made.Agent))
	case made.Done && made.Change.Saves():
		fmt.Fprintf(a.out, "The runbook %s goes by version %d, for all goals that are planned by it from now on%s\nTo take it back: %s\n",
			oneLine(made.Agent), made.Version, a.heldBack(), takeBookBack(made.Agent, made.Version-1))
	case made.Done && len(changedKeys(made.From, made.To)) == 0:
		fmt.Fprintf(a.out, "%s is so already.\n", oneLine(made.Agent))
	case made.Done:
		fmt.Fprintf(a.out, "%s goes by version %d, for all runs that start from now on%s:\n", oneLine(made.Agent), made.Version, a.heldBack())
		writeChanges(a.out, made.From, made.To)
		fmt.Fprintf(a.out, "To take it back: virtuous6 agents rollback %s --to %d\n", oneLine(made.Agent), max(made.Version-1, 1))
	case made.Change.Instruction != "":
		fmt.Fprintf(a.out, "This one is yours to make: %s\n", made.Change.Instruction)
	}
	return nil
}

// heldBack tells that some runs stay on an agent as a person made it, where the policy keeps any back.
func (a *app) heldBack() string {
	if p := a.config.Policy.HoldbackPermille; p != nil && *p == 0 {
		return ""
	}
	return " but those that are held back (`holdback_permille`)"
}

type improvementsRejectVerb struct {
	ID     string `arg:"" name:"improvement" help:"The proposal's id, or what only its id begins with."`
	Reason string `help:"Why."`
}

// Help gives an example.
func (improvementsRejectVerb) Help() string {
	return "Records who decided, when and why. The same claim is not proposed again.\n\nExample:\n" +
		"  virtuous6 improvements reject 06aacbda1caacce8 --reason \"the prices change next week\""
}

// Run rejects.
func (v improvementsRejectVerb) Run(ctx context.Context, a *app) error {
	id, err := a.improvementID(ctx, v.ID)
	if err != nil {
		return err
	}
	return a.decideImprovement(ctx, "rejected", commands.RejectImprovement{
		Meta: a.meta(""), Improvement: id, By: "user:" + a.config.user(), Reason: v.Reason,
	})
}

// improvementID is the whole of a proposal's id.
func (a *app) improvementID(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", usage("give the proposal's id, as `virtuous6 improvements` lists it")
	}
	reader, err := a.read(ctx)
	if err != nil {
		return "", err
	}
	i, err := findImprovement(ctx, reader, id)
	return i.Improvement, err
}

func (a *app) decideImprovement(ctx context.Context, done string, c commands.Improvement) error {
	if _, err := a.dispatcher().Dispatch(ctx, c); err != nil {
		return undecided(c, err)
	}
	_, err := fmt.Fprintf(a.out, "%s %s.\n", c.Stream(), done)
	return err
}

// undecided tells what to do about a decision that was refused.
func undecided(c commands.Improvement, err error) error {
	switch {
	case errors.Is(err, orchestrator.ErrUnmakeable):
	case errors.Is(err, aggregates.ErrMissing):
		return fmt.Errorf("there is no proposal %q: `virtuous6 improvements` lists them", events.Identity(c.Stream()))
	case errors.Is(err, aggregates.ErrState):
		return fmt.Errorf("%w: `virtuous6 improvements` tells what became of each", err)
	}
	return err
}

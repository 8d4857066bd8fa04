package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// runsVerb is the verb's own verbs. Without one it lists, or shows the run that is named.
type runsVerb struct {
	List   runsListVerb   `cmd:"" default:"withargs" aliases:"show" help:"List runs, or show one."`
	Diff   runsDiffVerb   `cmd:"" help:"Show where two runs part, and by how much they differ."`
	Cancel runsCancelVerb `cmd:"" help:"Stop a run."`
}

type runsDiffVerb struct {
	A    string `arg:"" help:"A run, or what only its id begins with."`
	B    string `arg:"" help:"The other one, likewise."`
	JSON bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives an example.
func (runsDiffVerb) Help() string {
	return "Steps are compared in their order, by their names, what they used and how they ended.\n\nExample:\n  virtuous6 runs diff airline-0-1 airline-0-2"
}

type runsCancelVerb struct {
	ID     string `arg:"" name:"run" help:"The run, or what only its id begins with."`
	Reason string `help:"Why."`
}

// Help gives an example.
func (runsCancelVerb) Help() string {
	return "What is under way for it is broken off within two seconds, whichever process drives it. What a model has charged by then is " +
		"not known, and counted as such.\n\nExample:\n  virtuous6 runs cancel 01930000-0000-7000-8000-000000000009 --reason \"asked the wrong one\""
}

// Run cancels the run.
func (v runsCancelVerb) Run(ctx context.Context, a *app) error {
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	run := v.ID
	cancelled, err := a.runs().Cancel(ctx, commands.CancelRun{Meta: a.meta(run), Run: run, Reason: v.Reason})
	if errors.Is(err, aggregates.ErrMissing) {
		reader, failed := a.read(ctx)
		if failed != nil {
			return failed
		}
		found, _, failed := findRun(ctx, reader, v.ID)
		if failed != nil {
			return failed
		}
		run = found.Run
		cancelled, err = a.runs().Cancel(ctx, commands.CancelRun{Meta: a.meta(run), Run: run, Reason: v.Reason})
	}
	switch {
	case err != nil:
		return err
	case !cancelled:
		return fmt.Errorf("run %s had ended already: `virtuous6 runs %s` tells how", run, run)
	}
	fmt.Fprintf(a.out, "run %s is cancelled.\n", oneLine(run))
	return nil
}

type runsListVerb struct {
	ID           string `arg:"" optional:"" name:"run" help:"Show this run with its steps; what only its id begins with will do."`
	Messages     bool   `help:"Show the run's conversation, with where it failed."`
	JSON         bool   `name:"json" help:"Print one JSON value."`
	Limit        *count `placeholder:"N" help:"Rows, 0 for all. Default: 20, and all with --json."`
	Workflow     string `help:"Only runs of this workflow."`
	Task         string `help:"Only runs of this task."`
	Conversation string `help:"Only runs of this conversation: the id of its first run, or what a source calls the session."`
	Agent        string `help:"Only runs with a step of this agent."`
	Outcome      string `help:"Only runs that count so, by their verdict or else by how they ended: succeeded, failed, cancelled, unrated, or that are running." enum:",succeeded,failed,cancelled,unrated,running" default:""`
	pastFlag
}

// Help gives examples.
func (runsListVerb) Help() string {
	return "A list shows the beginnings of prompts and answers, one run the whole of them.\n\nExamples:\n  virtuous6 runs --outcome failed --limit 5\n  virtuous6 runs airline-0-1\n  virtuous6 runs airline-0-1 --messages\n  virtuous6 runs diff airline-0-1 airline-0-2\n  virtuous6 runs --json --limit 0 > runs.json"
}

// Run lists runs, the latest first, or shows one.
func (v runsListVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	switch {
	case v.ID == "" && v.Messages:
		return usage("--messages is about one run: name it")
	case v.Messages:
		return v.messages(ctx, a, reader)
	case v.ID != "":
		return v.show(ctx, a, reader)
	}
	runs := []projections.RunRow{}
	filter := projections.RunFilter{
		Workflow: v.Workflow, Task: v.Task, Conversation: v.Conversation, Agent: v.Agent, Outcome: events.Outcome(v.Outcome),
		Limit: int(rows(v.Limit, v.JSON, 20)),
	}
	for run, err := range reader.Runs(ctx, filter) {
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	if v.JSON {
		return a.json(runs)
	}
	return table(a.out, "RUN|WORKFLOW|TASK|OUTCOME|VERDICT|STARTED|TOOK|STEPS|TOKENS|COST|ERROR", func(row func(...any)) {
		for _, r := range runs {
			verdict := "-"
			if r.Verdict != nil {
				verdict = strings.TrimSpace(verdictOr(r.Verdict.Verdict) + " " + differing(r.Verdict))
			}
			row(r.Run, short(r.Workflow, 24), short(r.Task, 20), r.Outcome, verdict, when(r.StartedAt), seconds(r.DurationNS), r.Steps,
				r.InputTokens+r.OutputTokens, spent(r.Cost), short(r.Error, 40))
		}
	})
}

func (v runsListVerb) show(ctx context.Context, a *app, reader projections.Reader) error {
	run, steps, err := findRun(ctx, reader, v.ID)
	if err != nil {
		return err
	}
	if err := replay.Texts(ctx, a.store, &run); err != nil {
		return err
	}
	feedback, err := reader.Feedback(ctx, run.Run)
	if err != nil {
		return err
	}
	caching, err := a.runs().Caching(ctx, &run, steps)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(map[string]any{"run": run, "steps": steps, "feedback": feedback, "caching": caching})
	}
	how, waits, err := stands(ctx, reader, run)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s: %s, %s, %s, %d in and %d out tokens, %s, %s\n", run.Run, run.Workflow, how, english.Plural(int(run.Steps), "step", ""),
		run.InputTokens, run.OutputTokens, spentInWords(run.Cost), seconds(run.DurationNS))
	showVerdict(a.out, run.Verdict)
	if run.Scripted {
		fmt.Fprintln(a.out, "answered by the built-in scripted model")
	}
	for _, line := range []struct{ label, text string }{{"task", run.Task}, {"asked", run.Prompt}, {"agent", run.Agent}, {"chosen since", run.Chosen}, {"skills loaded", strings.Join(run.Skills, " ")}, {"waits for", waits}, {"answer", run.Answer}, {"error", run.Error}} {
		if line.text != "" {
			fmt.Fprintf(a.out, "%s: %s\n", line.label, short(line.text, 400))
		}
	}
	fmt.Fprintln(a.out)
	depth := make([]int, len(steps))
	err = table(a.out, "#|STEP|TYPE|AGENT|MODEL|OUTCOME|TOOK|IN|OUT|COST|ERROR", func(row func(...any)) {
		for i, s := range steps {
			if s.Parent >= 0 && s.Parent < int64(i) {
				depth[i] = depth[s.Parent] + 1
			}
			row(s.Step, strings.Repeat("  ", min(depth[i], 8))+short(s.Name, 48), s.Type, short(s.Agent, 20), short(s.Model, 28), s.Outcome,
				seconds(s.DurationNS), s.InputTokens, s.OutputTokens, spent(s.Spent()), short(s.Error, 40))
		}
	})
	showCaching(a.out, caching)
	for _, f := range feedback {
		fmt.Fprintf(a.out, "\nfeedback of %s: %s", orDash(f.User), describe(f))
	}
	if len(feedback) > 0 {
		fmt.Fprintln(a.out)
	}
	return err
}

// findRun looks a run up by its id or by what only its id begins with, and says where to look where there is none.
func findRun(ctx context.Context, reader projections.Reader, id string) (projections.RunRow, []projections.StepRow, error) {
	run, steps, err := projections.FindRun(ctx, reader, id)
	if errors.Is(err, projections.ErrNotFound) {
		err = fmt.Errorf("there is no run %q: `virtuous6 runs` lists them", id)
	}
	return run, steps, err
}

func describe(f projections.FeedbackRow) string {
	var parts []string
	if f.Name != "" {
		parts = append(parts, f.Name)
	}
	if f.Score != nil {
		parts = append(parts, fmt.Sprintf("%g", *f.Score))
	}
	for _, s := range []string{f.Label, f.Text} {
		if s != "" {
			parts = append(parts, short(s, 200))
		}
	}
	if f.Better != "" {
		parts = append(parts, "better: "+short(f.Better, 200))
	}
	if f.Wish != "" {
		parts = append(parts, "wish: "+short(f.Wish, 200))
	}
	return strings.Join(parts, ", ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return oneLine(s)
}

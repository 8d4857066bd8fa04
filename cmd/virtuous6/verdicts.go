package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

type verdictsVerb struct {
	List verdictsListVerb `cmd:"" default:"withargs" help:"List verdicts on runs."`
	Set  verdictsSetVerb  `cmd:"" help:"Set the rule that makes verdicts of a workflow's scores."`
}

type verdictsListVerb struct {
	JSON  bool   `name:"json" help:"Print one JSON value."`
	Limit *count `placeholder:"N" help:"Rows, 0 for all. Default: 20, and all with --json."`
	pastFlag
}

// Help gives an example.
func (verdictsListVerb) Help() string {
	return "A run ends one way or another; whether what it did was good is its verdict: from a person (`virtuous6 feedback RUN --outcome failed`), else " +
		"from its source (a reward), else from a rule over scores and labels (`virtuous6 verdicts set`). The latest of the first of these counts, in " +
		"all figures.\n\nExample:\n  virtuous6 verdicts"
}

// Run prints the rules, and the verdicts.
func (v verdictsListVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	rules, err := reader.Rules(ctx)
	if err != nil {
		return err
	}
	limit := int(rows(v.Limit, v.JSON, 20))
	verdicts := []projections.VerdictRow{}
	for row, err := range reader.Verdicts(ctx, limit) {
		if err != nil {
			return err
		}
		verdicts = append(verdicts, row)
	}
	if v.JSON {
		return a.json(map[string]any{"rules": append([]projections.RuleRow{}, rules...), "verdicts": verdicts})
	}
	for _, r := range rules {
		if r.Rule != "" {
			fmt.Fprintf(a.out, "%s: a run is good where %s, says %s\n", oneLine(r.Workflow), oneLine(r.Rule), oneLine(r.SetBy))
		}
	}
	if len(verdicts) == 0 {
		fmt.Fprintln(a.out, "No run has a verdict: each counts by how it ended. `virtuous6 verdicts set` makes verdicts of scores, `virtuous6 feedback RUN --outcome failed` gives one.")
		return nil
	}
	return table(a.out, "RUN|VERDICT|BY|PERSON|SOURCE|RULE|GIVEN|", func(row func(...any)) {
		for _, r := range verdicts {
			row(r.Run, verdictOr(r.Verdict), byWhom(&r), verdictOr(r.Person), verdictOr(r.Source), verdictOr(r.Rule), when(r.GivenAt), differing(&r))
		}
	})
}

func verdictOr(o events.Outcome) string {
	if o == "" {
		return "-"
	}
	return string(o)
}

// byWhom names who a verdict is from.
func byWhom(v *projections.VerdictRow) string {
	if v.Verdict == "" {
		return "-"
	}
	if v.Origin == events.ByPerson {
		return short(v.By, 40)
	}
	return string(v.Origin) + " " + short(v.By, 40)
}

func differing(v *projections.VerdictRow) string {
	if v.Differ {
		return "(they differ)"
	}
	return ""
}

type verdictsSetVerb struct {
	Rule     string `arg:"" help:"Such as correctness>=0.5, grade=correct, or >=0.5 for judgements without a name; none for no rule."`
	Workflow string `required:"" help:"The workflow whose runs it judges."`
	JSON     bool   `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (verdictsSetVerb) Help() string {
	return "A run of the workflow with such a score or label is then good or not by the rule, whoever gave the score and whenever; of several scores " +
		"the latest counts. A person's verdict, and one that the source gives as such, outweigh it.\n\nExamples:\n" +
		"  virtuous6 verdicts set 'correctness>=0.5' --workflow support\n  virtuous6 verdicts set none --workflow support"
}

// Run records the rule, and what it says of the runs that are there.
func (v verdictsSetVerb) Run(ctx context.Context, a *app) error {
	if v.Rule == "none" {
		v.Rule = ""
	} else if _, err := commands.ParseCriterion(v.Rule); err != nil {
		return usageError{err}
	}
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	sum, err := a.judgeBy(ctx, reader, v.Workflow, v.Rule)
	if err != nil {
		return err
	}
	if sum.Runs == 0 {
		a.note("There is no run of workflow %q yet: `virtuous6 metrics` names the workflows.", v.Workflow)
	}
	if v.Rule != "" && sum.Runs > 0 && sum.Succeeded+sum.Failed == 0 {
		if err := a.noteJudged(ctx, reader); err != nil {
			return err
		}
	}
	if v.JSON {
		return a.json(sum)
	}
	if v.Rule == "" {
		_, err = fmt.Fprintf(a.out, "%s has no rule now: %d verdicts were taken back.\n", oneLine(v.Workflow), sum.Said)
		return err
	}
	_, err = fmt.Fprintf(a.out, "Of %d runs of %s, %d are good by %s, %d are not, and of %d it says nothing. %d verdicts are new.\n", sum.Runs, oneLine(v.Workflow),
		sum.Succeeded, oneLine(v.Rule), sum.Failed, sum.Runs-sum.Succeeded-sum.Failed, sum.Said)
	return err
}

// noteJudged names what there are judgements of, for whoever wrote a rule that says nothing.
func (a *app) noteJudged(ctx context.Context, reader projections.Reader) error {
	rows, err := reader.Feedback(ctx, "")
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, row := range rows {
		if row.Name != "" {
			named[row.Name] = true
		} else if row.Score != nil || row.Label != "" {
			named["(without a name: a rule such as >=0.5)"] = true
		}
	}
	if len(named) == 0 {
		a.note("There are no judgements for a rule to go by: a score or a label that the source's evaluations give a run, or `virtuous6 feedback RUN --score 0.8`. " +
			"The labels of runs are none.")
	} else {
		a.note("The rule is about none of the judgements that there are: %s.", short(strings.Join(slices.Sorted(maps.Keys(named)), ", "), 300))
	}
	return nil
}

// judgeBy sets the rule of a workflow, and judges its runs by it.
func (a *app) judgeBy(ctx context.Context, reader projections.Reader, workflow, rule string) (orchestrator.Judged, error) {
	dispatch := a.dispatcher().Dispatch
	meta := a.meta("")
	if _, err := dispatch(ctx, commands.SetRule{Meta: meta, Workflow: workflow, Rule: rule, By: meta.Actor}); err != nil {
		return orchestrator.Judged{}, err
	}
	return orchestrator.JudgeAll(ctx, reader, dispatch, a.meta(""), workflow, rule)
}

// showVerdict tells what is said of a run, and by whom.
func showVerdict(w io.Writer, v *projections.VerdictRow) {
	if v == nil {
		fmt.Fprintln(w, "verdict: none, so that it counts by how it ended")
		return
	}
	fmt.Fprintf(w, "verdict: %s, by %s", v.Verdict, byWhom(v))
	for _, other := range []struct {
		said   events.Outcome
		origin events.VerdictOrigin
		by     string
	}{{v.Source, events.BySource, v.SourceBy}, {v.Rule, events.ByRule, v.RuleBy}} {
		if other.said != "" && other.origin != v.Origin {
			but := "and"
			if other.said != v.Verdict {
				but = "but"
			}
			fmt.Fprintf(w, "; %s %s by the %s %s", but, other.said, other.origin, oneLine(other.by))
		}
	}
	fmt.Fprintln(w)
}

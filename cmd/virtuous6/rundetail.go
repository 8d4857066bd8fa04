package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// messages shows a run's conversation. Where a step failed stands out.
func (v runsListVerb) messages(ctx context.Context, a *app, reader projections.Reader) error {
	run, steps, err := findRun(ctx, reader, v.ID)
	if err != nil {
		return err
	}
	said, err := replay.Messages(ctx, a.store, &run)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(said)
	}
	if len(said) == 0 {
		fmt.Fprintf(a.out, "No messages of %s were recorded: `virtuous6 runs %s` shows its steps.\n", oneLine(run.Run), oneLine(run.Run))
		return nil
	}
	names := map[int]string{}
	for _, s := range steps {
		names[int(s.Step)] = s.Name
	}
	for _, line := range said {
		if line.Error != "" {
			fmt.Fprintf(a.out, ">>> step %d, %s, FAILED: %s\n\n", line.Step, oneLine(names[line.Step]), line.Error)
			continue
		}
		head := line.Role
		if line.Name != "" {
			head += " " + oneLine(line.Name)
		}
		if line.Unknown {
			head += " (outcome unknown)"
		}
		fmt.Fprintf(a.out, "[%s]\n", head)
		if line.Thinking != "" {
			fmt.Fprintf(a.out, "(thinking) %s\n", line.Thinking)
		}
		if line.Content != "" {
			fmt.Fprintln(a.out, line.Content)
		}
		for _, call := range line.ToolCalls {
			fmt.Fprintf(a.out, "calls %s %s\n", oneLine(call.Name), call.Arguments)
		}
		fmt.Fprintln(a.out)
	}
	fmt.Fprintf(a.out, "%s: %s\n", oneLine(run.Run), ended(run))
	return nil
}

// showCaching tells of the calls that read something from their provider's cache, or could have.
func showCaching(out io.Writer, uses []answers.CacheUse) {
	for _, u := range uses {
		switch {
		case u.Lost == answers.UnknownLoss:
			fmt.Fprintf(out, "step %d: cache %d of %d tokens; lost, it is not known why\n", u.Step, u.Read, u.Of)
		case u.Lost == answers.TimeLoss:
			fmt.Fprintf(out, "step %d: cache %d of %d tokens; lost: too much time since the call before\n", u.Step, u.Read, u.Of)
		case u.Lost != "":
			fmt.Fprintf(out, "step %d: cache %d of %d tokens; lost: %s changed\n", u.Step, u.Read, u.Of, u.Lost)
		case u.Of > 0:
			fmt.Fprintf(out, "step %d: cache %d of %d tokens\n", u.Step, u.Read, u.Of)
		case u.Read > 0:
			fmt.Fprintf(out, "step %d: cache %d tokens\n", u.Step, u.Read)
		}
	}
}

// parting is where two runs part.
type parting struct {
	A string `json:"a"`
	B string `json:"b"`
	// Same is how many steps they have in common from the start. At names what each does next, empty where it ends there.
	Same int       `json:"same_steps"`
	At   [2]string `json:"then"`
	// The rest is B less A.
	Outcomes     [2]string `json:"outcomes"`
	Steps        int64     `json:"steps"`
	FailedSteps  int64     `json:"failed_steps"`
	InputTokens  int64     `json:"input_tokens"`
	OutputTokens int64     `json:"output_tokens"`
	CostUSD      string    `json:"cost_usd"`
	// UnpricedCalls are those of both: what the two differ by is then not known.
	UnpricedCalls int64    `json:"unpriced_calls"`
	Seconds       *float64 `json:"duration_seconds"`
}

// Run compares two runs.
func (v runsDiffVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	one, oneSteps, err := findRun(ctx, reader, v.A)
	if err != nil {
		return err
	}
	other, otherSteps, err := findRun(ctx, reader, v.B)
	if err != nil {
		return err
	}
	p := parting{
		A: one.Run, B: other.Run, Outcomes: [2]string{string(one.Outcome), string(other.Outcome)}, Steps: other.Steps - one.Steps,
		FailedSteps: other.FailedSteps - one.FailedSteps, InputTokens: other.InputTokens - one.InputTokens,
		OutputTokens: other.OutputTokens - one.OutputTokens, CostUSD: (other.CostNanos - one.CostNanos).String(), UnpricedCalls: one.UnpricedCalls + other.UnpricedCalls,
	}
	if one.DurationNS >= 0 && other.DurationNS >= 0 {
		seconds := float64(other.DurationNS-one.DurationNS) / 1e9
		p.Seconds = &seconds
	}
	for p.Same < min(len(oneSteps), len(otherSteps)) && did(oneSteps[p.Same]) == did(otherSteps[p.Same]) {
		p.Same++
	}
	for i, steps := range [][]projections.StepRow{oneSteps, otherSteps} {
		if p.Same < len(steps) {
			p.At[i] = did(steps[p.Same])
		}
	}
	if v.JSON {
		return a.json(p)
	}
	fmt.Fprintf(a.out, "%s %s, %s %s\n", oneLine(p.A), ended(one), oneLine(p.B), ended(other))
	if p.At == [2]string{} {
		fmt.Fprintf(a.out, "All %d steps are the same.\n", p.Same)
	} else {
		then := func(s string) string {
			if s == "" {
				return "nothing"
			}
			return oneLine(s)
		}
		fmt.Fprintf(a.out, "The first %d steps are the same. Then the first goes on with %s, the second with %s.\n", p.Same, then(p.At[0]), then(p.At[1]))
	}
	took := "unknown"
	if p.Seconds != nil {
		took = fmt.Sprintf("%+.2fs", *p.Seconds)
	}
	cost := "$" + p.CostUSD
	if less, negative := strings.CutPrefix(p.CostUSD, "-"); negative {
		cost = "-$" + less
	}
	if p.UnpricedCalls > 0 {
		cost = "cost unknown"
	}
	fmt.Fprintf(a.out, "The second against the first: %+d steps, %+d failed, %+d input and %+d output tokens, %s, time %s\n", p.Steps, p.FailedSteps,
		p.InputTokens, p.OutputTokens, cost, took)
	return nil
}

// ended is how a run ended, and what was said of it.
func ended(r projections.RunRow) string {
	if r.Verdict == nil {
		return string(r.Outcome)
	}
	return fmt.Sprintf("%s, judged %s", r.Outcome, r.Verdict.Verdict)
}

// stands is how a run ended, or that it has not and what it waits for.
func stands(ctx context.Context, reader projections.Reader, run projections.RunRow) (how, waits string, err error) {
	if run.Outcome != projections.Running {
		return "ended " + string(run.Outcome), "", nil
	}
	how = string(run.Outcome)
	if run.Suspended != "" {
		row, err := reader.Budget(ctx, run.Suspended)
		if err != nil && !errors.Is(err, projections.ErrNotFound) {
			return how, "", err
		}
		return how, fmt.Sprintf("more of the budget %s (%s used): `virtuous6 budget %[1]s` with a higher limit lets it go on; `virtuous6 why %[3]s` tells what it needs", oneLine(run.Suspended), row.Says(), oneLine(run.Run)), nil
	}
	asked, err := reader.Approvals(ctx, projections.ApprovalAsked)
	for _, a := range asked {
		if a.Run == run.Run {
			waits = fmt.Sprintf("a person, who lets it call %s or not: `virtuous6 approvals` shows the call", oneLine(a.Tool))
		}
	}
	return how, waits, err
}

// did is what a step did and how it ended, for comparing.
func did(s projections.StepRow) string {
	text := s.Name
	if s.Model != "" {
		text += " with " + s.Model
	}
	return text + " (" + string(s.Outcome) + ")"
}

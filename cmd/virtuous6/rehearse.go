package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/replay"
)

// rehearsalFlags are those of `replay --analysts`.
type rehearsalFlags struct {
	Analysts bool           `help:"Rebuild nothing: tell what today's analysts would have proposed while this history happened, beside what was proposed then."`
	From     moment         `help:"With --analysts: from when on they look. What came before is known to them." placeholder:"TIME"`
	Every    *time.Duration `help:"With --analysts: how often every analyst looks, in the history's own time. Default: each at its own pace, see analysts: in the configuration." placeholder:"DURATION"`
}

// rehearsalHelp tells what --analysts does.
const rehearsalHelp = "With --analysts today's analysts go through the history, each at its pace, in the history's own time, and what they would have " +
	"proposed is told beside what was: new, gone, changed, with the evidence of both sides; which of that the policy would have let be tried on a " +
	"part of the runs and when, beside the experiments that were held and their verdicts; and when the loop was paused, in which time they do not look. Nothing of it is recorded. The digest is " +
	"the same for the same history on every engine."

func (f rehearsalFlags) given() bool { return f.From.given || f.Every != nil }

// rehearsal is what the flags ask for.
func (v replayVerb) rehearsal(a *app) (replay.RehearsalConfig, error) {
	c := replay.RehearsalConfig{
		From: v.From.OccurredBy, To: v.To.OccurredBy, UpTo: v.To.Position, Workspace: a.flags.Workspace, Policy: a.config.Policy.policy(),
	}
	switch {
	case !v.Analysts:
		return c, usage("--from and --every go with --analysts")
	case len(v.ReadModels) > 0:
		return c, usage("--analysts rebuilds nothing: leave out %s", strings.Join(v.ReadModels, ", "))
	case v.Into != "":
		return c, usage("--analysts builds nothing: leave out --into")
	case v.From.given && c.From.IsZero():
		return c, usage("--from %d: give a time, such as 2026-11-22", v.From.Position)
	case v.To.given && c.To.IsZero() && c.UpTo == 0:
		return c, usage("--to 0: there is nothing up to there; the log's first event is at position 1 or later")
	case !c.To.IsZero() && c.To.Before(c.From):
		return c, usage("--to %s lies before --from %s", when(c.To), when(c.From))
	case v.Every != nil && *v.Every < time.Minute:
		return c, usage("--every %s: give a minute or more, such as 6h", *v.Every)
	}
	return c, nil
}

// rehearse lets the analysts look at history again. The store is opened to be read, and the read models that they look
// at are thrown away.
func (v replayVerb) rehearse(ctx context.Context, a *app) error {
	c, err := v.rehearsal(a)
	if err != nil {
		return err
	}
	scratch, head, err := a.beside(ctx)
	if err != nil {
		return err
	}
	bar := a.progress("replay", int64(head), "events")
	found, err := replay.Rehearse(ctx, a.store, scratch, a.config.scheduled(v.Every), c, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err != nil {
		return err
	}
	if found.Parked > 0 {
		a.note("%d streams could not be read to their end, and are left out: see `virtuous6 doctor`", found.Parked)
	}
	if v.JSON {
		return a.json(found)
	}
	tellRehearsal(a, found)
	return nil
}

// rehearsalParts are the parts of what is told, in their order.
var rehearsalParts = []struct {
	difference   replay.Difference
	title, means string
}{
	{replay.DifferenceNew, "NEW", "today's analysts would propose it, and nobody did"},
	{replay.DifferenceGone, "GONE", "it was proposed, and would not be today"},
	{replay.DifferenceChanged, "CHANGED", "proposed then and today, but not in the same way"},
	{replay.DifferenceSame, "AS PROPOSED", "today's analysts say the same"},
	{replay.DifferenceStanding, "STANDING", "proposed before --from, and today's analysts agree"},
}

func tellRehearsal(a *app, found replay.Rehearsal) {
	switch {
	case !slices.ContainsFunc(found.Paces, func(p replay.Pace) bool { return p.EverySeconds > 0 }):
		fmt.Fprintf(a.out, "No analyst is to look: see analysts: in the configuration, or give --every.\n")
	case found.Looks == 0:
		fmt.Fprintf(a.out, "Nothing happened in that time: the analysts had nothing to look at.\n")
	default:
		fmt.Fprintf(a.out, "Today's analysts looked %d times, %s of the history's time, from %s to %s (UTC), up to log position %d.\n",
			found.Looks, paces(found.Paces), when(*found.First), when(*found.Last), found.Position)
	}
	by := make(map[replay.Difference][]replay.Rehearsed)
	for _, p := range found.Proposals {
		by[p.Difference] = append(by[p.Difference], p)
	}
	for _, part := range rehearsalParts {
		if len(by[part.difference]) == 0 {
			continue
		}
		fmt.Fprintf(a.out, "\n%s (%d): %s\n", part.title, len(by[part.difference]), part.means)
		for _, p := range by[part.difference] {
			tellRehearsed(a, p)
		}
	}
	if len(found.Proposals) == 0 {
		fmt.Fprintf(a.out, "\nNo proposals, neither then nor today.\n")
	}
	tellTrials(a, found)
	fmt.Fprintf(a.out, "\nSHA-256 of what today's analysts would have proposed: %s\n", found.Digest)
}

// paces are how often analysts look, in words: those of one pace together, the quickest first.
func paces(of []replay.Pace) string {
	names := make(map[time.Duration][]string)
	for _, p := range of {
		every := time.Duration(p.EverySeconds * float64(time.Second))
		names[every] = append(names[every], p.Analyst)
	}
	var parts []string
	for _, every := range slices.Sorted(maps.Keys(names)) {
		said := "every " + shortDuration(every)
		if every <= 0 {
			said = "never"
		}
		if len(names) > 1 {
			said += " (" + strings.Join(names[every], ", ") + ")"
		}
		parts = append(parts, said)
	}
	return strings.Join(parts, ", ")
}

// tellTrials tells what would have been tried beside what was.
func tellTrials(a *app, found replay.Rehearsal) {
	for i, p := range found.Pauses {
		until := "now"
		if p.Until != nil {
			until = when(*p.Until)
		}
		if i == 0 {
			fmt.Fprintf(a.out, "\nPAUSED (%d): nobody looked, and nothing was tried\n", len(found.Pauses))
		}
		fmt.Fprintf(a.out, "  %s to %s\n", when(p.Since), until)
	}
	if len(found.Trials) == 0 {
		fmt.Fprintf(a.out, "\nNothing was tried on a part of the runs, nor would the policy have let anything be tried without a person.\n")
		return
	}
	fmt.Fprintf(a.out, "\nTRIED (%d): what would have been tried on a part of the runs without a person, and what was; what would have come of it nobody knows\n", len(found.Trials))
	for _, t := range found.Trials {
		fmt.Fprintf(a.out, "  %s  %s  %s of %s\n", when(t.At()), oneLine(t.Experiment), oneLine(string(t.Kind)), oneLine(t.Subject()))
		switch w := t.Would; {
		case w == nil:
			fmt.Fprintf(a.out, "    today: no analyst asks for it, or a person would have to approve it\n")
		case w.Behind != "":
			fmt.Fprintf(a.out, "    today: up to %s of the runs, once %s is over\n", percent(int64(w.MaxShare)), oneLine(w.Behind))
		default:
			fmt.Fprintf(a.out, "    today: up to %s of the runs\n", percent(int64(w.MaxShare)))
		}
		d := t.Did
		if d == nil {
			fmt.Fprintf(a.out, "    then: not tried\n")
			continue
		}
		fmt.Fprintf(a.out, "    then: planned %s, let by %s: %s", when(d.PlannedAt), oneLine(d.By), strings.ReplaceAll(d.Verdict, "_", " "))
		if d.At != nil {
			fmt.Fprintf(a.out, " %s, log position %d", when(*d.At), d.Position)
		}
		if d.Reason != "" {
			fmt.Fprintf(a.out, ", %s", oneLine(d.Reason))
		}
		if d.Proof != nil {
			fmt.Fprintf(a.out, " (%+.1f points, %+.1f to %+.1f)", 100*d.Proof.Difference, 100*d.Proof.Low, 100*d.Proof.High)
		}
		fmt.Fprintln(a.out)
	}
}

func tellRehearsed(a *app, p replay.Rehearsed) {
	c := p.Would
	if c == nil {
		c = p.Did
	}
	fmt.Fprintf(a.out, "  %s  %s  %s by %s v%d\n    %s\n", when(c.At), oneLine(p.ID), oneLine(string(c.Change.Kind)), oneLine(c.Analyst), c.AnalystVersion, oneLine(c.Reason))
	if c.Change.Instruction != "" {
		fmt.Fprintf(a.out, "    to do: %s\n", oneLine(c.Change.Instruction))
	}
	if c.Refused != "" {
		fmt.Fprintf(a.out, "    the policy would refuse it: %s\n", oneLine(c.Refused))
	}
	fmt.Fprintf(a.out, "    evidence: %s\n", evidenceLine(c.Evidence))
	if p.Difference == replay.DifferenceChanged {
		fmt.Fprintf(a.out, "    other than then: %s\n", strings.Join(p.Differs, ", "))
	}
	if p.Would == nil || p.Did == nil {
		return
	}
	fmt.Fprintf(a.out, "    then: %s by %s v%d, at log position %d\n", when(p.Did.At), oneLine(p.Did.Analyst), p.Did.AnalystVersion, p.Did.Position)
	if p.Difference == replay.DifferenceChanged {
		if p.Did.Reason != p.Would.Reason {
			fmt.Fprintf(a.out, "      %s\n", oneLine(p.Did.Reason))
		}
		fmt.Fprintf(a.out, "      evidence: %s\n", evidenceLine(p.Did.Evidence))
	}
}

// evidenceLine is what a claim rests on.
func evidenceLine(e events.Evidence) string {
	return fmt.Sprintf("%.3g [%.3g, %.3g] over %d runs, log positions %d to %d (%s)", e.Value, e.Low, e.High, e.N, e.From, e.To, oneLine(e.Statistic))
}

// shortDuration is a duration without the parts that are zero: 6h, not 6h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if rest, ok := strings.CutSuffix(s, "m0s"); ok {
		s = rest + "m"
	}
	if rest, ok := strings.CutSuffix(s, "h0m"); ok {
		s = rest + "h"
	}
	return s
}

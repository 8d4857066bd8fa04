package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
)

type whyVerb struct {
	Of   string `arg:"" name:"improvement|agent[@version]|run" help:"What is to be explained, by its name, its id or what only its id begins with."`
	JSON bool   `name:"json" help:"Print one JSON value."`
}

// Help tells what is told.
func (whyVerb) Help() string {
	return "Tells the whole story from the facts: what was seen and where in the log, what was computed, who let it, what was foreseen and what " +
		"came of it. The number before each line is the fact's position.\n\nExamples:\n  virtuous6 why 06aacbda1caacce8\n" +
		"  virtuous6 why clerk@3\n  virtuous6 why 01930000-0000-7000-8000-000000000009 --json"
}

// told is a fact of a story.
type told struct {
	Position uint64    `json:"position"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"`
	Kind     string    `json:"kind"`
	Stream   string    `json:"stream"`
	Says     string    `json:"says"`
	fact     events.Event
	// revision is the fact's in its stream.
	revision uint64
}

// Run tells the story.
func (v whyVerb) Run(ctx context.Context, a *app) error {
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	story, err := a.story(ctx, v.Of)
	if err != nil {
		return err
	}
	if len(story) == 0 {
		whole, err := a.wholeID(ctx, v.Of)
		if err != nil {
			return err
		}
		if story, err = a.story(ctx, whole); err != nil {
			return err
		}
	}
	if v.JSON {
		return a.json(story)
	}
	for _, s := range story {
		if _, err := fmt.Fprintf(a.out, "%8d  %s  %s: %s\n", s.Position, when(s.At), oneLine(s.Actor), short(s.Says, 600)); err != nil {
			return err
		}
	}
	return nil
}

// story finds what is meant, and tells it in the order of the log.
func (a *app) story(ctx context.Context, of string) ([]told, error) {
	story, err := a.tried(ctx, of)
	if err != nil || len(story) > 0 {
		return story, err
	}
	agent, version := of, 0
	if name, number, found := strings.Cut(of, "@"); found {
		if n, err := strconv.Atoi(number); err == nil {
			agent, version = name, n
		}
	}
	if story, err = a.versions(ctx, agent, version); err != nil || len(story) > 0 {
		return story, err
	}
	if story, err = a.runOf(ctx, of); err != nil || len(story) > 0 {
		return story, err
	}
	return a.factsOf(ctx, commands.EvalStream(a.flags.Workspace, of))
}

// wholeID is the id of the only proposal, experiment or run that begins so, in this order.
func (a *app) wholeID(ctx context.Context, begins string) (string, error) {
	reader, err := a.read(ctx)
	if err != nil {
		return "", err
	}
	for _, find := range []func() (string, error){
		func() (string, error) {
			i, err := projections.FindImprovement(ctx, reader, begins)
			return i.Improvement, err
		},
		func() (string, error) {
			x, err := projections.FindExperiment(ctx, reader, begins)
			return x.Experiment, err
		},
		func() (string, error) { r, _, err := projections.FindRun(ctx, reader, begins); return r.Run, err },
		func() (string, error) { e, err := projections.FindEval(ctx, reader, begins); return e.Eval, err },
	} {
		if id, err := find(); !errors.Is(err, projections.ErrNotFound) {
			return id, err
		}
	}
	return "", fmt.Errorf("there is no improvement, experiment, agent, run or eval %q: `virtuous6 improvements`, `experiments`, `agents`, `runs` and `evals` list them", begins)
}

// tried is the story of an improvement with its experiment.
func (a *app) tried(ctx context.Context, id string) ([]told, error) {
	improvement, err := a.factsOf(ctx, commands.ImprovementStream(a.flags.Workspace, id))
	if err != nil {
		return nil, err
	}
	experiment, err := a.factsOf(ctx, commands.ExperimentStream(a.flags.Workspace, id))
	if err != nil || len(improvement) == 0 {
		return ordered(improvement, experiment), err
	}
	proposed, is := improvement[0].fact.(events.ImprovementProposed)
	if !is {
		return ordered(improvement, experiment), nil
	}
	scores, err := a.factsOf(ctx, commands.AnalystStream(a.flags.Workspace, proposed.Analyst))
	scores = slices.DeleteFunc(scores, func(t told) bool {
		scored, is := t.fact.(events.AnalystScored)
		return !is || scored.Improvement != proposed.Improvement
	})
	if err != nil {
		return nil, err
	}
	evaluated, err := a.evalsOf(ctx, improvement, experiment)
	return ordered(improvement, experiment, scores, evaluated), err
}

// passesText says who would get which tasks, where an experiment is about that.
func passesText(f events.ExperimentPlanned) string {
	if !f.Change.Routes() {
		return ""
	}
	text := ", which passes on " + answers.Tried(f.Change, f.Config)
	if f.Spawn != nil {
		text += ", and makes " + f.Spawn.Agent
	}
	return text
}

// evalsOf are the evals that a story names: what was known of a change before it was tried.
func (a *app) evalsOf(ctx context.Context, stories ...[]told) ([]told, error) {
	var found []told
	for _, t := range slices.Concat(stories...) {
		planned, is := t.fact.(events.ExperimentPlanned)
		if !is || planned.Screen == nil || planned.Screen.Eval == nil {
			continue
		}
		facts, err := a.factsOf(ctx, commands.EvalStream(a.flags.Workspace, planned.Screen.Eval.Eval))
		if err != nil {
			return nil, err
		}
		found = append(found, facts...)
	}
	return found, nil
}

// versions is the story of an agent, or of one version of it with what led there.
func (a *app) versions(ctx context.Context, agent string, version int) ([]told, error) {
	all, err := a.factsOf(ctx, commands.AgentStream(a.flags.Workspace, agent))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var story []told
	n := 0
	for _, t := range all {
		improvement := ""
		switch f := t.fact.(type) {
		case events.AgentSpawned:
			n++
		case events.AgentConfigured:
			n++
			improvement = f.Improvement
		}
		if version > 0 && n != version {
			continue
		}
		if improvement != "" {
			led, err := a.tried(ctx, improvement)
			if err != nil {
				return nil, err
			}
			story = append(story, led...)
		}
		story = append(story, t)
	}
	if err := a.catchUp(ctx); err != nil {
		return nil, err
	}
	evaluated, err := a.own().Evals(ctx, agent)
	if err != nil {
		return nil, err
	}
	for _, e := range evaluated {
		if version > 0 && e.Version != int64(version) {
			continue
		}
		facts, err := a.factsOf(ctx, commands.EvalStream(a.flags.Workspace, e.Eval))
		if err != nil {
			return nil, err
		}
		story = append(story, facts...)
	}
	if version > n || version < 0 {
		return nil, fmt.Errorf("agent %q has the versions 1 to %d, and no version %d", agent, n, version)
	}
	return ordered(story), nil
}

// runOf is the story of a run: who answered it, why that one, and what came of it.
func (a *app) runOf(ctx context.Context, run string) ([]told, error) {
	all, err := a.factsOf(ctx, commands.RunStream(a.flags.Workspace, run))
	if err != nil {
		return nil, err
	}
	var story []told
	for _, t := range all {
		if t.Says == "" {
			continue
		}
		story = append(story, t)
		assigned, is := t.fact.(events.RunAssigned)
		if !is {
			continue
		}
		made, err := a.factsOf(ctx, commands.AgentStream(a.flags.Workspace, assigned.Agent))
		if err != nil {
			return nil, err
		}
		for _, m := range made {
			if m.revision == assigned.Revision {
				story = append(story, m)
			}
		}
		for _, arm := range assigned.Arms {
			led, err := a.factsOf(ctx, commands.ExperimentStream(a.flags.Workspace, arm.Experiment))
			if err != nil {
				return nil, err
			}
			story = append(story, led...)
		}
	}
	return ordered(story), nil
}

func ordered(stories ...[]told) []told {
	all := slices.Concat(stories...)
	slices.SortStableFunc(all, func(a, b told) int { return cmp.Compare(a.Position, b.Position) })
	return slices.CompactFunc(all, func(a, b told) bool { return a.Position == b.Position })
}

// factsOf reads a stream as a story. One that is not there is none.
func (a *app) factsOf(ctx context.Context, stream string) ([]told, error) {
	var story []told
	for e, err := range a.store.ReadStream(ctx, stream, eventstore.StreamOptions{}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		fact, err := events.Decode(e)
		if err != nil {
			return nil, fmt.Errorf("position %d of the log: %w", e.Position, err)
		}
		story = append(story, told{
			Position: e.Position, At: e.OccurredAt, Actor: e.Actor, Kind: e.Kind, Stream: e.Stream, Says: sentence(fact), fact: fact, revision: e.Revision,
		})
	}
	return story, nil
}

// sentence says what a fact tells in a story. It is empty for what is no part of one.
func sentence(fact events.Event) string {
	switch f := fact.(type) {
	case events.ImprovementProposed:
		bound := ""
		if f.Bound {
			bound = "; it waits for a person, since forecasts of the analyst " + f.Analyst + " did not come true"
		}
		return fmt.Sprintf("proposed to change the %s of %s. %s (%s; foreseen %+.3g in %s, %.3g to %.3g)%s", f.Change.Kind,
			cmp.Or(f.Change.Agent, f.Change.Workflow), f.Reason, evidenceText(f.Evidence), f.Expected.Change, f.Expected.Metric, f.Expected.Low, f.Expected.High, bound)
	case events.ImprovementEvidenceChanged:
		return fmt.Sprintf("the evidence is %s: %s (%s)", f.Move, f.Strength, evidenceText(f.Evidence))
	case events.ImprovementApproved:
		how := "to be made at once"
		if f.Trial {
			how = "to be tried on a part of the runs"
		}
		return strings.TrimSpace(fmt.Sprintf("approved by %s, %s. %s", f.By, how, f.Note))
	case events.EvalFinished:
		return "an eval: " + evalText(f)
	case events.AnalystBound:
		return "it may do nothing without a person: " + f.Reason
	case events.AnalystFreed:
		return "it goes by the policy again: " + f.Reason
	case events.AnalystScored:
		return fmt.Sprintf("its analyst's forecast is scored: %s, Brier %.2f, doubt %.2g of 100", map[bool]string{true: "it came true", false: "it did not come true"}[f.CameTrue], f.Brier, f.Doubt)
	case events.ImprovementRejected:
		return fmt.Sprintf("rejected by %s. %s", f.By, f.Reason)
	case events.ImprovementApplied:
		return fmt.Sprintf("the change has %s of the runs", percent(int64(f.Share)))
	case events.ImprovementRolledBack:
		return "taken back: " + f.Reason
	case events.ImprovementEffectMeasured:
		return fmt.Sprintf("measured: %s (%s)", f.Metric, evidenceText(f.Evidence))
	case events.ExperimentPlanned:
		return fmt.Sprintf("an experiment on the %s of %s is planned%s, let by %s up to %s of the runs%s", f.Change, f.Agent, passesText(f), f.By, percent(int64(f.MaxShare)), screenText(f.Screen))
	case events.ExperimentStarted:
		return fmt.Sprintf("it starts with %s of the runs; a promotion of what is no better has a chance of %.2g", percent(int64(f.Share)), f.Level)
	case events.ExperimentMoved:
		return fmt.Sprintf("no guardrail is broken, so it gets %s of the runs (%s)", percent(int64(f.Share)), countsText(f.Proof))
	case events.ExperimentAllocated:
		text := fmt.Sprintf("the arms get %d permille of the runs, by which of them may be the best", f.Shares)
		if f.Dropped != "" {
			text = fmt.Sprintf("%s goes out, %s", f.Dropped, f.Reason)
		}
		return fmt.Sprintf("%s (%s)", text, countsText(f.Proof))
	case events.ExperimentProved:
		return fmt.Sprintf("%s is proved to be better, and waits for a person (%s)", cmp.Or(f.Arm, events.CandidateArm), countsText(f.Proof))
	case events.ExperimentPromoted:
		return fmt.Sprintf("%s is promoted by %s (%s)", cmp.Or(f.Arm, events.CandidateArm), f.By, countsText(f.Proof))
	case events.ExperimentRolledBack:
		return fmt.Sprintf("rolled back, %s (%s)", f.Reason, countsText(f.Proof))
	case events.ExperimentStopped:
		return fmt.Sprintf("stopped by %s: %s", f.By, f.Reason)
	case events.ExperimentExpired:
		return fmt.Sprintf("ended: %s (%s)", f.Reason, countsText(f.Proof))
	case events.AgentSpawned:
		by := "was made"
		if f.Specialist != nil {
			by = "was spawned by itself for the run " + f.Specialist.Run + ", since " + f.Specialist.Reason
		}
		return fmt.Sprintf("the agent %s %s: model %s. %s", f.Agent, by, orDash(f.Config.Model), f.Config.Prompt)
	case events.AgentConfigured:
		by := ""
		if f.Improvement != "" {
			by = ", of " + f.Improvement
		}
		passes := answers.Tried(events.ChangeRouting, f.Config)
		if passes != "" {
			passes = " It passes on " + passes + "."
		}
		return fmt.Sprintf("another version of the agent%s: %sModel %s.%s %s", by, spaced(f.Reason), orDash(f.Config.Model), passes, f.Config.Prompt)
	case events.AgentRested:
		return "the agent was laid to rest: nobody has asked it since " + when(f.Since)
	case events.AgentWoken:
		return "the agent was woken for the run " + f.Run
	case events.AgentRetired:
		return "the agent was retired: " + f.Reason
	case events.RunStarted:
		return fmt.Sprintf("the run was asked for by %s, of %s", orDash(f.Requester), cmp.Or(f.Agent, "whoever fits best"))
	case events.RunAssigned:
		text := fmt.Sprintf("answered by %s at revision %d of its facts", f.Agent, f.Revision)
		if f.Choice != nil {
			text += ", since " + f.Choice.Reason
		}
		for _, arm := range f.Arms {
			text += fmt.Sprintf(", drawn as %s in %s with a chance of %s", arm.Arm, arm.Experiment, percent(int64(arm.Permille)))
		}
		return text
	case events.RunSpecialistDrafted:
		if f.Invalid != "" {
			return fmt.Sprintf("%s was asked for a specialist's prompt, and none could be taken: %s", orDash(f.Model), f.Invalid)
		}
		return fmt.Sprintf("%s drafted a specialist's prompt from %s", orDash(f.Model), f.Template)
	case events.RunSkillLoaded:
		return fmt.Sprintf("it loaded %s of the skill %s", cmp.Or(f.File, events.SkillMain), events.SkillRef{Name: f.Skill, Digest: f.Digest})
	case events.RunApprovalAsked:
		return fmt.Sprintf("it wants to call %s with %s, and waits for a person until %s", f.Tool, f.Arguments, when(f.Expires))
	case events.RunApprovalAnswered:
		return strings.TrimSuffix(fmt.Sprintf("that call is %s by %s: %s", f.Answer, cmp.Or(f.By, "nobody"), f.Note), ": ")
	case events.RunSuspended:
		return "it waits for money or time: " + f.Reason
	case events.RunResumed:
		return "it goes on with the budget " + f.Budget
	case events.RunFinished:
		return "the run ended: " + string(f.Outcome)
	case events.RunFailed:
		return "the run failed: " + f.Error
	case events.RunCancelled:
		return "the run was cancelled: " + f.Reason
	}
	return ""
}

// spaced is a text with a space behind it, where there is one.
func spaced(text string) string {
	if text == "" {
		return ""
	}
	return text + " "
}

func evidenceText(e events.Evidence) string {
	return fmt.Sprintf("%s %.3g, %.3g to %.3g at %.0f%%, over %d runs at positions %d to %d", e.Statistic, e.Value, e.Low, e.High, 100*e.Confidence, e.N, e.From, e.To)
}

// countsText says what a decision counted, where, and what it rests on.
func countsText(p events.Proof) string {
	var arms []string
	for _, arm := range p.Arms {
		arms = append(arms, fmt.Sprintf("%s %d of %d", arm.Arm, arm.Succeeded, arm.Runs-arm.Unrated))
	}
	return fmt.Sprintf("%s at positions %d to %d: %s", strings.Join(arms, ", "), p.From, p.To, proofText(p))
}

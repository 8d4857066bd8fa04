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
	Of   string `arg:"" name:"improvement|agent[@version]|run|runbook|goal" help:"What is to be explained, by its name, its id or what only its id begins with."`
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
	if story, err = a.bookOf(ctx, of); err != nil || len(story) > 0 {
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
	return "", fmt.Errorf("there is no improvement, experiment, agent, run, runbook, goal or eval %q: `virtuous6 improvements`, `experiments`, `agents`, `runs`, `runbooks`, `goals` and `evals` list them", begins)
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

// bookOf is the story of a runbook with what led to its versions, or of a goal with what it was drawn for.
func (a *app) bookOf(ctx context.Context, of string) ([]told, error) {
	saved, err := a.factsOf(ctx, commands.RunbookStream(a.flags.Workspace, of))
	if err != nil {
		return nil, err
	}
	goal, err := a.factsOf(ctx, commands.GoalStream(a.flags.Workspace, of))
	if err != nil {
		return nil, err
	}
	story := slices.DeleteFunc(slices.Concat(saved, goal), func(t told) bool { return t.Says == "" })
	for _, t := range slices.Clone(story) {
		var ids []string
		switch f := t.fact.(type) {
		case events.RunbookSaved:
			ids = append(ids, f.Improvement)
		case events.GoalPlanned:
			for _, arm := range f.Arms {
				ids = append(ids, arm.Experiment)
			}
		}
		for _, id := range ids {
			if id == "" {
				continue
			}
			led, err := a.tried(ctx, id)
			if err != nil {
				return nil, err
			}
			story = append(story, led...)
		}
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

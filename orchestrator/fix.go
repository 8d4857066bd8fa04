package orchestrator

import (
	"context"
	"slices"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	errs "github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/replay"
)

// holdOut draws whether a run is told the fixes that are known for its agent's errors: what they prevent is measured by those that are not.
func (t *turn) holdOut(agent aggregates.Agent, conversation string, to *events.RunAssigned) {
	if t.heldOut <= 0 || len(agent.Config.Fixes) == 0 {
		return
	}
	arm := events.Arm{Experiment: events.Prevention(to.Agent, ""), Arm: events.GivenArm, Unit: conversation}
	held := false
	if held, arm.Permille = aggregates.Draw(arm.Experiment, conversation, t.heldOut); held {
		arm.Arm = events.HeldOutArm
	}
	to.Arms = append(to.Arms, arm)
}

// fixed is what a call gave, with the fix that is known for its error. A run that is held out is told nothing of it. What is only tried
// is told to all that try it, and measured by its experiment.
func (t *turn) fixed(ctx context.Context, call events.ToolCall, done agents.Done) (result events.Message, known *events.RunFixKnown, err error) {
	result = done.Message
	if done.Error == "" || len(t.config.Fixes) == 0 || t.conversation.started.Tool != "" {
		return result, nil, nil
	}
	i := slices.IndexFunc(t.config.Fixes, func(f events.Fix) bool {
		return f.Do != events.Erased && (f.Tool == "" || f.Tool == call.Name) && errs.Fingerprint{ID: f.ID, Text: f.Error}.Is(done.Error)
	})
	if i < 0 {
		return result, nil, nil
	}
	fix := t.config.Fixes[i]
	if fix.Do == "" {
		advice, err := replay.Advised(ctx, t.store, t.wish.Workspace, fix)
		if err != nil || advice == "" {
			return result, nil, err // whoever wrote it was forgotten
		}
	}
	known = &events.RunFixKnown{Fix: fix.Name(), Told: true}
	told := true
	arms := t.conversation.assigned.Arms
	if k := slices.IndexFunc(arms, func(a events.Arm) bool { return a.Experiment == events.Prevention(t.agent, "") }); k >= 0 {
		version, err := t.version(ctx, t.agent, t.conversation.assigned.Revision)
		if err != nil {
			return result, nil, err
		}
		if slices.ContainsFunc(version.Config.Fixes, func(f events.Fix) bool { return f.Name() == fix.Name() }) {
			told = arms[k].Arm == events.GivenArm
			known.Told = told
		} else {
			known = nil
		}
	}
	if told && fix.Do != "" {
		result.Content += "\n\nKnown fix: " + fix.Do
	}
	return result, known, nil
}

// advise puts what people wrote of what to do about errors behind the results that gave them, where the run was told so: their words are
// read where they stand, and copied into no fact.
func (t *turn) advise(ctx context.Context, sent []events.Message) error {
	for at, name := range t.conversation.fixed() {
		i := slices.IndexFunc(t.config.Fixes, func(f events.Fix) bool { return f.Name() == name && (f.Tool == "" || f.Tool == sent[at].Name) })
		if i < 0 {
			continue
		}
		advice, err := replay.Advised(ctx, t.store, t.wish.Workspace, t.config.Fixes[i])
		if err != nil {
			return err
		}
		if advice != "" {
			sent[at].Content += "\n\n" + advice
		}
	}
	return nil
}

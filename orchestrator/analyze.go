package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// Proposed is a proposal with what became of it.
type Proposed struct {
	evidence.Proposal
	// New tells that it was recorded now; it was there before otherwise.
	New bool
	// Ended tells that it was there before and is decided, applied or withdrawn: it waits for nobody.
	Ended bool
	// Refused is why the policy did not take it, empty where it did.
	Refused string
}

// Analysis is what the analysts said of a state of the read models.
type Analysis struct {
	// Position is the log position that they looked at.
	Position  uint64
	Proposals []Proposed
	// Changes are the improvements whose evidence has changed.
	Changes  []evidence.Change
	Findings []evidence.Finding
}

// Analyze lets analysts read the read models of a workspace, all of them one state, and records what they propose. The same history gives
// the same proposals under the same ids, so that analysing again records nothing twice.
func Analyze(ctx context.Context, models *projections.Models, workspace string, dispatch commands.Dispatch, clock Clock, runners []analysts.Runner) (Analysis, error) {
	out := Analysis{Proposals: []Proposed{}, Changes: []evidence.Change{}, Findings: []evidence.Finding{}}
	var known []evidence.Known
	var said []projections.RoleRow
	var thoughts []func() evidence.Result
	var eager sync.WaitGroup
	early := make([]evidence.Result, len(runners))
	bound := map[string]bool{}
	err := models.Fixed(ctx, workspace, func(r projections.Reader) (err error) {
		if out.Position, err = r.Position(ctx); err != nil {
			return err
		}
		rows, err := r.Improvements(ctx, "")
		if err != nil {
			return err
		}
		known = evidence.KnownOf(rows)
		if said, err = r.Roles(ctx); err != nil {
			return err
		}
		scores, err := r.Analysts(ctx)
		if err != nil {
			return err
		}
		for _, a := range scores {
			bound[a.Analyst] = a.Bound
		}
		for i, runner := range runners {
			think, err := runner.Load(ctx, r)
			if err != nil {
				return err
			}
			if runner.Eager {
				eager.Go(func() { early[i] = think() })
				thoughts = append(thoughts, func() evidence.Result { return early[i] })
				continue
			}
			thoughts = append(thoughts, think)
		}
		return nil
	})
	eager.Wait()
	if err != nil {
		return out, err
	}
	waits := map[string]bool{}
	for _, k := range known {
		waits[k.Improvement] = k.Open
	}
	for i, think := range thoughts {
		result := think()
		out.Findings = append(out.Findings, result.Findings...)
		proposals, changes := evidence.Settle(runners[i].Name, known, result)
		for _, c := range changes {
			_, err := dispatch(ctx, c.Wish(workspace, runners[i].Name, clock()))
			// Somebody may have decided it meanwhile.
			if errors.Is(err, aggregates.ErrState) {
				continue
			}
			if err != nil {
				return out, fmt.Errorf("revise the evidence of %s: %w", c.Improvement, err)
			}
			waits[c.Improvement] = !c.Strength.Withdraws()
			out.Changes = append(out.Changes, c)
		}
		for _, p := range proposals {
			open, there := waits[p.ID()]
			proposed := Proposed{Proposal: p, Ended: there && !open}
			wish := p.Wish(workspace, clock())
			wish.Bound = bound[p.Analyst]
			receipt, err := dispatch(ctx, wish)
			switch {
			case errors.Is(err, aggregates.ErrExists):
				// The same claim on an older history: it stands, and its evidence then does too.
			case errors.Is(err, aggregates.ErrPolicy), errors.Is(err, aggregates.ErrEvidence), errors.Is(err, aggregates.ErrInvalid):
				proposed.Refused = err.Error()
			case err != nil:
				return out, fmt.Errorf("propose %s: %w", p.ID(), err)
			default:
				proposed.New = !receipt.Repeated
			}
			out.Proposals = append(out.Proposals, proposed)
		}
	}
	out.worded(said)
	return out, nil
}

// lookEvery is how often the clock is asked whether an analyst is to look.
const lookEvery = time.Second

// analyzeOnSchedule lets each analyst look as often as it is to, where anything happened in between and nobody paused the loop.
func (o *Orchestrator) analyzeOnSchedule(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	began := o.c.Clock()
	looked, seen := make([]time.Time, len(o.c.Analysts)), make([]uint64, len(o.c.Analysts))
	for i := range looked {
		looked[i] = began
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		var due []int
		now := o.c.Clock()
		for i, r := range o.c.Analysts {
			if r.Every > 0 && now.Sub(looked[i]) >= r.Every {
				due, looked[i] = append(due, i), now
			}
		}
		if len(due) == 0 {
			continue
		}
		position, err := o.lookAgain(ctx, due, seen)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			// An analysis that fails must not take live runs down with it: it is tried again when it is due again.
			o.c.Log.Error("analysis failed", "error", err)
			continue
		}
		for _, i := range due {
			seen[i] = max(seen[i], position)
		}
	}
}

// lookAgain lets those analysts look that are due and have not seen everything, and tells up to where they did.
func (o *Orchestrator) lookAgain(ctx context.Context, due []int, seen []uint64) (uint64, error) {
	position, err := o.c.Models.Position(ctx)
	if err != nil {
		return 0, err
	}
	var runners []analysts.Runner
	for _, i := range due {
		happened := false
		if position > seen[i] {
			if happened, err = moreToAnalyze(ctx, o.c.Store, seen[i]); err != nil {
				return 0, err
			}
		}
		if happened {
			runners = append(runners, o.c.Analysts[i])
		}
	}
	if len(runners) == 0 {
		return 0, nil
	}
	workspaces, err := o.c.Models.Workspaces(ctx)
	if err != nil {
		return 0, err
	}
	for _, workspace := range workspaces {
		if loop, err := o.c.Agents.Loop(ctx, workspace); err != nil {
			return 0, err
		} else if loop.Paused != nil {
			continue // the resume is something to look at
		}
		if err := o.analyze(ctx, workspace, runners); err != nil {
			return 0, err
		}
	}
	return position, nil
}

// analyze lets analysts look at a workspace.
func (o *Orchestrator) analyze(ctx context.Context, workspace string, runners []analysts.Runner) error {
	began := o.c.Clock()
	found, err := Analyze(ctx, o.c.Models, workspace, o.c.Dispatch, o.c.Clock, runners)
	if err != nil {
		return err
	}
	log := o.c.Log.With("workspace", workspace)
	log.Info("analysed", "analysts", len(runners), "position", found.Position, "findings", len(found.Findings), "proposals", len(found.Proposals),
		"took", o.c.Clock().Sub(began).Round(time.Millisecond))
	for _, p := range found.Proposals {
		if p.New {
			log.Info("improvement proposed", "id", p.ID(), "analyst", p.Analyst, "reason", p.Reason)
		}
	}
	for _, c := range found.Changes {
		log.Info("evidence changed", "id", c.Improvement, "strength", c.Strength, "reason", c.Reason)
	}
	return o.desk().consult(ctx, workspace, found)
}

// desk is where models are asked in roles.
func (o *Orchestrator) desk() *desk {
	return &desk{
		runs:     Runs{Store: o.c.Store, Dispatch: patient(o.c.Dispatch, o.c.Log), Agents: o.c.Agents, Models: o.c.Models},
		policies: o.c.Policies, clock: o.c.Clock, roles: o.c.Roles, model: o.c.Model,
	}
}

// moreToAnalyze tells whether anything stands behind a position that analysts look at.
func moreToAnalyze(ctx context.Context, store eventstore.Store, after uint64) (bool, error) {
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{From: after}) {
		if err != nil || !replay.Aside(&e) {
			return err == nil, err
		}
	}
	return false, nil
}

package orchestrator

import (
	"context"
	"errors"
	"fmt"
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

// Analyze lets analysts read the read models, all of them one state, and records what they propose. The same history gives
// the same proposals under the same ids, so that analysing again records nothing twice.
func Analyze(ctx context.Context, models *projections.Models, dispatch commands.Dispatch, clock Clock, runners []analysts.Runner) (Analysis, error) {
	out := Analysis{Proposals: []Proposed{}, Changes: []evidence.Change{}, Findings: []evidence.Finding{}}
	var known []evidence.Known
	var thoughts []func() evidence.Result
	err := models.Fixed(ctx, func(r projections.Reader) (err error) {
		if out.Position, err = r.Position(ctx); err != nil {
			return err
		}
		rows, err := r.Improvements(ctx, "")
		if err != nil {
			return err
		}
		known = evidence.KnownOf(rows)
		for _, runner := range runners {
			think, err := runner.Load(ctx, r)
			if err != nil {
				return err
			}
			thoughts = append(thoughts, think)
		}
		return nil
	})
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
			_, err := dispatch(ctx, c.Wish(runners[i].Name, clock()))
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
			receipt, err := dispatch(ctx, p.Wish(clock()))
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
	return out, nil
}

// analyzeOnSchedule lets the analysts run every so often, where anything happened in between.
func (o *Orchestrator) analyzeOnSchedule(ctx context.Context) error {
	ticker := time.NewTicker(o.c.AnalyzeEvery)
	defer ticker.Stop()
	var seen uint64
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		position, err := o.c.Models.Position(ctx)
		happened := false
		if err == nil && position > seen {
			happened, err = moreToAnalyze(ctx, o.c.Store, seen)
		}
		if err == nil && !happened {
			continue
		}
		var found Analysis
		if err == nil {
			found, err = Analyze(ctx, o.c.Models, o.c.Dispatch, o.c.Clock, o.c.Analysts)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			// An analysis that fails must not take live runs down with it: it is tried again at the next tick.
			o.c.Log.Error("analysis failed", "error", err)
			continue
		}
		for _, p := range found.Proposals {
			if p.New {
				o.c.Log.Info("improvement proposed", "id", p.ID(), "analyst", p.Analyst, "reason", p.Reason)
			}
		}
		for _, c := range found.Changes {
			o.c.Log.Info("evidence changed", "id", c.Improvement, "strength", c.Strength, "reason", c.Reason)
		}
		seen = found.Position
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

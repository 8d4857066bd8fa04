package aggregates

import (
	"fmt"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type improvementStatus int

const (
	notProposed improvementStatus = iota
	proposed
	approved
	rejected
	applied
	rolledBack
)

type improvementState struct {
	status improvementStatus
	// byPolicy tells that no person approved it: it may go only as far as the policy lets it.
	byPolicy bool
	share    int
}

func improvement(p Policy) Decider[improvementState, commands.Improvement, events.Improvement] {
	return Decider[improvementState, commands.Improvement, events.Improvement]{
		Initial: func() improvementState { return improvementState{} },
		Decide: func(c commands.Improvement, s improvementState) ([]events.Improvement, error) {
			return decideImprovement(p, c, s)
		},
		Evolve: evolveImprovement,
	}
}

// policyApproves is the By of an approval that needed no person.
const policyApproves = "policy"

func decideImprovement(p Policy, c commands.Improvement, s improvementState) ([]events.Improvement, error) {
	if _, first := c.(commands.ProposeImprovement); !first && s.status == notProposed {
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
	}
	refuse := func(wish string) error {
		return fmt.Errorf("%s: it can't be %s: %w", c.Stream(), wish, ErrState)
	}
	switch c := c.(type) {
	case commands.ProposeImprovement:
		return proposeImprovement(p, c, s)
	case commands.ApproveImprovement:
		if s.status != proposed {
			return nil, refuse("approved")
		}
		// The policy's own approval comes with the proposal, never from outside.
		if c.By == "" || c.By == policyApproves {
			return nil, fmt.Errorf("%w: an approval names the person who gives it", ErrInvalid)
		}
		return []events.Improvement{events.ImprovementApproved{By: c.By, Note: c.Note}}, nil
	case commands.RejectImprovement:
		if s.status != proposed && s.status != approved {
			return nil, refuse("rejected")
		}
		if c.By == "" {
			return nil, fmt.Errorf("%w: a rejection names who gives it", ErrInvalid)
		}
		return []events.Improvement{events.ImprovementRejected{By: c.By, Reason: c.Reason}}, nil
	case commands.ApplyImprovement:
		return applyImprovement(p, c, s)
	case commands.RollBackImprovement:
		if s.status != applied {
			return nil, refuse("rolled back")
		}
		return []events.Improvement{events.ImprovementRolledBack{Reason: c.Reason}}, nil
	case commands.MeasureImprovement:
		if s.status != applied && s.status != rolledBack {
			return nil, refuse("measured")
		}
		if err := checkEvidence(c.Evidence); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Stream(), err)
		}
		return []events.Improvement{events.ImprovementEffectMeasured{Metric: c.Metric, Evidence: c.Evidence}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

func proposeImprovement(p Policy, c commands.ProposeImprovement, s improvementState) ([]events.Improvement, error) {
	if s.status != notProposed {
		return nil, fmt.Errorf("improvement %s: %w", c.Improvement, ErrExists)
	}
	if err := checkName("improvement", c.Improvement); err != nil {
		return nil, err
	}
	if err := checkName("analyst", c.Analyst); err != nil {
		return nil, err
	}
	if c.Reason == "" {
		return nil, fmt.Errorf("%w: a proposal gives its reason", ErrInvalid)
	}
	if err := checkEvidence(c.Evidence); err != nil {
		return nil, fmt.Errorf("improvement %s: %w", c.Improvement, err)
	}
	if err := checkChange(p, c.Change); err != nil {
		return nil, fmt.Errorf("improvement %s: %w", c.Improvement, err)
	}
	facts := []events.Improvement{events.ImprovementProposed{
		Improvement: c.Improvement, Analyst: c.Analyst, AnalystVersion: c.AnalystVersion, Change: c.Change,
		Reason: c.Reason, Evidence: c.Evidence, Expected: c.Expected,
	}}
	if slices.Contains(p.SelfApproved, c.Change.Kind) {
		facts = append(facts, events.ImprovementApproved{By: policyApproves})
	}
	return facts, nil
}

func applyImprovement(p Policy, c commands.ApplyImprovement, s improvementState) ([]events.Improvement, error) {
	switch {
	case s.status != approved && s.status != applied:
		return nil, fmt.Errorf("%s: it can't be applied: %w", c.Stream(), ErrState)
	case c.SharePermille < 1 || c.SharePermille > 1000:
		return nil, fmt.Errorf("%w: a share lies between 1 and 1000 permille, not at %d", ErrInvalid, c.SharePermille)
	case s.byPolicy && c.SharePermille > p.MaxShare:
		return nil, fmt.Errorf("%w: without a person's approval a change may reach %d permille, not %d", ErrPolicy, p.MaxShare, c.SharePermille)
	case s.status == applied && s.share == c.SharePermille:
		return nil, nil
	}
	return []events.Improvement{events.ImprovementApplied{Share: c.SharePermille, Before: c.Before}}, nil
}

func checkChange(p Policy, c events.Change) error {
	switch c.Kind {
	case events.ChangeModel, events.ChangeTemperature, events.ChangePrompt, events.ChangeTools, events.ChangeTokenLimit:
		if c.Agent == "" || c.Config == nil {
			return fmt.Errorf("%w: a change of kind %s names an agent and its configuration", ErrInvalid, c.Kind)
		}
		return p.allowsConfig(*c.Config)
	case events.ChangeMerge, events.ChangeSplit, events.ChangeRetire:
		if c.Agent == "" {
			return fmt.Errorf("%w: a change of kind %s names an agent", ErrInvalid, c.Kind)
		}
	case events.ChangeWorkflow, events.ChangeRunbook:
		if c.Workflow == "" {
			return fmt.Errorf("%w: a change of kind %s names a workflow", ErrInvalid, c.Kind)
		}
	default:
		return fmt.Errorf("%w: no change is of kind %q", ErrInvalid, c.Kind)
	}
	return nil
}

func checkEvidence(e events.Evidence) error {
	for _, f := range []float64{e.Value, e.Low, e.High, e.Confidence} {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%w: a figure is not a number", ErrEvidence)
		}
	}
	switch {
	case e.Statistic == "":
		return fmt.Errorf("%w: no statistic is named", ErrEvidence)
	case e.N <= 0:
		return fmt.Errorf("%w: it rests on no run", ErrEvidence)
	case e.To == 0 || e.From > e.To:
		return fmt.Errorf("%w: it names no positions in the log", ErrEvidence)
	case e.Low > e.Value || e.Value > e.High:
		return fmt.Errorf("%w: the value %v lies outside its interval %v to %v", ErrEvidence, e.Value, e.Low, e.High)
	case e.Confidence <= 0 || e.Confidence >= 1:
		return fmt.Errorf("%w: the interval's confidence %v is not between 0 and 1", ErrEvidence, e.Confidence)
	}
	return nil
}

func evolveImprovement(s improvementState, e events.Improvement) improvementState {
	switch e := e.(type) {
	case events.ImprovementProposed:
		s.status = proposed
	case events.ImprovementApproved:
		s.status, s.byPolicy = approved, e.By == policyApproves
	case events.ImprovementRejected:
		s.status = rejected
	case events.ImprovementApplied:
		s.status, s.share = applied, e.Share
	case events.ImprovementRolledBack:
		s.status = rolledBack
	case events.ImprovementEffectMeasured:
	}
	return s
}

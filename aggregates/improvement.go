package aggregates

import (
	"fmt"
	"slices"
	"strings"

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
	withdrawn
)

func (s improvementStatus) String() string {
	return [...]string{"not proposed", "proposed", "approved", "rejected", "applied", "rolled back", "withdrawn"}[s]
}

type improvementState struct {
	status improvementStatus
	// byPolicy tells that no person approved it: it may go only as far as the policy lets it.
	byPolicy bool
	share    int
	// proposer is who proposed it, agent and kind what it would change.
	proposer, agent string
	kind            events.ChangeKind
	// tries tells that the change can be tried.
	tries bool
	// strength is how the claim stands.
	strength events.Strength
}

func improvement(policies Policies) Decider[improvementState, commands.Improvement, events.Improvement] {
	return Decider[improvementState, commands.Improvement, events.Improvement]{
		Initial: func() improvementState { return improvementState{} },
		Decide: func(c commands.Improvement, s improvementState) ([]events.Improvement, error) {
			return decideImprovement(policies(c.About().Workspace), c, s)
		},
		Evolve: evolveImprovement,
	}
}

// policyApproves is the By of an approval that needed no person.
const policyApproves = "policy"

// isMachine tells of an actor that it is none of the doors that speak for a person.
func isMachine(actor string) bool {
	kind, _, _ := strings.Cut(actor, ":")
	return slices.Contains([]string{"agent", "analyst", "import", "manager", "trigger"}, kind)
}

func decideImprovement(p Policy, c commands.Improvement, s improvementState) ([]events.Improvement, error) {
	if _, first := c.(commands.ProposeImprovement); !first && s.status == notProposed {
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
	}
	refuse := func(wish string) error {
		return fmt.Errorf("%s is %s and can't be %s: %w", c.Stream(), s.status, wish, ErrState)
	}
	switch c := c.(type) {
	case commands.ProposeImprovement:
		return proposeImprovement(p, c, s)
	case commands.ReviseEvidence:
		return reviseEvidence(c, s)
	case commands.ApproveImprovement:
		// A person may approve what so far only the policy let pass: from then on it may go further than by itself.
		if s.status != proposed && !(s.byPolicy && (s.status == approved || s.status == applied)) {
			return nil, refuse("approved")
		}
		// The policy's own approval comes with the proposal, never from outside.
		if c.By == "" || c.By == policyApproves || isMachine(c.By) || isMachine(c.Actor) {
			return nil, fmt.Errorf("%w: an approval names the person who gives it, not %q for %q", ErrInvalid, c.By, c.Actor)
		}
		if c.By == s.proposer {
			return nil, fmt.Errorf("%w: %s proposed it, and approves nothing of its own", ErrPolicy, c.By)
		}
		if err := p.allowsApprover(c.By, s.agent, s.kind); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Stream(), err)
		}
		return []events.Improvement{events.ImprovementApproved{
			By: c.By, Note: c.Note, Trial: s.tries && slices.Contains(p.Canary, s.kind) && s.status == proposed,
		}}, nil
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
		return []events.Improvement{events.ImprovementRolledBack{Reason: c.Reason, Of: c.Of}}, nil
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
	if !finite(c.Expected.Change, c.Expected.Low, c.Expected.High) {
		return nil, fmt.Errorf("improvement %s: %w: the expected effect is not a number", c.Improvement, ErrInvalid)
	}
	if err := checkWorth(c.Worth); err != nil {
		return nil, fmt.Errorf("improvement %s: %w", c.Improvement, err)
	}
	if err := checkChange(p, c.Change); err != nil {
		return nil, fmt.Errorf("improvement %s: %w", c.Improvement, err)
	}
	switch {
	case c.Strength != "" && !c.Strength.Claims():
		return nil, fmt.Errorf("improvement %s: %w: evidence that is %s carries no proposal", c.Improvement, ErrEvidence, c.Strength)
	case (c.Generation > 1) != (c.Previous != "") || c.Generation < 0:
		return nil, fmt.Errorf("improvement %s: %w: a second generation names the one before it, a first one none", c.Improvement, ErrInvalid)
	}
	facts := []events.Improvement{events.ImprovementProposed{
		Improvement: c.Improvement, Generation: c.Generation, Previous: c.Previous, Analyst: c.Analyst, AnalystVersion: c.AnalystVersion,
		Change: c.Change, Claim: c.Claim, Strength: c.Strength, Reason: c.Reason, Of: c.Of, Evidence: c.Evidence, Expected: c.Expected, Worth: c.Worth,
		Bound: c.Bound,
	}}
	// What may only be tried and can't be waits for a person.
	rule, found := p.rule(c.Change.Agent, c.Change.Kind)
	_, passes := p.byItself(c.Change.Agent, c.Change.Kind)
	if passes && !c.Bound && (c.Change.Tries() || !found || rule.May != events.MayTry) {
		facts = append(facts, events.ImprovementApproved{By: policyApproves, Trial: c.Change.Tries()})
	}
	return facts, nil
}

// checkWorth refuses a worth that is no number, or says something that nobody knows.
func checkWorth(w *events.Worth) error {
	switch {
	case w == nil:
		return nil
	case !finite(w.Month, w.Low, w.High, w.Points, w.PointsLow, w.PointsHigh, w.Share):
		return fmt.Errorf("%w: the worth is not a number", ErrInvalid)
	case !slices.Contains(events.WorthUnits(), w.Unit):
		return fmt.Errorf("%w: no worth is counted in %q", ErrInvalid, w.Unit)
	case !slices.Contains(events.Severities(), w.Severity):
		return fmt.Errorf("%w: no severity is called %q", ErrInvalid, w.Severity)
	}
	return nil
}

// reviseEvidence records how a claim stands where it stands otherwise than before. What is decided or applied is measured,
// not revised.
func reviseEvidence(c commands.ReviseEvidence, s improvementState) ([]events.Improvement, error) {
	if s.status != proposed && s.status != approved {
		return nil, fmt.Errorf("%s is %s and its evidence can't be revised: %w", c.Stream(), s.status, ErrState)
	}
	now, before := slices.Index(events.Strengths(), c.Strength), slices.Index(events.Strengths(), s.strength)
	if now < 0 {
		return nil, fmt.Errorf("%s: %w: no strength is called %q", c.Stream(), ErrInvalid, c.Strength)
	}
	if err := checkEvidence(c.Evidence); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Stream(), err)
	}
	if !finite(c.Expected.Change, c.Expected.Low, c.Expected.High) {
		return nil, fmt.Errorf("%s: %w: the expected effect is not a number", c.Stream(), ErrInvalid)
	}
	if err := checkWorth(c.Worth); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Stream(), err)
	}
	move := events.EvidenceStronger
	switch {
	case now == before:
		return nil, nil
	case c.Strength == events.Gone:
		move = events.EvidenceGone
	case c.Strength == events.Reversed:
		move = events.EvidenceReversed
	case now < before:
		move = events.EvidenceWeaker
	}
	return []events.Improvement{events.ImprovementEvidenceChanged{
		Move: move, Strength: c.Strength, Reason: c.Reason, Of: c.Of, Evidence: c.Evidence, Expected: c.Expected, Worth: c.Worth,
	}}, nil
}

func applyImprovement(p Policy, c commands.ApplyImprovement, s improvementState) ([]events.Improvement, error) {
	most, _ := p.byItself(s.agent, s.kind)
	switch {
	case s.status != approved && s.status != applied:
		return nil, fmt.Errorf("%s: it can't be applied: %w", c.Stream(), ErrState)
	case c.SharePermille < 1 || c.SharePermille > 1000:
		return nil, fmt.Errorf("%w: a share lies between 1 and 1000 permille, not at %d", ErrInvalid, c.SharePermille)
	case s.byPolicy && c.SharePermille > most:
		return nil, fmt.Errorf("%w: without a person's approval a change may reach %d permille, not %d", ErrPolicy, most, c.SharePermille)
	case s.status == applied && s.share == c.SharePermille:
		return nil, nil
	}
	if c.Agent != "" {
		if err := checkName("agent", c.Agent); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Stream(), err)
		}
	}
	if c.Before != nil {
		if err := checkConfig(*c.Before); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Stream(), err)
		}
	}
	return []events.Improvement{events.ImprovementApplied{Share: c.SharePermille, Before: c.Before, Agent: c.Agent, Version: c.Version}}, nil
}

func checkChange(p Policy, c events.Change) error {
	switch {
	case len(c.Others) > 0 && (!c.Tries() || c.Book != nil):
		return fmt.Errorf("%w: a change of kind %q has no other configurations", ErrInvalid, c.Kind)
	case len(c.Others) > mostOthers:
		return fmt.Errorf("%w: at most %d candidates are tried at once, not %d", ErrInvalid, 1+mostOthers, 1+len(c.Others))
	case len(c.Others) > 0 && c.Spawn != nil:
		return fmt.Errorf("%w: an agent that is made for it is tried alone", ErrInvalid)
	case c.Book != nil:
		return checkSaving(c)
	}
	switch c.Kind {
	case events.ChangeModel, events.ChangeTemperature, events.ChangePrompt, events.ChangeTools, events.ChangeTokenLimit, events.ChangeSkills,
		events.ChangeEffort, events.ChangeFormat, events.ChangeFixes, events.ChangeExamples, events.ChangeLessons, events.ChangeFallbacks, events.ChangeRouting, events.ChangeSpawn:
		if c.Agent == "" || c.Config == nil {
			return fmt.Errorf("%w: a change of kind %s names an agent and its configuration", ErrInvalid, c.Kind)
		}
		return checkPassing(p, c)
	case events.ChangeMerge, events.ChangeSplit, events.ChangeRetire:
		if c.Agent == "" {
			return fmt.Errorf("%w: a change of kind %s names an agent", ErrInvalid, c.Kind)
		}
		if c.Config != nil {
			return checkPassing(p, c)
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

// checkSaving refuses a change of a runbook that says no version of it, or changes something else besides.
func checkSaving(c events.Change) error {
	switch {
	case c.Kind != events.ChangeRunbook || c.Agent != "" || c.Config != nil || c.Spawn != nil:
		return fmt.Errorf("%w: a change of kind %q gives a runbook no other version, and one that does changes nothing else", ErrInvalid, c.Kind)
	case c.Book.From < 1:
		return fmt.Errorf("%w: a change of runbook %s says which version it is made from", ErrInvalid, c.Book.Runbook)
	}
	return checkBook(*c.Book)
}

func checkEvidence(e events.Evidence) error {
	switch {
	case !finite(e.Value, e.Low, e.High, e.Confidence):
		return fmt.Errorf("%w: a figure is not a number", ErrEvidence)
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
		s.status, s.proposer, s.agent, s.kind, s.tries = proposed, e.Analyst, e.Change.Agent, e.Change.Kind, e.Change.Tries()
		if s.strength = e.Strength; s.strength == "" {
			s.strength = events.Moderate // proposed before strengths were told
		}
	case events.ImprovementEvidenceChanged:
		if s.strength = e.Strength; e.Strength.Withdraws() {
			s.status = withdrawn
		}
	case events.ImprovementApproved:
		s.byPolicy = e.By == policyApproves
		// What is applied stays so when a person approves it afterwards.
		if s.status != applied {
			s.status = approved
		}
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

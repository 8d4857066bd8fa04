package aggregates

import (
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// canaryShare is how far what may only be tried goes, in permille of the runs.
const canaryShare = 250

// rule is what the policy says more closely of changes of a kind, of an agent.
func (p Policy) rule(agent string, kind events.ChangeKind) (events.ChangeRule, bool) {
	for _, r := range p.Changes {
		if (len(r.Agents) == 0 || named(r.Agents, agent)) && (len(r.Kinds) == 0 || slices.Contains(r.Kinds, kind)) {
			return r, true
		}
	}
	return events.ChangeRule{}, false
}

// byItself tells whether a change needs no person, and how far it then goes, in permille of the runs.
func (p Policy) byItself(agent string, kind events.ChangeKind) (share int, passes bool) {
	r, found := p.rule(agent, kind)
	switch {
	case !found:
		return p.MaxShare, slices.Contains(p.SelfApproved, kind)
	case r.May == events.MayTry:
		return canaryShare, kind.Triable()
	}
	if r.May == events.MayPromote {
		return 1000, true
	}
	return 0, false
}

// allowsApprover refuses who may not approve a change.
func (p Policy) allowsApprover(by, agent string, kind events.ChangeKind) error {
	approvers := p.Approvers
	if r, found := p.rule(agent, kind); found && len(r.Approvers) > 0 {
		approvers = r.Approvers
	}
	if len(approvers) > 0 && !named(approvers, by) {
		return fmt.Errorf("%w: %s approves no change of the %s of %q: `policy:` in the configuration names %q under `approvers`", ErrPolicy, by, kind, agent, approvers)
	}
	return nil
}

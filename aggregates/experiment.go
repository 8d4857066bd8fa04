package aggregates

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type experimentStatus int

const (
	notPlanned experimentStatus = iota
	planned
	running
	proved
	concluded
)

func (s experimentStatus) String() string {
	return [...]string{"not planned", "planned", "running", "proved to be better", "over"}[s]
}

// Experiment is an experiment as its stream tells of it.
type Experiment struct {
	events.ExperimentPlanned
	// Level is the chance that it promotes what is no better, and Share what the change has by now, in permille.
	Level float64
	Share int
	// Shares are those of all arms, the control's first, where there are several candidates.
	Shares []int
	status experimentStatus
	proof  events.Proof
	arm    string
}

// Over tells that it has ended.
func (e Experiment) Over() bool { return e.status == concluded }

// floorPermille is the least chance of an arm: what was seldom tried tells nothing about what would have been.
const floorPermille = 50

// Draw draws a unit's arm in an experiment of which the candidate has a share, in permille. The same unit stays in an arm
// as long as the share grows. permille is the chance of the arm that came up.
func Draw(experiment, unit string, share int) (candidate bool, permille int) {
	digest := sha256.Sum256([]byte(experiment + "\x00" + unit))
	if binary.BigEndian.Uint64(digest[:])%1000 < uint64(max(share, 0)) { //nolint:gosec // not negative
		return true, share
	}
	return false, 1000 - share
}

// Candidate is an agent's configuration with what is tried in an arm. The rest stays as it is by now.
func (e Experiment) Candidate(config events.AgentConfig, arm string) events.AgentConfig {
	config, _ = changed(config, e.Change, e.configOf(arm)) // no other kind is planned
	return config
}

// configOf is what was planned for an arm.
func (e Experiment) configOf(arm string) events.AgentConfig {
	if i, is := events.CandidateOf(arm); is && i > 0 && i <= len(e.Others) {
		return e.Others[i-1]
	}
	return e.Config
}

// Draw draws a unit's arm. The same unit stays in an arm as long as its share does not fall.
func (e Experiment) Draw(unit string) events.Arm {
	arm := events.Arm{Experiment: e.Experiment, Arm: events.ControlArm, Unit: unit}
	if len(e.Others) > 0 {
		i := drawOne(e.Experiment, unit, e.Shares)
		if arm.Permille, arm.Shares = e.Shares[i], e.Shares; i > 0 {
			arm.Arm = events.Candidate(i - 1)
		}
		return arm
	}
	var candidate bool
	if candidate, arm.Permille = Draw(e.Experiment, unit, e.Share); candidate {
		arm.Arm = events.CandidateArm
	}
	return arm
}

// DefaultPlan is how an experiment is held where nobody says otherwise.
func DefaultPlan() events.ExperimentPlan {
	return events.ExperimentPlan{
		Unit: events.ByConversation, Steps: []int{50, 250}, CanaryRuns: 20, MaxRuns: 8000, MaxDays: 30, FalseAlarms: 25, CostMore: 250, TimeMore: 500, Within: 1800,
	}
}

// DefaultBookPlan is that of a version of a runbook. Nobody judges goals, and they take their time.
func DefaultBookPlan() events.ExperimentPlan {
	d := DefaultPlan()
	d.Unit, d.Within = events.ByGoal, 86_400
	return d
}

// filled takes the default for what a plan leaves open.
func filled(p events.ExperimentPlan, policy Policy, book bool) events.ExperimentPlan {
	d := DefaultPlan()
	d.JudgedWithin = policy.JudgedWithin
	if book {
		d = DefaultBookPlan()
	}
	if p.Unit == "" {
		p.Unit = d.Unit
	}
	if len(p.Steps) == 0 {
		p.Steps = d.Steps
	}
	for _, f := range []struct{ of, by *int64 }{{&p.CanaryRuns, &d.CanaryRuns}, {&p.MaxRuns, &d.MaxRuns}, {&p.Within, &d.Within}, {&p.JudgedWithin, &d.JudgedWithin}} {
		if *f.of == 0 {
			*f.of = *f.by
		}
	}
	for _, f := range []struct{ of, by *int }{{&p.MaxDays, &d.MaxDays}, {&p.FalseAlarms, &d.FalseAlarms}, {&p.CostMore, &d.CostMore}, {&p.TimeMore, &d.TimeMore}} {
		if *f.of == 0 {
			*f.of = *f.by
		}
	}
	return p
}

func checkPlan(p events.ExperimentPlan, book bool) error {
	switch {
	case book && p.Unit != events.ByGoal && p.Unit != events.ByRequester:
		return fmt.Errorf("%w: an experiment on a runbook draws by %q or %q, not by %q", ErrInvalid, events.ByGoal, events.ByRequester, p.Unit)
	case book && p.JudgedWithin > 0:
		return fmt.Errorf("%w: nobody judges goals: an experiment on a runbook waits for no verdict", ErrInvalid)
	case !book && p.Unit != events.ByConversation && p.Unit != events.ByRequester:
		return fmt.Errorf("%w: an experiment draws by %q or %q, not by %q", ErrInvalid, events.ByConversation, events.ByRequester, p.Unit)
	case !slices.IsSortedFunc(p.Steps, func(a, b int) int { return a - b }) || p.Steps[0] < floorPermille || p.Steps[len(p.Steps)-1] > 1000-floorPermille:
		return fmt.Errorf("%w: the shares of a change rise, from at least %d to at most %d permille, and are not %d",
			ErrInvalid, floorPermille, 1000-floorPermille, p.Steps)
	case p.CanaryRuns < 1 || p.MaxRuns < p.CanaryRuns || p.MaxDays < 1 || p.Within < 1 || p.JudgedWithin < 0:
		return fmt.Errorf("%w: an experiment lasts for some runs, days and seconds a run, and the canary's runs are some of its own", ErrInvalid)
	case p.FalseAlarms < 1 || p.FalseAlarms > 500 || p.CostMore < 0 || p.TimeMore < 0 || p.Flips < 0:
		return fmt.Errorf("%w: false alarms lie between 1 and 500 permille, and no run may cost or take less than before, nor fewer than no tasks flip", ErrInvalid)
	}
	return nil
}

func experiment(policies Policies) Decider[Experiment, commands.Experiment, events.Experiment] {
	return Decider[Experiment, commands.Experiment, events.Experiment]{
		Initial: func() Experiment { return Experiment{} },
		Decide: func(c commands.Experiment, s Experiment) ([]events.Experiment, error) {
			fact, err := decideExperiment(policies(c.About().Workspace), c, s)
			if err != nil || fact == nil {
				return nil, err
			}
			return []events.Experiment{fact}, nil
		},
		Evolve: evolveExperiment,
	}
}

func decideExperiment(p Policy, c commands.Experiment, s Experiment) (events.Experiment, error) {
	plan, first := c.(commands.PlanExperiment)
	if first {
		return planExperiment(p, plan, s)
	}
	if s.status == notPlanned {
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
	}
	if s.status == concluded {
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrEnded)
	}
	refuse := func(wish string) error {
		return fmt.Errorf("%s is %s and can't be %s: %w", c.Stream(), s.status, wish, ErrState)
	}
	switch c := c.(type) {
	case commands.PlanExperiment: // answered above
	case commands.StartExperiment:
		if s.status != planned || len(s.Plan.Steps) == 0 {
			return nil, refuse("started")
		}
		if !(c.Level > 0 && c.Level < 1) {
			return nil, fmt.Errorf("%w: a level lies between 0 and 1, not at %v", ErrInvalid, c.Level)
		}
		// The policy may be another by now. Others wait for their turn behind what it lets be tried no more.
		if err := checkPassing(p, events.Change{Kind: s.Change, Agent: s.Agent, Config: &s.Config, Others: s.Others, Spawn: s.Spawn}); err != nil {
			return events.ExperimentStopped{By: policyApproves, Reason: err.Error()}, nil
		}
		return events.ExperimentStarted{Share: s.Plan.Steps[0], Level: c.Level}, nil
	case commands.MoveExperiment:
		switch {
		case s.status != running || len(s.Others) > 0:
			return nil, refuse("moved")
		case !slices.Contains(s.Plan.Steps, c.Share) || c.Share <= s.Share:
			return nil, fmt.Errorf("%w: a change goes from %d permille to one of %d, not to %d", ErrInvalid, s.Share, s.Plan.Steps, c.Share)
		case c.Share > s.MaxShare:
			return nil, fmt.Errorf("%w: without a person the change may reach %d permille, not %d", ErrPolicy, s.MaxShare, c.Share)
		}
		return events.ExperimentMoved{Share: c.Share, Proof: c.Proof}, checkProof(c.Proof)
	case commands.AllocateExperiment:
		if s.status != running {
			return nil, refuse("allocated")
		}
		return allocateExperiment(c, s)
	case commands.PromoteExperiment:
		return promoteExperiment(p, c, s, refuse)
	case commands.RollBackExperiment:
		if s.status != running && s.status != proved {
			return nil, refuse("rolled back")
		}
		if err := checkProved(c.Proof, float64(s.Plan.FalseAlarms)/1000); err != nil {
			return nil, fmt.Errorf("%s can't be rolled back: %w", c.Stream(), err)
		}
		return events.ExperimentRolledBack{Guardrail: c.Guardrail, Reason: c.Reason, Proof: c.Proof}, nil
	case commands.StopExperiment:
		if c.By == "" {
			return nil, fmt.Errorf("%w: a stop names who wants it", ErrInvalid)
		}
		return events.ExperimentStopped{By: c.By, Reason: c.Reason}, nil
	case commands.ExpireExperiment:
		return events.ExperimentExpired{Reason: c.Reason, Proof: c.Proof}, checkProof(c.Proof)
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

func planExperiment(p Policy, c commands.PlanExperiment, s Experiment) (events.Experiment, error) {
	if s.status != notPlanned {
		return nil, fmt.Errorf("experiment %s: %w", c.Experiment, ErrExists)
	}
	if err := checkName("experiment", c.Experiment); err != nil {
		return nil, err
	}
	change := events.Change{Kind: c.Change, Agent: c.Agent, Config: &c.Config, Others: c.Others, Spawn: c.Spawn, Book: c.Book}
	if c.Book != nil {
		change.Config = nil
	} else if err := checkName("agent", c.Agent); err != nil {
		return nil, err
	}
	if !change.Tries() {
		return nil, fmt.Errorf("experiment %s: %w: a change of kind %q can't be tried on a part of the runs", c.Experiment, ErrInvalid, c.Change)
	}
	if err := checkChange(p, change); err != nil {
		return nil, fmt.Errorf("experiment %s: %w", c.Experiment, err)
	}
	if c.Screen != nil && c.Screen.Worse() {
		return nil, fmt.Errorf("experiment %s: %w: %d runs of experiment %s show it to be worse, by %.1f to %.1f points of success",
			c.Experiment, ErrWorse, c.Screen.Runs, c.Screen.Experiment, -100*c.Screen.High, -100*c.Screen.Low)
	}
	if c.Screen != nil && c.Screen.Eval.Worse() {
		e := c.Screen.Eval
		return nil, fmt.Errorf("experiment %s: %w: the %d runs of eval %s show it to be worse, by %.1f to %.1f points", c.Experiment, ErrWorse, e.Runs, e.Eval, -100*e.High, -100*e.Low)
	}
	plan := filled(c.Plan, p, c.Book != nil)
	if err := checkPlan(plan, c.Book != nil); err != nil {
		return nil, fmt.Errorf("experiment %s: %w", c.Experiment, err)
	}
	if n := 1 + len(c.Others); n > 1 && plan.Steps[0]*n > 1000-floorPermille {
		return nil, fmt.Errorf("experiment %s: %w: %d values that begin with %d permille each leave too little to what there is", c.Experiment, ErrInvalid, n, plan.Steps[0])
	}
	most := 1000
	switch {
	case c.By == policyApproves:
		passes := false
		if most, passes = p.byItself(c.Agent, c.Change); !passes || most < plan.Steps[0]*(1+len(c.Others)) {
			return nil, fmt.Errorf("experiment %s: %w: a change of kind %s is tried when a person approves it", c.Experiment, ErrPolicy, c.Change)
		}
	case c.By == "" || isMachine(c.By):
		return nil, fmt.Errorf("%w: an experiment names the person who lets it be held, not %q", ErrInvalid, c.By)
	default:
		if err := p.allowsApprover(c.By, c.Agent, c.Change); err != nil {
			return nil, fmt.Errorf("experiment %s: %w", c.Experiment, err)
		}
	}
	return events.ExperimentPlanned{
		Experiment: c.Experiment, Agent: c.Agent, Improvement: c.Improvement, Change: c.Change, Config: c.Config, Others: c.Others, Spawn: c.Spawn, Book: c.Book, By: c.By, MaxShare: most,
		Plan: plan, Screen: c.Screen,
	}, nil
}

func promoteExperiment(p Policy, c commands.PromoteExperiment, s Experiment, refuse func(string) error) (events.Experiment, error) {
	if c.By != "" {
		if isMachine(c.By) || isMachine(c.Actor) || c.By == policyApproves {
			return nil, fmt.Errorf("%w: a promotion names the person who wants it, not %q for %q", ErrInvalid, c.By, c.Actor)
		}
		if err := p.allowsApprover(c.By, s.Agent, s.Change); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Stream(), err)
		}
		if s.status != proved {
			return nil, refuse("promoted before it is proved to be better")
		}
		c.Proof, c.Arm = s.proof, s.arm
	}
	if s.status != proved && s.status != running {
		return nil, refuse("promoted")
	}
	i, is := 0, c.Arm == ""
	if !is {
		i, is = events.CandidateOf(c.Arm)
	}
	if !is || i > len(s.Others) || len(s.Others) > 0 && (len(s.Shares) <= i+1 || s.Shares[i+1] == 0) {
		return nil, fmt.Errorf("%w: %s can't be promoted, since no candidate that is tried is called %q", ErrInvalid, c.Stream(), c.Arm)
	}
	// Any of several candidates may be the one that chance makes look better.
	if err := checkProved(c.Proof, s.Level/float64(1+len(s.Others))); err != nil {
		return nil, fmt.Errorf("%s can't be promoted: %w", c.Stream(), err)
	}
	if err := p.allowsConfig(s.configOf(c.Arm)); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Stream(), err)
	}
	switch {
	case c.By != "":
		return events.ExperimentPromoted{By: c.By, Arm: c.Arm, Proof: c.Proof}, nil
	case s.MaxShare >= 1000 && costTold(c.Proof, cmp.Or(c.Arm, events.CandidateArm)):
		return events.ExperimentPromoted{By: s.By, Arm: c.Arm, Proof: c.Proof}, nil
	case s.status == running:
		return events.ExperimentProved{Arm: c.Arm, Proof: c.Proof}, nil
	}
	return nil, nil
}

// costTold tells that the candidate's runs tell their costs at least as the others do: what may cost anything goes no further
// without a person.
func costTold(p events.Proof, arm string) bool {
	unpriced := map[string]int64{}
	for _, a := range p.Arms {
		unpriced[a.Arm] = a.UnpricedCalls
	}
	return unpriced[arm] == 0 || unpriced[events.ControlArm] > 0
}

// checkProved holds a proof to the chance of being wrong that was settled before the first run.
func checkProved(p events.Proof, level float64) error {
	if err := checkProof(p); err != nil {
		return err
	}
	if needed := -math.Log(level); p.LogE < needed {
		return fmt.Errorf("%w: the logarithm of the e-value is %.3f, and a proof needs %.3f", ErrEvidence, p.LogE, needed)
	}
	return nil
}

func checkProof(p events.Proof) error {
	switch {
	case !finite(p.LogE, p.Needed, p.Difference, p.Low, p.High, p.Confidence):
		return fmt.Errorf("%w: a figure is not a number", ErrEvidence)
	case p.From > p.To || p.To == 0:
		return fmt.Errorf("%w: it names no positions in the log", ErrEvidence)
	case len(p.Arms) < 2:
		return fmt.Errorf("%w: it counts no two arms", ErrEvidence)
	}
	for _, a := range p.Arms {
		if a.Runs < 0 || a.Succeeded < 0 || a.Unrated < 0 || a.CostNanos < 0 || a.UnpricedCalls < 0 || a.Milliseconds < 0 || a.Succeeded > a.Runs-a.Unrated {
			return fmt.Errorf("%w: the counts of arm %s make no sense", ErrEvidence, a.Arm)
		}
	}
	return nil
}

func evolveExperiment(s Experiment, e events.Experiment) Experiment {
	switch e := e.(type) {
	case events.ExperimentPlanned:
		s = Experiment{ExperimentPlanned: e, status: planned}
	case events.ExperimentStarted:
		s.status, s.Share, s.Level = running, e.Share, e.Level
		if n := 1 + len(s.Others); n > 1 {
			s.Shares = slices.Repeat([]int{e.Share}, n+1)
			s.Shares[0] = 1000 - n*e.Share
		}
	case events.ExperimentAllocated:
		if len(e.Shares) == len(s.Shares) { // no other was ever decided
			s.Shares = e.Shares
		}
	case events.ExperimentMoved:
		s.Share = e.Share
	case events.ExperimentProved:
		s.status, s.proof, s.arm = proved, e.Proof, e.Arm
	case events.ExperimentPromoted:
		s.status, s.Share = concluded, 1000
	case events.ExperimentRolledBack, events.ExperimentStopped, events.ExperimentExpired:
		s.status, s.Share = concluded, 0
	}
	return s
}

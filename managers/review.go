package managers

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

const (
	// reviewsOpen is how many runs are before reviewers at a time, reviewFor how long each waits for them.
	reviewsOpen = 3
	reviewFor   = 3 * 24 * time.Hour
	// reviewLatest is how many of an arm's latest runs may be chosen.
	reviewLatest = 50
	// reviewEnough is how many verdicts on runs that an open proposal is about are asked for, and reviewProposals how many proposals, the latest,
	// are open for that.
	reviewEnough    = 12
	reviewProposals = 20
)

// reviewingState are the open decisions, and the runs that would narrow them.
type reviewingState struct {
	Workspace string         `json:"workspace,omitempty"`
	Trials    []*reviewTrial `json:"trials,omitempty"`
	// Running are the runs of the trials that are under way, or have ended and may be chosen or judged.
	Running map[string]events.Arm `json:"running,omitempty"`
	// Open are the reviews that are under way, Verdicts what closed ones came to and nobody has recorded as a verdict yet.
	Open     map[string]reviewing `json:"open,omitempty"`
	Verdicts map[string]reviewing `json:"verdicts,omitempty"`
}

// reviewTrial is an experiment as its verdicts tell of it, or a proposal that is open and not tried: then runs of its Agent, or of its
// Workflow, are its only side, which has no name.
type reviewTrial struct {
	Experiment string                `json:"experiment"`
	Arms       map[string]*reviewArm `json:"arms"`
	Proposal   bool                  `json:"proposal,omitempty"`
	Agent      string                `json:"agent,omitempty"`
	Workflow   string                `json:"workflow,omitempty"`
}

// reviewArm is a side of an experiment: how many of its runs a person has judged, and how many of them are right; the latest
// ones that nobody has judged.
type reviewArm struct {
	Judged int64       `json:"judged,omitempty"`
	Right  int64       `json:"right,omitempty"`
	Latest []reviewing `json:"latest,omitempty"`
}

// reviewing is a run with the fact that brought it where it is.
type reviewing struct {
	Run     string         `json:"run"`
	Arm     string         `json:"arm,omitempty"`
	Verdict events.Outcome `json:"verdict,omitempty"`
	Cause   uuid.UUID      `json:"cause"`
	At      time.Time      `json:"at"`
}

// gain is by how much one more verdict narrows what is known of the arm: by the variance of its share of right answers that one
// takes away, with one right and one wrong answer of nobody's to begin with.
func (a reviewArm) gain() float64 {
	n := float64(a.Judged + 2)
	p := float64(a.Right+1) / n
	return p * (1 - p) / (n * (n + 1))
}

// reviews puts those runs before people that would most narrow an open decision, a few at a time, and makes verdicts of what
// they say.
func reviews(reviewers int) Manager[reviewingState] {
	return Manager[reviewingState]{
		Name: "review", Version: 3, Key: func(e *events.Envelope) string { return e.Workspace }, Opens: []string{"experiment.started", "improvement.proposed"},
		Follows: []string{
			"improvement.approved", "improvement.rejected", "improvement.evidence_changed", "run.started", "experiment.promoted", "experiment.rolled_back", "experiment.stopped", "experiment.expired", "run.assigned", "run.finished", "run.failed", "run.cancelled",
			"verdict.given", "review.asked", "review.closed",
		},
		Evolve: evolveReviewing,
		Wants:  func(s reviewingState) []Want { return s.wants(reviewers) },
		Over: func(s reviewingState) bool {
			return len(s.Trials)+len(s.Open)+len(s.Verdicts) == 0
		},
	}
}

func evolveReviewing(s reviewingState, e *events.Envelope, fact events.Event) reviewingState {
	s.Workspace = e.Workspace
	id := events.Identity(e.Stream)
	switch f := fact.(type) {
	case events.ExperimentStarted:
		s.drop(id)
		s.Trials = append(s.Trials, &reviewTrial{Experiment: id, Arms: map[string]*reviewArm{events.ControlArm: {}, events.CandidateArm: {}}})
	case events.ExperimentPromoted, events.ExperimentRolledBack, events.ExperimentStopped, events.ExperimentExpired:
		s.drop(id)
	case events.ImprovementProposed:
		s.propose(id, f)
	case events.ImprovementApproved, events.ImprovementRejected:
		s.dropProposal(id)
	case events.ImprovementEvidenceChanged:
		if f.Strength.Withdraws() {
			s.dropProposal(id)
		}
	case events.RunStarted:
		if f.Source == nil && f.Phrases == nil {
			s.belongs(id, func(t *reviewTrial) bool { return t.Workflow != "" && t.Workflow == f.Workflow })
		}
	case events.RunAssigned:
		s.belongs(id, func(t *reviewTrial) bool { return t.Agent != "" && t.Agent == f.Agent })
		for _, arm := range f.Arms {
			if t := s.trial(arm.Experiment); t != nil {
				if t.Arms[arm.Arm] == nil {
					t.Arms[arm.Arm] = &reviewArm{} // one of several candidates
				}
				s.Running = with(s.Running, id, arm)
			}
		}
	case events.RunFinished:
		if arm := s.arm(s.Running[id]); arm != nil && f.Outcome == events.Succeeded {
			arm.Latest = append(arm.Latest, reviewing{Run: id, Cause: e.ID, At: e.OccurredAt})
			if len(arm.Latest) > reviewLatest {
				delete(s.Running, arm.Latest[0].Run)
				arm.Latest = arm.Latest[1:]
			}
		} else {
			delete(s.Running, id)
		}
	case events.RunFailed, events.RunCancelled:
		delete(s.Running, id) // it has no answer to judge
	case events.VerdictGiven:
		if f.From == events.ByPerson {
			s.judged(f)
		}
	case events.ReviewAsked:
		s.take(f.Run)
		s.Open = with(s.Open, f.Run, reviewing{Run: f.Run, Cause: e.ID, At: e.OccurredAt})
	case events.ReviewClosed:
		delete(s.Open, f.Run)
		if f.Verdict != "" {
			s.Verdicts = with(s.Verdicts, f.Run, reviewing{Run: f.Run, Verdict: f.Verdict, Cause: e.ID, At: e.OccurredAt})
		}
	}
	return s
}

// with is a map with one more entry.
func with[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

func (s *reviewingState) drop(experiment string) {
	s.Trials = slices.DeleteFunc(s.Trials, func(t *reviewTrial) bool { return t.Experiment == experiment })
	maps.DeleteFunc(s.Running, func(_ string, arm events.Arm) bool { return arm.Experiment == experiment })
}

// propose begins to look for runs that a proposal is about.
func (s *reviewingState) propose(id string, f events.ImprovementProposed) {
	t := &reviewTrial{Experiment: id, Proposal: true, Agent: f.Change.Agent, Arms: map[string]*reviewArm{"": {}}}
	if t.Agent == "" {
		t.Workflow = f.Change.Workflow
	}
	if t.Agent == "" && t.Workflow == "" || s.trial(id) != nil {
		return
	}
	s.Trials = append(s.Trials, t)
	open := slices.DeleteFunc(slices.Clone(s.Trials), func(t *reviewTrial) bool { return !t.Proposal })
	if len(open) > reviewProposals {
		s.drop(open[0].Experiment)
	}
}

// dropProposal ends that, where the proposal is not tried meanwhile.
func (s *reviewingState) dropProposal(id string) {
	if t := s.trial(id); t != nil && t.Proposal {
		s.drop(id)
	}
}

// belongs has a run be one that an open proposal is about, where it is none of another decision.
func (s *reviewingState) belongs(run string, is func(*reviewTrial) bool) {
	if _, known := s.Running[run]; known {
		return
	}
	if i := slices.IndexFunc(s.Trials, is); i >= 0 {
		s.Running = with(s.Running, run, events.Arm{Experiment: s.Trials[i].Experiment})
	}
}

// arm is a side of a trial that is under way, nil for another one.
func (s *reviewingState) arm(of events.Arm) *reviewArm {
	if t := s.trial(of.Experiment); t != nil {
		return t.Arms[of.Arm]
	}
	return nil
}

// trial is one that is under way, nil for another one.
func (s *reviewingState) trial(experiment string) *reviewTrial {
	for _, t := range s.Trials {
		if t.Experiment == experiment {
			return t
		}
	}
	return nil
}

// take takes a run out of those that may be chosen.
func (s *reviewingState) take(run string) {
	if arm := s.arm(s.Running[run]); arm != nil {
		arm.Latest = slices.DeleteFunc(arm.Latest, func(r reviewing) bool { return r.Run == run })
	}
}

// judged counts a person's verdict.
func (s *reviewingState) judged(f events.VerdictGiven) {
	delete(s.Verdicts, f.Run)
	arm := s.arm(s.Running[f.Run])
	if arm == nil {
		return
	}
	s.take(f.Run)
	delete(s.Running, f.Run) // the first verdict counts
	switch f.Verdict {
	case events.Succeeded:
		arm.Judged, arm.Right = arm.Judged+1, arm.Right+1
	case events.Failed:
		arm.Judged++
	case events.Cancelled, events.Unrated:
	}
}

// next is the run that would narrow a decision most: the latest of the arm that gains most. On a proposal that is not tried no more is asked
// for than is enough.
func (s *reviewingState) next() (run reviewing, of *reviewTrial, arm string, ok bool) {
	best := 0.0
	for _, t := range s.Trials {
		for _, name := range slices.Sorted(maps.Keys(t.Arms)) {
			if a := t.Arms[name]; len(a.Latest) > 0 && a.gain() > best && !(t.Proposal && a.Judged >= reviewEnough) {
				best, run, of, arm, ok = a.gain(), a.Latest[len(a.Latest)-1], t, name, true
			}
		}
	}
	return run, of, arm, ok
}

func (s reviewingState) wants(reviewers int) (wants []Want) {
	about := func(of reviewing, index int) commands.Meta {
		return meta("review", of.Cause, index, of.At, s.Workspace, of.Run)
	}
	want := func(c commands.Command, at time.Time) {
		wants = append(wants, Want{ID: c.About().ID, Command: c, At: at})
	}
	for _, run := range slices.Sorted(maps.Keys(s.Verdicts)) {
		of := s.Verdicts[run]
		want(commands.GiveVerdict{Meta: about(of, 1), Run: run, Verdict: of.Verdict, From: events.ByPerson, By: "review"}, time.Time{})
	}
	for _, run := range slices.Sorted(maps.Keys(s.Open)) {
		of := s.Open[run]
		end := of.At.Add(reviewFor)
		c := commands.CloseReview{Meta: about(of, 2), Run: run, Reason: fmt.Sprintf("not all have judged within %d days", int(reviewFor.Hours()/24))}
		c.At = end
		want(c, end)
	}
	if run, t, arm, ok := s.next(); ok && len(s.Open) < reviewsOpen {
		ask := commands.AskReview{Meta: about(run, 3), Run: run.Run, Experiment: t.Experiment, Arm: arm, Reviewers: cmp.Or(reviewers, 2)}
		ask.Reason = fmt.Sprintf("people have judged %d of the runs that it is like in an experiment that is open: one more verdict there tells most", t.Arms[arm].Judged)
		if t.Proposal {
			ask.Experiment, ask.Improvement = "", t.Experiment
			ask.Reason = fmt.Sprintf("people have judged %d of the runs that an open proposal is about since it was made: whether they are right is what it rests on", t.Arms[arm].Judged)
		}
		want(ask, time.Time{})
	}
	return wants
}

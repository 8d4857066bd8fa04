package managers

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// falsePromotions is the greatest share of promotions that are none, over all experiments of a workspace.
const falsePromotions = .05

// experimentsState are the experiments of a workspace: which of them have their turn, and what their runs came to.
type experimentsState struct {
	Workspace string `json:"workspace,omitempty"`
	// Begun and Found count the experiments that ever started, and those of them that found something better.
	Begun int64 `json:"begun,omitempty"`
	Found int64 `json:"found,omitempty"`
	// Trials are those that are not over, in the order in which they have their turns.
	Trials []*trial `json:"trials,omitempty"`
	// Paused is since when no step is taken, zero while they are.
	Paused time.Time `json:"paused,omitzero"`
	// Tasks are those of runs that have begun and were not drawn yet, while anything is tried.
	Tasks map[string]string `json:"tasks,omitempty"`
	// Limit is what runs with what is tried may cost in a month, 0 for no bound, and Spent what those of Month, its first moment, have.
	Limit events.Nanos `json:"limit_nanos,omitempty"`
	Spent events.Nanos `json:"spent_nanos,omitempty"`
	Month time.Time    `json:"month,omitzero"`
	// Trying are the runs and goals under way that were drawn into a candidate, by their streams.
	Trying map[string]bool `json:"trying,omitempty"`
	// Promoted are changes that their agents, or runbooks, have not got yet.
	Promoted []promoted `json:"promoted,omitempty"`
	// GivenUp are agents that were made for a change that was not kept.
	GivenUp []givenUp `json:"given_up,omitempty"`
}

// promoted is a change that is to be made.
type promoted struct {
	Experiment string             `json:"experiment"`
	Agent      string             `json:"agent"`
	Change     events.ChangeKind  `json:"change"`
	Config     events.AgentConfig `json:"config"`
	// Book is a runbook's next version, nil where an agent gets a change, and Proof what that rests on.
	Book  *events.RunbookSaved `json:"book,omitempty"`
	Proof *events.Proof        `json:"proof,omitempty"`
	Cause uuid.UUID            `json:"cause"`
	At    time.Time            `json:"at"`
}

func (p promoted) subject() subject {
	s := subject{Agent: p.Agent}
	if p.Book != nil {
		s.Runbook = p.Book.Runbook
	}
	return s
}

// want is what makes the change.
func (p promoted) want(workspace string) Want {
	about := meta("experiment", p.Cause, 0, p.At, workspace, "")
	if b := p.Book; b != nil {
		return Want{ID: events.DeriveID(p.Cause, 6), Command: commands.SaveRunbook{
			Meta: about, Runbook: b.Runbook, Workflow: b.Workflow, Run: b.Run, Steps: b.Steps, Notes: b.Notes, Requester: b.Requester, From: b.From,
			Improvement: p.Experiment, Proof: p.Proof,
		}}
	}
	return Want{ID: events.DeriveID(p.Cause, 6), Command: commands.ConfigureAgent{
		Meta: about, Agent: p.Agent, Config: p.Config, Only: p.Change,
		Reason: "it was proved to be better, in experiment " + p.Experiment, Improvement: p.Experiment,
	}}
}

// experiment gives the experiments of each agent their turns, counts what their runs came to, and decides: a greater share,
// a promotion or a roll-back, as soon as the fact is there that makes the proof.
func experiment() Manager[experimentsState] {
	return Manager[experimentsState]{
		Name: "experiment", Version: 11, Key: func(e *events.Envelope) string { return e.Workspace }, Opens: []string{"experiment.planned", "loop.paused", "policy.set"},
		Follows: []string{
			"experiment.started", "experiment.moved", "experiment.allocated", "experiment.proved", "experiment.promoted", "experiment.rolled_back", "experiment.stopped",
			"experiment.expired", "agent.spawned", "agent.configured", "agent.retired", "run.started", "run.assigned", "run.step_finished", "run.finished", "run.failed", "run.cancelled",
			"loop.resumed", "verdict.given", "eval.finished", "runbook.saved", "goal.planned", "goal.tasks_assigned", "goal.task_finished", "goal.task_failed",
			"goal.agent_answered", "goal.task_handed_over", "goal.finished", "goal.cancelled",
		},
		Evolve: evolveExperiments,
		Wants:  wantsOfExperiments,
		// How many experiments there were counts for the next one.
		Over: func(experimentsState) bool { return false },
	}
}

// madeForAll is why an experiment ends whose change somebody approves for all runs meanwhile. That the improvement is applied may be told later.
const madeForAll = "the change was made for all runs meanwhile"

func evolveExperiments(s experimentsState, e *events.Envelope, fact events.Event) experimentsState {
	s.Workspace = e.Workspace
	switch f := fact.(type) {
	case events.Experiment:
		return s.experiment(e, f)
	case events.LoopPaused:
		s.Paused = e.OccurredAt
	case events.LoopResumed:
		s.resume(e)
	case events.PolicySet:
		s.Limit = f.ExperimentNanos
	case events.AgentConfigured:
		agent := events.Identity(e.Stream)
		s.Promoted = slices.DeleteFunc(s.Promoted, func(p promoted) bool { return p.Book == nil && p.Agent == agent })
		switch t := s.turn(subject{Agent: agent}); {
		case t == nil || !t.Started():
		case f.Improvement == t.Experiment:
			t.stop(e, madeForAll)
		default:
			t.stop(e, "the agent was given another configuration meanwhile: what it was compared with is no more")
		}
	case events.RunbookSaved:
		s.saved(e, f)
	case events.Goal:
		s.goal(e, f)
	case events.AgentSpawned:
		s.spawned(e)
	case events.AgentRetired:
		s.retired(e)
	case events.RunStarted:
		if len(s.Trials) > 0 && f.Source == nil && f.Task != "" {
			if s.Tasks == nil {
				s.Tasks = map[string]string{}
			}
			s.Tasks[events.Identity(e.Stream)] = f.Task
		}
	case events.RunAssigned:
		task := s.Tasks[events.Identity(e.Stream)]
		delete(s.Tasks, events.Identity(e.Stream))
		for _, arm := range f.Arms {
			if t := s.trial(arm.Experiment); t != nil {
				t.draw(e, arm, task)
				s.trying(e, arm)
			}
		}
	case events.RunStepFinished:
		if t, run := s.drawn(e.Stream); run != nil {
			t.To = e.Position
			run.Cost = run.Cost.Plus(f.Cost())
		}
		s.spend(e, f.CostNanos)
	case events.EvalFinished:
		if f.By == "analyst:"+events.Writer { // what is asked before it is tried is a part of trying it
			s.spent(e, f.CostNanos)
		}
	case events.RunFinished:
		s.ended(e, f.Outcome)
	case events.RunFailed:
		s.ended(e, events.Failed)
	case events.RunCancelled:
		s.ended(e, events.Cancelled)
	case events.VerdictGiven:
		if t, run := s.drawn(commands.RunStream(e.Workspace, f.Run)); run != nil {
			run.judge(f)
			t.To, t.Last = e.Position, e.ID
			t.count(e.OccurredAt)
		}
	}
	return s
}

// resume lets them go on. The days in which nothing could be tried are none of an experiment's.
func (s *experimentsState) resume(e *events.Envelope) {
	for _, t := range s.Trials {
		if t.Started() {
			t.Since, t.Last = t.Since.Add(max(e.OccurredAt.Sub(s.Paused), 0)), e.ID
		}
	}
	s.Paused = time.Time{}
}

func (s experimentsState) experiment(e *events.Envelope, fact events.Experiment) experimentsState {
	id := events.Identity(e.Stream)
	if f, ok := fact.(events.ExperimentPlanned); ok {
		t := &trial{
			Experiment: f.Experiment, Agent: f.Agent, Change: f.Change, Config: f.Config, Others: f.Others, Spawn: f.Spawn, Book: f.Book, Plan: f.Plan, MaxShare: f.MaxShare, Cause: e.ID, At: e.OccurredAt, Last: e.ID, Seen: units{},
			Arms: []events.ArmCount{{Arm: events.ControlArm}, {Arm: events.CandidateArm}},
		}
		for i := range f.Others {
			t.Arms = append(t.Arms, events.ArmCount{Arm: events.Candidate(i + 1)})
		}
		if len(f.Others) > 0 {
			t.Field = newField(1 + len(f.Others))
		}
		s.line(t)
		s.giveWay(e, t.subject())
		return s
	}
	t := s.trial(id)
	if t == nil {
		return s
	}
	t.Cause, t.Last, t.At, t.Verdict = e.ID, e.ID, e.OccurredAt, nil
	switch f := fact.(type) {
	case events.ExperimentPlanned:
	case events.ExperimentStarted:
		t.Share, t.Level, t.Since = f.Share, f.Level, e.OccurredAt
		if t.Field != nil {
			t.Field.start(f.Share)
		}
		s.Begun++
	case events.ExperimentMoved:
		t.Share = f.Share
	case events.ExperimentAllocated:
		if t.Field != nil && len(f.Shares) == len(t.Arms) {
			t.Field.Shares = f.Shares
			t.Field.Allocated = t.Field.Allocated || f.Dropped == ""
		}
	case events.ExperimentProved:
		t.Proved = true
		s.Found++
	case events.ExperimentPromoted:
		if !t.Proved {
			s.Found++
		}
		s.Promoted = append(s.Promoted, promoted{Experiment: id, Agent: t.Agent, Change: t.Change, Config: t.configOf(f.Arm), Book: t.Book, Cause: e.ID, At: e.OccurredAt})
		if t.Book != nil {
			s.Promoted[len(s.Promoted)-1].Proof = &f.Proof
		}
		s.drop(id)
	case events.ExperimentRolledBack, events.ExperimentStopped, events.ExperimentExpired:
		if t.Spawned {
			s.GivenUp = append(s.GivenUp, givenUp{Experiment: id, Agent: t.Spawn.Agent, Cause: e.ID, At: e.OccurredAt})
		}
		s.drop(id)
	}
	s.giveWay(e, t.subject())
	return s
}

func (s *experimentsState) drop(id string) {
	s.Trials = slices.DeleteFunc(s.Trials, func(t *trial) bool { return t.Experiment == id })
}

func (s experimentsState) trial(id string) *trial {
	for _, t := range s.Trials {
		if t.Experiment == id {
			return t
		}
	}
	return nil
}

// turn is the experiment on an agent, or on a runbook, that has its turn.
func (s experimentsState) turn(on subject) *trial {
	for _, t := range s.Trials {
		if t.subject() == on {
			return t
		}
	}
	return nil
}

// drawn finds a run, or a goal, by its stream among those that are not counted yet.
func (s experimentsState) drawn(stream string) (*trial, *drawnRun) {
	id, goal := events.Identity(stream), events.Category(stream) == "goal"
	for _, t := range s.Trials {
		if (t.Book != nil) != goal {
			continue
		}
		for i := range t.Waiting {
			if t.Waiting[i].Run == id {
				return t, &t.Waiting[i]
			}
		}
	}
	return nil, nil
}

func (s experimentsState) ended(e *events.Envelope, outcome events.Outcome) {
	delete(s.Tasks, events.Identity(e.Stream))
	delete(s.Trying, e.Stream)
	t, run := s.drawn(e.Stream)
	if run == nil {
		return
	}
	run.Outcome, run.Ended, run.Milliseconds = outcome, e.OccurredAt, max(e.OccurredAt.Sub(run.At).Milliseconds(), 0)
	t.To, t.Last = e.Position, e.ID
	t.count(e.OccurredAt)
}

// untilConfigured is how long an agent's next experiment waits for what its last one has changed.
const untilConfigured = time.Minute

func wantsOfExperiments(s experimentsState) (wants []Want) {
	if !s.Paused.IsZero() {
		return nil
	}
	for _, p := range s.Promoted {
		wants = append(wants, p.want(s.Workspace))
	}
	for _, g := range s.GivenUp {
		wants = append(wants, g.want(s.Workspace))
	}
	served := map[subject]bool{}
	var next *Want
	for _, t := range s.Trials {
		first := !served[t.subject()]
		served[t.subject()] = true
		switch {
		case t.Verdict != nil:
			wants = append(wants, Want{ID: t.Verdict.ID, Command: t.command(s.Workspace)})
		case !t.Started() && first:
			start := s.start(t)
			if t.Spawn != nil && !t.Spawned {
				wants = append(wants, t.made(start.At, s.Workspace))
			} else if next == nil || start.At.Before(next.At) {
				next = &start
			}
		}
		// One of which nobody carries the verdict out ends too.
		if t.Started() {
			if t.expiry == nil || t.expiryOf != t.Last {
				end := t.Since.AddDate(0, 0, t.Plan.MaxDays)
				t.expiryOf, t.expiry = t.Last, &Want{ID: events.DeriveID(t.Last, 3), At: end, Command: commands.ExpireExperiment{
					Meta: meta("experiment", t.Last, 4, end, s.Workspace, ""), Experiment: t.Experiment,
					Reason: fmt.Sprintf("%d days showed nothing that is sure", t.Plan.MaxDays), Proof: t.proof(),
				}}
			}
			wants = append(wants, *t.expiry)
		}
	}
	if next != nil {
		wants = append(wants, *next)
	}
	return wants
}

// start is that of an experiment that has its turn. One starts after another: the level of each goes by how many began before it, and so does
// the id, since one that waits for its time has another level once another one has begun.
func (s experimentsState) start(t *trial) Want {
	id := 100 + 3*int(s.Begun)
	start := Want{ID: events.DeriveID(t.Cause, id), Command: commands.StartExperiment{
		Meta: meta("experiment", t.Cause, id, t.At, s.Workspace, ""), Experiment: t.Experiment,
		Level: stats.Round(stats.Lond(falsePromotions, s.Begun, s.Found)),
	}}
	if s.exhausted(t.At) {
		start.ID, start.At = events.DeriveID(t.Cause, id+1), s.Month.AddDate(0, 1, 0)
	}
	if i := slices.IndexFunc(s.Promoted, func(p promoted) bool { return p.subject() == t.subject() }); i >= 0 {
		if until := s.Promoted[i].At.Add(untilConfigured); until.After(start.At) {
			start.ID, start.At = events.DeriveID(t.Cause, id+2), until
		}
	}
	return start
}

// verdict is what was decided at a fact. It stands: what comes later is another decision's.
type verdict struct {
	ID    uuid.UUID    `json:"id"`
	Cause uuid.UUID    `json:"cause"`
	At    time.Time    `json:"at"`
	Proof events.Proof `json:"proof"`
	// Share is the one to move to, Guardrail the one that was broken, Promote and Expire tell of those ends, Reason why.
	Share int `json:"share,omitempty"`
	// Shares are those of several candidates, Drop the one that goes out, and Arm the one that is promoted.
	Shares    []int  `json:"shares,omitempty"`
	Drop      string `json:"drop,omitempty"`
	Arm       string `json:"arm,omitempty"`
	Guardrail string `json:"guardrail,omitempty"`
	Promote   bool   `json:"promote,omitempty"`
	Expire    bool   `json:"expire,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// command is what carries the verdict out.
func (t *trial) command(workspace string) commands.Command {
	v := t.Verdict
	about := meta("experiment", v.Cause, 0, v.At, workspace, "")
	about.ID = v.ID
	switch {
	case v.Promote:
		return commands.PromoteExperiment{Meta: about, Experiment: t.Experiment, Arm: v.Arm, Proof: v.Proof}
	case len(v.Shares) > 0:
		return commands.AllocateExperiment{
			Meta: about, Experiment: t.Experiment, Shares: v.Shares, Dropped: v.Drop, Guardrail: v.Guardrail, Reason: v.Reason, Proof: v.Proof,
		}
	case v.Share > 0:
		return commands.MoveExperiment{Meta: about, Experiment: t.Experiment, Share: v.Share, Proof: v.Proof}
	case v.Guardrail != "":
		return commands.RollBackExperiment{Meta: about, Experiment: t.Experiment, Guardrail: v.Guardrail, Reason: v.Reason, Proof: v.Proof}
	case v.Expire:
		return commands.ExpireExperiment{Meta: about, Experiment: t.Experiment, Reason: v.Reason, Proof: v.Proof}
	}
	return commands.StopExperiment{Meta: about, Experiment: t.Experiment, By: about.Actor, Reason: v.Reason}
}

// next is the share that comes after one, 0 where there is none that the change may have by itself.
func (t *trial) next() int {
	for _, share := range t.Plan.Steps {
		if share > t.Share && share <= t.MaxShare {
			return share
		}
	}
	return 0
}

// configOf is what is tried in an arm.
func (t *trial) configOf(arm string) events.AgentConfig {
	if i, is := events.CandidateOf(arm); is && i > 0 && i <= len(t.Others) {
		return t.Others[i-1]
	}
	return t.Config
}

package replay

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
)

// Trial is a change that would have been tried on a part of the runs, beside what was. What would have come of it nobody knows: the runs
// that it would have changed never were.
type Trial struct {
	// Experiment is its id, which is the improvement's that asks for it.
	Experiment string `json:"experiment"`
	Agent      string `json:"agent"`
	// Runbook is what is tried instead of an agent's change.
	Runbook    string            `json:"runbook,omitempty"`
	Kind       events.ChangeKind `json:"kind"`
	Difference Difference        `json:"difference"`
	// Would is when it would have been planned, null for DifferenceGone. Did is the experiment that was held, null for DifferenceNew.
	Would *WouldTry `json:"would"`
	Did   *DidTry   `json:"did"`
}

// Subject names what is tried of.
func (t Trial) Subject() string { return cmp.Or(t.Agent, t.Runbook) }

// At is when it would have been planned, or was where it would not.
func (t Trial) At() time.Time {
	if t.Would != nil {
		return t.Would.At
	}
	return t.Did.PlannedAt
}

// WouldTry is how the policy would have let a change be tried.
type WouldTry struct {
	At time.Time `json:"at"`
	// Position is the last log position that the analyst had seen.
	Position uint64 `json:"position"`
	// MaxShare is how far it would go without a person, in permille of the runs.
	MaxShare int `json:"max_share_permille"`
	// Behind is the experiment of the same agent that would have its turn first, empty where none is known to be under way.
	Behind string `json:"behind,omitempty"`
}

// DidTry is an experiment as it was held.
type DidTry struct {
	PlannedAt time.Time `json:"planned_at"`
	// By is who let it be tried, Improvement what asked for it.
	By          string     `json:"by"`
	Improvement string     `json:"improvement,omitempty"`
	StartedAt   *time.Time `json:"started_at"`
	// Verdict is how it stood at the end of the time that is looked at, with when and where in the log that was decided, and the difference
	// that it rests on; Reason is why, where no figures say so.
	Verdict  string        `json:"verdict"`
	At       *time.Time    `json:"verdict_at"`
	Position uint64        `json:"position"`
	Reason   string        `json:"reason,omitempty"`
	Proof    *events.Proof `json:"proof,omitempty"`
}

// Pause is a time in which the loop was paused: no analyst looked, and nothing was tried. Until is null where it still is.
type Pause struct {
	Since time.Time  `json:"since"`
	Until *time.Time `json:"until"`
}

// pause takes a fact of the loop in.
func (r *rehearsal) pause(e *events.Envelope) {
	if e.Workspace != r.c.Workspace {
		return
	}
	switch e.Kind {
	case events.LoopPaused{}.Kind():
		if !r.paused() {
			r.pauses = append(r.pauses, Pause{Since: e.OccurredAt})
		}
	case events.LoopResumed{}.Kind():
		if r.paused() {
			at := e.OccurredAt // the envelope is used again
			r.pauses[len(r.pauses)-1].Until = &at
		}
	}
}

func (r *rehearsal) paused() bool {
	n := len(r.pauses)
	return n > 0 && r.pauses[n-1].Until == nil
}

// surroundings are what decides, beside a proposal, whether it is tried.
type surroundings struct {
	// live are the agents that can be asked, with those that are the same by another name.
	live map[string]string
	// bound are the analysts whose forecasts did not come true.
	bound map[string]bool
}

func surroundingsOf(ctx context.Context, models projections.Reader) (s surroundings, err error) {
	s = surroundings{live: map[string]string{}, bound: map[string]bool{}}
	rows, err := models.Agents(ctx)
	if err != nil {
		return s, err
	}
	for _, row := range rows {
		switch {
		case row.Askable():
			s.live[row.Agent] = row.Agent
		case row.AdoptedAs != "":
			s.live[row.Agent] = row.AdoptedAs
		}
	}
	scores, err := models.Analysts(ctx)
	for _, row := range scores {
		s.bound[row.Analyst] = row.Bound
	}
	return s, err
}

// try notes that a proposal would have been tried, where the policy lets it be without a person.
func (r *rehearsal) try(p evidence.Proposal, approved bool) error {
	plan := commands.PlanExperiment{
		Meta: commands.Meta{At: r.thoughts.at, Actor: "policy", Workspace: r.c.Workspace}, Experiment: p.ID(), Improvement: p.ID(),
		Change: p.Change.Kind, Others: p.Change.Others, Spawn: p.Change.Spawn, Book: p.Change.Book, By: "policy",
	}
	agent, live := r.thoughts.around.live[p.Change.Agent]
	switch {
	case !approved || !p.Change.Tries():
		return nil
	case p.Change.Saves(): // a saved runbook is always there
	case !live:
		return nil
	default:
		plan.Agent, plan.Config = agent, *p.Change.Config
	}
	facts, err := r.decide(plan)
	if aggregates.Refused(err) {
		return nil // the policy lets it reach too little to be tried
	}
	if err != nil {
		return err
	}
	planned, _ := facts[0].(events.ExperimentPlanned)
	r.trials = append(r.trials, Trial{
		Experiment: p.ID(), Agent: planned.Agent, Runbook: runbookOf(planned), Kind: p.Change.Kind, Difference: DifferenceNew,
		Would: &WouldTry{At: r.thoughts.at, Position: r.thoughts.position, MaxShare: planned.MaxShare},
	})
	return nil
}

func runbookOf(f events.ExperimentPlanned) string {
	if f.Book == nil {
		return ""
	}
	return f.Book.Runbook
}

// tried are the experiments that were held up to the end of the time that is looked at, in the order in which they were planned.
func (r *rehearsal) tried(ctx context.Context, store eventstore.Store, unread map[string]bool) ([]Trial, error) {
	kinds := []string{
		events.ExperimentPlanned{}.Kind(), events.ExperimentStarted{}.Kind(), events.ExperimentProved{}.Kind(), events.ExperimentPromoted{}.Kind(),
		events.ExperimentRolledBack{}.Kind(), events.ExperimentStopped{}.Kind(), events.ExperimentExpired{}.Kind(),
	}
	var held []Trial
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{Kinds: kinds}) {
		if err != nil {
			return nil, err
		}
		if e.Position > r.c.UpTo {
			break
		}
		if e.Workspace != r.c.Workspace || r.after(e.OccurredAt) {
			continue
		}
		fact, err := events.Decode(e)
		if err != nil {
			unread[e.Stream] = true
			continue
		}
		id := events.Identity(e.Stream)
		i := slices.IndexFunc(held, func(t Trial) bool { return t.Experiment == id })
		if f, planned := fact.(events.ExperimentPlanned); planned {
			held = append(held, Trial{
				Experiment: f.Experiment, Agent: f.Agent, Runbook: runbookOf(f), Kind: f.Change, Difference: DifferenceGone,
				Did: &DidTry{PlannedAt: e.OccurredAt, By: f.By, Improvement: f.Improvement, Verdict: projections.ExperimentPlanned, Position: e.Position},
			})
			continue
		}
		if i >= 0 {
			held[i].Did.evolve(&e, fact)
		}
	}
	return held, nil
}

func (d *DidTry) evolve(e *events.Envelope, fact events.Event) {
	decided := func(verdict, reason string, proof *events.Proof) {
		d.Verdict, d.At, d.Position, d.Reason, d.Proof = verdict, &e.OccurredAt, e.Position, reason, proof
	}
	switch f := fact.(type) {
	case events.ExperimentStarted:
		d.StartedAt, d.Verdict, d.Position = &e.OccurredAt, projections.ExperimentRunning, e.Position
	case events.ExperimentProved:
		decided(projections.ExperimentProved, "", &f.Proof)
	case events.ExperimentPromoted:
		decided(projections.ExperimentPromoted, "", &f.Proof)
	case events.ExperimentRolledBack:
		decided(projections.ExperimentRolledBack, f.Reason, &f.Proof)
	case events.ExperimentStopped:
		decided(projections.ExperimentStopped, f.Reason, nil)
	case events.ExperimentExpired:
		decided(projections.ExperimentExpired, f.Reason, &f.Proof)
	}
}

// over is when an experiment was over, the zero time where it was not or never was held.
func (t Trial) over() time.Time {
	if t.Did == nil || t.Did.At == nil || t.Did.Verdict == projections.ExperimentProved {
		return time.Time{}
	}
	return *t.Did.At
}

// beside puts what would have been tried beside what was, by the time when it would have been planned, and tells whose turn is first.
func beside(would, held []Trial, from time.Time) []Trial {
	trials := slices.Clone(would)
	for _, did := range held {
		i := slices.IndexFunc(trials, func(t Trial) bool { return t.Experiment == did.Experiment })
		switch {
		case i >= 0:
			trials[i].Did, trials[i].Difference = did.Did, DifferenceSame
		case !did.Did.PlannedAt.Before(from):
			trials = append(trials, did)
		}
	}
	slices.SortFunc(trials, func(a, b Trial) int { return cmp.Or(a.At().Compare(b.At()), cmp.Compare(a.Experiment, b.Experiment)) })
	for i, t := range trials {
		if t.Would == nil {
			continue
		}
		for _, earlier := range trials[:i] {
			if over := earlier.over(); earlier.Would != nil && earlier.Agent == t.Agent && earlier.Runbook == t.Runbook && (over.IsZero() || over.After(t.Would.At)) {
				t.Would.Behind = earlier.Experiment
				break
			}
		}
	}
	return trials
}

// decide is what a command becomes under the policy, where nothing was before.
func (r *rehearsal) decide(c commands.Command) ([]events.Event, error) {
	all := aggregates.All(aggregates.Everywhere(r.c.Policy))
	i := slices.IndexFunc(all, func(a aggregates.Aggregate) bool { return a.Category == events.Category(c.Stream()) })
	if i < 0 {
		return nil, errors.New("nobody decides on " + c.Stream())
	}
	return all[i].New().Decide(c)
}

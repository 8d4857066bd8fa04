package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// ErrUnmakeable refuses to approve a change that could not be made.
var ErrUnmakeable = errors.New("this change can't be made")

// Improvements decides on proposals, and makes the changes that were approved: every door does so by it. All that it does
// has an id that derives from the approval, so that whoever makes a change again adds nothing.
type Improvements struct {
	Store    eventstore.Store
	Dispatch commands.Dispatch
	Agents   Agents
	// Models have what history says of a change that is to be tried.
	Models *projections.Models
}

// Made is what became of a change.
type Made struct {
	Improvement string
	Change      events.Change
	// Done tells that the change is made. Where it is not, a person has something to write, or a trial goes before.
	Done bool
	// Trial tells that the change is tried on a part of the runs first, Harm why it is not: what it did when it was tried before.
	Trial bool
	Harm  string
	// Agent is the live one that was changed, or the runbook, Version its version with the change, From and To what an agent was and is made of.
	Agent    string
	Version  int
	From, To events.AgentConfig
	// Repeated tells that it was approved before.
	Repeated bool
}

// proposal is an improvement as its stream tells of it.
type proposal struct {
	change events.Change
	// of are the people whose words its texts hold.
	of []string
	// expected is what was foretold of it first.
	expected events.Expected
	// approval is the id of the fact that approved it, Nil where there is none; by is who did.
	approval uuid.UUID
	by       string
	at       time.Time
	// trial tells that the change is to be tried before it is made.
	trial   bool
	applied *events.ImprovementApplied
	ended   bool
}

func (i Improvements) proposal(ctx context.Context, workspace, improvement string) (p proposal, err error) {
	stream := commands.ImprovementStream(workspace, improvement)
	for e, err := range i.Store.ReadStream(ctx, stream, eventstore.StreamOptions{}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return p, fmt.Errorf("%s: %w", stream, aggregates.ErrMissing)
		}
		var fact events.Event
		if err == nil {
			fact, err = events.Decode(e)
		}
		if err != nil {
			return p, fmt.Errorf("load %s: %w", stream, err)
		}
		switch f := fact.(type) {
		case events.ImprovementProposed:
			p.change, p.of, p.expected = f.Change, f.Of, f.Expected
		case events.ImprovementApproved:
			p.approval, p.by, p.at, p.trial = e.ID, f.By, e.OccurredAt, f.Trial
		case events.ImprovementApplied:
			if f.Share == everyone {
				p.applied = &f
			}
		case events.ImprovementEvidenceChanged:
			p.ended = p.ended || f.Strength.Withdraws()
		case events.ImprovementRejected, events.ImprovementRolledBack:
			p.ended = true
		}
	}
	return p, nil
}

// Approve notes a person's approval and makes the change, for all runs that start from then on. It refuses, before
// anything is noted, what could not be made. Approving again what is approved and not made makes it.
func (i Improvements) Approve(ctx context.Context, c commands.ApproveImprovement) (Made, error) {
	p, err := i.proposal(ctx, c.Workspace, c.Improvement)
	if err != nil {
		return Made{}, err
	}
	if p.approval != uuid.Nil && p.applied == nil && !p.ended && p.change.ByItself() {
		// Whoever approved it did not come to make it, or the policy let it pass as a trial only.
		made, err := i.Make(ctx, c.Workspace, c.Improvement)
		if made.Repeated = true; made.Done || err != nil {
			return made, err
		}
	}
	if err := i.Agents.Would(ctx, c); err != nil {
		return Made{}, err
	}
	p.by, p.at, p.approval = c.By, c.At, events.DeriveID(c.ID, 0)
	_, change, err := i.command(ctx, c.Workspace, c.Improvement, p)
	if err == nil && change != nil {
		if err = i.Agents.Would(ctx, change); err == nil && p.change.Spawn != nil && !p.trial {
			err = i.Agents.Would(ctx, p.spawn(change.About()))
		}
	}
	if err != nil {
		return Made{}, unmakeable(p.change, err)
	}
	receipt, err := i.Dispatch(ctx, c)
	if err != nil {
		return Made{}, err
	}
	made, err := i.Make(ctx, c.Workspace, c.Improvement)
	made.Repeated = receipt.Repeated
	return made, err
}

// unmakeable says what to do about a change that could not be made.
func unmakeable(c events.Change, err error) error {
	if errors.Is(err, aggregates.ErrMissing) {
		return fmt.Errorf("%w: no live agent is called %q; one that is known from history is named with `virtuous6 agents adopt '%s' --as NAME`, "+
			"and `virtuous6 agents spawn` makes a new one", ErrUnmakeable, c.Agent, c.Agent)
	}
	if aggregates.Refused(err) {
		return fmt.Errorf("%w: %w", ErrUnmakeable, err)
	}
	return err
}

// command is what makes a change, with the name of the agent that it changes. It is nil for what a person has to write.
func (i Improvements) command(ctx context.Context, workspace, improvement string, p proposal) (agent string, c commands.Command, err error) {
	if !p.change.ByItself() {
		return "", nil, nil
	}
	if p.change.Saves() {
		save := saving(p.change.Book, commands.Meta{ID: events.DeriveID(p.approval, 0), At: p.at, Actor: p.by, Workspace: workspace, Causation: p.approval})
		save.Improvement = improvement
		return save.Runbook, save, nil
	}
	agent = p.change.Agent
	named, _, err := i.Agents.Agent(ctx, workspace, agent)
	if err != nil {
		return "", nil, err
	}
	if !named.Live && named.AdoptedAs != "" {
		agent = named.AdoptedAs
	}
	about := commands.Meta{ID: events.DeriveID(p.approval, 0), At: p.at, Actor: p.by, Workspace: workspace, Causation: p.approval}
	if p.change.Kind == events.ChangeRetire && !p.trial {
		return agent, commands.RetireAgent{Meta: about, Agent: agent, Reason: "improvement " + improvement}, nil
	}
	return agent, commands.ConfigureAgent{
		Meta: about, Agent: agent, Config: *p.change.Config, Only: p.change.Kind, Reason: p.change.Instruction, Of: p.of, Improvement: improvement,
	}, nil
}

// spawn makes the agent that a change gives tasks to.
func (p proposal) spawn(about commands.Meta) commands.SpawnAgent {
	about.ID = events.DeriveID(p.approval, 4)
	return commands.SpawnAgent{Meta: about, Agent: p.change.Spawn.Agent, Role: p.change.Spawn.Role, Config: p.change.Spawn.Config}
}

// everyone is the share of the traffic that a change gets which is made at once.
const everyone = 1000

// Make makes a change that is approved, and notes that it is made. It tells of one that is made already.
func (i Improvements) Make(ctx context.Context, workspace, improvement string) (Made, error) {
	p, err := i.proposal(ctx, workspace, improvement)
	made := Made{Improvement: improvement, Change: p.change}
	if err != nil || p.ended || p.approval == uuid.Nil {
		return made, err
	}
	agent, change, err := i.command(ctx, workspace, improvement, p)
	if err != nil || change == nil {
		return made, err
	}
	if p.trial && p.applied == nil {
		made.Agent = agent
		if p.change.Saves() {
			made.Harm, err = i.tryBook(ctx, workspace, improvement, p)
		} else {
			made.Harm, err = i.try(ctx, workspace, improvement, p, agent)
		}
		made.Trial = made.Harm == ""
		return made, err
	}
	if p.applied == nil {
		apply := commands.ApplyImprovement{
			Meta:        commands.Meta{ID: events.DeriveID(p.approval, 1), At: p.at, Actor: p.by, Workspace: workspace, Causation: p.approval},
			Improvement: improvement, SharePermille: everyone, Agent: agent,
		}
		if p.change.Saves() {
			apply.Agent = ""
		}
		// What no person approved goes only as far as the policy lets it.
		if err := i.Agents.Would(ctx, apply); err != nil {
			if errors.Is(err, aggregates.ErrPolicy) {
				return made, nil
			}
			return made, err
		}
		steps := []commands.Command{change}
		if p.change.Spawn != nil {
			steps = []commands.Command{p.spawn(change.About()), change}
		}
		for _, step := range steps {
			if _, err := i.Dispatch(ctx, step); err != nil {
				return made, unmakeable(p.change, err)
			}
		}
		if p.change.Saves() {
			apply.Version, err = p.change.Book.From+1, nil
		} else {
			apply.Version, apply.Before, err = i.version(ctx, workspace, agent, improvement)
		}
		if err != nil {
			return made, err
		}
		if _, err := i.Dispatch(ctx, apply); err != nil && !errors.Is(err, aggregates.ErrState) {
			return made, err
		}
		p.applied = &events.ImprovementApplied{Agent: apply.Agent, Version: apply.Version, Before: apply.Before}
	}
	if p.change.Saves() {
		made.Done, made.Agent, made.Version = true, agent, p.applied.Version
		return made, nil
	}
	now, _, err := i.Agents.Agent(ctx, workspace, p.applied.Agent)
	if err != nil {
		return made, err
	}
	made.Done, made.Agent, made.Version = true, p.applied.Agent, p.applied.Version
	if p.applied.Before != nil {
		made.From = *p.applied.Before
	}
	if v := made.Version; v >= 1 && v <= len(now.Versions) {
		made.To = now.Versions[v-1].Config
	}
	return made, nil
}

// try plans the experiment on a change, and rejects what history or an eval shows to be worse. What was never tried history can't tell of, and that is
// noted with the plan.
func (i Improvements) try(ctx context.Context, workspace, improvement string, p proposal, agent string) (harm string, err error) {
	about := func(index int) commands.Meta {
		return commands.Meta{ID: events.DeriveID(p.approval, index), At: p.at, Actor: p.by, Workspace: workspace, Causation: p.approval}
	}
	now, _, err := i.Agents.Agent(ctx, workspace, agent)
	if err != nil {
		return "", err
	}
	if taken, err := i.taken(ctx, workspace, improvement, p.change.Spawn); err != nil || taken != "" {
		if err != nil {
			return "", err
		}
		_, err = i.Dispatch(ctx, commands.RejectImprovement{Meta: about(3), Improvement: improvement, By: "policy", Reason: taken})
		return taken, err
	}
	screen, err := answers.TellScreen(ctx, i.Models.In(workspace), answers.ChangeInQuestion{Agent: agent, Kind: p.change.Kind, Config: *p.change.Config}, now.Config)
	if err != nil {
		return "", err
	}
	_, err = i.Dispatch(ctx, commands.PlanExperiment{
		Meta: about(2), Experiment: improvement, Agent: agent, Improvement: improvement, Change: p.change.Kind, Config: *p.change.Config, Others: p.change.Others,
		Spawn: p.change.Spawn, By: p.by, Screen: &screen, Plan: p.plan(),
	})
	switch {
	case errors.Is(err, aggregates.ErrWorse):
		reject := commands.RejectImprovement{Meta: about(3), Improvement: improvement, By: "policy", Reason: err.Error()}
		_, err = i.Dispatch(ctx, reject)
		return reject.Reason, err
	case errors.Is(err, aggregates.ErrExists), errors.Is(err, aggregates.ErrPolicy):
		err = nil // planned before, or the policy lets it reach too little to be tried
	}
	return "", err
}

// What nobody foretells a gain of is tried for so many runs and days, and gives way to what somebody does.
const (
	guessRuns = 2000
	guessDays = 7
)

// plan is how it is to be tried, as far as it says.
func (p proposal) plan() (plan events.ExperimentPlan) {
	if p.expected.Metric == "success_rate" && p.expected.Change == 0 {
		plan.MaxRuns, plan.MaxDays, plan.GivesWay = guessRuns, guessDays, true
	}
	return plan
}

// taken is why an agent can't be made for an experiment that is not planned yet, empty where it can.
func (i Improvements) taken(ctx context.Context, workspace, experiment string, spawn *events.NewAgent) (string, error) {
	if spawn == nil {
		return "", nil
	}
	x, err := i.Agents.Experiment(ctx, workspace, experiment)
	if err != nil || x.Experiment != "" {
		return "", err
	}
	there, _, err := i.Agents.Agent(ctx, workspace, spawn.Agent)
	if err == nil && (there.Live || there.Retired) {
		return "there is or was an agent " + spawn.Agent + " already", nil
	}
	return "", err
}

// version finds the version of an agent that an improvement made, and what was there before it. Where nothing had to be
// changed, both are what the agent is.
func (i Improvements) version(ctx context.Context, workspace, agent, improvement string) (int, *events.AgentConfig, error) {
	now, _, err := i.Agents.Agent(ctx, workspace, agent)
	if err != nil {
		return 0, nil, err
	}
	for n, v := range now.Versions {
		if v.Improvement == improvement && n > 0 {
			return n + 1, &now.Versions[n-1].Config, nil
		}
	}
	return len(now.Versions), &now.Config, nil
}

// Back is what became of the wish to take an agent back.
type Back struct {
	// Version is the one that the agent goes by now, Restores the one that this repeats. Restores is 0 where the agent was so
	// already.
	Version, Restores int
	From, To          events.AgentConfig
	// Undone are the improvements that the agent is without now.
	Undone []string
}

// RollBack takes an agent back to an earlier version, and notes it at the improvements that the agent is without then.
func (i Improvements) RollBack(ctx context.Context, c commands.RestoreAgent) (Back, error) {
	receipt, err := i.Dispatch(ctx, c)
	if err != nil {
		return Back{}, err
	}
	agent, _, err := i.Agents.Agent(ctx, c.Workspace, c.Agent)
	n := len(agent.Versions)
	back := Back{Version: n, From: agent.Config, To: agent.Config}
	if err != nil || receipt.Events == 0 && !receipt.Repeated || n < 2 {
		return back, err
	}
	latest := agent.Versions[n-1]
	back.Restores, back.From, back.Undone = latest.Restores, agent.Versions[n-2].Config, latest.RollsBack
	for _, undo := range managers.RollBacks(c.Workspace, events.DeriveID(c.ID, 0), c.At, c.Actor, c.Reason, back.Undone) {
		if _, err := i.Dispatch(ctx, undo); err != nil && !aggregates.Refused(err) {
			return back, err
		}
	}
	return back, nil
}

// make is the work of the manager of improvements.
func (i Improvements) make(log *slog.Logger) Handler {
	warn := func(_ context.Context, w managers.Make, reason string) error {
		log.Warn("an approved change was not made: it is tried again at the next start", "improvement", w.Improvement, "reason", reason)
		return nil
	}
	return Handle(func(ctx context.Context, w managers.Make) error {
		_, err := i.Make(ctx, w.Workspace, w.Improvement)
		if aggregates.Refused(err) || errors.Is(err, ErrUnmakeable) {
			return warn(ctx, w, err.Error())
		}
		return err
	}, warn)
}

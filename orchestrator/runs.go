package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
)

// ErrNoAgent refuses a run that is asked of nobody.
var ErrNoAgent = errors.New("there is no such agent to ask")

// Runs starts live runs, follows them and cancels them: every door does so by it.
type Runs struct {
	Store    eventstore.Store
	Dispatch commands.Dispatch
	Agents   Agents
	Models   *projections.Models
	// Tools are those that the assistant is granted, as far as the policy goes along.
	Tools []string
}

// AssistantTools are those that the assistant is granted under a policy.
func AssistantTools(policy aggregates.Policy) []string {
	return slices.DeleteFunc(slices.Clone(policy.Fact().Tools), func(tool string) bool { return !slices.Contains(aggregates.DefaultTools(), tool) })
}

// Prepare makes the assistant, where a store has none yet.
func (r Runs) Prepare(ctx context.Context, meta commands.Meta) error {
	// However many do so at once, it is one wish.
	meta.ID = events.NameID(meta.At, "the first assistant of workspace "+meta.Workspace)
	if agent, _, err := r.Agents.Agent(ctx, meta.Workspace, events.Assistant); err != nil || agent.Live || agent.Retired {
		return err
	}
	_, err := r.Dispatch(ctx, commands.SpawnAgent{
		Meta: meta, Agent: events.Assistant, Role: "answers where no other agent is named", Config: events.AgentConfig{Tools: r.Tools},
	})
	if errors.Is(err, aggregates.ErrExists) {
		return nil
	}
	return err
}

// Start opens a run of an agent that can be asked, or of the one that fits best where it names none. It returns ErrNoAgent,
// with the names that are near, for one that can't be asked.
func (r Runs) Start(ctx context.Context, start commands.StartRun) (commands.Receipt, error) {
	if start.Agent == "" || start.Agent == events.Assistant { // a workspace may be asked for the first time
		if err := r.Prepare(ctx, start.Meta); err != nil {
			return commands.Receipt{}, err
		}
	}
	if start.Agent != "" {
		if err := r.known(ctx, start.Workspace, start.Agent); err != nil {
			return commands.Receipt{}, err
		}
	}
	if start.Conversation == "" {
		start.Conversation = start.Run
	}
	if l := start.Limits; l != nil {
		set := commands.SetBudget{
			Meta: start.Meta, Budget: commands.RunBudget(start.Run), Period: events.Total, LimitNanos: l.LimitNanos, AnyCost: l.AnyCost, Limits: l.Limits,
			Marks: []int{50, 80}, Fails: l.Fails,
		}
		set.ID = events.DeriveID(start.ID, 1)
		if _, err := r.Dispatch(ctx, set); err != nil {
			return commands.Receipt{}, err
		}
	}
	return r.Dispatch(ctx, start)
}

// known refuses an agent that can't be asked.
func (r Runs) known(ctx context.Context, workspace, name string) error {
	agent, _, err := r.Agents.Agent(ctx, workspace, name)
	if err != nil || agent.Live && !agent.Retired {
		return err
	}
	near, err := r.near(ctx, workspace, name)
	if err != nil {
		return err
	}
	what := "is unknown"
	if agent.Retired {
		what = "is retired"
	}
	return fmt.Errorf("%w: %q %s; %s", ErrNoAgent, name, what, near)
}

// maxNear bounds how many names are told.
const maxNear = 5

// near names the agents that may have been meant, the nearest first.
func (r Runs) near(ctx context.Context, workspace, name string) (string, error) {
	rows, err := r.Models.In(workspace).Agents(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, row := range rows {
		if row.Askable() && row.Agent != name { // who is retired may stand there still
			names = append(names, row.Agent)
		}
	}
	if len(names) == 0 {
		return "no agent is there yet: `virtuous6 agents spawn` makes one", nil
	}
	distance := func(other string) int {
		return levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(other))
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(distance(a), distance(b)), cmp.Compare(a, b)) })
	if len(names) == 1 {
		return "there is " + names[0], nil
	}
	return "there are " + strings.Join(names[:min(len(names), maxNear)], ", "), nil
}

// Follow waits for the end of a run, behind a position at which it had not ended. It returns the fact that ended it; told hears of those
// before.
func (r Runs) Follow(ctx context.Context, workspace, run string, after uint64, told func(events.Event)) (events.Run, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stream := commands.RunStream(workspace, run)
	for m, err := range r.Store.Subscribe(ctx, after) {
		if err != nil {
			return nil, err
		}
		if m.CaughtUp || m.Event.Stream != stream {
			continue
		}
		fact, err := events.Decode(m.Event)
		if err != nil {
			return nil, err
		}
		switch fact := fact.(type) {
		case events.RunFinished:
			return fact, nil
		case events.RunFailed:
			return fact, nil
		case events.RunCancelled:
			return fact, nil
		}
		told(fact)
	}
	return nil, ctx.Err()
}

// Cancel ends a run, and what is under way for it. It is false for one that had ended already: that stays as it is.
func (r Runs) Cancel(ctx context.Context, c commands.CancelRun) (bool, error) {
	_, err := r.Dispatch(ctx, c)
	if errors.Is(err, aggregates.ErrEnded) {
		return false, nil
	}
	return err == nil, err
}

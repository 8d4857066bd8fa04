package slack_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/projections"
)

// house is what stands behind the door: it keeps what it is told, and has the rows that it is given.
type house struct {
	projections.Reader // what it does not have panics

	mu           sync.Mutex
	started      map[string]commands.StartRun
	commands     []commands.Command
	ids          map[string]int
	runs         []projections.RunRow
	threads      map[string]projections.SlackThreadRow
	improvements []projections.ImprovementRow
	agents       []projections.AgentRow
	approvals    []projections.ApprovalRow
	experiments  []projections.ExperimentRow
	budgets      []projections.BudgetRow
	costs        []projections.CostRow
	reviews      []projections.ReviewRow
	goals        []projections.GoalRow
	runbooks     []projections.RunbookRow
	fail         error
	// late is what the read models hear of once they are waited for.
	late func()
	// told has a place for each command that came.
	told chan struct{}
}

var errAway = errors.New("the store is away")

func (h *house) In(string) projections.Reader { return h }

func (h *house) dispatch(_ context.Context, cmds ...commands.Command) (commands.Receipt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		return commands.Receipt{}, h.fail
	}
	for _, c := range cmds {
		id := c.About().ID.String()
		if h.ids[id]++; h.ids[id] > 1 {
			return commands.Receipt{Repeated: true}, nil
		}
		h.commands = append(h.commands, c)
		select {
		case h.told <- struct{}{}:
		default:
		}
	}
	return commands.Receipt{Events: len(cmds)}, nil
}

// recorded waits for the record of an interaction.
func (h *house) recorded(t *testing.T) commands.RecordInteraction {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		if records := all[commands.RecordInteraction](h); len(records) > 0 {
			return records[0]
		}
		select {
		case <-h.told:
		case <-timeout:
			t.Fatal("the interaction was not recorded")
		}
	}
}

// forget forgets what came until now.
func (h *house) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commands = nil
}

func (h *house) start(ctx context.Context, c commands.StartRun) (commands.Receipt, error) {
	receipt, err := h.dispatch(ctx, c)
	if err == nil && !receipt.Repeated {
		h.mu.Lock()
		h.started[c.Run] = c
		h.mu.Unlock()
	}
	return receipt, err
}

// all are the commands of a type.
func all[C commands.Command](h *house) []C {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []C
	for _, c := range h.commands {
		if c, ok := c.(C); ok {
			found = append(found, c)
		}
	}
	return found
}

func (h *house) Run(_ context.Context, run string) (projections.RunRow, []projections.StepRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, row := range h.runs {
		if row.Run == run {
			return row, []projections.StepRow{{Name: "chat"}}, nil
		}
	}
	return projections.RunRow{}, nil, projections.ErrNotFound
}

func (h *house) reach(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.late != nil {
		h.late()
	}
	return ctx.Err()
}

func (h *house) Runs(_ context.Context, f projections.RunFilter) iter.Seq2[projections.RunRow, error] {
	h.mu.Lock()
	rows := slices.Clone(h.runs)
	h.mu.Unlock()
	return func(yield func(projections.RunRow, error) bool) {
		for _, row := range rows {
			if f.Conversation != "" && row.Conversation != f.Conversation || f.Outcome != "" && row.Outcome != f.Outcome {
				continue
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (h *house) Loop(context.Context) (projections.LoopRow, error) {
	return projections.LoopRow{Paused: true, By: "user:anna", Reason: "the *prices* change"}, nil
}

func (h *house) Improvements(context.Context, string) ([]projections.ImprovementRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.improvements), nil
}

func (h *house) Approvals(_ context.Context, status string) ([]projections.ApprovalRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.approvals), func(a projections.ApprovalRow) bool { return status != "" && a.Status != status }), nil
}

func (h *house) Approval(_ context.Context, id string) (projections.ApprovalRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.approvals {
		if a.Approval == id {
			return a, nil
		}
	}
	return projections.ApprovalRow{}, projections.ErrNotFound
}

func (h *house) Experiments(context.Context, string) ([]projections.ExperimentRow, error) {
	return slices.Clone(h.experiments), nil
}

func (h *house) Budget(_ context.Context, budget string) (projections.BudgetRow, error) {
	for _, row := range h.budgets {
		if row.Budget == budget {
			return row, nil
		}
	}
	return projections.BudgetRow{}, projections.ErrNotFound
}

func (h *house) Costs(context.Context) ([]projections.CostRow, error) { return h.costs, nil }

func (h *house) Reviews(context.Context, string) ([]projections.ReviewRow, error) {
	return slices.Clone(h.reviews), nil
}

func (h *house) Goals(context.Context) ([]projections.GoalRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.goals), nil
}

func (h *house) Runbooks(context.Context) ([]projections.RunbookRow, error) { return h.runbooks, nil }

func (h *house) Agents(context.Context) ([]projections.AgentRow, error) { return h.agents, nil }

func (h *house) thread(_ context.Context, _, key string) (projections.SlackThreadRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	row, ok := h.threads[key]
	if !ok {
		return row, projections.ErrNotFound
	}
	return row, nil
}

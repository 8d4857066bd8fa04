package orchestrator

import (
	"context"

	"github.com/virtuous6/virtuous6/agents"
)

// metered asks a model for one turn, when the pool lets it.
type metered struct {
	turn  *turn
	model agents.Model
	// in is the model that it was let through to, empty for none.
	in string
}

// Chat implements agents.Model. Who asks another model than the one it was let through to has to wait for that one's turn.
func (m *metered) Chat(ctx context.Context, r agents.Request, onDelta func(string)) (agents.Answer, error) {
	if m.in != r.Model {
		m.leave(false)
		if err := m.enter(ctx, r.Model); err != nil {
			return agents.Answer{}, err
		}
	}
	answer, err := m.model.Chat(ctx, r, onDelta)
	m.leave(err == nil)
	return answer, err
}

func (m *metered) enter(ctx context.Context, model string) error {
	if err := m.turn.pool.enter(ctx, m.turn.ending, model, m.who(), m.turn.lend); err != nil {
		return err
	}
	m.in = model
	return nil
}

// leave lets the next one through, where it was let through itself.
func (m *metered) leave(answered bool) {
	if m.in != "" {
		m.turn.pool.leave(m.in, m.who(), answered)
		m.in = ""
	}
}

func (m *metered) who() caller {
	return caller{m.turn.wish.Workspace, m.turn.agent, m.turn.wish.Share()}
}

// Bound is a model whose calls wait for their turn as those of runs do: for what asks models without a run, such as an eval.
func (p *Pool) Bound(model agents.Model, workspace, agent string) agents.Model {
	return bound{p, model, caller{workspace: workspace, agent: agent, share: workspace + "/" + agent}}
}

type bound struct {
	pool  *Pool
	model agents.Model
	who   caller
}

// Chat implements agents.Model.
func (b bound) Chat(ctx context.Context, r agents.Request, onDelta func(string)) (agents.Answer, error) {
	nothing := func() func() { return func() {} }
	if err := b.pool.enter(ctx, nil, r.Model, b.who, nothing); err != nil {
		return agents.Answer{}, err
	}
	answer, err := b.model.Chat(ctx, r, onDelta)
	b.pool.leave(r.Model, b.who, err == nil)
	return answer, err
}

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

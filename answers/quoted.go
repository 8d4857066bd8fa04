package answers

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Quoted is what a configuration shows an agent of somebody's words, as they stand where they were said.
type Quoted struct {
	// Of names where it stands, such as "feedback f1 on run r1".
	Of string `json:"of"`
	// User is whose words they are, empty where nobody knows.
	User string `json:"user,omitempty"`
	// Text is empty where it was forgotten, or is not there.
	Text string `json:"text,omitempty"`
}

// TellQuoted resolves what a configuration refers to, so that whoever approves it reads what the agent will.
func TellQuoted(ctx context.Context, r projections.Reader, c events.AgentConfig) (all []Quoted, err error) {
	var said []events.Saying
	for _, l := range c.Lessons {
		said = append(said, l.Said...)
	}
	for _, f := range c.Fixes {
		said = append(said, f.Said...)
	}
	for _, s := range said {
		q := Quoted{Of: fmt.Sprintf("feedback %s on run %s", s.Feedback, s.Run), User: s.User}
		if s.Run == "" {
			q.Of = fmt.Sprintf("feedback %s on the agent", s.Feedback)
		}
		rows, err := r.Feedback(ctx, s.Run)
		if err != nil {
			return nil, fmt.Errorf("read what was said of run %s: %w", s.Run, err)
		}
		for i := range rows {
			if rows[i].Feedback == s.Feedback {
				q.Text = cmp.Or(rows[i].Wish, rows[i].Better, rows[i].Text)
			}
		}
		all = append(all, q.known())
	}
	for _, e := range c.Examples {
		run, _, err := r.Run(ctx, e.Run)
		if err != nil && !errors.Is(err, projections.ErrNotFound) {
			return nil, fmt.Errorf("read run %s: %w", e.Run, err)
		}
		all = append(all, Quoted{Of: "the question of run " + e.Run, User: e.Requester, Text: run.Prompt}.known(), Quoted{Of: "the answer of run " + e.Run, Text: run.Answer}.known())
	}
	return all, nil
}

func (q Quoted) known() Quoted {
	if q.Text == events.Erased {
		q.Text = ""
	}
	return q
}

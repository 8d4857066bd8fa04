package orchestrator

import (
	"context"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/routing"
)

// maxLooked bounds how many agents that fit are looked at closer, and maxLike how many of the latest runs of one.
const (
	maxLooked = 5
	maxLike   = 100
)

// choose finds who answers a run that names nobody: whoever answered last in its conversation, else the agent that fits best
// and of which nothing says that it does such tasks badly, else the assistant. It is never the one that it is not to be.
func (t *turn) choose(ctx context.Context, but string) (agent string, why *events.Choice, err error) {
	if agent, err = t.answeredLast(ctx); err != nil || agent != "" && agent != but {
		return agent, &events.Choice{Reason: agent + " answered last in the conversation"}, err
	}
	fitting, err := t.roster.fitting(ctx, t.wish.Workspace, t.task())
	if err != nil {
		return "", nil, err
	}
	var passed []string
	for i, m := range fitting[:min(len(fitting), maxLooked)] {
		askable, err := t.askable(ctx, m.Name)
		if err != nil {
			return "", nil, err
		}
		if !askable || m.Name == but {
			continue
		}
		record, err := recordOf(ctx, t.models.In(t.wish.Workspace), m)
		if err != nil {
			return "", nil, err
		}
		if !record.Holds() {
			passed = append(passed, fmt.Sprintf("%s succeeded in %d of %d like tasks only", m.Name, record.Succeeded, record.Rated))
			continue
		}
		return m.Name, chosen(m, fitting[i+1:], record, passed), nil
	}
	reason := "no agent's specialty or prompt fits the task"
	if len(passed) > 0 {
		reason = "no agent fits the task and does such tasks well: " + strings.Join(passed, ", ")
	}
	// Who does such tasks badly does them no better under another name.
	if len(passed) == 0 {
		specialist, says, err := t.specialist(ctx, reason)
		switch {
		case err != nil:
			return "", nil, err
		case specialist != "":
			return specialist, &events.Choice{Reason: says}, nil
		case says != "":
			reason += ": " + says
		}
	}
	return events.Assistant, &events.Choice{Reason: reason}, nil
}

// chosen is why the one that fits best is asked.
func chosen(m routing.Match, others []routing.Match, record routing.Record, passed []string) *events.Choice {
	reason := fmt.Sprintf("%s fits best, by the words %s", m.Name, m.Told())
	if len(others) > 0 {
		reason += fmt.Sprintf(" (%.2f, next %s with %.2f)", m.Score, others[0].Name, others[0].Score)
	}
	if record.Known() {
		reason += fmt.Sprintf("; it succeeded in %d of %d like tasks, in %.0f%% or more at 95%%", record.Succeeded, record.Rated, 100*record.Low())
	} else {
		reason += fmt.Sprintf("; how it does such tasks is not known yet, of %d runs", record.Rated)
	}
	if len(passed) > 0 {
		reason += "; passed over: " + strings.Join(passed, ", ")
	}
	return &events.Choice{Reason: reason, Score: int(1000 * m.Score), Rated: record.Rated, Succeeded: record.Succeeded}
}

// task is what is asked, with what the task is called.
func (t *turn) task() string {
	return t.conversation.started.Task + "\n" + t.conversation.started.Prompt
}

// answeredLast is who answered the latest earlier run of the conversation, empty where there is none or it can't be asked.
func (t *turn) answeredLast(ctx context.Context) (string, error) {
	started := t.conversation.started
	if started.Conversation == "" || started.Conversation == started.Run {
		return "", nil
	}
	if err := replay.Reach(ctx, t.models, t.conversation.position); err != nil {
		return "", err
	}
	filter := projections.RunFilter{Conversation: started.Conversation, Limit: maxEarlier}
	for row, err := range t.models.In(t.wish.Workspace).Runs(ctx, filter) {
		if err != nil {
			return "", fmt.Errorf("read conversation %s: %w", started.Conversation, err)
		}
		if row.FirstPosition >= t.conversation.position || row.Agent == "" || own(row.Agent) {
			continue // who found words for the record, say, answers nobody
		}
		if askable, err := t.askable(ctx, row.Agent); err != nil || askable {
			return row.Agent, err
		}
		return "", nil
	}
	return "", nil
}

func (t *turn) askable(ctx context.Context, agent string) (bool, error) {
	found, _, err := t.agents.Agent(ctx, t.wish.Workspace, agent)
	return found.Live && !found.Retired, err
}

// recordOf is how an agent did on the tasks among its latest that are like the one that it fits.
func recordOf(ctx context.Context, reader projections.Reader, m routing.Match) (record routing.Record, err error) {
	filter := projections.RunFilter{Agent: m.Name, Limit: maxLike}
	for row, err := range reader.Runs(ctx, filter) {
		if err != nil {
			return record, fmt.Errorf("read the runs of %s: %w", m.Name, err)
		}
		if !routing.Like(m.Words, row.Task+"\n"+row.Prompt) {
			continue
		}
		switch row.Result() {
		case events.Succeeded:
			record.Rated, record.Succeeded = record.Rated+1, record.Succeeded+1
		case events.Failed:
			record.Rated++
		}
	}
	return record, nil
}

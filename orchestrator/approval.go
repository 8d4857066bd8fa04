package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// errSuspended ends a turn for now: a person is to decide first. It is wanted again once that was done.
var errSuspended = errors.New("a person is to decide first")

// askApprovals asks for what a person has to let through of the last answer's calls. It returns errSuspended until all of it is
// answered: the other calls of the answer wait as well, so that who decides sees the world as the model saw it.
func (t *turn) askApprovals(ctx context.Context) error {
	c := t.conversation
	var asks []commands.Command
	for i, call := range c.calls {
		_, known := c.results[i]
		_, begun := c.begun[i]
		if known || begun || i >= maxCalls || c.approvals[i] != nil || t.rule(call) != aggregates.ToolAsks || len(call.Arguments) > commands.MaxApproved {
			continue
		}
		now := t.clock()
		asks = append(asks, commands.AskApproval{
			Meta: t.meta(toolSlot+slot(3*(len(c.calls)+i)), now), Run: t.wish.Run, Call: i, Agent: t.agent, Tool: call.Name, Arguments: call.Arguments,
			Approval: commands.ApprovalID(t.wish.Workspace, t.wish.Run, t.wish.Turn, i, call.Name, call.Arguments), Expires: now.Add(t.approveWithin),
		})
	}
	if len(asks) > 0 {
		if _, err := t.dispatch(ctx, asks...); err != nil {
			return err
		}
		return errSuspended
	}
	for _, a := range c.approvals {
		if a.answer.Answer == "" {
			return errSuspended
		}
	}
	return nil
}

// rule is what the policy says of a call. One that the agent was not granted is answered as a mistake of the model's.
func (t *turn) rule(call events.ToolCall) aggregates.ToolRule {
	if !slices.Contains(t.config.Tools, call.Name) {
		return aggregates.ToolNever
	}
	return t.policies(t.wish.Workspace).Tool(call.Name)
}

// refusal tells why a call is not performed, empty where it is.
func (t *turn) refusal(place int, call events.ToolCall) string {
	if place >= maxCalls {
		return fmt.Sprintf("only %d calls at once are performed", maxCalls)
	}
	a := t.conversation.approvals[place]
	switch t.rule(call) {
	case aggregates.ToolNever:
		if slices.Contains(t.config.Tools, call.Name) {
			return fmt.Sprintf("the policy lets nobody call %s", call.Name)
		}
	case aggregates.ToolAsks:
		switch {
		case len(call.Arguments) > commands.MaxApproved:
			return fmt.Sprintf("a person has to let it through, who is asked about no more than %d bytes of arguments", commands.MaxApproved)
		case a == nil: // the policy asks since a moment ago
			return "it needs a person's approval, which was not asked for"
		case a.answer.Answer == events.ApprovalExpired:
			return fmt.Sprintf("expired: nobody decided before %s whether it may be called, so it was not", a.Expires.Format("2006-01-02 15:04 MST"))
		case a.answer.Answer != events.ApprovalGranted:
			return strings.TrimRight(fmt.Sprintf("rejected by %s: %s", a.answer.By, a.answer.Note), ": ")
		}
	case aggregates.ToolFree:
	}
	return ""
}

// ErrNoApproval tells that nothing of that id was asked for.
var ErrNoApproval = errors.New("there is no such approval")

// Answer decides on a call that an agent wants to make. id is that of the approval, or only its beginning; the answer is granted or
// rejected.
func (r Runs) Answer(ctx context.Context, meta commands.Meta, id string, answer events.ApprovalAnswer, by, note string) (projections.ApprovalRow, error) {
	a, err := r.Models.In(meta.Workspace).Approval(ctx, id)
	if errors.Is(err, projections.ErrNotFound) {
		return a, fmt.Errorf("%w: %q", ErrNoApproval, id)
	}
	if err != nil {
		return a, err
	}
	meta.Correlation = a.Run
	_, err = r.Dispatch(ctx, commands.AnswerApproval{Meta: meta, Run: a.Run, Approval: a.Approval, Answer: answer, By: by, Note: note})
	a.Status, a.AnsweredBy, a.Note = string(answer), by, note
	return a, err
}

package aggregates

import (
	"fmt"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// approval is one that the run asked for since its last answer.
type approval struct {
	id, tool string
	call     int
	expires  time.Time
	answer   events.ApprovalAnswer
}

func (s runState) approval(match func(approval) bool) *approval {
	if i := slices.IndexFunc(s.approvals, match); i >= 0 {
		return &s.approvals[i]
	}
	return nil
}

func askApproval(p Policy, c commands.AskApproval, s runState) ([]events.Run, error) {
	if err := checkName("approval", c.Approval); err != nil {
		return nil, err
	}
	if err := checkName("tool", c.Tool); err != nil {
		return nil, err
	}
	switch {
	case !s.live:
		return nil, fmt.Errorf("%w: an imported run asks for nothing", ErrInvalid)
	case p.Tool(c.Tool) != ToolAsks:
		return nil, fmt.Errorf("%w: a call of %s needs no approval, it is %s", ErrInvalid, c.Tool, p.Tool(c.Tool))
	case len(c.Arguments) > commands.MaxApproved:
		return nil, fmt.Errorf("%w: the arguments of %s are longer than the %d bytes that a person is asked about", ErrInvalid, c.Tool, commands.MaxApproved)
	case c.Call < 0 || !c.Expires.After(c.At):
		return nil, fmt.Errorf("%w: an approval names a call, and expires after it was asked for", ErrInvalid)
	case s.approval(func(a approval) bool { return a.call == c.Call || a.id == c.Approval }) != nil:
		return nil, fmt.Errorf("the approval of call %d: %w", c.Call, ErrExists)
	}
	return []events.Run{events.RunApprovalAsked{
		Approval: c.Approval, Call: c.Call, Agent: c.Agent, Tool: c.Tool, Arguments: c.Arguments, Expires: c.Expires.UTC().Round(0),
	}}, nil
}

func answerApproval(c commands.AnswerApproval, s runState) ([]events.Run, error) {
	a := s.approval(func(a approval) bool { return a.id == c.Approval })
	switch {
	case a == nil:
		return nil, fmt.Errorf("approval %s: %w", c.Approval, ErrMissing)
	case a.answer != "":
		return nil, fmt.Errorf("approval %s: %w: it is %s", c.Approval, ErrState, a.answer)
	}
	late := !c.At.Before(a.expires)
	switch c.Answer {
	case events.ApprovalGranted, events.ApprovalRejected:
		if c.By == "" || c.By == policyApproves || isMachine(c.By) || isMachine(c.Actor) {
			return nil, fmt.Errorf("approval %s: %w: a person decides, not %q for %q", c.Approval, ErrInvalid, c.By, c.Actor)
		}
		if late {
			return nil, fmt.Errorf("approval %s: %w: it has expired", c.Approval, ErrState)
		}
	case events.ApprovalExpired:
		if !late {
			return nil, fmt.Errorf("approval %s: %w: it expires later", c.Approval, ErrState)
		}
	case events.ApprovalWithdrawn:
		return nil, fmt.Errorf("approval %s: %w: it is withdrawn with its run alone", c.Approval, ErrInvalid)
	default:
		return nil, fmt.Errorf("approval %s: %w: no answer is %q", c.Approval, ErrInvalid, c.Answer)
	}
	return []events.Run{events.RunApprovalAnswered{Approval: c.Approval, Answer: c.Answer, By: c.By, Note: c.Note}}, nil
}

// mayCall refuses to begin a call that the policy does not let through, or that no person has approved. A step that names no tool
// performs none.
func mayCall(p Policy, c commands.StartStep, s runState) error {
	if !s.live || c.Call == nil || c.Tool == "" {
		return nil
	}
	switch p.Tool(c.Tool) {
	case ToolNever:
		return fmt.Errorf("step %d: %w: nobody may call %s", c.Step, ErrPolicy, c.Tool)
	case ToolAsks:
		a := s.approval(func(a approval) bool { return a.call == *c.Call && a.tool == c.Tool })
		if a == nil || a.answer != events.ApprovalGranted {
			return fmt.Errorf("step %d: %w: no person has approved this call of %s", c.Step, ErrPolicy, c.Tool)
		}
	case ToolFree:
	}
	return nil
}

// withdrawn are the approvals that nobody has answered, when the run ends.
func (s runState) withdrawn(why string) (facts []events.Run) {
	for _, a := range s.approvals {
		if a.answer == "" {
			facts = append(facts, events.RunApprovalAnswered{Approval: a.id, Answer: events.ApprovalWithdrawn, Note: why})
		}
	}
	return facts
}

func (s runState) asked(e events.RunApprovalAsked) runState {
	s.approvals = append(slices.Clip(s.approvals), approval{id: e.Approval, tool: e.Tool, call: e.Call, expires: e.Expires})
	return s
}

func (s runState) answered(e events.RunApprovalAnswered) runState {
	s.approvals = slices.Clone(s.approvals)
	if a := s.approval(func(a approval) bool { return a.id == e.Approval }); a != nil {
		a.answer = e.Answer
	}
	return s
}

package managers

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// waits is an approval that nobody has answered yet.
type waits struct {
	Approval string    `json:"approval"`
	Expires  time.Time `json:"expires"`
	Cause    uuid.UUID `json:"cause"`
}

type approvalState struct {
	Workspace string  `json:"workspace,omitempty"`
	Run       string  `json:"run,omitempty"`
	Waits     []waits `json:"waits,omitempty"`
}

// approval lets approvals expire that nobody answers in time: the run goes on, and its agent is told so.
func approval() Manager[approvalState] {
	return Manager[approvalState]{
		Name: "approval", Version: 1, Key: ofRun, Opens: []string{"run.approval_asked"}, Follows: []string{"run.approval_answered"},
		Evolve: func(s approvalState, e *events.Envelope, fact events.Event) approvalState {
			switch f := fact.(type) {
			case events.RunApprovalAsked:
				s.Workspace, s.Run = e.Workspace, e.Correlation
				s.Waits = append(slices.Clip(s.Waits), waits{Approval: f.Approval, Expires: f.Expires, Cause: e.ID})
			case events.RunApprovalAnswered:
				s.Waits = slices.DeleteFunc(slices.Clone(s.Waits), func(w waits) bool { return w.Approval == f.Approval })
			}
			return s
		},
		Wants: func(s approvalState) (wants []Want) {
			for _, w := range s.Waits {
				wants = append(wants, Want{ID: w.Cause, At: w.Expires, Command: commands.AnswerApproval{
					Meta: meta("approval", w.Cause, 0, w.Expires, s.Workspace, s.Run), Run: s.Run, Approval: w.Approval, Answer: events.ApprovalExpired,
				}})
			}
			return wants
		},
		Over: func(s approvalState) bool { return len(s.Waits) == 0 },
	}
}

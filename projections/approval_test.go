package projections_test

import (
	"errors"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

func TestApprovalsAreFoundByWhatTheirIDBeginsWith(t *testing.T) {
	t.Parallel()
	m := folded(t,
		"run-r1", events.RunStarted{Run: "r1", Workflow: "w"},
		"run-r1", events.RunApprovalAsked{Approval: "aa1", Call: 0, Agent: "clerk", Tool: "pay", Arguments: "{}", Expires: minute(9)},
		"run-r1", events.RunApprovalAsked{Approval: "ab2", Call: 1, Agent: "clerk", Tool: "pay", Expires: minute(9)},
		"run-r1", events.RunApprovalAnswered{Approval: "aa1", Answer: events.ApprovalRejected, By: "user:anna", Note: "no"},
	)
	want := projections.ApprovalRow{
		Approval: "aa1", Status: "rejected", Run: "r1", Agent: "clerk", Tool: "pay", Arguments: "{}", AskedAt: minute(1), ExpiresAt: minute(9),
		AnsweredAt: minute(3), AnsweredBy: "user:anna", Note: "no", Position: 4,
	}
	for _, id := range []string{"aa1", "aa"} {
		if got, err := m.Approval(t.Context(), id); err != nil || got != want {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
	}
	if _, err := m.Approval(t.Context(), "a"); !errors.Is(err, projections.ErrAmbiguous) {
		t.Errorf("two begin so: %v", err)
	}
	for _, id := range []string{"", "b", "aa12"} {
		if got, err := m.Approval(t.Context(), id); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("%q: %+v, %v", id, got, err)
		}
	}
	damaged := folded(t, "run-r1", events.RunStarted{Run: "r1", Workflow: "w"}, "run-r1", events.RunApprovalAnswered{Approval: "aa1"})
	if parked, err := damaged.Parked(t.Context()); err != nil || len(parked) != 1 || parked[0].Projection != "approvals" {
		t.Errorf("an answer to nothing parks %+v, %v", parked, err)
	}
	if waiting, err := m.Approvals(t.Context(), projections.ApprovalAsked); err != nil || len(waiting) != 1 || waiting[0].Approval != "ab2" {
		t.Errorf("there wait %+v, %v", waiting, err)
	}
}

package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/web"
)

func TestApprovalsAreAnswered(t *testing.T) {
	t.Parallel()
	c := config(reader{}, &log{})
	var told []string
	c.Answer = func(_ context.Context, m commands.Meta, id string, answer events.ApprovalAnswer, by, note string) (projections.ApprovalRow, error) {
		if id != "aa1" {
			return projections.ApprovalRow{}, errRefused
		}
		told = append(told, strings.Join([]string{m.ID.String()[:8], string(answer), by, note}, " "))
		return projections.ApprovalRow{Approval: id, Status: string(answer), Run: "r1", Tool: "pay"}, nil
	}
	door := web.New(c)
	for _, tt := range []struct {
		path, body string
		code       int
		says       string
	}{
		{"/api/approvals/aa1/approve", `{"by":"user:anna","note":"go"}`, http.StatusOK, `"status":"granted","run":"r1","tool":"pay"`},
		{"/api/approvals/aa1/reject", `{"by":"user:anna"}`, http.StatusOK, `"status":"rejected"`},
		{"/api/approvals/aa1/approve", `{}`, http.StatusUnprocessableEntity, "by"},
		{"/api/approvals/no/approve", `{"by":"user:anna"}`, http.StatusUnprocessableEntity, errRefused.Error()},
	} {
		w := request(door, "POST", tt.path, tt.body)
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, w.Code, w.Body)
		}
	}
	// The same wish again is the same command.
	for range 2 {
		request(door, "POST", "/api/approvals/aa1/approve", `{"by":"user:bert"}`, "Idempotency-Key", "k")
	}
	if len(told) != 4 || !strings.HasSuffix(told[0], "granted user:anna go") || told[2] != told[3] {
		t.Errorf("told %q", told)
	}
}

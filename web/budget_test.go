package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/web"
)

func TestABudgetGetsAnotherLimit(t *testing.T) {
	t.Parallel()
	c := config(reader{}, &log{})
	var told []commands.SetBudget
	c.Dispatch = func(_ context.Context, cmds ...commands.Command) (commands.Receipt, error) {
		set := cmds[0].(commands.SetBudget) //nolint:forcetypeassert // nothing else is asked for
		if set.Budget == "none" {
			return commands.Receipt{}, errRefused
		}
		told = append(told, set)
		return commands.Receipt{Position: 7}, nil
	}
	door := web.New(c)
	for _, tt := range []struct {
		budget, body string
		code         int
		says         string
	}{
		{"agent:clerk", `{"limit_usd":"12.50","by":"user:anna"}`, http.StatusOK, `"budget":"agent:clerk","limit_usd":"12.50","position":7`},
		{"run:r1", `{"limit_tokens":900,"limit_seconds":7}`, http.StatusOK, `"limit_tokens":900,"limit_seconds":7`},
		{"agent:clerk", `{"limit_usd":"much"}`, http.StatusUnprocessableEntity, "body.limit_usd"},
		{"agent:clerk", `{}`, http.StatusUnprocessableEntity, "limit_usd"},
		{"goal:g1", `{"limit_usd":"2"}`, http.StatusUnprocessableEntity, "virtuous6 goals resume"},
		{"none", `{"limit_usd":"2"}`, http.StatusUnprocessableEntity, errRefused.Error()},
	} {
		w := request(door, "POST", "/api/budgets/"+tt.budget+"/limit", tt.body)
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s: %d %s", tt.budget, tt.body, w.Code, w.Body)
		}
	}
	if len(told) != 2 || told[1].Limits != (events.Resources{Tokens: 900, TimeMS: 7000}) || !told[1].AnyCost || told[0].Actor != "user:anna" || told[0].LimitNanos != 12_500_000_000 || told[0].Period != "" {
		t.Errorf("told %+v", told)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// approvalsVerb is the verb's own verbs. Without one it lists.
type approvalsVerb struct {
	List    approvalsListVerb    `cmd:"" default:"withargs" help:"List what waits for a person, or was decided."`
	Approve approvalsApproveVerb `cmd:"" help:"Let a call be made."`
	Reject  approvalsRejectVerb  `cmd:"" help:"Have a call not made."`
}

type approvalsListVerb struct {
	Status string `help:"Those that stand there: asked, granted, rejected, expired, withdrawn, or all." enum:"asked,granted,rejected,expired,withdrawn,all" default:"asked"`
	listFlags
}

// Help tells where they come from.
func (approvalsListVerb) Help() string {
	return "An agent that wants to call a tool that the policy lists under `ask_tools` waits for a person. Nothing else of its run happens meanwhile, " +
		"also over a restart. Nobody answers within `approve_within` (24h): then the call is refused as expired, and the run goes on.\n\nExamples:\n" +
		"  virtuous6 approvals\n  virtuous6 approvals --status all --json"
}

// Run lists approvals, the latest first.
func (v approvalsListVerb) Run(ctx context.Context, a *app) error {
	status := v.Status
	if status == "all" {
		status = ""
	}
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.ApprovalRow, error) {
		return reader.Approvals(ctx, status)
	}, func(rows []projections.ApprovalRow) error {
		if len(rows) == 0 {
			a.note("Nothing waits for a person.")
		}
		for _, r := range rows {
			fmt.Fprintf(a.out, "%s  %s: %s wants to call %s, of run %s\n  %s\n", r.Approval, r.Status, oneLine(r.Agent), oneLine(r.Tool), oneLine(r.Run), oneLine(r.Arguments))
			if r.Status == projections.ApprovalAsked {
				fmt.Fprintf(a.out, "  until %s\n", when(r.ExpiresAt))
			} else if r.AnsweredBy != "" {
				fmt.Fprintf(a.out, "  by %s at %s: %s\n", oneLine(r.AnsweredBy), when(r.AnsweredAt), orDash(short(r.Note, 200)))
			}
		}
		return nil
	})
}

type approvalsApproveVerb struct {
	ID   string `arg:"" name:"approval" help:"Its id, or only the beginning of it."`
	Note string `help:"Why."`
}

// Help tells what is approved.
func (approvalsApproveVerb) Help() string {
	return "For this very call with these arguments, and for no other one: `virtuous6 approvals` shows them whole.\n\nExample:\n  virtuous6 approvals approve 06aacbda"
}

// Run lets the call be made.
func (v approvalsApproveVerb) Run(ctx context.Context, a *app) error {
	return a.answerApproval(ctx, v.ID, events.ApprovalGranted, v.Note)
}

type approvalsRejectVerb struct {
	ID     string `arg:"" name:"approval" help:"Its id, or only the beginning of it."`
	Reason string `help:"Why: the agent is told."`
}

// Help gives an example.
func (approvalsRejectVerb) Help() string {
	return "The run goes on: its agent is told that the call was rejected, by whom and why.\n\nExample:\n  virtuous6 approvals reject 06aacbda --reason \"ask for a refund instead\""
}

// Run has the call not made.
func (v approvalsRejectVerb) Run(ctx context.Context, a *app) error {
	return a.answerApproval(ctx, v.ID, events.ApprovalRejected, v.Reason)
}

func (a *app) answerApproval(ctx context.Context, id string, answer events.ApprovalAnswer, note string) error {
	if _, err := a.readAll(ctx); err != nil {
		return err
	}
	row, err := a.runs().Answer(ctx, a.meta(""), id, answer, "user:"+a.config.user(), note)
	switch {
	case errors.Is(err, orchestrator.ErrNoApproval) || errors.Is(err, aggregates.ErrState) || errors.Is(err, aggregates.ErrEnded):
		return fmt.Errorf("%w: `virtuous6 approvals --status all` tells what became of each", err)
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s of %s is %s: run %s goes on where a server, or an ask, drives it.\n", oneLine(row.Tool), oneLine(row.Agent), answer, oneLine(row.Run))
	return err
}

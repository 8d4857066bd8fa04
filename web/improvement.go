package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type decideInput struct {
	Idempotency
	Improvement string `path:"improvement" maxLength:"200"`
	Body        struct {
		By   string `json:"by" minLength:"1" maxLength:"200" doc:"The person who decides, such as user:anna."`
		Note string `json:"note,omitempty" maxLength:"10000" doc:"Why."`
	}
}

type decided struct {
	Body struct {
		Improvement string              `json:"improvement"`
		Status      string              `json:"status"`
		Agent       string              `json:"agent,omitempty" doc:"The agent that was changed, for runs that start from now on but those that are held back."`
		Runbook     string              `json:"runbook,omitempty" doc:"The runbook that was changed, for goals that are planned by it from now on but those that are held back."`
		Version     int                 `json:"version,omitempty" doc:"Its version with the change."`
		Before      *events.AgentConfig `json:"before,omitempty" doc:"What it was made of before."`
		After       *events.AgentConfig `json:"after,omitempty" doc:"What it is made of."`
		TakeBack    string              `json:"take_back,omitempty" doc:"The route that takes the change back."`
		Yours       string              `json:"yours,omitempty" doc:"What is left for a person to do."`
	}
}

// decideImprovement registers the wishes to have a proposal made, or not.
func (d *door) decideImprovement(api huma.API) {
	errs := []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	huma.Register(api, huma.Operation{
		OperationID: "approve-improvement", Method: http.MethodPost, Path: "/api/improvements/{improvement}/approve",
		Summary: "Approve a proposal: a change of an agent is made at once, for runs that start from then on but those that are held back", MaxBodyBytes: maxBody, Errors: errs,
	}, func(ctx context.Context, in *decideInput) (*decided, error) {
		meta, err := d.decides(ctx, in, "approve")
		if err != nil {
			return nil, err
		}
		made, err := d.Improvements.Approve(ctx, commands.ApproveImprovement{Meta: meta, Improvement: in.Improvement, By: in.Body.By, Note: in.Body.Note})
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &decided{}
		out.Body.Improvement, out.Body.Status, out.Body.Yours = in.Improvement, projections.Approved, made.Change.Instruction
		if made.Done {
			out.Body.Status, out.Body.Agent, out.Body.Version, out.Body.Yours = projections.Applied, made.Agent, made.Version, ""
			if made.Change.Saves() {
				out.Body.Agent, out.Body.Runbook = "", made.Agent
			}
			if made.Change.Config != nil {
				out.Body.Before, out.Body.After = &made.From, &made.To
				out.Body.TakeBack = "/api/agents/" + made.Agent + "/rollback"
			}
		}
		return out, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "reject-improvement", Method: http.MethodPost, Path: "/api/improvements/{improvement}/reject",
		Summary: "Reject a proposal", MaxBodyBytes: maxBody, Errors: errs,
	}, func(ctx context.Context, in *decideInput) (*decided, error) {
		meta, err := d.decides(ctx, in, "reject")
		if err != nil {
			return nil, err
		}
		_, err = d.Dispatch(ctx, commands.RejectImprovement{Meta: meta, Improvement: in.Improvement, By: in.Body.By, Reason: in.Body.Note})
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &decided{}
		out.Body.Improvement, out.Body.Status = in.Improvement, projections.Rejected
		return out, nil
	})
}

func (d *door) decides(ctx context.Context, in *decideInput, how string) (commands.Meta, error) {
	if err := texts(named{"by", in.Body.By}, named{"note", in.Body.Note}); err != nil {
		return commands.Meta{}, err
	}
	switch row, err := projections.FindImprovement(ctx, d.own(ctx), in.Improvement); {
	case err == nil:
		in.Improvement = row.Improvement
	case !errors.Is(err, projections.ErrNotFound): // the read models may not know it yet
		return commands.Meta{}, d.problem(ctx, err)
	}
	_, id, err := d.ids(ctx, in.Key, how+"\x00"+in.Improvement, in.Body)
	return d.meta(ctx, id, ""), err
}

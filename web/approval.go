package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/events"
)

type answerApprovalInput struct {
	Idempotency
	Approval string `path:"approval" maxLength:"64"`
	Body     struct {
		By   string `json:"by" minLength:"1" maxLength:"200" doc:"The person who decides, such as user:anna."`
		Note string `json:"note,omitempty" maxLength:"10000" doc:"Why. An agent whose call is rejected is told."`
	}
}

type answeredApproval struct {
	Body struct {
		Approval string `json:"approval"`
		Status   string `json:"status"`
		Run      string `json:"run" doc:"The run that goes on."`
		Tool     string `json:"tool"`
	}
}

// answerApproval registers the wishes to have a call of a tool made, or not.
func (d *door) answerApproval(api huma.API) {
	for verb, answer := range map[string]events.ApprovalAnswer{"approve": events.ApprovalGranted, "reject": events.ApprovalRejected} {
		huma.Register(api, huma.Operation{
			OperationID: verb + "-approval", Method: http.MethodPost, Path: "/api/approvals/{approval}/" + verb,
			Summary: "Have a call of a tool that waits for a person " + map[string]string{"approve": "made", "reject": "not made"}[verb], MaxBodyBytes: maxBody,
			Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		}, func(ctx context.Context, in *answerApprovalInput) (*answeredApproval, error) {
			if err := texts(named{"by", in.Body.By}, named{"note", in.Body.Note}); err != nil {
				return nil, err
			}
			_, id, err := d.ids(ctx, in.Key, verb+"\x00"+in.Approval, in.Body)
			if err != nil {
				return nil, d.problem(ctx, err)
			}
			row, err := d.Answer(ctx, d.meta(ctx, id, ""), in.Approval, answer, in.Body.By, in.Body.Note)
			if err != nil {
				return nil, d.problem(ctx, err)
			}
			out := &answeredApproval{}
			out.Body.Approval, out.Body.Status, out.Body.Run, out.Body.Tool = row.Approval, row.Status, row.Run, row.Tool
			return out, nil
		})
	}
}

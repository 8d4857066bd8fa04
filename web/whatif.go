package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/answers"
)

// whatIf registers what a change would have done.
func (d *door) whatIf(api huma.API) {
	type input struct {
		Scope
		Change string   `path:"change" maxLength:"200" doc:"The change: the experiment that tried it, or the improvement that asks for it."`
		Task   []string `query:"task" maxItems:"100" doc:"Only these tasks get the change; all others go on as they are. Default: all get it."`
	}
	type answer struct {
		Told
		Body document[answers.WhatIf]
	}
	huma.Register(api, huma.Operation{
		OperationID: "what-if", Method: http.MethodGet, Path: "/api/whatif/{change}",
		Summary: "What a change would have done to all runs, from those that were drawn for it; unknown says why nothing is told",
		Errors:  []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
	}, func(ctx context.Context, in *input) (*answer, error) {
		past, err := d.at(ctx, in.scope())
		if err != nil {
			return nil, err
		}
		defer past.Done()
		q, err := answers.FindChange(ctx, past.Reader, in.Change)
		if errors.Is(err, answers.ErrNoTrial) {
			return nil, huma.Error422UnprocessableEntity(err.Error())
		}
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		q.Tasks = in.Task
		w, err := answers.TellWhatIf(ctx, past.Reader, q)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		return &answer{Told{past.Of}, document[answers.WhatIf]{w}}, nil
	})
}

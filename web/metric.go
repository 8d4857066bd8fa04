package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) metrics(api huma.API) {
	type input struct{ AsOf }
	type answer struct {
		Told
		Body document[projections.Report]
	}
	huma.Register(api, huma.Operation{
		OperationID: "metrics", Method: http.MethodGet, Path: "/api/metrics",
		Summary: "Figures of all runs, and by workflow, agent, model and tool",
		Errors:  []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
	}, func(ctx context.Context, in *input) (*answer, error) {
		past, err := d.at(ctx, in.asOf())
		if err != nil {
			return nil, err
		}
		defer past.Done()
		report, err := past.Report(ctx)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		return &answer{Told{past.Of}, document[projections.Report]{report}}, nil
	})
}

package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) metrics(api huma.API) {
	type input struct {
		Scope
		Since string `query:"since" format:"date" doc:"Only runs that ended on this UTC day or later, such as 2026-11-22."`
		Until string `query:"until" format:"date" doc:"Only runs that ended on this UTC day or before."`
	}
	type answer struct {
		Told
		Body document[projections.Report]
	}
	huma.Register(api, huma.Operation{
		OperationID: "metrics", Method: http.MethodGet, Path: "/api/metrics",
		Summary: "Figures of all runs, and by workflow, agent, model and tool",
		Errors:  []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
	}, func(ctx context.Context, in *input) (*answer, error) {
		past, err := d.at(ctx, in.scope())
		if err != nil {
			return nil, err
		}
		defer past.Done()
		report, err := past.Report(ctx, projections.MetricsFilter{Since: in.Since, Until: in.Until})
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		return &answer{Told{past.Of}, document[projections.Report]{report}}, nil
	})
}

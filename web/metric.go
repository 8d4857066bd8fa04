package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) metrics(api huma.API) {
	type answer struct{ Body document[projections.Report] }
	huma.Register(api, huma.Operation{
		OperationID: "metrics", Method: http.MethodGet, Path: "/api/metrics",
		Summary: "Figures of all runs, and by workflow, agent, model and tool",
		Errors:  []int{http.StatusServiceUnavailable, http.StatusGatewayTimeout},
	}, func(ctx context.Context, _ *struct{}) (*answer, error) {
		report, err := d.Reader.Report(ctx)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		return &answer{document[projections.Report]{report}}, nil
	})
}

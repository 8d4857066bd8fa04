package web

import (
	"context"
	"iter"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) costs(api huma.API) {
	list(d, api, "costs", "What models cost, by day, workflow, agent and model", func(ctx context.Context, r projections.Reader, _ Page) iter.Seq2[projections.CostRow, error] {
		return each(r.Costs(ctx))
	})
}

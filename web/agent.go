package web

import (
	"context"
	"iter"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) agents(api huma.API) {
	list(d, api, "agents", "Agents", func(ctx context.Context, r projections.Reader, _ Page) iter.Seq2[projections.AgentRow, error] {
		return each(r.Agents(ctx))
	})
}

package web

import (
	"context"
	"iter"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

type improvementsInput struct {
	Page
	Status string `query:"status" enum:"proposed,approved,rejected,applied,rolled_back,withdrawn" doc:"Only improvements that stand there."`
}

func (d *door) improvements(api huma.API) {
	list(d, api, "improvements", "Improvements with their evidence, the latest first", func(ctx context.Context, r projections.Reader, in improvementsInput) iter.Seq2[projections.ImprovementRow, error] {
		return each(r.Improvements(ctx, in.Status))
	})
}

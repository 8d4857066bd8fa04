package web

import (
	"context"
	"iter"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) goals(api huma.API) {
	list(d, api, "goals", "Goals with their tasks, the latest first", func(ctx context.Context, r projections.Reader, _ Page) iter.Seq2[projections.GoalRow, error] {
		return each(r.Goals(ctx))
	})
}

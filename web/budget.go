package web

import (
	"context"
	"iter"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) budgets(api huma.API) {
	list(d, api, "budgets", "Budgets", func(ctx context.Context, r projections.Reader, _ Page) iter.Seq2[projections.BudgetRow, error] {
		return each(r.Budgets(ctx))
	})
}

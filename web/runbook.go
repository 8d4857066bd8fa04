package web

import (
	"context"
	"iter"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) runbooks(api huma.API) {
	list(d, api, "runbooks", "Runbooks, each in its latest version", func(ctx context.Context, r projections.Reader, _ Page) iter.Seq2[projections.RunbookRow, error] {
		return each(r.Runbooks(ctx))
	})
}

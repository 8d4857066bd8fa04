package web

import (
	"context"
	"iter"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

func (d *door) parked(api huma.API) {
	list(d, api, "parked", "Streams that a read model could not read to their end", func(ctx context.Context, r projections.Reader, _ Page) iter.Seq2[readmodel.ParkedRow, error] {
		return each(r.Parked(ctx))
	})
}

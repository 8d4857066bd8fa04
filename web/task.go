package web

import (
	"context"
	"iter"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) tasks(api huma.API) {
	list(d, api, "tasks", "Tasks, and how the runs that tried them ended", func(ctx context.Context, r projections.Reader, _ Page) iter.Seq2[projections.TaskRow, error] {
		return each(r.Tasks(ctx))
	})
}

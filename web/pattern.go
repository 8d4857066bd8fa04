package web

import (
	"context"
	"iter"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

type patternsInput struct {
	Page
	Kind     string `query:"kind" enum:"variant,follows" default:"variant" doc:"Whole step sequences of runs, or one step coming directly after another."`
	Workflow string `query:"workflow" doc:"Only patterns of this workflow."`
}

func (d *door) patterns(api huma.API) {
	list(d, api, "patterns", "Patterns by workflow, the most frequent first", func(ctx context.Context, r projections.Reader, in patternsInput) iter.Seq2[projections.PatternRow, error] {
		return r.Patterns(ctx, projections.PatternKind(in.Kind), in.Workflow, in.Limit+1)
	})
}

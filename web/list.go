package web

import (
	"context"
	"iter"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

// maxLimit is the greatest limit of a Page.
const maxLimit = 10_000

// Page bounds a list. Lists embed it in their input; it is exported because huma skips what is not.
type Page struct {
	AsOf
	Limit int `query:"limit" minimum:"1" maximum:"10000" default:"100" doc:"The greatest number of rows."`
}

func (p Page) limit() int { return p.Limit }

// listed is the answer of a list: a JSON array, and in a header whether there was more.
type listed[T any] struct {
	Told
	More string `header:"Virtuous6-More" doc:"\"true\" where the limit left rows out."`
	Body rows[T]
}

// list registers a route that reads rows up to the limit. It asks for one more, to know whether there is more.
func list[I interface {
	limit() int
	asOf() string
}, T any](d *door, api huma.API, noun, summary string, read func(context.Context, projections.Reader, I) iter.Seq2[T, error]) {
	huma.Register(api, huma.Operation{
		OperationID: "list-" + noun,
		Method:      http.MethodGet,
		Path:        "/api/" + noun,
		Summary:     summary,
		Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
	}, func(ctx context.Context, in *I) (*listed[T], error) {
		return listing(ctx, d, (*in).asOf(), (*in).limit(), func(r projections.Reader) iter.Seq2[T, error] { return read(ctx, r, *in) })
	})
}

// listing answers with rows up to the limit. There is more where read yields more.
func listing[T any](ctx context.Context, d *door, asOf string, limit int, read func(projections.Reader) iter.Seq2[T, error]) (*listed[T], error) {
	past, err := d.at(ctx, asOf)
	if err != nil {
		return nil, err
	}
	defer past.Done()
	out := &listed[T]{Told: Told{past.Of}, Body: rows[T]{}}
	for row, err := range read(past) {
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		if len(out.Body) == limit {
			out.More = "true"
			break
		}
		out.Body = append(out.Body, row)
	}
	return out, nil
}

// each yields what a read returned as a whole.
func each[T any](rows []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

package web

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/projections"
)

// maxLimit is the greatest limit of a Page.
const maxLimit = 10_000

// Page bounds a list. Lists embed it in their input; it is exported because huma skips what is not.
type Page struct {
	Scope
	Limit int `query:"limit" minimum:"1" maximum:"10000" default:"100" doc:"The greatest number of rows."`
}

func (p Page) limit() int { return p.Limit }

// listed is the answer of a list: a JSON array, and in a header whether there was more.
type listed[T any] struct {
	Told
	More string `header:"Virtuous6-More" doc:"\"true\" where the limit left rows out."`
	Body rows[T]
}

// rows is a JSON array of rows, written one by one as they are read: a list of all runs never is in memory.
type rows[T any] struct{ *spool }

// Schema describes the array.
func (rows[T]) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: shape[T]()}
}

// fill writes rows up to a limit, and tells whether there are more.
func (r rows[T]) fill(from iter.Seq2[T, error], limit int) (more bool, err error) {
	encoder := json.NewEncoder(r)
	encoder.SetEscapeHTML(false)
	n, between := 0, "["
	for row, err := range from {
		if err != nil {
			return false, err
		}
		if n == limit {
			more = true
			break
		}
		if _, err := io.WriteString(r, between); err != nil {
			return false, err
		}
		// What writes its own JSON is taken as it is: an encoder would check it and copy it.
		if own, ok := any(row).(json.Marshaler); ok {
			b, err := own.MarshalJSON()
			if err == nil {
				_, err = r.Write(append(b, '\n'))
			}
			if err != nil {
				return false, err
			}
		} else if err := encoder.Encode(row); err != nil {
			return false, err
		}
		n, between = n+1, ","
	}
	end := "]\n"
	if n == 0 {
		end = "[]\n"
	}
	_, err = io.WriteString(r, end)
	return more, err
}

// rowsUpTo writes rows up to a limit, and tells whether there are more.
func rowsUpTo[T any](d *door, from iter.Seq2[T, error], limit int) (r rows[T], more bool, err error) {
	r = rows[T]{&spool{room: &d.room}}
	if more, err = r.fill(from, limit); err != nil {
		r.close()
	}
	return r, more, err
}

// take hands over what was written, and lets go of it.
func (r rows[T]) take(w io.Writer) error {
	defer r.close()
	return r.copyTo(w)
}

// format is huma's JSON, but for rows, which are JSON already.
func format() huma.Format {
	f := huma.DefaultJSONFormat
	f.Marshal = func(w io.Writer, v any) error {
		if rows, ok := v.(interface{ take(io.Writer) error }); ok {
			return rows.take(w)
		}
		return huma.DefaultJSONFormat.Marshal(w, v)
	}
	return f
}

// list registers a route that reads rows up to the limit. It asks for one more, to know whether there is more.
func list[I interface {
	limit() int
	scope() Scope
}, T any](d *door, api huma.API, noun, summary string, read func(context.Context, projections.Reader, I) iter.Seq2[T, error]) {
	huma.Register(api, huma.Operation{
		OperationID: "list-" + noun,
		Method:      http.MethodGet,
		Path:        "/api/" + noun,
		Summary:     summary,
		Errors:      []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
	}, func(ctx context.Context, in *I) (*listed[T], error) {
		return listing(ctx, d, (*in).scope(), (*in).limit(), func(r projections.Reader) iter.Seq2[T, error] { return read(ctx, r, *in) })
	})
}

// listing answers with rows up to the limit. There is more where read yields more.
func listing[T any](ctx context.Context, d *door, s Scope, limit int, read func(projections.Reader) iter.Seq2[T, error]) (*listed[T], error) {
	past, err := d.at(ctx, s)
	if err != nil {
		return nil, err
	}
	defer past.Done()
	body, more, err := rowsUpTo(d, read(past), limit)
	if err != nil {
		return nil, d.problem(ctx, err)
	}
	out := &listed[T]{Told: Told{past.Of}, Body: body}
	if more {
		out.More = "true"
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

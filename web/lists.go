package web

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// listInput takes what the filters of any list are asked for.
type listInput struct {
	Page
	query url.Values
}

// Resolve implements huma.Resolver.
func (in *listInput) Resolve(c huma.Context) []error {
	u := c.URL()
	in.query = u.Query()
	return nil
}

// lists registers the lists that projections show.
func (d *door) lists(api huma.API) {
	for _, l := range projections.Lists() {
		d.list(api, l)
	}
}

func (d *door) list(api huma.API, l readmodel.List) {
	op := huma.Operation{
		OperationID: "list-" + l.Name, Method: http.MethodGet, Path: "/api/" + l.Name, Summary: l.Help,
		Errors: []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: huma.TypeArray, Items: shapeOf(sampleOf(l))}},
		}}},
		// huma knows the parameters of a Go type alone: wanted checks them.
		SkipValidateParams: true,
	}
	for _, f := range l.Filters {
		s := &huma.Schema{Type: huma.TypeString}
		for _, v := range f.Values {
			s.Enum = append(s.Enum, v)
		}
		op.Parameters = append(op.Parameters, &huma.Param{Name: f.Column, In: "query", Description: f.Help, Schema: s})
	}
	huma.Register(api, op, func(ctx context.Context, in *listInput) (*listed[readmodel.Line], error) {
		where, err := in.wanted(l)
		if err != nil {
			return nil, err
		}
		return listing(ctx, d, in.scope(), in.Limit, func(r projections.Reader) iter.Seq2[readmodel.Line, error] {
			return r.List(ctx, l, where, in.Limit+1)
		})
	})
}

// sampleOf gives a line of a list, filled as fill fills a row.
func sampleOf(l readmodel.List) func(depth int, leaves bool) any {
	return func(depth int, leaves bool) any {
		row, line := l.Sample()
		fill(reflect.ValueOf(row).Elem(), depth, leaves)
		return line()
	}
}

// wanted are the values of the filters, and checks all that is asked for.
func (in *listInput) wanted(l readmodel.List) (map[string]string, error) {
	var wrong []error
	refuse := func(key, message string, value any) {
		wrong = append(wrong, &huma.ErrorDetail{Location: "query." + key, Message: message, Value: value})
	}
	if in.Limit < 1 {
		refuse("limit", "expected number >= 1", in.Limit)
	} else if in.Limit > maxLimit {
		refuse("limit", fmt.Sprintf("expected number <= %d", maxLimit), in.Limit)
	}
	if len(in.AsOf) > 64 {
		refuse("as_of", "expected length <= 64", clip(in.AsOf))
	}
	if len(in.Workspace) > events.MaxWorkspace {
		refuse("workspace", fmt.Sprintf("expected length <= %d", events.MaxWorkspace), clip(in.Workspace))
	}
	where := make(map[string]string)
	for key := range in.query {
		value := in.query.Get(key)
		i := slices.IndexFunc(l.Filters, func(f readmodel.Filter) bool { return f.Column == key })
		switch {
		case key == "limit" || key == "as_of" || key == "workspace":
		case i < 0:
			refuse(key, "unknown query parameter", "")
		case value != "" && l.Filters[i].Values != nil && !slices.Contains(l.Filters[i].Values, value):
			refuse(key, `expected value to be one of "`+strings.Join(l.Filters[i].Values, ", ")+`"`, clip(value))
		default:
			where[key] = value
		}
	}
	if wrong != nil {
		return nil, huma.Error422UnprocessableEntity("validation failed", wrong...)
	}
	return where, nil
}

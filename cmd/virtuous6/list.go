package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

type listVerb struct {
	Name  string            `arg:"" optional:"" help:"The list, such as costs. Default: tells which ones there are."`
	Where map[string]string `placeholder:"COLUMN=VALUE" help:"Only the rows in which a column has a value. Repeat it for more columns."`
	Limit *count            `placeholder:"N" help:"Rows, 0 for all. Default: 20, and all with --json."`
	JSON  bool              `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives examples.
func (listVerb) Help() string {
	return "What /api/NAME answers. docs/readmodels.md has the lists and their columns.\n\nExamples:\n  virtuous6 list\n  virtuous6 list costs --where model=gpt-6-luna\n  virtuous6 list improvements --where status=applied --json"
}

// Run prints the lists that there are, or one of them.
func (v listVerb) Run(ctx context.Context, a *app) error {
	lists := projections.Lists()
	if v.Name == "" {
		return v.names(a, lists)
	}
	i := slices.IndexFunc(lists, func(l readmodel.List) bool { return l.Name == v.Name })
	if i < 0 {
		return usage("there is no list %q: `virtuous6 list` tells which ones there are", v.Name)
	}
	l := lists[i]
	for column, value := range v.Where {
		at := slices.IndexFunc(l.Filters, func(f readmodel.Filter) bool { return f.Column == column })
		if at < 0 {
			return usage("--where %s: %s can be narrowed by %s", column, l.Name, orNone(l.Filters))
		}
		if known := l.Filters[at].Values; known != nil && !slices.Contains(known, value) {
			return usage("--where %s=%s: it is one of %s", column, value, strings.Join(known, ", "))
		}
	}
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	rows, err := readmodel.Collect(reader.List(ctx, l, v.Where, int(rows(v.Limit, v.JSON, 20))))
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(limited(rows, 0))
	}
	return table(a.out, strings.ToUpper(strings.Join(l.Keys, "|")), func(row func(...any)) {
		for _, r := range rows {
			cells := make([]any, len(r.Values))
			for i, v := range r.Values {
				cells[i] = cell(v)
			}
			row(cells...)
		}
	})
}

func (v listVerb) names(a *app, lists []readmodel.List) error {
	if v.JSON {
		names := make([]string, len(lists))
		for i, l := range lists {
			names[i] = l.Name
		}
		return a.json(names)
	}
	return table(a.out, "LIST|SHOWS|NARROWED BY", func(row func(...any)) {
		for _, l := range lists {
			row(l.Name, l.Help, orNone(l.Filters))
		}
	})
}

// orNone names filters.
func orNone(filters []readmodel.Filter) string {
	if len(filters) == 0 {
		return "nothing"
	}
	names := make([]string, len(filters))
	for i, f := range filters {
		names[i] = f.Column
	}
	return strings.Join(names, ", ")
}

// cell is a value of a line as a person reads it.
func cell(v any) string {
	switch v := v.(type) {
	case string:
		return orDash(short(v, 40))
	case time.Time:
		return when(v)
	}
	b, err := json.Marshal(v)
	if err != nil || string(b) == "null" {
		return "-"
	}
	return short(string(b), 40)
}

package main

import (
	"context"

	"github.com/virtuous6/virtuous6/projections"
)

// listFlags are those of every verb that lists the rows of a read model.
type listFlags struct {
	JSON  bool  `name:"json" help:"Print one JSON value."`
	Limit count `placeholder:"N" help:"Rows, 0 for all." default:"0"`
	pastFlag
}

// list reads rows as of the moment that is asked for, and prints them as JSON or as show does.
func list[R any](ctx context.Context, a *app, f listFlags, read func(projections.Reader) ([]R, error), show func([]R) error) error {
	reader, err := a.readAt(ctx, f.pastFlag)
	if err != nil {
		return err
	}
	rows, err := read(reader)
	if err != nil {
		return err
	}
	rows = limited(rows, f.Limit)
	if f.JSON {
		return a.json(rows)
	}
	return show(rows)
}

// limited is the beginning of a list, of n rows where n is not 0. It is never nil: JSON has a list of nothing.
func limited[T any](list []T, n count) []T {
	if list == nil {
		return []T{}
	}
	if n > 0 && len(list) > int(n) {
		return list[:n]
	}
	return list
}
